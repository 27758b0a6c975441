"""What one thing says more than another: gains with their intervals, against none."""

import pandas as pd
from matplotlib.axes import Axes

from plantlab.data.table import require
from plantlab.plots.frame import draw_dots, scale_axis, titled
from plantlab.plots.style import COLORS


def plot_same_plants(
    rows: pd.DataFrame, title: str, line: str, ax: Axes | None = None, measure: str = "MRR"
) -> Axes:
    """Draw the gain of each row, named by `method`, with its interval beside a line at none.

    Each name says on how many plants its row rests, since that may differ from row to row.
    Introduced in notebook 06.

    Args:
        rows: method, n, gain, low and high, in the order in which they are drawn.
        line: what it rests on, for under the title.
    """
    spread = ["gain", "low", "high"]
    require(rows, "method", "n", *spread)
    names = [f"{name}  ({n:,} plants)" for name, n in zip(rows["method"], rows["n"])]
    labels = []
    for gain, low, high in 100 * rows[spread].to_numpy(dtype=float):
        labels.append(f"{gain:+.1f} ({low:+.1f} to {high:+.1f})")
    ax = draw_dots(ax, names, rows[spread], labels, "method")
    ax.axvline(0, color=COLORS["grey"], lw=1.2)
    scale_axis(ax.xaxis, "gain")
    ax.set_xlabel(f"gain, points of {measure}")
    ax.margins(x=0.25)
    return titled(ax, title, line)
