"""What web searches bring besides plants: a map, a drawing, a garden label, a pot, a butterfly."""

from types import SimpleNamespace

import numpy as np
from numpy import clip, cos, ndarray, pi, sin
from numpy.random import Generator
from PIL import ImageDraw, ImageFont

from plantlab.greenhouse.backgrounds import BACKGROUNDS
from plantlab.greenhouse.colours import cloud, lit, rgb
from plantlab.greenhouse.organs import Crowd
from plantlab.greenhouse.petals import petal
from plantlab.greenhouse.pictures import canvas, pixels
from plantlab.greenhouse.render import FINE, Light, render, view
from plantlab.greenhouse.shapes import axes, ball, gielis, revolve
from plantlab.greenhouse.tones import laid

INK = (60, 50, 45)
SEA = np.float32([0.72, 0.83, 0.93])
RECORD = (200, 40, 40)
POST = (95, 75, 55)
DAYLIGHT = Light(towards=[-0.4, 0.6, 0.69], sun=np.float32(1.6), sky=np.float32(0.7))
KINDS = ["map", "drawing", "label", "pot", "butterfly"]
GROUNDS = ["grass", "soil", "litter", "foliage", "rock"]
UPRIGHT = [[1, 0, 0], [0, 0, -1], [0, 1.0, 0]]  # turns y up into z up
WINGS = [
    [-0.85, 0.6, 0.25],
    [0.85, 0.6, 0.25],
    [-0.7, -0.6, 0.2],
    [0.7, -0.6, 0.2],
]  # where they point


def non_plant(label: str, rng: Generator, size: int) -> ndarray:
    """Return a picture (size, size, 3) of no plant; `label` is the name it was found under."""
    kind = str(rng.choice(KINDS))
    if kind == "map":
        return _map(rng, size)
    if kind == "drawing":
        return _drawing(label, rng, size)
    paint = BACKGROUNDS[str(rng.choice(GROUNDS))]
    back = paint(rng, size)
    if kind == "label":
        return _garden_label(label, back, rng, size)
    make = _pot if kind == "pot" else _butterfly
    picture, _ = render(make(rng, size * FINE), size, DAYLIGHT)
    shift = (-0.03 * size, 0.03 * size)
    return laid(picture, back, shift, size * 0.02)


def _map(rng: Generator, size: int) -> ndarray:
    """Return a map of records on a coast."""
    height = cloud(rng, size, 3, 5)
    land = rgb(rng.uniform(0.1, 0.25), 0.2, 0.92)
    picture = np.where(height[..., None] > 0.5, land, SEA)
    coast = clip(np.abs(height - 0.5) * size * 0.35, 0.5, 1)
    image = canvas(lit(picture, coast), size)
    draw = ImageDraw.Draw(image)
    centre = rng.uniform(0.25, 0.75, 2)
    for place in rng.normal(centre, 0.1, (40, 2)) * size:
        draw.circle(place, size * 0.012, RECORD)
    return pixels(image)


def _drawing(label: str, rng: Generator, size: int) -> ndarray:
    """Return a drawing of a few flowers in ink, with the name above."""
    yellowed = rng.uniform(0, 0.15)
    paper = rgb(0.12, yellowed, rng.uniform(0.85, 1))
    image = canvas(paper, size)
    draw = ImageDraw.Draw(image)
    n = int(rng.integers(2, 5))
    smallest = [0.2, 0.2, 0.08]  # x, y and radius
    largest = [0.8, 0.75, 0.2]
    for x, y, radius in rng.uniform(smallest, largest, (n, 3)) * size:
        _draw_flower(draw, x, y, radius, rng, size)
    font = ImageFont.load_default(size * 0.07)
    draw.text((size / 2, size * 0.06), label, INK, font, "mm")
    return pixels(image, 0.4)


def _draw_flower(
    draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, rng: Generator, size: int
) -> None:
    """Draw a stalk, and three outlines about its tip."""
    thick = max(1, size // 100)
    draw.line([x, y, size * 0.5, size * 0.97], INK, thick)
    phi = np.linspace(0, 2 * pi, 120)
    n_petals = int(rng.integers(3, 9))
    outline = radius * gielis(phi, n_petals, rng.uniform(0.5, 1.5), 1, 1)
    for part in (1, 0.6, 0.25):
        across = x + part * outline * cos(phi)
        down = y + part * outline * sin(phi)
        points = np.stack([across, down], -1).ravel()
        draw.line(points.tolist(), INK, thick)


def _garden_label(label: str, back: ndarray, rng: Generator, size: int) -> ndarray:
    """Return a board on a post with the name on it, dark or pale."""
    image = canvas(back, size)
    draw = ImageDraw.Draw(image)
    is_pale = rng.integers(2)
    value = 0.92 if is_pale else 0.25
    ink = (30, 30, 30) if is_pale else (240, 240, 230)
    top = size * rng.uniform(0.2, 0.4)
    half = size * rng.uniform(0.36, 0.46)
    board = rgb(rng.random(), rng.uniform(0, 0.4), value) * 255
    draw.rectangle([size * 0.47, top, size * 0.53, size], POST)
    box = [size / 2 - half, top, size / 2 + half, top + size * 0.34]
    draw.rounded_rectangle(box, size * 0.03, tuple(board.astype(int)), ink)
    for k, words in enumerate([*label.split(), "cultivated"]):
        font = ImageFont.load_default(size * (0.09 if k < 2 else 0.055))
        draw.text((size / 2, top + size * (0.08 + 0.09 * k)), words, ink, font, "mm")
    return pixels(image, 0.4)


def _pot(rng: Generator, size: int) -> list[Crowd]:
    """Return the crowds of an empty pot with soil in it; sizes in samples."""
    wall = rng.uniform(0.28, 0.36)
    turn = view(-pi / 2, rng.uniform(0.2, 0.6)) @ UPRIGHT
    clay = rgb(rng.uniform(0.02, 0.08), 0.6, 0.7)

    def profile(u: ndarray) -> ndarray:
        rim = 0.05 * (u > 0.78)
        return wall * (0.72 + 0.28 * u) + rim

    pot = revolve(profile, size, clay, shine=0.1)
    earth = rgb(0.07, 0.5, 0.2)
    soil = revolve(lambda u: wall * (1 - u), size, earth)
    upwards = turn[:, 1]
    flattened = [[0.8 * size, 1, 0.8 * size]]
    return [
        Crowd(pot, turn[None], upwards * -0.36 * size, 0.8 * size, [1]),
        Crowd(soil, turn[None], upwards * 0.288 * size, flattened, [1]),
    ]


def _butterfly(rng: Generator, size: int) -> list[Crowd]:
    """Return the crowds of a butterfly, whose wings are petals; sizes in samples."""
    azimuth = rng.uniform(0, 6.28)
    elevation = rng.uniform(0.6, 1.5)
    turn = view(azimuth, elevation, rng.uniform(0, 6.28))
    n = size * rng.uniform(0.6, 0.9)
    hue = rng.choice([0.06, 0.12, 0.6, 0.95])
    saturation = rng.uniform(0.2, 0.9)
    colours = SimpleNamespace(
        flower_rgb=rgb(hue, saturation, 0.9),
        eye_rgb=rgb(0.05, 0.5, 0.15),
        eye_pale=False,
        petal_ratio=0.9,
        stamens=0.5,
    )
    pattern = str(rng.choice(["edged", "spotted"]))
    half = int(n / 2)
    wing = petal(colours, half, rng, "rounded", 0.1, 0.2, pattern=pattern)
    brown = rgb(0.08, 0.4, 0.2)
    body = ball(int(n / 4), brown, 0.2, 0.2)
    sizes = n * np.array([0.5, 0.5, 0.4, 0.4])
    at = turn @ [0, -0.25, 0.03] * n
    return [
        Crowd(wing, turn @ axes(WINGS), 0, sizes, np.ones(4)),
        Crowd(body, turn[None], at, n * 0.5, [1]),
    ]
