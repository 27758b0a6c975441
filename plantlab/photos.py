"""Open any photo file as people send them, or say in one sentence why it cannot be opened."""

import contextlib
import hashlib
import io
import os
import uuid
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from pillow_heif import register_heif_opener

from plantlab.table import add_note, project_root, require

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".jp2", ".avif"}
CAMERA = {"date": None, "latitude": np.nan, "longitude": np.nan}  # what EXIF may hold
MIN_SIDE = 32  # pixels; less holds no plant
# Pillow warns from 89 megapixels on, which cameras reach, and refuses from 179: that one stays.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", "Corrupt EXIF data", UserWarning)
register_heif_opener()  # what an iPhone saves
REASONS = {
    FileNotFoundError: "missing",
    IsADirectoryError: "a folder, not a file",
    UnidentifiedImageError: "not an image that Pillow reads",
    Image.DecompressionBombError: "too large: over 179 megapixels, a decompression bomb",
}


class PhotoError(ValueError):
    """A file is no photo that can be read; the message says why."""


def write_whole(path: str | Path, content: bytes | str | Callable[[Path], object]) -> Path:
    """Write `path` whole or not at all, and return it: a killed run leaves no half file for the next to read.

    `content` is what to write, or a function that writes the file whose path it is given.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    content = content.encode() if isinstance(content, str) else content
    try:
        content(part) if callable(content) else part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def open_photo(path: str | Path | bytes | memoryview, size: int | None = None) -> Image.Image:
    """Return the photo as RGB, upright; transparency on white, of an animation the first frame.

    Args:
        path: a file, or its bytes.
        size: shorter side wanted; a JPEG is then decoded at the least scale that is not below it, 2 to 4 times as fast.
    Raises:
        PhotoError: missing, empty, not an image, truncated, or over 179 megapixels.
    """
    content = b""
    try:
        content = Path(path).read_bytes() if isinstance(path, str | os.PathLike) else bytes(path)
        photo = Image.open(io.BytesIO(content))
        if size:
            photo.draft(photo.mode, (size, size))
        photo.load()
        return _to_rgb(photo)
    except Exception as error:  # broken files raise almost anything: SyntaxError, struct.error, EOFError, ...
        if isinstance(error, UnidentifiedImageError) and not content:
            reason = "zero bytes"
        elif isinstance(error, EOFError) or any(w in str(error).lower() for w in ("truncated", "end of file")):
            reason = "truncated"
        else:
            reason = REASONS.get(type(error)) or f"unreadable: {getattr(error, 'strerror', None) or repr(error)}"
        raise PhotoError(reason) from None


def _to_rgb(photo: Image.Image) -> Image.Image:
    with contextlib.suppress(Exception):  # unreadable EXIF says nothing about the pixels
        ImageOps.exif_transpose(photo, in_place=True)
    if photo.mode[0] in "IF":  # 16 or 32 bits a pixel, which convert() would clip at 255
        pixels = np.asarray(photo, dtype=float)
        low, high = (0, 65535) if "16" in photo.mode else (pixels.min(), pixels.max())  # 32 bits know no white
        photo = Image.fromarray((255 * (pixels - low) / max(high - low, 1e-9)).astype(np.uint8))
    if photo.has_transparency_data:
        photo = photo.convert("RGBA")
        photo = Image.alpha_composite(Image.new("RGBA", photo.size, "white"), photo)
    return photo if photo.mode == "RGB" else photo.convert("RGB")


def thumbnail(photo: str | Path | bytes | Image.Image, size: int) -> bytes:
    """Return a JPEG of a photo, at most `size` pixels on a side. Raises PhotoError as open_photo does."""
    picture = photo if isinstance(photo, Image.Image) else open_photo(photo, size)
    picture.thumbnail((size, size))
    picture.save(jpeg := io.BytesIO(), "JPEG", quality=85)
    return jpeg.getvalue()


def set_aside(images: pd.DataFrame, cache: str | Path | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (good, bad): the images that can be read, with width, height, sha1 and phash, and those that cannot.

    Every row is in one of the two, numbered from 0; `bad` says why in its column `problem`. Every file is decoded
    whole, once: `cache`, data/cache/photos.parquet or the Parquet file named, keeps it until its size or time changes.
    Where cameras wrote it, `taken` says when, and `date`, `latitude` and `longitude` stand in for what the table lacks.
    """
    require(images, "image_path")
    cache = project_root() / "data" / "cache" / "photos.parquet" if cache is None else Path(cache)
    known = pd.read_parquet(cache) if cache.is_file() else pd.DataFrame({"key": []})
    known = known if "date" in known else known.iloc[:0]  # from before cameras were asked
    keys = images["image_path"].map(_key)
    new = keys[~keys.isin(known["key"])].drop_duplicates()
    if len(new):
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow decodes without the GIL
            found = pd.DataFrame(pool.map(_inspect, images.loc[new.index, "image_path"])).assign(key=new.to_numpy())
        known = pd.concat([known, found], ignore_index=True) if len(known) else found
        write_whole(cache, lambda part: known.to_parquet(part, index=False))
    facts = known.set_index("key").loc[keys].set_index(images.index).assign(taken=lambda facts: facts["date"])
    for column in images.columns.intersection([*CAMERA]):
        facts[column] = images[column].where(images[column].notna(), facts[column])
    found = images.assign(**facts.dropna(axis=1, how="all"))
    good = found[found["problem"] == ""].drop(columns="problem").reset_index(drop=True)
    bad = found[found["problem"] != ""].reset_index(drop=True)
    if len(bad):
        reasons = bad["problem"].str.split(":").str[0].value_counts()
        listed = "; ".join(f"{n} {reason}" for reason, n in reasons.items())
        add_note(good, f"Files set aside: {len(bad)} of {len(images)} ({listed}).")
    return good, bad


def _key(path: str) -> str:
    stat = os.stat(path) if os.path.exists(path) else None
    return f"{path}|{stat.st_size}|{stat.st_mtime_ns}" if stat else f"{path}|missing"


def _inspect(path: str) -> dict:
    """Return width, height (upright), sha1 of the file, phash (64 bits in hex), CAMERA and problem ("" = fine)."""
    import imagehash

    facts = {"width": 0, "height": 0, "sha1": "", "phash": "", **CAMERA, "problem": ""}
    try:
        content = Path(path).read_bytes() if os.path.isfile(path) else b""
        facts["sha1"] = hashlib.sha1(content).hexdigest() if content else ""
        photo = open_photo(content or path, size=64)
        file = Image.open(io.BytesIO(content))
        width, height = file.size
        if (width - height) * (photo.width - photo.height) < 0:  # EXIF turned it
            width, height = height, width
        facts |= {"width": width, "height": height, "phash": str(imagehash.phash(photo))} | _camera(file)
        if min(width, height) < MIN_SIDE:
            facts["problem"] = f"too small: {width} x {height} pixels, at least {MIN_SIDE} needed"
    except (PhotoError, OSError) as error:
        facts["problem"] = str(error)
    return facts


def _camera(file: Image.Image) -> dict:
    """Return those of CAMERA that the file's EXIF holds."""
    said = {}
    with contextlib.suppress(Exception):  # damaged, or a clock that was never set
        written = file.getexif().get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal]
        said["date"] = datetime.strptime(written.strip("\0 "), "%Y:%m:%d %H:%M:%S").isoformat(" ")
    with contextlib.suppress(Exception):
        gps = file.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        for name, at in {"latitude": 1, "longitude": 3}.items():
            degrees, minutes, seconds = map(float, gps[at + 1])
            said[name] = round((degrees + minutes / 60 + seconds / 3600) * (-1 if gps[at] in "SW" else 1), 6)
    return said
