"""How a network is shown a photo: whole, mirrored, closer, turned or vivid."""

import numpy as np
from torchvision.transforms import v2

VIEWS = ("plain", "flip", "zoom", "turn", "vivid")

LARGER = {
    "zoom": 4 / 3,
    "turn": 5 / 4,
}  # how much of the photo these views need beyond what they show


def seen_whole(photo, size: int, view: str = "plain") -> np.ndarray:
    """Return the photo as uint8 (size, size, 3): shorter side to `size`, centre cropped, as one of VIEWS.

    "flip" mirrors it, "zoom" shows its middle three quarters, "turn" turns it by 15 degrees and crops what that leaves
    empty, "vivid" raises saturation and lightness.
    """
    photo = v2.functional.resize(photo, round(size * LARGER.get(view, 1)), antialias=True)
    if view == "turn":
        photo = v2.functional.rotate(photo, 15, v2.InterpolationMode.BILINEAR)
    if view == "vivid":
        photo = v2.functional.adjust_brightness(v2.functional.adjust_saturation(photo, 1.4), 1.2)
    pixels = np.array(v2.functional.center_crop(photo, size))  # a copy that torch may own
    return np.ascontiguousarray(pixels[:, ::-1]) if view == "flip" else pixels
