"""What stands behind a plant: meadow, soil, sky, paper, a hand; and bark. Pictures are (size, size, 3), from 0 to 1."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from plantlab.greenhouse.organs import cloud, mix, revolve, rgb


def blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    """Return a picture or a map after a Gaussian blur."""
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(image, (sigma, sigma, 0)[: image.ndim])


def canvas(colour, size: int) -> Image.Image:
    """Return a PIL image of one colour, or of a picture."""
    colour = np.broadcast_to(np.asarray(colour, np.float32), (size, size, 3))
    return Image.fromarray((np.clip(colour, 0, 1) * 255).astype(np.uint8))


def pixels(image: Image.Image, blur: float = 0) -> np.ndarray:
    """Return the picture of a PIL image, after a blur."""
    return (
        np.asarray(image.filter(ImageFilter.GaussianBlur(blur)) if blur else image, np.float32)
        / 255
    )


def strokes(image, rng, n, length, width, hue, value, saturation=0.55, upright=False):
    """Draw `n` blades of grass or leaves on a PIL image: lens shapes of random place, angle and tone."""
    draw, side, u = ImageDraw.Draw(image), image.width, np.linspace(-1, 1, 7)
    outline = np.concatenate([np.stack([u, 1 - u**2], -1), np.stack([u[::-1], u**2 - 1], -1)])
    for _ in range(n):
        angle = np.pi / 2 + rng.normal(0, 0.25) if upright else rng.uniform(0, 2 * np.pi)
        c, s = np.cos(angle), np.sin(angle)
        edge = outline * side * np.array([length, width]) * rng.uniform(0.5, 1.4, 2)
        edge = edge @ np.array([[c, -s], [s, c]]) + rng.uniform(-0.1, 1.1, 2) * side
        colour = rgb(
            hue + rng.normal(0, 0.025), saturation * rng.uniform(0.7, 1.2), rng.uniform(*value)
        )
        draw.polygon(edge.ravel().tolist(), fill=tuple((colour * 255).astype(int)))


def foliage(rng, size, dim=1.0):
    """Return leaves out of focus, with the discs that highlights become there."""
    light = rng.uniform(0.2, 0.55) * dim
    image = canvas(rgb(0.28, 0.5, light * 0.6), size)
    strokes(image, rng, 45, 0.16, 0.06, rng.uniform(0.2, 0.32), (light * 0.5, light * 1.9))
    blur = size * rng.uniform(0.012, 0.06)
    back = pixels(image, blur)
    if rng.random() < 0.55:
        discs, r = Image.new("L", (size, size)), blur * 1.2 + 1
        for x, y in rng.uniform(0, size, (int(rng.integers(4, 25)), 2)):
            ImageDraw.Draw(discs).ellipse(
                [x - r, y - r, x + r, y + r], fill=int(rng.uniform(20, 90))
            )
        back = 1 - (1 - back) * (
            1 - pixels(discs, size * 0.004)[..., None] * np.float32([0.9, 1.0, 0.6]) * dim
        )
    return back * (0.7 + 0.6 * cloud(rng, (size, size), 2, 2))[..., None]


def grass(rng, size):
    """Return a meadow seen from near: paler blades before darker."""
    hue = rng.uniform(0.18, 0.3)
    image = canvas(rgb(hue, 0.6, 0.2), size)
    strokes(image, rng, 60, 0.3, 0.012, hue, (0.2, 0.5), upright=True)
    strokes(image, rng, 50, 0.3, 0.012, hue - 0.02, (0.4, 0.75), upright=True)
    return pixels(image, size * rng.uniform(0.003, 0.025))


def ground(rng, size, hue=(0.05, 0.1), saturation=(0.2, 0.5), pebbles=25):
    """Return soil, or rock: grainy, lit from the side, with pebbles on it."""
    grain = cloud(rng, (size, size), 4, 6)
    base = rgb(rng.uniform(*hue), rng.uniform(*saturation), rng.uniform(0.4, 0.75))
    slope = (np.gradient(grain, axis=0) - np.gradient(grain, axis=1)) * size * 0.035
    image = canvas(base * (0.5 + 0.75 * grain + slope)[..., None], size)
    strokes(image, rng, int(rng.integers(0, pebbles)), 0.02, 0.014, 0.08, (0.3, 0.7), 0.25)
    return pixels(image, size * rng.uniform(0.002, 0.012))


def litter(rng, size):
    """Return dead leaves and twigs."""
    image = canvas(rgb(0.07, 0.4, 0.25), size)
    strokes(image, rng, 80, 0.13, 0.05, 0.075, (0.3, 0.7), 0.5)
    strokes(image, rng, 15, 0.2, 0.006, 0.08, (0.3, 0.6), 0.3)
    return (
        pixels(image, size * rng.uniform(0.003, 0.02))
        * (0.7 + 0.5 * cloud(rng, (size, size), 8, 3))[..., None]
    )


def sky(rng, size):
    """Return sky, paler towards the horizon, with clouds or without."""
    y = np.linspace(0, 1, size)[:, None] + np.zeros((size, size))
    blue = rgb(rng.uniform(0.55, 0.6), rng.uniform(0.15, 0.6), rng.uniform(0.75, 0.95))
    clouds = np.clip((cloud(rng, (size, size), 3, 4) - 0.5) * 3, 0, 1) * rng.random()
    return mix(
        mix(blue, np.float32([0.93, 0.95, 0.97]), 0.7 * y), np.float32([0.96, 0.96, 0.96]), clouds
    )


def paper(rng, size):
    """Return plain or squared paper in uneven light."""
    y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j]
    base = rgb(rng.uniform(0.05, 0.65), rng.uniform(0, 0.08), rng.uniform(0.75, 0.97))
    fall = (
        1
        - 0.3 * (x * rng.uniform(-1, 1) + y * rng.uniform(-1, 1))
        + 0.02 * (cloud(rng, (size, size), 20, 2) - 0.5)
    )
    if rng.random() < 0.3:  # squared paper
        step = rng.uniform(0.06, 0.12)
        fall = fall * (1 - 0.18 * (((x % step) < 0.009) | ((y % step) < 0.009)))
    return base * np.clip(fall, 0, 1.1)[..., None]


BACKGROUNDS = {
    "foliage": foliage, "grass": grass, "soil": ground, "litter": litter, "sky": sky, "paper": paper, "hand": foliage,
    "rock": lambda rng, size: ground(rng, size, (0.05, 0.6), (0.02, 0.15), 1),
    "dark": lambda rng, size: foliage(rng, size, rng.uniform(0.1, 0.4)),
}  # fmt: skip


def landscape(rng, size):
    """Return sky, a far line of trees and a meadow."""
    y = np.linspace(0, 1, size)[:, None] + np.zeros((size, size))
    horizon = rng.uniform(0.6, 0.85)
    line = horizon - 0.3 * cloud(rng, (2, size), 5, 4)[:1] * rng.uniform(0.3, 1.2)
    trees = rgb(0.3, 0.35, 0.45) * (0.6 + 0.6 * cloud(rng, (size, size), 14, 3))[..., None]
    trees = mix(trees, np.float32([0.7, 0.78, 0.85]), y * 0 + rng.uniform(0, 0.6))
    green = rgb(rng.uniform(0.17, 0.27), 0.55, 0.6)
    meadow = canvas(green * (0.5 + 0.8 * cloud(rng, (size, size), 8, 4))[..., None], size)
    strokes(meadow, rng, 90, 0.05, 0.006, rng.uniform(0.17, 0.27), (0.35, 0.75), upright=True)
    return mix(
        mix(sky(rng, size), trees, (y - line) * size * 0.4),
        pixels(meadow, 0.4),
        (y - horizon) * size * 0.3,
    )


def hand(rng, size: float, deep: float) -> list:
    """Return the crowds of a hand that holds the plant from behind, at depth `deep`; sizes in samples."""
    skin = rgb(rng.uniform(0.03, 0.07), rng.uniform(0.3, 0.55), rng.uniform(0.4, 0.92))
    wide, lean, n = 0.085 * size * rng.uniform(0.9, 1.2), rng.uniform(-0.6, 0.6), int(size * 0.55)
    finger = revolve(
        lambda u: np.clip(1 - u**8, 0, 1) ** 0.5 * (1 - 0.1 * np.cos(u * 12)), n, around=int(wide * 3),
        colour=lambda u, phi: skin * (1 - 0.1 * np.exp(-(((u % 0.33) - 0.16) ** 2) / 6e-4))[..., None],
    )  # fmt: skip
    palm = revolve(lambda u: np.clip(np.sin(np.pi * u), 0, 1) ** 0.5, n, skin, around=2 * n)
    angle = lean + 0.07 * (np.arange(5) - 1.5) * (np.arange(5) < 4)
    c, s, zero = np.cos(angle), np.sin(angle), 0 * angle
    frames = np.stack(
        [np.stack([c, s, zero], -1), np.stack([-s, c, zero], -1), [[0, 0, 1.0]] * 5], -1
    )
    offset = np.append((np.arange(4) - 1.5) * wide * 2.02, 0)[:, None] * frames[:, :, 0]
    at = (
        offset
        - np.array([0.42] * 4 + [0.95])[:, None] * size * frames[:, :, 1]
        + [0, 0, deep - wide * 1.2]
    )
    reach = [[wide, size * rng.uniform(0.55, 0.7), wide] for _ in range(4)] + [
        [4.3 * wide, 0.75 * size, 1.3 * wide]
    ]
    return [
        (finger, frames[:4], at[:4], reach[:4], np.ones(4)),
        (palm, frames[4:], at[4:], reach[4:], np.ones(1)),
    ]


def bark(t, organ, rng, size):
    """Return the picture of a trunk: a height map after the kind of its species, lit from the side."""
    from scipy.spatial import cKDTree

    y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j]
    width, middle = (
        rng.uniform(0.34, 0.9),
        0.5 + rng.normal(0, 0.05) + rng.normal(0, 0.06) * (y - 0.5),
    )
    round_ = np.clip((x - middle) / width, -1, 1)
    turn, grain = np.arcsin(round_) * width, (4 + 9 * (1 - t.bark_grain)) * rng.uniform(0.8, 1.25)
    wave, fine = 0.12 * (cloud(rng, (size, size), 4, 2) - 0.5), cloud(rng, (size, size), 20, 3)
    tint, base = 0.3 * (cloud(rng, (size, size), 3, 3) - 0.5), t.bark_rgb
    if t.bark in ("plated", "scaly"):
        scaly = t.bark == "scaly"
        seeds = rng.uniform([-1, -0.1], [1, 1.1], (int(grain**2 * (1.1 if scaly else 0.5)) + 6, 2))
        stretch, where = (
            [1, 0.8 if scaly else 0.45],
            np.stack([turn + wave, y + wave], -1).reshape(-1, 2),
        )
        distance, nearest = cKDTree(seeds * stretch).query(where * stretch, 2)
        crack = (
            np.clip((distance[:, 1] - distance[:, 0]).reshape(x.shape) * grain * 1.6, 0, 1) ** 0.6
        )
        lift = ((where[:, 1] - seeds[nearest[:, 0], 1]) * grain * 0.9).reshape(x.shape)
        height = (crack * 0.6 + lift if scaly else crack) + 0.3 * fine
        tint = tint + 0.25 * (rng.random(len(seeds))[nearest[:, 0]].reshape(x.shape) - 0.5)
    elif t.bark == "furrowed":
        strips = np.abs(
            np.sin((turn + wave * 1.3) * grain * 5 + 3 * cloud(rng, (size, size), 5, 2))
        )
        height = strips**0.7 + 0.35 * fine - 0.5 * (cloud(rng, (size, size), 9, 2) > 0.66)
    else:
        height, smooth = 0.25 * fine, t.bark == "smooth"
        for a, b, long in rng.random((25 if smooth else 45, 3)):  # lenticels
            rows = np.abs(y[:, 0] - b) < 0.09
            mark = ((turn[rows] - (2 * a - 1)) / ((0.02 + 0.07 * long) * (2 - smooth))) ** 4
            mark = np.exp(
                -mark - ((y[rows] - b + wave[rows] * 0.2) / rng.uniform(0.004, 0.009)) ** 2
            )
            height[rows], tint[rows] = height[rows] + 0.3 * mark, tint[rows] - 0.7 * mark
        if not smooth:
            loose = np.clip((cloud(rng, (size, size), 4, 2) + 0.4 * wave - 0.5) * 30, 0, 1)
            height, base = (
                height + 0.8 * loose,
                mix(base * [0.95, 0.75, 0.6], np.float32([0.88, 0.86, 0.8]), loose),
            )
    slope = np.gradient(height, axis=1) * rng.choice([-1, 1]) + 0.6 * np.gradient(height, axis=0)
    hollow = np.clip(1 - (blurred(height, size * 0.02) - height) * 0.9, 0.25, 1.15)
    colour = base * (hollow * (0.9 + tint) + np.clip(slope * size * 0.035, -0.4, 0.5))[..., None]
    moss = np.clip((cloud(rng, (size, size), 4, 4) - 0.62) * 5, 0, 0.8) * (rng.random() < 0.5)
    colour = mix(colour, rgb(rng.uniform(0.17, 0.33), 0.35, 0.55) * (0.5 + fine)[..., None], moss)
    side = 0.55 + 0.45 * np.sqrt(np.clip(1 - round_**2, 0, 1)) + 0.25 * round_ * rng.uniform(-1, 1)
    edge = (1 - np.abs((x - middle) / width)) * size * 0.5 * width
    return mix(foliage(rng, size), np.clip(colour * side[..., None] * 1.15, 0, 1), edge)
