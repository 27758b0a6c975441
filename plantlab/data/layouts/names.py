"""What others call the columns, splits and missing values of an image table."""

import pandas as pd

from plantlab.data.table import COLUMNS

# Each column under other names, Darwin Core and PlantCLEF too, in lower case, the surest first.
NAMES = {
    "image_path": (
        "image_path image imagepath path file_path filename file_name file photo image_name "
        "identifier"
    ),
    "obs_id": (
        "obs_id obsid observation_id observationid plant_id gbif_occurrence_id occurrenceid gbifid "
        "catalognumber"
    ),
    "species": (
        "species label_name class_name species_name scientific_name scientificname label class"
    ),
    "species_id": (
        "species_id classid class_id label_id category_id specieskey taxonkey taxonid label"
    ),
    "organ": "organ content view",
    "latitude": "latitude lat decimallatitude",
    "longitude": "longitude lon lng long decimallongitude",
    "author": "author photographer recordedby creator",
    "date": "date event_date eventdate",
    "license": "license licence",
    "split": "split learn_tag learntag subset",
}

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "learn": "train",
    "test": "test",
    "testing": "test",
    "valid": "valid",
    "val": "valid",
    "validation": "valid",
}

NOTHING = ["", "nan", "NaN", "NA", "N/A", "null", "NULL", "None", "none", "<NA>"]


def rename(table: pd.DataFrame, names: str | dict[str, str] = "auto") -> pd.DataFrame:
    """Return `table` under the names of table.COLUMNS, these as text, latitude and longitude not.

    Other columns stay; those of numbers alone become numbers.

    Args:
        names: {"theirs": "ours"}; else known by NAMES.
    """
    bare = [str(column).split(":")[-1].strip() for column in table]  # dwc:eventDate -> eventDate
    table = table.set_axis(bare, axis=1)
    ours = names if isinstance(names, dict) and names else _known_names(table)
    table = table.rename(columns=ours)
    table = table.loc[:, ~table.columns.duplicated()].copy()
    for column in table:
        table[column] = _clean(table[column])
    return table


def _known_names(table: pd.DataFrame) -> dict[str, str]:
    """Return {theirs: ours} for the columns that NAMES or their own name tells."""
    ours = {}
    for column in COLUMNS:
        free = {theirs.lower(): theirs for theirs in table if theirs not in ours}
        for alias in NAMES.get(column, column).split():
            if alias in free:
                ours[free[alias]] = column
                break
    return ours


def _clean(values: pd.Series) -> pd.Series:
    """Return a column as text without NOTHING, or as numbers."""
    column = values.name
    text = values.astype("str")
    if column != "image_path":
        text = text.str.strip()
    text = text.mask(values.isna() | text.isin(NOTHING))
    numbers = pd.to_numeric(text, errors="coerce")
    if column in ("latitude", "longitude"):
        return numbers
    if column in COLUMNS:
        return text
    is_all_numbers = numbers.isna().equals(text.isna())
    return numbers if is_all_numbers and numbers.notna().any() else values
