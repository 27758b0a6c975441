"""How several photos of one plant are weighed together."""

import numpy as np
import pandas as pd

RULES = ("mean", "product", "max", "borda")

LEAST = 1e-12  # a probability of 0 has no logarithm


def join_photos(
    probs: np.ndarray, plants: np.ndarray, how: str = "mean", weights: np.ndarray | None = None
) -> np.ndarray:
    """Return the probabilities of each plant, (P, K), from those of its photos, (N, K).

    Args:
        plants: (N,) the number of each photo's plant, in [0, P).
        how: one of RULES. weights: (N,) how much each photo counts; see Predictions.by_observation.
    Raises:
        ValueError: an unknown rule, or weights that are not one number a photo.
    """
    if how not in RULES:
        raise ValueError(f"how must be one of {', '.join(RULES)}; got {how!r}")
    shares = _shares(weights, plants)
    votes = _votes(probs, how)
    by_plant = (votes * shares[:, None]).groupby(plants)
    joined = by_plant.max() if how == "max" else by_plant.mean()
    return _probabilities(joined.to_numpy(), how)


def _shares(weights: np.ndarray | None, plants: np.ndarray) -> np.ndarray:
    """Return how much each photo counts, (N,): 1 on average over the photos of a plant."""
    n = len(plants)
    if weights is None:
        weights = np.ones(n, np.float32)  # as probabilities are: the mean stays pandas' own
    else:
        weights = np.asarray(weights, dtype=float)
    weights = pd.Series(weights)
    usable = weights.between(0, np.inf, inclusive="left")
    if len(weights) != n or not usable.all():
        got = f"{len(weights)}, least {weights.min()}"
        raise ValueError(f"weights must be {n} numbers, 0 or more; got {got}")
    means = weights.groupby(plants).transform("mean")
    shares = (weights / means).where(means > 0, 1)
    return shares.to_numpy()


def _votes(probs: np.ndarray, how: str) -> pd.DataFrame:
    """Return what each photo gives to each species, (N, K)."""
    if how == "product":  # the mean of logarithms is that of the geometric mean
        return pd.DataFrame(np.log(np.maximum(probs, LEAST)))
    if how == "borda":
        return pd.DataFrame(probs).rank(axis=1)
    return pd.DataFrame(probs)


def _probabilities(joined: np.ndarray, how: str) -> np.ndarray:
    """Return joined votes as probabilities, (P, K)."""
    if how == "mean":
        return joined
    if how == "product":
        joined = np.exp(joined - joined.max(axis=1, keepdims=True))
    return joined / joined.sum(axis=1, keepdims=True)
