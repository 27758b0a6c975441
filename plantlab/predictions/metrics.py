"""Predictions and truth -> scores, each with an interval over observations.

All but the calibration rests on the *rank* of the true species in an answer. Ties count against
the classifier: one that gives every species the same probability earns the last rank.
"""

import re
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from plantlab.data.table import data_kind, observations, require
from plantlab.predictions.intervals import bootstrap_interval
from plantlab.predictions.listed import TopK
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


def gains(ranks: ArrayLike, measure: str) -> np.ndarray:
    """Return what each image adds to the mean that is `measure`, (N,) in [0, 1].

    "top<k>" is the share of images whose truth is among the k best, "mrr" the mean of 1 / rank.
    With "macro_" or "ma_" before it, it is the mean over the species present in the truth of each
    species' mean: rare ones count the same.
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
    k = known[1]
    if k is None:
        return 1 / ranks
    return (ranks <= int(k)).astype(float)


def _classes(species: np.ndarray, measure: str) -> np.ndarray:
    """Return the classes of images that `measure` weighs alike, (N,): species, or one of all."""
    macro = measure.startswith("ma")  # macro_top<k>, ma_mrr
    return species if macro else np.zeros(len(species))


def _mean(values: np.ndarray, classes: np.ndarray) -> float:
    """Return the mean over the classes of each one's mean."""
    return pd.Series(values).groupby(classes).mean().mean()


def expected_calibration_error(
    confidence: np.ndarray, correct: np.ndarray, n_bins: int = 15
) -> float:
    """Return the mean gap between how sure the classifier is and how often it is right, in [0, 1].

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, equation 3.
    """
    gaps = np.asarray(confidence, dtype=float) - np.asarray(correct)  # (N,)
    if not len(gaps):
        return np.nan
    edges = np.linspace(0, 1, n_bins + 1)  # of equal width
    bins = np.digitize(confidence, edges[1:-1])
    gap_of_bin = np.bincount(bins, gaps)
    return float(abs(gap_of_bin).sum() / len(gaps))


def difference(
    better: Predictions, worse: Predictions, measure: str = "top1"
) -> tuple[float, float, float]:
    """Return (difference, low, high): by how much `measure` of the first is higher, with interval.

    Both answer the same photos, so the 95 % interval is of the paired differences: narrower than
    two intervals side by side.

    Raises:
        ValueError: other photos.
    """
    images = better.images
    if images["image_path"].tolist() != worse.images["image_path"].tolist():
        raise ValueError(
            "the two predictions are of other photos, or in another order; "
            "compare answers to the same."
        )
    of_better = gains(better.ranks(), measure)
    of_worse = gains(worse.ranks(), measure)
    gained = of_better - of_worse  # (N,)
    classes = _classes(images["species"].to_numpy(), measure)
    low, high = bootstrap_interval(gained, observations(images), classes)
    if not gained.any():
        low = -high  # no photo differs: as likely worse as better
    return float(_mean(gained, classes)), low, high


def score(
    predictions: Predictions | TopK,
    by: str | Mapping[str, Iterable[str]] | None = None,
    n_boot: int = 1000,
    seed: int = 0,
    measures: Iterable[str] = tuple(SCORES),
) -> pd.DataFrame:
    """Return n, n_observations, n_species, `measures` with 95 % intervals, ece and kind.

    It has one row, or one a group. A truth that is not among the species counts as wrong. Of lists
    (TopK) what they do not tell is nan: top-k beyond their length, and ece where their scores are
    no probabilities.

    Args:
        by: a column of the image table ("organ", "source"), or named groups of species such as
            {"orchids": [...], "alpine": [...]}; a group without images keeps its row, with n = 0.
        measures: any that `gains` knows, such as top30.
    """
    images = predictions.images
    confidence = predictions.confidence() if predictions.are_probabilities else np.nan
    facts = pd.DataFrame(
        {
            "rank": predictions.ranks(),
            "confidence": confidence,
            "plant": observations(images),
            "species": images["species"],
        }
    )
    name = by if isinstance(by, str) else "group"
    rows = []
    for group, mask in _masks(images, by).items():
        numbers = _score_images(facts[mask], measures, n_boot, seed)
        rows.append({name: group, **numbers, **_unknown(measures, predictions)})
    table = pd.DataFrame(rows).assign(kind=data_kind(images))
    return table.drop(columns=name) if by is None else table


def _unknown(measures: Iterable[str], predictions: Predictions | TopK) -> dict[str, float]:
    """Return nan for the measures that a list of k names does not tell: top-k' with k' above k."""
    unknown = {}
    for measure in measures:
        k = re.search(r"top(\d+)$", measure)
        if k and not predictions.knows_top(int(k[1])):
            unknown |= dict.fromkeys([measure, f"{measure}_low", f"{measure}_high"], np.nan)
    return unknown


def _masks(
    images: pd.DataFrame, by: str | Mapping[str, Iterable[str]] | None
) -> dict[str, np.ndarray]:
    """Return the groups to score, and of each the images in it, bool (N,)."""
    if by is None:
        return {"all": np.ones(len(images), bool)}
    if isinstance(by, str):
        require(images, by)
        values = images[by].fillna("unknown").to_numpy()
        names = sorted(set(values), key=str)
        return {name: values == name for name in names}
    masks = {}
    for group, names in by.items():
        masks[group] = images["species"].isin(set(names)).to_numpy()
    return masks


def _score_images(
    facts: pd.DataFrame, measures: Iterable[str], n_boot: int, seed: int
) -> dict[str, float]:
    """Return the numbers of one row of `score`; `facts`: rank, confidence, plant and species."""
    ranks = facts["rank"].to_numpy()
    plants = facts["plant"].to_numpy()
    species = facts["species"].to_numpy()
    row = {"n": len(facts)}
    row["n_observations"] = len(set(plants))
    row["n_species"] = len(set(species))
    for measure in measures:
        values = gains(ranks, measure)
        classes = _classes(species, measure)
        low, high = np.nan, np.nan
        if len(values):
            low, high = bootstrap_interval(values, plants, classes, n_boot, seed)
        row[measure] = _mean(values, classes)
        row[f"{measure}_low"] = low
        row[f"{measure}_high"] = high
    confidence = facts["confidence"].to_numpy()
    row["ece"] = expected_calibration_error(confidence, ranks == 1)
    return row


def readable(scores: pd.DataFrame) -> pd.DataFrame:
    """Return `scores` to look at: each with its interval, "0.912 (0.90-0.92)"; "" if unknown."""
    table = scores.copy()
    for measure in SCORES:
        ends = [f"{measure}_low", f"{measure}_high"]
        table = table.drop(columns=ends, errors="ignore")
        if measure in table:
            rows = scores.reindex(columns=[measure, *ends]).to_numpy(dtype=float)
            table[measure] = [_said(*row) for row in rows]
    return table


def _said(value: float, low: float, high: float) -> str:
    """Return a score and its interval in words, of which either may be unknown."""
    if np.isnan(value):
        return ""
    interval = "" if np.isnan(low) else f" ({low:.2f}-{high:.2f})"
    return f"{value:.3f}{interval}"
