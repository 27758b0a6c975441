"""Predictions and truth -> scores, each with an interval over observations.

Most of it rests on the *rank* of the true species in an answer. Ties count against the classifier:
one that gives every species the same probability earns the last rank. A truth it does not know has rank inf.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from plantlab.predictions import Predictions
from plantlab.table import data_kind, require

SCORES = ("top1", "top5", "mrr", "macro_top1", "ma_mrr")  # what `score` gives an interval for


def ranks(predictions: Predictions) -> np.ndarray:
    """Return the rank of the truth in each image's answer, (N,): 1 is best, inf is "not among the species".

    Raises:
        ValueError: an image without a species.
    """
    targets = predictions.targets
    if unlabelled := predictions.images["species"].isna().sum():
        raise ValueError(
            f"{unlabelled} of {len(targets)} images have no species, so no truth to score against; leave them out."
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
    return _macro(np.asarray(ranks) <= k, species)


def mean_reciprocal_rank(ranks: np.ndarray) -> float:
    """Return the mean of 1 / rank over images, in [0, 1]; an unknown truth adds 0."""
    return float(np.mean(1 / np.asarray(ranks, dtype=float)))


def ma_mrr(ranks: np.ndarray, species: Iterable[str]) -> float:
    """Return the macro-averaged MRR: that of each species present in the truth, then their mean; in [0, 1].

    Some reports spell MA-MRR as "moving average"; no average moves here.
    Source: PlantCLEF 2022, the organisers' definition of the official score.

    >>> ma_mrr([1, 1, 1, 2], ["Rosa alba", "Rosa alba", "Rosa alba", "Bellis minor"])
    0.75
    """
    return _macro(1 / np.asarray(ranks, dtype=float), species)


def reliability(confidence: np.ndarray, correct: np.ndarray, n_bins: int = 15) -> pd.DataFrame:
    """Return `low, high, n, confidence, accuracy`, a row for each bin of equal width that holds an image."""
    confidence, correct = np.asarray(confidence, dtype=float), np.asarray(correct, dtype=float)
    edges = np.linspace(0, 1, n_bins + 1)
    bins = np.clip(np.searchsorted(edges, confidence, side="right") - 1, 0, n_bins - 1)
    used, n = np.unique(bins, return_counts=True)
    means = {"confidence": np.bincount(bins, confidence)[used] / n, "accuracy": np.bincount(bins, correct)[used] / n}
    return pd.DataFrame({"low": edges[used], "high": edges[used + 1], "n": n, **means})


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray, n_bins: int = 15) -> float:
    """Return the mean gap between how sure the classifier is and how often it is right, in [0, 1].

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, equation 3.
    """
    bins = reliability(confidence, correct, n_bins)
    return float(np.average((bins["accuracy"] - bins["confidence"]).abs(), weights=bins["n"]))


def bootstrap_interval(values, observations, groups=None, n_boot=1000, level=0.95, seed=0):
    """Return (low, high) of the mean of `values`, resampling whole observations.

    Photos of one plant succeed or fail together: resampled one by one they would make it too narrow. Where
    all values are 0, or 1, resampling sees no doubt; there the exact bound for so many plants stands in.

    Args:
        values: (N,) or, for C scores at once, (N, C).
        observations: (N,) which plant each image shows.
        groups: (N,) species, for the mean of species means; a species missing from a draw is left out of it.
        level: share of the `n_boot` draws inside the interval, in (0, 1).
    """
    values = np.asarray(values, dtype=float)
    if not len(values):
        raise ValueError("no images to draw from; bootstrap_interval needs at least one.")
    columns = values.reshape(len(values), -1)
    plant, plants = pd.factorize(np.asarray(observations))
    group = np.zeros_like(plant) if groups is None else pd.factorize(np.asarray(groups))[0]
    cells, cell = np.unique(group * len(plants) + plant, return_inverse=True)  # one for each plant in each group
    sums = np.column_stack([np.bincount(cell, c) for c in [*columns.T, np.ones(len(columns))]])  # (cells, C + 1)
    starts = np.flatnonzero(np.diff(cells // len(plants), prepend=-1))
    rng, draws = np.random.default_rng(seed), []
    step = max(1, 2_000_000 // (len(plants) + sums.size))  # draws at a time, to bound the memory
    for n in np.diff([*range(0, n_boot, step), n_boot]):
        drawn = rng.integers(len(plants), size=(n, len(plants))) + len(plants) * np.arange(n)[:, None]
        times = np.bincount(drawn.ravel(), minlength=n * len(plants)).reshape(n, -1)  # how often each plant came
        total = np.add.reduceat(times[:, cells % len(plants), None] * sums, starts, axis=1)  # (n, groups, C + 1)
        with np.errstate(invalid="ignore"):  # 0 / 0: no plant of this group was drawn
            draws.append(np.nanmean(total[..., :-1] / total[..., -1:], axis=1))
    tail = (1 - level) / 2
    low, high = np.quantile(np.concatenate(draws), [tail, 1 - tail], axis=0)
    low = np.where((columns == 1).all(axis=0), tail ** (1 / len(plants)), low)
    high = np.where((columns == 0).all(axis=0), 1 - tail ** (1 / len(plants)), high)
    return (float(low[0]), float(high[0])) if values.ndim == 1 else (low, high)


def score(
    predictions: Predictions, by: str | Mapping[str, Iterable[str]] | None = None, n_boot=1000, seed=0
) -> pd.DataFrame:
    """Return n, n_observations, n_species, SCORES with 95 % intervals, ece and kind: one row, or one a group.

    A truth that is not among the species counts as wrong.

    Args:
        by: a column of the image table ("organ", "source"), or named groups of species such as
            {"orchids": [...], "alpine": [...]}; a group without images keeps its row, with n = 0.
    """
    images, rank, confidence = predictions.images, ranks(predictions), predictions.probs.max(axis=1)
    if isinstance(by, str):
        require(images, by)
        values = images[by].fillna("unknown")
        groups = {value: values == value for value in sorted(set(values), key=str)}
    elif by is None:
        groups = {"all": images["species"].notna()}
    else:
        groups = {group: images["species"].isin(set(names)) for group, names in by.items()}
    name, rows = by if isinstance(by, str) else "group", []
    for group, here in groups.items():
        here = here.to_numpy()
        plants, species = observations(images[here]), images["species"].to_numpy()[here]
        row = {name: group, "n": here.sum(), "n_observations": len(set(plants)), "n_species": len(set(species))}
        for measures, within in ((SCORES[:3], np.zeros(here.sum())), (SCORES[3:], species)):
            values = np.column_stack([_values(rank[here], m) for m in measures])
            ends = bootstrap_interval(values, plants, within, n_boot, seed=seed) if here.any() else [[np.nan] * 3] * 2
            for m, value, low, high in zip(measures, values.T, *ends):
                row |= {m: _macro(value, within), f"{m}_low": low, f"{m}_high": high}
        row["ece"] = expected_calibration_error(confidence[here], rank[here] == 1) if here.any() else np.nan
        rows.append(row)
    table = pd.DataFrame(rows).assign(kind=data_kind(images))
    return table.drop(columns=name) if by is None else table


def group_table(predictions: Predictions, by: str | Mapping[str, Iterable[str]], **kwargs) -> pd.DataFrame:
    """Return top-1 of single photos, top-1 and top-5 of observations: a row a group, and one for chance."""
    single, multi = score(predictions, by, **kwargs), score(predictions.by_observation(), by, **kwargs)
    table = single.iloc[:, :4].assign(top1_single=single["top1"], top1_multi=multi["top1"], top5_multi=multi["top5"])
    k = len(predictions.species)
    table.loc[len(table)] = ["chance", pd.NA, pd.NA, pd.NA, 1 / k, 1 / k, min(5 / k, 1)]
    return table.convert_dtypes().assign(kind=data_kind(predictions.images))


def difference(a: Predictions, b: Predictions, measure="top1", n_boot=1000, seed=0) -> tuple[float, float, float]:
    """Return (difference, low, high): how much better a scores than b on the same images, by one of SCORES.

    Two intervals may overlap while the difference is plain, for hard photos are hard for both.
    """
    if measure not in SCORES:
        raise ValueError(f"measure must be one of {', '.join(SCORES)}; got {measure!r}")
    if list(a.images["image_path"]) != list(b.images["image_path"]):
        raise ValueError(f"a has {len(a)} images and b {len(b)}; expected the same images in the same order.")
    values = _values(ranks(a), measure) - _values(ranks(b), measure)
    species = a.images["species"].to_numpy() if measure.startswith("ma") else np.zeros(len(a))
    ends = bootstrap_interval(values, observations(a.images), species, n_boot, seed=seed)
    return _macro(values, species), *ends


def readable(scores: pd.DataFrame) -> pd.DataFrame:
    """Return `scores` to look at: each with its interval, "0.912 (0.90-0.92)"; "" where there is none."""
    table = scores.drop(columns=[f"{m}_{end}" for m in SCORES for end in ("low", "high")], errors="ignore")
    for m in (m for m in SCORES if m in scores):
        rows = scores.reindex(columns=[m, f"{m}_low", f"{m}_high"]).to_numpy(dtype=float)
        known = [f"{v:.3f}" + ("" if np.isnan(low) else f" ({low:.2f}-{high:.2f})") for v, low, high in rows]
        table[m] = np.where(np.isnan(rows[:, 0]), "", known)
    return table


def observations(images: pd.DataFrame) -> np.ndarray:
    """Return the observation of each image, (N,); without `obs_id` each is its own."""
    own = images.index.to_series().astype(str).radd("photo ")
    return (images["obs_id"].fillna(own) if "obs_id" in images else own).to_numpy()


def _values(rank: np.ndarray, measure: str) -> np.ndarray:
    """Return what each image adds to the mean that is `measure`, (N,)."""
    return 1 / rank if measure.endswith("mrr") else (rank <= int(measure[-1])).astype(float)


def _macro(values: np.ndarray, groups: Iterable) -> float:
    """Return the mean over groups of each group's mean."""
    return float(pd.Series(values).groupby(np.asarray(groups)).mean().mean())
