"""What stands behind a plant: meadow, soil, sky, paper. Each returns a picture (size, size, 3)."""

import numpy as np
from PIL import Image, ImageDraw

from plantlab.greenhouse.colours import cloud, mix, rgb
from plantlab.greenhouse.pictures import Strokes, canvas, pixels

HAZE = np.float32([0.93, 0.95, 0.97])
CLOUDS = np.float32([0.96, 0.96, 0.96])
FAR_BLUE = np.float32([0.7, 0.78, 0.85])


def foliage(rng: np.random.Generator, size: int, dim: float = 1.0) -> np.ndarray:
    """Return leaves out of focus, with the discs that highlights become there."""
    light = rng.uniform(0.2, 0.55) * dim
    image = canvas(rgb(0.28, 0.5, light * 0.6), size)
    leaves = Strokes(0.16, 0.06, rng.uniform(0.2, 0.32), value=(light * 0.5, light * 1.9))
    leaves.draw(image, rng, 45)
    blur = size * rng.uniform(0.012, 0.06)
    back = pixels(image, blur)
    if rng.random() < 0.55:
        discs = _discs(rng, size, blur * 1.2 + 1) * np.float32([0.9, 1.0, 0.6]) * dim
        back = 1 - (1 - back) * (1 - discs)
    return back * (0.7 + 0.6 * cloud(rng, (size, size), 2, 2))[..., None]


def _discs(rng: np.random.Generator, size: int, r: float) -> np.ndarray:
    """Return discs of light (size, size, 1), of radius `r` in pixels."""
    image = Image.new("L", (size, size))
    draw = ImageDraw.Draw(image)
    n = int(rng.integers(4, 25))
    for x, y in rng.uniform(0, size, (n, 2)):
        draw.ellipse([x - r, y - r, x + r, y + r], fill=int(rng.uniform(20, 90)))
    return pixels(image, size * 0.004)[..., None]


def shade(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return foliage in the dark."""
    return foliage(rng, size, rng.uniform(0.1, 0.4))


def grass(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return a meadow seen from near: paler blades before darker."""
    hue = rng.uniform(0.18, 0.3)
    image = canvas(rgb(hue, 0.6, 0.2), size)
    Strokes(0.3, 0.012, hue, value=(0.2, 0.5), upright=True).draw(image, rng, 60)
    Strokes(0.3, 0.012, hue - 0.02, value=(0.4, 0.75), upright=True).draw(image, rng, 50)
    return pixels(image, size * rng.uniform(0.003, 0.025))


def soil(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return brown earth with pebbles."""
    return _ground(rng, size, hue=(0.05, 0.1), saturation=(0.2, 0.5), max_pebbles=25)


def rock(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return bare stone of any tint."""
    return _ground(rng, size, hue=(0.05, 0.6), saturation=(0.02, 0.15), max_pebbles=1)


def _ground(
    rng: np.random.Generator,
    size: int,
    hue: tuple[float, float],
    saturation: tuple[float, float],
    max_pebbles: int,
) -> np.ndarray:
    """Return grainy ground lit from the side, with fewer than `max_pebbles` on it."""
    grain = cloud(rng, (size, size), 4, 6)
    base = rgb(rng.uniform(*hue), rng.uniform(*saturation), rng.uniform(0.4, 0.75))
    slope = (np.gradient(grain, axis=0) - np.gradient(grain, axis=1)) * size * 0.035
    image = canvas(base * (0.5 + 0.75 * grain + slope)[..., None], size)
    pebbles = Strokes(0.02, 0.014, hue=0.08, value=(0.3, 0.7), saturation=0.25)
    pebbles.draw(image, rng, int(rng.integers(0, max_pebbles)))
    return pixels(image, size * rng.uniform(0.002, 0.012))


def litter(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return dead leaves and twigs."""
    image = canvas(rgb(0.07, 0.4, 0.25), size)
    Strokes(0.13, 0.05, 0.075, value=(0.3, 0.7), saturation=0.5).draw(image, rng, 80)
    Strokes(0.2, 0.006, 0.08, value=(0.3, 0.6), saturation=0.3).draw(image, rng, 15)
    picture = pixels(image, size * rng.uniform(0.003, 0.02))
    return picture * (0.7 + 0.5 * cloud(rng, (size, size), 8, 3))[..., None]


def _rows(size: int) -> np.ndarray:
    """Return the height of every pixel in the picture, 0 at the top to 1."""
    return np.linspace(0, 1, size)[:, None] + np.zeros((size, size))


def sky(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return sky, paler towards the horizon, with clouds or without."""
    blue = rgb(rng.uniform(0.55, 0.6), rng.uniform(0.15, 0.6), rng.uniform(0.75, 0.95))
    clouds = np.clip((cloud(rng, (size, size), 3, 4) - 0.5) * 3, 0, 1) * rng.random()
    return mix(mix(blue, HAZE, 0.7 * _rows(size)), CLOUDS, clouds)


def paper(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return plain or squared paper in uneven light."""
    y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j]
    base = rgb(rng.uniform(0.05, 0.65), rng.uniform(0, 0.08), rng.uniform(0.75, 0.97))
    falloff = x * rng.uniform(-1, 1) + y * rng.uniform(-1, 1)
    light = 1 - 0.3 * falloff + 0.02 * (cloud(rng, (size, size), 20, 2) - 0.5)
    if rng.random() < 0.3:
        step = rng.uniform(0.06, 0.12)
        on_line = ((x % step) < 0.009) | ((y % step) < 0.009)
        light = light * (1 - 0.18 * on_line)
    return base * np.clip(light, 0, 1.1)[..., None]


def landscape(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return sky, a far line of trees and a meadow."""
    y = _rows(size)
    horizon = rng.uniform(0.6, 0.85)
    relief = 0.3 * cloud(rng, (2, size), 5, 4)[:1] * rng.uniform(0.3, 1.2)
    trees = rgb(0.3, 0.35, 0.45) * (0.6 + 0.6 * cloud(rng, (size, size), 14, 3))[..., None]
    trees = mix(trees, FAR_BLUE, y * 0 + rng.uniform(0, 0.6))
    meadow = _meadow(rng, size)
    behind = mix(sky(rng, size), trees, (y - (horizon - relief)) * size * 0.4)
    return mix(behind, meadow, (y - horizon) * size * 0.3)


def _meadow(rng: np.random.Generator, size: int) -> np.ndarray:
    green = rgb(rng.uniform(0.17, 0.27), 0.55, 0.6)
    image = canvas(green * (0.5 + 0.8 * cloud(rng, (size, size), 8, 4))[..., None], size)
    hue = rng.uniform(0.17, 0.27)
    Strokes(0.05, 0.006, hue, value=(0.35, 0.75), upright=True).draw(image, rng, 90)
    return pixels(image, 0.4)


BACKGROUNDS = {
    "foliage": foliage,
    "grass": grass,
    "soil": soil,
    "litter": litter,
    "sky": sky,
    "paper": paper,
    "hand": foliage,  # and a hand before it
    "rock": rock,
    "dark": shade,
}
