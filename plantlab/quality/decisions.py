"""What people decided about labels: a line a decision, on the disk at once; the latest one wins.

A decision is about one photo under one label (`sha1`, `label`), not about a row or a path: it
survives a sorted, split or moved table, and a photo that is filed under two species can be dropped
from one of them.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from plantlab.data.table import add_note, require
from plantlab.files import append_lines, project_root, read_lines

DECISIONS = ("confirm", "relabel", "drop", "undo")  # undo: as if nothing had been decided

TOLD = {"confirm": "confirmed", "relabel": "relabelled", "drop": "dropped"}

COLUMNS = ["sha1", "label", "decision", "species", "by", "time"]


def decisions_file(images: pd.DataFrame) -> Path:
    """Return where the decisions about a data set lie: data/decisions/<its name>.jsonl."""
    name = re.sub(r"[^\w.-]+", "_", images.attrs.get("name", "images"))
    return project_root() / "data" / "decisions" / f"{name}.jsonl"


def decide_all(
    path: str | Path,
    photos: Iterable[tuple[str, str]],
    decision: str,
    species: str = "",
    by: str = "",
) -> list[dict]:
    """Add the same decision on each of `photos` to a file, and return them once they are on disk.

    Args:
        path: the file, such as decisions_file names it.
        photos: pairs (sha1 as inspection.set_aside found it, the species under which the photo was
            found or "").
        decision: confirm, relabel, drop or undo.
        species: what the photos show instead; for relabel only.
        by: who decided, for data sets that several people go through.
    Raises:
        ValueError: no photo, an unknown decision, a relabel to nothing new, or a confirm of no
            label.
    """
    if decision not in DECISIONS:
        near = get_close_matches(str(decision), DECISIONS, n=1) or DECISIONS
        raise ValueError(f"decision is {decision!r}; did you mean {' or '.join(near)}?")
    rows = []
    for sha1, label in photos:
        _refuse_senseless(sha1, label, decision, species)
        rows.append([sha1, label, decision, species, by])
    return append_lines(path, COLUMNS, rows)


def _refuse_senseless(sha1: str, label: str, decision: str, species: str) -> None:
    if not sha1:
        raise ValueError(
            "a decision has no sha1; take it from the tables that inspection.set_aside returns."
        )
    is_relabel = decision == "relabel"
    if is_relabel != bool(species) or (is_relabel and species == label):
        raise ValueError(
            f"{decision} of {label!r} to {species!r}; relabel needs another species, the rest none."
        )
    if decision == "confirm" and not label:
        raise ValueError("a photo without a label cannot be confirmed; relabel it, or drop it.")


def read_decisions(path: str | Path) -> pd.DataFrame:
    """Return the decisions that hold, in the order in which they were made.

    It is an empty table where there is no file.

    Raises:
        ValueError: the file holds something else.
    """
    rows = read_lines(path, COLUMNS, accepts=_is_decision)
    table = pd.DataFrame(rows, columns=COLUMNS)
    latest = table.drop_duplicates(["sha1", "label"], keep="last")
    return latest[latest["decision"] != "undo"].reset_index(drop=True)


def _is_decision(row: dict) -> bool:
    return row["decision"] in DECISIONS


def apply_decisions(images: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    """Return `images` as people decided: labels changed, dropped photos out; a note says how many.

    A column `decision` says confirm, relabel or "" (none). Genus, family and species_id follow the
    new species, as far as the table knows it. A photo that was relabelled twice, once under each
    label, goes both steps.
    """
    require(images, "sha1", "species")
    by_photo = {}
    for sha1, rows in decisions.groupby("sha1", sort=False):
        by_photo[sha1] = rows.to_dict("records")
    labels = []
    fates = []
    for sha1, label in zip(images["sha1"], images["species"].fillna("")):
        label, fate = _follow(label, by_photo.get(sha1, []))
        labels.append(label or None)
        fates.append(fate)
    decided = images.assign(species=labels, decision=fates)
    changed = decided["species"].fillna("") != images["species"].fillna("")
    known = images.dropna(subset="species").drop_duplicates("species").set_index("species")
    for column in known.columns.intersection(["genus", "family", "species_id"]):
        lineage = decided["species"].map(known[column])
        decided[column] = images[column].where(~changed, lineage)
    _note_decisions(decided)
    return decided[decided["decision"] != "drop"].reset_index(drop=True)


def _follow(label: str, steps: list[dict]) -> tuple[str, str]:
    """Return a photo's label after the decisions about it, and the last that applied or ""."""
    fate = ""
    for step in steps:
        if step["label"] == label:
            fate = step["decision"]
            label = step["species"] or label
    return label, fate


def _note_decisions(decided: pd.DataFrame) -> None:
    counts = decided["decision"].value_counts()
    told = [f"{counts.get(decision, 0)} {word}" for decision, word in TOLD.items()]
    if (decided["decision"] != "").any():
        add_note(decided, f"Decided by a person, of {len(decided)} photos: {', '.join(told)}.")
