"""Printed numbers, and what is computed from them, as far as their rounding lets it be known."""

import re
from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import pandas as pd


class Reckoned(NamedTuple):
    """A figure computed from printed ones, and how far their rounding lets it be."""

    value: float
    low: float
    high: float


def rounding(value: float, printed: str) -> float:
    """Return half a unit of the last digit printed, in the unit of `value`.

    Zeros at the end of a whole number may be rounding and count as such: the benefit of the doubt.

    >>> rounding(0.22, "0.22"), rounding(180, "180"), rounding(294_000, "294K")
    (0.005, 5.0, 500.0)
    """
    found = re.search(r"\d[\d,. ]*\d|\d", printed)
    if not found:
        return 0.0
    digits = found[0].replace(" ", "")
    digits = re.sub(r"^0,", "0.", digits).replace(",", "")
    number = float(digits)
    decimals = len(digits.partition(".")[2])
    if not decimals:
        decimals = len(digits.rstrip("0")) - len(digits)
    scale = value / number if number else 1.0
    return abs(scale) * 0.5 * 10**-decimals


def reckon(formula: Callable[..., float], *figures: pd.Series | float) -> Reckoned:
    """Return a formula of printed figures, and its ends if each of them was rounded.

    Args:
        figures: rows of a table; a plain number is a count or a constant, and exact.
    """
    middle = formula(*(_middle(figure) for figure in figures))
    corners = [formula(*corner) for corner in product(*map(ends, figures))]
    return Reckoned(middle, min(corners), max(corners))


def _middle(figure: pd.Series | float) -> float:
    return figure["value"] if isinstance(figure, pd.Series) else figure


def ends(figure: pd.Series | float) -> tuple[float, ...]:
    """Return the least and the greatest number that would be printed so; a plain one is exact."""
    if not isinstance(figure, pd.Series):
        return (figure,)
    half = rounding(figure["value"], figure["printed"])
    return figure["value"] - half, figure["value"] + half


def agree(row: pd.Series, right: Reckoned) -> bool:
    """Return whether a printed figure and a computed one may be the same but for rounding."""
    low, high = ends(row)
    slack = 1e-9 * abs(right.value)  # of adding in binary
    return low <= right.high + slack and right.low <= high + slack
