"""What others call the columns, splits and missing values of an image table."""

import re

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
    "date": "date event_date eventdate observed_on date_observed taken_on",
    "license": "license licence",
    "split": "split learn_tag learntag subset set partition",
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
    "dev": "valid",
    "eval": "valid",
}

# What may stand beside a split's name, as in train_mini, test_images or public_test.
BESIDE_SPLIT = re.compile(r"\b(mini|images?|imgs?|photos?|set|data|public|private|\d+)\b")

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
    if ours is not names:
        table = table[[column for column in table if not _is_empty_of_ours(table[column])]]
    table = table.rename(columns=ours)
    table = table.loc[:, ~table.columns.duplicated()].copy()
    for column in table:
        table[column] = _clean(table[column])
    return table


def split_of(name: str) -> str:
    """Return train, valid or test for what others call them, such as train_mini; else "".

    >>> split_of("train_mini"), split_of("public_test"), split_of("testudo")
    ('train', 'test', '')
    """
    words = re.sub(r"[^a-z0-9]+", " ", name.lower())
    bare = BESIDE_SPLIT.sub("", words).strip()
    return SPLIT_NAMES.get(bare, "")


def _known_names(table: pd.DataFrame) -> dict[str, str]:
    """Return {theirs: ours} for the columns that NAMES or their own name tells.

    A column that holds nothing stands in the way of none, nor does a `class` of botanists.
    """
    ours = {}
    told = [column for column in table if not _tells_nothing(table[column])]
    for column in COLUMNS:
        free = {theirs.lower(): theirs for theirs in told if theirs not in ours}
        for alias in NAMES.get(column, column).split():
            if alias in free:
                ours[free[alias]] = column
                break
    return ours


def _is_empty_of_ours(values: pd.Series | pd.DataFrame) -> bool:
    """Return whether a column has one of our names and no value, and so would hide another's."""
    return values.name in COLUMNS and _tells_nothing(values)


def _tells_nothing(values: pd.Series | pd.DataFrame) -> bool:
    """Return whether a column is empty, or the class above the family: Magnoliopsida and others."""
    if isinstance(values, pd.DataFrame):  # two columns of one name
        return False
    text = values.head(10_000).astype("str")
    text = text[values.head(10_000).notna() & ~text.str.strip().isin(NOTHING)]
    if text.empty:
        return len(values) > 0 and values.astype("str").str.strip().isin(NOTHING).all()
    return values.name.lower() == "class" and text.str.endswith("opsida").all()


def _clean(values: pd.Series) -> pd.Series:
    """Return a column as text without NOTHING, or as numbers."""
    column = values.name
    text = values.astype("str")
    if column != "image_path":
        text = text.str.strip()
    text = text.mask(values.isna() | text.isin(NOTHING))
    if column in ("latitude", "longitude"):
        text = text.str.replace(r"^(-?\d+),(\d+)$", r"\1.\2", regex=True)  # a decimal comma
    numbers = pd.to_numeric(text, errors="coerce")
    if column in ("latitude", "longitude"):
        return numbers
    if column in COLUMNS:
        return text
    is_all_numbers = numbers.isna().equals(text.isna())
    return numbers if is_all_numbers and numbers.notna().any() else values
