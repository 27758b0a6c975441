"""15. What else does a leaf tell, and how would a botanist ask?"""

import pandas as pd

from plantlab.data.table import TableError
from plantlab.notebook.exercises.check import near
from plantlab.predictions import Predictions, keys


def exercise_1(share: float) -> bool:
    """Sixteen are halved four times, and all four answers must be right: 0.9 to the power of 4."""
    return near(share, 0.9**4)


def exercise_2(character: str, traits: pd.DataFrame, seed: int) -> bool:
    """Drop one column at a time, grow a key, and take the mean of ask_all(key)["n_questions"]."""
    costs = {}
    for name in traits:
        try:
            key = keys.grow_key(traits.drop(columns=name), seed)
            costs[name] = keys.ask_all(key)["n_questions"].mean()
        except TableError:  # without it there are species that nothing parts
            costs[name] = float("inf")
    return near(costs[character], max(costs.values())) or costs[character] == max(costs.values())


def exercise_3(missed: str, asked: pd.DataFrame, answers: Predictions) -> bool:
    """Group `answers.named() == "healthy"` by the disease of the leaves that are ill."""
    passed = pd.Series(answers.named() == "healthy", asked.index)
    is_ill = asked["disease"] != "healthy"
    shares = passed[is_ill].groupby(asked["disease"][is_ill]).mean()
    return near(shares[missed], shares.max())
