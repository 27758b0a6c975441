"""Answers as deep as they may go: the genus, or the family, where one species' name is a guess."""

import numpy as np
import pandas as pd

from plantlab.predictions.predictions import Predictions


def back_off_limits(
    valid: Predictions, taxonomy: pd.DataFrame, error: float = 0.1
) -> dict[str, float]:
    """Return how sure an answer must be at species, genus and family: what `back_off` goes by.

    Each is the least threshold at which, among `valid` photos not answered deeper, at most the
    share `error` was wrong, one more counted as wrong: at 0.1, nine right ones in a row come first.
    A rank that `taxonomy` lacks is left out.
    """
    limits = {}
    unanswered = np.ones(len(valid), bool)  # (N,) not yet, at a deeper rank
    for rank in _ranks(taxonomy):
        answers = _at_rank(valid, rank, taxonomy)
        sure = answers.confidence()
        right = answers.right()
        limits[rank] = _limit(sure[unanswered], right[unanswered], error)
        unanswered &= sure < limits[rank]
    return limits


def _ranks(taxonomy: pd.DataFrame) -> list[str]:
    """Return species and those ranks above it that `taxonomy` tells of every species."""
    ranks = ["species"]
    for rank in ("genus", "family"):
        if rank in taxonomy and taxonomy[rank].notna().all():
            ranks.append(rank)
    return ranks


def _at_rank(predictions: Predictions, rank: str, taxonomy: pd.DataFrame) -> Predictions:
    """Return `predictions` of species, genera or families."""
    return predictions if rank == "species" else predictions.by_rank(rank, taxonomy)


def _limit(sure: np.ndarray, right: np.ndarray, error: float) -> float:
    """Return the least confidence from which on at most the share `error` is wrong; inf if none."""
    order = np.argsort(-sure, kind="stable")  # surest first
    n_wrong = np.cumsum(~right[order])
    n_answered = np.arange(1, len(order) + 1)
    share = (n_wrong + 1) / (n_answered + 1)  # the next one might be wrong
    allowed = np.flatnonzero(share <= error)
    if not len(allowed):
        return np.inf
    last = allowed[-1]
    return float(sure[order[last]])


def back_off(
    predictions: Predictions,
    valid: Predictions | dict[str, float],
    taxonomy: pd.DataFrame,
    error: float = 0.1,
) -> pd.DataFrame:
    """Return one answer a photo, as deep as it may go: image_path, rank, name, score and right.

    The rank is species, else genus, else family, else "not sure"; `right` is whether it is.

    Args:
        valid: what `back_off_limits` learns from, or the limits that it gave.
        taxonomy: a table with species, genus and family of every species that is predicted.
    """
    limits = valid if isinstance(valid, dict) else back_off_limits(valid, taxonomy, error)
    photos = predictions.images[["image_path"]]
    told = photos.assign(rank="not sure", name="", score=0.0, right=False)
    for rank, limit in limits.items():
        answers = _at_rank(predictions, rank, taxonomy)
        sure = answers.confidence()
        unanswered = (told["rank"] == "not sure").to_numpy()
        now = unanswered & (sure >= limit)  # (N,)
        told.loc[now, "rank"] = rank
        told.loc[now, "name"] = answers.named()[now]
        told.loc[now, "score"] = sure[now]
        told.loc[now, "right"] = answers.right()[now]
    return told
