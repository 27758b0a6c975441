"""What an image table holds: of which species, when and where."""

import calendar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from plantlab.data.dates import months_of
from plantlab.data.table import require
from plantlab.plots.frame import axes_or_current, bar_colors, counted, draw_bars, titled
from plantlab.plots.style import COLORS, MARKERS, OKABE_ITO

MOST_BARS = 30  # species; beyond, a curve
MOST_VALUES = 12  # of a column; beyond, the rest are one bar


def plot_species_counts(images: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw images per species: a bar each up to 30 species, a ranked curve beyond.

    The dark ones hold half of the images.
    """
    require(images, "species")
    counts = images["species"].value_counts()
    before_half = counts.cumsum() < counts.sum() / 2
    n_half = int(before_half.sum()) + 1
    if len(counts) <= MOST_BARS:
        labels = [f"{n:,}" for n in counts]
        ax = draw_bars(ax, counts, n_half, labels, "species")
    else:
        ax = _draw_ranked(axes_or_current(ax), counts, n_half)
    title = f"{n_half} of {len(counts)} species hold half of the images"
    n_alone = (counts == 1).sum()
    alone = f", {n_alone} species with one image" if n_alone else ""
    return titled(ax, title, f"{counted(images)} (dark: the half){alone}")


def _draw_ranked(ax: Axes, counts: pd.Series, n_half: int) -> Axes:
    """Return `ax` with the counts as a curve over their rank, dark below the first `n_half`."""
    ranks = np.arange(1, len(counts) + 1)
    least = 0.8  # a little under one image, which a log axis would not show
    # Areas, since 80,000 bars would take minutes.
    ax.fill_between(ranks, counts, least, color=COLORS["soft"], lw=0)
    dark = slice(n_half)
    ax.fill_between(ranks[dark], counts[dark], least, color=COLORS["data"], lw=0)
    ax.plot(ranks, counts, color=COLORS["data"])
    ax.set(xlabel="species, by rank", xlim=(1, len(counts)))
    ax.set(ylabel="images", yscale="log", ylim=(least, None))
    ax.yaxis.set_major_formatter("{x:,g}")
    return ax


def plot_counts_by(images: pd.DataFrame, column: str, ax: Axes | None = None) -> Axes:
    """Draw the number of images for each value of `column`, beyond twelve the rest as one."""
    require(images, column)
    values = images[column].replace("", "unknown").fillna("unknown")
    counts = values.astype(str).value_counts()
    if len(counts) > MOST_VALUES:
        rest = counts[MOST_VALUES - 1 :]
        others = pd.Series({f"{len(rest)} others": rest.sum()})
        counts = pd.concat([counts[: MOST_VALUES - 1], others])
    shares = [f"{100 * n / counts.sum():.0f} %" for n in counts]
    labels = [f"{n:,}  ({share})" for n, share in zip(counts, shares)]
    ax = draw_bars(ax, counts, 1, labels, column)
    title = f"Most frequent {column}: {counts.index[0]}, {shares[0]} of the images"
    return titled(ax, title, counted(images))


def plot_season(images: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw images per month; the title names the shortest run of months that holds half of them."""
    require(images, "date")
    month = months_of(images["date"]).dropna()
    if month.empty:
        raise ValueError(
            f"none of {len(images)} images has a readable date with a month; expected dates such "
            "as 2016-05-31."
        )
    counts = np.bincount(month.astype(int), minlength=13)[1:]  # (12,)
    run, held = _shortest_run(counts / len(month))
    months = range(12)
    ax = axes_or_current(ax)
    colors = bar_colors(np.isin(months, run))
    ax.bar(months, counts, color=colors)
    ax.set_xticks(months, calendar.month_abbr[1:])
    ax.set_ylabel("images")
    ax.grid(visible=False, axis="x")
    when = calendar.month_name[run[0] + 1]
    if len(run) > 1:
        when += f" to {calendar.month_name[run[-1] + 1]}"
    title = f"{100 * held:.0f} % of the images are from {when}"
    return titled(ax, title, f"{counted(images)}, {len(month):,} with a month")


def _shortest_run(shares: np.ndarray) -> tuple[list[int], float]:
    """Return the fewest months in a row that hold half, numbered from 0, and the share they hold.

    A run may go on from December to January. Of several, the one that holds most is taken.
    """
    length = 0
    most = 0.0
    start = 0
    while most <= 0.5 - 1e-9:
        length += 1
        years = [np.roll(shares, -month) for month in range(12)]  # one begins in each month
        held = [year[:length].sum() for year in years]
        start = int(np.argmax(held))
        most = held[start]
    return [(start + i) % 12 for i in range(length)], most


def plot_map(images: pd.DataFrame, ax: Axes | None = None, n_species: int = 5) -> Axes:
    """Draw where images were taken, the `n_species` most frequent species by colour and marker."""
    require(images, "latitude", "longitude", "species")
    placed = images.dropna(subset=["latitude", "longitude"])
    if placed.empty:
        raise ValueError(
            f"none of {len(images)} images has a latitude and a longitude; there is no map to draw."
        )
    ax = axes_or_current(ax, 4.6)
    names = placed["species"].value_counts().index[:n_species]
    _draw_places(ax, placed, names)
    latitude = placed["latitude"]
    shrink = np.cos(np.radians(latitude.median()))  # of a degree of longitude, against latitude
    ax.set_aspect(1 / max(shrink, 0.2), adjustable="datalim")
    ax.set(xlabel="longitude, degrees", ylabel="latitude, degrees")
    low, high = latitude.quantile([0.05, 0.95])
    span = max(high - low, 1e-4)
    digits = int(np.ceil(-np.log10(span)))
    digits = max(0, digits)  # of a garden more than of a continent
    title = f"Nine in ten places lie between {low:.{digits}f}° and {high:.{digits}f}° of latitude"
    return titled(
        ax, title, f"{counted(images)}, {len(placed):,} with a place; grey: other species"
    )


def _draw_places(ax: Axes, placed: pd.DataFrame, names: pd.Index) -> None:
    """Draw the places of the species in `names`, and those of all others in grey."""
    others = placed[~placed["species"].isin(names)]
    x = others["longitude"]
    y = others["latitude"]
    ax.scatter(x, y, s=6, color="#BBBBBB", lw=0)
    dots = {"ms": 5, "mec": "white", "mew": 0.4}
    for name, color, marker in zip(names, OKABE_ITO, MARKERS):
        here = placed[placed["species"] == name]
        x = here["longitude"]
        y = here["latitude"]
        ax.plot(x, y, marker, color=color, label=name, **dots)
    beside = {"loc": "center left", "bbox_to_anchor": (1, 0.5)}
    ax.legend(handletextpad=0, prop={"style": "italic"}, **beside)
