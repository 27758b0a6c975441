"""Herbarium sheets: the plant pressed and faded, its label, stamp and bar code."""

from types import SimpleNamespace

import numpy as np
from numpy import ndarray, pi
from numpy.random import Generator
from PIL import Image, ImageDraw

from plantlab.greenhouse.colours import cloud, lit, rgb
from plantlab.greenhouse.growth import Parts, shoot, turtle
from plantlab.greenhouse.organs import dice
from plantlab.greenhouse.pictures import canvas, pixels
from plantlab.greenhouse.render import Light, render, seen_from, view
from plantlab.greenhouse.scenes import ends
from plantlab.greenhouse.shapes import axes
from plantlab.greenhouse.tones import laid

INK = (60, 50, 45)
BAR = (30, 30, 30)
STAMP = (110, 60, 120)
LABEL = (250, 248, 240)
LABEL_RIM = (150, 140, 120)
BROWN = np.float32([0.36, 0.28, 0.17])
OLIVE = np.float32([0.25, 0.22, 0.11])
LAMP = Light(towards=[-0.35, 0.45, 0.82], sun=np.float32(0.9), sky=np.float32(0.55))


def sheet(plant: SimpleNamespace, rng: Generator, size: int) -> ndarray:
    """Return the picture (size, size, 3) of a herbarium sheet of a plant."""
    _fade(plant, rng)
    parts = _pressed(plant, rng, size)
    crowds = dice(parts, plant, rng, flat=True)
    picture, _ = render(crowds, size, LAMP, press=0.06)
    back = pixels(_mount(rng, size), 0.3)
    back = lit(back, 0.95 + 0.06 * cloud(rng, size, 16, 3))
    shift = (-0.01 * size, 0.01 * size)
    return laid(picture, back, shift, size * 0.008)


def _fade(plant: SimpleNamespace, rng: Generator) -> None:
    """Turn the colours of a plant brown."""
    for name in ("flower_rgb", "eye_rgb", "fruit_rgb"):
        brown = BROWN * np.float32(rng.uniform(0.8, 1.1))
        setattr(plant, name, getattr(plant, name) * 0.45 + brown)
    olive = OLIVE * np.float32(rng.uniform(0.7, 1.2))
    plant.leaf_rgb = plant.leaf_rgb * 0.35 + olive


def _pressed(plant: SimpleNamespace, rng: Generator, size: int) -> dict[str, Parts]:
    """Return the parts of a shoot as seen from above, blades and flowers flat on the paper."""
    n_nodes = int(rng.integers(4, 7))
    bearing = str(rng.choice(["K", "K", "R"]))
    parts = turtle(shoot(plant, rng, n_nodes, bearing), rng, 5)
    azimuth = rng.uniform(0, 2 * pi)
    turn = view(azimuth, 0.15, rng.normal(0, 0.2))
    seen = ends(parts, turn)
    low = seen.min(0)
    high = seen.max(0)
    width, height, _ = high - low
    scale = 0.8 * size / max(width, height)
    room_for_label = [0, 0.04 * size / scale, 0]
    middle = (low + high) / 2 - room_for_label
    parts = seen_from(parts, turn, middle, scale, size)
    if "L" in parts:
        parts["L"] = _laid_flat(parts["L"], 0, rng)
    if "K" in parts:
        parts["K"] = _laid_flat(parts["K"], 1.6, rng)
    return parts


def _laid_flat(parts: Parts, tilt: float, rng: Generator) -> Parts:
    """Return organs in the plane of the paper, those with a `tilt` turned up from it."""
    aside = rng.normal(0, [0.3, 0.3, 0], parts.origins.shape)
    aside = aside + [0, 0, tilt]
    in_plane = parts.frames[:, :, 1] * [1, 1, 0] + 1e-3
    headings = in_plane + aside
    return parts._replace(frames=axes(headings, (0, 0.4, 1)))


def _mount(rng: Generator, size: int) -> Image.Image:
    """Return the sheet without a plant: paper, a written label, often a bar code and a stamp."""
    yellowed = rng.uniform(0.06, 0.2)
    paper = rgb(0.11, yellowed, rng.uniform(0.86, 0.96))
    image = canvas(paper, size)
    draw = ImageDraw.Draw(image)
    thin = max(1, size // 128)
    _draw_label(draw, rng, size, thin)
    if rng.random() < 0.6:
        first = rng.uniform(0.05, 0.7)
        bars = np.flatnonzero(rng.random(24) < 0.55)
        for left in size * (first + 0.009 * bars):
            draw.line([left, size * 0.03, left, size * 0.08], BAR, thin)
    if rng.random() < 0.4:
        centre = rng.uniform([0.1, 0.1], [0.9, 0.3]) * size
        draw.circle(centre, size * 0.05, outline=STAMP, width=thin)
    return image


def _draw_label(draw: ImageDraw.ImageDraw, rng: Generator, size: int, thin: int) -> None:
    """Draw a label with five lines of writing."""
    x, y = rng.uniform([0.04, 0.78], [0.6, 0.81]) * size
    box = [x, y, x + size * 0.36, y + size * 0.17]
    draw.rectangle(box, fill=LABEL, outline=LABEL_RIM)
    left = x + size * 0.025
    for k, length in enumerate(rng.uniform(0.12, 0.32, 5) * size):
        line = y + size * (0.03 + 0.028 * k)
        draw.line([left, line, x + length, line], INK, thin)
