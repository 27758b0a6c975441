"""One plant of a species: its own numbers, and its colours on a day of the year."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
from numpy import ndarray
from numpy.random import Generator

from plantlab.greenhouse.colours import rgb
from plantlab.greenhouse.flora import COLOURS, NUMBERS

EYES = [  # hue, saturation and value of anthers and of patterns on petals
    (0.13, 0.9, 0.9),
    (0.09, 0.85, 0.75),
    (0.05, 0.7, 0.35),
    (0.95, 0.7, 0.45),
]
RIPE_HUES = [0.0, 0.97, 0.06, 0.1, 0.24, 0.67, 0.76, 0.93]
AUTUMN = 265  # the day of the year after which leaves of woody plants turn


def individual(species: pd.Series, seed: int, day: int) -> SimpleNamespace:
    """Return one plant: the traits of its species, departed from a little, and its own colours.

    These are those of the `day` of the year.
    """
    rng = np.random.default_rng(seed)
    plant = SimpleNamespace(**species)
    plant.n_petals = int(plant.n_petals)
    for name in NUMBERS:
        number = getattr(plant, name) + rng.normal(0, 0.05)
        setattr(plant, name, float(np.clip(number, 0, 1)))
    plant.flower_rgb = _flower_colour(plant, rng)
    plant.eye_rgb = rgb(*EYES[int(plant.veins * 3.99)])
    plant.eye_pale = plant.gloss > 0.5
    plant.leaf_rgb = _leaf_colour(plant, rng)
    if plant.habit != "herb" and day > AUTUMN:
        hue = rng.uniform(0.02, 0.15)
        plant.leaf_rgb = rgb(hue, 0.75, rng.uniform(0.5, 0.8))
    plant.fruit_rgb = _fruit_colour(plant, rng)
    plant.bark_rgb = _bark_colour(plant, rng)
    plant.blemish = rng.random() ** 2
    plant.diameter = _flower_diameter(plant.flower_size)
    plant.blade = 0.55 + 0.75 * plant.leaf_size
    return plant


def _flower_colour(plant: SimpleNamespace, rng: Generator) -> ndarray:
    """Return the colour of its petals; one plant in ten is of a neighbouring colour."""
    names = list(COLOURS)
    morph = plant.flower_colour
    if rng.random() >= 0.9:
        neighbour = names.index(morph) + rng.choice([-1, 1])
        morph = names[neighbour % len(names)]
    hue, saturation, value = COLOURS[morph]
    return rgb(
        hue + rng.normal(0, 0.018),
        saturation * rng.uniform(0.75, 1.1),
        value * rng.uniform(0.85, 1.03),
    )


def _leaf_colour(plant: SimpleNamespace, rng: Generator) -> ndarray:
    hue = 0.2 + 0.14 * plant.leaf_tone + rng.normal(0, 0.012)
    saturation = rng.uniform(0.5, 0.75) - 0.2 * plant.leaf_tone
    return rgb(hue, saturation, rng.uniform(0.38, 0.6))


def _fruit_colour(plant: SimpleNamespace, rng: Generator) -> ndarray:
    """Return the colour of its ripe fruits; blue and black ones are darker."""
    hue = RIPE_HUES[int(plant.fruit_hue * 7.99)]
    value = 0.75 - 0.45 * (plant.fruit_hue > 0.62)
    return rgb(hue, 0.8, value) * rng.uniform(0.85, 1.1)


def _bark_colour(plant: SimpleNamespace, rng: Generator) -> ndarray:
    tone = plant.bark_tone
    hue = 0.07 + 0.03 * tone
    saturation = 0.2 + 0.25 * tone
    return rgb(hue, saturation, rng.uniform(0.4, 0.65) - 0.2 * tone)


def _flower_diameter(flower_size: float) -> float:
    if flower_size > 0.15:
        return 0.22 + 0.75 * flower_size
    return 0.1 + 0.6 * flower_size
