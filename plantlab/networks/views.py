"""How a network is shown a photo: whole, mirrored, closer, turned or vivid."""

import numpy as np
from PIL import Image
from torchvision.transforms import v2

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
    shorter = decoded_size(size, view)
    photo = v2.functional.resize(photo, shorter, antialias=True)
    if view == "turn":
        photo = v2.functional.rotate(photo, 15, v2.InterpolationMode.BILINEAR)
    if view == "vivid":
        saturated = v2.functional.adjust_saturation(photo, 1.4)
        photo = v2.functional.adjust_brightness(saturated, 1.2)
    pixels = np.array(v2.functional.center_crop(photo, size))  # a copy that torch may own
    if view == "flip":
        pixels = np.ascontiguousarray(pixels[:, ::-1])
    return pixels
