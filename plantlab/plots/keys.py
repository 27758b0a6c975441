"""Keys beside networks: which characters each rests on; and illness, by how much is to be seen."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from plantlab.data.table import require
from plantlab.plots.frame import TITLE_WIDTH, axes_or_current, counted, scale_axis, titled
from plantlab.plots.style import COLORS, MARKERS, OKABE_ITO


def plot_rests_on(rows: pd.DataFrame, title: str, line: str) -> Figure:
    """Draw, for each character, its share of a key's questions and how well a network reads it.

    Introduced in notebook 15.

    Args:
        rows: character, share, auroc, auroc_low and auroc_high, best read on top.
        line: what it rests on, for under the title.
    """
    require(rows, "character", "share", "auroc", "auroc_low", "auroc_high")
    height = 1.8 + 0.24 * len(rows)
    figure, (left, right) = plt.subplots(1, 2, sharey=True, figsize=(7, height))
    places = np.arange(len(rows))
    left.barh(places, rows["share"], color=COLORS["data"], height=0.66)
    left.set_yticks(places, rows["character"])
    left.set_ylim(len(rows) - 0.4, -0.6)
    scale_axis(left.xaxis, "share of the\nkey's questions")
    ends = {"color": COLORS["accent"], "lw": 4, "alpha": 0.5}
    right.hlines(places, rows["auroc_low"], rows["auroc_high"], **ends)
    right.plot(rows["auroc"], places, "o", color=COLORS["accent"], mec="white", ms=6.5)
    right.axvline(0.5, color=COLORS["grey"], ls=":")
    scale_axis(right.xaxis, "read from photos by a network\n(AUROC; dotted: guessing)")
    for ax in (left, right):
        ax.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
        ax.grid(visible=False, axis="y")
    title = "\n".join(textwrap.wrap(title, TITLE_WIDTH))
    figure.suptitle(f"{title}\n", x=0.01, ha="left", weight="bold", fontsize=11.5)
    below_title = 0.99 - (0.1 + 0.19 * (title.count("\n") + 1)) / height
    figure.text(0.01, below_title, line, va="top", color=COLORS["grey"], fontsize=9)
    return figure


def plot_severity(
    scores: pd.DataFrame, chance: float, title: str, line: str = "", ax: Axes | None = None
) -> Axes:
    """Draw the share named right over the share of the blade that is covered, a line a method.

    Introduced in notebook 15.

    Args:
        scores: method, severity, top1, top1_low, top1_high, n and kind.
        chance: what guessing comes to, dotted.
        line: what it rests on; else the number of images.
    """
    spread = ["top1", "top1_low", "top1_high"]
    require(scores, "method", "severity", *spread, "n", "kind")
    ax = axes_or_current(ax, 3.9)
    for (name, own), color, marker in zip(scores.groupby("method"), OKABE_ITO, MARKERS):
        own = own.sort_values("severity")
        value, low, high = own[spread].to_numpy(float).T
        ax.fill_between(own["severity"], low, high, color=color, alpha=0.16, lw=0)
        ax.plot(own["severity"], value, marker + "-", color=color, label=name, mec="white")
    ax.axhline(chance, color=COLORS["grey"], ls=":", label="guessing")
    ticks = sorted(set(scores["severity"]))
    ax.set_xscale("log")
    ax.set_xticks(ticks, [f"{100 * tick:.2g} %" for tick in ticks])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("severity: share of the blade that is covered (log)")
    ax.set_ylim(0, 1)
    scale_axis(ax.yaxis, "photos given the right state")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return titled(ax, title, line or counted(scores))
