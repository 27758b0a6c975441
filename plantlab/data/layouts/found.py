"""What every reader of a layout returns, and what they share."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from plantlab.data.layouts.search import find_photos
from plantlab.data.table import TableError


class Found(NamedTuple):
    """What a reader of a layout found.

    `images` has a row for each photo that is there, with the columns of table.COLUMNS that are
    published; `notes` are sentences for its reader to know. That is all that a new layout owes:
    read_images does the rest (observations, genera, names of splits, order of columns).
    """

    images: pd.DataFrame
    notes: list[str]


def count_note(said: str, n: int, of: str = "") -> list[str]:
    """Return a note with a number, as a list: of none where there is nothing to tell."""
    return [f"{said}: {n}{of}."] if n > 0 else []


def find_listed(rows: pd.DataFrame, keys: Iterable[str], folder: Path, listed_in: str) -> Found:
    """Return the rows whose photo is below `folder`, and notes that count the others.

    Args:
        keys: a photo a row, as its class folder and name, or its path; both without suffix.
        listed_in: what lists the photos, for notes and errors.
    Raises:
        TableError: none of the photos is there.
    """
    photos, _ = find_photos(folder)
    there = {}
    for photo in map(Path, photos):
        there[f"{photo.parent.name}/{photo.stem}"] = str(photo)
        there[str(photo.with_suffix(""))] = str(photo)
    rows = rows.assign(image_path=[there.get(key) for key in keys])
    found = rows.dropna(subset="image_path")
    if found.empty:
        raise TableError(
            f"none of the {len(rows)} photos listed in {listed_in} is there; unpack them beside it"
        )
    n_missing = len(rows) - len(found)
    n_unlisted = len(photos) - len(found)
    missing = f"Photos listed in {listed_in} that are not there"
    unlisted = f"Photos not listed in {listed_in} were left out"
    notes = count_note(missing, n_missing, f" of {len(rows)}")
    notes += count_note(unlisted, n_unlisted)
    return Found(found, notes)


def read_json(path: Path) -> dict:
    """Return what a file of JSON holds, {} where there is none."""
    if not path.is_file():
        return {}
    return json.loads(path.read_text(encoding="utf-8"))
