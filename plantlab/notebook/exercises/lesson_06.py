"""06. How much do several photos of a plant help, and which organs?"""

import numpy as np
import pandas as pd

from plantlab.data import places
from plantlab.notebook.exercises.check import near
from plantlab.predictions import Predictions


def exercise_1(leads: tuple[float, float], pairs: pd.DataFrame, answers: Predictions) -> bool:
    """The mean of `first` less `second` in `pairs`; then 1 / rank over all flowers, all leaves."""
    both = pairs[pairs["organs"] == "flower + leaf"]
    worth = pd.Series(1 / answers.ranks()).groupby(answers.images["organ"].to_numpy()).mean()
    same_plants, all_photos = leads
    lead = (both["first"] - both["second"]).mean()
    return near(same_plants, lead) and near(all_photos, worth["flower"] - worth["leaf"])


def exercise_2(share: float, one: pd.Series, together: pd.Series, n_photos: pd.Series) -> bool:
    """Of the plants with three photos, those whose MRR with all is below that with one."""
    three = n_photos.index[n_photos == 3]
    return near(share, (together[three] < one[three] - 1e-9).mean())


def exercise_3(ceiling: float, seen: pd.DataFrame, asked: Predictions) -> bool:
    """`places.flora_mask` says which species may be named; who is not in it cannot be right."""
    allowed = places.flora_mask(seen, asked.images, asked.species, 50, 6)
    return near(ceiling, allowed[np.arange(len(asked)), asked.targets].mean())
