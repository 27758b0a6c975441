"""What was gained: differences with their intervals, and what could have been seen."""

import pandas as pd
from matplotlib.axes import Axes

from plantlab.data.table import require
from plantlab.plots.frame import counted, draw_dots, said, scale_axis, titled
from plantlab.plots.style import COLORS
from plantlab.predictions.compare import detectable, points

SPREAD = ["gain", "gain_low", "gain_high"]


def plot_gains(rows: pd.DataFrame, ax: Axes | None = None, title: str = "", line: str = "") -> Axes:
    """Draw what each row gains, with its 95 % interval, beside zero.

    Rows stay in the table's order. The line below the title says which gain the widest of the
    intervals would have shown: where one holds zero, a smaller gain may still be there.

    Args:
        rows: of compare.gains; `method` names them.
        title: else the first row's gain.
        line: else how many images it rests on, and the gain that would have been seen.
    """
    require(rows, "method", *SPREAD, "n", "kind")
    spread = rows[SPREAD]
    labels = [said(gain, "gain") for gain in rows["gain"]]
    ax = draw_dots(ax, rows["method"].tolist(), spread, labels, "method")
    ax.axvline(0, color=COLORS["grey"], lw=1)
    scale_axis(ax.xaxis, "gain")
    ax.set_xlabel("points gained")
    wide = spread.loc[(rows["gain_high"] - rows["gain_low"]).idxmax()]
    seen = 100 * detectable(wide["gain_low"], wide["gain_high"])
    first = rows.iloc[0]
    title = title or f"{first['method']}: {points(*first[SPREAD])}"
    rests_on = f"{counted(rows)}, 95 % intervals"
    line = line or f"{rests_on}; gains from {seen:.1f} points on would have been seen"
    return titled(ax, title, line)
