"""09. How does one network name a third of a million species?"""

from plantlab.notebook.exercises.check import near
from plantlab.predictions import Predictions, cut, metrics

LENGTHS = (1, 3, 10, 30, 100)


def exercise_1(n_groups: int) -> bool:
    """Groups plus 80,000 over groups is least where both are alike: n times n is 80,000."""
    return near(n_groups, 80_000**0.5, 5)


def exercise_2(n_asked: float) -> bool:
    """Three branchings hold b * b * b leaves, 80,000 of them; 3 b numbers are asked about."""
    return near(n_asked, 3 * 80_000 ** (1 / 3), 3)


def exercise_3(shortest: int, answers: Predictions) -> bool:
    """Score `cut(answers, k)` for each length; the whole answers' MA-MRR is the mark."""
    whole = _ma_mrr(answers)
    enough = [k for k in LENGTHS if whole - _ma_mrr(cut(answers, k)) <= 0.01]
    return shortest == enough[0]


def _ma_mrr(answers: Predictions) -> float:
    return metrics.score(answers, n_boot=1, measures=["ma_mrr"])["ma_mrr"].item()
