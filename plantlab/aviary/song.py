"""A song: what one bird of a species sings, as a sound."""

import numpy as np
from numpy import ndarray, pi
from numpy.random import Generator

from plantlab.aviary.birds import Bird, Syllable

RATE = 16_000  # samples a second
ATTACK = 0.008  # seconds in which a syllable swells


def sing(bird: Bird, individual: int, rng: Generator, seconds: float = 6.0) -> ndarray:
    """Return what a bird sings in so many seconds, (samples,), its loudest syllable about 1.

    An individual keeps its own pitch, tempo and share of the repertoire; each song is another.
    """
    own = np.random.default_rng(individual)
    pitch = 2 ** own.normal(0, 0.05)
    tempo = 2 ** own.normal(0, 0.12)
    n_known = max(2, len(bird.syllables) - int(own.integers(0, 2)))
    known = [bird.syllables[k] for k in sorted(own.permutation(len(bird.syllables))[:n_known])]
    sound = np.zeros(round(seconds * RATE))
    at = rng.uniform(0, bird.pause)
    while at < seconds:
        for syllable in _phrase(bird, known, rng):
            wave = _tone(syllable, pitch, tempo, rng)
            at = _put(sound, wave, at) + bird.gap / tempo
        at += bird.pause * rng.uniform(0.6, 1.6)
    return sound


def _phrase(bird: Bird, known: list[Syllable], rng: Generator) -> list[Syllable]:
    """Return the syllables of a phrase: some of those known, in their order, each repeated."""
    n_chosen = min(bird.phrase, len(known))
    chosen = np.sort(rng.choice(len(known), n_chosen, replace=False))
    phrase = []
    for k in chosen:
        n_times = 1 + rng.poisson(bird.repeats - 1)
        phrase += [known[k]] * n_times
    return phrase


def _put(sound: ndarray, wave: ndarray, at: float) -> float:
    """Add a wave to a sound at a second; return when it ends."""
    first = round(at * RATE)
    fits = sound[first : first + len(wave)]
    fits += wave[: len(fits)]
    return at + len(wave) / RATE


def _tone(syllable: Syllable, pitch: float, tempo: float, rng: Generator) -> ndarray:
    """Return the sound of a syllable, a little otherwise each time."""
    seconds = syllable.seconds / tempo * rng.uniform(0.9, 1.1)
    n_samples = max(16, round(seconds * RATE))
    way = np.linspace(0, 1, n_samples)
    bow = 1 + syllable.bend * 4 * way * (1 - way)
    swing = 1 + syllable.warble * np.sin(2 * pi * syllable.rate * way * seconds)
    hertz = syllable.start * (syllable.end / syllable.start) ** way * bow * swing
    hertz *= pitch * rng.uniform(0.98, 1.02)
    phase = 2 * pi * np.cumsum(hertz) / RATE
    sound = np.zeros(n_samples)
    for number, loudness in enumerate(syllable.harmonics, 1):
        audible = number * hertz < 0.95 * RATE / 2  # none above what the recorder can hold
        sound += loudness * audible * np.sin(number * phase)
    swell = np.minimum(way, 1 - way) * seconds / ATTACK
    return sound * np.clip(swell, 0, 1) * rng.uniform(0.6, 1.0)
