"""Photos that look the same, and what leaks between splits through them."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from plantlab.data.splits import SPLITS
from plantlab.data.table import require

BLOCK = 256  # photos that are compared with all others at a time


def find_duplicates(images: pd.DataFrame, max_distance: int = 4) -> pd.DataFrame:
    """Return pairs of photos that are the same file, or look the same: one row a pair.

    Columns: first, second (row numbers of `images`), distance (bits of 64 in which the perceptual
    hashes differ), kind (exact or near), and same_species, same_split, same_obs_id where those are
    known. Of m identical files, m - 1 pairs with the first are listed. Every photo is compared with
    every other, 5,000 in a second.

    `images` has `sha1` and `phash` from inspection.set_aside. Near is at most `max_distance`: in
    9,214 photographs of flowers all 24 near pairs up to 4 bits were the same photo, changed; at 10
    bits most pairs were two plants.
    """
    require(images, "sha1", "phash")
    row = pd.Series(range(len(images)))
    first = row.groupby(images["sha1"].to_numpy()).transform("first")  # of the same file
    is_copy = row != first
    copies = row[is_copy]
    exact = np.column_stack([first[is_copy], copies, np.zeros(len(copies), int)])
    once = row[~is_copy].to_numpy()
    near = _near_pairs(images["phash"].iloc[once], max_distance)
    near[:, :2] = once[near[:, :2]]
    pairs = np.concatenate([exact, near])
    found = pd.DataFrame(pairs, columns=["first", "second", "distance"])
    found["kind"] = np.where(found.index < len(exact), "exact", "near")
    for column in images.columns.intersection(["species", "split", "obs_id"]):
        values = images[column].to_numpy()
        found[f"same_{column}"] = values[found["first"]] == values[found["second"]]
    return found


def lone_copies(images: pd.DataFrame) -> np.ndarray:
    """Return which photos copy one that is not in the table, (N,): they repeat nothing there.

    Where rows were left out, a copy may be all that is left of its original. Of several copies of
    such a photo the first is alone, the others copy it. A table without `copy_of` has none.
    """
    if "copy_of" not in images:
        return np.zeros(len(images), bool)
    originals = images["copy_of"].fillna("")
    names = originals.map(_in_flora)
    is_copy = (originals != "").to_numpy()
    is_there = names.isin(images["image_path"].map(_in_flora)).to_numpy()
    is_first = ~names.duplicated().to_numpy()
    return is_copy & ~is_there & is_first


def _in_flora(path: str) -> str:
    """Return a photo's path from its flora's folder on, such as images/Rosa_vera/00001.jpg."""
    return "/".join(Path(path).parts[-3:])


def copies_in_train(images: pd.DataFrame, duplicates: pd.DataFrame) -> list[int]:
    """Return the train rows of `images` to leave out, so that each photo is there once.

    A train photo that copies a held-out one leaks its answer; of two in train the later one goes.

    Args:
        duplicates: of find_duplicates, of the same table.
    """
    in_train = images["split"].to_numpy() == "train"
    copies = set()
    for first, second in duplicates[["first", "second"]].to_numpy():
        if in_train[second]:
            copies.add(second)
        elif in_train[first]:
            copies.add(first)
    return images.index[sorted(copies)].tolist()


def _near_pairs(phash: pd.Series, max_distance: int) -> np.ndarray:
    """Return pairs of near hashes, (pairs, 3): the numbers of both in `phash`, and the distance."""
    codes = [int(code, 16) for code in phash]
    bits = np.array(codes, dtype=np.uint64)  # (N,)
    pairs = [np.zeros((0, 3), int)]
    for start in range(0, len(bits), BLOCK):
        block = bits[start : start + BLOCK, None]
        distance = np.bitwise_count(block ^ bits[None, start:])  # (BLOCK, N - start)
        i, j = np.nonzero(np.triu(distance <= max_distance, 1))
        apart = distance[i, j]
        pairs.append(np.column_stack([start + i, start + j, apart]))
    return np.concatenate(pairs)


def leakage(images: pd.DataFrame, duplicates: pd.DataFrame) -> pd.DataFrame:
    """Return what two splits share: observations, and pairs of exact and near duplicates.

    All 0 is as it should be.
    """
    require(images, "split", "obs_id")
    split = images["split"].to_numpy()
    sides = split[duplicates[["first", "second"]].to_numpy()]  # (pairs, 2)
    sides = np.sort(sides)
    plants = images.groupby("split")["obs_id"].agg(set)
    present = [side for side in SPLITS if side in plants]
    rows = {}
    for one, other in combinations(present, 2):
        is_across = (sides == sorted([one, other])).all(axis=1)
        kinds = duplicates["kind"][is_across]
        n_plants = len(plants[one] & plants[other])
        n_exact = (kinds == "exact").sum()
        n_near = (kinds == "near").sum()
        rows[f"{one} and {other}"] = [n_plants, n_exact, n_near]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["observations", "exact", "near"])
