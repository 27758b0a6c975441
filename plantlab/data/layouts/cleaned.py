"""What a table says that cannot be, or says in two spellings: mended, and noted."""

import unicodedata

import pandas as pd

from plantlab.data.layouts.found import count_note

RANGES = {"latitude": 90, "longitude": 180}  # degrees to either side of 0


def clean_places(images: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return `images` without places that cannot be, and notes that count them.

    A latitude without a longitude is no place, nor is one beyond the pole.
    """
    present = [name for name in RANGES if name in images]
    if len(present) == 1:
        alone = images[present[0]].notna().sum()
        note = count_note(f"Places of which only the {present[0]} is known were left out", alone)
        return images.drop(columns=present), note
    if not present:
        return images, []
    known = images[present].notna()
    half = known.any(axis=1) & ~known.all(axis=1)
    outside = (images[present].abs() > pd.Series(RANGES)).any(axis=1)
    images = images.copy()
    images.loc[half | outside, present] = float("nan")
    notes = count_note("Places of which only one coordinate is known were left out", half.sum())
    return images, notes + count_note("Places that lie off the globe were left out", outside.sum())


def clean_names(images: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return `images` with names that a person cannot tell apart made one, and notes.

    Accents are written in one way, blanks are single, and of names that differ in capitals alone
    the most frequent one stays.
    """
    notes = []
    images = images.copy()
    for column in images.columns.intersection(["species", "genus", "family"]):
        given = images[column].dropna()
        plain = given.map(_plain)
        usual = plain.value_counts()
        best = {}
        for name in usual.index:  # the most frequent first
            best.setdefault(name.casefold(), name)
        joined = plain.map(str.casefold).map(best)
        images[column] = joined.reindex(images.index)
        n_joined = given.nunique() - joined.nunique()
        said = f"Names of a {column} that differ in blanks, accents or capitals alone, joined"
        notes += count_note(said, n_joined)
    return images, notes


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", str(name)).split())
