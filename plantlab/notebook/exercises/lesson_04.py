"""04. Are noisy web photographs worth having?"""

import numpy as np
import pandas as pd

from plantlab.notebook.exercises.check import near


def exercise_1(rows: np.ndarray, web: np.ndarray, wrong: np.ndarray) -> bool:
    """Fifty different web rows, a quarter more wrong ones than chance finds: who is in doubt?"""
    rows = np.asarray(rows)
    by_chance = 50 * wrong[web].mean()
    are_fifty_of_web = len(set(rows)) == len(rows) == 50 and web[rows].all()
    return are_fifty_of_web and wrong[rows].sum() >= min(1.25 * by_chance, 45)


def exercise_2(price: float, kept: np.ndarray, web: np.ndarray, wrong: np.ndarray) -> bool:
    """Among what is not kept, of the web: the photos that are not wrong over those that are."""
    dropped = web & ~kept
    return near(price, (dropped & ~wrong).sum() / (dropped & wrong).sum(), 0.01)


def exercise_3(two: tuple[str, str], named: pd.Series, web: np.ndarray, wrong: np.ndarray) -> bool:
    """First a count, then a share of the web photos under that name; two names."""
    by_name = pd.Series(wrong[web]).groupby(named[web].to_numpy())
    most, dirtiest = two
    counts, shares = by_name.sum(), by_name.mean()
    return counts[most] == counts.max() and shares[dirtiest] == shares.max()
