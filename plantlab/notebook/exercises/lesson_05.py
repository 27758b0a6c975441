"""05. How does a classifier learn species that have three photos?"""

import numpy as np

from plantlab.notebook.exercises.check import near
from plantlab.predictions import Predictions, metrics


def exercise_1(scores: tuple[float, float], answers: Predictions, counts: np.ndarray) -> bool:
    """Micro counts the plants of the five, macro counts the five among all species of test."""
    five = [answers.species[k] for k in np.argsort(-counts, kind="stable")[:5]]
    true = answers.images["species"]
    micro, macro = scores
    wanted = len(set(five) & set(true)) / true.nunique()
    return near(micro, true.isin(five).mean()) and near(macro, wanted)


def exercise_2(claim: tuple[float, bool], winner: Predictions, baseline: Predictions) -> bool:
    """`metrics.difference` gives the gain and its interval's ends: is zero between them?"""
    gain, low, high = metrics.difference(winner, baseline, "macro_top5")
    said, is_clear = claim
    return near(said, gain, 1e-3) and is_clear == (low > 0 or high < 0)


def exercise_3(share: float, answers: Predictions, counts: np.ndarray, few: list[str]) -> bool:
    """Of the wrong names on species in `few`: which stand for a species with more train photos?"""
    n_photos = dict(zip(answers.species, counts))
    true = answers.images["species"].to_numpy()
    pairs = [(n_photos[a], n_photos[b]) for a, b in zip(answers.named(), true) if a != b]
    of_few = [b in few for a, b in zip(answers.named(), true) if a != b]
    named, own = np.array(pairs)[of_few].T
    return near(share, (named > own).mean())
