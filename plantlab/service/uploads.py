"""Images as clients send them: looked at before anything is decoded."""

import hashlib
import io
from contextlib import suppress
from dataclasses import dataclass

from PIL import ExifTags, Image

from plantlab.identify.answer import MAX_PHOTOS
from plantlab.service.refusals import Refusal

MAX_PIXELS = 50_000_000  # of an image
MAX_RATIO = 20  # of its sides; a strip would be blown up to a square's height
MAX_SEGMENTS = 2000  # of a JPEG's head, which is read one by one
PRIMARY = ("leaf", "flower", "fruit", "bark", "auto")
OTHERS = ("habit", "other")  # beside a primary organ alone
SIDEWAYS = (5, 6, 7, 8)  # orientations of EXIF in which width and height are exchanged
BEGINNINGS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}


@dataclass(frozen=True)
class Upload:
    """An image that may be decoded: its name, and its bytes."""

    filename: str
    content: bytes

    @property
    def sha1(self) -> str:
        """What the image is called in answers."""
        return hashlib.sha1(self.content).hexdigest()


def check_image(upload: Upload, field: str = "image") -> Image.Image:
    """Return the image, opened and not decoded.

    Args:
        field: what the request calls it, for the message.
    Raises:
        Refusal: 400, it is neither JPEG nor PNG, has no readable head, or too many pixels.
    """
    told = f'{field} ("{upload.filename}")'
    kinds = [kind for start, kind in BEGINNINGS.items() if upload.content.startswith(start)]
    if not kinds:
        what = "is empty" if not upload.content else "is neither"
        raise Refusal(400, f"Unsupported file type for {told} (jpeg or png): it {what}.")
    if kinds == ["JPEG"] and _n_segments(upload.content) > MAX_SEGMENTS:
        raise unreadable(told, f"its head has more than {MAX_SEGMENTS} segments")
    try:
        image = Image.open(io.BytesIO(upload.content), formats=kinds)
    except Image.DecompressionBombError:
        raise _too_many_pixels(told) from None
    except Exception:
        raise unreadable(told, "damaged") from None
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels(told)
    if max(image.size) > MAX_RATIO * min(image.size):
        size = f"{image.width} x {image.height} pixels"
        raise Refusal(400, f"{told} has {size}, a strip; its sides may be as 1 to {MAX_RATIO}.")
    return image


def _n_segments(content: bytes) -> int:
    """Return how many segments stand before the pixels of a JPEG, at most one more than allowed."""
    at = 2
    for number in range(MAX_SEGMENTS + 1):
        if content[at : at + 1] != b"\xff" or content[at + 1 : at + 2] == b"\xda":
            return number
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return MAX_SEGMENTS + 1


def upright_size(head: Image.Image) -> tuple[int, int]:
    """Return width and height of an image as photos.open_photo turns it; nothing is decoded."""
    exif = Image.Exif()
    with suppress(Exception):  # unreadable EXIF says nothing
        exif.load(head.info.get("exif", b""))
    turned = exif.get(ExifTags.Base.Orientation) in SIDEWAYS
    return (head.height, head.width) if turned else (head.width, head.height)


def _too_many_pixels(told: str) -> Refusal:
    most = MAX_PIXELS // 1_000_000
    return Refusal(
        400, f"{told} has more than {most} megapixels; shrink it, 1280 pixels are enough."
    )


def unreadable(told: str, why: str) -> Refusal:
    """Return the refusal of an image that cannot be decoded."""
    return Refusal(400, f"{told} cannot be read: {why}.")


def check_count(n_images: int, organs: list[str]) -> None:
    """Check what can be checked before an image is there.

    Raises:
        Refusal: 400, no image or too many, organs that are not known or do not fit them.
    """
    if not n_images:
        raise Refusal(400, '"images" is required: 1 to 5 JPEG or PNG files of one plant.')
    if n_images > MAX_PHOTOS:
        raise Refusal(400, f"at most {MAX_PHOTOS} images show a plant; got {n_images}.")
    known = [*PRIMARY, *OTHERS]
    for number, organ in enumerate(organs):
        if organ not in known:
            raise Refusal(400, f'"organs[{number}]" must be one of {known}; got "{organ[:40]}".')
    if organs and len(organs) != n_images:
        raise Refusal(
            400,
            f"Number of images and organs must match: got {n_images} images and "
            f"{len(organs)} organs.",
        )
    if organs and not set(organs) & set(PRIMARY):
        raise Refusal(400, f'"organs" must hold one of {list(PRIMARY)} beside {list(OTHERS)}.')


def check_images(images: list[Upload]) -> None:
    """Check each image of a question about one plant.

    Raises:
        Refusal: 400, see check_image.
    """
    for number, upload in enumerate(images):
        check_image(upload, f"image[{number}]")
