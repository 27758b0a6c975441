"""03. What does data augmentation give, and what does it cost?"""

from itertools import combinations

import numpy as np

from plantlab.notebook.exercises.check import all_scores, near
from plantlab.predictions import Predictions, fuse

ALL = "all five"  # the views together, as the lesson calls them


def exercise_1(honest: float, views: dict[str, Predictions]) -> bool:
    """Fuse each pair; rows 0, 2, 4, ... choose one of them, rows 1, 3, 5, ... score that one."""
    single = [answers for name, answers in views.items() if name != ALL]
    right = np.array([fuse(pair).right() for pair in combinations(single, 2)])  # (10, N)
    chosen_on = right[:, 0::2].mean(axis=1)
    scored_on = right[:, 1::2].mean(axis=1)
    best = scored_on[chosen_on == chosen_on.max()]  # several, where they tie
    return any(near(honest, top1, 1e-3) for top1 in best)


def exercise_2(weighted: Predictions, views: dict[str, Predictions]) -> bool:
    """A view that is named twice counts twice: six answers to fuse."""
    single = [answers for name, answers in views.items() if name != ALL]
    wanted = fuse([*single, views["plain"]])
    return (all_scores(weighted) - all_scores(wanted)).abs().max() < 1e-4


def exercise_3(n_outputs: tuple[int, int]) -> bool:
    """Photos x views x networks; what is in the cache is free."""
    photos = 3 * 1000
    return tuple(n_outputs) == (photos * 5 * 12, photos * 5)
