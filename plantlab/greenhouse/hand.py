"""A hand that holds a plant from behind."""

import numpy as np
from numpy import clip, cos, exp, ndarray, pi, sin
from numpy.random import Generator

from plantlab.greenhouse.colours import lit, rgb
from plantlab.greenhouse.organs import Crowd
from plantlab.greenhouse.shapes import revolve

Crowds = list[Crowd]


def hand(rng: Generator, size: float, depth: float) -> Crowds:
    """Return the crowds of a hand at some depth behind the plant; sizes in samples."""
    hue = rng.uniform(0.03, 0.07)
    saturation = rng.uniform(0.3, 0.55)
    skin = rgb(hue, saturation, rng.uniform(0.4, 0.92))
    wide = 0.085 * size * rng.uniform(0.9, 1.2)  # a finger's radius
    frames = _frames(lean=rng.uniform(-0.6, 0.6))
    right = frames[:, :, 0]
    up = frames[:, :, 1]
    aside = np.append((np.arange(4) - 1.5) * wide * 2.02, 0)
    below = np.array([0.42] * 4 + [0.95])
    at = aside[:, None] * right - below[:, None] * size * up
    at = at + [0, 0, depth - wide * 1.2]
    lengths = [size * rng.uniform(0.55, 0.7) for _ in range(4)]
    fingers = [[wide, length, wide] for length in lengths]
    palm = [[4.3 * wide, 0.75 * size, 1.3 * wide]]
    n = int(size * 0.55)
    finger_mesh = _finger(skin, n, around=int(wide * 3))
    return [
        Crowd(finger_mesh, frames[:4], at[:4], fingers, np.ones(4)),
        Crowd(_palm(skin, n), frames[4:], at[4:], palm, np.ones(1)),
    ]


def _frames(lean: float) -> ndarray:
    """Return the frames of four fingers, a little apart, and of the palm (5, 3, 3)."""
    is_finger = np.arange(5) < 4
    angle = lean + 0.07 * (np.arange(5) - 1.5) * is_finger
    c = cos(angle)
    s = sin(angle)
    zero = 0 * angle
    x = np.stack([c, s, zero], -1)
    y = np.stack([-s, c, zero], -1)
    z = np.broadcast_to([0, 0, 1.0], (5, 3))
    return np.stack([x, y, z], -1)


def _finger(skin: ndarray, n: int, around: int) -> ndarray:
    def profile(u: ndarray) -> ndarray:
        tip = clip(1 - u**8, 0, 1) ** 0.5
        return tip * (1 - 0.1 * cos(u * 12))

    def paint(u: ndarray, phi: ndarray) -> ndarray:
        from_crease = (u % 0.33) - 0.16
        creases = exp(-(from_crease**2) / 6e-4)
        return lit(skin, 1 - 0.1 * creases)

    return revolve(profile, n, paint, around=around)


def _palm(skin: ndarray, n: int) -> ndarray:
    def profile(u: ndarray) -> ndarray:
        return clip(sin(pi * u), 0, 1) ** 0.5

    return revolve(profile, n, skin, around=2 * n)
