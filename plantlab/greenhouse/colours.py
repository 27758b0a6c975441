"""Colours, mixed and clouded. A colour is (3,), red, green and blue from 0 to 1."""

import colorsys

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image


def rgb(hue: float, saturation: float, value: float) -> np.ndarray:
    """Return the colour (3,) of hue, saturation and value, each from 0 to 1."""
    saturation = np.clip(saturation, 0, 1)
    value = np.clip(value, 0, 1)
    return np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value), np.float32)


def mix(a: np.ndarray, b: ArrayLike, share: ArrayLike) -> np.ndarray:
    """Return colours between `a` and `b`, by a `share` for every point."""
    share = np.clip(share, 0, 1)[..., None].astype(np.float32)
    return a + (np.asarray(b, np.float32) - a) * share


def cloud(
    rng: np.random.Generator, shape: tuple[int, int], cells: int, octaves: int = 3
) -> np.ndarray:
    """Return smooth noise, about 0 to 1: random grids, each finer and fainter, drawn large."""
    total = np.zeros(shape, np.float32)
    height, width = shape
    for k in range(octaves):
        side = max(2, cells * 2**k)
        tile = Image.fromarray(rng.random((side, side), dtype=np.float32))
        total += np.asarray(tile.resize((width, height), Image.Resampling.BICUBIC)) / 2**k
    return total / (2 - 2.0 ** (1 - octaves))
