"""Organs for the parts of a plant: a few meshes of each kind, set everywhere that kind stands."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from numpy import ndarray
from numpy.random import Generator
from numpy.typing import ArrayLike

from plantlab.greenhouse.flowers import flower
from plantlab.greenhouse.fruits import fruit
from plantlab.greenhouse.growth import Parts
from plantlab.greenhouse.leaves import whole_leaf
from plantlab.greenhouse.shapes import cylinder, revolve

FACE = np.array([[-1, 0, 0], [0, 0, 1.0], [0, 1, 0]])  # a flower faces along the stem that bears it
N_LEAVES = 3  # different ones on a plant
N_FLOWERS = 2
N_FRUITS = 2
POINTS_A_SAMPLE = 3.5  # of an organ; those of a small one would else lie upon one another


class Crowd(NamedTuple):
    """Copies of one mesh, as `shapes.place` takes them; sizes in samples."""

    mesh: ndarray  # (P, 11)
    frames: ndarray  # (N, 3, 3)
    origins: ArrayLike  # (N, 3), or one for all
    sizes: ArrayLike  # (N,), (N, 3), or one for all
    tints: ArrayLike  # (N,)


def dice(
    parts: dict[str, Parts],
    plant: SimpleNamespace,
    rng: Generator,
    flat: bool = False,
    wood: bool = False,
) -> list[Crowd]:
    """Return the crowds of a plant whose sizes are in samples.

    Args:
        flat: leaves are pressed.
        wood: stems are of wood.
    """

    def make_leaf(n: int) -> ndarray:
        curl = rng.uniform(0.2, 1.3)
        return whole_leaf(plant, n, rng, curl, flat)

    def make_flower(n: int) -> ndarray:
        return flower(plant, n, rng)

    def make_fruit(n: int) -> ndarray:
        return fruit(plant, int(n * 1.12), rng)

    crowds = []
    if "L" in parts:
        crowds += _organs(parts["L"], N_LEAVES, make_leaf, rng)
    if "K" in parts:
        facing = parts["K"]._replace(frames=parts["K"].frames @ FACE)
        crowds += _organs(facing, N_FLOWERS, make_flower, rng)
    if "R" in parts:
        crowds += _organs(parts["R"], N_FRUITS, make_fruit, rng)
    if "F" in parts:
        crowds += _stems(parts["F"], plant, rng, wood)
    return crowds


def _organs(
    parts: Parts, n_kinds: int, make: Callable[[int], ndarray], rng: Generator
) -> list[Crowd]:
    """Return crowds of up to `n_kinds` different meshes, dealt out in turn."""
    crowds = []
    for k in range(min(n_kinds, len(parts.origins))):
        mine = slice(k, None, n_kinds)
        sizes = parts.sizes[mine, 0]
        n_points = int(max(5, sizes.max() * 0.6))  # along it
        mesh = _thinned(make(n_points), sizes.max(), rng)
        tints = rng.normal(1, 0.07, len(sizes))
        frames = parts.frames[mine]
        crowds.append(Crowd(mesh, frames, parts.origins[mine], sizes, tints))
    return crowds


def _thinned(mesh: ndarray, size: float, rng: Generator) -> ndarray:
    """Return as many points of a mesh as its picture needs, of `size` samples across."""
    enough = int(POINTS_A_SAMPLE * size**2) + 40
    if len(mesh) <= enough:
        return mesh
    return mesh[np.sort(rng.choice(len(mesh), enough, replace=False))]


def _stems(parts: Parts, plant: SimpleNamespace, rng: Generator, wood: bool) -> list[Crowd]:
    """Return crowds of pieces of stem; those of about the same length and radius share a mesh."""
    if wood:
        colour = plant.bark_rgb
    else:
        colour = plant.leaf_rgb * 0.85 + np.float32([0.08, 0.03, 0.0])

    def paint(u: ndarray, phi: ndarray) -> ndarray:
        return colour * rng.uniform(0.8, 1.15, (*u.shape, 1))

    crowds = []
    doublings = np.log2(np.maximum(parts.sizes, 1))
    kinds = np.round(doublings).astype(int) @ [100, 1]
    for kind in np.unique(kinds):
        mine = kinds == kind
        sizes = parts.sizes[mine]
        length, radius = sizes.max(0)
        piece = revolve(
            cylinder(1), int(length * 0.7 + 3), paint, shine=0.1, around=int(radius * 4.4 + 5)
        )
        reach = sizes[:, [1, 0, 1]] * [1, 1.04, 1]  # a little longer, so that no joint is open
        frames = parts.frames[mine]
        same_tint = np.ones(len(sizes))
        crowds.append(Crowd(piece, frames, parts.origins[mine], reach, same_tint))
    return crowds
