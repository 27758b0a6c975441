"""The image table, one row per image: its columns, notes, kind and hash."""

import hashlib
import os

import numpy as np
import pandas as pd

COLUMNS = """image_path obs_id species genus family species_id organ latitude longitude author date license source split
kind""".split()


class TableError(ValueError):
    """A table, or the folder that should become one, lacks what was asked of it."""


def require(images: pd.DataFrame, *columns: str) -> None:
    """Raise TableError unless the image table has all of `columns`."""
    if missing := [c for c in columns if c not in images]:
        raise TableError(
            f"image table has no column {missing[0]!r}; it has {', '.join(map(str, images))}. "
            "Photos need a folder for each species; a Darwin Core table read_images(path, names='dwc')."
        )


def add_note(images: pd.DataFrame, note: str) -> None:
    """Add a sentence to `attrs["notes"]` of this very table: what was done, for its reader to know."""
    images.attrs = {**images.attrs, "notes": [*images.attrs.get("notes", []), note]}


def gini(counts) -> float:
    """Return how unequal `counts` are: 0 = all the same, towards 1 = one holds everything.

    >>> gini([5, 5, 5, 5]), gini([0, 0, 0, 8])
    (0.0, 0.75)
    """
    x = np.sort(counts)  # (n,)
    return float(np.arange(1 - len(x), len(x), 2) @ x / (len(x) * x.sum()))


def describe(images: pd.DataFrame) -> pd.Series:
    """Return what the table holds: counts, the long tail, organs, sources and splits, one value a line."""
    facts = {"kind": data_kind(images), "n_images": len(images)}
    for column, name in {
        "obs_id": "n_observations",
        "genus": "n_genera",
        "family": "n_families",
    }.items():
        if column in images:
            facts[name] = images[column].nunique()
    if "species" in images and (counts := images["species"].value_counts()).size:
        facts |= {
            "n_species": len(counts),
            "n_images_without_species": int(images["species"].isna().sum()),
        }
        facts |= {f"images_per_species_{how}": counts.agg(how) for how in ("median", "min", "max")}
        facts |= {
            "gini": round(gini(counts), 3),
            "share_of_species_with_one_image": round((counts == 1).mean(), 3),
        }
        facts["share_of_species_with_over_10_images"] = round((counts > 10).mean(), 3)
    for column in images.columns.intersection(["organ", "source", "split"]):
        counts = images[column].replace("", "unknown").fillna("unknown").value_counts()
        facts[f"{column}s"] = ", ".join(f"{name} {n}" for name, n in counts.items())
    return pd.Series(facts, name=images.attrs.get("name", "images"), dtype=object)


def observations(images: pd.DataFrame) -> np.ndarray:
    """Return the observation of each image, (N,); without `obs_id` each is its own."""
    own = "photo " + images.index.to_series().astype(str)
    return images.get("obs_id", own).fillna(own).to_numpy()


def relative_names(images: pd.DataFrame) -> pd.Series:
    """Return each image's path below the folder that holds them all, with / between: the same on any machine."""
    root = (
        os.path.commonpath([os.path.dirname(path) for path in images["image_path"]])
        if len(images)
        else ""
    )
    return images["image_path"].map(lambda path: path[len(root) :].replace(os.sep, "/").lstrip("/"))


def data_kind(images: pd.DataFrame) -> str:
    """Return 'generated' if any image is, else 'photographs': the word on every figure and score."""
    return (
        "generated" if "kind" in images and (images["kind"] == "generated").any() else "photographs"
    )


def data_hash(images: pd.DataFrame) -> str:
    """Return 12 hexadecimal digits that name these images with their labels and splits, wherever they lie.

    Rests on `sha1` (photos.set_aside) where present, else on the names below the common folder.
    """
    names = images["sha1"] if "sha1" in images else relative_names(images)
    labels = images.reindex(columns=["species", "split"]).fillna("").astype(str)
    lines = sorted(map("\t".join, zip(names, labels["species"], labels["split"])))
    return hashlib.sha1("\n".join(lines).encode()).hexdigest()[:12]
