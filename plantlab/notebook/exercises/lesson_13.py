"""13. Which bird sings?"""

import numpy as np
import pandas as pd

from plantlab.data.splits import hold_out_groups
from plantlab.notebook.exercises.check import near


def exercise_1(louder: float) -> bool:
    """Ten times the logarithm of the ratio of powers, which is sixteen."""
    return near(louder, 10 * np.log10(16), 0.05)


def exercise_2(area: float) -> bool:
    """Of six pairs 0.9 wins three, and 0.4 wins two."""
    return near(area, 5 / 6)


def exercise_3(share_known: float, images: pd.DataFrame, seed: int) -> bool:
    """hold_out_groups(images["obs_id"], 0.35, seed) is test; the column `individual` says who."""
    in_test = hold_out_groups(images["obs_id"], 0.35, seed)
    known = images.loc[~in_test, "individual"]
    return near(share_known, images.loc[in_test, "individual"].isin(known).mean())
