"""Scores with their intervals: beside one another, in steps, over the number of images."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from plantlab.data.table import data_kind, require
from plantlab.plots.frame import (
    axes_or_current,
    counted,
    draw_dots,
    label_rows,
    said,
    scale_axis,
    titled,
)
from plantlab.plots.style import MARKERS, OKABE_ITO


def _spread(measure: str) -> list[str]:
    """Return the columns of a measure and of the ends of its interval."""
    return [measure, f"{measure}_low", f"{measure}_high"]


def plot_scores(scores: pd.DataFrame, measure: str = "top1", ax: Axes | None = None) -> Axes:
    """Draw rows of `metrics.score` with their 95 % intervals, best on top.

    They are named by `method`, else by the first column.
    """
    by = "method" if "method" in scores else scores.columns[0]
    require(scores, *_spread(measure), "n", "kind", by)
    rows = scores.dropna(subset=[measure])
    rows = rows.sort_values(measure, ascending=False, kind="stable")
    names = rows[by].astype(str).tolist()
    values = [said(value, measure) for value in rows[measure]]
    alike = len(set(rows["n"])) == 1
    if alike:
        labels = names
        n = counted(rows)
    else:
        labels = [f"{name}  (n = {n:,.0f})" for name, n in zip(names, rows["n"])]
        n = f"{counted(rows)} at most"
    ax = draw_dots(ax, labels, rows[_spread(measure)], values, by)
    scale_axis(ax.xaxis, measure)
    told = [f"{name} {value}" for name, value in zip(names, values)]
    title = ", ".join(told[:2])
    if _overlap(rows, measure):
        title += ": intervals overlap"
    return titled(ax, title, f"scored on {n}, 95 % intervals")


def _overlap(rows: pd.DataFrame, measure: str) -> bool:
    """Return whether the interval of the best row reaches down to that of the second."""
    if len(rows) < 2:
        return False
    return rows[f"{measure}_low"].iloc[0] <= rows[f"{measure}_high"].iloc[1]


def plot_learning_curve(
    scores: pd.DataFrame, measure: str = "top1", ax: Axes | None = None
) -> Axes:
    """Draw `measure` over images_per_species, a line a method with its 95 % interval.

    Several seeds are averaged.
    """
    spread = _spread(measure)
    require(scores, "method", "images_per_species", *spread, "n", "kind")
    ax = axes_or_current(ax, 3.9)
    means = scores.groupby(["method", "images_per_species"])[spread].mean()
    ends = means[measure].groupby("method").last()
    ends = ends.sort_values(ascending=False)  # the legend as the lines end
    dots = {"ms": 6.5, "mec": "white"}
    for name, color, marker in zip(ends.index, OKABE_ITO, MARKERS):
        of_method = means.loc[name]
        at = of_method.index.to_numpy()
        value, low, high = of_method.to_numpy().T
        ax.fill_between(at, low, high, color=color, alpha=0.16, lw=0)
        ax.plot(at, value, marker=marker, color=color, label=name, **dots)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    ticks = sorted(set(scores["images_per_species"]))
    most = f"{ticks[-1]:.4g}"
    ax.set_xscale("log", base=2)
    ax.set_xticks(ticks, [f"{tick:.4g}" for tick in ticks])
    ax.set_xlabel("images per species (log)")
    scale_axis(ax.yaxis, measure)
    last = means[measure].xs(ticks[-1], level=1)
    last = last.sort_values(ascending=False)
    told = [f"{name} {said(value, measure)}" for name, value in last.items()]
    if len(told) > 2:
        told = [told[0], told[-1]]
    title = f"With {most} images per species: {', '.join(told)}"
    return titled(ax, title, f"scored on {counted(scores)}, 95 % intervals")


def plot_pairs(
    rows: pd.DataFrame,
    measures: dict[str, str],
    title: str,
    line: str,
    shares: str = "named right",
    ax: Axes | None = None,
) -> Axes:
    """Draw two measures of each row, named by its `method`, as two dots joined by a line.

    Rows stay in the table's order; beside each stand its numbers, in the legend's order.

    Args:
        measures: columns, in [0, 1], and what the legend calls them; intervals are drawn where they
            are known.
        line: what it rests on, for under the title.
        shares: what the measures are shares of, for the axis.
    """
    require(rows, "method", *measures)
    ax = label_rows(ax, rows["method"].tolist(), "method", height=0.34)
    at = np.arange(len(rows))
    values = rows[list(measures)]
    least = values.min(axis=1)
    most = values.max(axis=1)
    ax.hlines(at, least, most, color="#BBBBBB", lw=1.5)
    offsets = (-0.1, 0.1)  # of the intervals, which would cover one another
    dots = {"ms": 7, "mec": "white"}
    for name, color, marker, offset in zip(measures, OKABE_ITO, MARKERS, offsets):
        label = measures[name]
        if f"{name}_low" in rows:
            low = rows[f"{name}_low"]
            high = rows[f"{name}_high"]
            ax.hlines(at + offset, low, high, color=color, lw=4, alpha=0.22)
        ax.plot(rows[name], at, marker, color=color, label=label, **dots)
    ends = rows.reindex(columns=[*measures, *(f"{name}_high" for name in measures)]).max(axis=1)
    beside = {"xytext": (8, 0), "textcoords": "offset points", "va": "center", "fontsize": 9}
    for row, (end, numbers) in enumerate(zip(ends, values.to_numpy())):
        ax.annotate(", ".join(f"{number:.1%}" for number in numbers), (end, row), **beside)
    ax.margins(x=0.14)
    handles, labels = ax.get_legend_handles_labels()
    ax.figure.legend(handles, labels, loc="outside lower center", ncols=len(measures))
    scale_axis(ax.xaxis, shares)
    return titled(ax, title, line)


def plot_ladder(
    steps: pd.DataFrame,
    measure: str = "mrr",
    ax: Axes | None = None,
    title: str | None = None,
    line: str = "95 % intervals; beside them the points that a step adds",
) -> Axes:
    """Draw steps in order, each with its interval and, as `gain`, what it adds to those kept.

    Introduced in notebook 06.

    Args:
        line: what stands behind the number of plants, under the title.
    """
    spread = _spread(measure)
    gain = _spread("gain")
    require(steps, "method", *spread, *gain, "n", "kind")
    names = steps["method"].tolist()
    values = [said(value, measure) for value in steps[measure]]
    points = 100 * steps[gain].to_numpy()
    added = [_added(*each) for each in points]
    labels = [value + more for value, more in zip(values, added)]
    ax = draw_dots(ax, names, steps[spread], labels, "method")
    scale_axis(ax.xaxis, measure)
    title = title or f"{names[0]} {values[0]}, {names[-1]} {values[-1]}"
    n = f"{steps['n'].iloc[0]:,} plants ({data_kind(steps)})"
    return titled(ax, title, f"{n}, {line}")


def _added(gain: float, low: float, high: float) -> str:
    """Return what a step adds, in points, as it stands behind its value; "" for the first step."""
    if np.isnan(gain):
        return ""
    return f"   {gain:+.1f} ({low:+.1f} to {high:+.1f})"
