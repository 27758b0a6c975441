"""Leaves that are ill: galls, rust and mildew on the blades of the flora, of a known severity.

Each is laid on the mesh of a blade before it is bent, lit and photographed, from a seed of its own:
without it the photo is, byte for byte, that of the healthy leaf.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy import clip, exp, ndarray, sqrt
from numpy.random import Generator
from PIL import Image

from plantlab.greenhouse.camera import develop, portrait
from plantlab.greenhouse.colours import cloud, lit, mix
from plantlab.greenhouse.individual import individual
from plantlab.greenhouse.leaves import Blade

DISEASES = ("healthy", "gall", "mildew", "rust")
SEVERITIES = (0.01, 0.5)  # from, to; half of the plants are below their geometric mean
RADII = {  # of a spot, in lengths of the blade
    "rust": (0.011, 0.026),
    "gall": (0.026, 0.06),
    "mildew": (0.03, 0.11),
}
MOST_SPOTS = 600  # on a blade
HALO = 2.1  # how far the yellow around a pustule reaches, in radii of it
FELT = np.float32([0.86, 0.88, 0.85])
ORANGE = np.float32([0.74, 0.34, 0.08])
BROWN = np.float32([0.42, 0.19, 0.06])
YELLOW = np.float32([0.72, 0.68, 0.2])
RED = np.float32([0.6, 0.14, 0.13])
PALE_GREEN = np.float32([0.62, 0.72, 0.3])


@dataclass
class Ailment:
    """A disease and its severity, the share of each blade that it covers; it lies on blades."""

    disease: str
    severity: float
    rng: Generator

    def lie_on(
        self, outline: Blade, veins: ndarray, height: ndarray, colours: ndarray
    ) -> tuple[ndarray, ndarray]:
        """Return height (n, m) and colours (n, m, 3) of a blade that has it."""
        near, radius = self._spots(outline, veins)
        if self.disease == "mildew":
            return height, self._felt(near, colours)
        if self.disease == "rust":
            return height, self._pustules(near, colours)
        return self._swellings(near, radius, height, colours)

    def _spots(self, outline: Blade, veins: ndarray) -> tuple[ndarray, ndarray]:
        """Return how far each point is from its nearest spot, in radii of it, and that radius."""
        area = areas(outline)
        at_veins = 1 + 1.5 * veins if self.disease == "rust" else 1
        inside = area * at_veins * (outline.rim < 0.93)
        centres = self.rng.choice(area.size, MOST_SPOTS, p=(inside / inside.sum()).ravel())
        radii = self.rng.uniform(*RADII[self.disease], MOST_SPOTS)
        x = (outline.x + 0 * outline.y).ravel()
        y = (outline.y + 0 * outline.x).ravel()
        near = np.full(area.size, 99.0)
        radius = np.ones(area.size)
        for centre, reach in zip(centres, radii):
            away = np.hypot(x - x[centre], y - y[centre]) / reach
            nearer = away < near
            near[nearer] = away[nearer]
            radius[nearer] = reach
            if area.ravel()[near < 1].sum() >= self.severity:
                break
        return near.reshape(area.shape), radius.reshape(area.shape)

    def _pustules(self, near: ndarray, colours: ndarray) -> ndarray:
        """Return orange pustules, browner at their rim, each in a yellow halo."""
        halo = clip((HALO - near) / (HALO - 1), 0, 1)
        colours = mix(colours, YELLOW, 0.55 * halo)
        spot = mix(np.broadcast_to(ORANGE, colours.shape), BROWN, near**3)
        grain = 0.8 + 0.4 * self.rng.random(near.shape, np.float32)
        return mix(colours, lit(spot, grain), 4 * (1.12 - near))

    def _swellings(
        self, near: ndarray, radius: ndarray, height: ndarray, colours: ndarray
    ) -> tuple[ndarray, ndarray]:
        """Return domes that stand on the blade, green below and red at their tip."""
        dome = sqrt(clip(1 - near**2, 0, 1))
        red = self.rng.uniform(0.35, 1)
        skin = mix(np.broadcast_to(PALE_GREEN, colours.shape), RED, red * dome**2)
        ring = exp(-(((near - 1.08) / 0.14) ** 2))
        colours = mix(lit(colours, 1 - 0.35 * ring), skin, 6 * (1 - near))
        return height + 1.1 * radius * dome, colours

    def _felt(self, near: ndarray, colours: ndarray) -> ndarray:
        """Return white felt in round patches that run into one another, thinner at their rim."""
        uneven = cloud(self.rng, near.shape, 9, 3) - 0.5
        thick = clip((1.35 - near + 0.9 * uneven) / 0.9, 0, 1)
        grain = 0.7 + 0.6 * self.rng.random(near.shape, np.float32)
        return mix(colours, FELT, 0.8 * thick * grain)


def areas(outline: Blade) -> ndarray:
    """Return the share of a blade that each point of its grid stands for, (n, m)."""
    x = outline.x + 0 * outline.y
    y = outline.y + 0 * outline.x
    x_along, x_across = np.gradient(x)
    y_along, y_across = np.gradient(y)
    area = np.abs(x_along * y_across - x_across * y_along)
    return area / area.sum()


def photograph_leaf(
    species: pd.Series, photo: pd.Series, size: int = 128
) -> tuple[Image.Image, int]:
    """Return a photo (`size` square) of leaves of a `species` row, and its JPEG quality.

    Args:
        photo: a row with plant_seed, photo_seed, date, disease and severity.
    """
    rng = np.random.default_rng([photo.plant_seed, photo.photo_seed])
    plant = individual(species, photo.plant_seed, pd.Timestamp(photo.date).dayofyear)
    if photo.disease != "healthy":
        own = np.random.default_rng([photo.plant_seed, photo.photo_seed, 5])
        plant.ailment = Ailment(photo.disease, photo.severity, own)
    picture = portrait(plant, "leaf", rng, size)
    image = develop(picture, rng, size)
    return image, int(rng.triangular(45, 88, 96))
