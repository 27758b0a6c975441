"""What grows with the number of species: on log axes, and reckoned for a number of them."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from plantlab.data.table import require
from plantlab.plots.frame import axes_or_current, draw_dots, titled
from plantlab.plots.style import MARKERS, OKABE_ITO

SIZE = "n_species"


def growth(rows: pd.DataFrame, measure: str) -> pd.Series:
    """Return by which power of the number of species a measure grows, by method.

    It is the slope on log axes from the largest number that all methods reach down to a tenth of
    it: 1 doubles with it, 0 stays.

    >>> rows = pd.DataFrame({"method": "dense", "n_species": [100, 1000], "bytes": [5.0, 50.0]})
    >>> growth(rows, "bytes").to_dict()
    {'dense': 1.0}
    """
    known = rows.dropna(subset=[measure])
    largest = known.groupby("method")[SIZE].max().min()
    part = known[known[SIZE].between(largest / 10.5, largest)]
    slopes = {}
    for method, each in part.groupby("method", sort=False):
        slope = np.polyfit(np.log(each[SIZE]), np.log(each[measure]), 1)[0]
        slopes[method] = round(float(slope), 2)
    return pd.Series(slopes)


def plot_growth(
    rows: pd.DataFrame, measure: str, what: str, line: str, ax: Axes | None = None
) -> Axes:
    """Draw a measure over `n_species`, both on log axes, a line a method with its slope.

    Args:
        what: the axis, with its unit, such as "seconds a step". line: what it rests on.
    """
    require(rows, "method", SIZE, measure)
    ax = axes_or_current(ax, 4.2)
    slopes = growth(rows, measure)
    known = rows.dropna(subset=[measure])
    for (method, slope), color, marker in zip(slopes.items(), OKABE_ITO, MARKERS):
        of_method = known[known["method"] == method]
        label = f"{method}, slope {slope:.2f}"
        ax.plot(of_method[SIZE], of_method[measure], color=color, marker=marker, label=label)
    ax.set_xscale("log")
    ax.set_yscale("log")
    sizes = sorted(known[SIZE].unique())
    ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
    ax.minorticks_off()
    ax.set_xlabel("species (log)")
    ax.set_ylabel(f"{what} (log)")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    least, most = slopes.idxmin(), slopes.idxmax()
    title = f"{what.capitalize()} grow with the species to the power {slopes[most]:.2f} ({most})"
    return titled(ax, f"{title}, {slopes[least]:.2f} ({least})", line)


def plot_costs(costs: pd.DataFrame, measure: str, what: str, line: str) -> Axes:
    """Draw what each method costs, on a log axis.

    Args:
        costs: method, and the measure, in a unit that `what` says, such as "MB of weights".
    """
    rows = costs.dropna(subset=[measure]).sort_values(measure, ascending=False)
    values = rows[measure].to_numpy(float)
    labels = [
        f"{value:,.3g} {what}" if value < 1000 else f"{value:,.0f} {what}" for value in values
    ]
    spread = np.column_stack([values, values, values])
    ax = draw_dots(None, rows["method"].tolist(), spread, labels, "method")
    ax.set_xscale("log")
    ax.set_xlabel(f"{what} (log)")
    times = values[0] / values[-1]
    first, last = rows["method"].iloc[[0, -1]]
    return titled(ax, f"{first.capitalize()} takes {times:,.0f} times what {last} takes", line)


def plot_by_species(
    curve: pd.DataFrame, measure: str, what: str, line: str, ax: Axes | None = None
) -> Axes:
    """Draw a share, and its interval, over the number of species to choose from, on a log axis."""
    low, high = f"{measure}_low", f"{measure}_high"
    require(curve, SIZE, measure, low, high)
    ax = axes_or_current(ax)
    ax.fill_between(curve[SIZE], curve[low], curve[high], color=OKABE_ITO[0], alpha=0.16, lw=0)
    ax.plot(curve[SIZE], curve[measure], color=OKABE_ITO[0], marker="o")
    ax.set_xscale("log")
    ax.set_xticks(curve[SIZE], [f"{size:,}" for size in curve[SIZE]])
    ax.minorticks_off()
    ax.set_ylim(0, 1)
    ax.yaxis.set_major_formatter("{x:.0%}")
    ax.set_xlabel("species to choose from (log)")
    ax.set_ylabel(what)
    first, last = curve.iloc[0], curve.iloc[-1]
    title = f"Among {first[SIZE]:,.0f} species {first[measure]:.0%} are named right, "
    return titled(ax, f"{title}among {last[SIZE]:,.0f} {last[measure]:.0%}", line)
