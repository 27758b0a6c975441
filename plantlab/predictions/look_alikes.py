"""What look-alikes have in common with the photo that was asked about."""

import numpy as np
import pandas as pd

from plantlab.data.table import data_kind, observations
from plantlab.predictions.intervals import bootstrap_interval

RANKS = ("species", "genus", "family")


def same_as_asked(asked: pd.DataFrame, known: pd.DataFrame, found: np.ndarray) -> dict:
    """Return, by species, genus and family, which look-alikes share it: {column: bool (Q, k)}.

    Args:
        asked, known: image tables, Q and N rows. found: rows of `known`, (Q, k), best first.
    """
    columns = [column for column in RANKS if column in asked and column in known]
    same = {}
    for column in columns:
        near = known[column].to_numpy()[found]
        same[column] = near == asked[column].to_numpy()[:, None]
    return same


def shares_of_same(asked: pd.DataFrame, known: pd.DataFrame, found: np.ndarray) -> pd.DataFrame:
    """Return how often the first look-alike shares species, genus and family; and by chance.

    Columns: method ("same species", ...), first, first_low, first_high (95 %, over plants), all (of
    all k), chance (of a known photo that is drawn), n, kind.
    """
    rows = []
    for column, same in same_as_asked(asked, known, found).items():
        first = same[:, 0].astype(float)
        low, high = bootstrap_interval(first, observations(asked))
        common = known[column].value_counts(normalize=True)
        row = {"method": f"same {column}", "first": first.mean(), "first_low": low}
        row |= {"first_high": high, "all": same.mean(), "n": len(asked)}
        rows.append(row | {"chance": asked[column].map(common).fillna(0).mean()})
    return pd.DataFrame(rows).assign(kind=data_kind(asked))
