"""Scenes: what stands before the lens, and from where it is seen."""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from numpy import clip, ndarray, pi
from numpy.random import Generator

from plantlab.greenhouse.growth import Module, Parts, pitch, shoot, stem, tree, turtle
from plantlab.greenhouse.render import view

KINDS = "FLKR"
MARGIN = {"K": 0.5, "L": 0.25, "R": 0.4, "F": 0}  # what an organ takes around its origin, in sizes


class Scene(NamedTuple):
    """A plant, or a part of it, before the camera is set up."""

    parts: dict[str, Parts]
    focus: str  # the symbols that the picture is of
    elevation: float  # of the camera, in radians

    def shown(self) -> dict[str, Parts]:
        """Return the parts in focus."""
        return {symbol: self.parts[symbol] for symbol in self.focus if symbol in self.parts}


def compose(plant: SimpleNamespace, organ: str, rng: Generator) -> Scene:
    """Return what stands before the lens."""
    if organ == "habit":
        bearing = "K" if rng.random() < 0.6 else ""
        if plant.habit == "herb":
            return _clump(plant, bearing, rng)
        return _whole_tree(plant, bearing, rng)
    if organ == "leaf":
        alone = rng.random() < 0.5
        return _one_leaf(plant, rng) if alone else _leaves(plant, rng)
    bearing = {"flower": "K", "fruit": "R"}[organ]
    n_nodes = int(rng.integers(1, 4))
    word = shoot(plant, rng, n_nodes, bearing, basal=False)
    return Scene(turtle(word, rng, 7), bearing, rng.uniform(0.05, 0.95))


def _whole_tree(plant: SimpleNamespace, bearing: str, rng: Generator) -> Scene:
    word = tree(plant, rng, bearing)
    parts = turtle(word, rng, wobble=8, rise=0.22 - 0.2 * plant.branching)
    return Scene(parts, "LKRF", rng.uniform(-0.05, 0.2))


def _clump(plant: SimpleNamespace, bearing: str, rng: Generator) -> Scene:
    """Return a few stems of a herb, side by side."""
    stems = []
    for _ in range(rng.integers(1, 5)):
        n_nodes = int(rng.integers(4, 7))
        word = shoot(plant, rng, n_nodes, bearing)
        stems.append(turtle(word, rng, 6))
    moves = rng.normal(0, [0.35, 0.35, 0], (len(stems), 3))
    clump = {}
    for symbol in KINDS:
        moved = [
            parts[symbol]._replace(origins=parts[symbol].origins + move)
            for parts, move in zip(stems, moves)
            if symbol in parts
        ]
        if moved:
            joined = [np.concatenate(arrays) for arrays in zip(*moved)]
            clump[symbol] = Parts(*joined)
    return Scene(clump, "LKRF", rng.uniform(0.15, 1.1))


def _one_leaf(plant: SimpleNamespace, rng: Generator) -> Scene:
    word = [pitch(75), stem(0.3, 0.02), Module("L", plant.blade)]
    return Scene(turtle(word, rng, 3), "L", rng.uniform(0.9, 1.5))


def _leaves(plant: SimpleNamespace, rng: Generator) -> Scene:
    word = shoot(plant, rng, int(rng.integers(2, 5)))
    return Scene(turtle(word, rng, 7), "L", rng.uniform(0.3, 1.2))


def look_at(plant: SimpleNamespace, scene: Scene, rng: Generator) -> ndarray:
    """Return the axes of the camera; people go round to where a flower or a leaf looks at them."""
    azimuth = rng.uniform(0, 2 * pi)
    turn = view(azimuth, scene.elevation, rng.normal(0, 0.15))
    if scene.focus == "K":
        last = scene.parts["K"].frames[-1, :, 1]
        faced = last if plant.inflorescence == "solitary" else turn[2]
        x, y, z = faced + rng.normal(0, 0.45, 3)
        azimuth = np.arctan2(y, x)
        elevation = np.arctan2(clip(z, -0.2, 3), np.hypot(x, y))
        return view(azimuth, elevation, rng.normal(0, 0.15))
    if scene.focus == "L" and len(scene.parts["L"].origins) == 1:
        azimuth = pi / 2 + rng.normal(0, 0.5)
        return view(azimuth, scene.elevation, rng.uniform(0, 2 * pi))
    return turn


def ends(parts: dict[str, Parts], turn: ndarray, origin_only: str = "") -> ndarray:
    """Return both ends of all parts (N, 3) in the camera's axes.

    Of the symbols in `origin_only`, their origin twice.
    """
    found = []
    for symbol, (frames, origins, sizes) in parts.items():
        length = sizes[:, :1] * (symbol not in origin_only)
        found += [origins, origins + frames[:, :, 1] * length]
    return np.concatenate(found) @ turn.T


class Frame(NamedTuple):
    """What of a scene comes into the picture."""

    middle: ndarray  # (3,) in the camera's axes
    scale: float  # pixels a unit


def frame(
    scene: Scene, turn: ndarray, fill: tuple[float, float], closer: bool, rng: Generator, size: int
) -> Frame:
    """Return the frame around the parts in focus.

    Args:
        fill: the range of the share of the picture that they take.
        closer: look at one of many.
    """
    shown = scene.shown()
    seen = ends(shown, turn, origin_only="K")
    margins = []
    for symbol, parts in shown.items():
        largest = parts.sizes[:, 0].max()
        margins.append(MARGIN[symbol] * largest)
    margin = max(margins)
    low = seen.min(0) - margin
    high = seen.max(0) + margin
    if closer:
        chosen = seen[rng.integers(len(seen))]
        near = rng.uniform(0, 0.8)
        low = low + (chosen - margin - low) * near
        high = high + (chosen + margin - high) * near
    width, height, _ = high - low
    scale = rng.uniform(*fill) * size / max(width, height, 0.05)
    off = rng.normal(0, 0.05, 2) * size / scale
    middle = (low + high) / 2 - np.append(off, 0)
    return Frame(middle, scale)
