"""Every file of a table decoded once: what cannot be read is set aside, and what cameras wrote is read."""

import contextlib
import hashlib
import io
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import ExifTags, Image

from plantlab.data.photos import PhotoError, open_photo
from plantlab.data.table import add_note, require
from plantlab.files import project_root, write_whole

CAMERA = {"date": None, "latitude": np.nan, "longitude": np.nan}  # what EXIF may hold

MIN_SIDE = 32  # pixels; less holds no plant


def set_aside(
    images: pd.DataFrame, cache: str | Path | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
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
            found = pd.DataFrame(pool.map(_inspect, images.loc[new.index, "image_path"])).assign(
                key=new.to_numpy()
            )
        known = pd.concat([known, found], ignore_index=True) if len(known) else found
        write_whole(cache, lambda part: known.to_parquet(part, index=False))
    facts = (
        known.set_index("key")
        .loc[keys]
        .set_index(images.index)
        .assign(taken=lambda facts: facts["date"])
    )
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
        facts |= {"width": width, "height": height, "phash": str(imagehash.phash(photo))} | _camera(
            file
        )
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
            said[name] = round(
                (degrees + minutes / 60 + seconds / 3600) * (-1 if gps[at] in "SW" else 1), 6
            )
    return said
