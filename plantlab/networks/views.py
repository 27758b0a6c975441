"""How a network is shown a photo: whole, mirrored, closer, turned or vivid."""

import numpy as np
from PIL import Image, ImageEnhance

VIEWS = ("plain", "flip", "zoom", "turn", "vivid")

# how much of the photo these views need beyond what they show
LARGER = {"zoom": 4 / 3, "turn": 5 / 4}


def decoded_size(size: int, view: str) -> int:
    """Return how long the shorter side of a photo must be for a view of `size`, in pixels."""
    return round(size * LARGER.get(view, 1))


def seen_whole(photo: Image.Image, size: int, view: str = "plain") -> np.ndarray:
    """Return the photo as one of VIEWS, uint8 (size, size, 3): shorter side to `size`, centre crop.

    "flip" mirrors it, "zoom" shows its middle three quarters, "turn" turns it by 15 degrees and
    crops what that leaves empty, "vivid" raises saturation and lightness.
    """
    photo = _resized(photo, decoded_size(size, view))
    if view == "turn":
        photo = photo.rotate(15, Image.Resampling.BILINEAR)
    if view == "vivid":
        saturated = ImageEnhance.Color(photo).enhance(1.4)
        photo = ImageEnhance.Brightness(saturated).enhance(1.2)
    pixels = np.array(_centre(photo, size))  # a copy that torch may own
    if view == "flip":
        pixels = np.ascontiguousarray(pixels[:, ::-1])
    return pixels


def _resized(photo: Image.Image, shorter: int) -> Image.Image:
    """Return the photo with its shorter side at `shorter`, as torchvision's v2.Resize has it."""
    width, height = photo.size
    longer = int(shorter * max(width, height) / min(width, height))
    size = (shorter, longer) if width <= height else (longer, shorter)
    return photo.resize(size, Image.Resampling.BILINEAR)


def _centre(photo: Image.Image, size: int) -> Image.Image:
    """Return the middle square of the photo, as torchvision's v2.CenterCrop has it."""
    left = round((photo.width - size) / 2)
    top = round((photo.height - size) / 2)
    return photo.crop((left, top, left + size, top + size))
