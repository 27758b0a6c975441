"""From light to picture: display values, a plant on its background, depth of field."""

import numpy as np
from numpy import clip, ndarray

from plantlab.greenhouse.colours import lit
from plantlab.greenhouse.pictures import blurred


def tone(linear: ndarray) -> ndarray:
    """Return display values of linear light; highlights roll off as on film."""
    linear = linear * 1.15
    rolled_off = linear * (1 + linear / 9) / (1 + linear * 0.55)
    return clip(rolled_off, 0, 1) ** (1 / 2.2)


def laid(picture: ndarray, back: ndarray, shift: ndarray, soft: float) -> ndarray:
    """Return a rendered picture on a flat background.

    Its shadow is moved by `shift` (2,) pixels and blurred.
    """
    cover = picture[..., 3:]
    plant = tone(picture[..., :3])
    back = shaded(back, picture, shift, soft)
    return plant * cover + back * (1 - cover)


def shaded(back: ndarray, picture: ndarray, shift: ndarray, soft: float) -> ndarray:
    """Return the background with the shadow of what lies on it."""
    from scipy.ndimage import shift as moved

    down_and_right = (shift[1], -shift[0])
    shadow = moved(picture[..., 3], down_and_right, order=1)
    return lit(back, 1 - 0.6 * blurred(shadow, soft))


def defocus(colour: ndarray, cover: ndarray, radius: ndarray) -> tuple[ndarray, ndarray]:
    """Return colour and cover blurred by `radius` pixels, point by point.

    They are mixed of three sharpnesses.
    """
    stack = np.concatenate([colour * cover, cover], -1)
    for sigma in np.array([0.008, 0.02]) * len(stack):
        softness = blurred(radius, sigma) / sigma - 0.4
        share = clip(softness, 0, 1)[..., None]
        stack = stack + (blurred(stack, sigma) - stack) * share
    cover = stack[..., 3:]
    return stack[..., :3] / np.maximum(cover, 1e-4), cover
