"""Shapes: curves of the literature, and surfaces diced into points finer than a pixel.

A mesh is a float32 array (P, 11): place (x, y, z), normal (3), linear colour (3), shine,
translucency. An organ grows from the origin along y, its upper side towards z, at unit length;
`place` sets copies of it on a plant. A frame (3, 3) holds in its columns the axes of what it turns.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy import clip, cos, ndarray, pi, sin, sqrt
from numpy.random import Generator
from numpy.typing import ArrayLike

GOLDEN_ANGLE = pi * (3 - sqrt(5))  # 137.5 degrees
NOT_TURNED = np.eye(3)[None]  # the frames of one part that is not turned
GAMMA = 2.2  # from the colour on a screen to linear light


Meshes = list[ndarray]


class Section(NamedTuple):
    """The cross-section of a body: the numbers of Gielis' superformula."""

    m: float
    n1: float
    n2: float
    n3: float


CIRCLE = Section(0, 1, 1, 1)


def gielis(phi: ArrayLike, m: float, n1: float, n2: float, n3: float) -> ndarray:
    """Return the radius at angle `phi` of the superformula, 1 at phi = 0.

    Source: J. Gielis, A generic geometric transformation that unifies a wide range of natural and
    abstract shapes, American Journal of Botany 90 (2003) 333-338, equation 3 with a = b = 1.
    """
    cosine = np.abs(cos(m * phi / 4))
    sine = np.abs(sin(m * phi / 4))
    return (cosine**n2 + sine**n3) ** (-1 / n1)


def vogel(n: int) -> tuple[ndarray, ndarray]:
    """Return angle and radius (0 to 1) of `n` florets on a head, packed by the golden angle.

    Source: H. Vogel, A better way to construct the sunflower head, Mathematical Biosciences 44
    (1979) 179-189.
    """
    k = np.arange(n) + 0.5
    return k * GOLDEN_ANGLE, sqrt(k / n)


class Outline(NamedTuple):
    """The outline of a blade or petal: u^a (1 - u)^b along its axis."""

    a: float
    b: float
    width: float = 1

    def half_width(self, u: ndarray) -> ndarray:
        """Return the half-width at `u` along the axis, 1 where widest."""
        a = self.a
        b = self.b
        at_widest = a / (a + b)
        widest = at_widest**a * (b / (a + b)) ** b
        return u**a * (1 - u) ** b / widest


def grid(n: int, m: int, reach: float = 1.0) -> tuple[ndarray, ndarray]:
    """Return the two directions of a surface: u (n, 1), 0 to 1, and v (1, m), -reach to reach."""
    u = np.linspace(0, 1, n, dtype=np.float32)
    v = np.linspace(-reach, reach, m, dtype=np.float32)
    return u[:, None], v[None]


def unit(v: ndarray) -> ndarray:
    """Return vectors of length 1 over the last axis."""
    length = sqrt(np.einsum("...i,...i->...", v, v))
    return v / (length[..., None] + 1e-9)


def cross(a: ndarray, b: ndarray) -> ndarray:
    """Return the cross product over the last axis, in a quarter of np.cross's time."""
    yzx = [1, 2, 0]
    zxy = [2, 0, 1]
    return a[..., yzx] * b[..., zxy] - a[..., zxy] * b[..., yzx]


def axes(heading: ArrayLike, up: ArrayLike = (0, 0, 1.0)) -> ndarray:
    """Return frames (..., 3, 3) whose y is `heading` and whose z is as near to `up` as can be."""
    y = unit(np.asarray(heading, float))
    x = unit(cross(y, np.broadcast_to(up, y.shape)))
    return np.stack([x, y, cross(x, y)], -1)


def ring(angle: ArrayLike, radius: ArrayLike, height: ArrayLike) -> ndarray:
    """Return points (..., 3) at an angle about z, at a radius from it and a height along it."""
    x = radius * cos(angle)
    y = radius * sin(angle)
    return np.stack(np.broadcast_arrays(x, y, height), -1)


def turn_about_x(angle: float) -> ndarray:
    """Return the frame (3, 3) that pitches by an angle."""
    c = cos(angle)
    s = sin(angle)
    return np.array([[1, 0, 0], [0, c, s], [0, -s, c]])


def turn_about_y(angle: float) -> ndarray:
    """Return the frame (3, 3) that rolls by an angle."""
    c = cos(angle)
    s = sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def whorl(
    n: int, elevation: float, turn: float = 0.0, jitter: float = 0.0, rng: Generator | None = None
) -> ndarray:
    """Return frames of `n` parts around z, raised by `elevation` (radians) from the plane."""
    angle = turn + 2 * pi * np.arange(n) / n
    lift = np.full(n, elevation)
    if jitter:
        shake = rng.normal(0, jitter, (2, n))
        angle = angle + shake[0]
        lift = lift + shake[1]
    return axes(ring(angle, cos(lift), sin(lift)))


def bend(x: ndarray, y: ndarray, z: ndarray, curl: float) -> ndarray:
    """Return points (..., 3) bent about x.

    `curl` is the angle turned over unit length, down where positive.
    """
    if abs(curl) <= 1e-3:
        curl = 1e-3
    sine = sin(curl * y)
    cosine = cos(curl * y)
    along = (sine + curl * z * sine) / curl
    upwards = (cosine - 1) / curl + z * cosine
    return np.stack([x + 0 * y, along, upwards], -1)


def surface(points: ndarray, colours: ndarray, shine: float = 0.15, thin: float = 0.0) -> ndarray:
    """Return the mesh of a grid of points (U, V, 3); its normals are those of the grid.

    `thin` is its translucency.
    """
    rows, columns, _ = points.shape
    mesh = np.empty((rows, columns, 11), np.float32)
    mesh[..., :3] = points
    along_u = _slope(mesh[..., :3])
    along_v = _slope(mesh[..., :3].swapaxes(0, 1)).swapaxes(0, 1)
    mesh[..., 3:6] = unit(cross(along_v, along_u))
    mesh[..., 6:9] = clip(colours, 0.01, 1) ** GAMMA
    mesh[..., 9] = shine
    mesh[..., 10] = thin
    return mesh.reshape(-1, 11)


def _slope(points: ndarray) -> ndarray:
    """Return the directions (U, V, 3) in which the points of a grid follow one another over U."""
    slope = np.empty_like(points)
    slope[0] = points[1] - points[0]
    slope[1:-1] = points[2:] - points[:-2]
    slope[-1] = points[-1] - points[-2]
    return slope


def spread(mesh: ndarray, frames: ndarray, origins: ArrayLike, sizes: ArrayLike) -> ndarray:
    """Return where the points of N copies of a mesh lie (N, P, 3): turned, sized and moved.

    Args:
        frames: (N, 3, 3).
        origins: (N, 3), or one for all.
        sizes: (N,), (N, 3) or one for all.
    """
    turned = _transposed(frames) * sizes_of_copies(sizes, len(frames))[..., None]
    origins = np.asarray(origins, np.float32)
    origins = np.broadcast_to(origins, (len(frames), 3))
    return mesh[:, :3] @ turned + origins[:, None]


def sizes_of_copies(sizes: ArrayLike, n: int) -> ndarray:
    """Return the sizes of `n` copies, (N, 1) or, along each axis, (N, 3)."""
    sizes = np.asarray(sizes, np.float32)
    if sizes.ndim < 2:
        sizes = np.broadcast_to(sizes, n)[:, None]
    return sizes


def _transposed(frames: ndarray) -> ndarray:
    return np.ascontiguousarray(np.swapaxes(frames, 1, 2), np.float32)


def place(
    mesh: ndarray,
    frames: ndarray,
    origins: ArrayLike = 0.0,
    sizes: ArrayLike = 1.0,
    tints: ArrayLike = 1.0,
) -> ndarray:
    """Return the mesh of copies of `mesh`, turned, moved, sized and tinted."""
    copies = np.tile(mesh, (len(frames), 1, 1))
    copies[..., :3] = spread(mesh, frames, origins, sizes)
    normals = mesh[:, 3:6]
    copies[..., 3:6] = normals @ _transposed(frames)
    tints = np.asarray(tints, np.float32)
    copies[..., 6:9] *= tints.reshape(-1, 1, 1)
    return copies.reshape(-1, 11)


Profile = Callable[[ndarray], ndarray]  # u, from 0 to 1 along y, to the radius there
Painter = Callable[[ndarray, ndarray], ndarray]  # u and the angle to the colour there


def revolve(
    profile: Profile,
    n: int,
    colour: ndarray | Painter,
    section: Section = CIRCLE,
    shine: float = 0.3,
    squash: float = 1.0,
    curl: float = 0.0,
    around: int = 0,
) -> ndarray:
    """Return a body of unit length around y, of some profile and cross-section.

    Args:
        n: points along it.
        squash: how thick it is, as a share of its width.
        curl: the angle by which it is bent.
        around: points on a ring; else as many as its width asks for, and denser at the poles.
    """
    if around:
        u, phi = grid(n, around, pi)
    else:
        radii = profile(np.linspace(0, 1, 20))
        widest = float(np.max(radii))
        around = int(n * 5.6 * widest + 5)
        u, phi = grid(int(1.7 * n), around, pi)
        u = 0.5 - 0.5 * cos(pi * u)
    r = profile(u) * gielis(phi, *section)
    x = r * cos(phi)
    z = r * sin(phi) * squash
    points = bend(x, u + 0 * phi, z, curl)
    colours = colour(u + 0 * phi, phi) if callable(colour) else colour
    return surface(points, colours, shine)


def cylinder(radius: float) -> Profile:
    """Return the profile of a stalk."""
    return lambda u: radius + 0 * u


def dome(u: ndarray) -> ndarray:
    """Return the profile of a ball of unit diameter."""
    from_middle = 2 * u - 1
    return 0.5 * sqrt(clip(1 - from_middle**2, 0, 1))


def ball(n: int, colour: ndarray, shine: float = 0.3, ratio: float = 1.0) -> ndarray:
    """Return a ball of unit length along y, `ratio` times as wide."""

    def profile(u: ndarray) -> ndarray:
        return ratio * dome(u)

    return revolve(profile, max(4, n), colour, shine=shine)
