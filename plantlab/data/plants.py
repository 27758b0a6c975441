"""Which photos show the same plant."""

import numpy as np
import pandas as pd

from plantlab.data.duplicates import find_duplicates
from plantlab.data.table import add_note, relative_names

BURST_SECONDS = 60  # between two photos of one plant, at most


def name_lone_photos(images: pd.DataFrame) -> pd.DataFrame:
    """Return `images` with an `obs_id` for each; photos that name no plant get one of their own.

    A note in `attrs` says how many they are.
    """
    unknown = pd.Series(index=images.index, dtype=str)
    obs_id = images.get("obs_id", unknown)
    n_alone = obs_id.isna().sum()
    if n_alone:
        images = images.assign(obs_id=obs_id.fillna(relative_names(images)))
        of = f"{n_alone} of {len(images)}"
        add_note(images, f"Photos that name no plant, each its own observation: {of}.")
    return images


def assign_observations(
    images: pd.DataFrame, duplicates: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return `images` with one `obs_id` for photos that are duplicates of each other.

    So no split parts them. Photos of no known plant each have their own (name_lone_photos); of
    those, a species' photos that a camera took within a minute of one another are taken for one
    plant's. A note in `attrs` says how many were joined.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    images = name_lone_photos(images)
    if duplicates is None:
        duplicates = find_duplicates(images)
    copies = duplicates[["first", "second"]].to_numpy()
    bursts = _bursts(images)
    pairs = np.concatenate([copies, bursts])
    codes, names = pd.factorize(images["obs_id"])
    edges = codes[pairs].T  # (2, pairs)
    size = (len(names), len(names))
    graph = coo_array((np.ones(len(pairs)), edges), shape=size)
    n_plants, plant_of = connected_components(graph)  # plant_of: (names,)
    first_name = pd.Series(names).groupby(plant_of).first()
    plant = plant_of[codes]  # (N,)
    images = images.assign(obs_id=first_name[plant].to_numpy())
    if n_plants < len(names):
        burst = ", and those taken of a species within a minute," if len(bursts) else ""
        joined = f"{len(names)} observations became {n_plants}"
        add_note(images, f"{joined}: near-duplicate photos{burst} share one.")
    return images


def _bursts(images: pd.DataFrame) -> np.ndarray:
    """Return pairs of rows, (pairs, 2), of a species' photos taken one after the other.

    Photos of a known plant are left out: the table knows better.
    """
    if not {"taken", "species"} <= set(images):
        return np.zeros((0, 2), int)
    photos = images[["species"]].assign(row=np.arange(len(images)))
    photos["at"] = pd.to_datetime(images["taken"])
    photos = photos[images["obs_id"] == relative_names(images)]
    photos = photos.dropna(subset=["at", "species"])
    photos = photos.sort_values(["species", "at"])
    is_soon = photos["at"].diff() <= pd.Timedelta(seconds=BURST_SECONDS)
    is_same = photos["species"] == photos["species"].shift()
    second = np.flatnonzero(is_soon & is_same)
    row = photos["row"].to_numpy()
    return np.column_stack([row[second - 1], row[second]])
