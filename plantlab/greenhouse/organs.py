"""Organs as surfaces: leaves, petals, flowers, fruits and stems, each diced into points finer than a pixel.

A mesh is a float32 array (P, 11): place (x, y, z), normal (3), linear colour (3), shine, translucency. An organ grows
from the origin along y, its upper side towards z, at unit length; `place` sets copies of it on a plant.
"""

import colorsys

import numpy as np
from PIL import Image

GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))  # 137.5 degrees
EYE = np.eye(3)[None]  # the frame of a part that is not turned


def gielis(phi: np.ndarray, m: float, n1: float, n2: float, n3: float) -> np.ndarray:
    """Return the radius at angle `phi` of the superformula, 1 at phi = 0.

    Source: J. Gielis, A generic geometric transformation that unifies a wide range of natural and abstract shapes,
    American Journal of Botany 90 (2003) 333-338, equation 3 with a = b = 1.
    """
    return (np.abs(np.cos(m * phi / 4)) ** n2 + np.abs(np.sin(m * phi / 4)) ** n3) ** (-1 / n1)


def vogel(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return angle and radius (0 to 1) of `n` florets on a head, evenly packed by the golden angle.

    Source: H. Vogel, A better way to construct the sunflower head, Mathematical Biosciences 44 (1979) 179-189.
    """
    k = np.arange(n) + 0.5
    return k * GOLDEN_ANGLE, np.sqrt(k / n)


def rgb(hue: float, saturation: float, value: float) -> np.ndarray:
    """Return the colour (3,) of hue, saturation and value, each from 0 to 1."""
    return np.array(
        colorsys.hsv_to_rgb(hue % 1, np.clip(saturation, 0, 1), np.clip(value, 0, 1)), np.float32
    )


def cloud(
    rng: np.random.Generator, shape: tuple[int, int], cells: int, octaves: int = 3
) -> np.ndarray:
    """Return smooth noise, about 0 to 1: random grids, each finer and fainter, drawn large."""
    total = np.zeros(shape, np.float32)
    for k in range(octaves):
        tile = Image.fromarray(rng.random((max(2, cells * 2**k),) * 2, dtype=np.float32))
        total += np.asarray(tile.resize(shape[::-1], Image.Resampling.BICUBIC)) / 2**k
    return total / (2 - 2.0 ** (1 - octaves))


def grid(n: int, m: int, reach: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return u (n, 1) from 0 to 1 and v (1, m) from -reach to reach: the two directions of a surface."""
    return np.linspace(0, 1, n, dtype=np.float32)[:, None], np.linspace(
        -reach, reach, m, dtype=np.float32
    )[None]


def mix(a, b, share) -> np.ndarray:
    """Return colours between `a` and `b`, by a `share` for every point."""
    return a + (np.asarray(b, np.float32) - a) * np.clip(share, 0, 1)[..., None].astype(np.float32)


def unit(v: np.ndarray) -> np.ndarray:
    """Return vectors of length 1 over the last axis."""
    return v / (np.sqrt(np.einsum("...i,...i->...", v, v))[..., None] + 1e-9)


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the cross product over the last axis, in a quarter of np.cross's time."""
    return a[..., [1, 2, 0]] * b[..., [2, 0, 1]] - a[..., [2, 0, 1]] * b[..., [1, 2, 0]]


def axes(heading, up=(0, 0, 1.0)) -> np.ndarray:
    """Return frames (..., 3, 3) whose y is `heading` and whose z is as near to `up` as can be."""
    y = unit(np.asarray(heading, float))
    x = unit(cross(y, np.broadcast_to(up, y.shape)))
    return np.stack([x, y, cross(x, y)], -1)


def whorl(n: int, elevation: float, turn: float = 0.0, jitter: float = 0.0, rng=None) -> np.ndarray:
    """Return frames of `n` parts around z, raised by `elevation` (radians) from the plane."""
    shake = rng.normal(0, jitter, (2, n)) if jitter else np.zeros((2, n))
    angle, lift = turn + 2 * np.pi * np.arange(n) / n + shake[0], elevation + shake[1]
    return axes(ring(angle, np.cos(lift), np.sin(lift)))


def ring(angle, radius, height) -> np.ndarray:
    """Return points (..., 3) at an angle about z, at a radius from it and a height along it."""
    return np.stack(np.broadcast_arrays(radius * np.cos(angle), radius * np.sin(angle), height), -1)


def surface(
    points: np.ndarray, colours: np.ndarray, shine: float = 0.15, thin: float = 0.0
) -> np.ndarray:
    """Return the mesh of a grid of points (U, V, 3); its normals are those of the grid."""
    mesh = np.empty((*points.shape[:2], 11), np.float32)
    mesh[..., :3] = points
    mesh[..., 3:6] = unit(cross(*np.gradient(mesh[..., :3], axis=(1, 0))))
    mesh[..., 6:9], mesh[..., 9:] = np.clip(colours, 0.01, 1) ** 2.2, (shine, thin)
    return mesh.reshape(-1, 11)


def spread(mesh, frames, origins, sizes) -> np.ndarray:
    """Return where the points of copies lie (N, P, 3): turned to `frames` (N, 3, 3), sized (N,) or (N, 3), moved."""
    sizes = np.asarray(sizes, np.float32)
    sizes = np.broadcast_to(sizes, len(frames))[:, None] if sizes.ndim < 2 else sizes
    turned = np.ascontiguousarray(np.swapaxes(frames, 1, 2), np.float32) * sizes[..., None]
    return (
        mesh[:, :3] @ turned
        + np.broadcast_to(np.asarray(origins, np.float32), (len(frames), 3))[:, None]
    )


def place(mesh, frames, origins=0.0, sizes=1.0, tints=1.0) -> np.ndarray:
    """Return the mesh of copies of `mesh`, turned, moved, sized and tinted."""
    copies = np.tile(mesh, (len(frames), 1, 1))
    copies[..., :3] = spread(mesh, frames, origins, sizes)
    copies[..., 3:6] = mesh[:, 3:6] @ np.ascontiguousarray(np.swapaxes(frames, 1, 2), np.float32)
    copies[..., 6:9] *= np.asarray(tints, np.float32).reshape(-1, 1, 1)
    return copies.reshape(-1, 11)


def bend(x, y, z, curl: float) -> np.ndarray:
    """Return points (..., 3) bent about x: `curl` is the angle turned over unit length, down where positive."""
    curl = curl if abs(curl) > 1e-3 else 1e-3
    sine, cosine = np.sin(curl * y), np.cos(curl * y)
    return np.stack(
        [x + 0 * y, (sine + curl * z * sine) / curl, (cosine - 1) / curl + z * cosine], -1
    )


OUTLINES = {  # where a blade or petal is widest: u^a (1 - u)^b along its axis; for blades the width too
    "linear": (0.25, 0.5, 0.09), "lanceolate": (0.6, 0.9, 0.2), "elliptic": (0.75, 0.75, 0.36),
    "ovate": (0.5, 1.1, 0.5), "obovate": (1.1, 0.5, 0.42), "pinnatifid": (0.7, 0.6, 0.5), "pointed": (0.8, 0.95),
    "strap": (0.3, 0.12), "spoon": (2.2, 0.4), "rounded": (0.9, 0.33), "notched": (0.9, 0.33), "fringed": (0.9, 0.33),
}  # fmt: skip


def outline(shape: str, u: np.ndarray) -> np.ndarray:
    """Return the half-width at `u` along the axis, 1 where widest."""
    a, b = OUTLINES[shape][:2]
    return u**a * (1 - u) ** b / ((a / (a + b)) ** a * (b / (a + b)) ** b)


TEETH = {  # height of the margin, from -1 to 0, over one tooth
    "entire": lambda f: 0 * f, "undulate": lambda f: 0 * f, "serrate": lambda f: f - 1,
    "dentate": lambda f: -np.abs(2 * f - 1), "crenate": lambda f: np.abs(np.sin(np.pi * f)) ** 0.6 - 1,
}  # fmt: skip


def leaf(t, n: int, rng: np.random.Generator, curl: float = 0.5, flat: bool = False) -> np.ndarray:
    """Return one blade with its veins; simple outlines along the midrib, broad and lobed ones by the superformula."""
    broad = t.leaf_shape not in OUTLINES
    wide = 0.65 + 0.7 * t.leaf_ratio
    u, v = grid(n, max(9, int(n * (2.6 if broad else OUTLINES[t.leaf_shape][2] * 2.2 * wide))))
    teeth, amount = int(8 + 22 * t.teeth), 0.16 - 0.09 * t.teeth
    if broad:
        phi = v * np.pi * 0.985
        if t.leaf_shape == "palmate":
            r = gielis(phi, 5 if t.veins < 0.5 else 7, 0.45 + 0.5 * t.leaf_ratio, 1, 1) * (
                1 - 0.4 * (phi / np.pi) ** 2
            )
        else:
            power, tip = (0.55, 0.3) if t.leaf_shape == "cordate" else (2.5, 0)
            r = gielis(phi, 1, power, 1, 1) * (1 + tip * np.exp(-np.abs(phi) / 0.22))
            r = r * (0.8 + 0.35 * t.leaf_ratio * np.sin(np.abs(phi)))
        r = r * (1 - 0.75 * np.exp(-(((np.pi - np.abs(phi)) / 0.3) ** 2)))  # the notch at the stalk
        rho = (
            0.72
            * u
            * r
            * (1 + amount * 0.6 * TEETH[t.margin](np.abs(phi) / np.pi * teeth * 0.8 % 1))
        )
        x, y, across = rho * np.sin(phi), rho * np.cos(phi), u + 0 * v
    else:
        w = outline(t.leaf_shape, u) * OUTLINES[t.leaf_shape][2] * wide
        if t.leaf_shape == "pinnatifid":
            w = w * (0.3 + 0.7 * np.abs(np.cos(np.pi * (u * (3.5 + 3 * t.veins) + 0.15))) ** 0.8)
        x = v * (w * (1 + amount * TEETH[t.margin](u * teeth % 1) * (np.abs(v) > 0.4)) + 0.012)
        y, across = u - 0.1 * np.abs(x), np.abs(v) + 0 * u
    veins = _veins(t, x, y, u, v, broad)
    z = 0.35 * np.abs(x) * (0.3 + 0.7 * rng.random()) - 0.012 * veins
    z = z + 0.05 * (t.margin == "undulate") * across**2 * np.sin(y * 18 + np.sign(x))
    z = z + (0 if flat else 0.12) * (cloud(rng, z.shape, 3, 2) - 0.5)
    green = t.leaf_rgb * (0.86 + 0.28 * cloud(rng, z.shape, 3))[..., None]
    green = mix(green, green * 0.5 + np.float32([0.38, 0.42, 0.22]), 0.75 * veins)
    green = mix(green, green * np.float32([1.15, 1.1, 0.8]), across**3)
    green = mix(
        green,
        np.float32([0.42, 0.27, 0.12]),
        (cloud(rng, z.shape, 7, 2) - 1.02 + 0.25 * t.blemish) * 14,
    )
    points = bend(x, y, z * (0.1 if flat else 1), 0.02 if flat else curl)
    return surface(points, green, 0.1 + 0.5 * t.gloss, 0.55)


def _veins(t, x, y, u, v, broad: bool) -> np.ndarray:
    """Return how much each point of a blade is vein, 0 to 1."""

    def lines(s, width):
        return np.exp(-((np.minimum(s % 1, 1 - s % 1) / width) ** 2))

    count, middle = 5 + 9 * t.veins, np.exp(-((x / (0.008 + 0.012 * (1 - u))) ** 2))
    if broad:
        ray = np.abs(v) * 0.4925 * (7 if t.venation == "palmate" else 9)
        off = np.abs(ray - np.round(ray))
        return np.maximum(
            np.exp(-((off * u / 0.045) ** 2)), 0.45 * lines(u * count - off * 2.5, 0.11) * (u > 0.1)
        )
    if t.venation == "parallel":
        return np.maximum(middle, 0.5 * lines(v * (2.5 + 2.5 * t.veins), 0.13))
    side = (y - np.abs(x) * (0.9 + 0.4 * t.veins) + 0.5 * x**2) * count
    return np.maximum(middle, 0.65 * lines(side, 0.1) * (1 - 0.5 * np.abs(v)))


def petal(t, n: int, rng, shape="", cup=None, curl=None, colour=None, pattern="") -> np.ndarray:
    """Return one petal: outline, cup, ruffle, and its pattern towards base and rim; by default after the traits `t`."""
    shape, pattern = shape or t.petal_shape, pattern or t.pattern
    u, v = grid(
        n, max(7, int(n * (0.6 + 0.8 * t.petal_ratio) * (1.8 if shape == "fringed" else 1.2)))
    )
    x = (
        v
        * (0.04 + 0.96 * outline(shape, u))
        * (0.2 if shape == "strap" else 0.26 + 0.36 * t.petal_ratio)
    )
    rim = {"notched": 0.2 * np.exp(-((v / 0.28) ** 2)), "fringed": 0.09 * np.cos(v * 19) + 0.09,
           "strap": 0.05 * np.abs(np.sin(v * 3 * np.pi / 2))}.get(shape, 0)  # fmt: skip
    y = u * (1 - 0.08 * v**2) - rim * u**5
    cup = (0.2 + 0.9 * t.petal_cup) if cup is None else cup
    z = cup * 0.3 * (np.sqrt(1 + (x / 0.2) ** 2) - 1) - 0.1 * np.abs(x) * (1 - u)
    z = z + (0.06 if shape == "fringed" else 0.025) * np.sin(
        v * 7 + rng.uniform(0, 6)
    ) * u**2 * np.abs(v)
    z = z + 0.06 * (cloud(rng, z.shape, 3, 1) - 0.5) * u
    own, along = t.flower_rgb if colour is None else colour, u + 0 * v
    deep, pale = own**1.8 * 0.9, 1 - (1 - own) * 0.45
    lines = np.abs(np.sin((v * (4 + 3 * t.stamens) + 0.35 * np.sin(u * 5)) * np.pi))
    shade = mix(own, pale, (0.75 - along) * (0.8 if t.eye_pale else 0))
    shade = mix(
        shade, deep, (1 - lines**0.6) * (0.9 if pattern == "veined" else 0.28) * (1 - u * 0.6)
    )
    if pattern == "eyed":
        shade = mix(shade, t.eye_rgb, (0.42 - along + 0.1 * np.abs(lines - 0.5)) * 9)
    elif pattern == "edged":
        shade = mix(
            shade,
            pale if own.mean() < 0.72 else t.eye_rgb,
            (np.maximum(np.abs(v), along) - 0.8) * 9,
        )
    elif pattern == "spotted":
        shade = mix(shade, t.eye_rgb, (cloud(rng, z.shape, 9, 1) - 0.62) * 12 * (u < 0.8))
    shade = shade * (0.93 + 0.14 * cloud(rng, z.shape, 4))[..., None]
    return surface(
        bend(x, y, z, (0.9 - 1.8 * t.petal_curl) if curl is None else curl), shade, 0.12, 0.6
    )


def revolve(
    profile, n: int, colour, section=(0, 1, 1, 1), shine=0.3, squash=1.0, curl=0.0, around=0
) -> np.ndarray:
    """Return a body of unit length around y, of cross-section `section` (superformula), `around` points on a ring.

    `profile` is its radius, `colour` its colour: one, or a function of u (0 to 1 along y), or of u and the angle.
    """
    radius = profile if callable(profile) else lambda u: profile + 0 * u
    widest = float(np.max(radius(np.linspace(0, 1, 20))))
    u, phi = grid(n if around else int(1.7 * n), around or int(n * 5.6 * widest + 5), np.pi)
    u = u if around else 0.5 - 0.5 * np.cos(np.pi * u)  # denser towards the poles
    r = radius(u) * gielis(phi, *section)
    points = bend(r * np.cos(phi), u + 0 * phi, r * np.sin(phi) * squash, curl)
    return surface(points, colour(u + 0 * phi, phi) if callable(colour) else colour, shine)


def dome(u):
    """Return the profile of a ball of unit diameter."""
    return 0.5 * np.sqrt(np.clip(1 - (2 * u - 1) ** 2, 0, 1))


def ball(n: int, colour, shine: float = 0.3, ratio: float = 1.0) -> np.ndarray:
    """Return a ball of unit length along y, `ratio` times as wide."""
    return revolve(lambda u: ratio * dome(u), max(4, n), colour, shine=shine)


def flower(t, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return a flower that faces z, with y up; petals are half a unit long, `n` points across the whole."""
    deep, half, m = (
        (0.6 + 0.4 * t.petal_cup) * (0.7 if t.corolla == "trumpet" else 1),
        int(n * 0.56),
        t.n_petals,
    )
    own, green, parts = t.flower_rgb, t.leaf_rgb * 0.9 + 0.05, []

    def add(mesh, headings, size, depth=0.0):
        frames = axes(headings) if np.ndim(headings) == 2 else headings
        parts.append(place(mesh, frames, (0, 0, depth), size, rng.normal(1, 0.06, len(frames))))

    if t.corolla == "daisy":
        rays, shape = (
            m + int(rng.integers(-1, 2)),
            "strap" if t.petal_shape == "rounded" else t.petal_shape,
        )
        for k in range(rows := 2 if rays > 15 else 1):
            one = petal(t, half, rng, shape, cup=0.5, curl=0.5 - 0.9 * t.petal_curl)
            lift = 0.05 + 0.5 * t.petal_cup * (1 - 0.5 * k)
            add(one, whorl(rays // rows, lift, k * 0.2, 0.05, rng), 0.5, -0.02 * k)
        (angle, r), disc = vogel(90 + int(60 * t.stamens)), 0.14 + 0.1 * t.stamens
        at = ring(angle, r, 0.07 * (1 - r**2) + 0.03) * [disc, disc, 1]
        frames = axes(at * [2.5, 2.5, 0] + [0, 0, 1], (0, 1.0, 0))
        tints = 0.55 + 0.5 * r + rng.normal(0, 0.06, len(r))
        parts.append(place(ball(n // 20, t.eye_rgb, 0.2), frames, at, disc * 0.26, tints))
    elif t.corolla in ("butterfly", "lipped", "orchid"):
        lip = {"shape": "fringed" if t.petal_shape == "fringed" else "notched", "cup": -0.3, "curl": 0.9,
               "colour": own**1.25, "pattern": t.pattern.replace("plain", "spotted")}  # fmt: skip
        keel = {
            "shape": "pointed",
            "cup": 3,
            "curl": -0.8,
            "colour": 1 - (1 - own) * 0.5,
            "pattern": "plain",
        }
        wings = axes([[-0.55, -0.5, 0.8], [0.55, -0.5, 0.8]], [[-1, 0, 0.6], [1, 0, 0.6]])
        petals = {  # headings, size, depth, look
            "butterfly": [([[0, 1, 0.35]], 0.55, 0, {"cup": 0.1, "curl": -0.5}),
                          (wings, 0.42, 0, {"shape": "rounded", "cup": 0.5, "curl": 0.3}),
                          ([[0, -0.55, 0.8]], 0.4, 0, keel)],
            "lipped": [([[0, 0.8, 0.8]], 0.42, 0, {"shape": "rounded", "cup": 1.8, "curl": 1.0}),
                       ([[-0.9, -0.15, 0.5], [0.9, -0.15, 0.5]], 0.3, 0, {"shape": "rounded"}),
                       ([[0, -0.75, 0.6]], 0.55, 0, lip)],
            "orchid": [([[0, 1, 0.1], [-0.8, -0.6, 0.1], [0.8, -0.6, 0.1]], 0.5, -0.03,
                        {"shape": "pointed", "colour": own * 0.92}),
                       ([[-1, 0.35, 0.2], [1, 0.35, 0.2]], 0.46, 0, {}), ([[0, -0.75, 0.6]], 0.55, 0, lip)],
        }  # fmt: skip
        for headings, size, depth, look in petals[t.corolla]:
            add(petal(t, half, rng, **look), headings, size, depth)
        if t.corolla != "butterfly":
            add(ball(n // 5, t.eye_rgb * 0.5 + 0.45), [[0, 0.3, 1]], 0.14)
    elif t.corolla in ("bell", "trumpet"):
        u, phi = grid(n + 3, int(3.6 * n), np.pi)
        rim = gielis(phi, m, 0.65 if t.petal_shape == "pointed" else 1.17, 1, 1) - 0.8
        if t.corolla == "bell":
            r = 0.16 + 0.22 * np.sqrt(u) + 0.12 * (0.5 + t.petal_curl) * u**5
            z = deep * u * (1 + 0.3 * rim * u**4)
        else:
            r, z = 0.06 + 0.05 * u + 0.45 * u**2.2, deep * (np.sin(u * np.pi / 2) - 0.6)
        fold = (1 - np.abs(np.sin(m * phi / 2)) + 0 * u) ** 2
        tone = mix(own, own**1.6 * 0.9, fold * (0.8 if t.pattern == "veined" else 0.4))
        tone = mix(
            tone, 1 - (1 - own) * 0.3, ((0.3 if t.pattern == "plain" else 0.55) - u + 0 * phi) * 3
        )
        parts.append(surface(ring(phi, r * (1 + rim * u**3 * 0.9), z), tone, 0.15, 0.6))
        style = revolve(lambda u: 0.03 + 0.05 * u**6, max(8, half), t.eye_rgb)
        add(style, [[0, 0.01, 1]], deep * 0.9, 0 if t.corolla == "bell" else -0.4)
    else:
        lift, one = 0.1 + 0.9 * t.petal_cup, petal(t, half, rng)
        if m == 6:
            add(one, whorl(3, lift - 0.1, 0.5, 0.05, rng), 0.5, -0.02)
            add(petal(t, half, rng), whorl(3, lift, 0.5 + np.pi / 3, 0.05, rng), 0.48)
        else:  # each petal lies with one edge over its neighbour
            c, s = np.cos(0.15), np.sin(0.15)
            add(
                one,
                whorl(m, lift, rng.random(), 0.06, rng)
                @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]),
                0.5,
            )
        k = m if t.stamens < 0.35 else 2 * m if t.stamens < 0.6 else 26
        rise, angle = (
            rng.uniform(0.7, 1.35, k),
            np.arange(k) * (GOLDEN_ANGLE if k > 20 else 2 * np.pi / k),
        )
        head = ring(angle, np.cos(rise), np.sin(rise))
        frames, long = (
            axes(head, (0.01, 0.01, 1.01)),
            (0.15 + 0.13 * t.petal_ratio) * rng.uniform(0.8, 1.1, k),
        )
        parts.append(
            place(revolve(0.035, n // 4 + 2, 1 - (1 - own) * 0.4, around=5), frames, 0, long)
        )
        parts.append(place(ball(n // 14, t.eye_rgb, 0.2, 0.7), frames, head * long[:, None], 0.055))
        add(ball(max(6, n // 7), green, 0.3, 0.8), [[0, 0.01, 1]], 0.13 + 0.05 * t.fruit_ratio)
    sepal = petal(
        t, max(8, half // 2), rng, "pointed", cup=0.6, curl=0.2, colour=green, pattern="plain"
    )
    if t.corolla != "orchid":
        lift, base = {"bell": (0.1, -0.07), "trumpet": (0.9, -0.6 * deep)}.get(
            t.corolla, (0.25, -0.06)
        )
        add(sepal, whorl(13 if t.corolla == "daisy" else 5, lift, 0.3), 0.26, base)
    return np.concatenate(parts)


def fruit(t, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return a fruit along y, about a unit across (pods and samaras are longer)."""
    ripe, dry = t.fruit_rgb, np.float32([0.55, 0.42, 0.26]) * np.float32(rng.uniform(0.8, 1.15))
    long, upright = (
        0.8 + 0.7 * t.fruit_ratio,
        np.array([[1, 0, 0], [0, 0, 1.0], [0, -1, 0]]),
    )  # turns z up into y up
    star, kind, seeds = upright @ axes(whorl(5, 0.0)[..., 1]), t.fruit, 4 + int(5 * t.fruit_ratio)
    sepal = petal(
        t, max(8, n // 3), rng, "pointed", cup=0.5, colour=t.leaf_rgb * 0.85, pattern="plain"
    )
    calyx = (
        sepal,
        star,
        (0, 0.93, 0) if kind == "pome" else (0, 0.03, 0),
        0.14 if kind == "pome" else 0.3,
    )

    def skin(u, phi):
        tone = mix(ripe, ripe * np.float32([1, 0.8, 0.55]) + np.float32([0, 0.14, 0.06]),
                   (cloud(rng, u.shape, 3, 2) - 0.35 - 0.4 * t.fruit_hue) * 2.2)  # fmt: skip
        tone = mix(tone, 1 - (1 - tone) * 0.55, (cloud(rng, u.shape, 14, 1) - 0.8) * 1.5)
        return tone * (0.75 + 0.25 * np.sin(np.pi * np.clip(u, 0.08, 0.92)))[..., None]

    def ribs(u, phi):
        return (
            dry
            * (0.65 + 0.5 * np.abs(np.cos(t.n_petals * phi / 2)))[..., None]
            * (1.1 - 0.4 * u[..., None])
        )

    def stripes(u, phi):
        return (
            dry
            * np.float32([1.05, 0.8, 0.55])
            * (0.8 + 0.25 * np.sin(phi * 11 + 0 * u) ** 2)[..., None]
        )

    def scales(u, phi):
        return (
            dry
            * (0.55 + 0.5 * np.abs(np.sin(u * 14) * np.sin(phi * 9 + u * 14 // np.pi * 1.6)))[
                ..., None
            ]
        )

    turned = {  # on a lathe: height, size; profile, colour, section, shine, squash, curl
        "berry": [(0, long, lambda u: dome(u) / long, skin, (0, 1, 1, 1), 0.9)],
        "drupe": [(0, long, lambda u: dome(u) / long, skin, (2, 6, 2.6, 2.6), 0.4)],
        "pome": [(0, 1, lambda u: 1.04 * dome(u) * (1.12 - 0.3 * u), skin, (5, 12, 2.5, 2.5), 0.7)],
        "capsule": [(0, long, lambda u: 0.36 * np.clip(np.sin(np.pi * (0.08 + 0.8 * u)), 0, 1) ** 0.7
                     * (1 - 0.35 * (u > 0.86)) + 0.02, ribs, (t.n_petals, 4, 2.8, 2.8), 0.2)],
        "nut": [(0.15, 0.95 * long, lambda u: dome(u) / long, stripes, (0, 1, 1, 1), 0.8),
                (0, 0.5, lambda u: 0.46 * np.sqrt(np.clip(1 - (1 - u) ** 2, 0, 1)), scales, (0, 1, 1, 1), 0.05)],
        "pod": [(0, 1.6, lambda u: 0.11 * np.clip(np.sin(np.pi * u**0.9), 0.02, 1) ** 0.5
                 * (0.85 + 0.15 * np.abs(np.sin(np.pi * seeds * u))), mix(ripe, dry, 0.55), (0, 1, 1, 1), 0.3,
                 0.5, 0.7 * (t.petal_curl - 0.2))],
    }  # fmt: skip
    parts = [
        (revolve(radius, n, *look), EYE, (0, y, 0), size)
        for y, size, radius, *look in turned.get(kind, [])
    ]
    if kind == "capsule":
        parts.append(
            (sepal * np.float32([1] * 6 + [1.5, 0.7, 0.8, 1, 1]), star, (0, 0.95 * long, 0), 0.22)
        )
    elif kind == "samara":
        wing = petal(
            t, n, rng, "spoon", 0.0, 0.3, mix(ripe, np.float32([0.75, 0.66, 0.4]), 0.6), "veined"
        )
        pair = axes([[-0.8, 1, 0], [0.8, 1, 0]])
        parts = [(wing, pair, pair[..., 1] * 0.15, 1.1), (ball(n // 3, dry * 0.8), pair, 0, 0.35)]
    elif kind == "clock":
        angle, r = vogel(110)
        y = 1 - 2 * r**2
        head = ring(angle, np.sqrt(1 - y**2), -y)[:, [0, 2, 1]]
        frames, at = axes(head, (0.01, 0.01, 1.01)), head * 0.08 + [0, 0.5, 0]
        tuft = place(
            revolve(0.012, max(5, n // 8), np.ones(3)),
            upright @ axes(whorl(7, 0.5)[..., 1]),
            0,
            0.15,
        )
        stalk = revolve(0.012, max(6, n // 3), np.float32([0.93, 0.92, 0.88]))
        parts = [(stalk, frames, at, 0.36), (tuft, frames, at + head * 0.36),
                 (ball(n // 5, dry * 0.6), EYE, (0, 0.42, 0), 0.16)]  # fmt: skip
    elif kind in ("aggregate", "achene"):
        juicy = kind == "aggregate"  # drupelets; else a dry head of achenes
        angle, r = vogel(60 if juicy else 90)
        at = ring(angle, dome(1 - r**2) * 0.84, (1 - r**2) * 0.95)[:, [0, 2, 1]]
        head = at - [0, 0.45, 0]
        grain = ball(n // 8, ripe, 0.9, 0.9) if juicy else ball(n // 8, dry, 0.1, 0.5)
        frames, sizes = axes(head, (0.01, 0.01, 1.01)), rng.uniform(0.75, 1.1, len(r))
        parts = [(grain, frames, at - head * 0.25, 0.22, sizes)]
    parts += [] if kind in ("nut", "samara", "clock") else [calyx]
    return np.concatenate([place(*part) for part in parts])
