"""The camera: frames a plant, sets it before something, and spoils the picture as cameras do."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from plantlab.greenhouse.growth import dice, individual, shoot, tree, turtle
from plantlab.greenhouse.organs import axes, ball, cloud, gielis, petal, revolve, rgb, unit
from plantlab.greenhouse.render import FINE, defocus, laid, render, seen_from, shaded, tone, view
from plantlab.greenhouse.scenery import (
    BACKGROUNDS,
    bark,
    blurred,
    canvas,
    hand,
    landscape,
    pixels,
    strokes,
)

ODDS = {  # how often an organ is taken before each of the backgrounds
    "flower": [6, 2.5, 1, 1, 1, 0.5, 0.5, 0.6, 0.6], "leaf": [4, 2, 1.5, 1, 0.5, 2.5, 2.5, 0.6, 0.4],
    "fruit": [6, 1.5, 1, 1, 1.5, 1, 0.8, 0.6, 0.5], "habit": [1, 3, 1.5, 1, 0, 0, 0, 0.7, 0.4],
}  # fmt: skip
FILL = {
    "habit": (0.7, 0.98),
    "leaf": (0.6, 1.05),
    "fruit": (0.5, 0.95),
    "flower": (0.6, 1.1),
}  # share of the frame
INK = (60, 50, 45)


def photograph(species: pd.Series | None, photo: pd.Series, size: int) -> tuple[Image.Image, int]:
    """Return a photo (`size` square) of a `species` row, or of no plant where it is None.

    Beside it stands its JPEG quality. `photo` is a row of `plan_photos`.
    """
    organ = photo.organ
    rng = np.random.default_rng([photo.plant_seed, photo.photo_seed])
    if species is None:
        picture = non_plant(photo.species, rng, size)
    else:
        t = individual(species, photo.plant_seed, pd.Timestamp(photo.date).dayofyear)
        picture = {"herbarium": sheet, "bark": bark}.get(organ, portrait)(t, organ, rng, size)
    return develop(picture, rng, size, flat=organ == "herbarium"), int(rng.triangular(45, 88, 96))


def compose(t, organ: str, rng) -> tuple[dict, str, float]:
    """Return what stands before the lens: parts, the symbols in focus, the elevation of the camera."""
    bears = {"flower": "K", "fruit": "R"}.get(
        organ, "K" if organ == "habit" and rng.random() < 0.6 else ""
    )
    if organ == "habit" and t.habit != "herb":
        return (
            turtle(tree(t, rng, bears), rng, 8, 0.22 - 0.2 * t.branching),
            "LKRF",
            rng.uniform(-0.05, 0.2),
        )
    if organ == "habit":  # a clump
        stems = [
            turtle(shoot(t, rng, int(rng.integers(4, 7)), bears), rng, 6)
            for _ in range(rng.integers(1, 5))
        ]
        for stem, move in zip(stems, rng.normal(0, [0.35, 0.35, 0], (len(stems), 3))):
            stem.update({k: (frames, at + move, size) for k, (frames, at, size) in stem.items()})
        kinds = [k for k in "FLKR" if any(k in stem for stem in stems)]
        clump = {
            k: [np.concatenate(v) for v in zip(*(stem[k] for stem in stems if k in stem))]
            for k in kinds
        }
        return clump, "LKRF", rng.uniform(0.15, 1.1)
    if organ == "leaf" and rng.random() < 0.5:
        return (
            turtle([("&", 75), ("F", 0.3, 0.02), ("L", t.blade)], rng, 3),
            "L",
            rng.uniform(0.9, 1.5),
        )
    if organ == "leaf":
        return turtle(shoot(t, rng, int(rng.integers(2, 5))), rng, 7), "L", rng.uniform(0.3, 1.2)
    return (
        turtle(shoot(t, rng, int(rng.integers(1, 4)), bears, basal=False), rng, 7),
        bears,
        rng.uniform(0.05, 0.95),
    )


def reach(parts: dict, turn, middles: str = "") -> np.ndarray:
    """Return both ends of all parts (N, 3) in the camera's axes; of the symbols in `middles` the origin alone."""
    ends = [
        np.concatenate([o, o + f[:, :, 1] * s[:, :1] * (k not in middles)])
        for k, (f, o, s) in parts.items()
    ]
    return np.concatenate(ends) @ turn.T


def portrait(t, organ: str, rng, size: int) -> np.ndarray:
    """Return the picture (size, size, 3) of leaves, flowers, fruits or the whole plant before a background."""
    parts, focus, elevation = compose(t, organ, rng)
    shown, wood = {k: parts[k] for k in focus if k in parts}, organ == "habit" and t.habit != "herb"
    turn = view(rng.uniform(0, 2 * np.pi), elevation, rng.normal(0, 0.15))
    if focus == "K":  # people go round to where the flower looks at them
        x, y, z = (
            parts["K"][0][-1, :, 1] if t.inflorescence == "solitary" else turn[2]
        ) + rng.normal(0, 0.45, 3)
        turn = view(
            np.arctan2(y, x), np.arctan2(np.clip(z, -0.2, 3), np.hypot(x, y)), rng.normal(0, 0.15)
        )
    elif focus == "L" and len(parts["L"][0]) == 1:
        turn = view(np.pi / 2 + rng.normal(0, 0.5), elevation, rng.uniform(0, 2 * np.pi))
    seen = reach(shown, turn, middles="K")
    pad = max(
        {"K": 0.5, "L": 0.25, "R": 0.4, "F": 0}[k] * s[:, 0].max() for k, (_, _, s) in shown.items()
    )
    low, high = seen.min(0) - pad, seen.max(0) + pad
    if organ in ("fruit", "flower"):  # one of many: closer
        chosen, near = seen[rng.integers(len(seen))], rng.uniform(0, 0.8)
        low, high = low + (chosen - pad - low) * near, high + (chosen + pad - high) * near
    scale = rng.uniform(*FILL[organ]) * size / max(high[0] - low[0], high[1] - low[1], 0.05)
    middle = (low + high) / 2 - np.append(rng.normal(0, 0.05, 2) * size / scale, 0)
    crowds = dice(seen_from(parts, turn, middle, scale, size), t, rng, wood=wood)

    scene = (
        "landscape"
        if wood
        else str(rng.choice(list(BACKGROUNDS), p=np.array(ODDS[organ]) / sum(ODDS[organ])))
    )
    if scene == "hand":
        deep = min(
            (at[:, 2] - 0.3 * s.reshape(len(s), -1).max(1)).min() for _, _, at, s, _ in crowds
        )
        crowds += hand(rng, size * FINE, deep)
    sunny = rng.random() < 0.5
    light = unit(np.float32([rng.normal(0, 0.6), rng.uniform(0.35, 1), rng.uniform(0.25, 0.9)]))
    sun = np.float32([1.0, 0.95, 0.86]) * np.float32(
        rng.uniform(2.2, 3.0) if sunny else rng.uniform(0.7, 1.3)
    )
    air = np.float32([0.88, 0.95, 1.0]) * np.float32(
        rng.uniform(0.5, 0.75) if sunny else rng.uniform(0.8, 1.1)
    )
    picture, depth = render(crowds, size, light, sun, air)
    colour, cover = tone(picture[..., :3]), picture[..., 3:]
    back = (landscape if wood else BACKGROUNDS[scene])(rng, size) * (1.05 if sunny else 0.9)
    if scene in ("soil", "litter", "paper", "rock"):
        back = shaded(
            back, picture, light / (light[2] + 0.3) * 0.06 * size, (0.012 if sunny else 0.05) * size
        )
    elif not wood and organ != "leaf":
        for _ in range(rng.integers(0, 3)):
            back = behind(back, np.concatenate([colour * 0.85, cover], -1), rng, size)
    blur = 0 if organ == "habit" else abs(rng.normal(0, 0.045))
    if blur > 0.01 and (cover > 0.5).any():
        away = np.abs(depth - np.percentile(depth[cover[..., 0] > 0.5], 70)) / FINE
        colour, cover = defocus(colour, cover, away.astype(np.float32) * blur)
    picture = colour * cover + back * (1 - cover)
    return occlude(picture, rng, size) if rng.random() < 0.15 and scene != "paper" else picture


def behind(back, picture, rng, size: int) -> np.ndarray:
    """Return the background with another plant of the kind in it, out of focus."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    picture[..., 3] *= np.clip(
        2.5 * (1 - np.hypot(x, y)), 0, 1
    )  # no edge of the picture shows in the picture
    other = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8), "RGBA").rotate(
        rng.uniform(-30, 30)
    )
    other = other.resize([int(size * rng.uniform(0.5, 0.9))] * 2)
    other = other.filter(ImageFilter.GaussianBlur(size * rng.uniform(0.02, 0.05)))
    image = canvas(back, size)
    image.paste(other, tuple((rng.uniform(-0.3, 0.8, 2) * size).astype(int)), other)
    return pixels(image)


def occlude(picture, rng, size: int) -> np.ndarray:
    """Return the picture with a few blades before the plant, out of focus."""
    veil, image = Image.new("RGBA", (size, size), (60, 90, 30, 0)), canvas(picture, size)
    n, (length, width, hue) = (
        int(rng.integers(1, 4)),
        rng.uniform([0.3, 0.015, 0.1], [0.6, 0.05, 0.3]),
    )
    strokes(veil, rng, n, length, width, hue, (0.3, 0.7))
    veil = veil.filter(ImageFilter.GaussianBlur(size * rng.uniform(0.01, 0.03)))
    image.paste(veil, (0, 0), veil)
    return pixels(image)


def sheet(t, organ: str, rng, size: int) -> np.ndarray:
    """Return a herbarium sheet: the plant pressed and faded, its label, stamp and bar code."""
    for name in ("flower_rgb", "eye_rgb", "fruit_rgb"):
        setattr(
            t,
            name,
            getattr(t, name) * 0.45
            + np.float32([0.36, 0.28, 0.17]) * np.float32(rng.uniform(0.8, 1.1)),
        )
    t.leaf_rgb = t.leaf_rgb * 0.35 + np.float32([0.25, 0.22, 0.11]) * np.float32(
        rng.uniform(0.7, 1.2)
    )
    parts = turtle(shoot(t, rng, int(rng.integers(4, 7)), str(rng.choice(["K", "K", "R"]))), rng, 5)
    turn = view(rng.uniform(0, 2 * np.pi), 0.15, rng.normal(0, 0.2))
    seen = reach(parts, turn)
    low, high = seen.min(0), seen.max(0)
    scale = 0.8 * size / max(high[0] - low[0], high[1] - low[1])
    parts = seen_from(parts, turn, (low + high) / 2 - [0, 0.04 * size / scale, 0], scale, size)
    for symbol in [
        k for k in "LK" if k in parts
    ]:  # blades and flowers lie in the plane of the paper
        frames, at, sizes = parts[symbol]
        aside = rng.normal(0, [0.3, 0.3, 0], at.shape) + [0, 0, 1.6 * (symbol == "K")]
        parts[symbol] = (axes(frames[:, :, 1] * [1, 1, 0] + 1e-3 + aside, (0, 0.4, 1)), at, sizes)
    crowds = dice(parts, t, rng, flat=True)
    picture, _ = render(
        crowds, size, [-0.35, 0.45, 0.82], np.float32(0.9), np.float32(0.55), press=0.06
    )
    image = canvas(rgb(0.11, rng.uniform(0.06, 0.2), rng.uniform(0.86, 0.96)), size)
    draw, thin, (x, y) = (
        ImageDraw.Draw(image),
        max(1, size // 128),
        rng.uniform([0.04, 0.78], [0.6, 0.81]) * size,
    )
    draw.rectangle(
        [x, y, x + size * 0.36, y + size * 0.17], fill=(250, 248, 240), outline=(150, 140, 120)
    )
    for k, long in enumerate(rng.uniform(0.12, 0.32, 5) * size):
        line = y + size * (0.03 + 0.028 * k)
        draw.line([x + size * 0.025, line, x + long, line], INK, thin)
    if rng.random() < 0.6:
        for left in size * (rng.uniform(0.05, 0.7) + 0.009 * np.flatnonzero(rng.random(24) < 0.55)):
            draw.line([left, size * 0.03, left, size * 0.08], (30, 30, 30), thin)
    if rng.random() < 0.4:
        draw.circle(
            rng.uniform([0.1, 0.1], [0.9, 0.3]) * size,
            size * 0.05,
            outline=(110, 60, 120),
            width=thin,
        )
    back = pixels(image, 0.3) * (0.95 + 0.06 * cloud(rng, (size, size), 16, 3))[..., None]
    return laid(picture, back, (-0.01 * size, 0.01 * size), size * 0.008)


def non_plant(label: str, rng, size: int) -> np.ndarray:
    """Return what web searches bring besides plants: a map, a drawing, a garden label, a pot, a butterfly."""
    kind, line = (
        str(rng.choice(["map", "drawing", "label", "pot", "butterfly"])),
        max(1, size // 100),
    )
    if kind == "map":
        land, colour = cloud(rng, (size, size), 3, 5), rgb(rng.uniform(0.1, 0.25), 0.2, 0.92)
        picture = np.where(land[..., None] > 0.5, colour, np.float32([0.72, 0.83, 0.93]))
        image = canvas(picture * np.clip(np.abs(land - 0.5) * size * 0.35, 0.5, 1)[..., None], size)
        for place in rng.normal(rng.uniform(0.25, 0.75, 2), 0.1, (40, 2)) * size:
            ImageDraw.Draw(image).circle(place, size * 0.012, (200, 40, 40))
        return pixels(image)
    if kind == "drawing":
        image = canvas(rgb(0.12, rng.uniform(0, 0.15), rng.uniform(0.85, 1)), size)
        draw, phi = ImageDraw.Draw(image), np.linspace(0, 2 * np.pi, 120)
        for x, y, r in (
            rng.uniform([0.2, 0.2, 0.08], [0.8, 0.75, 0.2], (int(rng.integers(2, 5)), 3)) * size
        ):
            draw.line([x, y, size * 0.5, size * 0.97], INK, line)
            ring = r * gielis(phi, int(rng.integers(3, 9)), rng.uniform(0.5, 1.5), 1, 1)
            for part in (1, 0.6, 0.25):
                ends = np.stack([x + part * ring * np.cos(phi), y + part * ring * np.sin(phi)], -1)
                draw.line(ends.ravel().tolist(), INK, line)
        draw.text((size / 2, size * 0.06), label, INK, ImageFont.load_default(size * 0.07), "mm")
        return pixels(image, 0.4)
    back = BACKGROUNDS[str(rng.choice(["grass", "soil", "litter", "foliage", "rock"]))](rng, size)
    if kind == "label":
        image, (dim, ink) = (
            canvas(back, size),
            [(0.25, (240, 240, 230)), (0.92, (30, 30, 30))][rng.integers(2)],
        )
        draw, top, wide = (
            ImageDraw.Draw(image),
            size * rng.uniform(0.2, 0.4),
            size * rng.uniform(0.36, 0.46),
        )
        board = tuple((rgb(rng.random(), rng.uniform(0, 0.4), dim) * 255).astype(int))
        draw.rectangle([size * 0.47, top, size * 0.53, size], (95, 75, 55))
        draw.rounded_rectangle(
            [size / 2 - wide, top, size / 2 + wide, top + size * 0.34], size * 0.03, board, ink
        )
        for k, words in enumerate([*label.split(), "cultivated"]):
            font = ImageFont.load_default(size * (0.09 if k < 2 else 0.055))
            draw.text((size / 2, top + size * (0.08 + 0.09 * k)), words, ink, font, "mm")
        return pixels(image, 0.4)
    n = size * FINE
    if kind == "pot":
        wall, lift = rng.uniform(0.28, 0.36), rng.uniform(0.2, 0.6)
        turn = view(-np.pi / 2, lift) @ [[1, 0, 0], [0, 0, -1], [0, 1.0, 0]]
        clay = rgb(rng.uniform(0.02, 0.08), 0.6, 0.7)
        pot = revolve(lambda u: wall * (0.72 + 0.28 * u) + 0.05 * (u > 0.78), n, clay, shine=0.1)
        soil = revolve(lambda u: wall * (1 - u), n, rgb(0.07, 0.5, 0.2))
        crowds = [(pot, turn[None], turn[:, 1] * -0.36 * n, 0.8 * n, [1]),
                  (soil, turn[None], turn[:, 1] * 0.288 * n, [[0.8 * n, 1, 0.8 * n]], [1])]  # fmt: skip
    else:  # a petal makes a good wing
        turn, n = (
            view(rng.uniform(0, 6.28), rng.uniform(0.6, 1.5), rng.uniform(0, 6.28)),
            n * rng.uniform(0.6, 0.9),
        )
        own = rgb(rng.choice([0.06, 0.12, 0.6, 0.95]), rng.uniform(0.2, 0.9), 0.9)
        t = SimpleNamespace(
            flower_rgb=own,
            eye_rgb=rgb(0.05, 0.5, 0.15),
            eye_pale=False,
            petal_ratio=0.9,
            stamens=0.5,
        )
        wing = petal(
            t, int(n / 2), rng, "rounded", 0.1, 0.2, pattern=str(rng.choice(["edged", "spotted"]))
        )
        wings = axes([[-0.85, 0.6, 0.25], [0.85, 0.6, 0.25], [-0.7, -0.6, 0.2], [0.7, -0.6, 0.2]])
        body = ball(int(n / 4), rgb(0.08, 0.4, 0.2), 0.2, 0.2)
        crowds = [(wing, turn @ wings, 0, n * np.array([0.5, 0.5, 0.4, 0.4]), np.ones(4)),
                  (body, turn[None], turn @ [0, -0.25, 0.03] * n, n * 0.5, [1])]  # fmt: skip
    picture, _ = render(crowds, size, [-0.4, 0.6, 0.69], np.float32(1.6), np.float32(0.7))
    return laid(picture, back, (-0.03 * size, 0.03 * size), size * 0.02)


def develop(picture, rng, size: int, flat: bool = False) -> Image.Image:
    """Return the picture as a camera gives it: exposure, cast, contrast, vignette, softness, noise of the sensor."""
    picture = np.clip(picture, 0, 1).astype(np.float32)
    gain = np.clip(rng.normal(0.42, 0.07), 0.25, 0.6) / max(
        float(picture.mean()), 0.05
    )  # automatic, half-way
    picture = picture * (rng.uniform(0.9, 1.06) if flat else np.clip(gain, 0.8, 2.2) ** 0.5)
    grey = picture.mean(-1, keepdims=True)
    picture = (grey + (picture - grey) * rng.uniform(0.65, 1.25)) * (
        1 + rng.normal(0, 0.02 if flat else 0.055, 3)
    )
    picture = np.clip(picture, 0, 1)
    picture = picture + rng.uniform(-0.4, 0.4) * picture * (1 - picture) * (2 * picture - 1)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    picture = picture * (1 - rng.uniform(0, 0.15) * (x**2 + y**2)[..., None])
    if rng.random() < 0.2:
        picture = blurred(picture, rng.uniform(0.3, 0.9) * size / 128)
    return canvas(picture + rng.normal(0, rng.uniform(0.001, 0.015), picture.shape), size)
