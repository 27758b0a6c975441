"""The birds: invented species, each with syllables, a tempo and a way to order them."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

# From sound engineering, not from ornithology: no recording can pass for one of a real bird.
GENERA = "Oscilla Vocodra Sampla Resona Phasora Aliasa Gainula Filtra Echona Decibella".split()
EPITHETS = """
    modulata sinusoidalis harmonica quadrata tremolata stereophonica reverberata quantisata
    filtrata synthetica digitalis analogica compressa rectificata
""".split()
MOST_SPECIES = len(GENERA) * len(EPITHETS)


@dataclass(frozen=True)
class Syllable:
    """A sound between two breaths: its pitch in hertz as it goes, its length, its colour.

    `bend` bows the way from `start` to `end`; `warble` is how far pitch swings around it, `rate`
    how often a second; `harmonics` are the loudness of the tone and of its multiples.
    """

    start: float
    end: float
    bend: float
    warble: float
    rate: float
    seconds: float
    harmonics: tuple[float, ...]


@dataclass(frozen=True)
class Bird:
    """A species: its syllables, and how it strings them."""

    species: str
    genus: str
    syllables: tuple[Syllable, ...]
    repeats: float  # how often a syllable comes before the next, on average
    gap: float  # seconds between syllables
    pause: float  # seconds between phrases
    phrase: int  # different syllables in a phrase


def hatch(n_species: int = 12, seed: int = 0) -> list[Bird]:
    """Return invented birds; those of a genus sing in the same range and with the same colour.

    >>> [bird.species for bird in hatch(2)] == [bird.species for bird in hatch(2)]
    True

    Raises:
        ValueError: fewer than 2 or more than 140 species.
    """
    if not 2 <= n_species <= MOST_SPECIES:
        raise ValueError(f"n_species must be from 2 to {MOST_SPECIES}, such as 12; got {n_species}")
    rng = np.random.default_rng([seed, 7])
    n_genera = min(len(GENERA), -(-n_species // 2))
    genera = rng.permutation(GENERA)[:n_genera]
    middles = 1000 * 2 ** rng.uniform(1.0, 2.6, n_genera)  # 2 to 6 kHz
    colours = [_colour(rng) for _ in genera]
    epithets = [rng.permutation(EPITHETS) for _ in genera]
    birds = []
    for number in range(n_species):
        genus = number % n_genera
        epithet = epithets[genus][number // n_genera]
        birds.append(_bird(genera[genus], epithet, middles[genus], colours[genus], rng))
    return sorted(birds, key=lambda bird: bird.species)


def _colour(rng: Generator) -> tuple[float, ...]:
    """Return how loud a tone and its first multiples are, pure to nasal."""
    fall = rng.uniform(0.05, 0.6)
    loudness = fall ** np.arange(4)
    return tuple(loudness.round(3).tolist())


def _bird(
    genus: str, epithet: str, middle: float, colour: tuple[float, ...], rng: Generator
) -> Bird:
    n_syllables = int(rng.integers(3, 6))
    syllables = [_syllable(middle, colour, rng) for _ in range(n_syllables)]
    return Bird(
        species=f"{genus} {epithet}",
        genus=str(genus),
        syllables=tuple(syllables),
        repeats=float(rng.choice([1.0, 1.5, 3.0, 6.0])),
        gap=float(rng.uniform(0.02, 0.12)),
        pause=float(rng.uniform(0.3, 1.0)),
        phrase=int(rng.integers(2, n_syllables + 1)),
    )


def _syllable(middle: float, colour: tuple[float, ...], rng: Generator) -> Syllable:
    ends = middle * 2 ** rng.normal(0, 0.3, 2)
    low, high = np.clip(ends, 1200, 7200)
    swings = rng.random() < 0.35
    return Syllable(
        start=float(low),
        end=float(high),
        bend=float(rng.normal(0, 0.25)),
        warble=float(rng.uniform(0.03, 0.1)) if swings else 0.0,
        rate=float(rng.uniform(15, 45)),
        seconds=float(rng.uniform(0.05, 0.22)),
        harmonics=colour,
    )
