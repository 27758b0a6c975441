"""Colours, mixed and clouded. A colour is (3,), red, green and blue from 0 to 1."""

import colorsys

import numpy as np
from numpy import clip, ndarray
from numpy.random import Generator
from numpy.typing import ArrayLike
from PIL import Image

Shape = int | tuple[int, int]


def rgb(hue: float, saturation: float, value: float) -> ndarray:
    """Return the colour (3,) of hue, saturation and value, each from 0 to 1."""
    saturation = clip(saturation, 0, 1)
    value = clip(value, 0, 1)
    colour = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return np.array(colour, np.float32)


def mix(a: ndarray, b: ArrayLike, share: ArrayLike) -> ndarray:
    """Return colours between `a` and `b`, by a `share` for every point."""
    b = np.asarray(b, np.float32)
    share = clip(share, 0, 1)
    return a + (b - a) * share[..., None].astype(np.float32)


def lit(colour: ndarray, light: ndarray) -> ndarray:
    """Return a colour or a picture times the light at every point."""
    return colour * light[..., None]


def cloud(rng: Generator, shape: Shape, cells: int, octaves: int = 3) -> ndarray:
    """Return smooth noise, about 0 to 1: random grids, each finer and fainter, drawn large.

    `shape` is that of the map, or the side of a square one.
    """
    height, width = (shape, shape) if isinstance(shape, int) else shape
    total = np.zeros((height, width), np.float32)
    for k in range(octaves):
        side = max(2, cells * 2**k)
        numbers = rng.random((side, side), dtype=np.float32)
        tile = Image.fromarray(numbers)
        large = tile.resize((width, height), Image.Resampling.BICUBIC)
        total += np.asarray(large) / 2**k
    return total / (2 - 2.0 ** (1 - octaves))
