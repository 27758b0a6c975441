"""A data set at a first look, as text: what it was read as, what it holds, what was left out."""

from pathlib import Path

import pandas as pd

from plantlab.data.layouts import read_images
from plantlab.data.table import describe, relative_names
from plantlab.data.taxa import accept_names

SHOWN = ["species", "split", "obs_id", "organ", "date"]  # of the first rows, beside the file
ROWS = 5
WIDTH = 100  # letters of a line


def look(
    source: str | Path, names: str | dict[str, str] = "auto", checklist: str | Path | None = None
) -> str:
    """Return what `source` was read as, counts, what was left out and why, and five rows.

    No photo is opened: notebook 01 does that.

    Args:
        source, names: of layouts.read_images.
        checklist: a table of accepted names, see taxa.accept_names.
    Raises:
        TableError: nothing there, or nothing that is recognised.
    """
    images = read_images(source, names)
    if checklist:
        images = accept_names(images, checklist)
    facts = describe(images)
    lines = [f"{images.attrs['name']}, read as: {images.attrs['layout']}", ""]
    lines += [f"{name:>40}  {str(value)[:WIDTH]}" for name, value in facts.items()]
    notes = images.attrs.get("notes", [])
    lines += ["", "Left out, or to know:"] if notes else []
    lines += [f"- {note}" for note in notes]
    rows = images.head(ROWS)
    columns = [column for column in SHOWN if column in rows]
    table = pd.DataFrame({"file": relative_names(images).head(ROWS)}).join(rows[columns])
    text = table.to_string(index=False, na_rep="", max_colwidth=40)
    return "\n".join([*lines, "", "The first rows:", text])
