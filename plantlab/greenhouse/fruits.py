"""Fruits, each kind in a function of its own; most are turned on a lathe."""

from types import SimpleNamespace

import numpy as np
from numpy import clip, cos, ndarray, pi, sin, sqrt
from numpy.random import Generator

from plantlab.greenhouse.colours import cloud, lit, mix
from plantlab.greenhouse.petals import petal
from plantlab.greenhouse.shapes import (
    CIRCLE,
    NOT_TURNED,
    Meshes,
    Painter,
    Profile,
    Section,
    axes,
    ball,
    cylinder,
    dome,
    place,
    revolve,
    ring,
    vogel,
    whorl,
)

UPRIGHT = np.array([[1, 0, 0], [0, 0, 1.0], [0, -1, 0]])  # turns z up into y up
STAR = UPRIGHT @ axes(whorl(5, 0.0)[..., 1])  # five sepals about the axis of a fruit
ANY_SIDE = (0.01, 0.01, 1.01)  # an upper side for what points everywhere, but never quite along it
X_Z_Y = [0, 2, 1]  # a ring about z becomes one about y
STRAW = np.float32([0.55, 0.42, 0.26])
PAPER = np.float32([0.75, 0.66, 0.4])
SILK = np.float32([0.93, 0.92, 0.88])
WITHERED = np.float32([1] * 6 + [1.5, 0.7, 0.8, 1, 1])  # what a mesh becomes: browner
WITHOUT_CALYX = ("nut", "samara", "clock")


def fruit(plant: SimpleNamespace, n: int, rng: Generator) -> ndarray:
    """Return a fruit along y, about a unit across (pods and samaras are longer)."""
    dry = STRAW * np.float32(rng.uniform(0.8, 1.15))
    sepal = petal(
        plant,
        max(8, n // 3),
        rng,
        shape="pointed",
        cup=0.5,
        colour=plant.leaf_rgb * 0.85,
        pattern="plain",
    )
    parts = FRUITS[plant.fruit](plant, n, dry, rng)
    if plant.fruit == "capsule":  # and what is left of the flower on top
        top = 0.95 * _length(plant)
        parts.append(_calyx(sepal * WITHERED, 0.22, top))
    if plant.fruit == "pome":
        parts.append(_calyx(sepal, 0.14, 0.93))
    elif plant.fruit not in WITHOUT_CALYX:
        parts.append(_calyx(sepal, 0.3, 0.03))
    return np.concatenate(parts)


def _length(plant: SimpleNamespace) -> float:
    return 0.8 + 0.7 * plant.fruit_ratio


def _calyx(sepal: ndarray, size: float, height: float) -> ndarray:
    """Return five sepals about the axis of a fruit."""
    return place(sepal, STAR, (0, height, 0), size)


def _stand(body: ndarray, size: float, height: float = 0) -> ndarray:
    """Return a body in its size, lifted along y."""
    return place(body, NOT_TURNED, (0, height, 0), size)


def _skin(plant: SimpleNamespace, rng: Generator) -> Painter:
    """Return how a juicy fruit is coloured: riper in parts, spotted, darker at its poles."""
    ripe = plant.fruit_rgb
    riper = ripe * np.float32([1, 0.8, 0.55])
    riper = riper + np.float32([0, 0.14, 0.06])

    def paint(u: ndarray, phi: ndarray) -> ndarray:
        sunny_side = cloud(rng, u.shape, 3, 2) - 0.35
        share = sunny_side - 0.4 * plant.fruit_hue
        tone = mix(ripe, riper, share * 2.2)
        spots = cloud(rng, u.shape, 14, 1) - 0.8
        pale = 1 - (1 - tone) * 0.55
        tone = mix(tone, pale, spots * 1.5)
        from_poles = sin(pi * clip(u, 0.08, 0.92))
        return lit(tone, 0.75 + 0.25 * from_poles)

    return paint


def _oval(long: float) -> Profile:
    """Return the profile of what is a unit across and `long` in its own size."""
    return lambda u: dome(u) / long


def _round(
    plant: SimpleNamespace, n: int, section: Section, shine: float, rng: Generator
) -> ndarray:
    """Return a juicy fruit, round or longer."""
    long = _length(plant)
    body = revolve(_oval(long), n, _skin(plant, rng), section, shine)
    return _stand(body, long)


def _berry(plant: SimpleNamespace, n: int, dry: ndarray, rng: Generator) -> Meshes:
    return [_round(plant, n, CIRCLE, 0.9, rng)]


def _drupe(plant: SimpleNamespace, n: int, dry: ndarray, rng: Generator) -> Meshes:
    furrowed = Section(2, 6, 2.6, 2.6)
    return [_round(plant, n, furrowed, 0.4, rng)]


def _pome(plant: SimpleNamespace, n: int, dry: ndarray, rng: Generator) -> Meshes:
    def profile(u: ndarray) -> ndarray:
        return 1.04 * dome(u) * (1.12 - 0.3 * u)

    five_sided = Section(5, 12, 2.5, 2.5)
    body = revolve(profile, n, _skin(plant, rng), five_sided, 0.7)
    return [_stand(body, 1)]


def _capsule(plant: SimpleNamespace, n: int, dry: ndarray, rng: Generator) -> Meshes:
    def profile(u: ndarray) -> ndarray:
        urn = sin(pi * (0.08 + 0.8 * u))
        urn = clip(urn, 0, 1) ** 0.7
        neck = 1 - 0.35 * (u > 0.86)
        return 0.36 * urn * neck + 0.02

    def paint_ribs(u: ndarray, phi: ndarray) -> ndarray:
        ribs = np.abs(cos(plant.n_petals * phi / 2))
        ribbed = lit(dry, 0.65 + 0.5 * ribs)
        return lit(ribbed, 1.1 - 0.4 * u)

    chambered = Section(plant.n_petals, 4, 2.8, 2.8)
    body = revolve(profile, n, paint_ribs, chambered, 0.2)
    return [_stand(body, _length(plant))]


def _nut(plant: SimpleNamespace, n: int, dry: ndarray, rng: Generator) -> Meshes:
    """Return an acorn in its cup."""
    long = _length(plant)

    brown = dry * np.float32([1.05, 0.8, 0.55])

    def paint_stripes(u: ndarray, phi: ndarray) -> ndarray:
        stripes = 0.8 + 0.25 * sin(phi * 11 + 0 * u) ** 2
        return lit(brown, stripes)

    def cup(u: ndarray) -> ndarray:
        round_bottom = clip(1 - (1 - u) ** 2, 0, 1)
        return 0.46 * sqrt(round_bottom)

    def paint_scales(u: ndarray, phi: ndarray) -> ndarray:
        rows = sin(u * 14)
        scales = sin(phi * 9 + u * 14 // pi * 1.6)
        return lit(dry, 0.55 + 0.5 * np.abs(rows * scales))

    nut = revolve(_oval(long), n, paint_stripes, shine=0.8)
    nut = _stand(nut, 0.95 * long, height=0.15)
    scaly = revolve(cup, n, paint_scales, shine=0.05)
    return [nut, _stand(scaly, 0.5)]


def _pod(plant: SimpleNamespace, n: int, dry: ndarray, rng: Generator) -> Meshes:
    n_seeds = 4 + int(5 * plant.fruit_ratio)

    def profile(u: ndarray) -> ndarray:
        slender = clip(sin(pi * u**0.9), 0.02, 1) ** 0.5
        swellings = np.abs(sin(pi * n_seeds * u))
        return 0.11 * slender * (0.85 + 0.15 * swellings)

    body = revolve(
        profile,
        n,
        mix(plant.fruit_rgb, dry, 0.55),
        shine=0.3,
        squash=0.5,
        curl=0.7 * (plant.petal_curl - 0.2),
    )
    return [_stand(body, 1.6)]


def _samara(plant: SimpleNamespace, n: int, dry: ndarray, rng: Generator) -> Meshes:
    """Return a pair of winged nuts."""
    papery = mix(plant.fruit_rgb, PAPER, 0.6)
    wing = petal(plant, n, rng, "spoon", 0.0, 0.3, papery, "veined")
    pair = axes([[-0.8, 1, 0], [0.8, 1, 0]])
    nut = ball(n // 3, dry * 0.8)
    outwards = pair[..., 1]
    return [place(wing, pair, outwards * 0.15, 1.1), place(nut, pair, 0, 0.35)]


def _clock(plant: SimpleNamespace, n: int, dry: ndarray, rng: Generator) -> Meshes:
    """Return the head of a dandelion in seed: stalks with tufts, about the receptacle."""
    angle, r = vogel(110)
    height = 1 - 2 * r**2
    headings = ring(angle, sqrt(1 - height**2), -height)
    headings = headings[:, X_Z_Y]
    frames = axes(headings, ANY_SIDE)
    at = headings * 0.08 + [0, 0.5, 0]
    thin = cylinder(0.012)
    hair = revolve(thin, max(5, n // 8), np.ones(3))
    spread_hairs = UPRIGHT @ axes(whorl(7, 0.5)[..., 1])
    tuft = place(hair, spread_hairs, 0, 0.15)
    stalk = revolve(thin, max(6, n // 3), SILK)
    receptacle = ball(n // 5, dry * 0.6)
    return [
        place(stalk, frames, at, 0.36),
        place(tuft, frames, at + headings * 0.36),
        _stand(receptacle, 0.16, height=0.42),
    ]


def _aggregate(plant: SimpleNamespace, n: int, dry: ndarray, rng: Generator) -> Meshes:
    """Return a blackberry: drupelets on a cone."""
    drupelet = ball(n // 8, plant.fruit_rgb, 0.9, 0.9)
    return _head(drupelet, 60, rng)


def _achene(plant: SimpleNamespace, n: int, dry: ndarray, rng: Generator) -> Meshes:
    """Return a dry head of achenes."""
    achene = ball(n // 8, dry, 0.1, 0.5)
    return _head(achene, 90, rng)


def _head(grain: ndarray, n_grains: int, rng: Generator) -> Meshes:
    """Return grains packed about a dome."""
    angle, r = vogel(n_grains)
    height = 1 - r**2
    at = ring(angle, dome(height) * 0.84, height * 0.95)
    at = at[:, X_Z_Y]
    headings = at - [0, 0.45, 0]
    frames = axes(headings, ANY_SIDE)
    tints = rng.uniform(0.75, 1.1, n_grains)
    return [place(grain, frames, at - headings * 0.25, 0.22, tints)]


FRUITS = {
    "berry": _berry,
    "drupe": _drupe,
    "pome": _pome,
    "capsule": _capsule,
    "nut": _nut,
    "pod": _pod,
    "samara": _samara,
    "clock": _clock,
    "aggregate": _aggregate,
    "achene": _achene,
}
