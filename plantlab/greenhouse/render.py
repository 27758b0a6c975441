"""Points to picture: what the lens sees of a plant, and how the light falls on it.

Surfaces diced finer than a pixel are drawn point by point, the nearest seen, after R. Cook, L. Carpenter and
E. Catmull, The Reyes image rendering architecture, SIGGRAPH 1987. One depth map from the lens hides what lies behind,
another from the light casts the shadows (L. Williams, SIGGRAPH 1978); depth less its mean nearby darkens hollows.
"""

import numpy as np

from plantlab.greenhouse.organs import spread, unit
from plantlab.greenhouse.scenery import blurred

FINE = 2  # samples along the side of a pixel


def view(azimuth: float, elevation: float, roll: float = 0.0) -> np.ndarray:
    """Return the rows right, up and towards the camera, which looks from there at the origin."""
    to = np.array(
        [
            np.cos(azimuth) * np.cos(elevation),
            np.sin(azimuth) * np.cos(elevation),
            np.sin(elevation),
        ]
    )
    right = np.array([-np.sin(azimuth), np.cos(azimuth), 0])
    up, c, s = np.cross(to, right), np.cos(roll), np.sin(roll)
    return np.stack([c * right + s * up, c * up - s * right, to])


def seen_from(parts: dict, turn, middle, scale: float, size: int) -> dict:
    """Return the parts in the camera's axes and in samples, without those outside the picture or far larger than it."""
    kept = {}
    for symbol, (frames, at, sizes) in parts.items():
        at, sizes = (at @ turn.T - middle) * scale * FINE, sizes * scale * FINE
        reach = size * FINE * 0.52 + sizes[:, 0] * 1.2
        inside = (np.abs(at[:, :2]) < reach[:, None]).all(1) & (
            (sizes[:, 0] < 1.6 * size * FINE) | (symbol in "FR")
        )
        sizes = np.minimum(sizes, 3 * size * FINE)
        if inside.any():
            kept[symbol] = (turn @ frames[inside], at[inside], sizes[inside])
    return kept


def render(
    crowds: list, side: int, light, sun, sky, press: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
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
    footprint = (
        0,
        1,
        wide,
        wide + 1,
    )  # a point is two samples wide, so that no gap is left between neighbours
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
    p, whose = (
        np.empty((len(mine), 8), np.float32),
        inside[mine],
    )  # normal, colour, shine, translucency
    for (mesh, frames, _, _, tints), start, stop in zip(crowds, starts, starts[1:]):
        own = np.flatnonzero((whose >= start) & (whose < stop))
        copy, point = np.divmod(whose[own] - start, len(mesh))
        p[own] = mesh[point, 3:]
        p[own, :3] = np.einsum("pij,pj->pi", np.float32(frames)[copy], mesh[point, 3:6])
        p[own, 3:6] *= np.float32(tints)[copy, None]
    p[:, :2] *= press**0.25
    p[:, 6] *= press

    a, coarse = np.float32(unit(np.cross(light, [0.3, 1, 0.2]))), wide // 2
    turned = [x * v[0] + y * v[1] + z * v[2] for v in (a, np.cross(light, a), light)]
    cells = [np.clip((v + wide / 2) / 2, 0, coarse - 1).astype(np.int32) for v in turned[:2]]
    cell, towards = cells[1] * coarse + cells[0], turned[2]
    lit = np.full(coarse * coarse, -1e6, np.float32)
    np.maximum.at(lit, cell, towards)
    image = np.zeros((wide * wide, 6), np.float32)  # cover, colour, depth, shadow
    image[spot, 0], image[spot, 4], image[spot, 5] = (
        1,
        z[mine],
        lit[cell[mine]] - towards[mine] > 0.02 * wide,
    )
    field = image.reshape(wide, wide, 6)
    soft = uniform_filter(field[..., 0], 5), uniform_filter(field[..., 5], 5)
    free = 1 - 0.8 * (soft[1] / (soft[0] + 1e-6)).ravel()[spot][:, None]
    solid = np.where(field[..., 0] > 0, field[..., 4], z[mine].min(initial=0))
    hollow = np.clip((uniform_filter(solid, wide // 16) - solid) / (0.06 * wide), 0, 1).ravel()[
        spot
    ][:, None]

    normal = p[:, :3] * np.where(p[:, 2:3] < 0, -1, 1).astype(np.float32)
    facing, half = normal @ light, unit(light + np.float32([0, 0, 1]))
    direct = (np.clip(facing, 0, 1) + p[:, 7] * np.clip(-facing, 0, 1) * 0.7)[:, None]
    gleam = (p[:, 6] * np.clip(normal @ half, 0, 1) ** 24)[:, None]
    ambient = sky * (0.6 + 0.4 * normal[:, 1:2]) * (1 - 0.75 * hollow)
    image[spot, 1:4] = np.clip(
        p[:, 3:6] * (sun * direct * free + ambient) + 0.35 * sun * gleam * free, 0, 4
    )
    small = sum(field[i::FINE, j::FINE, :5] for i in range(FINE) for j in range(FINE)) / FINE**2
    cover = np.maximum(small[..., :1], 1e-6)
    return np.concatenate([small[..., 1:4] / cover, np.clip(cover * 1.15, 0, 1)], -1), small[
        ..., 4
    ] / cover[..., 0]


def tone(linear: np.ndarray) -> np.ndarray:
    """Return display values of linear light; highlights roll off as on film."""
    linear = linear * 1.15
    return np.clip(linear * (1 + linear / 9) / (1 + linear * 0.55), 0, 1) ** (1 / 2.2)


def laid(picture, back, shift, soft: float) -> np.ndarray:
    """Return a rendered picture on a flat background, its shadow moved by `shift` pixels and blurred."""
    return tone(picture[..., :3]) * picture[..., 3:] + shaded(back, picture, shift, soft) * (
        1 - picture[..., 3:]
    )


def shaded(back, picture, shift, soft: float) -> np.ndarray:
    """Return the background with the shadow of what lies on it."""
    from scipy.ndimage import shift as moved

    return back * (
        1 - 0.6 * blurred(moved(picture[..., 3], (shift[1], -shift[0]), order=1), soft)[..., None]
    )


def defocus(colour, cover, radius) -> tuple[np.ndarray, np.ndarray]:
    """Return colour and cover blurred by `radius` pixels, point by point, between three sharpnesses."""
    stack = np.concatenate([colour * cover, cover], -1)
    for sigma in np.array([0.008, 0.02]) * len(stack):
        share = np.clip(blurred(radius, sigma) / sigma - 0.4, 0, 1)[..., None]
        stack = stack + (blurred(stack, sigma) - stack) * share
    return stack[..., :3] / np.maximum(stack[..., 3:], 1e-4), stack[..., 3:]
