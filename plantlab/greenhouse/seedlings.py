"""Seedlings: cotyledons and the first leaves, on the ground and seen from above.

They look little like the plants they will be: cotyledons are alike within a family, and first
leaves are smaller, plainer and fewer than later ones. Grown from seeds of their own.
"""

import copy
import zlib
from types import SimpleNamespace

import numpy as np
import pandas as pd
from numpy import pi
from numpy.random import Generator
from PIL import Image

from plantlab.greenhouse.backgrounds import BACKGROUNDS
from plantlab.greenhouse.camera import daylight, develop
from plantlab.greenhouse.growth import NODES, Module, Parts, Word, pitch, roll, side, stem, turtle
from plantlab.greenhouse.individual import individual
from plantlab.greenhouse.organs import dice
from plantlab.greenhouse.render import render, seen_from, view
from plantlab.greenhouse.scenes import Scene, frame
from plantlab.greenhouse.tones import laid

COTYLEDONS = ("elliptic", "obovate", "ovate", "lanceolate", "orbicular", "cordate")
MOST_NODES = 3  # of first leaves; at 0 there are cotyledons alone
GROUNDS = ("soil", "soil", "litter", "rock")
FROM_ABOVE = (1.15, 1.5)  # elevation of the camera, in radians
FILL = (0.5, 0.85)  # share of the picture that a seedling takes


def photograph_seedling(
    species: pd.Series, photo: pd.Series, size: int = 128
) -> tuple[Image.Image, int]:
    """Return a photo (`size` square) of a seedling of a `species` row, and its JPEG quality.

    Args:
        photo: a row with plant_seed, photo_seed, date and n_nodes, those of its first leaves.
    """
    rng = np.random.default_rng([photo.plant_seed, photo.photo_seed, 6])
    plant = individual(species, photo.plant_seed, pd.Timestamp(photo.date).dayofyear)
    scene = Scene(_grown(plant, photo.n_nodes, rng), "LC", rng.uniform(*FROM_ABOVE))
    turn = view(rng.uniform(0, 2 * pi), scene.elevation, rng.uniform(0, 2 * pi))
    middle, scale = frame(_framed(scene), turn, FILL, False, rng, size)
    parts = seen_from(scene.parts, turn, middle, scale, size)
    cotyledons = parts.pop("C")
    crowds = dice({"L": cotyledons}, _cotyledon(plant), rng)
    crowds += dice(parts, _young(plant), rng)
    sunny = rng.random() < 0.5
    light = daylight(sunny, rng)
    picture, _ = render(crowds, size, light)
    back = BACKGROUNDS[str(rng.choice(GROUNDS))](rng, size) * (1.05 if sunny else 0.9)
    shift = np.asarray(light.towards) / (light.towards[2] + 0.3) * 0.05 * size
    whole = laid(picture, back, shift, (0.012 if sunny else 0.05) * size)
    return develop(whole, rng, size), int(rng.triangular(45, 88, 96))


def _framed(scene: Scene) -> Scene:
    """Return a scene in which cotyledons count as leaves, which is all that a frame asks."""
    found = [scene.parts[symbol] for symbol in "LC" if symbol in scene.parts]
    joined = [np.concatenate(arrays) for arrays in zip(*found)]
    return scene._replace(parts={"L": Parts(*joined)}, focus="L")


def _grown(plant: SimpleNamespace, n_nodes: int, rng: Generator) -> dict:
    """Return what stands where: stem `F`, cotyledons `C` and first leaves `L`."""
    size = 0.5 * rng.uniform(0.85, 1.15)
    word: Word = [stem(0.25, 0.025)]
    for _ in range(1 if plant.venation == "parallel" else 2):  # grasses and lilies have one
        cotyledon = [stem(0.35 * size, 0.02), Module("C", size)]
        word += side(72 + rng.normal(0, 7), cotyledon, 180)
    node = NODES.get(plant.phyllotaxis)
    n_leaves = node.n_leaves if node else 1
    word.append(roll(90))
    for number in range(n_nodes):
        newest = number == n_nodes - 1
        reach = (0.4 if newest else 0.65) * plant.blade * rng.uniform(0.8, 1.1)
        tilt = (45 if newest else 66) + rng.normal(0, 7)
        word.append(stem(0.06, 0.022))
        for _ in range(n_leaves):
            leaf = [stem(0.55 * reach, 0.018), Module("L", reach)]
            word += side(tilt, leaf, 360 / n_leaves if n_leaves > 1 else 137.5)
        word.append(roll(90 if n_leaves > 1 else 0))
    return turtle([*word, pitch(0)], rng, 4)


def _cotyledon(plant: SimpleNamespace) -> SimpleNamespace:
    """Return a plant whose leaves are its cotyledons: of the form of its family, and entire."""
    rng = np.random.default_rng(zlib.crc32(plant.family.encode()))
    seed_leaf = copy.copy(plant)
    seed_leaf.leaf_shape = str(rng.choice(COTYLEDONS))
    if plant.venation == "parallel":
        seed_leaf.leaf_shape = "linear"
    seed_leaf.leaf_ratio = float(np.clip(rng.random() + 0.2 * (plant.leaf_ratio - 0.5), 0, 1))
    seed_leaf.division = "simple"
    seed_leaf.margin = "entire"
    seed_leaf.veins = 0.2
    seed_leaf.leaf_rgb = plant.leaf_rgb * np.float32([1.08, 1.08, 0.95])
    return seed_leaf


def _young(plant: SimpleNamespace) -> SimpleNamespace:
    """Return a plant whose leaves are its first ones: rounder, with fewer teeth and leaflets."""
    young = copy.copy(plant)
    young.leaf_ratio = min(1.0, plant.leaf_ratio + 0.25)
    young.teeth = 0.4 * plant.teeth
    young.veins = 0.5 * plant.veins
    return young
