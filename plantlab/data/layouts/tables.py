"""A table that lists photos: CSV, TSV or Parquet, with usual column names or Darwin Core."""

import os
from pathlib import Path

import pandas as pd

from plantlab.data.layouts.found import Found, count_note
from plantlab.data.layouts.names import rename
from plantlab.data.table import TableError


def read_table(path: Path, names: str | dict[str, str]) -> Found:
    """Return the photos that a table lists, also those that are not there, to be set aside later.

    Raises:
        TableError: no table, no column that names photos, or none of them is there.
    """
    table = load(path)
    columns = ", ".join(map(str, table))
    if names == "dwc" and "scientificname" not in columns.lower():
        raise TableError(
            f"{path.name} has no Darwin Core column scientificName; it has {columns}. "
            "Try names='auto'."
        )
    table = rename(table, names)
    if "image_path" not in table:
        raise TableError(
            f"{path.name} has no column that names the photos; it has {columns}. "
            "Expected image_path, image, file, ..., or say which: names={'theirs': 'image_path'}."
        )
    if "source" not in table and "basisOfRecord" in table:
        basis = table["basisOfRecord"].str.lower().str.replace("_", "")
        is_herbarium = basis == "preservedspecimen"
        table["source"] = is_herbarium.map({True: "herbarium", False: None})
    named = table.dropna(subset="image_path")
    photos = [os.path.normpath(path.parent / photo) for photo in named["image_path"]]
    if photos and not any(map(os.path.lexists, photos)):
        raise TableError(
            f"none of the {len(photos)} photos that {path.name} lists is there; the first should "
            f"be at {photos[0]}. Relative paths start at the table's folder."
        )
    n_nameless = len(table) - len(named)
    notes = count_note(f"Rows of {path.name} that name no photo were left out", n_nameless)
    return Found(named.assign(image_path=photos), notes)


def load(path: Path) -> pd.DataFrame:
    """Return a table as it stands, CSV as text, whatever separates its columns.

    Raises:
        TableError: neither Parquet nor CSV in UTF-8.
    """
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline()
        separator = max(",;\t", key=header.count)
        return pd.read_csv(
            path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig"
        )
    except ValueError as error:
        raise TableError(f"{path.name} is no CSV table in UTF-8 and no Parquet: {error}") from None
