"""Predictions and truth -> scores, each with an interval over observations.

All but the calibration rests on the *rank* of the true species in an answer. Ties count against the classifier:
one that gives every species the same probability earns the last rank.
"""

import re
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from plantlab.data.table import data_kind, observations, require
from plantlab.predictions.predictions import Predictions

SCORES = {
    "top1": "images named right",
    "top5": "images with the truth among the first five names",
    "mrr": "mean reciprocal rank",
    "macro_top1": "images named right, mean over species",
    "ma_mrr": "mean reciprocal rank, mean over species",
}


def ranks(predictions: Predictions) -> np.ndarray:
    """Return the rank of the truth in each image's answer, (N,): see Predictions.ranks."""
    return predictions.ranks()


def gains(ranks: np.ndarray, measure: str) -> np.ndarray:
    """Return what each image adds to the mean that is `measure`, (N,) in [0, 1].

    "top<k>" is the share of images whose truth is among the k best, "mrr" the mean of 1 / rank. With "macro_" or "ma_"
    before it, it is the mean over the species present in the truth of each species' mean: rare ones count the same.
    Source: PlantCLEF 2022, the organisers' definition of MA-MRR.

    >>> gains([1, 2, 7, float("inf")], "top5"), gains([1, 2, 4, float("inf")], "mrr")
    (array([1., 1., 0., 0.]), array([1.  , 0.5 , 0.25, 0.  ]))
    """
    known = re.fullmatch(r"(?:macro_|ma_)?(?:mrr|top([1-9]\d*))", measure)
    if not known:
        raise ValueError(
            f"measure must be top<k> or mrr, or macro_top<k> or ma_mrr; got {measure!r}"
        )
    ranks = np.asarray(ranks, dtype=float)
    return (ranks <= int(known[1])).astype(float) if known[1] else 1 / ranks


def expected_calibration_error(
    confidence: np.ndarray, correct: np.ndarray, n_bins: int = 15
) -> float:
    """Return the mean gap between how sure the classifier is and how often it is right, in [0, 1].

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, equation 3.
    """
    gap = np.asarray(confidence, dtype=float) - np.asarray(correct)
    bins = np.digitize(confidence, np.linspace(0, 1, n_bins + 1)[1:-1])  # of equal width
    return float(abs(np.bincount(bins, gap)).sum() / len(gap)) if len(gap) else np.nan


def bootstrap_interval(
    values, observations, groups=None, n_boot: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % interval (low, high) of the mean of `values`, resampling whole observations.

    Photos of one plant succeed or fail together: resampled one by one they would make it too narrow. Where
    all values are 0, or 1, resampling sees no doubt; there the exact bound for so many plants stands in.

    Args:
        values, observations: (N,) one an image, and which plant it shows.
        groups: (N,) species, for the mean of species means; plants are then drawn within their species, so that rare
            species, often missing from a draw of all plants, count in every one. Species with one plant are drawn
            from one another (collapsed strata): by itself, one plant would add no doubt.
    Raises:
        ValueError: no images.
    """
    from scipy.sparse import coo_array

    values = np.asarray(values, dtype=float)
    if not len(values):
        raise ValueError("no images to draw from; bootstrap_interval needs at least one.")
    group = np.zeros(len(values), int) if groups is None else pd.factorize(np.asarray(groups))[0]
    order = np.argsort(group, kind="stable")  # plants of a group side by side
    values, group = values[order], group[order]
    plant, plants = pd.factorize(
        pd.MultiIndex.from_arrays([group, np.asarray(observations)[order]])
    )
    home = plants.get_level_values(0).to_numpy()  # (n,) each plant's group
    sums, counts = (
        coo_array((each, (plant, group))).tocsr() for each in (values, np.ones(len(values)))
    )
    n, size = len(plants), np.bincount(home)  # sums and counts: (n, groups)
    low, high = (np.cumsum(size) - size)[home], np.cumsum(size)[home]
    lone = (sums.sum(axis=0) / counts.sum(axis=0))[size == 1]  # what species with one plant have
    rng, means = np.random.default_rng(seed), []
    for draws in np.array_split(
        np.arange(n_boot), 1 + n_boot * n // 2_000_000
    ):  # a part at a time bounds the memory
        drawn = rng.integers(low, high, size=(len(draws), n)) + n * np.arange(len(draws))[:, None]
        times = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(
            drawn.shape
        )  # how often each plant came
        each = (times @ sums) / (times @ counts)  # (draws, groups)
        if len(lone):
            each[:, size == 1] = rng.choice(lone, (len(draws), len(lone)))
        means.append(each.mean(axis=1))
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    if (values == values[0]).all() and values[0] in (0, 1):
        low, high = (0.025 ** (1 / n), 1) if values[0] else (0, 1 - 0.025 ** (1 / n))
    return float(low), float(high)


def difference(
    better: Predictions, worse: Predictions, measure: str = "top1"
) -> tuple[float, float, float]:
    """Return (difference, low, high): by how much `measure` of the first is higher, with its 95 % interval.

    Both answer the same photos, so the interval is of the paired differences: narrower than two intervals side by side.

    Raises:
        ValueError: other photos.
    """
    images = better.images
    if images["image_path"].tolist() != worse.images["image_path"].tolist():
        raise ValueError(
            "the two predictions are of other photos, or in another order; compare answers to the same."
        )
    gain = gains(ranks(better), measure) - gains(ranks(worse), measure)
    groups = images["species"].to_numpy() if measure.startswith("ma") else np.zeros(len(images))
    mean = float(pd.Series(gain).groupby(groups).mean().mean())
    low, high = bootstrap_interval(gain, observations(images), groups)
    return mean, low if gain.any() else -high, high


def score(
    predictions: Predictions,
    by: str | Mapping[str, Iterable[str]] | None = None,
    n_boot=1000,
    seed=0,
    measures=SCORES,
) -> pd.DataFrame:
    """Return n, n_observations, n_species, `measures` with 95 % intervals, ece and kind: one row, or one a group.

    A truth that is not among the species counts as wrong.

    Args:
        by: a column of the image table ("organ", "source"), or named groups of species such as
            {"orchids": [...], "alpine": [...]}; a group without images keeps its row, with n = 0.
        measures: any that `gains` knows, such as top30.
    """
    images, rank, confidence = predictions.images, ranks(predictions), predictions.probs.max(axis=1)
    name = by if isinstance(by, str) else "group"
    if by is None:
        groups = {"all": np.ones(len(images), bool)}
    elif isinstance(by, str):
        require(images, by)
        values = images[by].fillna("unknown").to_numpy()
        groups = {value: values == value for value in sorted(set(values), key=str)}
    else:
        groups = {
            group: images["species"].isin(set(names)).to_numpy() for group, names in by.items()
        }
    plant, species, table = observations(images), images["species"].to_numpy(), []
    for group, here in groups.items():
        plants, truth = plant[here], species[here]
        row = {
            name: group,
            "n": here.sum(),
            "n_observations": len(set(plants)),
            "n_species": len(set(truth)),
        }
        for m in measures:
            weighed, values = (
                truth if m.startswith("ma") else np.zeros(len(truth)),
                gains(rank[here], m),
            )
            ends = (
                bootstrap_interval(values, plants, weighed, n_boot, seed)
                if len(values)
                else (np.nan, np.nan)
            )
            row[m], (row[f"{m}_low"], row[f"{m}_high"]) = (
                pd.Series(values).groupby(weighed).mean().mean(),
                ends,
            )
        row["ece"] = expected_calibration_error(confidence[here], rank[here] == 1)
        table.append(row)
    table = pd.DataFrame(table).assign(kind=data_kind(images))
    return table.drop(columns=name) if by is None else table


def readable(scores: pd.DataFrame) -> pd.DataFrame:
    """Return `scores` to look at: each with its interval, "0.912 (0.90-0.92)"; "" where there is none."""
    table = scores.drop(
        columns=[f"{m}_{end}" for m in SCORES for end in ("low", "high")], errors="ignore"
    )
    for m in table.columns.intersection([*SCORES]):
        rows = scores.reindex(columns=[m, f"{m}_low", f"{m}_high"]).to_numpy(dtype=float)
        known = [
            f"{v:.3f}" + ("" if np.isnan(low) else f" ({low:.2f}-{high:.2f})")
            for v, low, high in rows
        ]
        table[m] = np.where(np.isnan(rows[:, 0]), "", known)
    return table
