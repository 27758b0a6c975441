"""The camera: frames a plant, lights it, puts something behind it, and spoils the picture as cameras do.

Points are drawn as in Reyes (R. Cook, L. Carpenter, E. Catmull, SIGGRAPH 1987): surfaces diced finer than a pixel, the
nearest point seen. One depth map from the lens hides what lies behind, one from the light casts the shadows.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont


from plantlab.greenhouse.growth import dice, individual, inflorescence, leaves, shoot, tree, turtle
from plantlab.greenhouse.organs import axes, cloud, mix, revolve, rgb

FINE = 2  # side of the square of samples in a pixel


def render(points: np.ndarray, side: int, light: np.ndarray, sun: np.ndarray, sky: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return colour and cover (side, side, 4) and depth (side, side) of points whose places are in pixels."""
    from scipy import ndimage

    wide = side * FINE
    lens = 4.0 * wide
    x, y, z = points[:, 0] * FINE, points[:, 1] * FINE, points[:, 2] * FINE
    nearer = lens / np.maximum(lens - z, lens / 4)
    col, row = (x * nearer + wide / 2).astype(np.int32), (wide / 2 - y * nearer).astype(np.int32)
    inside = (col > 0) & (col < wide - 1) & (row > 0) & (row < wide - 1)
    pixel = np.where(inside, row * wide + col, wide * wide)
    steps = [0, 1, wide, wide + 1]  # a point is two samples wide, so that no gap is left between neighbours
    depth = np.full(wide * wide + wide + 2, -1e6, np.float32)
    for step in steps:
        np.maximum.at(depth, pixel + step, z)
    owner = np.full(len(depth), -1, np.int32)
    for step in steps:
        won = np.flatnonzero(z >= depth[pixel + step])
        owner[pixel[won] + step] = won
    pixel = np.flatnonzero(owner[: wide * wide] >= 0)
    seen = owner[pixel]
    a = np.cross(light, [0.3, 1, 0.2])
    a = a / np.linalg.norm(a)
    b, coarse = np.cross(light, a), wide // 2
    cell = [np.clip((x * v[0] + y * v[1] + z * v[2] + wide / 2) / 2, 0, coarse - 1).astype(np.int32) for v in (a, b)]
    cell = cell[1] * coarse + cell[0]
    towards = x * light[0] + y * light[1] + z * light[2]
    lit = np.full(coarse * coarse, -1e6, np.float32)
    np.maximum.at(lit, cell, towards)
    shadow = (lit[cell[seen]] - towards[seen] > 0.02 * wide).astype(np.float32)
    p = points[seen]
    normal = p[:, 3:6] * np.where(p[:, 5:6] < 0, -1, 1)
    facing = normal @ light
    image = np.zeros((wide * wide, 5), np.float32)
    image[pixel, 0] = 1
    image[pixel, 1] = shadow
    cover = image[:, 0].reshape(wide, wide)
    soft = ndimage.uniform_filter(image[:, :2].reshape(wide, wide, 2), (5, 5, 1))
    shadow = (soft[..., 1] / (soft[..., 0] + 1e-6)).ravel()[pixel]
    seen_depth = np.zeros(wide * wide, np.float32)
    seen_depth[pixel] = z[seen]
    back = np.where(cover > 0, seen_depth.reshape(wide, wide), z[seen].min(initial=0))
    hollow = np.clip((ndimage.uniform_filter(back, wide // 16) - back) / (0.06 * wide), 0, 1).ravel()[pixel]
    direct = np.clip(facing, 0, 1) + p[:, 10] * np.clip(-facing, 0, 1) * 0.7
    half = light + np.array([0, 0, 1.0])
    gleam = p[:, 9] * np.clip(normal @ (half / np.linalg.norm(half)), 0, 1) ** 24
    free = (1 - 0.8 * shadow)[:, None]
    ambient = sky * (0.6 + 0.4 * normal[:, 1:2]) * (1 - 0.75 * hollow)[:, None]
    colour = p[:, 6:9] * (sun * direct[:, None] * free + ambient) + 0.35 * sun * gleam[:, None] * free
    image[pixel, 1:4] = np.clip(colour, 0, 4)
    image[:, 4] = seen_depth
    small = image.reshape(side, FINE, side, FINE, 5).mean((1, 3))
    weight = np.maximum(small[..., :1], 1e-6)
    return np.concatenate([small[..., 1:4] / weight, np.clip(small[..., :1] * 1.15, 0, 1)], -1), small[..., 4] / weight[..., 0]



def photograph(species, organ, plant_seed: int, photo_seed: int, size: int, day: int, label: str):
    """Return a photo (PIL, `size` square) and the JPEG quality it was saved at."""
    rng = np.random.default_rng([plant_seed, photo_seed])
    if species is None:
        image = non_plant(label, rng, size)
    else:
        t = individual(species, plant_seed, day)
        image = {"herbarium": sheet, "bark": bark}.get(organ, portrait)(t, organ, rng, size)
    return develop(image, rng, size), int(rng.triangular(45, 88, 96))


def view(azimuth: float, elevation: float, roll: float = 0.0) -> np.ndarray:
    """Return the rows right, up and towards the camera, which looks from there at the origin."""
    to = np.array([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])
    right = np.cross([0, 0, 1.0], to)
    right /= np.linalg.norm(right)
    up = np.cross(to, right)
    c, s = np.cos(roll), np.sin(roll)
    return np.stack([c * right + s * up, c * up - s * right, to])


def compose(t, organ: str, rng) -> tuple[dict, str, float, bool]:
    """Return what stands before the lens: parts, the symbol in focus, the elevation of the camera, wood or not."""
    woody = t.habit != "herb"
    bears = {"flower": "K", "fruit": "R"}.get(organ, "")
    if organ == "habit":
        bears = "K" if rng.random() < 0.6 else ""
        if woody:
            return turtle(tree(t, rng, bears), rng, 8, 0.22 - 0.2 * t.branching), "all", rng.uniform(-0.05, 0.2), True
        many = []
        for _ in range(int(rng.integers(1, 5))):
            parts = turtle(shoot(t, rng, int(rng.integers(4, 7)), bears), rng, 6)
            move = np.append(rng.normal(0, 0.35, 2), 0)
            many.append({k: (f, o + move, s) for k, (f, o, s) in parts.items()})
        joined = {k: tuple(np.concatenate([m[k][j] for m in many if k in m]) for j in range(3)) for k in "FLKR"
                  if any(k in m for m in many)}  # fmt: skip
        return joined, "all", rng.uniform(0.15, 1.1), False
    if organ == "leaf":
        if rng.random() < 0.45:
            return turtle([("&", 75, 0), ("F", 0.3, 0.02), ("L", t.blade, 0)], rng, 3), "L", rng.uniform(0.9, 1.5), False
        return turtle(shoot(t, rng, int(rng.integers(2, 5))), rng, 7), "L", rng.uniform(0.3, 1.2), False
    nodes = int(rng.integers(1, 4))
    return turtle(shoot(t, rng, nodes, bears, basal=False), rng, 7), bears, rng.uniform(0.05, 0.95), False


def portrait(t, organ: str, rng, size: int) -> np.ndarray:
    """Return the picture (size, size, 3) of leaves, flowers, fruits or the whole plant before a background."""
    parts, focus, elevation, wood = compose(t, organ, rng)
    turn = view(rng.uniform(0, 2 * np.pi), elevation, rng.normal(0, 0.15))
    shown = parts if focus == "all" else {focus: parts[focus]}
    if focus == "K":  # people go round to where the flower looks at them
        to = (parts["K"][0][-1, :, 1] if t.inflorescence == "solitary" else turn[2]) + rng.normal(0, 0.45, 3)
        to = to / np.linalg.norm(to)
        turn = view(np.arctan2(to[1], to[0]), np.arcsin(np.clip(to[2], -0.2, 0.97)), rng.normal(0, 0.15))
    if organ == "leaf" and focus == "L" and len(parts["L"][0]) == 1:
        turn = view(np.pi / 2 + rng.normal(0, 0.5), elevation, rng.uniform(0, 6.28))
    at = np.concatenate([np.concatenate([o, o + f[:, :, 1] * s[:, :1] * (k != "K")]) for k, (f, o, s) in shown.items()])
    pad = max({"K": 0.5, "L": 0.25}.get(k, 0.1) * s[:, 0].max() for k, (_, _, s) in shown.items())
    seen = at @ turn.T
    low, high = seen.min(0) - pad, seen.max(0) + pad
    if organ == "fruit" or organ == "flower":  # a few of many: closer
        chosen = seen[rng.integers(len(seen))]
        near = rng.uniform(0, 0.8)
        low, high = low + (chosen - pad - low) * near, high + (chosen + pad - high) * near
    fill = {"habit": rng.uniform(0.7, 0.98), "leaf": rng.uniform(0.6, 1.0), "fruit": rng.uniform(0.5, 0.95)}
    scale = fill.get(organ, rng.uniform(0.6, 1.1)) * size / max(high[0] - low[0], high[1] - low[1], 0.05)
    middle = (low + high) / 2 - np.append(rng.normal(0, 0.05, 2) * size / scale, 0)
    points = dice(seen_from(parts, turn, middle, scale, size), t, rng, wood=wood)
    points[:, :3] /= FINE
    odds = {"flower": [6, 2, 1, 1, 1, 0.5, 1, 0.7, 1], "leaf": [4, 2, 1.5, 1, 0.5, 2.5, 2.5, 0.5, 1],
            "fruit": [6, 1, 1, 1, 1.5, 1.2, 2, 0.5, 1], "habit": [1, 3, 1, 0.7, 0, 0, 0, 0, 1]}[organ]  # fmt: skip
    if wood:
        place_ = "landscape"
    else:
        place_ = str(rng.choice(list(BACKGROUNDS), p=np.array(odds) / sum(odds)))
    sunny = rng.random() < 0.45
    light = np.array([rng.normal(0, 0.6), rng.uniform(0.35, 1), rng.uniform(0.25, 0.9)])
    light /= np.linalg.norm(light)
    sun = np.array([1.0, 0.95, 0.86]) * (rng.uniform(2.2, 3.0) if sunny else rng.uniform(0.7, 1.3))
    sky = np.array([0.85, 0.95, 1.0]) * (rng.uniform(0.45, 0.7) if sunny else rng.uniform(0.7, 1.0))
    if place_ == "hand":
        points = np.concatenate([points, hand(rng, size, points[:, 2].min())])
    picture, depth = render(points, size, light.astype(np.float32), sun.astype(np.float32), sky.astype(np.float32))
    colour, cover = tone(picture[..., :3]), picture[..., 3:]
    blur = (0.0 if organ == "habit" else abs(rng.normal(0, 0.02))) * size
    back = landscape(t, rng, size, sunny) if place_ == "landscape" else BACKGROUNDS[place_](rng, size)
    back = back * (1.05 if sunny else 0.9)
    flat = place_ in ("soil", "litter", "paper", "rock")
    if flat:
        shift = (-light[:2] / (light[2] + 0.3) * 0.06 * size).round().astype(int)
        dark = np.roll(cover[..., 0], (-shift[1], shift[0]), (0, 1))
        dark = ndimage_blur(dark, (0.012 if sunny else 0.05) * size)
        back = back * (1 - (0.65 if sunny else 0.4) * dark[..., None])
    elif place_ in ("foliage", "grass", "dark") and organ != "leaf":
        for _ in range(int(rng.integers(0, 3))):
            back = behind(back, np.concatenate([colour * 0.8, cover], -1), rng, size)
    if blur > 0.3:
        colour, cover = defocus(colour, cover, np.abs(depth) / size * blur * 2.2)
    return colour * cover + back * (1 - cover)


def ndimage_blur(image, sigma):
    from scipy import ndimage

    return ndimage.gaussian_filter(image, (sigma, sigma, 0)[: image.ndim])


def seen_from(parts: dict, turn, middle, scale: float, size: int) -> dict:
    """Return the parts in the camera's axes and in samples, without those outside the picture or far larger than it."""
    kept = {}
    for symbol, (frames, at, sizes) in parts.items():
        at, sizes = (at @ turn.T - middle) * scale * FINE, sizes * scale * FINE
        reach = size * FINE * 0.52 + sizes[:, 0]
        inside = (np.abs(at[:, 0]) < reach) & (np.abs(at[:, 1]) < reach) & ((sizes[:, 0] < 1.6 * size * FINE) | (symbol == "F"))
        sizes[:, 0] = np.minimum(sizes[:, 0], 3 * size * FINE)
        if inside.any():
            kept[symbol] = (turn @ frames[inside], at[inside], sizes[inside])
    return kept


def tone(linear: np.ndarray) -> np.ndarray:
    """Return display values of linear light: highlights roll off as film does."""
    linear = linear * 1.15
    return np.clip(linear * (1 + linear / 9) / (1 + linear * 0.55), 0, 1) ** (1 / 2.2)


def defocus(colour, cover, radius):
    """Return colour and cover blurred by `radius` pixels, point by point, between three sharpnesses."""
    stack = np.concatenate([colour * cover, cover], -1)
    for sigma in (1.0, 2.5):
        soft = ndimage_blur(stack, sigma)
        share = np.clip(ndimage_blur(radius, sigma) / sigma - 0.4, 0, 1)[..., None]
        stack = stack + (soft - stack) * share
    return stack[..., :3] / np.maximum(stack[..., 3:], 1e-4), stack[..., 3:]


def behind(back, picture, rng, size):
    """Return the background with another plant of the kind in it, out of focus."""
    other = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8), "RGBA").rotate(rng.uniform(-30, 30))
    side = int(size * rng.uniform(0.4, 0.9))
    other = other.resize((side, side)).filter(ImageFilter.GaussianBlur(size * rng.uniform(0.02, 0.05)))
    image = Image.fromarray((np.clip(back, 0, 1) * 255).astype(np.uint8))
    corner = rng.uniform(-0.3, 0.9, 2) * size
    image.paste(other, (int(corner[0]), int(corner[1])), other)
    return np.asarray(image, np.float32) / 255


def strokes(image, rng, n, length, width, hue, value, upright=False, saturation=0.55):
    """Draw `n` leaf-like strokes on a PIL image: lens shapes at random places, angles and tones."""
    draw, side = ImageDraw.Draw(image), image.width
    for _ in range(n):
        x, y = rng.uniform(-0.1, 1.1, 2) * side
        angle = np.pi / 2 + rng.normal(0, 0.25) if upright else rng.uniform(0, 2 * np.pi)
        long, wide = length * side * rng.uniform(0.5, 1.4), width * side * rng.uniform(0.5, 1.4)
        u = np.linspace(-1, 1, 7)
        edge = np.concatenate([np.stack([u, 1 - u**2], -1), np.stack([u[::-1], u**2 - 1], -1)]) * [long, wide]
        c, s = np.cos(angle), np.sin(angle)
        corners = edge @ np.array([[c, -s], [s, c]]) + [x, y]
        colour = rgb(rng.normal(*hue), saturation * rng.uniform(0.7, 1.2), rng.uniform(*value))
        draw.polygon([tuple(p) for p in corners], fill=tuple((colour * 255).astype(int)))


def canvas(colour, size):
    return Image.new("RGB", (size, size), tuple(int(255 * v) for v in np.clip(colour, 0, 1)))


def pixels(image, blur=0.0):
    return np.asarray(image.filter(ImageFilter.GaussianBlur(blur)) if blur else image, np.float32) / 255


def foliage_back(rng, size):
    tone_ = rng.uniform(0.18, 0.5)
    image = canvas(rgb(0.28, 0.5, tone_ * 0.6), size)
    strokes(image, rng, 45, 0.16, 0.06, (rng.uniform(0.2, 0.32), 0.03), (tone_ * 0.5, tone_ * 1.9))
    blur = size * rng.uniform(0.012, 0.06)
    back = pixels(image, blur)
    if rng.random() < 0.6:  # highlights out of focus are discs
        lights = Image.new("L", (size, size))
        draw = ImageDraw.Draw(lights)
        r = blur * 1.2 + 1
        for x, y in rng.uniform(0, size, (int(rng.integers(4, 25)), 2)):
            draw.ellipse([x - r, y - r, x + r, y + r], fill=int(rng.uniform(20, 90)))
        glow = pixels(lights, size * 0.004)[..., None] * np.array([0.9, 1.0, 0.6])
        back = 1 - (1 - back) * (1 - glow)
    return back * (0.7 + 0.6 * cloud(rng, (size, size), 2, 2))[..., None]


def grass_back(rng, size):
    hue = rng.uniform(0.18, 0.3)
    image = canvas(rgb(hue, 0.6, 0.15), size)
    strokes(image, rng, 70, 0.3, 0.011, (hue, 0.02), (0.15, 0.4), True)
    strokes(image, rng, 50, 0.3, 0.012, (hue - 0.02, 0.03), (0.3, 0.65), True)
    return pixels(image, size * rng.uniform(0.003, 0.025))


def soil_back(rng, size):
    grain = cloud(rng, (size, size), 6, 5)
    base = rgb(rng.uniform(0.05, 0.1), rng.uniform(0.2, 0.5), rng.uniform(0.35, 0.65))
    slope = np.gradient(grain, axis=0) * size * 0.02
    image = Image.fromarray((np.clip(base * (0.55 + 0.7 * grain + slope)[..., None], 0, 1) * 255).astype(np.uint8))
    strokes(image, rng, int(rng.integers(0, 25)), 0.02, 0.014, (0.08, 0.03), (0.3, 0.7), saturation=0.25)
    return pixels(image, size * rng.uniform(0.002, 0.012))


def litter_back(rng, size):
    image = canvas(rgb(0.07, 0.4, 0.2), size)
    strokes(image, rng, 90, 0.13, 0.05, (0.075, 0.02), (0.2, 0.6), saturation=0.5)
    strokes(image, rng, 20, 0.2, 0.006, (0.08, 0.02), (0.2, 0.5), saturation=0.3)
    return pixels(image, size * rng.uniform(0.003, 0.02)) * (0.7 + 0.5 * cloud(rng, (size, size), 8, 3))[..., None]


def sky_back(rng, size):
    y = np.linspace(0, 1, size)[:, None]
    blue = rgb(rng.uniform(0.55, 0.6), rng.uniform(0.15, 0.6), rng.uniform(0.75, 0.95))
    clouds = np.clip((cloud(rng, (size, size), 3, 4) - 0.5) * 3, 0, 1) * rng.uniform(0, 1)
    return mix(mix(blue, np.array([0.93, 0.95, 0.97]), 0.7 * y + np.zeros((size, size))), np.array([0.96, 0.96, 0.96]), clouds)


def paper_back(rng, size):
    y, x = np.mgrid[0:1:size * 1j, 0:1:size * 1j]
    base = rgb(rng.uniform(0.05, 0.65), rng.uniform(0, 0.12), rng.uniform(0.75, 0.97))
    fall = 1 - 0.3 * (x * rng.uniform(-1, 1) + y * rng.uniform(-1, 1)) + 0.02 * (cloud(rng, (size, size), 20, 2) - 0.5)
    if rng.random() < 0.3:  # squared paper
        step = rng.uniform(0.06, 0.12)
        fall = fall * (1 - 0.18 * (((x % step) < 0.009) | ((y % step) < 0.009)))
    return base * np.clip(fall, 0, 1.1)[..., None]


def rock_back(rng, size):
    grain = cloud(rng, (size, size), 3, 6)
    base = rgb(rng.uniform(0.05, 0.6), rng.uniform(0.02, 0.15), rng.uniform(0.45, 0.75))
    slope = (np.gradient(grain, axis=0) - np.gradient(grain, axis=1)) * size * 0.05
    return pixels(Image.fromarray((np.clip(base * (0.5 + grain * 0.8 + slope)[..., None], 0, 1) * 255).astype(np.uint8)), 0.7)


def dark_back(rng, size):
    return foliage_back(rng, size) * rng.uniform(0.1, 0.45)


BACKGROUNDS = {"foliage": foliage_back, "grass": grass_back, "soil": soil_back, "litter": litter_back, "sky": sky_back,
               "paper": paper_back, "hand": foliage_back, "rock": rock_back, "dark": dark_back}  # fmt: skip


def hand(rng, size, deep):
    """Return the points of four fingers and a thumb that hold the plant from behind, in camera pixels."""
    skin = rgb(rng.uniform(0.03, 0.07), rng.uniform(0.3, 0.55), rng.uniform(0.4, 0.92))
    wide = 0.085 * size * rng.uniform(0.9, 1.2)
    lean = rng.uniform(-0.6, 0.6)
    n = int(size * 1.0)
    finger = lambda u: 0.13 * np.clip(1 - u**8, 0, 1) ** 0.5 * (1 - 0.1 * np.cos(u * 12))  # noqa: E731
    parts = []
    for k in range(4):
        tone_ = lambda u, phi: skin * (1 - 0.1 * np.exp(-(((u % 0.33) - 0.16) ** 2) / 0.0006))[..., None]  # noqa: E731
        long = size * rng.uniform(0.62, 0.7) * (1 - 0.06 * abs(k - 1.5))
        mesh = revolve(finger, n, tone_, shine=0.12)
        c, s = np.cos(lean + 0.07 * (k - 1.5)), np.sin(lean + 0.07 * (k - 1.5))
        frame = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]], np.float32)
        mesh[:, :3] = (mesh[:, :3] * [wide / 0.13 * 1.0, long, wide / 0.13]) @ frame.T
        mesh[:, 3:6] = mesh[:, 3:6] @ frame.T
        offset = (k - 1.5) * wide * 2.02
        mesh[:, :3] += np.array([c * offset + s * 0.45 * size, s * offset - c * 0.45 * size, deep - wide * 1.1])
        parts.append(mesh)
    return np.concatenate(parts).astype(np.float32)


def landscape(t, rng, size, sunny):
    """Return sky, a far line of trees and a meadow."""
    back = sky_back(rng, size)
    y = np.linspace(0, 1, size)[:, None]
    horizon = rng.uniform(0.6, 0.85)
    line = horizon - 0.22 * cloud(rng, (2, size), 5, 4)[:1] * rng.uniform(0.3, 1.2)
    trees = rgb(0.3, 0.35, 0.38) * (0.6 + 0.6 * cloud(rng, (size, size), 14, 3))[..., None]
    trees = mix(trees, np.array([0.7, 0.78, 0.85]), np.full((size, size), rng.uniform(0.0, 0.6)))
    back = mix(back, trees, (y - line) * size * 0.4)
    meadow = rgb(rng.uniform(0.17, 0.27), 0.55, 0.5) * (0.5 + 0.8 * cloud(rng, (size, size), 8, 4))[..., None]
    return mix(back, meadow, (y - horizon + 0 * line) * size * 0.3)


def bark(t, organ, rng, size):
    """Return the picture of a trunk: a height map of its species' kind, lit from the side."""
    y, x = np.mgrid[0:1:size * 1j, 0:1:size * 1j]
    width, middle = rng.uniform(0.34, 0.9), 0.5 + rng.normal(0, 0.05) + rng.normal(0, 0.06) * (y - 0.5)
    round_ = np.clip((x - middle) / width, -1, 1)
    turn = np.arcsin(round_) * width
    grain = (4 + 9 * (1 - t.bark_grain)) * rng.uniform(0.8, 1.25)
    wave = 0.12 * (cloud(rng, (size, size), 4, 2) - 0.5)
    fine = cloud(rng, (size, size), 20, 3)
    tint = 0.3 * (cloud(rng, (size, size), 3, 3) - 0.5)
    base = t.bark_rgb
    if t.bark in ("plated", "scaly"):
        n = int(grain**2 * (0.5 if t.bark == "plated" else 1.1)) + 6
        seeds = rng.uniform([-1, -0.1], [1, 1.1], (n, 2))
        stretch = np.array([1.0, 0.45 if t.bark == "plated" else 0.8])
        from scipy.spatial import cKDTree

        where = np.stack([turn + wave, y + wave], -1).reshape(-1, 2)
        distance, nearest = cKDTree(seeds * stretch).query(where * stretch, 2)
        crack = np.clip((distance[:, 1] - distance[:, 0]).reshape(x.shape) * grain * 1.6, 0, 1) ** 0.6
        height = crack + 0.3 * fine
        if t.bark == "scaly":
            height = height * 0.6 + ((where[:, 1] - seeds[nearest[:, 0], 1]) * grain * 0.9).reshape(x.shape)
        tint = tint + 0.25 * (np.random.default_rng(n).random(n)[nearest[:, 0]].reshape(x.shape) - 0.5)
    elif t.bark == "furrowed":
        strips = np.abs(np.sin((turn + wave * 1.3) * grain * 5 + 3 * cloud(rng, (size, size), 5, 2)))
        height = strips**0.7 + 0.35 * fine - 0.5 * (cloud(rng, (size, size), 9, 2) > 0.66)
    else:
        rows = rng.uniform(0, 1, (60, 2))
        height = 0.25 * fine
        for a, b in rows[: 25 if t.bark == "smooth" else 60]:
            long = rng.uniform(0.02, 0.09) * (1 if t.bark == "smooth" else 2)
            mark = np.exp(-(((turn - (a * 2 - 1)) / long) ** 4) - ((y - b + wave * 0.2) / rng.uniform(0.004, 0.009)) ** 2)
            height, tint = height + 0.3 * mark, tint - 0.7 * mark
        if t.bark == "peeling":
            flap = cloud(rng, (size, size), 4, 2) + 0.4 * wave
            loose = np.clip((flap - 0.5) * 30, 0, 1)
            height, base = height + 0.8 * loose, mix(base * [0.95, 0.75, 0.6], np.array([0.88, 0.86, 0.8]), loose)
    slope = np.gradient(height, axis=1) * rng.choice([-1, 1]) + 0.6 * np.gradient(height, axis=0)
    low = np.clip(1 - (ndimage_blur(height, size * 0.02) - height) * 0.9, 0.25, 1.15)
    shade = low * (0.9 + tint) + np.clip(slope * size * 0.035, -0.4, 0.5)
    colour = base * shade[..., None]
    green = np.clip((cloud(rng, (size, size), 4, 4) - 0.62 + 0.1 * rng.normal()) * 5, 0, 0.8)
    colour = mix(colour, rgb(rng.uniform(0.17, 0.33), 0.35, 0.55) * (0.5 + fine)[..., None], green * (rng.random() < 0.5))
    side = 0.55 + 0.45 * np.sqrt(np.clip(1 - round_**2, 0, 1)) + 0.25 * round_ * rng.uniform(-1, 1)
    edge = np.clip((1 - np.abs((x - middle) / width)) * size * 0.5 * width, 0, 1)
    return mix(foliage_back(rng, size), np.clip(colour * side[..., None] * 1.15, 0, 1), edge)


def sheet(t, organ, rng, size):
    """Return a herbarium sheet: the plant pressed flat and faded, its label, stamp and bar code."""
    for name in ("flower_rgb", "eye_rgb", "fruit_rgb"):
        setattr(t, name, getattr(t, name) * 0.45 + np.array([0.36, 0.28, 0.17]) * rng.uniform(0.8, 1.1))
    t.leaf_rgb = t.leaf_rgb * 0.35 + np.array([0.25, 0.22, 0.11]) * rng.uniform(0.7, 1.2)
    word = shoot(t, rng, int(rng.integers(4, 7)), str(rng.choice(["K", "K", "R"])))
    parts = turtle(word, rng, 5)
    turn = view(rng.uniform(0, 6.28), 0.15, rng.normal(0, 0.2))
    at = np.concatenate([np.concatenate([o, o + f[:, :, 1] * s[:, :1]]) for f, o, s in parts.values()]) @ turn.T
    low, high = at.min(0), at.max(0)
    scale = 0.8 * size / max(high[0] - low[0], high[1] - low[1])
    middle = (low + high) / 2 - [0, 0.04 * size / scale, 0]
    parts = seen_from(parts, turn, middle, scale, size)
    for symbol in set("LKR") & set(parts):  # pressed: blades and flowers lie in the plane of the paper
        frames, at, sizes = parts[symbol]
        heading = frames[:, :, 1] * [1, 1, 0.0] + 1e-3
        aside = rng.normal(0, 1, (len(at), 3)) * [0.5, 0.5, 0] + ([0, 0, 1.6] if symbol == "K" else [0, 0, 0])
        frames = axes(heading + aside * 0.4 if symbol != "K" else heading + aside, np.array([0, 0.4, 1.0]) + 0 * heading)
        parts[symbol] = (frames, at, sizes)
    points = dice(parts, t, rng, flat=True)
    points[:, :3] = points[:, :3] / FINE * np.float32([1, 1, 0.06])
    points[:, 3:6] *= np.float32([0.5, 0.5, 1])
    points[:, 9] = 0
    light = np.array([-0.35, 0.45, 0.82], np.float32)
    picture, _ = render(points, size, light, np.full(3, 0.9, np.float32), np.full(3, 0.55, np.float32))
    paper = rgb(0.11, rng.uniform(0.06, 0.2), rng.uniform(0.86, 0.96))
    image = canvas(paper, size)
    draw, ink = ImageDraw.Draw(image), (70, 60, 55)
    x, y = int(size * rng.choice([0.04, 0.6])), int(size * rng.uniform(0.78, 0.82))
    draw.rectangle([x, y, x + size * 0.36, y + size * 0.17], fill=(250, 248, 240), outline=(150, 140, 120))
    for k in range(5):
        long = size * rng.uniform(0.12, 0.3)
        draw.line([x + size * 0.025, y + size * (0.03 + 0.028 * k), x + long, y + size * (0.03 + 0.028 * k)], fill=ink, width=max(1, size // 128))
    if rng.random() < 0.6:
        left, top = size * rng.uniform(0.05, 0.7), size * 0.03
        for k in range(24):
            if rng.random() < 0.55:
                draw.line([left + k * size * 0.009, top, left + k * size * 0.009, top + size * 0.05], fill=(30, 30, 30), width=max(1, size // 160))
    if rng.random() < 0.4:
        a, b, r = size * rng.uniform(0.1, 0.9), size * rng.uniform(0.1, 0.3), size * 0.05
        draw.ellipse([a - r, b - r, a + r, b + r], outline=(110, 60, 120), width=max(1, size // 100))
    back = pixels(image, 0.3) * (0.95 + 0.06 * cloud(rng, (size, size), 16, 3))[..., None]
    cover = picture[..., 3:]
    dark = ndimage_blur(np.roll(cover[..., 0], (size // 90, size // 90), (0, 1)), size * 0.008)
    back = back * (1 - 0.4 * dark[..., None])
    return tone(picture[..., :3]) * cover + back * (1 - cover)


def non_plant(label, rng, size):
    """Return a web photo without a plant: a sign, a map, a pot, a drawing, or an insect."""
    kind = rng.choice(["sign", "map", "pot", "insect", "chart"])
    if kind == "map":
        land = cloud(rng, (size, size), 3, 5)
        sea, ground = np.array([0.72, 0.83, 0.93]), rgb(rng.uniform(0.1, 0.25), 0.2, 0.92)
        image = mix(sea, ground, (land - 0.5) * size)
        image = mix(image, np.array([0.45, 0.45, 0.4]), 1 - np.abs(land - 0.5) * size * 0.35)
        canvas_ = Image.fromarray((image * 255).astype(np.uint8))
        draw = ImageDraw.Draw(canvas_)
        spot = rng.uniform(0.25, 0.75, 2)
        for x, y in (spot + rng.normal(0, 0.1, (40, 2))) * size:
            r = size * 0.012
            draw.ellipse([x - r, y - r, x + r, y + r], fill=(200, 40, 40))
        return pixels(canvas_)
    if kind == "chart":
        canvas_ = canvas((1, 1, 1), size)
        draw = ImageDraw.Draw(canvas_)
        colour = tuple((rgb(rng.random(), 0.6, 0.8) * 255).astype(int))
        for k in range(8):
            top = size * (0.85 - 0.65 * rng.random())
            draw.rectangle([size * (0.14 + 0.1 * k), top, size * (0.2 + 0.1 * k), size * 0.85], fill=colour)
        draw.line([size * 0.1, size * 0.1, size * 0.1, size * 0.86, size * 0.95, size * 0.86], fill=(40, 40, 40), width=max(1, size // 90))
        draw.text((size * 0.15, size * 0.03), label, fill=(40, 40, 40), font=ImageFont.load_default(size * 0.075))
        return pixels(canvas_)
    back = BACKGROUNDS[str(rng.choice(["grass", "soil", "litter", "foliage", "rock"]))](rng, size)
    canvas_ = Image.fromarray((np.clip(back, 0, 1) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(canvas_)
    if kind == "sign":
        top, wide = size * rng.uniform(0.2, 0.4), size * rng.uniform(0.36, 0.46)
        board = tuple((rgb(rng.random(), rng.uniform(0, 0.5), rng.choice([0.2, 0.9])) * 255).astype(int))
        ink = (245, 245, 235) if sum(board) < 380 else (30, 30, 30)
        draw.rectangle([size * 0.47, top, size * 0.53, size], fill=(95, 75, 55))
        draw.rounded_rectangle([size / 2 - wide, top, size / 2 + wide, top + size * 0.34], size * 0.03, fill=board, outline=ink)
        for k, line in enumerate([*label.split(), "cultivated, 2019"]):
            draw.text((size / 2, top + size * (0.08 + 0.09 * k)), line, fill=ink, anchor="mm", font=ImageFont.load_default(size * (0.09 if k < 2 else 0.05)))
        return pixels(canvas_, 0.4)
    if kind == "pot":
        colour = tuple((rgb(rng.uniform(0.02, 0.08), 0.6, rng.uniform(0.5, 0.8)) * 255).astype(int))
        top = size * rng.uniform(0.3, 0.45)
        draw.polygon([(size * 0.24, top), (size * 0.76, top), (size * 0.68, size * 0.93), (size * 0.32, size * 0.93)], fill=colour)
        draw.rectangle([size * 0.2, top - size * 0.08, size * 0.8, top + size * 0.06], fill=colour)
        draw.ellipse([size * 0.2, top - size * 0.16, size * 0.8, top], fill=tuple(int(v * 0.8) for v in colour))
        draw.ellipse([size * 0.24, top - size * 0.14, size * 0.76, top - size * 0.02], fill=(55, 40, 30))
        x = np.linspace(-1, 1, size)
        return pixels(canvas_, 0.6) * np.clip(1.1 - 0.5 * (x + 0.3) ** 2, 0, 1.2)[None, :, None]
    wing = tuple((rgb(rng.choice([0.06, 0.12, 0.6, 0.95]), rng.uniform(0.2, 0.9), 0.9) * 255).astype(int))
    layer = Image.new("RGBA", (size, size))
    draw = ImageDraw.Draw(layer)
    for side in (-1, 1):
        for (dx, dy), r in (((0.17, -0.1), 0.17), ((0.13, 0.13), 0.13)):
            box = [size * (0.5 + side * dx - r), size * (0.5 + dy - r), size * (0.5 + side * dx + r), size * (0.5 + dy + r)]
            draw.ellipse(box, fill=wing, outline=(30, 20, 15), width=max(1, size // 40))
            x, y, q = size * (0.5 + side * dx * 1.2), size * (0.5 + dy), size * r * 0.3
            draw.ellipse([x - q, y - q, x + q, y + q], fill=(40, 30, 40))
    draw.ellipse([size * 0.47, size * 0.3, size * 0.53, size * 0.72], fill=(35, 28, 22))
    layer = layer.rotate(rng.uniform(0, 360), Image.Resampling.BICUBIC)
    canvas_.paste(layer, (0, 0), layer)
    return pixels(canvas_, 0.5)


def develop(picture, rng, size):
    """Return the picture as a camera gives it: exposure, cast, contrast, vignette, softness, sensor noise."""
    picture = np.clip(picture, 0, 1).astype(np.float32) * rng.normal(1.06, 0.13)
    cast = 1 + rng.normal(0, 0.055, 3)
    grey = picture.mean(-1, keepdims=True)
    picture = grey + (picture - grey) * rng.uniform(0.65, 1.25)
    picture = np.clip(picture * cast, 0, 1)
    picture = picture + rng.uniform(-0.2, 0.2) * picture * (1 - picture) * (2 * picture - 1) * 2
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    picture = picture * (1 - rng.uniform(0, 0.3) * (x**2 + y**2)[..., None] / 2)
    if rng.random() < 0.25:
        picture = ndimage_blur(picture, rng.uniform(0.3, 1.1) * size / 128)
    picture = picture + rng.normal(0, rng.uniform(0.001, 0.012), picture.shape).astype(np.float32)
    return Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))
