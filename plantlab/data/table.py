"""The image table, one row per image: its columns, notes, kind and hash."""

import hashlib
import os

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

COLUMNS = [
    "image_path",
    "obs_id",
    "species",
    "genus",
    "family",
    "species_id",
    "organ",
    "latitude",
    "longitude",
    "author",
    "date",
    "license",
    "source",
    "split",
    "kind",
]


class TableError(ValueError):
    """A table, or the folder that should become one, lacks what was asked of it."""


def require(images: pd.DataFrame, *columns: str) -> None:
    """Raise TableError unless the image table has all of `columns`."""
    missing = [column for column in columns if column not in images]
    if missing:
        present = ", ".join(map(str, images))
        raise TableError(
            f"image table has no column {missing[0]!r}; it has {present}. "
            "Photos need a folder for each species; "
            "a Darwin Core table read_images(path, names='dwc')."
        )


def add_note(images: pd.DataFrame, note: str) -> None:
    """Add a sentence to `attrs["notes"]` of this very table: what its reader should know."""
    notes = [*images.attrs.get("notes", []), note]
    images.attrs = {**images.attrs, "notes": notes}


def gini(counts: ArrayLike) -> float:
    """Return how unequal `counts` are: 0 = all the same, towards 1 = one holds everything.

    >>> gini([5, 5, 5, 5]), gini([0, 0, 0, 8])
    (0.0, 0.75)
    """
    x = np.sort(counts)  # (n,)
    n = len(x)
    lead = np.arange(1 - n, n, 2)  # how many are smaller, less how many are larger
    return float(lead @ x / (n * x.sum()))


def describe(images: pd.DataFrame) -> pd.Series:
    """Return what the table holds: counts, the long tail, organs, sources and splits.

    One value a line; what the table does not know has no line.
    """
    facts = {"kind": data_kind(images), "n_images": len(images)}
    n_distinct = {"obs_id": "n_observations", "genus": "n_genera", "family": "n_families"}
    for column, name in n_distinct.items():
        if column in images:
            facts[name] = images[column].nunique()
    if "species" in images and images["species"].notna().any():
        facts |= _describe_species(images["species"])
    for column in images.columns.intersection(["organ", "source", "split"]):
        values = images[column].replace("", "unknown").fillna("unknown")
        listed = [f"{name} {n}" for name, n in values.value_counts().items()]
        facts[f"{column}s"] = ", ".join(listed)
    name = images.attrs.get("name", "images")
    return pd.Series(facts, name=name, dtype=object)


def _describe_species(species: pd.Series) -> dict:
    counts = species.value_counts()
    return {
        "n_species": len(counts),
        "n_images_without_species": int(species.isna().sum()),
        "images_per_species_median": counts.median(),
        "images_per_species_min": counts.min(),
        "images_per_species_max": counts.max(),
        "gini": round(gini(counts), 3),
        "share_of_species_with_one_image": round((counts == 1).mean(), 3),
        "share_of_species_with_over_10_images": round((counts > 10).mean(), 3),
    }


def observations(images: pd.DataFrame) -> np.ndarray:
    """Return the observation of each image, (N,); without `obs_id` each is its own."""
    own = "photo " + images.index.to_series().astype(str)
    if "obs_id" not in images:
        return own.to_numpy()
    return images["obs_id"].fillna(own).to_numpy()


def relative_names(images: pd.DataFrame) -> pd.Series:
    """Return each image's path below the folder that holds them all, with / between.

    They are the same on any machine.
    """
    folders = [os.path.dirname(path) for path in images["image_path"]]
    root = os.path.commonpath(folders) if folders else ""

    def below_root(path: str) -> str:
        return path[len(root) :].replace(os.sep, "/").lstrip("/")

    return images["image_path"].map(below_root)


def data_kind(images: pd.DataFrame) -> str:
    """Return what stands on figures and scores: 'generated' if any image is, else 'photographs'.

    Rows that are no images of their own are called what they are: 'recordings', or figures of the
    literature, 'published figures'.
    """
    for kind in ("generated", "published figures", "recordings"):
        if "kind" in images and (images["kind"] == kind).any():
            return kind
    return "photographs"


def data_hash(images: pd.DataFrame) -> str:
    """Return 12 hexadecimal digits that name these images with their labels and splits.

    They hang on no folder and no order: on `sha1` (inspection.set_aside) where present, else on the
    names below the common folder.
    """
    names = images["sha1"] if "sha1" in images else relative_names(images)
    labels = images.reindex(columns=["species", "split"]).fillna("").astype(str)
    lines = map("\t".join, zip(names, labels["species"], labels["split"]))
    content = "\n".join(sorted(lines))
    return hashlib.sha1(content.encode()).hexdigest()[:12]
