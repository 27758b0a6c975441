"""How sure a prediction is: calibrated probabilities, sets of species, the genus where one name is a guess."""

import numpy as np
import pandas as pd

from plantlab.data.table import observations
from plantlab.predictions.predictions import Predictions

SETS = ("standard", "classwise", "PAS")


def temperature(valid: Predictions) -> float:
    """Return the T at which probabilities raised to 1 / T make the truth of `valid` likeliest.

    Source: Guo et al. 2017, "On calibration of modern neural networks", section 4.2.
    """
    from scipy.optimize import minimize_scalar

    known = valid.targets >= 0

    def surprise(log_t: float) -> float:
        probs = temper(valid, np.exp(log_t)).probs[known]
        return -np.log(np.maximum(probs[np.arange(len(probs)), valid.targets[known]], 1e-12)).mean()

    return float(np.exp(minimize_scalar(surprise, bounds=(-3, 3), method="bounded").x))


def temper(predictions: Predictions, temperature: float) -> Predictions:
    """Return `predictions` with every probability raised to 1 / temperature: the order of the species stays."""
    logits = np.log(np.maximum(predictions.probs, 1e-12)) / temperature
    logits = np.exp(logits - logits.max(1, keepdims=True))
    return Predictions(
        predictions.images, predictions.species, logits / logits.sum(1, keepdims=True)
    )


def prediction_sets(
    predictions: Predictions,
    valid: Predictions,
    method: str = "standard",
    alpha: float = 0.1,
    counts=None,
) -> np.ndarray:
    """Return for each photo the set of species that cannot be ruled out, bool (N, K).

    Where `valid` and the photos come from one source, the truth is in the set with probability 1 - alpha at least:
    over all photos ("standard", "PAS"), or within each species ("classwise", at the price of very large sets, as a
    species with under 1 / alpha - 1 valid photos can never be ruled out). PAS divides a species' probability by its
    share of the train images, so that rare species are not the ones that are left out.

    Args:
        method: one of SETS. alpha: share of misses allowed, in (0, 1). counts: (K,) train images, for PAS.
    Raises:
        ValueError: an unknown method, alpha, PAS without counts, other species in `valid`.
    Source: Vovk et al. 2005, "Algorithmic learning in a random world"; PAS: Ding et al. 2025, "Conformal prediction for
    long-tailed classification".
    """
    if method not in SETS or not 0 < alpha < 1 or (method == "PAS" and counts is None):
        got = f"{method!r}, alpha {alpha} and {'no ' if counts is None else ''}counts"
        raise ValueError(
            f"expected one of {', '.join(SETS)}, alpha in (0, 1), and counts for PAS; got {got}"
        )
    if valid.species != predictions.species:
        raise ValueError(
            "valid and predictions name different species; make both with the same network"
        )
    share = np.asarray(counts, float) / np.sum(counts) if method == "PAS" else 1.0
    odd, odd_valid = (
        -predictions.probs / share,
        -valid.probs / share,
    )  # how odd each species would be, (N, K)
    truth = valid.targets
    own = np.where(truth < 0, np.inf, odd_valid[np.arange(len(truth)), truth])  # (N,)
    each = [own[truth == k] for k in range(len(valid.species))] if method == "classwise" else [own]
    return odd <= np.array([_quantile(scores, alpha) for scores in each])


def _quantile(scores: np.ndarray, alpha: float) -> float:
    """Return the ceil((n + 1)(1 - alpha))-th smallest of n scores; inf where there are too few."""
    at = int(np.ceil((len(scores) + 1) * (1 - alpha)))
    return np.inf if at > len(scores) else float(np.sort(scores)[at - 1])


def score_sets(sets: np.ndarray, predictions: Predictions) -> dict[str, float]:
    """Return coverage (over photos), macro_coverage (mean over species), species_under_half, and mean size of `sets`.

    >>> two = Predictions(pd.DataFrame({"image_path": ["a", "b"], "species": ["A", "B"]}), ["A", "B"], [[1, 0], [1, 0]])
    >>> score_sets(np.array([[True, False], [True, False]]), two)
    {'coverage': 0.5, 'macro_coverage': 0.5, 'species_under_half': 0.5, 'size': 1.0}
    """
    truth = predictions.targets
    held = np.where(truth < 0, False, sets[np.arange(len(truth)), truth])
    each = pd.Series(held).groupby(predictions.images["species"].to_numpy()).mean()
    numbers = {
        "coverage": held.mean(),
        "macro_coverage": each.mean(),
        "species_under_half": (each < 0.5).mean(),
    }
    return {name: float(value) for name, value in {**numbers, "size": sets.sum(1).mean()}.items()}


def try_sets(
    predictions: Predictions, method: str, alpha=0.1, counts=None, n_splits=20, seed=0
) -> pd.DataFrame:
    """Return `score_sets` of one method, a row a deal of observations to a half that sets limits and a half asked."""
    plants, rows = pd.factorize(observations(predictions.images))[0], []
    for k in range(n_splits):
        order = np.random.default_rng([seed, k]).permutation(plants.max() + 1)
        first = order[plants] < len(order) // 2  # (N,)
        halves = (
            (predictions.images[w], predictions.species, predictions.probs[w])
            for w in (first, ~first)
        )
        valid, asked = (Predictions(*half) for half in halves)
        rows.append(score_sets(prediction_sets(asked, valid, method, alpha, counts), asked))
    return pd.DataFrame(rows).assign(method=method)


def back_off_limits(
    valid: Predictions, taxonomy: pd.DataFrame, error: float = 0.1
) -> dict[str, float]:
    """Return how sure an answer must be to be given at species, genus and family: what `back_off` goes by.

    Each is the least threshold at which, among `valid` photos not answered deeper, at most the share `error` was wrong,
    one more counted as wrong: at 0.1, nine right ones in a row come first. A rank that `taxonomy` lacks is left out.
    """
    limits, open_ = {}, np.ones(len(valid), bool)
    for rank in (
        "species",
        *(r for r in ("genus", "family") if r in taxonomy and taxonomy[r].notna().all()),
    ):
        there = valid if rank == "species" else valid.by_rank(rank, taxonomy)
        sure, wrong = there.probs.max(1), there.probs.argmax(1) != there.targets
        order = np.flatnonzero(open_)[np.argsort(-sure[open_], kind="stable")]
        share = (1 + np.cumsum(wrong[order])) / np.arange(
            2, len(order) + 2
        )  # the next one might be wrong
        allowed = np.flatnonzero(share <= error)
        limits[rank] = float(sure[order[allowed[-1]]]) if len(allowed) else np.inf
        open_ &= sure < limits[rank]
    return limits


def back_off(
    predictions: Predictions,
    valid: Predictions | dict[str, float],
    taxonomy: pd.DataFrame,
    error: float = 0.1,
) -> pd.DataFrame:
    """Return one answer a photo, as deep as it may go: image_path, rank, name, score and whether it is right.

    The rank is species, else genus, else family, else "not sure".

    Args:
        valid: what `back_off_limits` learns from, or the limits that it gave.
        taxonomy: a table with species, genus and family of every species that is predicted.
    """
    limits = valid if isinstance(valid, dict) else back_off_limits(valid, taxonomy, error)
    told = predictions.images[["image_path"]].assign(
        rank="not sure", name="", score=0.0, right=False
    )
    for rank, limit in limits.items():
        here = predictions if rank == "species" else predictions.by_rank(rank, taxonomy)
        best, sure = here.probs.argmax(1), here.probs.max(1)
        now = (told["rank"] == "not sure").to_numpy() & (sure >= limit)
        told.loc[now, "rank"], told.loc[now, "name"] = (
            rank,
            np.array(here.species, dtype=object)[best[now]],
        )
        told.loc[now, "score"], told.loc[now, "right"] = sure[now], (best == here.targets)[now]
    return told
