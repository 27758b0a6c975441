"""Predictions and truth -> scores, each with an interval over observations.

Most of it rests on the *rank* of the true species in an answer. Ties count against the classifier:
one that gives every species the same probability earns the last rank. A truth it does not know has rank inf.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from plantlab.predictions import Predictions
from plantlab.table import data_kind

SCORES = ("top1", "top5", "mrr", "macro_top1", "ma_mrr")  # what `score` gives an interval for


def ranks(predictions: Predictions) -> np.ndarray:
    """Return the rank of the truth in each image's answer, (N,): 1 is best, inf is "not among the species".

    Species of equal probability share the worst of their ranks.

    Raises:
        ValueError: an image without a species.
    """
    targets = predictions.targets
    unlabelled = int(predictions.images["species"].isna().sum())
    if unlabelled:
        raise ValueError(
            f"{unlabelled} of {len(targets)} images have no species, so there is no truth to score against; "
            "keep images[images['species'].notna()]."
        )
    truth = np.take_along_axis(predictions.probs, np.maximum(targets, 0)[:, None], axis=1)  # (N, 1)
    return np.where(targets < 0, np.inf, (predictions.probs >= truth).sum(axis=1))


def top_k(ranks: np.ndarray, k: int = 1) -> float:
    """Return the share of images whose truth is among the k best, in [0, 1].

    >>> top_k([1, 2, 7, float("inf")], k=5)
    0.5
    """
    return float(np.mean(np.asarray(ranks) <= k))


def macro_top_k(ranks: np.ndarray, species: Iterable[str], k: int = 1) -> float:
    """Return top-k averaged over the species present in the truth, each counting the same; in [0, 1]."""
    return float(pd.Series(np.asarray(ranks) <= k).groupby(np.asarray(species)).mean().mean())


def mean_reciprocal_rank(ranks: np.ndarray) -> float:
    """Return the mean of 1 / rank over images, in [0, 1]; an unknown truth adds 0.

    >>> mean_reciprocal_rank([1, 2, float("inf")])
    0.5
    """
    return float(np.mean(1 / np.asarray(ranks, dtype=float)))


def ma_mrr(ranks: np.ndarray, species: Iterable[str]) -> float:
    """Return the macro-averaged MRR: that of each species present in the truth, then their mean; in [0, 1].

    Some reports spell MA-MRR as "moving average"; no average moves here.
    Source: PlantCLEF 2022, the organisers' definition of the official score.

    >>> ma_mrr([1, 1, 1, 2], ["Rosa alba", "Rosa alba", "Rosa alba", "Bellis minor"])
    0.75
    """
    return float(pd.Series(1 / np.asarray(ranks, dtype=float)).groupby(np.asarray(species)).mean().mean())


def reliability(confidence: np.ndarray, correct: np.ndarray, n_bins: int = 15) -> pd.DataFrame:
    """Return `low, high, n, confidence, accuracy`, one row for each bin of equal width that holds an image.

    Bins are closed below; a confidence of 1 belongs to the last.
    """
    confidence, correct = np.asarray(confidence, dtype=float), np.asarray(correct, dtype=float)
    edges = np.linspace(0, 1, n_bins + 1)
    bins = np.clip(np.searchsorted(edges, confidence, side="right") - 1, 0, n_bins - 1)
    table = pd.DataFrame({"confidence": confidence, "accuracy": correct}).groupby(bins).mean()
    table.insert(0, "n", np.bincount(bins)[table.index])
    table.insert(0, "high", edges[table.index + 1])
    table.insert(0, "low", edges[table.index])
    return table.reset_index(drop=True)


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray, n_bins: int = 15) -> float:
    """Return the mean gap between how sure the classifier is and how often it is right, in [0, 1].

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, equation 3.

    >>> round(expected_calibration_error([0.9, 0.9, 0.6, 0.6], [1, 1, 1, 0]), 3)
    0.1
    """
    bins = reliability(confidence, correct, n_bins)
    return float(np.average((bins["accuracy"] - bins["confidence"]).abs(), weights=bins["n"]))


def bootstrap_interval(values, observations, groups=None, n_boot=1000, level=0.95, seed=0):
    """Return (low, high) of the mean of `values`, resampling whole observations.

    Photos of one plant succeed or fail together: resampled one by one they
    would make the interval too narrow.
    Where all values are 0, or all are 1, resampling sees no doubt; there the exact bound for as many
    observations stands in (0 wrong of 10 plants: at least 0.69).

    Args:
        values: (N,) or, for C scores at once, (N, C).
        observations: (N,) which plant each image shows.
        groups: (N,) species, for the mean of species means; a species missing from a draw is left out of it.
        n_boot: number of draws. level: share of them inside the interval, in (0, 1).
    """
    values = np.asarray(values, dtype=float)
    columns = values.reshape(len(values), -1)
    if not len(columns):
        raise ValueError("no images to draw from; bootstrap_interval needs at least one.")
    plant, plants = pd.factorize(np.asarray(observations))
    group = np.zeros_like(plant) if groups is None else pd.factorize(np.asarray(groups))[0]
    cells, cell = np.unique(group * len(plants) + plant, return_inverse=True)  # one for each plant in each group
    sums = np.column_stack([np.bincount(cell, c) for c in [*columns.T, np.ones(len(columns))]])  # (cells, C + 1)
    starts = np.flatnonzero(np.diff(cells // len(plants), prepend=-1))
    rng, draws = np.random.default_rng(seed), []
    step = max(1, 2_000_000 // (len(plants) + sums.size))  # draws at a time, to bound the memory
    for n in [step] * (n_boot // step) + [n_boot % step] * (n_boot % step > 0):
        drawn = rng.integers(len(plants), size=(n, len(plants))) + len(plants) * np.arange(n)[:, None]
        times = np.bincount(drawn.ravel(), minlength=n * len(plants)).reshape(n, -1)  # how often each plant came
        total = np.add.reduceat(times[:, cells % len(plants), None] * sums, starts, axis=1)  # (n, groups, C + 1)
        means = np.divide(
            total[..., :-1], total[..., -1:], where=total[..., -1:] > 0, out=np.zeros_like(total[..., :-1])
        )
        draws.append(means.sum(axis=1) / (total[..., -1] > 0).sum(axis=1)[:, None])
    tail = (1 - level) / 2
    low, high = np.quantile(np.concatenate(draws), [tail, 1 - tail], axis=0)
    low = np.where((columns == 1).all(axis=0), tail ** (1 / len(plants)), low)
    high = np.where((columns == 0).all(axis=0), 1 - tail ** (1 / len(plants)), high)
    return (float(low[0]), float(high[0])) if values.ndim == 1 else (low, high)


def score(
    predictions: Predictions,
    by: str | Mapping[str, Iterable[str]] | None = None,
    n_boot: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Return n, n_observations, n_species, SCORES with 95 % intervals, ece and kind: one row, or one a group.

    A truth that is not among the species counts as wrong.

    Args:
        by: a column of the image table ("organ", "source"), or named groups of species such as
            {"orchids": [...], "alpine": [...]}; a group without images keeps its row, with n = 0.
    """
    images, rank = predictions.images, ranks(predictions)
    if by is None:
        masks, name = {"all": np.ones(len(images), dtype=bool)}, "group"
    elif isinstance(by, str):
        if by not in images:
            raise ValueError(f"no column {by!r} to score by; the images have {', '.join(images)}.")
        values, name = images[by].fillna("unknown"), by
        masks = {value: (values == value).to_numpy() for value in sorted(values.unique(), key=str)}
    else:
        masks, name = (
            {group: images["species"].isin(set(names)).to_numpy() for group, names in by.items()},
            "group",
        )
    confidence = predictions.probs.max(axis=1)
    rows = [
        {name: value, **_score(images[mask], rank[mask], confidence[mask], n_boot, seed)}
        for value, mask in masks.items()
    ]
    table = pd.DataFrame(rows).assign(kind=data_kind(images))
    return table.drop(columns=name) if by is None else table


def group_table(predictions: Predictions, by: str | Mapping[str, Iterable[str]], **kwargs) -> pd.DataFrame:
    """Return top-1 of single photos, top-1 and top-5 of observations: a row a group, and one for chance."""
    single = score(predictions, by, **kwargs)
    multi = score(predictions.by_observation(), by, **kwargs)
    table = single[[single.columns[0], "n", "n_observations", "n_species"]].assign(
        top1_single=single["top1"], top1_multi=multi["top1"], top5_multi=multi["top5"]
    )
    k = len(predictions.species)
    chance = {
        table.columns[0]: "chance",
        "top1_single": 1 / k,
        "top1_multi": 1 / k,
        "top5_multi": min(5 / k, 1),
    }
    return pd.concat([table, pd.DataFrame([chance])], ignore_index=True).assign(kind=data_kind(predictions.images))


def difference(
    a: Predictions, b: Predictions, measure: str = "top1", n_boot: int = 1000, seed: int = 0
) -> tuple[float, float, float]:
    """Return (difference, low, high): how much better a scores than b on the same images, plant for plant.

    Two intervals may overlap while the difference is plain, for hard photos are hard for both.

    Args:
        measure: one of top1, top5, mrr, macro_top1, ma_mrr.
    """
    if measure not in SCORES:
        raise ValueError(f"measure must be one of {', '.join(SCORES)}; got {measure!r}")
    if len(a) != len(b) or (a.images["image_path"] != b.images["image_path"]).any():
        raise ValueError(f"a has {len(a)} images and b {len(b)}; expected the same images in the same order.")
    values = _values(ranks(a), measure) - _values(ranks(b), measure)
    species = a.images["species"].to_numpy() if measure.startswith("ma") else np.zeros(len(a))
    mean = float(pd.Series(values).groupby(species).mean().mean())
    return mean, *bootstrap_interval(values, observations(a.images), species, n_boot, seed=seed)


def _values(rank: np.ndarray, measure: str) -> np.ndarray:
    """Return what each image adds to the mean that is `measure`, (N,)."""
    if measure.endswith("mrr"):
        return 1 / rank
    return (rank <= int(measure[-1])).astype(float)


def observations(images: pd.DataFrame) -> np.ndarray:
    """Return the observation of each image; without `obs_id` each is its own."""
    own = pd.Series(images.index, index=images.index).astype(str).radd("photo ")
    return (images["obs_id"].fillna(own) if "obs_id" in images else own).to_numpy()


def _score(images: pd.DataFrame, rank: np.ndarray, confidence: np.ndarray, n_boot: int, seed: int) -> dict:
    """Return one row of `score`."""
    plants, species = observations(images), images["species"].to_numpy()
    row = {"n": len(images), "n_observations": len(set(plants)), "n_species": len(set(species))}
    for measures, groups in ((SCORES[:3], None), (SCORES[3:], species)):
        values = np.column_stack([_values(rank, m) for m in measures])
        spread = (
            bootstrap_interval(values, plants, groups, n_boot, seed=seed)
            if len(rank)
            else np.full((2, len(measures)), np.nan)
        )
        means = pd.DataFrame(values).groupby(np.zeros(len(rank)) if groups is None else groups).mean().mean()
        for i, m in enumerate(measures):
            row |= {m: means[i], f"{m}_low": spread[0][i], f"{m}_high": spread[1][i]}
    row["ece"] = expected_calibration_error(confidence, rank == 1) if len(rank) else np.nan
    return row
