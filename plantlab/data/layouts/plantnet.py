"""Pl@ntNet-300K: species folders below splits, and JSON that says what each photo is."""

from pathlib import Path

import pandas as pd

from plantlab.data.layouts.found import Found, find_listed, read_json
from plantlab.data.layouts.names import rename


def read_plantnet(folder: Path) -> Found | None:
    """Return the photos of Pl@ntNet-300K, None if `folder` does not hold it."""
    listed = folder / "plantnet300K_metadata.json"
    if not listed.is_file():
        return None
    metadata = read_json(listed)
    rows = rename(pd.DataFrame.from_dict(metadata, orient="index", dtype=str))
    species = read_json(folder / "plantnet300K_species_id_2_name.json")
    number = rows["species_id"]
    rows["species"] = number.map(species).fillna(number)
    keys = number + "/" + rows.index
    return find_listed(rows, keys, folder, listed.name)
