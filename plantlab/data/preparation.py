"""From any layout to a table that can be learnt from, in one call."""

from pathlib import Path

import pandas as pd

from plantlab.data.inspection import set_aside
from plantlab.data.layouts import read_images
from plantlab.data.plants import assign_observations
from plantlab.data.splits import complete_splits


def prepare(
    dataset: str | Path | pd.DataFrame, seed: int = 0, split: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (images, bad): photos read, grouped into plants and split; and the files set aside.

    Every row of the data set is in one of the two. `images.attrs["notes"]` tells what its reader
    should know, `bad` says in its column `problem` why a file cannot be read.

    Args:
        dataset: what layouts.read_images takes, or an image table, such as greenhouse.build makes.
        seed: of the split, where the data brings none.
        split: False leaves `split` as the data has it, and needs no `species`: for data whose split
            is to be changed, drawn otherwise or only looked at.
    Raises:
        TableError: nothing there, or nothing that is recognised; too few plants to split.
    """
    images = dataset if isinstance(dataset, pd.DataFrame) else read_images(dataset)
    images, bad = set_aside(images)
    images = assign_observations(images)
    if split:
        images = complete_splits(images, seed)
    return images, bad
