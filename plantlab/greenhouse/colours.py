"""Colours, mixed and clouded. A colour is (3,), red, green and blue from 0 to 1."""

import numpy as np
from numpy import clip, ndarray
from numpy.random import Generator
from numpy.typing import ArrayLike
from PIL import Image

Shape = int | tuple[int, int]
PRIMARIES = np.array([5, 3, 1])  # where red, green and blue lie, in sixths of the hues


def rgb(hue: ArrayLike, saturation: ArrayLike, value: ArrayLike) -> ndarray:
    """Return the colour (..., 3) of hue, saturation and value, each from 0 to 1.

    >>> rgb(1 / 3, 1, 0.5).tolist()
    [0.0, 0.5, 0.0]

    Source: A. R. Smith, Color gamut transform pairs, SIGGRAPH 1978.
    """
    hue = np.asarray(hue, float)[..., None]
    saturation = clip(np.asarray(saturation, float), 0, 1)[..., None]
    value = clip(np.asarray(value, float), 0, 1)[..., None]
    sixths = (PRIMARIES + 6 * hue) % 6
    missing = clip(np.minimum(sixths, 4 - sixths), 0, 1)
    return (value * (1 - saturation * missing)).astype(np.float32)


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
