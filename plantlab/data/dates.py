"""The month of a date, however it was written."""

import re

import pandas as pd

ISO = r"^\d{4}[-:](\d{1,2})(?:\D|$)"  # 2021-05-03, 2021-05, EXIF's 2021:05:03 and its time
BARE = r"^\d{4}(\d{2})\d{2}$"  # 20210503
NUMBERS = re.compile(r"^(\d{1,2})([./-])(\d{1,2})\2(?:\d{4}|\d{2})(?:\D|$)")  # 03.05.2021, 5/3/21
YEAR = r"^\d{4}(?:\.0)?$"
DOT = "."  # between numbers: the day is first, as all who write dots do


def months_of(dates: pd.Series) -> pd.Series:
    """Return the month of each date, 1 to 12; NaN where it is not known.

    A year alone has no month. Times and zones are passed over: the day is the observer's. Whether
    03/05/2021 is of March or of May, the column as a whole tells: where a first number is above 12
    the day is first; else the month, as GBIF's and most tables' tools write it. With dots the day
    is first, unless a second number is above 12.
    """
    if pd.api.types.is_datetime64_any_dtype(dates):
        return dates.dt.month.astype(float)
    text = dates.astype("str").str.strip().where(dates.notna())
    months = _number(text.str.extract(ISO)[0])
    months = months.fillna(_number(text.str.extract(BARE)[0]))
    months = months.fillna(_months_of_numbers(text))
    unread = text.where(months.isna() & ~text.str.match(YEAR).fillna(False))
    words = unread.where(unread.str.contains("[A-Za-z]{3}", na=False))  # 3 May 2021
    read = pd.to_datetime(words, errors="coerce", format="mixed", utc=True)
    months = months.fillna(read.dt.month.astype(float))
    return months.where(months.between(1, 12))


def _months_of_numbers(text: pd.Series) -> pd.Series:
    """Return the month of dates such as 03.05.2021, by what parts their numbers."""
    parts = text.str.extract(NUMBERS)
    first = _number(parts[0])
    second = _number(parts[2])
    months = pd.Series(float("nan"), index=text.index)
    for mark in parts[1].dropna().unique():
        rows = parts[1] == mark
        day_first = first[rows].max() > 12 or (mark == DOT and second[rows].max() <= 12)
        months[rows] = second[rows] if day_first else first[rows]
    return months


def _number(text: pd.Series) -> pd.Series:
    return pd.to_numeric(text, errors="coerce").astype(float)
