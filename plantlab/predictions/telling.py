"""Two kinds of photos told apart by one number: how well, and what a limit costs."""

import numpy as np
import pandas as pd

BOOTSTRAPS = 500


def auroc(
    strange: np.ndarray,
    known: np.ndarray,
    strange_plants: np.ndarray,
    known_plants: np.ndarray,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Return (AUROC, low, high): how often a stranger's value is above a known photo's.

    0.5 is guessing; ties count half. The 95 % interval draws whole plants, on both sides.

    Args:
        strange, known: (S,) and (K,) values, the larger the stranger.
        strange_plants, known_plants: which plant each photo shows; a photo without one is its own.
    Raises:
        ValueError: no photo on one side.

    >>> auroc([3, 4], [1, 2], [0, 1], [2, 3])[0]
    1.0
    """
    if not len(strange) or not len(known):
        raise ValueError(
            f"{len(strange)} strangers and {len(known)} known photos; expected one each or more."
        )
    above = _above(strange, known)
    rng = np.random.default_rng(seed)
    rows = _draw(strange_plants, rng)  # (B, S)
    columns = _draw(known_plants, rng)  # (B, K)
    sums = ((rows @ above) * columns).sum(axis=1)
    drawn = sums / (rows.sum(axis=1) * columns.sum(axis=1))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(above.mean()), float(low), float(high)


def _above(strange: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return 1 where a stranger is above a known photo, 0.5 where they tie, (S, K)."""
    gap = np.subtract.outer(np.asarray(strange, float), np.asarray(known, float))
    return (1 + np.sign(gap)) / 2


def _draw(plants: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return how often each photo comes in each draw of plants, (B, photos)."""
    plant, names = pd.factorize(np.asarray(plants))
    times = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), BOOTSTRAPS)
    return times[:, plant].astype(float)


def shares_beyond(limit: float, groups: dict[str, np.ndarray]) -> dict[str, float]:
    """Return which share of each group's values lies above a limit, in [0, 1].

    >>> shares_beyond(2, {"known": [1, 2, 3, 1], "strange": [3, 4]})
    {'known': 0.25, 'strange': 1.0}
    """
    return {name: float(np.mean(np.asarray(each) > limit)) for name, each in groups.items()}
