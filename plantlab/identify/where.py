"""Where and when a plant was met, as told or as its photos say."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from plantlab.data.inspection import camera_of


@dataclass(frozen=True)
class Where:
    """A place, and a day if it is known.

    Attributes:
        latitude, longitude: in degrees.
        date: such as "2025-05-17"; None asks about no season.
        source: who says so: "given", or "photo", what the camera wrote.
    Raises:
        ValueError: a place that lies off the globe, a date that is none.
    """

    latitude: float
    longitude: float
    date: str | None = None
    source: str = "given"

    def __post_init__(self):
        if abs(self.latitude) > 90 or abs(self.longitude) > 180:
            raise ValueError(
                "a place is a latitude from -90 to 90 and a longitude from -180 to 180, in "
                f"degrees; got {self.latitude}, {self.longitude}."
            )
        if self.date is not None and pd.isna(pd.to_datetime(self.date, errors="coerce")):
            raise ValueError(f"a date is such as 2025-05-17; got {self.date!r}.")

    def __str__(self) -> str:
        day = f", {str(self.date)[:10]}" if self.date else ""
        said = " (as its photo says)" if self.source == "photo" else ""
        return f"{self.latitude:.3f}, {self.longitude:.3f}{day}{said}"


NOWHERE = Where(np.nan, np.nan)  # a place that is not known


def where_of(photos: list) -> Where | None:
    """Return where the first photo was taken that says so in its EXIF, None if none does.

    Args:
        photos: files, or their bytes.
    """
    for photo in photos:
        content = photo if isinstance(photo, bytes) else Path(photo).read_bytes()
        try:
            said = camera_of(Image.open(io.BytesIO(content)))
        except Exception:  # no photo: who reads it says so
            continue
        if "latitude" in said:
            return Where(said["latitude"], said["longitude"], said.get("date"), "photo")
    return None


def read_where(text: str, date: str | None = None) -> Where:
    """Return the place that a person wrote as "45.2, 3.1".

    Raises:
        ValueError: it is not written so, or lies off the globe.
    """
    parts = text.replace(";", ",").split(",")
    try:
        latitude, longitude = map(float, parts)
    except ValueError:
        raise ValueError(
            f"a place is latitude, longitude in degrees, such as 45.2, 3.1; got {text!r}."
        ) from None
    if not np.isfinite([latitude, longitude]).all():
        raise ValueError(f"a place is two numbers of degrees; got {text!r}.")
    return Where(latitude, longitude, date)
