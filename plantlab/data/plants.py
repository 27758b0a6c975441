"""Which photos show the same plant."""

import numpy as np
import pandas as pd

from plantlab.data.duplicates import find_duplicates
from plantlab.data.table import add_note, relative_names, require


def assign_observations(
    images: pd.DataFrame, duplicates: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return `images` with one `obs_id` for photos that are duplicates of each other, so no split parts them.

    Photos of no known plant each have their own from layouts.read_images; of those, a species' photos that a camera
    took within a minute of one another are taken for one plant's. A note in `attrs` says how many were joined.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    require(images, "obs_id")
    duplicates = find_duplicates(images) if duplicates is None else duplicates
    codes, names = pd.factorize(images["obs_id"])
    bursts = _bursts(images)
    edges = codes[
        np.concatenate([duplicates[["first", "second"]].to_numpy(), bursts])
    ].T  # (2, pairs)
    n, joined = connected_components(
        coo_array((np.ones(edges.shape[1]), edges), shape=(len(names),) * 2)
    )
    first = pd.Series(names).groupby(joined).first()
    images = images.assign(obs_id=first[joined[codes]].to_numpy())
    if n < len(names):
        burst = ", and those taken of a species within a minute," if len(bursts) else ""
        add_note(
            images, f"{len(names)} observations became {n}: near-duplicate photos{burst} share one."
        )
    return images


def _bursts(images: pd.DataFrame, seconds: float = 60) -> np.ndarray:
    """Return pairs of rows, (pairs, 2): photos of a species, of no known plant, that were taken one after the other."""
    if not {"taken", "species"} <= set(images):
        return np.zeros((0, 2), int)
    told = images.assign(row=range(len(images)), at=pd.to_datetime(images["taken"]))
    told = told[images["obs_id"] == relative_names(images)].dropna(subset=["at", "species"])
    told = told.sort_values(["species", "at"])
    soon = (told["at"].diff() <= pd.Timedelta(seconds=seconds)) & (
        told["species"] == told["species"].shift()
    )
    second = np.flatnonzero(soon)
    return np.column_stack([told["row"].to_numpy()[second - 1], told["row"].to_numpy()[second]])
