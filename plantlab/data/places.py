"""The species that a place and a season allow."""

import numpy as np
import pandas as pd

from plantlab.data.table import observations, require


def flora_of(
    images: pd.DataFrame, latitude, longitude, date=None, radius=100.0, months=2, few=5
) -> list[str]:
    """Return the species seen in `images` within `radius` km of a place and `months` of a date's month, in any year.

    That a rare species was not seen says little: those with under `few` observations stay. So do all species where
    nothing was seen at all. An observation, or a question, of unknown place or date is taken to be near.

    Raises:
        TableError: no `species`, `latitude`, `longitude` or `date`.
    Introduced in notebook 06.
    """
    require(images, "species", "latitude", "longitude", "date")
    lat, lon, here, there = map(
        np.radians, (images["latitude"], images["longitude"], latitude, longitude)
    )
    haversine = (
        np.sin((lat - here) / 2) ** 2 + np.cos(lat) * np.cos(here) * np.sin((lon - there) / 2) ** 2
    )
    far = 2 * 6371 * np.arcsin(np.sqrt(haversine)) > radius
    month = pd.to_datetime(images["date"], errors="coerce", format="mixed").dt.month
    apart = (month - pd.to_datetime(date).month) % 12 if date else 0 * month
    far |= np.minimum(apart, 12 - apart) > months
    counts = images[~pd.Series(observations(images), images.index).duplicated()][
        "species"
    ].value_counts()
    return sorted(
        counts.index
        if far.all()
        else {*images["species"][~far].dropna(), *counts.index[counts < few]}
    )
