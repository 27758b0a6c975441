"""Pictures: arrays (size, size, 3) from 0 to 1, and the PIL images that are drawn upon."""

from dataclasses import dataclass

import numpy as np
from numpy import clip, cos, ndarray, pi, sin
from numpy.random import Generator
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw, ImageFilter

from plantlab.greenhouse.colours import rgb


def blurred(image: ndarray, sigma: float) -> ndarray:
    """Return a picture or a map after a Gaussian blur."""
    from scipy.ndimage import gaussian_filter

    along_axes = (sigma, sigma, 0)[: image.ndim]
    return gaussian_filter(image, along_axes)


def canvas(colour: ArrayLike, size: int) -> Image.Image:
    """Return a PIL image of one colour, or of a picture."""
    colour = np.asarray(colour, np.float32)
    picture = np.broadcast_to(colour, (size, size, 3))
    return Image.fromarray(as_bytes(picture))


def as_bytes(picture: ndarray) -> ndarray:
    """Return the whole numbers, 0 to 255, that an image file keeps of a picture."""
    return (clip(picture, 0, 1) * 255).astype(np.uint8)


def pixels(image: Image.Image, blur: float = 0) -> ndarray:
    """Return the picture of a PIL image, after a blur."""
    if blur:
        image = image.filter(ImageFilter.GaussianBlur(blur))
    return np.asarray(image, np.float32) / 255


def coordinates(size: int, low: float = 0) -> tuple[ndarray, ndarray]:
    """Return the height, from the top, and the place along the row of every pixel, `low` to 1."""
    steps = np.linspace(low, 1, size, dtype=np.float32)
    y, x = np.meshgrid(steps, steps, indexing="ij")
    return y, x


@dataclass(frozen=True)
class Strokes:
    """What blades of grass or leaves look like: lens shapes, lengths in shares of the side."""

    length: float
    width: float
    hue: float
    value: tuple[float, float]  # from, to
    saturation: float = 0.55
    upright: bool = False

    def draw(self, image: Image.Image, rng: Generator, n: int) -> None:
        """Draw `n` of them on a PIL image, of random place, angle and tone."""
        draw = ImageDraw.Draw(image)
        side = image.width
        u = np.linspace(-1, 1, 7)
        back = u[::-1]
        upper = np.stack([u, 1 - u**2], -1)
        lower = np.stack([back, u**2 - 1], -1)
        lens = np.concatenate([upper, lower])
        reach = np.array([self.length, self.width])
        sizes = side * reach * rng.uniform(0.5, 1.4, (n, 2))
        edges = lens * sizes[:, None]  # (n, 14, 2)
        places = rng.uniform(-0.1, 1.1, (n, 2)) * side
        corners = edges @ _turns(self._angles(rng, n)) + places[:, None]
        colours = (self._colours(rng, n) * 255).astype(int)
        for blade, colour in zip(corners.reshape(n, 2 * len(lens)).tolist(), colours.tolist()):
            draw.polygon(blade, tuple(colour))

    def _angles(self, rng: Generator, n: int) -> ndarray:
        if self.upright:
            return pi / 2 + rng.normal(0, 0.25, n)
        return rng.uniform(0, 2 * pi, n)

    def _colours(self, rng: Generator, n: int) -> ndarray:
        return rgb(
            self.hue + rng.normal(0, 0.025, n),
            self.saturation * rng.uniform(0.7, 1.2, n),
            rng.uniform(*self.value, n),
        )


def _turns(angles: ndarray) -> ndarray:
    """Return matrices (n, 2, 2) that turn by angles (n,)."""
    c = cos(angles)
    s = sin(angles)
    return np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], 1)
