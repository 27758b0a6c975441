"""08. What plant is this?"""

import numpy as np
import pandas as pd

from plantlab.identify.answer import Answer
from plantlab.quality import votes


def exercise_1(answer: Answer, plant: pd.DataFrame) -> bool:
    """`within` takes the names of all species of that genus, and no others."""
    own = plant["species"].iloc[0].split()[0]
    named = answer.names.query("score > 0")["species"]
    return set(named.str.split().str[0]) == {own}


def exercise_2(n_newcomers: int) -> bool:
    """One vote of a newcomer weighs log(2.1); together they need more than 2."""
    return _are_trusted(n_newcomers) and not _are_trusted(n_newcomers - 1)


def exercise_3(n_named: int, told: pd.DataFrame) -> bool:
    """Sort by `sure`, count the wrong ones from the surest on, and find the last place."""
    surest = told[told["rank"].ne("unlike")].sort_values("sure", ascending=False)
    share_wrong = (~surest["right"]).cumsum() / np.arange(1, len(surest) + 1)
    places = np.flatnonzero(share_wrong <= 0.01)
    return n_named == places.max(initial=-1) + 1


def _are_trusted(n: int) -> bool:
    """Return whether so many newcomers, who agree on a plant, make it trusted."""
    names = [str(i) for i in range(n)]
    said = pd.DataFrame({"obs_id": "a", "species": "x", "by": names})
    return bool(n) and bool(votes.weigh(said)["trusted"].iloc[0])
