"""Whether a promise made on valid plants was kept on others, and how many were named."""

import numpy as np
import pandas as pd

from plantlab.data.table import observations
from plantlab.predictions.intervals import bootstrap_interval
from plantlab.predictions.predictions import Predictions


def kept(told: pd.DataFrame, predictions: Predictions) -> pd.DataFrame:
    """Return how often the answers of `back_off` are right at each rank, with 95 % intervals.

    Columns: rank, n, right, low and high. A rank at which nothing was answered is left out.

    Args:
        told: what back_off gave for `predictions`.
    """
    plants = observations(predictions.images)
    rows = []
    for rank in ("species", "genus", "family"):
        at_rank = (told["rank"] == rank).to_numpy()
        if not at_rank.any():
            continue
        right = told["right"].to_numpy(dtype=float)[at_rank]
        low, high = bootstrap_interval(right, plants[at_rank])
        row = {"rank": rank, "n": len(right), "right": right.mean()}
        rows.append(row | {"low": low, "high": high})
    return pd.DataFrame(rows, columns=["rank", "n", "right", "low", "high"])


def coverage(told: pd.DataFrame, kind: str) -> dict[str, float | str]:
    """Return how many plants were given a species' name, and how many of the names are right.

    Keys: n; kind; unlike, the share that resembles nothing known; named, the share with a name,
    with named_low and named_high, 95 % over plants; right_of_named, nan where none was named. Of no
    plants at all n is 0 and the rest nan.

    Args:
        told: a row a plant, with its `rank` (see Identifier.tell) and whether the name is `right`.
    """
    named = told["rank"].eq("species")
    low, high = np.nan, np.nan
    if len(told):
        low, high = bootstrap_interval(named.to_numpy(float), told.index.to_numpy())
    row = {"n": len(told), "kind": kind, "unlike": told["rank"].eq("unlike").mean()}
    row |= {"named": named.mean(), "named_low": low, "named_high": high}
    return row | {"right_of_named": told["right"][named].mean()}
