"""Petals: outline, cup, ruffle and pattern."""

from types import SimpleNamespace

import numpy as np
from numpy import cos, exp, ndarray, pi, sin, sqrt
from numpy.random import Generator
from numpy.typing import ArrayLike

from plantlab.greenhouse.colours import cloud, lit, mix
from plantlab.greenhouse.shapes import Outline, bend, grid, surface

OUTLINES = {
    "pointed": Outline(0.8, 0.95),
    "strap": Outline(0.3, 0.12),
    "spoon": Outline(2.2, 0.4),
    "rounded": Outline(0.9, 0.33),
    "notched": Outline(0.9, 0.33),
    "fringed": Outline(0.9, 0.33),
}


def petal(
    plant: SimpleNamespace,
    n: int,
    rng: Generator,
    shape: str = "",
    cup: float | None = None,
    curl: float | None = None,
    colour: ndarray | None = None,
    pattern: str = "",
) -> ndarray:
    """Return the mesh of one petal; what is not given follows the traits of the plant."""
    if cup is None:
        cup = 0.2 + 0.9 * plant.petal_cup
    if curl is None:
        curl = 0.9 - 1.8 * plant.petal_curl
    if colour is None:
        colour = plant.flower_rgb
    shape = shape or plant.petal_shape
    points_a_length = 1.8 if shape == "fringed" else 1.2
    relative_width = 0.6 + 0.8 * plant.petal_ratio
    n_across = int(n * relative_width * points_a_length)
    u, v = grid(n, max(7, n_across))
    x, y = _flat(plant, shape, u, v)
    z = _relief(shape, cup, u, v, x, rng)
    colours = _colours(plant, colour, pattern or plant.pattern, u, v, rng)
    points = bend(x, y, z, curl)
    return surface(points, colours, shine=0.12, thin=0.6)


def _flat(plant: SimpleNamespace, shape: str, u: ndarray, v: ndarray) -> tuple[ndarray, ndarray]:
    """Return where the points lie before the petal is cupped and bent."""
    wide = 0.2 if shape == "strap" else 0.26 + 0.36 * plant.petal_ratio
    width = 0.04 + 0.96 * OUTLINES[shape].half_width(u)
    x = v * width * wide
    y = u * (1 - 0.08 * v**2)
    return x, y - _cuts(shape, v) * u**5


def _cuts(shape: str, v: ndarray) -> ArrayLike:
    """Return how deep the rim is cut."""
    if shape == "notched":
        return 0.2 * exp(-((v / 0.28) ** 2))
    if shape == "fringed":
        return 0.09 * cos(v * 19) + 0.09
    if shape == "strap":
        return 0.05 * np.abs(sin(v * 3 * pi / 2))
    return 0


def _relief(shape: str, cup: float, u: ndarray, v: ndarray, x: ndarray, rng: Generator) -> ndarray:
    """Return the height of a petal: cupped, keeled at its base, ruffled, uneven."""
    hollow = sqrt(1 + (x / 0.2) ** 2) - 1
    keel = 0.1 * np.abs(x) * (1 - u)
    z = cup * 0.3 * hollow - keel
    ruffle = 0.06 if shape == "fringed" else 0.025
    waves = ruffle * sin(v * 7 + rng.uniform(0, 6))
    z = z + waves * u**2 * np.abs(v)
    uneven = cloud(rng, z.shape, 3, 1) - 0.5
    return z + 0.06 * uneven * u


def _colours(
    plant: SimpleNamespace, own: ndarray, pattern: str, u: ndarray, v: ndarray, rng: Generator
) -> ndarray:
    """Return the colours of a petal: a paler base, darker veins, its pattern."""
    along = u + 0 * v
    deep = own**1.8 * 0.9
    pale = 1 - (1 - own) * 0.45
    lines = _lines(plant, u, v)
    paleness = 0.8 if plant.eye_pale else 0
    shade = mix(own, pale, (0.75 - along) * paleness)
    contrast = 0.9 if pattern == "veined" else 0.28
    veins = (1 - lines**0.6) * contrast
    shade = mix(shade, deep, veins * (1 - u * 0.6))
    if pattern == "eyed":
        eye = 0.42 - along + 0.1 * np.abs(lines - 0.5)
        shade = mix(shade, plant.eye_rgb, eye * 9)
    elif pattern == "edged":
        edge = np.maximum(np.abs(v), along) - 0.8
        rim = pale if own.mean() < 0.72 else plant.eye_rgb
        shade = mix(shade, rim, edge * 9)
    elif pattern == "spotted":
        spots = (cloud(rng, along.shape, 9, 1) - 0.62) * 12
        shade = mix(shade, plant.eye_rgb, spots * (u < 0.8))
    return lit(shade, 0.93 + 0.14 * cloud(rng, along.shape, 4))


def _lines(plant: SimpleNamespace, u: ndarray, v: ndarray) -> ndarray:
    """Return lines along a petal, a little wavy, 0 where a vein is."""
    n_lines = 4 + 3 * plant.stamens
    position = v * n_lines + 0.35 * sin(u * 5)
    return np.abs(sin(position * pi))
