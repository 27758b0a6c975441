"""Flowers, each kind of corolla in a function of its own."""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from numpy import cos, ndarray, pi, sin, sqrt
from numpy.random import Generator

from plantlab.greenhouse.colours import mix
from plantlab.greenhouse.petals import petal
from plantlab.greenhouse.shapes import (
    GOLDEN_ANGLE,
    Meshes,
    axes,
    ball,
    cylinder,
    gielis,
    grid,
    place,
    revolve,
    ring,
    surface,
    turn_about_y,
    vogel,
    whorl,
)

UPWARDS = [[0, 0.01, 1]]  # the heading of one part that stands in the middle of a flower


class Calyx(NamedTuple):
    """The sepals below a flower."""

    n: int
    lift: float  # radians from the plane
    base: float  # height at which they stand


def flower(plant: SimpleNamespace, n: int, rng: Generator) -> ndarray:
    """Return a flower that faces z, with y up.

    Petals are half a unit long; `n` points are across the whole.
    """
    parts = COROLLAS[plant.corolla](plant, n, rng)
    sepal = petal(
        plant,
        max(8, _half(n) // 2),
        rng,
        shape="pointed",
        cup=0.6,
        curl=0.2,
        colour=_green(plant),
        pattern="plain",
    )
    if plant.corolla != "orchid":  # the sepals of an orchid look like its petals
        calyx = _calyx(plant)
        frames = whorl(calyx.n, calyx.lift, 0.3)
        parts.append(_set(sepal, frames, 0.26, calyx.base, rng))
    return np.concatenate(parts)


def _set(mesh: ndarray, frames: ndarray, size: float, height: float, rng: Generator) -> ndarray:
    """Return copies of a part, at a height along the axis of the flower, each a little tinted."""
    tints = rng.normal(1, 0.06, len(frames))
    return place(mesh, frames, (0, 0, height), size, tints)


def _half(n: int) -> int:
    """Return the points along a petal of a flower that is `n` across."""
    return int(n * 0.56)


def _mirrored(heading: list[float]) -> ndarray:
    """Return the frames of a part to the left and of its like to the right."""
    x, y, z = heading
    return axes([[-x, y, z], [x, y, z]])


def _green(plant: SimpleNamespace) -> ndarray:
    return plant.leaf_rgb * 0.9 + 0.05


def _calyx(plant: SimpleNamespace) -> Calyx:
    if plant.corolla == "bell":
        return Calyx(5, lift=0.1, base=-0.07)
    if plant.corolla == "trumpet":
        return Calyx(5, lift=0.9, base=-0.6 * _depth(plant))
    if plant.corolla == "daisy":
        return Calyx(13, lift=0.25, base=-0.06)
    return Calyx(5, lift=0.25, base=-0.06)


def _depth(plant: SimpleNamespace) -> float:
    """Return how deep a bell or trumpet is."""
    depth = 0.6 + 0.4 * plant.petal_cup
    return depth * (0.7 if plant.corolla == "trumpet" else 1)


def _daisy(plant: SimpleNamespace, n: int, rng: Generator) -> Meshes:
    """Return rays in one circle or two, and the florets of the disc."""
    n_rays = plant.n_petals + int(rng.integers(-1, 2))
    n_circles = 2 if n_rays > 15 else 1
    shape = "strap" if plant.petal_shape == "rounded" else plant.petal_shape
    curl = 0.5 - 0.9 * plant.petal_curl
    parts = []
    for k in range(n_circles):
        ray = petal(plant, _half(n), rng, shape, 0.5, curl)
        lift = 0.05 + 0.5 * plant.petal_cup * (1 - 0.5 * k)
        frames = whorl(n_rays // n_circles, lift, k * 0.2, 0.05, rng)
        parts.append(_set(ray, frames, 0.5, -0.02 * k, rng))
    return [*parts, _disc(plant, n, rng)]


def _disc(plant: SimpleNamespace, n: int, rng: Generator) -> ndarray:
    """Return the florets in the middle of a daisy."""
    angle, r = vogel(90 + int(60 * plant.stamens))
    width = 0.14 + 0.1 * plant.stamens
    height = 0.07 * (1 - r**2) + 0.03
    at = ring(angle, r, height) * [width, width, 1]
    outwards = at * [2.5, 2.5, 0] + [0, 0, 1]
    frames = axes(outwards, (0, 1.0, 0))
    darker_inside = 0.55 + 0.5 * r
    tints = darker_inside + rng.normal(0, 0.06, len(r))
    floret = ball(n // 20, plant.eye_rgb, 0.2)
    return place(floret, frames, at, width * 0.26, tints)


def _butterfly(plant: SimpleNamespace, n: int, rng: Generator) -> Meshes:
    """Return a banner, two wings, and the keel between them."""
    half = _half(n)
    banner = petal(plant, half, rng, cup=0.1, curl=-0.5)
    banner = _set(banner, axes([[0, 1, 0.35]]), 0.55, 0, rng)
    wing = petal(plant, half, rng, "rounded", cup=0.5, curl=0.3)
    to_both_sides = [[-0.55, -0.5, 0.8], [0.55, -0.5, 0.8]]
    outwards = [[-1, 0, 0.6], [1, 0, 0.6]]
    wings = _set(wing, axes(to_both_sides, outwards), 0.42, 0, rng)
    keel = petal(
        plant,
        half,
        rng,
        shape="pointed",
        cup=3,
        curl=-0.8,
        colour=1 - (1 - plant.flower_rgb) * 0.5,
        pattern="plain",
    )
    keel = _set(keel, axes([[0, -0.55, 0.8]]), 0.4, 0, rng)
    return [banner, wings, keel]


def _lipped(plant: SimpleNamespace, n: int, rng: Generator) -> Meshes:
    """Return a hood, two side lobes, a lip, and the throat."""
    half = _half(n)
    hood = petal(plant, half, rng, "rounded", cup=1.8, curl=1.0)
    hood = _set(hood, axes([[0, 0.8, 0.8]]), 0.42, 0, rng)
    lobe = petal(plant, half, rng, "rounded")
    lobes = _set(lobe, _mirrored([0.9, -0.15, 0.5]), 0.3, 0, rng)
    lip = _lip(plant, half, rng)
    return [hood, lobes, lip, _throat(plant, n, rng)]


def _orchid(plant: SimpleNamespace, n: int, rng: Generator) -> Meshes:
    """Return three sepals, two petals, a lip, and the column in the middle."""
    half = _half(n)
    paler = plant.flower_rgb * 0.92
    outer = petal(plant, half, rng, "pointed", colour=paler)
    headings = [[0, 1, 0.1], [-0.8, -0.6, 0.1], [0.8, -0.6, 0.1]]
    sepals = _set(outer, axes(headings), 0.5, -0.03, rng)
    inner = petal(plant, half, rng)
    petals = _set(inner, _mirrored([1, 0.35, 0.2]), 0.46, 0, rng)
    lip = _lip(plant, half, rng)
    return [sepals, petals, lip, _throat(plant, n, rng)]


def _lip(plant: SimpleNamespace, half: int, rng: Generator) -> ndarray:
    """Return the lowest petal, where insects land: deeper in colour, with a pattern."""
    lip = petal(
        plant,
        half,
        rng,
        shape="fringed" if plant.petal_shape == "fringed" else "notched",
        cup=-0.3,
        curl=0.9,
        colour=plant.flower_rgb**1.25,
        pattern=plant.pattern.replace("plain", "spotted"),
    )
    return _set(lip, axes([[0, -0.75, 0.6]]), 0.55, 0, rng)


def _throat(plant: SimpleNamespace, n: int, rng: Generator) -> ndarray:
    throat = ball(n // 5, plant.eye_rgb * 0.5 + 0.45)
    return _set(throat, axes([[0, 0.3, 1]]), 0.14, 0, rng)


def _bell(plant: SimpleNamespace, n: int, rng: Generator) -> Meshes:
    tube = _tube(plant, n)
    u = tube.u
    flare = 0.12 * (0.5 + plant.petal_curl)
    radius = 0.16 + 0.22 * sqrt(u) + flare * u**5
    lobes = 1 + 0.3 * tube.rim * u**4
    height = _depth(plant) * u * lobes
    wall = _wall(plant, tube, radius, height)
    return [wall, _style(plant, n, 0, rng)]


def _trumpet(plant: SimpleNamespace, n: int, rng: Generator) -> Meshes:
    tube = _tube(plant, n)
    u = tube.u
    radius = 0.06 + 0.05 * u + 0.45 * u**2.2
    height = _depth(plant) * (sin(u * pi / 2) - 0.6)
    wall = _wall(plant, tube, radius, height)
    return [wall, _style(plant, n, -0.4, rng)]


class Tube(NamedTuple):
    """Petals that are grown together."""

    u: ndarray  # (n, 1) from 0 to 1 along it
    phi: ndarray  # (1, m) the angle about it
    rim: ndarray  # (1, m) how far its rim stands out there


def _tube(plant: SimpleNamespace, n: int) -> Tube:
    u, phi = grid(n + 3, int(3.6 * n), pi)
    power = 0.65 if plant.petal_shape == "pointed" else 1.17
    rim = gielis(phi, plant.n_petals, power, 1, 1) - 0.8
    return Tube(u, phi, rim)


def _wall(plant: SimpleNamespace, tube: Tube, radius: ndarray, height: ndarray) -> ndarray:
    """Return the mesh of a tube of this radius and height, wider at its rim."""
    lobes = 1 + tube.rim * tube.u**3 * 0.9
    points = ring(tube.phi, radius * lobes, height)
    colours = _tube_colours(plant, tube.u, tube.phi)
    return surface(points, colours, shine=0.15, thin=0.6)


def _tube_colours(plant: SimpleNamespace, u: ndarray, phi: ndarray) -> ndarray:
    """Return the colours of a tube: darker folds, a paler throat."""
    own = plant.flower_rgb
    deep = own**1.6 * 0.9
    pale = 1 - (1 - own) * 0.3
    ridge = np.abs(sin(plant.n_petals * phi / 2))
    fold = (1 - ridge + 0 * u) ** 2
    contrast = 0.8 if plant.pattern == "veined" else 0.4
    shade = mix(own, deep, fold * contrast)
    throat = 0.3 if plant.pattern == "plain" else 0.55
    return mix(shade, pale, (throat - u + 0 * phi) * 3)


def _style(plant: SimpleNamespace, n: int, height: float, rng: Generator) -> ndarray:
    """Return the style of a bell or trumpet, a clapper."""

    def profile(u: ndarray) -> ndarray:
        return 0.03 + 0.05 * u**6

    style = revolve(profile, max(8, _half(n)), plant.eye_rgb)
    length = _depth(plant) * 0.9
    return _set(style, axes(UPWARDS), length, height, rng)


def _open(plant: SimpleNamespace, n: int, rng: Generator) -> Meshes:
    """Return petals in a whorl or two, stamens, and the pistil."""
    parts = _petals(plant, _half(n), rng)
    parts += _stamens(plant, n, rng)
    pistil = ball(max(6, n // 7), _green(plant), 0.3, 0.8)
    size = 0.13 + 0.05 * plant.fruit_ratio
    pistil = _set(pistil, axes(UPWARDS), size, 0, rng)
    return [*parts, pistil]


def _petals(plant: SimpleNamespace, half: int, rng: Generator) -> Meshes:
    lift = 0.1 + 0.9 * plant.petal_cup
    one = petal(plant, half, rng)
    if plant.n_petals == 6:  # two whorls of three
        frames = whorl(3, lift - 0.1, 0.5, 0.05, rng)
        outer = _set(one, frames, 0.5, -0.02, rng)
        one = petal(plant, half, rng)
        frames = whorl(3, lift, 0.5 + pi / 3, 0.05, rng)
        inner = _set(one, frames, 0.48, 0, rng)
        return [outer, inner]
    frames = whorl(plant.n_petals, lift, rng.random(), 0.06, rng)
    overlapping = frames @ turn_about_y(0.15)  # one edge over the neighbour's
    return [_set(one, overlapping, 0.5, 0, rng)]


def _stamens(plant: SimpleNamespace, n: int, rng: Generator) -> Meshes:
    """Return filaments and anthers: as many as petals, twice as many, or a brush of them."""
    n_stamens = _n_stamens(plant)
    rise = rng.uniform(0.7, 1.35, n_stamens)
    step = GOLDEN_ANGLE if n_stamens > 20 else 2 * pi / n_stamens
    angle = np.arange(n_stamens) * step
    headings = ring(angle, cos(rise), sin(rise))
    frames = axes(headings, (0.01, 0.01, 1.01))
    length = 0.15 + 0.13 * plant.petal_ratio
    lengths = length * rng.uniform(0.8, 1.1, n_stamens)
    pale = 1 - (1 - plant.flower_rgb) * 0.4
    filament = revolve(cylinder(0.035), n // 4 + 2, pale, around=5)
    anther = ball(n // 14, plant.eye_rgb, 0.2, 0.7)
    return [
        place(filament, frames, 0, lengths),
        place(anther, frames, headings * lengths[:, None], 0.055),
    ]


def _n_stamens(plant: SimpleNamespace) -> int:
    if plant.stamens < 0.35:
        return plant.n_petals
    if plant.stamens < 0.6:
        return 2 * plant.n_petals
    return 26


COROLLAS = {
    "daisy": _daisy,
    "butterfly": _butterfly,
    "lipped": _lipped,
    "orchid": _orchid,
    "bell": _bell,
    "trumpet": _trumpet,
    "open": _open,
}
