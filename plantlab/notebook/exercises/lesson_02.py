"""02. How much does a pretrained network help?"""

import pandas as pd

from plantlab.notebook.exercises.check import all_scores, near
from plantlab.predictions import Predictions


def exercise_1(shares: tuple[float, float], answers: Predictions) -> bool:
    """Of wrong names alone; by chance, it is the genus's other species among all other species."""
    named, true = pd.Series(answers.named()), pd.Series(answers.images["species"].to_numpy())
    wrong = named != true
    genera = pd.Series(answers.species).str.split().str[0]
    genus = true[wrong].str.split().str[0]
    of_genus = (named[wrong].str.split().str[0] == genus).mean()
    others = genus.map(genera.value_counts()) - 1
    by_chance = (others / (len(genera) - 1)).mean()
    said, said_by_chance = shares
    return near(said, of_genus, 0.01) and near(said_by_chance, by_chance, 0.01)


def exercise_2(mirrored: Predictions, plain: Predictions) -> bool:
    """Both views in one call: twice the mean of two, less the plain one, leaves probabilities."""
    both, one = all_scores(mirrored), all_scores(plain)
    other = 2 * both - one
    return other.min() > -1e-4 and not both.equals(one)


def exercise_3(learn: object, epochs: int) -> bool:
    """As many epochs as above, the first layers at a tenth of the head's rate."""
    first, last = (learn.opt.hypers[layer]["lr"] for layer in (0, -1))
    return near(10 * first / last, 1, 0.01) and len(learn.history) == epochs
