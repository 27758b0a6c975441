"""The camera: frames a plant, lights it, sets it before something, and spoils the picture as cameras do.

Surfaces diced finer than a pixel are drawn point by point, the nearest seen, after R. Cook, L. Carpenter and E. Catmull,
The Reyes image rendering architecture, SIGGRAPH 1987. One depth map from the lens hides what lies behind, another from
the light casts the shadows (L. Williams, SIGGRAPH 1978).
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from plantlab.greenhouse.growth import dice, individual, shoot, tree, turtle
from plantlab.greenhouse.organs import axes, ball, cloud, gielis, petal, revolve, rgb, spread
from plantlab.greenhouse.scenery import BACKGROUNDS, bark, blurred, canvas, hand, landscape, pixels, strokes

FINE = 2  # samples along the side of a pixel
ODDS = {  # how often an organ is taken before each of the backgrounds
    "flower": [6, 2.5, 1, 1, 1, 0.5, 0.5, 0.6, 0.6], "leaf": [4, 2, 1.5, 1, 0.5, 2.5, 2.5, 0.6, 0.4],
    "fruit": [6, 1.5, 1, 1, 1.5, 1, 0.8, 0.6, 0.5], "habit": [1, 3, 1.5, 1, 0, 0, 0, 0.7, 0.4],
}  # fmt: skip


def photograph(species, organ: str, plant_seed: int, photo_seed: int, size: int, day: int, label: str):
    """Return a photo (PIL, `size` square) of a `species` row, or of no plant where it is None, and its JPEG quality."""
    rng = np.random.default_rng([plant_seed, photo_seed])
    if species is None:
        picture = non_plant(label, rng, size)
    elif organ == "bark":
        picture = bark(individual(species, plant_seed, day), rng, size)
    else:
        picture = {"herbarium": sheet}.get(organ, portrait)(individual(species, plant_seed, day), organ, rng, size)
    return develop(picture, rng, size, flat=organ == "herbarium"), int(rng.triangular(45, 88, 96))


def view(azimuth: float, elevation: float, roll: float = 0.0) -> np.ndarray:
    """Return the rows right, up and towards the camera, which looks from there at the origin."""
    to = np.array([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])
    right = np.array([-np.sin(azimuth), np.cos(azimuth), 0])
    up, c, s = np.cross(to, right), np.cos(roll), np.sin(roll)
    return np.stack([c * right + s * up, c * up - s * right, to])


def seen_from(parts: dict, turn, middle, scale: float, size: int) -> dict:
    """Return the parts in the camera's axes and in samples, without those outside the picture or far larger than it."""
    kept = {}
    for symbol, (frames, at, sizes) in parts.items():
        at, sizes = (at @ turn.T - middle) * scale * FINE, sizes * scale * FINE
        reach = size * FINE * 0.52 + sizes[:, 0] * 1.2
        inside = (np.abs(at[:, :2]) < reach[:, None]).all(1) & ((sizes[:, 0] < 1.6 * size * FINE) | (symbol in "FR"))
        sizes = np.minimum(sizes, 3 * size * FINE)
        if inside.any():
            kept[symbol] = (turn @ frames[inside], at[inside], sizes[inside])
    return kept


def render(crowds: list, side: int, light, sun, sky, press: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return linear colour with cover (side, side, 4), and depth (side, side), of crowds whose sizes are in samples.

    Only the points that are seen are shaded. `press` flattens the scene, as between two sheets of paper.
    """
    from scipy.ndimage import uniform_filter

    wide, light = side * FINE, np.float32(light)
    places = [spread(*crowd[:4]).reshape(-1, 3) for crowd in crowds]
    starts = np.cumsum([0] + [len(p) for p in places])
    places = np.concatenate(places) * np.float32([1, 1, press])
    nearer = 4 * wide / np.maximum(4 * wide - places[:, 2], wide)
    col = (places[:, 0] * nearer + wide / 2).astype(np.int32)
    row = (wide / 2 - places[:, 1] * nearer).astype(np.int32)
    inside = np.flatnonzero((col > 0) & (col < wide - 1) & (row > 0) & (row < wide - 1))
    spot, (x, y, z) = (row * wide + col)[inside], places[inside].T.copy()
    depth = np.full(wide * (wide + 1) + 2, -1e6, np.float32)
    owner = np.full(len(depth), -1, np.int32)
    footprint = (0, 1, wide, wide + 1)  # a point is two samples wide, so that no gap is left between neighbours
    for step in footprint:
        np.maximum.at(depth, spot + step, z)
    for step in footprint:
        won = np.flatnonzero(z >= depth[spot + step])
        owner[spot[won] + step] = won
    for step in (1, wide):  # a sample far behind both its neighbours is a gap all the same
        gap = np.minimum(depth[: -2 * step], depth[2 * step :]) > depth[step:-step] + 0.03 * wide
        owner[step:-step] = np.where(gap, owner[: -2 * step], owner[step:-step])
    spot = np.flatnonzero(owner[: wide * wide] >= 0)
    mine = owner[spot]  # among those inside
    p, whose = np.empty((len(mine), 8), np.float32), inside[mine]  # normal, colour, shine, translucency
    for (mesh, frames, _, _, tints), start, stop in zip(crowds, starts, starts[1:]):
        own = np.flatnonzero((whose >= start) & (whose < stop))
        copy, point = np.divmod(whose[own] - start, len(mesh))
        p[own] = mesh[point, 3:]
        p[own, :3] = np.einsum("pij,pj->pi", np.float32(frames)[copy], mesh[point, 3:6])
        p[own, 3:6] *= np.float32(tints)[copy, None]
    p[:, :2] *= press**0.25
    p[:, 6] *= press

    a = np.cross(light, [0.3, 1, 0.2])
    a, coarse = np.float32(a / np.linalg.norm(a)), wide // 2
    cells = [np.clip((x * v[0] + y * v[1] + z * v[2] + wide / 2) / 2, 0, coarse - 1).astype(np.int32)
             for v in (a, np.cross(light, a))]  # fmt: skip
    cell, towards = cells[1] * coarse + cells[0], x * light[0] + y * light[1] + z * light[2]
    lit = np.full(coarse * coarse, -1e6, np.float32)
    np.maximum.at(lit, cell, towards)
    image = np.zeros((wide * wide, 6), np.float32)  # cover, colour, depth, shadow
    image[spot, 0], image[spot, 4], image[spot, 5] = 1, z[mine], lit[cell[mine]] - towards[mine] > 0.02 * wide
    field = image.reshape(wide, wide, 6)
    soft = uniform_filter(field[..., 0], 5), uniform_filter(field[..., 5], 5)
    free = 1 - 0.8 * (soft[1] / (soft[0] + 1e-6)).ravel()[spot][:, None]
    solid = np.where(field[..., 0] > 0, field[..., 4], z[mine].min(initial=0))
    hollow = np.clip((uniform_filter(solid, wide // 16) - solid) / (0.06 * wide), 0, 1).ravel()[spot][:, None]

    normal = p[:, :3] * np.where(p[:, 2:3] < 0, -1, 1).astype(np.float32)
    facing, half = normal @ light, light + np.float32([0, 0, 1])
    direct = (np.clip(facing, 0, 1) + p[:, 7] * np.clip(-facing, 0, 1) * 0.7)[:, None]
    gleam = (p[:, 6] * np.clip(normal @ (half / np.linalg.norm(half)), 0, 1) ** 24)[:, None]
    ambient = sky * (0.6 + 0.4 * normal[:, 1:2]) * (1 - 0.75 * hollow)
    image[spot, 1:4] = np.clip(p[:, 3:6] * (sun * direct * free + ambient) + 0.35 * sun * gleam * free, 0, 4)
    small = sum(field[i::FINE, j::FINE, :5] for i in range(FINE) for j in range(FINE)) / FINE**2
    cover = np.maximum(small[..., :1], 1e-6)
    return np.concatenate([small[..., 1:4] / cover, np.clip(cover * 1.15, 0, 1)], -1), small[..., 4] / cover[..., 0]


def tone(linear: np.ndarray) -> np.ndarray:
    """Return display values of linear light; highlights roll off as on film."""
    linear = linear * 1.15
    return np.clip(linear * (1 + linear / 9) / (1 + linear * 0.55), 0, 1) ** (1 / 2.2)


def compose(t, organ: str, rng) -> tuple[dict, str, float]:
    """Return what stands before the lens: parts, the symbols in focus, the elevation of the camera."""
    bears = {"flower": "K", "fruit": "R"}.get(organ, "K" if organ == "habit" and rng.random() < 0.6 else "")
    if organ == "habit" and t.habit != "herb":
        return turtle(tree(t, rng, bears), rng, 8, 0.22 - 0.2 * t.branching), "LKRF", rng.uniform(-0.05, 0.2)
    if organ == "habit":  # a clump
        stems = [turtle(shoot(t, rng, int(rng.integers(4, 7)), bears), rng, 6) for _ in range(rng.integers(1, 5))]
        moves = rng.normal(0, [0.35, 0.35, 0], (len(stems), 3))
        joined = {k: [np.concatenate([s[k][j] + (m if j == 1 else 0) for s, m in zip(stems, moves) if k in s])
                      for j in range(3)] for k in "FLKR" if any(k in s for s in stems)}  # fmt: skip
        return joined, "LKRF", rng.uniform(0.15, 1.1)
    if organ == "leaf" and rng.random() < 0.5:
        return turtle([("&", 75, 0), ("F", 0.3, 0.02), ("L", t.blade, 0)], rng, 3), "L", rng.uniform(0.9, 1.5)
    if organ == "leaf":
        return turtle(shoot(t, rng, int(rng.integers(2, 5))), rng, 7), "L", rng.uniform(0.3, 1.2)
    return turtle(shoot(t, rng, int(rng.integers(1, 4)), bears, basal=False), rng, 7), bears, rng.uniform(0.05, 0.95)


def portrait(t, organ: str, rng, size: int) -> np.ndarray:
    """Return the picture (size, size, 3) of leaves, flowers, fruits or the whole plant before a background."""
    parts, focus, elevation = compose(t, organ, rng)
    shown = {k: parts[k] for k in focus if k in parts}
    turn = view(rng.uniform(0, 2 * np.pi), elevation, rng.normal(0, 0.15))
    if focus == "K":  # people go round to where the flower looks at them
        to = (parts["K"][0][-1, :, 1] if t.inflorescence == "solitary" else turn[2]) + rng.normal(0, 0.45, 3)
        turn = view(
            np.arctan2(to[1], to[0]), np.arctan2(np.clip(to[2], -0.2, 3), np.hypot(to[0], to[1])), rng.normal(0, 0.15)
        )
    elif focus == "L" and len(parts["L"][0]) == 1:
        turn = view(np.pi / 2 + rng.normal(0, 0.5), elevation, rng.uniform(0, 2 * np.pi))
    seen = np.concatenate(
        [np.concatenate([o, o + f[:, :, 1] * s[:, :1] * (k != "K")]) for k, (f, o, s) in shown.items()]
    )
    pad = max({"K": 0.5, "L": 0.25, "R": 0.4, "F": 0}[k] * s[:, 0].max() for k, (_, _, s) in shown.items())
    seen = seen @ turn.T
    low, high = seen.min(0) - pad, seen.max(0) + pad
    if organ in ("fruit", "flower"):  # one of many: closer
        chosen, near = seen[rng.integers(len(seen))], rng.uniform(0, 0.8)
        low, high = low + (chosen - pad - low) * near, high + (chosen + pad - high) * near
    fill = rng.uniform(*{"habit": (0.7, 0.98), "leaf": (0.6, 1.05), "fruit": (0.5, 0.95)}.get(organ, (0.6, 1.1)))
    scale = fill * size / max(high[0] - low[0], high[1] - low[1], 0.05)
    middle = (low + high) / 2 - np.append(rng.normal(0, 0.05, 2) * size / scale, 0)
    wood = organ == "habit" and t.habit != "herb"
    crowds = dice(seen_from(parts, turn, middle, scale, size), t, rng, wood=wood)

    scene = "landscape" if wood else str(rng.choice(list(BACKGROUNDS), p=np.array(ODDS[organ]) / sum(ODDS[organ])))
    if scene == "hand":
        crowds += hand(
            rng,
            size * FINE,
            min((at[:, 2] - 0.3 * np.max(s, -1, keepdims=s.ndim > 1).ravel()).min() for _, _, at, s, _ in crowds),
        )
    sunny = rng.random() < 0.5
    light = np.float32([rng.normal(0, 0.6), rng.uniform(0.35, 1), rng.uniform(0.25, 0.9)])
    light /= np.linalg.norm(light)
    sun = np.float32([1.0, 0.95, 0.86]) * np.float32(rng.uniform(2.2, 3.0) if sunny else rng.uniform(0.7, 1.3))
    air = np.float32([0.88, 0.95, 1.0]) * np.float32(rng.uniform(0.5, 0.75) if sunny else rng.uniform(0.8, 1.1))
    picture, depth = render(crowds, size, light, sun, air)
    colour, cover = tone(picture[..., :3]), picture[..., 3:]
    back = (landscape if wood else BACKGROUNDS[scene])(rng, size) * (1.05 if sunny else 0.9)
    if scene in ("soil", "litter", "paper", "rock"):
        back = shaded(back, cover, light / (light[2] + 0.3) * 0.06 * size, (0.012 if sunny else 0.05) * size)
    elif not wood and organ != "leaf":
        for _ in range(rng.integers(0, 3)):
            back = behind(back, np.concatenate([colour * 0.85, cover], -1), rng, size)
    blur = 0 if organ == "habit" else abs(rng.normal(0, 0.045))
    if blur > 0.01:
        near = depth / FINE - np.percentile(depth[cover[..., 0] > 0.5], 70) / FINE if (cover > 0.5).any() else depth
        colour, cover = defocus(colour, cover, np.abs(near).astype(np.float32) * blur)
    picture = colour * cover + back * (1 - cover)
    return occlude(picture, rng, size) if rng.random() < 0.15 and scene != "paper" else picture


def shaded(back, cover, shift, soft: float) -> np.ndarray:
    """Return the background with the plant's shadow on it."""
    from scipy.ndimage import shift as moved

    dark = blurred(moved(cover[..., 0], (shift[1], -shift[0]), order=1), soft)
    return back * (1 - 0.6 * dark[..., None])


def defocus(colour, cover, radius) -> tuple[np.ndarray, np.ndarray]:
    """Return colour and cover blurred by `radius` pixels, point by point, between three sharpnesses."""
    stack = np.concatenate([colour * cover, cover], -1)
    for sigma in np.array([0.008, 0.02]) * len(stack):
        share = np.clip(blurred(radius, sigma) / sigma - 0.4, 0, 1)[..., None]
        stack = stack + (blurred(stack, sigma) - stack) * share
    return stack[..., :3] / np.maximum(stack[..., 3:], 1e-4), stack[..., 3:]


def behind(back, picture, rng, size: int) -> np.ndarray:
    """Return the background with another plant of the kind in it, out of focus."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    picture[..., 3] *= np.clip(2.5 * (1 - np.hypot(x, y)), 0, 1)  # no edge of the picture shows in the picture
    other = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8), "RGBA").rotate(rng.uniform(-30, 30))
    other = other.resize([int(size * rng.uniform(0.5, 0.9))] * 2).filter(
        ImageFilter.GaussianBlur(size * rng.uniform(0.02, 0.05))
    )
    image = canvas(back, size)
    image.paste(other, tuple((rng.uniform(-0.3, 0.8, 2) * size).astype(int)), other)
    return pixels(image)


def occlude(picture, rng, size: int) -> np.ndarray:
    """Return the picture with a few blades before the plant, out of focus."""
    veil = Image.new("RGBA", (size, size), (60, 90, 30, 0))
    strokes(
        veil,
        rng,
        int(rng.integers(1, 4)),
        rng.uniform(0.3, 0.6),
        rng.uniform(0.015, 0.05),
        rng.uniform(0.1, 0.3),
        (0.3, 0.7),
    )
    image = canvas(picture, size)
    veil = veil.filter(ImageFilter.GaussianBlur(size * rng.uniform(0.01, 0.03)))
    image.paste(veil, (0, 0), veil)
    return pixels(image)


def sheet(t, organ: str, rng, size: int) -> np.ndarray:
    """Return a herbarium sheet: the plant pressed and faded, its label, stamp and bar code."""
    for name in ("flower_rgb", "eye_rgb", "fruit_rgb"):
        setattr(t, name, getattr(t, name) * 0.45 + np.float32([0.36, 0.28, 0.17]) * np.float32(rng.uniform(0.8, 1.1)))
    t.leaf_rgb = t.leaf_rgb * 0.35 + np.float32([0.25, 0.22, 0.11]) * np.float32(rng.uniform(0.7, 1.2))
    parts = turtle(shoot(t, rng, int(rng.integers(4, 7)), str(rng.choice(["K", "K", "R"]))), rng, 5)
    turn = view(rng.uniform(0, 2 * np.pi), 0.15, rng.normal(0, 0.2))
    seen = np.concatenate([np.concatenate([o, o + f[:, :, 1] * s[:, :1]]) for f, o, s in parts.values()]) @ turn.T
    low, high = seen.min(0), seen.max(0)
    scale = 0.8 * size / max(high[0] - low[0], high[1] - low[1])
    parts = seen_from(parts, turn, (low + high) / 2 - [0, 0.04 * size / scale, 0], scale, size)
    for symbol in [k for k in "LK" if k in parts]:  # blades and flowers lie in the plane of the paper
        frames, at, sizes = parts[symbol]
        aside = rng.normal(0, [0.3, 0.3, 0], at.shape) + ([0, 0, 1.6] if symbol == "K" else [0, 0, 0])
        parts[symbol] = (axes(frames[:, :, 1] * [1, 1, 0] + 1e-3 + aside, [0, 0.4, 1] + 0 * at), at, sizes)
    crowds = dice(parts, t, rng, flat=True)
    picture, _ = render(crowds, size, [-0.35, 0.45, 0.82], np.float32(0.9), np.float32(0.55), press=0.06)
    image = canvas(rgb(0.11, rng.uniform(0.06, 0.2), rng.uniform(0.86, 0.96)), size)
    draw, thin, (x, y) = ImageDraw.Draw(image), max(1, size // 128), rng.uniform([0.04, 0.78], [0.6, 0.81]) * size
    draw.rectangle([x, y, x + size * 0.36, y + size * 0.17], fill=(250, 248, 240), outline=(150, 140, 120))
    for k, long in enumerate(rng.uniform(0.12, 0.32, 5) * size):
        draw.line(
            [x + size * 0.025, y + size * (0.03 + 0.028 * k), x + long, y + size * (0.03 + 0.028 * k)],
            (70, 60, 55),
            thin,
        )
    if rng.random() < 0.6:
        for left in size * (rng.uniform(0.05, 0.7) + 0.009 * np.flatnonzero(rng.random(24) < 0.55)):
            draw.line([left, size * 0.03, left, size * 0.08], (30, 30, 30), thin)
    if rng.random() < 0.4:
        a, b, r = size * rng.uniform(0.1, 0.9), size * rng.uniform(0.1, 0.3), size * 0.05
        draw.ellipse([a - r, b - r, a + r, b + r], outline=(110, 60, 120), width=thin)
    back = pixels(image, 0.3) * (0.95 + 0.06 * cloud(rng, (size, size), 16, 3))[..., None]
    back = shaded(back, picture[..., 3:], np.array([-0.01, 0.01, 0]) * size, size * 0.008)
    return tone(picture[..., :3]) * picture[..., 3:] + back * (1 - picture[..., 3:])


def non_plant(label: str, rng, size: int) -> np.ndarray:
    """Return what web searches bring besides plants: a map, a drawing, a garden label, a pot, a butterfly."""
    kind = str(rng.choice(["map", "drawing", "label", "pot", "butterfly"]))
    if kind == "map":
        land = cloud(rng, (size, size), 3, 5)
        picture = np.where(
            land[..., None] > 0.5, rgb(rng.uniform(0.1, 0.25), 0.2, 0.92), np.float32([0.72, 0.83, 0.93])
        )
        image = canvas(picture * np.clip(np.abs(land - 0.5) * size * 0.35, 0.5, 1)[..., None], size)
        for x, y in rng.normal(rng.uniform(0.25, 0.75, 2), 0.1, (40, 2)) * size:
            ImageDraw.Draw(image).circle((x, y), size * 0.012, (200, 40, 40))
        return pixels(image)
    if kind == "drawing":
        image = canvas(rgb(0.12, rng.uniform(0, 0.15), rng.uniform(0.85, 1)), size)
        draw, phi = ImageDraw.Draw(image), np.linspace(0, 2 * np.pi, 120)
        for x, y, r in rng.uniform([0.2, 0.2, 0.08], [0.8, 0.75, 0.2], (int(rng.integers(2, 5)), 3)) * size:
            draw.line([x, y, size * 0.5, size * 0.97], (60, 50, 45), max(1, size // 100))
            ring = gielis(phi, int(rng.integers(3, 9)), rng.uniform(0.5, 1.5), 1, 1)[:, None] * np.stack(
                [np.cos(phi), np.sin(phi)], -1
            )
            for part in (1, 0.6, 0.25):
                draw.line((ring * r * part + [x, y]).ravel().tolist(), (60, 50, 45), max(1, size // 100))
        draw.text((size / 2, size * 0.06), label, (60, 50, 45), ImageFont.load_default(size * 0.07), "mm")
        return pixels(image, 0.4)
    back = BACKGROUNDS[str(rng.choice(["grass", "soil", "litter", "foliage", "rock"]))](rng, size)
    if kind == "label":
        image, (dim, ink) = canvas(back, size), [(0.25, (240, 240, 230)), (0.92, (30, 30, 30))][rng.integers(2)]
        draw, top, wide = ImageDraw.Draw(image), size * rng.uniform(0.2, 0.4), size * rng.uniform(0.36, 0.46)
        board = tuple((rgb(rng.random(), rng.uniform(0, 0.4), dim) * 255).astype(int))
        draw.rectangle([size * 0.47, top, size * 0.53, size], (95, 75, 55))
        draw.rounded_rectangle([size / 2 - wide, top, size / 2 + wide, top + size * 0.34], size * 0.03, board, ink)
        for k, line in enumerate([*label.split(), "cultivated"]):
            font = ImageFont.load_default(size * (0.09 if k < 2 else 0.055))
            draw.text((size / 2, top + size * (0.08 + 0.09 * k)), line, ink, font, "mm")
        return pixels(image, 0.4)
    n = size * FINE
    if kind == "pot":
        wall, turn = (
            rng.uniform(0.28, 0.36),
            view(-np.pi / 2, rng.uniform(0.2, 0.6)) @ [[1, 0, 0], [0, 0, -1], [0, 1.0, 0]],
        )
        clay = revolve(
            lambda u: wall * (0.72 + 0.28 * u) + 0.05 * (u > 0.78), n, rgb(rng.uniform(0.02, 0.08), 0.6, 0.7), shine=0.1
        )
        soil = revolve(lambda u: wall * (1 - u), n, rgb(0.07, 0.5, 0.2))
        frames, at = turn[None], turn @ [[0, 0], [-0.45, 0.45], [0, 0]] * n * 0.8
        crowds = [
            (clay, frames, at.T[:1], [n * 0.8], [1]),
            (soil, frames, at.T[1:] * 0.8, [[n * 0.8, 1, n * 0.8]], [1]),
        ]
    else:
        turn, n = view(rng.uniform(0, 6.28), rng.uniform(0.6, 1.5), rng.uniform(0, 6.28)), n * rng.uniform(0.6, 0.9)
        sides = np.array([[-0.85, 0.6, 0.25], [0.85, 0.6, 0.25], [-0.7, -0.6, 0.2], [0.7, -0.6, 0.2]])
        wing = petal(_wing(rng), int(n / 2), rng, "rounded", 0.1, 0.2)
        body, along = ball(int(n / 4), rgb(0.08, 0.4, 0.2), 0.2, 0.2), turn @ [0, -0.25, 0.03] * n
        crowds = [(wing, turn @ axes(sides, [0, 0, 1] + 0 * sides), np.zeros((4, 3)), n * np.array([0.5, 0.5, 0.4, 0.4]), np.ones(4)),
                  (body, turn[None], along[None], [n * 0.5], [1])]  # fmt: skip
    picture, _ = render(crowds, size, [-0.4, 0.6, 0.69], np.float32(1.6), np.float32(0.7))
    back = shaded(back, picture[..., 3:], np.array([-0.03, 0.03, 0]) * size, size * 0.02)
    return tone(picture[..., :3]) * picture[..., 3:] + back * (1 - picture[..., 3:])


def _wing(rng):
    """Return the traits of a petal that passes for a butterfly's wing."""
    from types import SimpleNamespace

    own = rgb(rng.choice([0.06, 0.12, 0.6, 0.95]), rng.uniform(0.2, 0.9), 0.9)
    return SimpleNamespace(flower_rgb=own, eye_rgb=rgb(0.05, 0.5, 0.15), eye_pale=False, pattern=str(rng.choice(["edged", "spotted"])),
                           petal_ratio=0.9, petal_cup=0.1, petal_curl=0.5, stamens=0.5, petal_shape="rounded")  # fmt: skip


def develop(picture, rng, size: int, flat: bool = False) -> Image.Image:
    """Return the picture as a camera gives it: exposure, cast, contrast, vignette, softness, noise of the sensor."""
    picture = np.clip(picture, 0, 1).astype(np.float32)
    wanted = np.clip(rng.normal(0.42, 0.07), 0.25, 0.6) / max(
        float(picture.mean()), 0.05
    )  # automatic exposure, half-way
    picture = picture * (np.clip(wanted, 0.8, 2.2) ** 0.5 if not flat else rng.uniform(0.9, 1.06))
    grey = picture.mean(-1, keepdims=True)
    picture = (grey + (picture - grey) * rng.uniform(0.65, 1.25)) * (1 + rng.normal(0, 0.02 if flat else 0.055, 3))
    picture = np.clip(picture, 0, 1)
    picture = picture + rng.uniform(-0.4, 0.4) * picture * (1 - picture) * (2 * picture - 1)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    picture = picture * (1 - rng.uniform(0, 0.15) * (x**2 + y**2)[..., None])
    if rng.random() < 0.2:
        picture = blurred(picture, rng.uniform(0.3, 0.9) * size / 128)
    picture = picture + rng.normal(0, rng.uniform(0.001, 0.015), picture.shape)
    return canvas(picture, size)
