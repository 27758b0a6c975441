"""Pictures: arrays (size, size, 3) from 0 to 1, and the PIL images that are drawn upon."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw, ImageFilter

from plantlab.greenhouse.colours import rgb


def blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    """Return a picture or a map after a Gaussian blur."""
    from scipy.ndimage import gaussian_filter

    along_axes = (sigma, sigma, 0)[: image.ndim]
    return gaussian_filter(image, along_axes)


def canvas(colour: ArrayLike, size: int) -> Image.Image:
    """Return a PIL image of one colour, or of a picture."""
    colour = np.broadcast_to(np.asarray(colour, np.float32), (size, size, 3))
    return Image.fromarray((np.clip(colour, 0, 1) * 255).astype(np.uint8))


def pixels(image: Image.Image, blur: float = 0) -> np.ndarray:
    """Return the picture of a PIL image, after a blur."""
    if blur:
        image = image.filter(ImageFilter.GaussianBlur(blur))
    return np.asarray(image, np.float32) / 255


@dataclass(frozen=True)
class Strokes:
    """What blades of grass or leaves look like: lens shapes, lengths in shares of the side."""

    length: float
    width: float
    hue: float
    value: tuple[float, float]  # from, to
    saturation: float = 0.55
    upright: bool = False

    def draw(self, image: Image.Image, rng: np.random.Generator, n: int) -> None:
        """Draw `n` of them on a PIL image, of random place, angle and tone."""
        draw = ImageDraw.Draw(image)
        side = image.width
        u = np.linspace(-1, 1, 7)
        upper = np.stack([u, 1 - u**2], -1)
        lower = np.stack([u[::-1], u**2 - 1], -1)
        lens = np.concatenate([upper, lower])
        for _ in range(n):
            turn = _turn(self._angle(rng))
            edge = lens * side * np.array([self.length, self.width]) * rng.uniform(0.5, 1.4, 2)
            edge = edge @ turn + rng.uniform(-0.1, 1.1, 2) * side
            colour = self._colour(rng) * 255
            draw.polygon(edge.ravel().tolist(), fill=tuple(colour.astype(int)))

    def _angle(self, rng: np.random.Generator) -> float:
        if self.upright:
            return np.pi / 2 + rng.normal(0, 0.25)
        return rng.uniform(0, 2 * np.pi)

    def _colour(self, rng: np.random.Generator) -> np.ndarray:
        return rgb(
            self.hue + rng.normal(0, 0.025),
            self.saturation * rng.uniform(0.7, 1.2),
            rng.uniform(*self.value),
        )


def _turn(angle: float) -> np.ndarray:
    c = np.cos(angle)
    s = np.sin(angle)
    return np.array([[c, -s], [s, c]])
