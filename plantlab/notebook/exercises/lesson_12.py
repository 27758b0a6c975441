"""12. Can pressed plants teach a network to name living ones?"""

from typing import TYPE_CHECKING

import numpy as np

from plantlab.notebook.exercises.check import near
from plantlab.predictions import Predictions

if TYPE_CHECKING:  # it needs torch
    from plantlab.heads.vectors import Photos

SHRINKAGES = (0.1, 0.5, 0.9)


def exercise_1(highest: float) -> bool:
    """The first of the other half has rank 41 at best: the mean of 0.5 and 1/41."""
    return near(highest, (0.5 + 1 / 41) / 2)


def exercise_2(share_named: float, said: Predictions, asked: set[str]) -> bool:
    """Of the rows whose species is in `asked`, the share whose name is in it: said.named()."""
    of_these = said.images["species"].isin(asked).to_numpy()
    names = said.named()[of_these]
    return near(share_named, np.isin(names, list(asked)).mean())


def exercise_3(chosen: float, photos: "Photos", learn: np.ndarray, sheets: np.ndarray) -> bool:
    """Make a shared_space with each, ask a dictionary of its sheets, and score valid's plants."""
    best = max(SHRINKAGES, key=lambda shrinkage: on_valid(shrinkage, photos, learn, sheets))
    return chosen == best


def on_valid(shrinkage: float, photos: "Photos", learn: np.ndarray, sheets: np.ndarray) -> float:
    """Return the MRR of a shared space on valid's plants whose species it has learnt from."""
    from plantlab.heads.domains import dictionary, shared_space, unit
    from plantlab.heads.tries import scores_of
    from plantlab.heads.vectors import Photos

    space = shared_space(photos.vectors, photos.targets, learn, shrinkage)
    near_each = Photos(photos.images, unit(space))
    head = dictionary(*near_each.lesson(sheets))
    learnt = np.isin(photos.targets, photos.targets[learn])
    return scores_of(near_each.ask(head, photos.rows("valid") & learnt))["mrr"]
