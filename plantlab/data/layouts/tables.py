"""A table that lists photos: CSV, TSV or Parquet, with usual column names or Darwin Core."""

import csv
import io
import os
import warnings
from pathlib import Path

import pandas as pd

from plantlab.data.addresses import file_of, is_far
from plantlab.data.layouts.found import Found, count_note
from plantlab.data.layouts.names import rename
from plantlab.data.table import TableError

MOST_NAMES = 12  # columns that a message lists
LONGEST = 40  # letters of one


def read_table(path: Path, names: str | dict[str, str]) -> Found:
    """Return the photos that a table lists, also those that are not there, to be set aside later.

    Raises:
        TableError: no table, no column that names photos, or none of them is there.
    """
    table = load(path)
    columns = _listed(table)
    _refuse_bytes(table, path.name)
    known = {str(column).lower().split(":")[-1] for column in table}
    if names == "dwc" and "scientificname" not in known:
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
    photos = [_place(photo, path.parent) for photo in named["image_path"]]
    if photos and not any(is_far(photo) or os.path.lexists(file_of(photo)) for photo in photos):
        raise TableError(
            f"none of the {len(photos)} photos that {path.name} lists is there; the first should "
            f"be at {photos[0][:200]}. Relative paths start at the table's folder."
        )
    n_nameless = len(table) - len(named)
    notes = count_note(f"Rows of {path.name} that name no photo were left out", n_nameless)
    return Found(named.assign(image_path=photos), notes)


def _place(photo: str, folder: Path) -> str:
    """Return where a photo lies that a table in a folder names."""
    return photo if is_far(photo) else os.path.normpath(folder / photo)


def _refuse_bytes(table: pd.DataFrame, name: str) -> None:
    """Raise TableError where photos stand inside a table, as the hub's Parquet files hold them."""
    for column in table.select_dtypes("object"):
        first = table[column].dropna().head(1)
        if any(isinstance(value, dict | bytes) for value in first):
            raise TableError(
                f"the photos stand inside {name}, in its column {column!r}, which plantlab does "
                "not read; write each into a file of its own, in a folder for each species."
            )


def load(path: Path) -> pd.DataFrame:
    """Return a table as it stands, CSV as text, whatever separates its columns.

    Raises:
        TableError: neither Parquet nor CSV in UTF-8.
    """
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        text = path.read_text(encoding="utf-8-sig")
    except ValueError as error:
        raise TableError(_no_table(path, error)) from None
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        raise TableError(_no_table(path, "it is empty"))
    separator = max(",;\t|", key=lines[0].count)
    if '"' not in text:
        lines = _of_one_width(lines, separator, path.name)
        return _parse("\n".join(lines), separator, csv.QUOTE_NONE)
    try:
        table = _parse(text, separator, csv.QUOTE_MINIMAL)
    except (ValueError, pd.errors.ParserWarning):
        table = None
    is_even = len({line.count(separator) for line in lines}) == 1
    if is_even and (table is None or len(table) < len(lines) - 1):
        return _parse(text, separator, csv.QUOTE_NONE)  # marks that quote nothing swallow rows
    return _row_by_row(text, separator, path) if table is None else table


def _parse(text: str, separator: str, quoting: int) -> pd.DataFrame:
    options = {"dtype": str, "keep_default_na": False, "index_col": False}
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # that cells would be lost
        return pd.read_csv(io.StringIO(text), sep=separator, quoting=quoting, **options)


def _row_by_row(text: str, separator: str, path: Path) -> pd.DataFrame:
    """Return a table with quoted cells, some of whose rows have empty cells too many.

    Raises:
        TableError: a row has more cells than the header, or it is no such table.
    """
    try:
        header, *rows = csv.reader(io.StringIO(text), delimiter=separator)
    except csv.Error as error:
        raise TableError(_no_table(path, error)) from None
    width = len(header)
    for number, row in enumerate(rows, 2):
        if any(row[width:]):
            raise TableError(_too_wide(path.name, number, len(row), width, separator))
    cells = [[*row[:width], *[""] * (width - len(row))] for row in rows if row]
    return pd.DataFrame(cells, columns=header, dtype=str)


def _no_table(path: Path, error: Exception | str) -> str:
    return f"{path.name} is no CSV table in UTF-8 and no Parquet: {str(error)[:200]}"


def _of_one_width(lines: list[str], separator: str, name: str) -> list[str]:
    """Return the lines without separators at their ends that the header does not have.

    Raises:
        TableError: a line has more cells than the header.
    """
    width = lines[0].count(separator)
    fitted = []
    for number, line in enumerate(lines, 1):
        extra = line.count(separator) - width
        if extra > 0 and line.endswith(separator * extra):
            line = line[:-extra]
        elif extra > 0:
            cells = width + extra + 1
            raise TableError(_too_wide(name, number, cells, width + 1, separator))
        fitted.append(line)
    return fitted


def _too_wide(name: str, number: int, cells: int, width: int, separator: str) -> str:
    return (
        f"{name}, line {number}: {cells} cells where the header has {width}. "
        f'Put a cell that holds "{separator}" in quotes.'
    )


def _listed(table: pd.DataFrame) -> str:
    """Return the columns for a message, the first of many, none of them long."""
    names = [str(column)[:LONGEST] for column in table.columns[:MOST_NAMES]]
    n_more = len(table.columns) - len(names)
    return ", ".join(names) + (f" and {n_more} more" if n_more > 0 else "")
