"""A photo as it comes back from elsewhere: smaller, cropped, brighter, mirrored."""

import io
from collections.abc import Callable

from PIL import Image, ImageEnhance, ImageOps

Alter = Callable[[Image.Image], Image.Image]


def reencode(photo: Image.Image, quality: int = 40) -> Image.Image:
    """Return the photo saved as a JPEG of low quality and opened again."""
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def halve(photo: Image.Image) -> Image.Image:
    """Return the photo at half its width and height, of one pixel at least."""
    return photo.resize((max(1, photo.width // 2), max(1, photo.height // 2)))


def brighten(photo: Image.Image) -> Image.Image:
    """Return the photo half as bright again."""
    return ImageEnhance.Brightness(photo).enhance(1.5)


def crop(photo: Image.Image, kept: float) -> Image.Image:
    """Return the middle of the photo, `kept` of its width and height, in (0, 1]."""
    width = round(photo.width * kept)
    height = round(photo.height * kept)
    left = (photo.width - width) // 2
    top = (photo.height - height) // 2
    return photo.crop((left, top, left + width, top + height))


ALTERATIONS: dict[str, Alter] = {
    "re-encoded": reencode,
    "half the size": halve,
    "brighter": brighten,
    "cropped to 90 %": lambda photo: crop(photo, 0.9),
    "cropped to 70 %": lambda photo: crop(photo, 0.7),
    "mirrored": ImageOps.mirror,
}
