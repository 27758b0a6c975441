"""Photos that look the same, and what leaks between splits through them."""

from itertools import combinations

import numpy as np
import pandas as pd

from plantlab.data.splits import SPLITS
from plantlab.data.table import require


def find_duplicates(images: pd.DataFrame, max_distance: int = 4) -> pd.DataFrame:
    """Return pairs of photos that are the same file, or look the same: one row a pair.

    Columns: first, second (row numbers of `images`), distance (bits of 64 in which the perceptual hashes differ), kind
    (exact or near), and same_species, same_split, same_obs_id where those are known. Of m identical files, m - 1 pairs
    with the first are listed. Every photo is compared with every other, 5,000 in a second.

    `images` has `sha1` and `phash` from photos.set_aside. Near is at most `max_distance`: in 9,214 photographs of
    flowers all 24 near pairs up to 4 bits were the same photo, changed; at 10 bits most pairs were two plants.
    """
    require(images, "sha1", "phash")
    row = pd.Series(range(len(images)))
    first = row.groupby(images["sha1"].to_numpy()).transform("first")
    copies = row[row != first]
    pairs = [np.column_stack([first[copies], copies, np.zeros(len(copies), int)])]
    single = row[row == first].to_numpy()
    bits = np.array(
        [int(code, 16) for code in images["phash"].iloc[single]], dtype=np.uint64
    )  # (N,)
    for start in range(0, len(bits), 256):  # blocks of rows: 256 x N distances at a time
        distance = np.bitwise_count(bits[start : start + 256, None] ^ bits[None, start:])
        i, j = np.nonzero(np.triu(distance <= max_distance, 1))
        pairs.append(np.column_stack([single[start + i], single[start + j], distance[i, j]]))
    found = pd.DataFrame(np.concatenate(pairs), columns=["first", "second", "distance"])
    found["kind"] = np.where(found.index < len(copies), "exact", "near")
    for column in images.columns.intersection(["species", "split", "obs_id"]):
        values = images[column].to_numpy()
        found[f"same_{column}"] = values[found["first"]] == values[found["second"]]
    return found


def leakage(images: pd.DataFrame, duplicates: pd.DataFrame) -> pd.DataFrame:
    """Return what two splits share: observations, and pairs of exact and near duplicates. All 0 is as it should be."""
    require(images, "split", "obs_id")
    sides = images["split"].to_numpy()[duplicates[["first", "second"]].to_numpy()]  # (pairs, 2)
    plants = images.groupby("split")["obs_id"].agg(set)
    rows = {}
    for a, b in combinations([s for s in SPLITS if s in plants], 2):
        across = duplicates["kind"][(np.sort(sides) == sorted([a, b])).all(axis=1)]
        rows[f"{a} and {b}"] = [
            len(plants[a] & plants[b]),
            (across == "exact").sum(),
            (across == "near").sum(),
        ]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["observations", "exact", "near"])
