"""Images as clients send them: looked at before anything is decoded."""

import hashlib
import io
from dataclasses import dataclass

from PIL import Image

from plantlab.identify.answer import MAX_PHOTOS
from plantlab.service.refusals import Refusal

MAX_PIXELS = 50_000_000  # of an image
PRIMARY = ("leaf", "flower", "fruit", "bark", "auto")
OTHERS = ("habit", "other")  # beside a primary organ alone
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
    try:
        image = Image.open(io.BytesIO(upload.content), formats=kinds)
    except Image.DecompressionBombError:
        raise _too_many_pixels(told) from None
    except Exception:
        raise unreadable(told, "damaged") from None
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels(told)
    return image


def _too_many_pixels(told: str) -> Refusal:
    most = MAX_PIXELS // 1_000_000
    return Refusal(
        400, f"{told} has more than {most} megapixels; shrink it, 1280 pixels are enough."
    )


def unreadable(told: str, why: str) -> Refusal:
    """Return the refusal of an image that cannot be decoded."""
    return Refusal(400, f"{told} cannot be read: {why}.")


def check_question(images: list[Upload], organs: list[str]) -> list[str]:
    """Return an organ for each image of a question that may be asked; "auto" where none was said.

    Raises:
        Refusal: 400, no image or too many, one that is not taken, organs that do not fit them.
    """
    if not images:
        raise Refusal(400, '"images" is required: 1 to 5 JPEG or PNG files of one plant.')
    if len(images) > MAX_PHOTOS:
        raise Refusal(400, f"at most {MAX_PHOTOS} images show a plant; got {len(images)}.")
    known = [*PRIMARY, *OTHERS]
    for number, organ in enumerate(organs):
        if organ not in known:
            raise Refusal(400, f'"organs[{number}]" must be one of {known}; got "{organ}".')
    if organs and len(organs) != len(images):
        raise Refusal(
            400,
            f"Number of images and organs must match: got {len(images)} images and "
            f"{len(organs)} organs.",
        )
    if organs and not set(organs) & set(PRIMARY):
        raise Refusal(400, f'"organs" must hold one of {list(PRIMARY)} beside {list(OTHERS)}.')
    for number, upload in enumerate(images):
        check_image(upload, f"image[{number}]")
    return organs or ["auto"] * len(images)
