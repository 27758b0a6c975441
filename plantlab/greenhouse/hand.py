"""A hand that holds a plant from behind."""

import numpy as np

from plantlab.greenhouse.colours import rgb
from plantlab.greenhouse.organs import Crowd
from plantlab.greenhouse.shapes import revolve


def hand(rng: np.random.Generator, size: float, depth: float) -> list[Crowd]:
    """Return the crowds of a hand at some depth behind the plant; sizes in samples."""
    skin = rgb(rng.uniform(0.03, 0.07), rng.uniform(0.3, 0.55), rng.uniform(0.4, 0.92))
    wide = 0.085 * size * rng.uniform(0.9, 1.2)  # a finger's radius
    lean = rng.uniform(-0.6, 0.6)
    frames = _frames(lean)
    aside = np.append((np.arange(4) - 1.5) * wide * 2.02, 0)
    below = np.array([0.42] * 4 + [0.95])
    at = aside[:, None] * frames[:, :, 0] - below[:, None] * size * frames[:, :, 1]
    at = at + [0, 0, depth - wide * 1.2]
    fingers = [[wide, size * rng.uniform(0.55, 0.7), wide] for _ in range(4)]
    palm = [[4.3 * wide, 0.75 * size, 1.3 * wide]]
    n = int(size * 0.55)
    return [
        Crowd(_finger(skin, n, int(wide * 3)), frames[:4], at[:4], fingers, np.ones(4)),
        Crowd(_palm(skin, n), frames[4:], at[4:], palm, np.ones(1)),
    ]


def _frames(lean: float) -> np.ndarray:
    """Return the frames of four fingers, a little apart, and of the palm (5, 3, 3)."""
    is_finger = np.arange(5) < 4
    angle = lean + 0.07 * (np.arange(5) - 1.5) * is_finger
    c = np.cos(angle)
    s = np.sin(angle)
    zero = 0 * angle
    x = np.stack([c, s, zero], -1)
    y = np.stack([-s, c, zero], -1)
    return np.stack([x, y, [[0, 0, 1.0]] * 5], -1)


def _finger(skin: np.ndarray, n: int, around: int) -> np.ndarray:
    def profile(u: np.ndarray) -> np.ndarray:
        return np.clip(1 - u**8, 0, 1) ** 0.5 * (1 - 0.1 * np.cos(u * 12))

    def paint(u: np.ndarray, phi: np.ndarray) -> np.ndarray:
        creases = np.exp(-(((u % 0.33) - 0.16) ** 2) / 6e-4)
        return skin * (1 - 0.1 * creases)[..., None]

    return revolve(profile, n, paint, around=around)


def _palm(skin: np.ndarray, n: int) -> np.ndarray:
    def profile(u: np.ndarray) -> np.ndarray:
        return np.clip(np.sin(np.pi * u), 0, 1) ** 0.5

    return revolve(profile, n, skin, around=2 * n)
