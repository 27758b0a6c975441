"""The flora: families, genera and species with inherited traits, under invented names."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy import ndarray
from numpy.random import Generator

# From computing, not from botany: nobody will take a record of "Pixelia simulata" for one of a
# real plant.
STEMS = """
    Pixel Voxel Raster Kernel Bitmap Matrix Codec Glitch Dither Shader Fractal Loop Array Stack
    Debug Epoch Gradient Batch Sigmoid Datum Histogram Spline Quantum Buffer Cache Cursor Daemon
    Parser Render Tensor Token Widget Byte Modem Router Proxy Script Syntax Thread Turtle Lambda
    Opcode Kilobyt Checksum Boolean Hash Heap Iterat Joystick Logit
""".split()
EPITHETS = """
    simulata ficta recursiva binaria iterata stochastica algorithmica virtualis interpolata
    compilata numerica aleatoria fractalis logarithmica modularis parametrica polygonalis
    procedurata programmata quantisata randomata generata sparsa vectorialis pixelata synthetica
    tabulata textualis transposita indexata iterabilis cachetata
""".split()
GENUS_ENDINGS = ["ia", "ella", "aria", "ula", "ora", "inia", "issa"]  # one for each 50 genera
# What each kind of family holds to, the possible values of a trait parted by spaces; a genus takes
# one of them.
FAMILIES = pd.read_csv(Path(__file__).with_name("families.csv"), dtype=str)
FREE = {  # traits that no family holds to
    "margin": ["entire", "serrate", "dentate", "crenate", "undulate"],
    "pattern": ["plain", "veined", "eyed", "edged", "spotted"],
    "bark": ["smooth", "furrowed", "plated", "scaly", "peeling"],
}
CATEGORIES = [*FAMILIES.columns[:-1], *FREE]
SHAPE = """
    leaf_shape division margin petal_shape pattern inflorescence n_petals phyllotaxis bark
""".split()
NUMBERS = """
    petal_ratio petal_cup petal_curl flower_size stamens leaf_ratio leaf_size teeth veins gloss
    leaf_tone fruit_ratio fruit_hue bark_tone bark_grain branching height
""".split()  # each from 0 to 1
COLOURS = {  # hue, saturation and value of a petal in even light
    "white": (0.15, 0.05, 0.97),
    "cream": (0.13, 0.28, 0.96),
    "yellow": (0.14, 0.88, 0.97),
    "orange": (0.08, 0.9, 0.96),
    "red": (0.99, 0.86, 0.82),
    "pink": (0.94, 0.42, 0.95),
    "magenta": (0.88, 0.75, 0.82),
    "violet": (0.76, 0.55, 0.78),
    "blue": (0.64, 0.62, 0.86),
}
MIN_DIFFERENCES = 4  # traits of shape in which two sisters differ


@dataclass
class Genus:
    """A genus to be: what its species share, and what they may depart to."""

    name: str
    family: str
    traits: dict[str, str]
    choices: dict[str, list[str]]  # the values that the family allows each trait
    numbers: ndarray  # its mean of each of the `NUMBERS`
    tiny_flowers: bool
    month: float  # in which it begins to flower
    place: ndarray  # latitude and longitude


def grow_flora(n_species: int = 30, seed: int = 0) -> pd.DataFrame:
    """Return one row a species: taxonomy, traits, season and range.

    The season is `first_flower`, a day of the year, and `weeks`. Traits are inherited: a family
    holds to its syndrome, a genus draws from it, a species departs from its genus in a few. Sister
    species differ in four traits of shape or more, but mostly share their colours, so that a
    colour histogram cannot tell them apart. Ranges lie in the open North Atlantic: no record can
    pass for a real one.

    >>> grow_flora(4)[["corolla", "genus", "species_id"]].nunique().tolist()
    [1, 1, 4]

    Raises:
        ValueError: `n_species` below 2 or above 1,000.
    """
    if not 2 <= n_species <= 1000:
        raise ValueError(f"n_species must be from 2 to 1000, such as 30; got {n_species}")
    rng = np.random.default_rng([seed, 1])
    n_genera = max(1, n_species // 3)
    n_families = min(50, max(1, round(0.7 * n_genera)))
    stems = rng.permutation(STEMS)
    syndromes = rng.permutation(len(FAMILIES))
    centres = rng.random((n_families, len(NUMBERS)))
    rows = []
    for g in range(n_genera):
        family = g % n_families
        genus = _grow_genus(
            name=stems[g % 50] + GENUS_ENDINGS[g // 50],
            family=stems[family] + "aceae",
            syndrome=FAMILIES.iloc[syndromes[family % len(syndromes)]],
            centre=centres[family],
            rng=rng,
        )
        n_sisters = len(range(g, n_species, n_genera))
        rows += _grow_species(genus, n_sisters, rng)
    flora = pd.DataFrame(rows)
    flora = flora.sort_values(["family", "genus", "species"], ignore_index=True)
    flora.insert(3, "species_id", [str(100001 + i) for i in range(n_species)])
    flora.attrs["seed"] = seed
    return flora


def _grow_genus(
    name: str, family: str, syndrome: pd.Series, centre: ndarray, rng: Generator
) -> Genus:
    """Return a genus whose numbers lie near the `centre` of its family."""
    choices = syndrome.str.split().to_dict() | FREE
    tiny_flowers = choices.pop("flower_size") == ["tiny"]
    return Genus(
        name=name,
        family=family,
        choices=choices,
        tiny_flowers=tiny_flowers,
        traits={trait: _one_of(values, rng) for trait, values in choices.items()},
        numbers=np.clip(centre + rng.normal(0, 0.15, len(NUMBERS)), 0, 1),
        month=rng.uniform(4, 8),
        place=rng.uniform([42, -40], [48, -30]),
    )


def _one_of(values: list[str], rng: Generator) -> str:
    return values[rng.integers(len(values))]


def _grow_species(genus: Genus, n_sisters: int, rng: Generator) -> list[dict]:
    """Return the rows of all species of a genus."""
    rows: list[dict] = []
    sisters: list[dict] = []
    for epithet in rng.choice(EPITHETS, n_sisters, replace=False):
        traits = _depart(genus, sisters, rng)
        sisters.append(traits)
        numbers = _own_numbers(genus, rng)
        place = genus.place + rng.normal(0, [0.8, 1.2])
        latitude, longitude = place.round(2).tolist()
        row = {"species": f"{genus.name} {epithet}", "genus": genus.name, "family": genus.family}
        row |= traits
        row |= numbers
        row["n_petals"] = int(row["n_petals"])
        if row["habit"] == "herb":
            row["bark"] = ""
        month = np.clip(genus.month + rng.normal(0, 0.7), 3, 9)
        row["first_flower"] = int(30.4 * month)
        row["weeks"] = int(rng.integers(5, 11))
        row["latitude"] = latitude
        row["longitude"] = longitude
        row["range_km"] = int(rng.integers(40, 200))
        rows.append(row)
    return rows


def _own_numbers(genus: Genus, rng: Generator) -> dict[str, float]:
    """Return the numbers of a species; tones and gloss stay nearest to those of its genus."""
    held = ("tone", "gloss")
    deviations = [0.08 if name.endswith(held) else 0.3 for name in NUMBERS]
    values = genus.numbers + rng.normal(0, deviations)
    values = np.clip(values, 0, 1).round(3)
    numbers = dict(zip(NUMBERS, values.tolist()))
    size = 0.15 if genus.tiny_flowers else 1
    numbers["flower_size"] = round(numbers["flower_size"] * size, 3)
    return numbers


def _depart(genus: Genus, sisters: list[dict], rng: Generator) -> dict[str, str]:
    """Return the traits of a species of `genus`, apart from those of each of its `sisters`.

    The rate of departure rises until it is far enough from them all.
    """
    seen = list(SHAPE)
    if genus.traits["habit"] == "herb":
        seen.remove("bark")
    for rate in np.linspace(0.5, 1, 200):
        traits = dict(genus.traits)
        for trait, values in genus.choices.items():
            if trait in SHAPE and rng.random() < rate:
                traits[trait] = _one_of(values, rng)
        differences = [_n_different(traits, sister, seen) for sister in sisters]
        if all(n >= MIN_DIFFERENCES for n in differences):
            break
    if rng.random() < 0.35:
        traits["flower_colour"] = str(rng.choice(genus.choices["flower_colour"]))
    return traits


def _n_different(traits: dict[str, str], sister: dict[str, str], seen: list[str]) -> int:
    """Return in how many of the traits that can be seen two species differ."""
    return sum(traits[trait] != sister[trait] for trait in seen)
