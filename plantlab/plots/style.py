"""Colours, markers and type of every figure."""

import re

import matplotlib.pyplot as plt
from cycler import cycler

OKABE_ITO = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442"]

MARKERS = "osD^vPX*"  # beside OKABE_ITO, so that no line is told by its colour alone

COLORS = {
    "data": OKABE_ITO[0],
    "accent": OKABE_ITO[1],
    "soft": "#A9C8DD",  # bars that the title does not speak of
    "grey": "#666666",
    "line": "#E4E4E4",
}

FACES = {"species": "italic", "genus": "italic"}  # of words from these columns

STYLE = {
    "figure.figsize": (7, 3.6),
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "font.size": 9.5,
    "axes.prop_cycle": cycler(color=OKABE_ITO),
    "axes.titlelocation": "left",
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#999999",
    "axes.labelcolor": COLORS["grey"],
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": COLORS["line"],
    "xtick.color": "#999999",
    "ytick.color": "#999999",
    "xtick.labelcolor": "#333333",
    "ytick.labelcolor": "#333333",
    "image.cmap": "viridis",
    "legend.frameon": False,
}

# Mathtext reads - as minus, ' as prime; " has no bold form, and # \ ^ ~ are left out.
PLAIN = str.maketrans("-'\"", "\u2010\u2019\u201d", "#\\^~")


def use_style() -> None:
    """Set the look of every figure."""
    plt.rcParams.update(STYLE)


def italic(name: str) -> str:
    """Return a species' name as bold italic mathtext, to stand inside a title.

    >>> print(italic("Rosa alba"))
    $\\mathbfit{Rosa\\ alba}$
    """
    plain = str(name).translate(PLAIN)
    escaped = re.sub(r"([ $%_{}])", r"\\\1", plain)
    return r"$\mathbfit{" + escaped + "}$"


def in_two(name: str) -> str:
    """Return a species' name in two lines, genus and epithet, to stand under a narrow photo."""
    return str(name).replace(" ", "\n", 1)
