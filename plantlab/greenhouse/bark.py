"""Bark: a height map after the kind of its species, lit from the side."""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from plantlab.greenhouse.backgrounds import foliage
from plantlab.greenhouse.colours import cloud, mix, rgb
from plantlab.greenhouse.pictures import blurred

YOUNG_BARK = np.float32([0.88, 0.86, 0.8])


class Trunk(NamedTuple):
    """A trunk before it has bark; maps are (size, size)."""

    y: np.ndarray  # from 0 at the top of the picture
    across: np.ndarray  # from -1 to 1, one rim to the other
    turn: np.ndarray  # the way round it, from its middle
    grain: float  # plates or furrows on a unit of length
    wave: np.ndarray  # large unevenness
    fine: np.ndarray  # small unevenness


class Relief(NamedTuple):
    """What a kind of bark is like; maps are (size, size)."""

    height: np.ndarray
    tint: np.ndarray  # lighter or darker
    base: np.ndarray  # its colour: one, or a picture


def bark(plant: SimpleNamespace, rng: np.random.Generator, size: int) -> np.ndarray:
    """Return the picture of a trunk (size, size, 3)."""
    y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j]
    width = rng.uniform(0.34, 0.9)
    middle = 0.5 + rng.normal(0, 0.05) + rng.normal(0, 0.06) * (y - 0.5)
    across = np.clip((x - middle) / width, -1, 1)
    trunk = Trunk(
        y=y,
        across=across,
        turn=np.arcsin(across) * width,
        grain=(4 + 9 * (1 - plant.bark_grain)) * rng.uniform(0.8, 1.25),
        wave=0.12 * (cloud(rng, (size, size), 4, 2) - 0.5),
        fine=cloud(rng, (size, size), 20, 3),
    )
    tint = 0.3 * (cloud(rng, (size, size), 3, 3) - 0.5)
    relief = BARKS[plant.bark](trunk, tint, plant.bark_rgb, rng)
    colour = _lit(relief, rng, size)
    colour = _mossy(colour, trunk, rng)
    round_light = 0.55 + 0.45 * np.sqrt(np.clip(1 - across**2, 0, 1))
    light = round_light + 0.25 * across * rng.uniform(-1, 1)
    inside = (1 - np.abs((x - middle) / width)) * size * 0.5 * width
    return mix(foliage(rng, size), np.clip(colour * light[..., None] * 1.15, 0, 1), inside)


def _lit(relief: Relief, rng: np.random.Generator, size: int) -> np.ndarray:
    """Return the colours of bark in light from left or right; hollows are dark."""
    height = relief.height
    slope = np.gradient(height, axis=1) * rng.choice([-1, 1]) + 0.6 * np.gradient(height, axis=0)
    above = blurred(height, size * 0.02) - height
    hollow = np.clip(1 - above * 0.9, 0.25, 1.15)
    light = hollow * (0.9 + relief.tint) + np.clip(slope * size * 0.035, -0.4, 0.5)
    return relief.base * light[..., None]


def _mossy(colour: np.ndarray, trunk: Trunk, rng: np.random.Generator) -> np.ndarray:
    """Return bark with moss or lichens on it, in half of the cases."""
    cover = np.clip((cloud(rng, trunk.y.shape, 4, 4) - 0.62) * 5, 0, 0.8)
    cover = cover * (rng.random() < 0.5)
    moss = rgb(rng.uniform(0.17, 0.33), 0.35, 0.55) * (0.5 + trunk.fine)[..., None]
    return mix(colour, moss, cover)


def _plated(trunk: Trunk, tint: np.ndarray, base: np.ndarray, rng: np.random.Generator) -> Relief:
    """Return plates with cracks between them."""
    n = int(trunk.grain**2 * 0.5) + 6
    crack, _, tint = _plates(trunk, tint, n, 0.45, rng)
    return Relief(crack + 0.3 * trunk.fine, tint, base)


def _scaly(trunk: Trunk, tint: np.ndarray, base: np.ndarray, rng: np.random.Generator) -> Relief:
    """Return scales, each lifted at its lower end."""
    n = int(trunk.grain**2 * 1.1) + 6
    crack, lift, tint = _plates(trunk, tint, n, 0.8, rng)
    return Relief(crack * 0.6 + lift + 0.3 * trunk.fine, tint, base)


def _plates(
    trunk: Trunk, tint: np.ndarray, n: int, length: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the height of `n` plates between cracks, how far down on a plate, and their tints.

    A plate is the cell of its seed, and a crack is where the two nearest seeds are equally far.
    """
    from scipy.spatial import cKDTree

    shape = trunk.y.shape
    seeds = rng.uniform([-1, -0.1], [1, 1.1], (n, 2))
    stretch = [1, length]
    where = np.stack([trunk.turn + trunk.wave, trunk.y + trunk.wave], -1).reshape(-1, 2)
    distances, nearest = cKDTree(seeds * stretch).query(where * stretch, 2)
    own = nearest[:, 0]
    to_crack = (distances[:, 1] - distances[:, 0]).reshape(shape)
    crack = np.clip(to_crack * trunk.grain * 1.6, 0, 1) ** 0.6
    lift = ((where[:, 1] - seeds[own, 1]) * trunk.grain * 0.9).reshape(shape)
    tint = tint + 0.25 * (rng.random(n)[own].reshape(shape) - 0.5)
    return crack, lift, tint


def _furrowed(trunk: Trunk, tint: np.ndarray, base: np.ndarray, rng: np.random.Generator) -> Relief:
    """Return ridges along the trunk, broken here and there."""
    shape = trunk.y.shape
    position = (trunk.turn + trunk.wave * 1.3) * trunk.grain * 5
    ridges = np.abs(np.sin(position + 3 * cloud(rng, shape, 5, 2)))
    breaks = cloud(rng, shape, 9, 2) > 0.66
    return Relief(ridges**0.7 + 0.35 * trunk.fine - 0.5 * breaks, tint, base)


def _smooth(trunk: Trunk, tint: np.ndarray, base: np.ndarray, rng: np.random.Generator) -> Relief:
    """Return bark with a few lenticels."""
    height, tint = _lenticels(trunk, tint, 25, 1, rng)
    return Relief(height, tint, base)


def _peeling(trunk: Trunk, tint: np.ndarray, base: np.ndarray, rng: np.random.Generator) -> Relief:
    """Return bark with long lenticels, and paler patches where it has come off."""
    height, tint = _lenticels(trunk, tint, 45, 2, rng)
    loose = np.clip((cloud(rng, trunk.y.shape, 4, 2) + 0.4 * trunk.wave - 0.5) * 30, 0, 1)
    base = mix(base * [0.95, 0.75, 0.6], YOUNG_BARK, loose)
    return Relief(height + 0.8 * loose, tint, base)


def _lenticels(
    trunk: Trunk, tint: np.ndarray, n: int, length: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return height and tint of bark with `n` dark slits across it, each on a few rows."""
    height = 0.25 * trunk.fine
    for a, b, long in rng.random((n, 3)):
        rows = np.abs(trunk.y[:, 0] - b) < 0.09
        aside = trunk.turn[rows] - (2 * a - 1)
        above = trunk.y[rows] - b + trunk.wave[rows] * 0.2
        reach = (0.02 + 0.07 * long) * length
        mark = np.exp(-((aside / reach) ** 4) - (above / rng.uniform(0.004, 0.009)) ** 2)
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
