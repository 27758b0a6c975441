"""Every file of a table decoded once: the broken are set aside, and what cameras wrote is read."""

import contextlib
import hashlib
import io
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import ExifTags, Image

from plantlab.data.addresses import content_of, file_of, is_far, is_part, stamp
from plantlab.data.photos import PhotoError, is_raw, open_photo
from plantlab.data.table import add_note, require
from plantlab.files import project_root, write_whole

FACTS = ["width", "height", "sha1", "phash"]  # of every photo that can be read

CAMERA = {"date": None, "latitude": np.nan, "longitude": np.nan}  # what EXIF may hold

GPS_TAGS = {  # column: an angle in degrees, minutes and seconds, and the letter of its half
    "latitude": (ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef),
    "longitude": (ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef),
}

MIN_SIDE = 32  # pixels; less holds no plant


def set_aside(
    images: pd.DataFrame, cache: str | Path | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (good, bad): the images that can be read, and those that cannot.

    Every row is in one of the two, numbered from 0. Both have width, height, sha1 and phash; `bad`
    says why in its column `problem`. Where cameras wrote it, `taken` says when, and `date`,
    `latitude` and `longitude` stand in for what the table lacks.

    Args:
        cache: the Parquet file, data/cache/photos.parquet unless named, that keeps what was found.
            Every file is decoded whole, once, until its size or time changes. Photos in shards were
            when they were packed, and are not.
    """
    require(images, "image_path")
    if _were_packed(images):
        return images.reset_index(drop=True), images.assign(problem="").iloc[:0]
    if cache is None:
        cache = project_root() / "data" / "cache" / "photos.parquet"
    facts = _inspect_all(images["image_path"], Path(cache))
    facts["taken"] = facts["date"]
    for column in images.columns.intersection([*CAMERA]):
        given = images[column]
        facts[column] = given.where(given.notna(), facts[column])
    facts = facts.dropna(axis=1, how="all")
    found = images.assign(**facts)
    is_bad = found["problem"] != ""
    good = found[~is_bad].drop(columns="problem").reset_index(drop=True)
    bad = found[is_bad].reset_index(drop=True)
    if len(bad):
        reasons = bad["problem"].str.split(":").str[0].value_counts()
        listed = "; ".join(f"{n} {reason}" for reason, n in reasons.items())
        add_note(good, f"Files set aside: {len(bad)} of {len(images)} ({listed}).")
        _note_lost_species(good, bad)
    return good, bad


def _were_packed(images: pd.DataFrame) -> bool:
    """Return whether all are parts of shards: what was packed had been inspected."""
    if not {*FACTS} <= set(images) or images[FACTS].isna().any(axis=None):
        return False
    return all(map(is_part, images["image_path"]))


def _note_lost_species(good: pd.DataFrame, bad: pd.DataFrame) -> None:
    """Add a note to `good` where no photo of a species can be read."""
    if "species" not in bad:
        return
    kept = set(good.get("species", pd.Series(dtype=object)))
    lost = sorted(set(bad["species"].dropna()) - kept)
    if lost:
        more = ", ..." if len(lost) > 5 else ""
        names = ", ".join(lost[:5]) + more
        add_note(good, f"Species of which no photo can be read: {len(lost)} ({names}).")


def _inspect_all(paths: pd.Series, cache: Path) -> pd.DataFrame:
    """Return what `_inspect` says of each path, and write into `cache` what was not known yet."""
    known = _read_cache(cache)
    keys = paths.map(stamp)
    is_new = ~keys.isin(known["key"])
    new = keys[is_new].drop_duplicates()
    if len(new):
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow decodes without the GIL
            found = pd.DataFrame(pool.map(_inspect, paths.loc[new.index]))
        found["key"] = new.to_numpy()
        known = pd.concat([known, found], ignore_index=True) if len(known) else found
        write_whole(cache, partial(known.to_parquet, index=False))
    return known.set_index("key").loc[keys].set_index(paths.index)


def _read_cache(cache: Path) -> pd.DataFrame:
    if not cache.is_file():
        return pd.DataFrame({"key": []})
    known = pd.read_parquet(cache)
    if "date" not in known:  # from before cameras were asked
        return known.iloc[:0]
    return known


def _inspect(path: str) -> dict:
    """Return what a file holds.

    That is width, height (upright), sha1 of the file, phash (64 bits in hex), CAMERA, and problem,
    "" where there is none.
    """
    import imagehash

    facts = {"width": 0, "height": 0, "sha1": "", "phash": "", **CAMERA, "problem": ""}
    try:
        there = is_far(path) or os.path.isfile(file_of(path))
        content = content_of(path) if there else b""
        facts["sha1"] = hashlib.sha1(content).hexdigest() if content else ""
        shown = path if is_raw(path) or not content else content  # the path says more
        photo = open_photo(shown, size=64)
        file = Image.open(io.BytesIO(content))
        width, height = _upright_size(file, photo)
        facts["width"] = width
        facts["height"] = height
        facts["phash"] = str(imagehash.phash(photo))
        facts |= camera_of(file)
        if min(width, height) < MIN_SIDE:
            facts["problem"] = f"too small: {width} x {height} pixels, at least {MIN_SIDE} needed"
    except (PhotoError, OSError) as error:
        facts["problem"] = str(error)
    return facts


def _upright_size(file: Image.Image, photo: Image.Image) -> tuple[int, int]:
    """Return width and height of a file, of which `photo` is the upright picture in small."""
    width, height = file.size
    was_turned = (width - height) * (photo.width - photo.height) < 0  # by EXIF
    return (height, width) if was_turned else (width, height)


def camera_of(file: Image.Image) -> dict:
    """Return those of date, latitude and longitude that a file's EXIF holds."""
    said = {}
    with contextlib.suppress(Exception):  # damaged, or a clock that was never set
        exif = file.getexif().get_ifd(ExifTags.IFD.Exif)
        written = exif[ExifTags.Base.DateTimeOriginal].strip("\0 ")
        taken = datetime.strptime(written, "%Y:%m:%d %H:%M:%S")
        said["date"] = taken.isoformat(" ")
    with contextlib.suppress(Exception):
        gps = file.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        place = {}
        for name, (angle, half) in GPS_TAGS.items():
            place[name] = _decimal_degrees(gps[angle], gps[half])
        said |= _on_the_globe(place)
    return said


def _decimal_degrees(angle: tuple, half: str) -> float:
    """Return an angle in degrees, negative in the south and the west.

    Raises:
        ValueError: the half is not named.
    """
    degrees, minutes, seconds = map(float, angle)
    size = degrees + minutes / 60 + seconds / 3600
    side = str(half).strip("\0 ").upper()
    if side not in ("N", "S", "E", "W"):
        raise ValueError(f"a half of the globe is N, S, E or W; got {half!r}")
    return round(-size if side in "SW" else size, 6)


def _on_the_globe(place: dict[str, float]) -> dict[str, float]:
    """Return a place, or nothing where it cannot be; 0, 0 is a camera that found none."""
    latitude, longitude = place["latitude"], place["longitude"]
    can_be = abs(latitude) <= 90 and abs(longitude) <= 180 and (latitude, longitude) != (0, 0)
    return place if can_be else {}
