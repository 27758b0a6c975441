"""Sets of species that hold the truth as often as they promise (conformal prediction)."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from plantlab.data.table import observations
from plantlab.predictions.predictions import Predictions

SETS = ("standard", "classwise", "PAS")


def prediction_sets(
    predictions: Predictions,
    valid: Predictions,
    method: str = "standard",
    alpha: float = 0.1,
    counts: ArrayLike | None = None,
) -> np.ndarray:
    """Return for each photo the set of species that cannot be ruled out, bool (N, K).

    Where `valid` and the photos come from one source, the truth is in the set with probability
    1 - alpha at least: over all photos ("standard", "PAS"), or within each species ("classwise", at
    the price of very large sets, as a species with under 1 / alpha - 1 valid photos can never be
    ruled out). PAS divides a species' probability by its share of the train images, so that rare
    species are not the ones that are left out.

    Args:
        method: one of SETS. alpha: share of misses allowed, in (0, 1). counts: (K,) train images,
            for PAS.
    Raises:
        ValueError: an unknown method, alpha, PAS without counts, other species in `valid`.
    Source: Vovk et al. 2005, "Algorithmic learning in a random world"; PAS: Ding et al. 2025,
    "Conformal prediction for long-tailed classification".
    """
    _check(method, alpha, counts)
    if valid.species != predictions.species:
        raise ValueError(
            "valid and predictions name different species; make both with the same network"
        )
    shares = 1.0
    if method == "PAS":
        shares = np.asarray(counts, float) / np.sum(counts)  # (K,)
    oddness = -predictions.probs / shares  # (N, K) how odd each species would be
    truth_oddness = _of_truth(valid, -valid.probs / shares)
    if method == "classwise":
        limits = []
        for k in range(len(valid.species)):
            own = truth_oddness[valid.targets == k]
            limits.append(_quantile(own, alpha))
    else:
        limits = [_quantile(truth_oddness, alpha)]
    return oddness <= np.array(limits)


def _check(method: str, alpha: float, counts: ArrayLike | None) -> None:
    """Raise ValueError unless `method` is known and has what it needs."""
    lacking = method == "PAS" and counts is None
    if method in SETS and 0 < alpha < 1 and not lacking:
        return
    given = "no counts" if counts is None else "counts"
    raise ValueError(
        f"expected one of {', '.join(SETS)}, alpha in (0, 1), and counts for PAS; "
        f"got {method!r}, alpha {alpha} and {given}"
    )


def _of_truth(valid: Predictions, oddness: np.ndarray) -> np.ndarray:
    """Return how odd each photo's true species is, (N,); inf where it is not among the species."""
    truth = valid.targets
    own = oddness[np.arange(len(truth)), truth]
    return np.where(truth < 0, np.inf, own)


def _quantile(scores: np.ndarray, alpha: float) -> float:
    """Return the ceil((n + 1)(1 - alpha))-th smallest of n scores; inf where there are too few."""
    n = len(scores)
    place = int(np.ceil((n + 1) * (1 - alpha)))
    if place > n:
        return np.inf
    return float(np.sort(scores)[place - 1])


def score_sets(sets: np.ndarray, predictions: Predictions) -> dict[str, float]:
    """Return how well `sets`, bool (N, K), hold the truth, and how large they are.

    `coverage` is the share of photos whose truth is held, `macro_coverage` its mean over species,
    `species_under_half` the share of species that are held less than half of the time, `size` the
    mean number of species in a set.

    >>> two = pd.DataFrame({"image_path": ["a", "b"], "species": ["A", "B"]})
    >>> answers = Predictions(two, ["A", "B"], [[1, 0], [1, 0]])
    >>> score_sets(np.array([[True, False], [True, False]]), answers)
    {'coverage': 0.5, 'macro_coverage': 0.5, 'species_under_half': 0.5, 'size': 1.0}
    """
    truth = predictions.targets
    own = sets[np.arange(len(truth)), truth]
    held = np.where(truth < 0, False, own)  # (N,)
    species = predictions.images["species"].to_numpy()
    by_species = pd.Series(held).groupby(species).mean()
    return {
        "coverage": float(held.mean()),
        "macro_coverage": float(by_species.mean()),
        "species_under_half": float((by_species < 0.5).mean()),
        "size": float(sets.sum(axis=1).mean()),
    }


def try_sets(
    predictions: Predictions,
    method: str,
    alpha: float = 0.1,
    counts: ArrayLike | None = None,
    n_splits: int = 20,
    seed: int = 0,
) -> pd.DataFrame:
    """Return `score_sets` of one method, a row a deal of the observations into halves.

    One half sets the limits, the other is asked.
    """
    plants, _ = pd.factorize(observations(predictions.images))  # (N,)
    n_plants = plants.max() + 1
    rows = []
    for i in range(n_splits):
        order = np.random.default_rng([seed, i]).permutation(n_plants)
        first_half = order[plants] < n_plants // 2  # (N,)
        valid = predictions.select(first_half)
        asked = predictions.select(~first_half)
        sets = prediction_sets(asked, valid, method, alpha, counts)
        rows.append(score_sets(sets, asked))
    return pd.DataFrame(rows).assign(method=method)
