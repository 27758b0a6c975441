"""Several species on one photo: what its tiles say together, and how well a plot is listed.

Introduced in notebook 10.
"""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd

from plantlab.predictions.metrics import score
from plantlab.predictions.predictions import Predictions
from plantlab.predictions.prior import RADII, WEIGHTS, Prior, Settings
from plantlab.predictions.several import gained

POOLS = ("max", "mean")
RANKS = ("species", "genus", "family")
SEEN = {
    (0, 0.1): "under a tenth",
    (0.1, 0.25): "a tenth to a quarter",
    (0.25, 1.01): "over a quarter",
}
EVERY_DAY = 1000.0  # days of a kernel that asks about no season


def pool_tiles(said: Predictions, how: str = "max") -> np.ndarray:
    """Return one score a plot and species, (P, K), of its tiles' probabilities.

    Unlike Predictions.by_observation these are no probabilities: several species may be sure.

    Args:
        said: rows are tiles, `obs_id` their plot; plots keep the order in which they come.
        how: one of POOLS.
    Raises:
        ValueError: another `how`.
    """
    if how not in POOLS:
        raise ValueError(f"tiles are pooled by {' or '.join(POOLS)}; got {how!r}")
    plots = said.images["obs_id"].to_numpy()
    by_plot = pd.DataFrame(said.probs).groupby(plots, sort=False)
    pooled = by_plot.max() if how == "max" else by_plot.mean()
    return pooled.to_numpy()


def f1_by_plot(listed: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return the F1 of each plot's list of species, (P,): 2 hits / (listed + present).

    A plot without species whose list is empty has 1. Their mean is PlantCLEF's score, from 2024 on.

    Args:
        listed, present: which species were listed and which stood there, bool (P, K).
    """
    hits = (listed & present).sum(axis=1)
    both = listed.sum(axis=1) + present.sum(axis=1)
    return np.where(both > 0, 2 * hits / np.maximum(both, 1), 1.0)


def choose_threshold(scores: np.ndarray, present: np.ndarray) -> float:
    """Return the least score at which a species is listed, chosen for the mean F1 of valid plots.

    Args:
        scores: (P, K). present: bool (P, K).
    """
    tried = np.unique(np.quantile(scores, np.linspace(0.5, 1, 201)))
    means = [f1_by_plot(scores >= threshold, present).mean() for threshold in tried]
    return float(tried[int(np.argmax(means))])


def sum_tiles(
    said: Predictions, names: Sequence[str] | None, min_score: float, max_rank: int, area: float
) -> pd.DataFrame:
    """Return the names that tiles of one photo show, a row each: name, max_score, count, coverage.

    A tile shows a name whose score is at least `min_score` and among its `max_rank` best; not
    where it is `unlike`. `coverage` is the share of the photo under these tiles, `tiles` their row
    numbers, `scores` what each says.

    Args:
        said: rows are tiles with left, top, side and unlike.
        names: what each of the K species is called, such as its genus, whose scores are added; None
            takes the species itself.
        area: of the photo, in pixels.
    """
    scores = pd.DataFrame(said.probs, columns=said.species)
    if names is not None:
        scores = scores.T.groupby(np.asarray(names, dtype=object)).sum().T
    values = scores.to_numpy()
    order = (-values).argsort(axis=1, kind="stable")[:, :max_rank]
    shown = np.zeros(values.shape, bool)
    np.put_along_axis(shown, order, True, axis=1)
    shown &= values >= min_score
    shown[said.images["unlike"].to_numpy(bool)] = False
    rows = []
    for column in np.flatnonzero(shown.any(axis=0)):
        tiles = np.flatnonzero(shown[:, column])
        of_name = {"name": scores.columns[column], "max_score": values[tiles, column].max()}
        covered = covered_pixels(said.images.iloc[tiles]) / area
        of_name |= {"count": len(tiles), "coverage": covered}
        rows.append(of_name | {"tiles": tiles, "scores": values[tiles, column]})
    columns = ["name", "max_score", "count", "coverage", "tiles", "scores"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values("max_score", ascending=False, ignore_index=True)


def covered_pixels(tiles: pd.DataFrame) -> int:
    """Return how many pixels lie under at least one of the tiles: rows with left, top, side.

    >>> two = pd.DataFrame({"left": [0, 2], "top": [0, 2], "side": 4})
    >>> covered_pixels(two)  # two squares of 16 that share 4
    28
    """
    if tiles.empty:
        return 0
    left = tiles["left"].to_numpy()
    top = tiles["top"].to_numpy()
    right = left + tiles["side"].to_numpy()
    bottom = top + tiles["side"].to_numpy()
    columns = np.unique([left, right])  # between two neighbours a row is covered all or not at all
    rows = np.unique([top, bottom])
    under = np.zeros((len(rows) - 1, len(columns) - 1), bool)
    for tile in range(len(tiles)):
        inside_rows = (rows[:-1] >= top[tile]) & (rows[1:] <= bottom[tile])
        inside_columns = (columns[:-1] >= left[tile]) & (columns[1:] <= right[tile])
        under |= np.outer(inside_rows, inside_columns)
    areas = np.outer(np.diff(rows), np.diff(columns))
    return int(areas[under].sum())


def score_ways(
    ways: Mapping[str, np.ndarray], present: np.ndarray, is_valid: np.ndarray, kind: str
) -> pd.DataFrame:
    """Return how well plots of test are listed by each of several ways, a row each.

    Its columns: method, split, n, threshold (chosen on the plots of valid), f1 with its interval
    over plots, n_listed (species a plot), gain, gain_low, gain_high on the first way, kind.

    Args:
        ways: scores (P, K) by name. present: bool (P, K). is_valid: bool (P,); the others are test.
    """
    first = None
    rows = []
    for method, scores in ways.items():
        threshold = choose_threshold(scores[is_valid], present[is_valid])
        listed = scores[~is_valid] >= threshold
        f1 = pd.Series(f1_by_plot(listed, present[~is_valid]))
        first = f1 if first is None else first
        mean, low, high = gained(f1)
        gain, gain_low, gain_high = gained(f1, first)
        row = {"method": method, "split": "test", "n": len(f1), "threshold": threshold}
        row |= {"f1": mean, "f1_low": low, "f1_high": high}
        row |= {"n_listed": listed.sum(axis=1).mean()}
        gains = {"gain": gain, "gain_low": gain_low, "gain_high": gain_high}
        rows.append(row | (gains if rows else dict.fromkeys(gains, np.nan)) | {"kind": kind})
    return pd.DataFrame(rows)


def by_threshold(
    scores: np.ndarray, present: np.ndarray, chosen: float | None = None
) -> pd.DataFrame:
    """Return what a threshold does to lists: threshold, f1, precision, recall, a row each.

    Precision is the share of listed species that stand in the plots, NaN where nothing is listed;
    recall the share of those that stand there which are listed, both over all plots together; f1 is
    the mean over plots.

    Args:
        scores: (P, K). present: bool (P, K). chosen: a threshold that shall be among those tried.
    """
    rows = []
    tried = np.linspace(0.02, 0.98, 49)
    for threshold in np.unique(tried if chosen is None else [*tried, chosen]):
        listed = scores >= threshold
        hits = (listed & present).sum()
        row = {"threshold": threshold, "f1": f1_by_plot(listed, present).mean()}
        precision = hits / listed.sum() if listed.any() else np.nan
        row |= {"precision": precision, "recall": hits / present.sum()}
        rows.append(row)
    return pd.DataFrame(rows)


def spoke(said: Predictions, scores: np.ndarray, threshold: float) -> pd.DataFrame:
    """Return of each species that is listed the tile that spoke most for it, best first.

    Its columns: species, score, left, top, side.

    Args:
        said: the tiles of one plot. scores: of that plot, (K,), as pool_tiles has them by "max".
    """
    rows = []
    for column in np.flatnonzero(scores >= threshold):
        tile = said.images.iloc[said.probs[:, column].argmax()]
        place = {name: int(tile[name]) for name in ("left", "top", "side")}
        rows.append({"species": said.species[column], "score": scores[column], **place})
    columns = ["species", "score", "left", "top", "side"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values("score", ascending=False, ignore_index=True)


def choose_for_lists(
    prior: Prior, said: Predictions, present: np.ndarray, is_valid: np.ndarray
) -> Settings:
    """Return the settings of a prior with which lists of the plots of valid have the best F1.

    Args:
        said: tiles, with obs_id, latitude, longitude and date of their plot.
        present: bool (P, K), of plots in the order in which they come. is_valid: bool (P,).
    """
    plots, _ = pd.factorize(said.images["obs_id"])
    valid = said.select(is_valid[plots])
    best = Settings(weight=0.0)
    most = -1.0
    for kilometres, weight in product(RADII, WEIGHTS):
        settings = Settings(kilometres, EVERY_DAY, weight=weight)
        scores = pool_tiles(prior.weigh(valid, settings))
        threshold = choose_threshold(scores, present[is_valid])
        f1 = f1_by_plot(scores >= threshold, present[is_valid]).mean()
        if f1 > most:
            most = f1
            best = settings
    return best


def stand_in_tiles(spoken: pd.DataFrame, individuals: pd.DataFrame) -> pd.DataFrame:
    """Return `spoken` with `in_tile`: whether a plant of the species stands in the tile that spoke.

    A tile may name a species that stands elsewhere in the plot: right for a wrong reason.

    Args:
        spoken: of `spoke`. individuals: the plants of that plot: species, left, top, side.
    """
    inside = []
    for tile in spoken.itertuples():
        own = individuals[individuals["species"] == tile.species]
        across = (own["left"] < tile.left + tile.side) & (own["left"] + own["side"] > tile.left)
        down = (own["top"] < tile.top + tile.side) & (own["top"] + own["side"] > tile.top)
        inside.append(bool((across & down).any()))
    return spoken.assign(in_tile=inside)


def by_share_seen(answers: Predictions, shares: np.ndarray) -> pd.DataFrame:
    """Return how many plants cut out of plots are named right, by how much of a square is seen.

    A row a range of shares: of its square, n, top1 with its interval over plots, kind.

    Args:
        answers: a row a plant, obs_id its plot. shares: (N,) of its own square that is seen of it.
    """
    rows = []
    for (least, most), words in SEEN.items():
        some = answers.select((shares >= least) & (shares < most))
        if len(some):
            row = score(some, measures=["top1"]).iloc[0]
            told = {name: row[name] for name in ("n", "top1", "top1_low", "top1_high", "kind")}
            rows.append({"seen of its square": words} | told)
    return pd.DataFrame(rows)
