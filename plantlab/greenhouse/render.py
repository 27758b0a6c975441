"""Points to picture: what the lens sees of a plant, and how the light falls on it.

Surfaces diced finer than a pixel are drawn point by point, the nearest seen, after R. Cook,
L. Carpenter and E. Catmull, The Reyes image rendering architecture, SIGGRAPH 1987. One depth map
from the lens hides what lies behind, another from the light casts the shadows (L. Williams,
SIGGRAPH 1978); depth less its mean nearby darkens hollows.
"""

from typing import NamedTuple

import numpy as np
from numpy import clip, cos, ndarray, sin
from numpy.typing import ArrayLike

from plantlab.greenhouse.growth import Parts
from plantlab.greenhouse.organs import Crowd
from plantlab.greenhouse.shapes import sizes_of_copies, unit

FINE = 2  # samples along the side of a pixel
FAR = -1e6  # the depth of nothing
TOO_LARGE = 1.6  # leaves and flowers longer than so many sides of the picture are left out


class Light(NamedTuple):
    """What falls on a scene."""

    towards: ArrayLike  # (3,) of length 1: where the sun stands
    sun: ndarray  # its colour and strength
    sky: ndarray  # those of the light from everywhere


class Points(NamedTuple):
    """The points of a scene inside the picture; N of them, in samples."""

    which: ndarray  # (N,) among all points of all crowds
    spot: ndarray  # (N,) the sample it falls on, counted row by row
    place: ndarray  # (3, N) x, y and z; z points at the lens


class Surfaces(NamedTuple):
    """What points are like, M of them."""

    normal: ndarray  # (M, 3)
    colour: ndarray  # (M, 3) linear
    shine: ndarray  # (M,)
    thin: ndarray  # (M,) translucency


def view(azimuth: float, elevation: float, roll: float = 0.0) -> ndarray:
    """Return the rows right, up and towards the camera, which looks from there at the origin."""
    east = cos(azimuth) * cos(elevation)
    north = sin(azimuth) * cos(elevation)
    to = np.array([east, north, sin(elevation)])
    right = np.array([-sin(azimuth), cos(azimuth), 0])
    up = np.cross(to, right)
    c = cos(roll)
    s = sin(roll)
    return np.stack([c * right + s * up, c * up - s * right, to])


def seen_from(
    parts: dict[str, Parts], turn: ndarray, middle: ndarray, scale: float, size: int
) -> dict[str, Parts]:
    """Return the parts in the camera's axes and in samples.

    Those outside the picture, and organs far larger than it, are left out.
    """
    kept = {}
    wide = size * FINE
    for symbol, (frames, at, sizes) in parts.items():
        at = (at @ turn.T - middle) * scale * FINE
        sizes = sizes * scale * FINE
        reach = size * FINE * 0.52 + sizes[:, 0] * 1.2
        across = np.abs(at[:, :2])
        inside = (across < reach[:, None]).all(1)
        if symbol not in "FR":
            inside = inside & (sizes[:, 0] < TOO_LARGE * size * FINE)
        sizes = np.minimum(sizes, 3 * wide)
        if inside.any():
            kept[symbol] = Parts(turn @ frames[inside], at[inside], sizes[inside])
    return kept


def render(
    crowds: list[Crowd], side: int, light: Light, press: float = 1.0
) -> tuple[ndarray, ndarray]:
    """Return linear colour with cover (side, side, 4), and depth (side, side), of crowds.

    Only the points that are seen are shaded. `press` flattens the scene, as between two sheets of
    paper.
    """
    wide = side * FINE
    light = light._replace(towards=np.float32(light.towards))
    points = _project(crowds, wide, press)
    owner = _nearest(points, wide)
    spot = np.flatnonzero(owner >= 0)
    mine = owner[spot]  # the points that are seen, among those inside the picture
    cover = np.zeros(wide * wide, np.float32)
    depth = np.zeros(wide * wide, np.float32)
    shadow = np.zeros(wide * wide, np.float32)
    colour = np.zeros((wide * wide, 3), np.float32)
    cover[spot] = 1
    depth[spot] = points.place[2][mine]
    shadow[spot] = _in_shadow(points.place, mine, light.towards, wide)
    square = (wide, wide)
    cover = cover.reshape(square)
    depth = depth.reshape(square)
    soft = _soft(shadow.reshape(square), cover)
    free = 1 - 0.8 * soft.ravel()[spot]
    hollow = _hollowness(cover, depth).ravel()[spot]
    surfaces = _surfaces(crowds, points.which[mine], press)
    colour[spot] = _shade(surfaces, light, free[:, None], hollow[:, None])
    colour = _pooled(colour.reshape(wide, wide, 3))
    cover = _pooled(cover[..., None])
    depth = _pooled(depth)
    share = np.maximum(cover, 1e-6)
    opacity = clip(share * 1.15, 0, 1)
    picture = np.concatenate([colour / share, opacity], -1)
    return picture, depth / share[..., 0]


def _project(crowds: list[Crowd], wide: int, press: float) -> Points:
    """Return the points that fall into the picture, in perspective."""
    x, y, z = (_coordinate(crowds, axis) for axis in range(3))
    z = z * np.float32(press)
    lens = 4 * wide  # its distance
    nearer = np.float32(lens) / np.maximum(lens - z, wide)
    column = (x * nearer + wide / 2).astype(np.int32)
    row = (wide / 2 - y * nearer).astype(np.int32)
    inside = _between(column, wide) & _between(row, wide)
    which = np.flatnonzero(inside)
    spot = (row * wide + column)[which]
    return Points(which, spot, np.stack([x[which], y[which], z[which]]))


def _coordinate(crowds: list[Crowd], axis: int) -> ndarray:
    """Return x, y or z (0, 1 or 2) of the points of all crowds, copy after copy."""
    found = []
    for mesh, frames, origins, sizes, _ in crowds:
        stretch = sizes_of_copies(sizes, len(frames))
        turned = np.float32(frames[:, axis] * stretch)
        at = np.broadcast_to(np.float32(origins), (len(frames), 3))
        copies = turned @ mesh[:, :3].T + at[:, axis, None]  # (N, P)
        found.append(copies.ravel())
    return np.concatenate(found)


def _between(sample: ndarray, wide: int) -> ndarray:
    """Return which samples do not lie on the rim of the picture, or beyond."""
    return (sample > 0) & (sample < wide - 1)


def _nearest(points: Points, wide: int) -> ndarray:
    """Return which point is seen in each sample (wide * wide,), -1 where none is."""
    spot = points.spot
    z = points.place[2]
    depth = np.full(wide * (wide + 1) + 2, FAR, np.float32)
    owner = np.full(len(depth), -1, np.int32)
    # A point is two samples wide, so that no gap is left between neighbours.
    footprint = (0, 1, wide, wide + 1)
    for step in footprint:
        np.maximum.at(depth, spot + step, z)
    for step in footprint:
        won = np.flatnonzero(z >= depth[spot + step])
        owner[spot[won] + step] = won
    for step in (1, wide):  # a sample far behind both its neighbours is a gap all the same
        first = depth[: -2 * step]
        last = depth[2 * step :]
        before = np.minimum(first, last)
        is_gap = before > depth[step:-step] + 0.03 * wide
        neighbour = owner[: -2 * step]
        owner[step:-step] = np.where(is_gap, neighbour, owner[step:-step])
    return owner[: wide * wide]


def _surfaces(crowds: list[Crowd], which: ndarray, press: float) -> Surfaces:
    """Return what the points are like that are seen, `which` among all points of all crowds."""
    found = np.empty((len(which), 8), np.float32)
    start = 0
    for mesh, frames, _, _, tints in crowds:
        stop = start + len(frames) * len(mesh)
        own = np.flatnonzero((which >= start) & (which < stop))
        copy, point = np.divmod(which[own] - start, len(mesh))
        turns = np.float32(frames)[copy]
        found[own] = mesh[point, 3:]
        found[own, :3] = np.einsum("pij,pj->pi", turns, mesh[point, 3:6])
        found[own, 3:6] *= np.float32(tints)[copy, None]
        start = stop
    found[:, :2] *= press**0.25
    found[:, 6] *= press
    return Surfaces(found[:, :3], found[:, 3:6], found[:, 6], found[:, 7])


def _in_shadow(place: ndarray, mine: ndarray, light: ndarray, wide: int) -> ndarray:
    """Return which of the points `mine` have another between them and the light."""
    x, y, z = place
    across = np.float32(unit(np.cross(light, [0.3, 1, 0.2])))
    coarse = wide // 2

    def along(axis: ndarray) -> ndarray:
        return x * axis[0] + y * axis[1] + z * axis[2]

    def cell(axis: ndarray) -> ndarray:
        position = (along(axis) + wide / 2) / 2
        return clip(position, 0, coarse - 1).astype(np.int32)

    column = cell(across)
    cells = cell(np.cross(light, across)) * coarse + column
    towards = along(light)
    lit = np.full(coarse * coarse, FAR, np.float32)
    np.maximum.at(lit, cells, towards)
    return lit[cells[mine]] - towards[mine] > 0.02 * wide


def _soft(shadow: ndarray, cover: ndarray) -> ndarray:
    """Return the shadow with soft edges: its mean nearby, where there is a plant."""
    from scipy.ndimage import uniform_filter

    return uniform_filter(shadow, 5) / (uniform_filter(cover, 5) + 1e-6)


def _hollowness(cover: ndarray, depth: ndarray) -> ndarray:
    """Return how far each sample lies behind what is around it, 0 to 1."""
    from scipy.ndimage import uniform_filter

    wide = len(depth)
    solid = np.where(cover > 0, depth, depth.min())
    behind = uniform_filter(solid, wide // 16) - solid
    return clip(behind / (0.06 * wide), 0, 1)


def _shade(surfaces: Surfaces, light: Light, free: ndarray, hollow: ndarray) -> ndarray:
    """Return the light (M, 3) that comes from the points to the lens.

    Args:
        free: (M, 1), the share of the sun that no shadow takes.
        hollow: (M, 1), the share of the sky that is hidden.
    """
    faces_away = surfaces.normal[:, 2:3] < 0
    to_lens = np.where(faces_away, -1, 1).astype(np.float32)
    normal = surfaces.normal * to_lens
    facing = normal @ light.towards
    half_way = unit(light.towards + np.float32([0, 0, 1]))
    through = surfaces.thin * clip(-facing, 0, 1) * 0.7
    direct = (clip(facing, 0, 1) + through)[:, None]
    mirrored = clip(normal @ half_way, 0, 1) ** 24
    gleam = (surfaces.shine * mirrored)[:, None]
    upwards = normal[:, 1:2]
    ambient = light.sky * (0.6 + 0.4 * upwards) * (1 - 0.75 * hollow)
    matt = surfaces.colour * (light.sun * direct * free + ambient)
    return clip(matt + 0.35 * light.sun * gleam * free, 0, 4)


def _pooled(samples: ndarray) -> ndarray:
    """Return pixels: the means of their samples."""
    corners = [(i, j) for i in range(FINE) for j in range(FINE)]
    return sum(samples[i::FINE, j::FINE] for i, j in corners) / FINE**2
