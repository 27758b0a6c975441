"""A data set at a first look, as text: what it was read as, what it holds, what was left out."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from plantlab.data.layouts import read_images
from plantlab.data.matching import funnel, read_names
from plantlab.data.table import describe, relative_names
from plantlab.data.taxa import accept_names

ASKED = {  # what a lesson may ask of a data set
    "several photos of a plant": lambda images: images["obs_id"].duplicated().any(),
    "organs": lambda images: _known(images, "organ"),
    "places": lambda images: _known(images, "latitude"),
    "families": lambda images: _known(images, "family"),
    "dates": lambda images: _known(images, "date"),
    "photos without a plant": lambda images: (
        _known(images, "noise") and (images["noise"] == "non_plant").any()
    ),
}
SHOWN = ["species", "split", "obs_id", "organ", "date"]  # of the first rows, beside the file
ROWS = 5
WIDTH = 100  # letters of a line


def look(
    source: str | Path,
    names: str | dict[str, str] = "auto",
    checklist: str | Path | None = None,
    species_list: str | Path | None = None,
) -> str:
    """Return what `source` was read as, counts, what was left out and why, and five rows.

    No photo is opened: notebook 01 does that.

    Args:
        source, names: of layouts.read_images.
        checklist: a table of accepted names, see taxa.accept_names.
        species_list: a list that the data set is held against, see matching.funnel.
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
    lines += ["", "The first rows:", text]
    if species_list:
        held = funnel(images, read_names(species_list), checklist)
        lines += ["", f"Held against {Path(species_list).name}:", held.to_string(index=False)]
    return "\n".join(lines)


def lacks(images: pd.DataFrame, *asked: str) -> str:
    """Return one sentence: which of the things that a lesson asks for a data set does not have.

    Args:
        asked: keys of ASKED.

    >>> lacks(pd.DataFrame({"obs_id": ["a", "b"], "organ": "leaf"}), "organs", "places")
    'These data lack places; what rests on that is passed over.'
    """
    missing = [thing for thing in asked if not ASKED[thing](images)]
    if not missing:
        return f"These data have what this lesson asks for: {_listed(asked)}."
    return f"These data lack {_listed(missing)}; what rests on that is passed over."


def _known(images: pd.DataFrame, column: str) -> bool:
    return column in images and images[column].notna().any()


def _listed(things: Sequence[str]) -> str:
    """Return the things as a sentence lists them."""
    first = ", ".join(things[:-1])
    return f"{first} and {things[-1]}" if first else things[-1]
