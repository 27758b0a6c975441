"""What figures have in common: titles, axes with a row a name, bars and dots on them, numbers."""

import re
import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import ArrayLike

from plantlab.data.table import data_kind
from plantlab.plots.style import COLORS, FACES
from plantlab.predictions.metrics import SCORES

LABELS = SCORES | {"f1": "F1 of the lists of species, mean over plots"}
TITLE_WIDTH = 66  # letters in a line
LINE_WIDTH = 70  # letters of the smaller one below it: a longer one would squeeze the axes
RESTS_ON = "what it rests on"  # the mark of the line under a title


def titled(ax: Axes, title: str, line: str) -> Axes:
    """Return `ax` with the finding as its title and, small and grey, what it rests on."""
    title = re.sub(r"(?<=\d) ?%", "\xa0%", title)  # 41.8% and 41.8 % alike, and never parted
    if "\n" not in title:
        title = "\n".join(textwrap.wrap(title, TITLE_WIDTH))
    line = re.sub(r"(?<=\d) %", "\xa0%", line)
    line = "\n".join(textwrap.wrap(line, LINE_WIDTH)) if "\n" not in line else line
    line = line.replace("\xa0", " ")
    ax.set_title(title.replace("\xa0", " "), pad=20 + 12 * line.count("\n"))
    for earlier in [text for text in ax.texts if text.get_gid() == RESTS_ON]:
        earlier.remove()  # a figure that is given another title
    ax.annotate(
        line,
        gid=RESTS_ON,
        xy=(0, 1),
        xycoords="axes fraction",
        xytext=(0, 6),
        textcoords="offset points",
        color=COLORS["grey"],
        fontsize=9,
    )
    return ax


def counted(rows: pd.DataFrame) -> str:
    """Return "4,110 photographs" or "2,400 generated images", of an image table or of scores."""
    n = rows["n"].max() if "n" in rows else len(rows)
    what = "generated images" if data_kind(rows) == "generated" else "photographs"
    return f"{n:,.0f} {what}"


def axes_or_current(ax: Axes | None, height: float = 3.6) -> Axes:
    """Return `ax`, else the current one; a figure that begins here is `height` inches high."""
    if ax is not None:
        return ax
    if not plt.get_fignums():
        plt.figure(figsize=(7, height))
    return plt.gca()


def label_rows(ax: Axes | None, names: Sequence[str], column: str, height: float) -> Axes:
    """Return Axes with a row for each of `names`, values of `column`, from the top.

    A figure that begins here gets `height` inches for each.
    """
    ax = axes_or_current(ax, 1.3 + height * len(names))
    ax.set_yticks(range(len(names)), names, style=FACES.get(column))
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    return ax


def bar_colors(dark: ArrayLike) -> np.ndarray:
    """Return the colour of each bar: dark, bool (n,), are those that the title speaks of."""
    return np.where(dark, COLORS["data"], COLORS["soft"])


def draw_bars(
    ax: Axes | None, counts: pd.Series, n_dark: int, labels: Sequence[str], column: str
) -> Axes:
    """Return Axes with a bar for each of `counts`, and its label beside it.

    The first `n_dark` are dark. `column`: where the index of `counts` comes from.
    """
    ax = label_rows(ax, counts.index, column, height=0.26)
    rows = np.arange(len(counts))
    bars = ax.barh(rows, counts, color=bar_colors(rows < n_dark))
    ax.bar_label(bars, labels, padding=4, fontsize=9)
    ax.set(xlabel="images", xlim=(0, counts.max() * 1.18))
    return ax


def draw_dots(
    ax: Axes | None, names: Sequence[str], spread: ArrayLike, labels: Sequence[str], column: str
) -> Axes:
    """Return Axes with a dot and its interval for each of `names`, and its label beside it.

    Args:
        spread: (n, 3) value, low and high. column: where the names come from.
    """
    ax = label_rows(ax, names, column, height=0.36)
    values, low, high = np.asarray(spread, dtype=float).T
    rows = range(len(names))
    soft = [COLORS["soft"]] * (len(names) - 1)
    colors = [COLORS["accent"], *soft]  # the first is the finding
    ax.hlines(rows, low, high, color=colors, lw=5, alpha=0.7)
    ax.plot(values, rows, "o", color=COLORS["data"], ms=7, mec="white")
    for row, label in enumerate(labels):
        ax.annotate(
            label,
            xy=(high[row], row),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            weight="bold",
            fontsize=9,
        )
    ax.margins(x=0.12)
    return ax


def said(value: float, measure: str) -> str:
    """Return a score as figures say it: "0.912" of a rank, "+1.2 points" of a gain, "91.2 %"."""
    if measure.endswith("mrr"):
        return f"{value:.3f}"
    if measure == "gain":
        return f"{100 * value:+.1f} points"
    return f"{100 * value:.1f} %"


def scale_axis(axis: Axis, measure: str) -> None:
    """Label an axis by a measure, or by other words, in percent unless it is a rank."""
    axis.set_label_text(LABELS.get(measure, measure))
    axis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))  # 2.5 % would be shown as 3
    if not measure.endswith("mrr"):
        unit = "" if measure == "gain" else " %"
        axis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol=unit))


def mark_guess(ax: Axes, guess: object, across: bool = True) -> Axes:
    """Return `ax` with a dashed line at what the reader guessed; `...` draws none.

    Args:
        guess: a number in the unit of the axis: a fraction where it shows per cent.
        across: the guess is of the horizontal axis; False: of the upright one.
    Raises:
        ValueError: neither a number nor `...`.
    """
    if guess is Ellipsis:
        return ax
    if not isinstance(guess, (int, float)):
        raise ValueError(f"guess must be a number, such as 0.6, or `...`; got {guess!r}")
    return mark(ax, guess, "your guess", across)


def mark(ax: Axes, at: float, words: str, across: bool = True) -> Axes:
    """Return `ax` with a dashed line at a value, and words that say what it is.

    Args:
        across: the value is of the horizontal axis; False: of the upright one.
    """
    draw = ax.axvline if across else ax.axhline
    draw(at, color=COLORS["accent"], ls="--", lw=1.6)
    spot = (at, 1) if across else (1, at)
    ax.annotate(
        words,
        xy=spot,
        xycoords=("data", "axes fraction") if across else ("axes fraction", "data"),
        xytext=(4, -4) if across else (4, 0),
        textcoords="offset points",
        ha="left",
        va="top" if across else "center",
        color=COLORS["accent"],
        fontsize=9,
    )
    return ax
