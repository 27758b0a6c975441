"""People against a machine: what a few plants can tell, and how many people it takes."""

from typing import NamedTuple

import numpy as np

LEVEL = 0.05  # a difference that chance would make more seldom counts


class Duel(NamedTuple):
    """Two who were asked about the same plants.

    `first` and `second`: plants on which that one alone was right; `chance`: how often equals would
    differ by so much.
    """

    first: int
    second: int
    chance: float


def share_interval(n_right: int, n: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share.

    >>> low, high = share_interval(13, 20)
    >>> round(low, 3), round(high, 3)
    (0.433, 0.819)
    """
    from scipy.stats import binomtest

    interval = binomtest(n_right, n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def duel(first: np.ndarray, second: np.ndarray) -> Duel:
    """Return what tells two apart who were asked about the same plants.

    Args:
        first, second: bool (N,), who was right about what.
    Source: McNemar 1947, the exact test.
    """
    from scipy.stats import binomtest

    alone = int((first & ~second).sum())
    other = int((second & ~first).sum())
    chance = binomtest(alone, alone + other).pvalue if alone + other else 1.0
    return Duel(alone, other, float(chance))


def told_apart(
    machine: float,
    expert: float,
    n_plants: int = 100,
    n_experts: int = 1,
    difficulty: float = 1.0,
    n_draws: int = 400,
    seed: int = 0,
) -> float:
    """Return how often so many experts on so many plants are told from a machine, in [0, 1].

    Simulated: all are asked about the same plants, of which some are harder for everybody. They are
    told apart where the 95 % interval over plants of the machine's lead over the mean expert holds
    no zero. In 2018 nine experts of the French flora were asked about a hundred plants.

    Args:
        machine, expert: the share of plants of middling difficulty that each names right.
        difficulty: spread of the plants, a standard deviation in log-odds.
    """
    rng = np.random.default_rng(seed)
    plants = rng.normal(0, difficulty, (n_draws, n_plants, 1))
    by_machine = rng.random((n_draws, n_plants)) < _probability(machine, plants)[..., 0]
    answers = rng.random((n_draws, n_plants, n_experts)) < _probability(expert, plants)
    lead = by_machine - answers.mean(axis=2)  # (draws, plants)
    error = lead.std(axis=1, ddof=1) / np.sqrt(n_plants)
    return float((np.abs(lead.mean(axis=1)) > 1.96 * error).mean())


def _probability(skill: float, plants: np.ndarray) -> np.ndarray:
    """Return how likely one of this skill names each plant."""
    odds = np.log(skill / (1 - skill)) - plants
    return 1 / (1 + np.exp(-odds))
