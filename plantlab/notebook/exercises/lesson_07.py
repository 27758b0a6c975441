"""07. What looks like this photo, and is that an identification?"""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from plantlab.notebook.exercises.check import near

if TYPE_CHECKING:  # it needs torch
    from plantlab.heads.vectors import Photos

VOTERS = (1, 3, 10, 30)


def exercise_1(best: float, same: dict[str, np.ndarray]) -> bool:
    """Such a person is right wherever one of the five is of the species: a row a search."""
    return near(best, same["species"][:, :5].any(axis=1).mean())


def exercise_2(k: int, gallery: "Photos", rows: dict[str, np.ndarray]) -> bool:
    """`gallery.ask_neighbours(rows["train"], rows["valid"], k)`: compare its top-1 on valid."""
    right = {}
    for voters in VOTERS:
        said = gallery.ask_neighbours(rows["train"], rows["valid"], voters)
        right[voters] = said.right().mean()
    return right[k] == max(right.values())


def exercise_3(still: float, valid: pd.Series, test: pd.Series) -> bool:
    """The limit is a quantile of valid's distances; the share is of the known photos of test."""
    return near(still, (test > np.quantile(valid, 0.99)).mean(), 1e-3)
