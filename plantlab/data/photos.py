"""Open any photo file as people send them, or say in one sentence why it cannot be opened."""

import contextlib
import io
import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from pillow_heif import register_heif_opener

from plantlab.data.addresses import content_of

SUFFIXES = {
    ".jpg",
    ".jpeg",
    ".png",
    ".webp",
    ".gif",
    ".bmp",
    ".tif",
    ".tiff",
    ".heic",
    ".heif",
    ".jp2",
    ".avif",
    ".jfif",
    ".jpe",
}

# What cameras write before they make a photo of it; Pillow would read its thumbnail.
RAW = {".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".raf", ".rw2", ".pef", ".srw"}

register_heif_opener()  # what an iPhone saves

warnings.filterwarnings("ignore", "Corrupt EXIF data", UserWarning)

# Pillow warns from 89 megapixels on, which cameras reach, and refuses from 179: that one stays.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

REASONS = {
    FileNotFoundError: "missing",
    IsADirectoryError: "a folder, not a file",
    UnidentifiedImageError: "not an image that Pillow reads",
    Image.DecompressionBombError: "too large: over 179 megapixels, a decompression bomb",
}


class PhotoError(ValueError):
    """A file is no photo that can be read; the message says why."""


def open_photo(path: str | Path | bytes | memoryview, size: int | None = None) -> Image.Image:
    """Return the photo as RGB, upright; transparency on white, of an animation the first frame.

    Args:
        path: a file, a part of one (see addresses), or its bytes.
        size: shorter side wanted; a JPEG is then decoded at the least scale that is not below it,
            2 to 4 times as fast.
    Raises:
        PhotoError: missing, empty, not an image, truncated, or over 179 megapixels.
    """
    content = b""
    if isinstance(path, str | os.PathLike) and is_raw(path):
        raise PhotoError("a camera's raw file; save it as JPEG")
    try:
        content = content_of(path) if isinstance(path, str | os.PathLike) else bytes(path)
        photo = Image.open(io.BytesIO(content))
        if size:
            photo.draft(photo.mode, (size, size))
        photo.load()
        return _to_rgb(photo)
    # broken files raise almost anything: SyntaxError, struct.error, EOFError, ...
    except Exception as error:
        raise PhotoError(_why_unreadable(error, content)) from None


def is_raw(path: str | Path) -> bool:
    """Return whether a file's name says that it is what a camera saw, and no photo yet."""
    return Path(path).suffix.lower() in RAW


def _why_unreadable(error: Exception, content: bytes) -> str:
    if isinstance(error, UnidentifiedImageError) and not content:
        return "zero bytes"
    said = str(error).lower()
    if isinstance(error, EOFError) or "truncated" in said or "end of file" in said:
        return "truncated"
    if type(error) in REASONS:
        return REASONS[type(error)]
    detail = getattr(error, "strerror", None) or repr(error)
    return f"unreadable: {detail}"


def _to_rgb(photo: Image.Image) -> Image.Image:
    with contextlib.suppress(Exception):  # unreadable EXIF says nothing about the pixels
        ImageOps.exif_transpose(photo, in_place=True)
    if photo.mode[0] in "IF":
        photo = _to_8_bits(photo)
    if photo.has_transparency_data:
        photo = photo.convert("RGBA")
        white = Image.new("RGBA", photo.size, "white")
        photo = Image.alpha_composite(white, photo)
    return photo if photo.mode == "RGB" else photo.convert("RGB")


def _to_8_bits(photo: Image.Image) -> Image.Image:
    """Return a photo of 16 or 32 bits a pixel in grey; convert() would clip these at 255."""
    pixels = np.asarray(photo, dtype=float)
    if "16" in photo.mode:
        low, high = 0, 65535
    else:  # 32 bits know no white
        low, high = pixels.min(), pixels.max()
    stretched = 255 * (pixels - low) / max(high - low, 1e-9)
    return Image.fromarray(stretched.astype(np.uint8))


def thumbnail(photo: str | Path | bytes | Image.Image, size: int) -> bytes:
    """Return a JPEG of a photo, at most `size` pixels on a side.

    Raises:
        PhotoError: as open_photo does.
    """
    picture = photo if isinstance(photo, Image.Image) else open_photo(photo, size)
    picture.thumbnail((size, size))
    jpeg = io.BytesIO()
    picture.save(jpeg, "JPEG", quality=85)
    return jpeg.getvalue()
