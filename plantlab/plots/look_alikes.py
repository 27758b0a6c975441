"""Photos beside their look-alikes, and strangers beside what a limit refuses."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from PIL import ImageOps

from plantlab.data.photos import open_photo
from plantlab.plots.frame import axes_or_current, counted, scale_axis, titled
from plantlab.plots.style import COLORS, MARKERS, OKABE_ITO, in_two
from plantlab.predictions.telling import shares_beyond

SIDE = 150  # pixels of a photo
BESIDE = {"textcoords": "offset points", "ha": "center", "fontsize": 9}  # a dot


def plot_look_alikes(
    asked: pd.DataFrame,
    known: pd.DataFrame,
    found: np.ndarray,
    similarity: np.ndarray,
    title: str,
    n: int = 4,
) -> Figure:
    """Draw each asked photo, on the left, and its `n` look-alikes, framed by right and wrong.

    Args:
        asked: image table, Q rows, four or fewer to be seen from the last row of a room.
        known: image table. found, similarity: rows of `known` and cosines, (Q, k).
    """
    size = (1.75 * (n + 1), 2.15 * len(asked) + 0.7)
    figure, axes = plt.subplots(len(asked), n + 1, figsize=size, squeeze=False)
    for row, species in enumerate(asked["species"]):
        _draw_photo(
            axes[row, 0], asked["image_path"].iloc[row], f"asked:\n{in_two(species)}", "black"
        )
        for column in range(n):
            near = known.iloc[found[row, column]]
            right = near["species"] == species
            mark = "✓" if right else "✗"
            words = f"{mark} {similarity[row, column]:.2f}\n{in_two(near['species'])}"
            color = OKABE_ITO[2] if right else OKABE_ITO[1]
            _draw_photo(axes[row, column + 1], near["image_path"], words, color)
    line = f"✓ the same species, ✗ another, and the cosine; {counted(known)} searched"
    figure.suptitle(f"{title}\n", x=0.01, ha="left", weight="bold")
    figure.text(0.01, 0.995 - 0.32 / size[1], line, va="top", color=COLORS["grey"], fontsize=9)
    return figure


def _draw_photo(ax: Axes, path: str, words: str, color: str) -> None:
    ax.imshow(ImageOps.fit(open_photo(path, SIDE), (SIDE, SIDE)))
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set(visible=True, color=color, lw=3)
    ax.set_xlabel(words, fontsize=9, color=color)


def plot_refused(
    known: np.ndarray,
    strangers: Mapping[str, np.ndarray],
    limit: float,
    line: str,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the share of strangers that limits refuse against that of known plants' photos.

    The dots are at `limit`; dashed, who refuses by chance.

    Args:
        known, strangers: values, the larger the stranger.
        line: what it rests on. title: else the shares at `limit`.
    """
    ax = axes_or_current(ax, 4.2)
    limits = np.sort(np.concatenate([known, *strangers.values()]))[::-1]
    at_limit = shares_beyond(limit, {"known": known, **strangers})
    refused = _beyond(known, limits)
    for (name, values), color, marker in zip(strangers.items(), OKABE_ITO, MARKERS):
        ax.plot(refused, _beyond(values, limits), color=color, lw=2)
        dot = {"color": color, "ms": 10, "mec": "white", "label": f"{name} ({len(values):,})"}
        ax.plot(at_limit["known"], at_limit[name], marker, **dot)
    ax.plot([0, 1], [0, 1], "--", color=COLORS["grey"], lw=1, label="by chance")
    ax.axvline(at_limit["known"], color=COLORS["grey"], lw=0.8)
    ax.legend(loc="lower right")
    scale_axis(ax.xaxis, "share of known plants' photos that are refused")
    scale_axis(ax.yaxis, "share of strangers refused")
    said = [f"{name} {at_limit[name]:.0%}" for name in strangers]
    title = title or f"Refused: {', '.join(said)}, and {at_limit['known']:.0%} of the known"
    return titled(ax, title, line)


def _beyond(values: Sequence[float], limits: np.ndarray) -> np.ndarray:
    """Return which share of the values is above each limit."""
    above = np.searchsorted(np.sort(values), limits, side="right")
    return 1 - above / len(values)


def plot_searches(searched: pd.DataFrame, title: str, line: str, ax: Axes | None = None) -> Axes:
    """Draw recall over the milliseconds of a query, a line a method, a dot for each size.

    Args:
        searched: method, vectors, recall and ms_a_query, of networks.timing.time_searches.
    """
    ax = axes_or_current(ax, 3.8)
    exact = searched[searched["method"] == "exact"].set_index("vectors")["ms_a_query"]
    for (method, runs), color, marker in zip(searched.groupby("method"), OKABE_ITO, MARKERS):
        runs = runs.sort_values("vectors")
        points = runs[["vectors", "ms_a_query", "recall"]].to_numpy(float)
        ax.plot(points[:, 0], points[:, 1], marker + "-", color=color, label=method)
        for size, ms, recall in points:
            if method != "exact":  # which finds all
                aside = 10 if ms >= exact.get(size, 0) else -18  # away from the other line
                words = f"finds {recall:.1%}"
                ax.annotate(words, (size, ms), color=color, xytext=(0, aside), **BESIDE)
    ax.set(xscale="log", yscale="log", xlabel="photos searched (log)")
    ax.set_ylabel("ms of one core a question (log)")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))  # also within a decade
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
        axis.set_minor_formatter(NullFormatter())
    ax.margins(0.16)
    ax.legend()
    return titled(ax, title, line)
