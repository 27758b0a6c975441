"""Photos of plots, of which is known which species stand in them."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from plantlab.data.layouts.tables import load
from plantlab.data.table import require


class Quadrats(NamedTuple):
    """Plots and what stands in them.

    `plots` has a row a plot: image_path, obs_id, split (valid or test), kind; latitude, longitude
    and date where known. `present` says which of K species stand in each, bool (P, K).
    """

    plots: pd.DataFrame
    present: np.ndarray


def read_quadrats(table: str | Path, species: list[str], seed: int = 0) -> Quadrats:
    """Return the plots of a table: image_path and species, whose names are parted by semicolons.

    Where it has no split, half of the plots are drawn for valid and half for test.

    Args:
        table: CSV or Parquet; paths start at its folder. species: K names, in column order.
    Raises:
        TableError: a column is missing. ValueError: see mark_present.
    """
    table = Path(table)
    plots = load(table)
    require(plots, "image_path", "species")
    plots["image_path"] = [str(table.parent / path) for path in plots["image_path"]]
    if "obs_id" not in plots:
        plots["obs_id"] = [f"plot-{number}" for number in range(len(plots))]
    if "split" not in plots:
        drawn = np.random.default_rng(seed).permutation(len(plots))
        plots["split"] = np.where(drawn < len(plots) // 2, "valid", "test")
    lists = plots["species"].fillna("").str.split(";")
    standing = [set(map(str.strip, names)) for names in lists]
    present = mark_present(standing, species)
    return Quadrats(plots.assign(kind="photographs"), present)


def mark_present(standing: list[set[str]], species: list[str]) -> np.ndarray:
    """Return which of K species stand in each plot, bool (P, K).

    Raises:
        ValueError: none of the names is among `species`.

    >>> mark_present([{"Bellis minor"}, set()], ["Bellis minor", "Rosa alba"]).tolist()
    [[True, False], [False, False]]
    """
    present = np.zeros((len(standing), len(species)), bool)
    for row, names in zip(present, standing):
        row[:] = pd.Index(species).isin(names)
    if not present.any():
        example = next(iter(set().union(*standing)), "")
        raise ValueError(
            f"the plots have species such as {example!r}, and none is among the {len(species)} "
            f"that were learnt, such as {species[0]!r}. Photographs of yours need plots of yours: "
            "a table with image_path and species."
        )
    return present
