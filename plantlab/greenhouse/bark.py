"""Bark: a height map after the kind of its species, lit from the side."""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from numpy import clip, exp, ndarray, sin, sqrt
from numpy.random import Generator

from plantlab.greenhouse.backgrounds import foliage
from plantlab.greenhouse.colours import cloud, lit, mix, rgb
from plantlab.greenhouse.pictures import blurred, coordinates

YOUNG_BARK = np.float32([0.88, 0.86, 0.8])


class Trunk(NamedTuple):
    """A trunk before it has bark; maps are (size, size)."""

    y: ndarray  # from 0 at the top of the picture
    across: ndarray  # from -1 to 1, one rim to the other
    turn: ndarray  # the way round it, from its middle
    grain: float  # plates or furrows on a unit of length
    wave: ndarray  # large unevenness
    fine: ndarray  # small unevenness


class Relief(NamedTuple):
    """What a kind of bark is like; maps are (size, size)."""

    height: ndarray
    tint: ndarray  # lighter or darker
    base: ndarray  # its colour: one, or a picture


def bark(plant: SimpleNamespace, rng: Generator, size: int) -> ndarray:
    """Return the picture of a trunk (size, size, 3)."""
    y, x = coordinates(size)
    width = rng.uniform(0.34, 0.9)
    middle = 0.5 + rng.normal(0, 0.05)
    leaning = rng.normal(0, 0.06)
    middle = middle + leaning * (y - 0.5)
    across = (x - middle) / width
    inside = (1 - np.abs(across)) * size * 0.5 * width
    across = clip(across, -1, 1)
    grain = 4 + 9 * (1 - plant.bark_grain)
    trunk = Trunk(
        y=y,
        across=across,
        turn=np.arcsin(across) * width,
        grain=grain * rng.uniform(0.8, 1.25),
        wave=0.12 * (cloud(rng, size, 4, 2) - 0.5),
        fine=cloud(rng, size, 20, 3),
    )
    tint = 0.3 * (cloud(rng, size, 3, 3) - 0.5)
    relief = BARKS[plant.bark](trunk, tint, plant.bark_rgb, rng)
    colour = _in_light(relief, rng, size)
    colour = _mossy(colour, trunk, rng)
    towards_lens = sqrt(clip(1 - across**2, 0, 1))
    light = 0.55 + 0.45 * towards_lens
    light = light + 0.25 * across * rng.uniform(-1, 1)
    picture = clip(lit(colour, light) * 1.15, 0, 1)
    return mix(foliage(rng, size), picture, inside)


def _in_light(relief: Relief, rng: Generator, size: int) -> ndarray:
    """Return the colours of bark in light from left or right; hollows are dark."""
    height = relief.height
    down, aside = np.gradient(height)
    slope = aside * rng.choice([-1, 1]) + 0.6 * down
    above = blurred(height, size * 0.02) - height
    hollow = clip(1 - above * 0.9, 0.25, 1.15)
    glancing = clip(slope * size * 0.035, -0.4, 0.5)
    light = hollow * (0.9 + relief.tint) + glancing
    return lit(relief.base, light)


def _mossy(colour: ndarray, trunk: Trunk, rng: Generator) -> ndarray:
    """Return bark with moss or lichens on it, in half of the cases."""
    size = len(trunk.y)
    cover = clip((cloud(rng, size, 4, 4) - 0.62) * 5, 0, 0.8)
    cover = cover * (rng.random() < 0.5)
    green = rgb(rng.uniform(0.17, 0.33), 0.35, 0.55)
    return mix(colour, lit(green, 0.5 + trunk.fine), cover)


def _plated(trunk: Trunk, tint: ndarray, base: ndarray, rng: Generator) -> Relief:
    """Return plates with cracks between them."""
    n = int(trunk.grain**2 * 0.5) + 6
    crack, _, tint = _plates(trunk, tint, n, 0.45, rng)
    return Relief(crack + 0.3 * trunk.fine, tint, base)


def _scaly(trunk: Trunk, tint: ndarray, base: ndarray, rng: Generator) -> Relief:
    """Return scales, each lifted at its lower end."""
    n = int(trunk.grain**2 * 1.1) + 6
    crack, lift, tint = _plates(trunk, tint, n, 0.8, rng)
    return Relief(crack * 0.6 + lift + 0.3 * trunk.fine, tint, base)


def _plates(
    trunk: Trunk, tint: ndarray, n: int, length: float, rng: Generator
) -> tuple[ndarray, ndarray, ndarray]:
    """Return the height of `n` plates between cracks, how far down on a plate, and their tints.

    A plate is the cell of its seed, and a crack is where the two nearest seeds are equally far.
    """
    from scipy.spatial import cKDTree

    shape = trunk.y.shape
    seeds = rng.uniform([-1, -0.1], [1, 1.1], (n, 2))
    stretch = [1, length]
    around = trunk.turn + trunk.wave
    down = trunk.y + trunk.wave
    where = np.stack([around, down], -1).reshape(-1, 2)
    distances, nearest = cKDTree(seeds * stretch).query(where * stretch, 2)
    own = nearest[:, 0].reshape(shape)
    nearest_two = distances.reshape(*shape, 2)
    to_crack = nearest_two[..., 1] - nearest_two[..., 0]
    crack = clip(to_crack * trunk.grain * 1.6, 0, 1) ** 0.6
    lift = (down - seeds[own, 1]) * trunk.grain * 0.9
    tints = rng.random(n) - 0.5
    return crack, lift, tint + 0.25 * tints[own]


def _furrowed(trunk: Trunk, tint: ndarray, base: ndarray, rng: Generator) -> Relief:
    """Return ridges along the trunk, broken here and there."""
    shape = trunk.y.shape
    position = (trunk.turn + trunk.wave * 1.3) * trunk.grain * 5
    winding = 3 * cloud(rng, shape, 5, 2)
    ridges = np.abs(sin(position + winding)) ** 0.7
    breaks = cloud(rng, shape, 9, 2) > 0.66
    height = ridges + 0.35 * trunk.fine - 0.5 * breaks
    return Relief(height, tint, base)


def _smooth(trunk: Trunk, tint: ndarray, base: ndarray, rng: Generator) -> Relief:
    """Return bark with a few lenticels."""
    height, tint = _lenticels(trunk, tint, 25, 1, rng)
    return Relief(height, tint, base)


def _peeling(trunk: Trunk, tint: ndarray, base: ndarray, rng: Generator) -> Relief:
    """Return bark with long lenticels, and paler patches where it has come off."""
    height, tint = _lenticels(trunk, tint, 45, 2, rng)
    patches = cloud(rng, trunk.y.shape, 4, 2)
    loose = patches + 0.4 * trunk.wave - 0.5
    loose = clip(loose * 30, 0, 1)
    base = mix(base * [0.95, 0.75, 0.6], YOUNG_BARK, loose)
    return Relief(height + 0.8 * loose, tint, base)


def _lenticels(
    trunk: Trunk, tint: ndarray, n: int, length: int, rng: Generator
) -> tuple[ndarray, ndarray]:
    """Return height and tint of bark with `n` dark slits across it, each on a few rows."""
    height = 0.25 * trunk.fine
    for a, b, long in rng.random((n, 3)):
        rows = np.abs(trunk.y[:, 0] - b) < 0.09
        aside = trunk.turn[rows] - (2 * a - 1)
        above = trunk.y[rows] - b + trunk.wave[rows] * 0.2
        reach = (0.02 + 0.07 * long) * length
        thick = rng.uniform(0.004, 0.009)
        mark = exp(-((aside / reach) ** 4) - (above / thick) ** 2)
        height[rows] = height[rows] + 0.3 * mark
        tint[rows] = tint[rows] - 0.7 * mark
    return height, tint


BARKS = {
    "plated": _plated,
    "scaly": _scaly,
    "furrowed": _furrowed,
    "smooth": _smooth,
    "peeling": _peeling,
}
