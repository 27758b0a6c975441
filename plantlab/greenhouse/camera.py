"""The camera: frames a plant, sets it before something, and spoils the picture as cameras do."""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy import clip, ndarray
from numpy.random import Generator
from PIL import Image, ImageFilter

from plantlab.greenhouse.backgrounds import BACKGROUNDS, landscape
from plantlab.greenhouse.bark import bark
from plantlab.greenhouse.colours import lit
from plantlab.greenhouse.hand import hand
from plantlab.greenhouse.herbarium import sheet
from plantlab.greenhouse.individual import individual
from plantlab.greenhouse.non_plants import non_plant
from plantlab.greenhouse.organs import Crowd, dice
from plantlab.greenhouse.pictures import Strokes, as_bytes, blurred, canvas, coordinates, pixels
from plantlab.greenhouse.render import FINE, Light, render, seen_from
from plantlab.greenhouse.scenes import compose, frame, look_at
from plantlab.greenhouse.shapes import unit
from plantlab.greenhouse.tones import defocus, shaded, tone


class Odds(NamedTuple):
    """How often each organ is taken before a background."""

    flower: float
    leaf: float
    fruit: float
    habit: float


ODDS = {
    "foliage": Odds(flower=6, leaf=4, fruit=6, habit=1),
    "grass": Odds(flower=2.5, leaf=2, fruit=1.5, habit=3),
    "soil": Odds(flower=1, leaf=1.5, fruit=1, habit=1.5),
    "litter": Odds(flower=1, leaf=1, fruit=1, habit=1),
    "sky": Odds(flower=1, leaf=0.5, fruit=1.5, habit=0),
    "paper": Odds(flower=0.5, leaf=2.5, fruit=1, habit=0),
    "hand": Odds(flower=0.5, leaf=2.5, fruit=0.8, habit=0),
    "rock": Odds(flower=0.6, leaf=0.6, fruit=0.6, habit=0.7),
    "dark": Odds(flower=0.6, leaf=0.4, fruit=0.5, habit=0.4),
}
SUNLIGHT = np.float32([1.0, 0.95, 0.86])
SKYLIGHT = np.float32([0.88, 0.95, 1.0])
TRANSPARENT = (60, 90, 30, 0)  # but green, so that blurred blades keep their colour
LYING = ("soil", "litter", "paper", "rock")  # backgrounds on which the plant casts its shadow
FILL = {  # from, to: the share of the picture that the organ takes
    "habit": (0.7, 0.98),
    "leaf": (0.6, 1.05),
    "fruit": (0.5, 0.95),
    "flower": (0.6, 1.1),
}


def photograph(species: pd.Series | None, photo: pd.Series, size: int) -> tuple[Image.Image, int]:
    """Return a photo (`size` square) of a `species` row, or of no plant where it is None.

    Beside it stands its JPEG quality. `photo` is a row of `plan_photos`.
    """
    rng = np.random.default_rng([photo.plant_seed, photo.photo_seed])
    if species is None:
        picture = non_plant(photo.species, rng, size)
    else:
        day = pd.Timestamp(photo.date).dayofyear
        plant = individual(species, photo.plant_seed, day)
        picture = _picture_of(plant, photo.organ, rng, size)
    image = develop(picture, rng, size, flat=photo.organ == "herbarium")
    return image, int(rng.triangular(45, 88, 96))


def _picture_of(plant: SimpleNamespace, organ: str, rng: Generator, size: int) -> ndarray:
    if organ == "herbarium":
        return sheet(plant, rng, size)
    if organ == "bark":
        return bark(plant, rng, size)
    return portrait(plant, organ, rng, size)


def portrait(plant: SimpleNamespace, organ: str, rng: Generator, size: int) -> ndarray:
    """Return the picture (size, size, 3) of an organ or the whole plant before a background."""
    is_tree = organ == "habit" and plant.habit != "herb"
    crowds = _in_frame(plant, organ, rng, size)
    background = "landscape" if is_tree else _choose_background(organ, rng)
    if background == "hand":
        depth = min(_farthest(crowd) for crowd in crowds)
        crowds += hand(rng, size * FINE, depth)
    sunny = rng.random() < 0.5
    light = daylight(sunny, rng)
    picture, depth = render(crowds, size, light)
    colour = tone(picture[..., :3])
    cover = picture[..., 3:]
    paint = landscape if is_tree else BACKGROUNDS[background]
    back = paint(rng, size) * (1.05 if sunny else 0.9)
    if background in LYING:
        shift = light.towards / (light.towards[2] + 0.3) * 0.06 * size
        back = shaded(back, picture, shift, (0.012 if sunny else 0.05) * size)
    elif not is_tree and organ != "leaf":
        for _ in range(rng.integers(0, 3)):
            other = np.concatenate([colour * 0.85, cover], -1)
            back = behind(back, other, rng, size)
    if organ != "habit":
        colour, cover = _focus(colour, cover, depth, rng)
    picture = colour * cover + back * (1 - cover)
    if rng.random() < 0.15 and background != "paper":
        return occlude(picture, rng, size)
    return picture


def _in_frame(plant: SimpleNamespace, organ: str, rng: Generator, size: int) -> list[Crowd]:
    """Return what of the plant stands before the lens, as the camera sees it."""
    scene = compose(plant, organ, rng)
    turn = look_at(plant, scene, rng)
    closer = organ in ("fruit", "flower")
    middle, scale = frame(scene, turn, FILL[organ], closer, rng, size)
    parts = seen_from(scene.parts, turn, middle, scale, size)
    wood = organ == "habit" and plant.habit != "herb"
    return dice(parts, plant, rng, wood=wood)


def _choose_background(organ: str, rng: Generator) -> str:
    odds = [getattr(ODDS[name], organ) for name in BACKGROUNDS]
    shares = np.array(odds) / sum(odds)
    return str(rng.choice(list(BACKGROUNDS), p=shares))


def _farthest(crowd: Crowd) -> float:
    """Return how far from the lens a crowd reaches."""
    n = len(crowd.sizes)
    sizes = crowd.sizes.reshape(n, -1).max(1)
    return (crowd.origins[:, 2] - 0.3 * sizes).min()


def daylight(sunny: bool, rng: Generator) -> Light:
    """Return light from above: the sun somewhere in a clear sky, or an overcast one."""
    x = rng.normal(0, 0.6)
    y = rng.uniform(0.35, 1)
    z = rng.uniform(0.25, 0.9)
    if sunny:
        sun = rng.uniform(2.2, 3.0)
        sky = rng.uniform(0.5, 0.75)
    else:
        sun = rng.uniform(0.7, 1.3)
        sky = rng.uniform(0.8, 1.1)
    return Light(
        towards=unit(np.float32([x, y, z])),
        sun=SUNLIGHT * np.float32(sun),
        sky=SKYLIGHT * np.float32(sky),
    )


def _focus(
    colour: ndarray, cover: ndarray, depth: ndarray, rng: Generator
) -> tuple[ndarray, ndarray]:
    """Return colour and cover, blurred before and behind the depth that is in focus."""
    blur = abs(rng.normal(0, 0.045))
    solid = cover[..., 0] > 0.5
    if blur <= 0.01 or not solid.any():
        return colour, cover
    sharp = np.percentile(depth[solid], 70)
    away = np.abs(depth - sharp) / FINE
    return defocus(colour, cover, away.astype(np.float32) * blur)


def behind(back: ndarray, picture: ndarray, rng: Generator, size: int) -> ndarray:
    """Return the background with another plant of the kind in it, out of focus."""
    y, x = coordinates(size, -1)
    # No edge of the picture shows in the picture.
    from_rim = 1 - np.hypot(x, y)
    picture[..., 3] *= clip(2.5 * from_rim, 0, 1)
    other = Image.fromarray(as_bytes(picture), "RGBA")
    other = other.rotate(rng.uniform(-30, 30))
    side = int(size * rng.uniform(0.5, 0.9))
    other = other.resize([side, side])
    blur = ImageFilter.GaussianBlur(size * rng.uniform(0.02, 0.05))
    other = other.filter(blur)
    image = canvas(back, size)
    corner = rng.uniform(-0.3, 0.8, 2) * size
    image.paste(other, tuple(corner.astype(int)), other)
    return pixels(image)


def occlude(picture: ndarray, rng: Generator, size: int) -> ndarray:
    """Return the picture with a few blades before the plant, out of focus."""
    veil = Image.new("RGBA", (size, size), TRANSPARENT)
    image = canvas(picture, size)
    n = int(rng.integers(1, 4))
    thinnest = [0.3, 0.015, 0.1]  # length, width and hue
    thickest = [0.6, 0.05, 0.3]
    length, width, hue = rng.uniform(thinnest, thickest)
    blades = Strokes(length, width, hue, (0.3, 0.7))
    blades.draw(veil, rng, n)
    blur = ImageFilter.GaussianBlur(size * rng.uniform(0.01, 0.03))
    veil = veil.filter(blur)
    image.paste(veil, (0, 0), veil)
    return pixels(image)


def develop(
    picture: ndarray, rng: Generator, size: int, flat: bool = False, softness: float = 1.0
) -> Image.Image:
    """Return the picture as a camera gives it.

    Exposure, cast, contrast, vignette, softness (times `softness`), noise of the sensor; a `flat`
    sheet was scanned with more care.
    """
    picture = clip(picture, 0, 1).astype(np.float32)
    picture = picture * _exposure(picture, rng, flat)
    grey = picture.mean(-1, keepdims=True)
    saturated = grey + (picture - grey) * np.float32(rng.uniform(0.7, 1.25))
    cast = 1 + rng.normal(0, 0.02 if flat else 0.045, 3)
    picture = clip(saturated * np.float32(cast), 0, 1)
    contrast = rng.uniform(-0.4, 0.4)
    steeper = contrast * picture * (1 - picture) * (2 * picture - 1)
    picture = picture + steeper
    y, x = coordinates(size, -1)
    vignette = rng.uniform(0, 0.15) * (x**2 + y**2)
    picture = lit(picture, 1 - vignette)
    if rng.random() < 0.2:
        picture = blurred(picture, rng.uniform(0.3, 0.9) * size / 128 * softness)
    grain = rng.uniform(0.001, 0.015)
    noise = rng.standard_normal(picture.shape, np.float32) * np.float32(grain)
    return canvas(picture + noise, size)


def _exposure(picture: ndarray, rng: Generator, flat: bool) -> float:
    """Return by how much the light is multiplied: automatic, half-way to a mean grey."""
    grey = clip(rng.normal(0.42, 0.07), 0.25, 0.6)
    gain = grey / max(float(picture.mean()), 0.05)
    if flat:
        return rng.uniform(0.9, 1.06)
    return clip(gain, 0.8, 2.2) ** 0.5
