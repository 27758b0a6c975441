"""What stands behind a plant: meadow, soil, sky, paper. Each returns a picture (size, size, 3)."""

import numpy as np
from numpy import clip, ndarray
from numpy.random import Generator
from PIL import Image, ImageDraw

from plantlab.greenhouse.colours import cloud, lit, mix, rgb
from plantlab.greenhouse.pictures import Strokes, canvas, coordinates, pixels

HAZE = np.float32([0.93, 0.95, 0.97])
WHITE = np.float32([0.96, 0.96, 0.96])
FAR_BLUE = np.float32([0.7, 0.78, 0.85])
THROUGH_LEAVES = np.float32([0.9, 1.0, 0.6])


def foliage(rng: Generator, size: int, dim: float = 1.0) -> ndarray:
    """Return leaves out of focus, with the discs that highlights become there."""
    light = rng.uniform(0.2, 0.55) * dim
    image = canvas(rgb(0.28, 0.5, light * 0.6), size)
    hue = rng.uniform(0.2, 0.32)
    leaves = Strokes(0.16, 0.06, hue, (light * 0.5, light * 1.9))
    leaves.draw(image, rng, 45)
    blur = size * rng.uniform(0.012, 0.06)
    back = pixels(image, blur)
    if rng.random() < 0.55:
        discs = _discs(rng, size, blur * 1.2 + 1)
        highlights = discs * THROUGH_LEAVES * dim
        back = 1 - (1 - back) * (1 - highlights)
    return lit(back, 0.7 + 0.6 * cloud(rng, size, 2, 2))


def _discs(rng: Generator, size: int, radius: float) -> ndarray:
    """Return discs of light (size, size, 1), of a radius in pixels."""
    image = Image.new("L", (size, size))
    draw = ImageDraw.Draw(image)
    n = int(rng.integers(4, 25))
    for place in rng.uniform(0, size, (n, 2)):
        brightness = int(rng.uniform(20, 90))
        draw.circle(place, radius, brightness)
    return pixels(image, size * 0.004)[..., None]


def shade(rng: Generator, size: int) -> ndarray:
    """Return foliage in the dark."""
    return foliage(rng, size, rng.uniform(0.1, 0.4))


def grass(rng: Generator, size: int) -> ndarray:
    """Return a meadow seen from near: darker blades behind paler."""
    hue = rng.uniform(0.18, 0.3)
    image = canvas(rgb(hue, 0.6, 0.2), size)
    darker = Strokes(0.3, 0.012, hue, (0.2, 0.5), upright=True)
    darker.draw(image, rng, 60)
    paler = Strokes(0.3, 0.012, hue - 0.02, (0.4, 0.75), upright=True)
    paler.draw(image, rng, 50)
    return pixels(image, size * rng.uniform(0.003, 0.025))


def soil(rng: Generator, size: int) -> ndarray:
    """Return brown earth with pebbles."""
    grain = cloud(rng, size, 4, 6)
    hue = rng.uniform(0.05, 0.1)
    saturation = rng.uniform(0.2, 0.5)
    return _ground(grain, hue, saturation, 25, rng)


def rock(rng: Generator, size: int) -> ndarray:
    """Return bare stone of any tint."""
    grain = cloud(rng, size, 4, 6)
    hue = rng.uniform(0.05, 0.6)
    saturation = rng.uniform(0.02, 0.15)
    return _ground(grain, hue, saturation, 1, rng)


def _ground(
    grain: ndarray, hue: float, saturation: float, max_pebbles: int, rng: Generator
) -> ndarray:
    """Return grainy ground lit from the side, with fewer than `max_pebbles` on it."""
    size = len(grain)
    base = rgb(hue, saturation, rng.uniform(0.4, 0.75))
    down, across = np.gradient(grain)
    slope = (down - across) * size * 0.035
    image = canvas(lit(base, 0.5 + 0.75 * grain + slope), size)
    pebbles = Strokes(0.02, 0.014, 0.08, (0.3, 0.7), saturation=0.25)
    pebbles.draw(image, rng, int(rng.integers(0, max_pebbles)))
    return pixels(image, size * rng.uniform(0.002, 0.012))


def litter(rng: Generator, size: int) -> ndarray:
    """Return dead leaves and twigs."""
    image = canvas(rgb(0.07, 0.4, 0.25), size)
    leaves = Strokes(0.13, 0.05, 0.075, (0.3, 0.7), saturation=0.5)
    leaves.draw(image, rng, 80)
    twigs = Strokes(0.2, 0.006, 0.08, (0.3, 0.6), saturation=0.3)
    twigs.draw(image, rng, 15)
    picture = pixels(image, size * rng.uniform(0.003, 0.02))
    return lit(picture, 0.7 + 0.5 * cloud(rng, size, 8, 3))


def _heights(size: int) -> ndarray:
    """Return the height of each pixel (size, size), 0 at the top to 1."""
    rows = np.linspace(0, 1, size)
    return np.tile(rows[:, None], size)


def sky(rng: Generator, size: int) -> ndarray:
    """Return sky, paler towards the horizon, with clouds or without."""
    y = _heights(size)
    hue = rng.uniform(0.55, 0.6)
    saturation = rng.uniform(0.15, 0.6)
    blue = rgb(hue, saturation, rng.uniform(0.75, 0.95))
    clouds = clip((cloud(rng, size, 3, 4) - 0.5) * 3, 0, 1)
    clouds = clouds * rng.random()
    clear = mix(blue, HAZE, 0.7 * y)
    return mix(clear, WHITE, clouds)


def paper(rng: Generator, size: int) -> ndarray:
    """Return plain or squared paper in uneven light."""
    y, x = coordinates(size)
    hue = rng.uniform(0.05, 0.65)
    saturation = rng.uniform(0, 0.08)
    base = rgb(hue, saturation, rng.uniform(0.75, 0.97))
    to_right = rng.uniform(-1, 1)
    down = rng.uniform(-1, 1)
    light = 1 - 0.3 * (x * to_right + y * down)
    light = light + 0.02 * (cloud(rng, size, 20, 2) - 0.5)
    if rng.random() < 0.3:
        step = rng.uniform(0.06, 0.12)
        upright = (x % step) < 0.009
        level = (y % step) < 0.009
        light = light * (1 - 0.18 * (upright | level))
    return lit(base, clip(light, 0, 1.1))


def landscape(rng: Generator, size: int) -> ndarray:
    """Return sky, a far line of trees and a meadow."""
    y = _heights(size)
    horizon = rng.uniform(0.6, 0.85)
    crowns = cloud(rng, (2, size), 5, 4)[:1]
    line = horizon - 0.3 * crowns * rng.uniform(0.3, 1.2)
    trees = _far_trees(rng, size)
    meadow = _meadow(rng, size)
    picture = mix(sky(rng, size), trees, (y - line) * size * 0.4)
    return mix(picture, meadow, (y - horizon) * size * 0.3)


def _far_trees(rng: Generator, size: int) -> ndarray:
    green = rgb(0.3, 0.35, 0.45)
    trees = lit(green, 0.6 + 0.6 * cloud(rng, size, 14, 3))
    haze = np.full((size, size), rng.uniform(0, 0.6))
    return mix(trees, FAR_BLUE, haze)


def _meadow(rng: Generator, size: int) -> ndarray:
    green = rgb(rng.uniform(0.17, 0.27), 0.55, 0.6)
    image = canvas(lit(green, 0.5 + 0.8 * cloud(rng, size, 8, 4)), size)
    hue = rng.uniform(0.17, 0.27)
    blades = Strokes(0.05, 0.006, hue, (0.35, 0.75), upright=True)
    blades.draw(image, rng, 90)
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
