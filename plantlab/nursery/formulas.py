"""Formula-made images to learn to see from: contours, textures and dead leaves, no plant and no photograph.

A *formula* is a handful of numbers: a palette, a contour, textures for figure and ground, and how copies of the figure
are laid. One formula has endless renderings, which differ in pose, scale, light, noise and neighbours, as photos of
one thing do. Formulas come in groups that share a palette, so that colour alone tells nobody which is which.

Sources: H. Kataoka et al., Pre-training without natural images, IJCV 2022 (fractals and contours for classes);
S. Takashima et al., Visual atoms, CVPR 2023 (sums of waves along a contour); M. Baradad et al., Learning to see by
looking at noise, NeurIPS 2021 (dead leaves, statistical images).
"""

import colorsys
from math import cos, pi, sin

import numpy as np
from PIL import Image

TEXTURES = ("noise", "waves", "rings", "rays", "cells", "spots", "net")
LAYOUTS = ("single", "scatter", "whorl", "rows", "heap")
GROUP = 4  # formulas that share a palette


def palette(rng: np.random.Generator) -> np.ndarray:
    """Return five colours (5, 3) in [0, 1]: around one hue, two or three hues, or any."""
    hue, spread = rng.random(), rng.choice([0.03, 0.08, 1.0], p=[0.45, 0.3, 0.25])
    hues = hue + rng.choice([0, 0, rng.uniform(0.2, 0.8)], 5)
    hsv = [((h + rng.normal(0, spread)) % 1, rng.beta(1.6, 1.2), 0.08 + 0.92 * rng.beta(1.6, 1)) for h in hues]
    return np.array([colorsys.hsv_to_rgb(*each) for each in hsv], np.float32)


def draw_formula(rng: np.random.Generator, colours: np.ndarray | None = None) -> dict:
    """Return a random formula; with `colours` (5, 3) it wears that palette, in an order of its own."""
    colours = palette(rng) if colours is None else colours[rng.permutation(5)]
    fold = int(rng.integers(1, 13))
    return {
        "palette": np.clip(colours + rng.normal(0, 0.03, (5, 3)), 0, 1).astype(np.float32), "fold": fold,
        "lobes": rng.choice([0, rng.uniform(0.2, 0.9)], p=[0.25, 0.75]),
        "tip": rng.uniform(0.3, 2.5),  # below 1 round, above it pointed
        "waves": rng.normal(0, 0.5, 4) / np.arange(2, 6) * rng.choice([0.15, 0.6]), "phases": rng.uniform(0, 6.28, 4),
        "aspect": rng.uniform(0.35, 1), "rings": rng.choice([1, 1, 2, 3]), "ring_size": rng.uniform(0.3, 0.75),
        "relief": rng.uniform(0, 1),
        "textures": [_draw_texture(rng, fold) for _ in range(3)],  # ground, figure, inner figure
        "layout": str(rng.choice(LAYOUTS)), "copies": int(rng.integers(3, 14)), "gap": rng.uniform(0.7, 1.3),
    }  # fmt: skip


def _draw_texture(rng, fold: int) -> dict:
    return {
        "kind": str(rng.choice(TEXTURES)), "frequency": 2 ** rng.uniform(0.3, 4.2), "angle": rng.uniform(0, 3.14),
        "warp": rng.choice([0, rng.uniform(0, 1.2)]), "sharp": 2 ** rng.uniform(0, 4),
        "fold": fold * int(rng.integers(1, 4)), "slope": rng.uniform(0.4, 0.75),  # of each finer octave's strength
        "colours": rng.permutation(5)[:3], "amount": rng.beta(1, 1.2),
    }  # fmt: skip


def cloud(rng: np.random.Generator, size: int, cells: float, slope: float = 0.5) -> np.ndarray:
    """Return smooth noise (size, size), mean 0 and spread about 1: random grids, each finer and fainter."""
    total, weight, n = np.zeros((size, size), np.float32), 1.0, max(2, round(cells))
    while n < size and weight > 0.1:
        grid = Image.fromarray(rng.standard_normal((n + 1, n + 1), dtype=np.float32))
        total += weight * np.asarray(grid.resize((size, size), Image.Resampling.BICUBIC))
        weight, n = weight * slope, 2 * n
    return total / (total.std() + 1e-6)


def _texture(t: dict, colours: np.ndarray, x, y, rng) -> np.ndarray:
    """Return the texture's colours (h, w, 3) at the points x, y (h, w), of which the figure spans about -1 to 1."""
    size = max(x.shape)
    noise = cloud(rng, size, min(size / 3, 1.5 * t["frequency"]), t["slope"])[: x.shape[0], : x.shape[1]]
    c, s, f = cos(t["angle"]), sin(t["angle"]), t["frequency"]
    u, v = x * c + y * s, y * c - x * s
    bend, along = t["warp"] * noise, np.hypot(x, y) if t["kind"] == "rings" else u
    value = {  # only the one that is wanted is computed
        "noise": lambda: noise, "net": lambda: 1 - 3 * np.abs(noise),
        "waves": lambda: np.sin(3 * f * u + bend), "rings": lambda: np.sin(3 * f * along + bend),
        "rays": lambda: np.sin(t["fold"] * np.arctan2(y, x) + bend),
        "cells": lambda: np.sin(3 * f * u + bend) * np.sin(3 * f * v - bend),
        "spots": lambda: np.cos(2.5 * f * u + bend) + np.cos(2.5 * f * v + bend) - 0.9,
    }[t["kind"]]()  # fmt: skip
    value = np.tanh(value * t["sharp"] / 2) * 0.5 + 0.5  # (h, w)
    a, b, third = colours[t["colours"]]
    b = a + (b - a) * (0.25 + 0.75 * t["amount"])
    fade = np.clip(0.5 + 0.35 * along, 0, 1)[..., None] * 0.5 * t["amount"]
    base = a * (1 - fade) + third * fade
    return base + (b - base) * value[..., None]


def contour(formula: dict) -> np.ndarray:
    """Return the figure's radius at 1,024 angles: lobes in `fold`-fold symmetry and waves that break it, about 1."""
    angle = np.linspace(-pi, pi, 1024)
    lobe = np.abs(np.cos(formula["fold"] * angle / 2)) ** formula["tip"]
    radius = 1 - formula["lobes"] * (1 - lobe)
    for k, (wave, phase) in enumerate(zip(formula["waves"], formula["phases"]), 2):
        radius = radius + wave * np.cos(k * angle + phase)
    return np.clip(radius, 0.08, 1.36).astype(np.float32)


def _place(formula: dict, rng, turn: float) -> np.ndarray:
    """Return where the copies lie: rows of (x, y, radius, turn), the middle of the picture at 0 and its edge at 1."""
    n, layout, size = formula["copies"], formula["layout"], rng.uniform(0.55, 1.15)
    if layout == "single":
        rows = [(0, 0, size, turn)]
    elif layout == "whorl":
        angles = turn + 2 * np.pi * np.arange(n) / n
        ring, r = 0.6 * size, 0.6 * size * np.sin(np.pi / n) * formula["gap"] + 0.06
        rows = [(ring * np.cos(a), ring * np.sin(a), r, a) for a in angles]
    elif layout == "rows":
        step = 2.4 * size / n**0.5
        c, s = np.cos(turn), np.sin(turn)
        places = [(i, j) for i in range(-4, 5) for j in range(-4, 5) if max(abs(i), abs(j)) * step < 1.5]
        rows = [((i * c - j * s) * step, (i * s + j * c) * step, step * 0.5 * formula["gap"], turn) for i, j in places]
    else:
        far, r = (0.9, 0.42) if layout == "scatter" else (0.45, 0.5)
        rows = [(*rng.uniform(-far, far, 2), r * size * rng.uniform(0.6, 1.1), rng.uniform(0, 6.28)) for _ in range(n)]
    return np.array(rows) + [*rng.normal(0, 0.12, 2), 0, 0]


def render(formula: dict, rng: np.random.Generator, size: int = 112, strangers: list[dict] = ()) -> np.ndarray:
    """Return one rendering, uint8 (size, size, 3): a new pose, light and noise; `strangers` lie about as well."""
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    turn, zoom = rng.uniform(0, 6.28), rng.uniform(0.8, 1.25)
    c, s = cos(turn) * zoom, sin(turn) * zoom
    ground, colours = formula["textures"][0], formula["palette"]
    if (strange := rng.random()) < 0.6:  # elsewhere: what stands behind says little of what stands before
        ground, colours = _draw_texture(rng, 4), palette(rng) if strange < 0.3 else colours
    picture = _texture(ground, colours, x * c + y * s, y * c - x * s, rng)
    light = rng.uniform(0, 6.28)
    things = [(f, row) for f in strangers for row in _place(f | {"layout": "scatter", "copies": 2}, rng, 0)]
    things += [(formula, row) for row in _place(formula, rng, turn)]
    squash = formula["aspect"], rng.uniform(0.7, 1), rng.uniform(0, 3.14)
    for f, row in things:
        _paint(picture, f, *row.tolist(), light, squash, rng)
    fall = 1 + 0.3 * rng.random() * (x * cos(light) + y * sin(light))
    picture = picture * fall[..., None] * rng.uniform(0.75, 1.15) + rng.normal(0, 0.02, 3).astype(np.float32)
    if rng.random() < 0.3:
        small = max(24, int(size * rng.uniform(0.35, 0.8)))
        blurred = Image.fromarray(np.uint8(255 * np.clip(picture, 0, 1))).resize((small, small), Image.Resampling.BOX)
        return np.asarray(blurred.resize((size, size), Image.Resampling.BICUBIC))
    picture += rng.uniform(0, 0.03) * rng.standard_normal(picture.shape, np.float32)
    return np.uint8(255 * np.clip(picture, 0, 1))


def _paint(picture, f, at_x, at_y, radius, turned, light, squash, rng) -> None:
    """Draw one copy of a figure and its shadow into the picture, in place; only its box is touched."""
    size = len(picture)
    row, column, reach = (at_y + 1) * size / 2, (at_x + 1) * size / 2, radius * size * 0.68
    edges = [row - reach, row + reach + 1, column - reach, column + reach + 1]
    top, bottom, left, right = np.int32(np.clip(edges, 0, size))
    if bottom - top < 3 or right - left < 3:
        return
    x = (np.arange(left, right, dtype=np.float32)[None] - column) / (radius * size / 2)
    y = (np.arange(top, bottom, dtype=np.float32)[:, None] - row) / (radius * size / 2)
    aspect, tilt, tilted = squash
    c, s = cos(tilted), sin(tilted)  # the figure is seen from the side
    u, v = x * c + y * s, (y * c - x * s) / tilt
    x, y = u * c - v * s, v * c + u * s
    c, s = cos(turned), sin(turned)
    u, v = x * c + y * s, (y * c - x * s) / aspect
    steps = np.int32((np.arctan2(v, u) + pi) * (1023 / (2 * pi)))
    inside = np.sqrt(u * u + v * v) / contour(f)[steps]
    soft = radius * size / 5
    box = picture[top:bottom, left:right]
    box *= (1 - np.clip((1.12 - inside) * soft / 2, 0, 1) * 0.4)[..., None]  # the shadow
    for ring in range(f["rings"]):
        rim = inside / f["ring_size"] ** ring
        cover = np.clip((1 - rim) * soft, 0, 1)[..., None]
        if ring and cover.max() == 0:
            break
        colour = _texture(f["textures"][1 + ring % 2], f["palette"], u, v, rng)
        slope = f["relief"] * 0.45 * np.minimum(rim, 1) * (x * cos(light) + y * sin(light))
        box += cover * (colour * (1 + slope)[..., None] - box)


def render_group(seed: int, renderings: int = 4, size: int = 112) -> np.ndarray:
    """Return uint8 (GROUP, renderings, size, size, 3): formulas that share a palette, each rendered several times."""
    rng = np.random.default_rng([seed, 7])
    colours = palette(rng)
    formulas = [draw_formula(rng, colours) for _ in range(GROUP)]
    pictures = np.empty((GROUP, renderings, size, size, 3), np.uint8)
    for i, k in np.ndindex(GROUP, renderings):
        stranger = draw_formula(rng, colours)
        pictures[i, k] = render(formulas[i], rng, size, [stranger] if rng.random() < 0.35 else [])
    return pictures
