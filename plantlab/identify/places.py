"""Where a model's plants were seen: learnt, and kept as a table that names no garden gate."""

import numpy as np
import pandas as pd

from plantlab.predictions import Predictions
from plantlab.predictions.prior import Prior, Settings, choose_prior

COLUMNS = ["species", "latitude", "longitude", "date"]
CELL = 1.0  # degrees: places are judged by places outside of their cell
LEAST = 200  # plants whose place is known; fewer say too little
ROUNDED = 1  # decimals of a degree, about ten kilometres


def learn_places(learnt: pd.DataFrame, valid: Predictions) -> tuple[Prior, Settings] | None:
    """Return where species were seen and how much that shall count; None where too little is known.

    Args:
        learnt: the image table of train. valid: a row a plant.
    """
    if not set(COLUMNS) <= set(learnt) or not set(COLUMNS) <= set(valid.images):
        return None
    known = learnt.dropna(subset=["species", "latitude", "longitude"])
    coarse = known.round({"latitude": ROUNDED, "longitude": ROUNDED})
    prior = Prior(coarse, valid.species)
    if len(prior.columns) < LEAST:
        return None
    return prior, choose_prior(prior, valid, CELL)


def to_table(prior: Prior) -> pd.DataFrame:
    """Return a row a plant: species, latitude, longitude, and its day in the year 2001."""
    days = pd.Series(pd.Timestamp(2001, 1, 1) + pd.to_timedelta(prior.day - 1, unit="D"))
    places = {"latitude": prior.latitude, "longitude": prior.longitude}
    names = np.array(prior.species)[prior.columns]
    return pd.DataFrame({"species": names, **places, "date": days.dt.strftime("%Y-%m-%d")})


def from_table(table: pd.DataFrame, species: list[str]) -> Prior:
    """Return the prior of such a table."""
    return Prior(table.assign(obs_id=range(len(table))), species)
