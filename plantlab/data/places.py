"""The species that a place and a season allow."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from plantlab.data.dates import months_of
from plantlab.data.table import observations, require

EARTH_RADIUS = 6371  # km


def flora_of(
    images: pd.DataFrame,
    latitude: float,
    longitude: float,
    date: str | pd.Timestamp | None = None,
    radius: float = 100.0,
    months: float = 2,
    few: int = 5,
) -> list[str]:
    """Return the species seen in `images` near a place, at about a date's time of the year.

    That a rare species was not seen says little: those with under `few` observations stay. So do
    all species where nothing was seen at all. An observation, or a question, of unknown place or
    date is taken to be near.

    Args:
        latitude, longitude: in degrees.
        date: of any year; None asks about the whole of it.
        radius: in km.
        months: to either side of the date's month.
    Raises:
        TableError: no `species`, `latitude`, `longitude` or `date`.
    Introduced in notebook 06.
    """
    require(images, "species", "latitude", "longitude", "date")
    kilometres = kilometres_between(images["latitude"], images["longitude"], latitude, longitude)
    is_far = kilometres > radius  # what is not known is NaN, and not far
    if date:
        is_far |= _months_apart(images["date"], date) > months
    plants = pd.Series(observations(images), images.index)
    counts = images.loc[~plants.duplicated(), "species"].value_counts()
    if is_far.all():
        return sorted(counts.index)
    seen_near = set(images.loc[~is_far, "species"].dropna())
    rare = set(counts.index[counts < few])
    return sorted(seen_near | rare)


def flora_mask(
    images: pd.DataFrame,
    asked: pd.DataFrame,
    species: Sequence[str],
    radius: float = 100.0,
    months: float = 2,
    few: int = 5,
) -> np.ndarray:
    """Return which species `flora_of` allows for each row of `asked`, bool (N, K).

    The same rule for many places at once: a thousand in a second.

    Args:
        asked: rows with latitude, longitude and date.
        species: the K names, in column order.
    Raises:
        TableError: no `species`, `latitude`, `longitude` or `date`.
    Introduced in notebook 06.
    """
    require(images, "species", "latitude", "longitude", "date")
    require(asked, "latitude", "longitude", "date")
    column = pd.Index(species).get_indexer(images["species"])  # -1: is not asked for
    plants = observations(images)
    n_plants = pd.Series(plants).groupby(images["species"].to_numpy()).nunique()
    is_rare = pd.Series(species).map(n_plants) < few  # never seen: not rare, but not here
    latitudes = images["latitude"].to_numpy(dtype=float)
    longitudes = images["longitude"].to_numpy(dtype=float)
    month = months_of(images["date"]).to_numpy(dtype=float)
    allowed = np.tile(is_rare.to_numpy(), (len(asked), 1))
    where = zip(asked["latitude"], asked["longitude"], months_of(asked["date"]))
    for row, (latitude, longitude, asked_month) in enumerate(where):
        kilometres = kilometres_between(latitudes, longitudes, latitude, longitude)
        apart = (month - asked_month) % 12
        is_far = kilometres > radius
        is_far |= np.minimum(apart, 12 - apart) > months
        seen = column if is_far.all() else column[~is_far]
        allowed[row, seen[seen >= 0]] = True
    return allowed


def kilometres_between(
    latitudes: pd.Series | np.ndarray,
    longitudes: pd.Series | np.ndarray,
    latitude: float | np.ndarray,
    longitude: float | np.ndarray,
) -> pd.Series | np.ndarray:
    """Return how far places lie from another, or from others, in km, by the haversine formula."""
    lat = np.radians(latitudes)
    lon = np.radians(longitudes)
    here = np.radians(latitude)
    there = np.radians(longitude)
    north = np.sin((lat - here) / 2) ** 2
    east = np.cos(lat) * np.cos(here) * np.sin((lon - there) / 2) ** 2
    return 2 * EARTH_RADIUS * np.arcsin(np.sqrt(north + east))


def _months_apart(dates: pd.Series, date: str | pd.Timestamp) -> pd.Series:
    """Return how many months each date is away from `date` in the circle of the year, 0 to 6."""
    apart = (months_of(dates) - pd.to_datetime(date).month) % 12
    return np.minimum(apart, 12 - apart)
