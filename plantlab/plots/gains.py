"""What was gained: differences with their intervals, and what could have been seen."""

import pandas as pd
from matplotlib.axes import Axes

from plantlab.data.table import require
from plantlab.plots.frame import counted, draw_dots, said, scale_axis, titled
from plantlab.plots.style import COLORS
from plantlab.predictions.compare import points, seen_from

SPREAD = ["gain", "gain_low", "gain_high"]


def plot_gains(
    rows: pd.DataFrame, ax: Axes | None = None, title: str = "", line: str = "", over: str = ""
) -> Axes:
    """Draw what each row gains, with its 95 % interval, beside zero.

    Rows stay in the table's order. The line below the title says which gain the widest of the
    intervals would have shown: where one holds zero, a smaller gain may still be there.

    Args:
        rows: of compare.gains; `method` names them.
        title: else the first row's gain.
        line: else how many images it rests on, and the gain that would have been seen.
        over: what it is gained over, for the axis, where the names do not say so.
    """
    require(rows, "method", *SPREAD, "n", "kind")
    spread = rows[SPREAD]
    labels = [said(gain, "gain") for gain in rows["gain"]]
    ax = draw_dots(ax, rows["method"].tolist(), spread, labels, "method")
    ax.axvline(0, color=COLORS["grey"], lw=1)
    scale_axis(ax.xaxis, "gain")
    ax.set_xlabel(f"points gained over {over}" if over else "points gained")
    wide = spread.loc[(rows["gain_high"] - rows["gain_low"]).idxmax()]
    first = rows.iloc[0]
    title = title or f"{first['method']}: {points(*first[SPREAD])}"
    rests_on = f"{counted(rows)}, 95 % intervals"
    line = line or f"{rests_on}; {seen_from(wide['gain_low'], wide['gain_high'])}"
    return titled(ax, title, line)
