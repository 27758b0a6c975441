"""01. What do these photographs hold?"""

import pandas as pd

from plantlab import greenhouse


def exercise_1(thirds: pd.DataFrame, images: pd.DataFrame) -> bool:
    """A species of the table has ten photos in each of three splits, or is not in it."""
    sizes = set(thirds.groupby(["species", "split"]).size())
    n_common = (images["species"].value_counts() >= 30).sum()
    return sizes == {10} and thirds["species"].nunique() == n_common


def exercise_2(sides: pd.Series, images: pd.DataFrame) -> bool:
    """Deal authors, not photos: each on one side, and a tenth to a third of the photos in test."""
    sides = pd.Series(sides, index=images.index)
    who = images.get("author", images["obs_id"]).fillna(images["obs_id"])
    n_sides = sides.groupby(who).nunique()
    share = (sides == "test").mean()
    return set(sides) == {"train", "test"} and n_sides.max() == 1 and 0.1 <= share <= 1 / 3


def exercise_3(imbalance: float) -> bool:
    """Count the species of up to ten photos in `greenhouse.species_counts(20, 1000, imbalance)`."""
    counts = pd.Series(greenhouse.species_counts(20, 1000, imbalance))
    return (counts <= 10).sum() == 10
