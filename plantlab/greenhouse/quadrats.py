"""Vegetation plots: photos from above of several species, overlapping, and the truth about each.

They are grown from seeds of their own; the flora's photos keep their bytes.
"""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy import ndarray
from numpy.random import Generator
from PIL import Image

from plantlab.greenhouse.backgrounds import BACKGROUNDS
from plantlab.greenhouse.camera import daylight, develop
from plantlab.greenhouse.individual import individual
from plantlab.greenhouse.organs import dice
from plantlab.greenhouse.pictures import Strokes, canvas, pixels
from plantlab.greenhouse.plan import KM_A_DEGREE
from plantlab.greenhouse.render import Light, render, seen_from
from plantlab.greenhouse.scenes import KINDS, Scene, compose, frame, look_at
from plantlab.greenhouse.tones import shaded, tone

GROUNDS = ("soil", "litter", "rock")
BLADES = (0, 60, 400)  # of grass on it; each is as likely
N_SPECIES = (3, 15)  # from, to, in a plot
CROWD = (1.3, 2.4)  # individuals a species, from, to
SIDES = (0.18, 0.36)  # of an individual, in shares of the plot's side, from, to
FROM_ABOVE = (0.6, 1.3)  # elevation of the camera, in radians
SHOWN = {  # odds of what a plant shows among others; of woody ones nobody sees the whole from above
    "herb": {"habit": 0.55, "flower": 0.25, "leaf": 0.2},
    "woody": {"leaf": 0.6, "flower": 0.25, "fruit": 0.15},
}
FILL = (0.75, 0.95)  # share of its square that an individual takes
SOFTNESS = 0.35  # of a photo that is out of focus: it holds more than one plant
LEAST = 0.002  # share of the photo that must be seen of a species for it to stand in the plot


class Cutout(NamedTuple):
    """An individual without what stands behind it, at its place in the plot."""

    picture: ndarray  # (side, side, 4) linear light and cover
    left: int
    top: int


def plan_plots(flora: pd.DataFrame, n_plots: int = 100, seed: int = 0) -> pd.DataFrame:
    """Return a row a plot: obs_id, latitude, longitude, date, split, members, plot_seed.

    A plot lies where some species of the flora is at home. Its 3 to 15 species are drawn, and those
    are likelier whose home is near. A third of the plots each is for train, valid and test.

    Args:
        flora: of grow_flora. seed: of these plots; the flora has its own.
    Raises:
        ValueError: fewer than 3 plots, or fewer species than a plot has.
    """
    if n_plots < 3 or len(flora) < N_SPECIES[0]:
        raise ValueError(
            f"plots take 3 or more, of a flora of {N_SPECIES[0]} or more species; "
            f"got {n_plots} of {len(flora)}."
        )
    rng = np.random.default_rng([flora.attrs.get("seed", 0), seed, 3])
    homes = flora[["latitude", "longitude"]].to_numpy()
    reach = flora["range_km"].to_numpy() / KM_A_DEGREE
    rows = []
    for number in range(n_plots):
        host = rng.integers(len(flora))
        place = homes[host] + rng.normal(0, reach[host] / 2, 2)
        away = np.linalg.norm(homes - place, axis=1)
        odds = np.exp(-0.5 * (away / (2 * reach)) ** 2) + 0.01
        most = min(N_SPECIES[1], len(flora))
        n_species = rng.integers(N_SPECIES[0], most + 1)
        members = rng.choice(len(flora), n_species, replace=False, p=odds / odds.sum())
        day = pd.Timestamp(2025, 1, 1) + pd.Timedelta(days=int(rng.integers(110, 270)))
        latitude, longitude = place.round(2).tolist()
        rows.append(
            {
                "obs_id": f"plot-{seed}-{number:04d}",
                "latitude": latitude,
                "longitude": longitude,
                "date": day.date().isoformat(),
                "split": ("train", "valid", "test")[number % 3],
                "members": members.tolist(),
                "plot_seed": int(rng.integers(2**31)),
            }
        )
    return pd.DataFrame(rows)


def photograph_plot(
    flora: pd.DataFrame, plot: pd.Series, size: int = 768
) -> tuple[Image.Image, pd.DataFrame]:
    """Return the photo of a plot, `size` square, and a row for each individual in it.

    Of an individual: species, left, top, side of its square, visible (its share of the photo that
    no other hides).

    Args:
        plot: a row of plan_plots.
    """
    rng = np.random.default_rng([plot.plot_seed, 4])
    sunny = rng.random() < 0.5
    light = daylight(sunny, rng)
    picture = _ground(rng, size) * (1.05 if sunny else 0.9)
    owner = np.full((size, size), -1)
    rows = []
    for position in _crowd(plot.members, rng):
        cutout = _grow(flora.iloc[position], pd.Timestamp(plot.date).dayofyear, light, size, rng)
        picture = _lay(cutout, picture, owner, len(rows), light, sunny)
        rows.append([flora["species"].iloc[position], cutout.left, cutout.top, len(cutout.picture)])
    individuals = pd.DataFrame(rows, columns=["species", "left", "top", "side"])
    seen = np.bincount(owner[owner >= 0], minlength=len(rows))
    individuals["visible"] = (seen / owner.size).round(5)
    return develop(picture, rng, size, flat=True, softness=SOFTNESS), individuals


def present(individuals: pd.DataFrame) -> list[str]:
    """Return the species of which enough is seen to count as standing in a plot."""
    seen = individuals.groupby("species")["visible"].sum()
    return sorted(seen.index[seen >= LEAST])


def _crowd(members: list[int], rng: Generator) -> list[int]:
    """Return the individuals of a plot by their species, those that are laid first first."""
    more = int(len(members) * (rng.uniform(*CROWD) - 1))
    several = rng.choice(members, more)
    return rng.permutation([*members, *several]).tolist()


def _ground(rng: Generator, size: int) -> ndarray:
    """Return what plants stand on, seen from above: bare, or with grass on it."""
    bare = BACKGROUNDS[str(rng.choice(GROUNDS))](rng, size)
    image = canvas(bare, size)
    hue = rng.uniform(0.18, 0.3)
    blades = Strokes(0.06, 0.003, hue, (0.25, 0.6))
    blades.draw(image, rng, int(rng.choice(BLADES)))
    return pixels(image, 0.0008 * size)


def _grow(species: pd.Series, day: int, light: Light, size: int, rng: Generator) -> Cutout:
    """Return an individual somewhere in the plot; a fifth of its square may lie outside."""
    plant = individual(species, int(rng.integers(2**31)), day)
    side = int(size * rng.uniform(*SIDES))
    scene = _scene(plant, rng)
    turn = look_at(plant, scene, rng)
    whole = scene._replace(focus=KINDS)  # all of it is in its square
    middle, scale = frame(whole, turn, FILL, False, rng, side)
    parts = seen_from(scene.parts, turn, middle, scale, side)
    picture, _ = render(dice(parts, plant, rng), side, light)
    left, top = rng.uniform(-0.2 * side, size - 0.8 * side, 2)
    return Cutout(_without_edges(picture), int(left), int(top))


def _scene(plant: SimpleNamespace, rng: Generator) -> Scene:
    """Return what of a plant is seen, from above."""
    odds = SHOWN["herb" if plant.habit == "herb" else "woody"]
    organ = str(rng.choice(list(odds), p=list(odds.values())))
    return compose(plant, organ, rng)._replace(elevation=rng.uniform(*FROM_ABOVE))


def _without_edges(picture: ndarray) -> ndarray:
    """Return the picture fading at its rim, so that what is cut there has no straight edge."""
    side = len(picture)
    from_rim = np.minimum(np.arange(side), np.arange(side)[::-1]) / (0.06 * side)
    inside = np.clip(from_rim, 0, 1).astype(np.float32)
    picture = picture.copy()
    picture[..., 3] *= np.outer(inside, inside)
    return picture


def _lay(
    cutout: Cutout, picture: ndarray, owner: ndarray, number: int, light: Light, sunny: bool
) -> ndarray:
    """Return the plot with an individual on it; `owner` is told whose each pixel is now."""
    size = len(picture)
    side = len(cutout.picture)
    top, left = max(0, cutout.top), max(0, cutout.left)
    bottom, right = min(size, cutout.top + side), min(size, cutout.left + side)
    inside = cutout.picture[
        top - cutout.top : bottom - cutout.top, left - cutout.left : right - cutout.left
    ]
    back = picture[top:bottom, left:right]
    shift = light.towards / (light.towards[2] + 0.3) * 0.05 * side
    back = shaded(back, inside, shift, (0.02 if sunny else 0.06) * side)
    cover = inside[..., 3:]
    picture[top:bottom, left:right] = tone(inside[..., :3]) * cover + back * (1 - cover)
    owner[top:bottom, left:right][cover[..., 0] > 0.5] = number
    return picture
