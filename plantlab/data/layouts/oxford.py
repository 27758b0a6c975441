"""Oxford Flowers-102: numbered photos, labels and splits in Matlab files."""

from pathlib import Path

import pandas as pd

from plantlab.data.layouts.found import Found, find_listed, read_json

SPLIT_LISTS = {"trnid": "train", "valid": "valid", "tstid": "test"}  # as published, not by size


def read_oxford(folder: Path) -> Found | None:
    """Return the photos of Oxford Flowers-102, None if `folder` does not hold it."""
    labels_file = folder / "imagelabels.mat"
    splits_file = folder / "setid.mat"
    if not labels_file.is_file() or not splits_file.is_file():
        return None
    from scipy.io import loadmat

    labels = loadmat(labels_file)["labels"].ravel()
    numbers = range(1, len(labels) + 1)
    rows = pd.DataFrame({"species_id": labels.astype(str)}, index=numbers)
    lists = loadmat(splits_file)
    for name, split in SPLIT_LISTS.items():
        rows.loc[lists[name].ravel(), "split"] = split
    species = read_json(folder / "cat_to_name.json")  # made by others; counts from 1, as labels do
    rows["species"] = [species.get(label, f"class {label}") for label in rows["species_id"]]
    keys = [f"jpg/image_{number:05}" for number in numbers]
    return find_listed(rows, keys, folder, labels_file.name)
