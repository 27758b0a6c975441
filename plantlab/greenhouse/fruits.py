"""Fruits, each kind in a function of its own; most are turned on a lathe."""

from types import SimpleNamespace

import numpy as np
from numpy import clip, cos, ndarray, pi, sin, sqrt
from numpy.random import Generator

from plantlab.greenhouse.colours import cloud, mix
from plantlab.greenhouse.petals import petal
from plantlab.greenhouse.shapes import (
    CIRCLE,
    NOT_TURNED,
    Painter,
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
WITHOUT_CALYX = ("nut", "samara", "clock")


def fruit(plant: SimpleNamespace, n: int, rng: Generator) -> ndarray:
    """Return a fruit along y, about a unit across (pods and samaras are longer)."""
    dry = np.float32([0.55, 0.42, 0.26]) * np.float32(rng.uniform(0.8, 1.15))
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
        withered = sepal * np.float32([1] * 6 + [1.5, 0.7, 0.8, 1, 1])
        parts.append(place(withered, STAR, (0, 0.95 * _length(plant), 0), 0.22))
    if plant.fruit == "pome":
        parts.append(place(sepal, STAR, (0, 0.93, 0), 0.14))
    elif plant.fruit not in WITHOUT_CALYX:
        parts.append(place(sepal, STAR, (0, 0.03, 0), 0.3))
    return np.concatenate(parts)


def _length(plant: SimpleNamespace) -> float:
    return 0.8 + 0.7 * plant.fruit_ratio


def _stand(body: ndarray, size: float, height: float = 0) -> ndarray:
    """Return a body in its size, lifted along y."""
    return place(body, NOT_TURNED, (0, height, 0), size)


def _skin(plant: SimpleNamespace, rng: Generator) -> Painter:
    """Return how a juicy fruit is coloured: riper in parts, spotted, darker at its poles."""
    ripe = plant.fruit_rgb

    def paint(u: ndarray, phi: ndarray) -> ndarray:
        riper = ripe * np.float32([1, 0.8, 0.55]) + np.float32([0, 0.14, 0.06])
        share = (cloud(rng, u.shape, 3, 2) - 0.35 - 0.4 * plant.fruit_hue) * 2.2
        tone = mix(ripe, riper, share)
        spots = (cloud(rng, u.shape, 14, 1) - 0.8) * 1.5
        tone = mix(tone, 1 - (1 - tone) * 0.55, spots)
        light = 0.75 + 0.25 * sin(pi * clip(u, 0.08, 0.92))
        return tone * light[..., None]

    return paint


def _berry(plant: SimpleNamespace, n: int, dry: ndarray, rng: Generator) -> list[ndarray]:
    long = _length(plant)
    body = revolve(lambda u: dome(u) / long, n, _skin(plant, rng), CIRCLE, shine=0.9)
    return [_stand(body, long)]


def _drupe(plant: SimpleNamespace, n: int, dry: ndarray, rng: Generator) -> list[ndarray]:
    long = _length(plant)
    furrowed = Section(2, 6, 2.6, 2.6)
    body = revolve(lambda u: dome(u) / long, n, _skin(plant, rng), furrowed, shine=0.4)
    return [_stand(body, long)]


def _pome(plant: SimpleNamespace, n: int, dry: ndarray, rng: Generator) -> list[ndarray]:
    def profile(u: ndarray) -> ndarray:
        return 1.04 * dome(u) * (1.12 - 0.3 * u)

    five_sided = Section(5, 12, 2.5, 2.5)
    return [_stand(revolve(profile, n, _skin(plant, rng), five_sided, shine=0.7), 1)]


def _capsule(plant: SimpleNamespace, n: int, dry: ndarray, rng: Generator) -> list[ndarray]:
    def profile(u: ndarray) -> ndarray:
        urn = clip(sin(pi * (0.08 + 0.8 * u)), 0, 1) ** 0.7
        neck = 1 - 0.35 * (u > 0.86)
        return 0.36 * urn * neck + 0.02

    def paint_ribs(u: ndarray, phi: ndarray) -> ndarray:
        ribs = 0.65 + 0.5 * np.abs(cos(plant.n_petals * phi / 2))
        return dry * ribs[..., None] * (1.1 - 0.4 * u[..., None])

    chambered = Section(plant.n_petals, 4, 2.8, 2.8)
    return [_stand(revolve(profile, n, paint_ribs, chambered, shine=0.2), _length(plant))]


def _nut(plant: SimpleNamespace, n: int, dry: ndarray, rng: Generator) -> list[ndarray]:
    """Return an acorn in its cup."""
    long = _length(plant)

    def paint_stripes(u: ndarray, phi: ndarray) -> ndarray:
        stripes = 0.8 + 0.25 * sin(phi * 11 + 0 * u) ** 2
        return dry * np.float32([1.05, 0.8, 0.55]) * stripes[..., None]

    def cup(u: ndarray) -> ndarray:
        return 0.46 * sqrt(clip(1 - (1 - u) ** 2, 0, 1))

    def paint_scales(u: ndarray, phi: ndarray) -> ndarray:
        rows = sin(u * 14)
        scales = sin(phi * 9 + u * 14 // pi * 1.6)
        return dry * (0.55 + 0.5 * np.abs(rows * scales))[..., None]

    nut = revolve(lambda u: dome(u) / long, n, paint_stripes, CIRCLE, shine=0.8)
    return [
        _stand(nut, 0.95 * long, height=0.15),
        _stand(revolve(cup, n, paint_scales, CIRCLE, shine=0.05), 0.5),
    ]


def _pod(plant: SimpleNamespace, n: int, dry: ndarray, rng: Generator) -> list[ndarray]:
    n_seeds = 4 + int(5 * plant.fruit_ratio)

    def profile(u: ndarray) -> ndarray:
        slender = 0.11 * clip(sin(pi * u**0.9), 0.02, 1) ** 0.5
        return slender * (0.85 + 0.15 * np.abs(sin(pi * n_seeds * u)))

    body = revolve(
        profile,
        n,
        mix(plant.fruit_rgb, dry, 0.55),
        shine=0.3,
        squash=0.5,
        curl=0.7 * (plant.petal_curl - 0.2),
    )
    return [_stand(body, 1.6)]


def _samara(plant: SimpleNamespace, n: int, dry: ndarray, rng: Generator) -> list[ndarray]:
    """Return a pair of winged nuts."""
    papery = mix(plant.fruit_rgb, np.float32([0.75, 0.66, 0.4]), 0.6)
    wing = petal(plant, n, rng, "spoon", cup=0.0, curl=0.3, colour=papery, pattern="veined")
    pair = axes([[-0.8, 1, 0], [0.8, 1, 0]])
    nut = ball(n // 3, dry * 0.8)
    return [place(wing, pair, pair[..., 1] * 0.15, 1.1), place(nut, pair, 0, 0.35)]


def _clock(plant: SimpleNamespace, n: int, dry: ndarray, rng: Generator) -> list[ndarray]:
    """Return the head of a dandelion in seed: stalks with tufts, about the receptacle."""
    angle, r = vogel(110)
    y = 1 - 2 * r**2
    headings = ring(angle, sqrt(1 - y**2), -y)[:, [0, 2, 1]]
    frames = axes(headings, ANY_SIDE)
    at = headings * 0.08 + [0, 0.5, 0]
    hair = revolve(cylinder(0.012), max(5, n // 8), np.ones(3))
    tuft = place(hair, UPRIGHT @ axes(whorl(7, 0.5)[..., 1]), 0, 0.15)
    stalk = revolve(cylinder(0.012), max(6, n // 3), np.float32([0.93, 0.92, 0.88]))
    receptacle = ball(n // 5, dry * 0.6)
    return [
        place(stalk, frames, at, 0.36),
        place(tuft, frames, at + headings * 0.36),
        _stand(receptacle, 0.16, height=0.42),
    ]


def _aggregate(plant: SimpleNamespace, n: int, dry: ndarray, rng: Generator) -> list[ndarray]:
    """Return a blackberry: drupelets on a cone."""
    return _head(ball(n // 8, plant.fruit_rgb, 0.9, 0.9), 60, rng)


def _achene(plant: SimpleNamespace, n: int, dry: ndarray, rng: Generator) -> list[ndarray]:
    """Return a dry head of achenes."""
    return _head(ball(n // 8, dry, 0.1, 0.5), 90, rng)


def _head(grain: ndarray, n_grains: int, rng: Generator) -> list[ndarray]:
    """Return grains packed about a dome."""
    angle, r = vogel(n_grains)
    height = 1 - r**2
    at = ring(angle, dome(height) * 0.84, height * 0.95)[:, [0, 2, 1]]
    headings = at - [0, 0.45, 0]
    tints = rng.uniform(0.75, 1.1, n_grains)
    return [place(grain, axes(headings, ANY_SIDE), at - headings * 0.25, 0.22, tints)]


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
