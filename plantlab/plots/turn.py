"""What is drawn again as a slider is turned, such as the strength of a correction."""

import os
from collections.abc import Callable

import pandas as pd
from matplotlib.axes import Axes

from plantlab.plots.frame import axes_or_current, said, scale_axis, titled
from plantlab.plots.style import COLORS, MARKERS, OKABE_ITO

MOST_MARKERS = 12  # on a line; more would cover it


def turn(draw: Callable[..., object], **options: object) -> None:
    """Show a slider for each argument of `draw`, which draws on its current value.

    Where a notebook runs without a reader, a sentence stands in the slider's place.

    Args:
        options: by the argument's name, what ipywidgets.interact takes, such as (0, 2, 0.25): from,
            to, step.
    Introduced in notebook 04.
    """
    if os.environ.get("PLANTLAB_RUN"):
        print(f"A slider for {', '.join(options)} stands here when this cell is run in Jupyter.")
        return
    from ipywidgets import interact

    interact(draw, **options)


def plot_turned(
    rows: pd.DataFrame,
    turned: str,
    measures: dict[str, str],
    at: float,
    line: str,
    shares: str = "plants named right",
) -> Axes:
    """Draw measures over the column `turned`, a line each; the title reads them where it is `at`.

    Args:
        measures: columns, in [0, 1], and what the legend calls them.
        line: what it rests on, for under the title.
        shares: what the measures are shares of, for the axis.
    """
    ax = axes_or_current(None)
    nearest = (rows[turned] - at).abs().to_numpy().argmin()
    told = []
    for (measure, name), color, marker in zip(measures.items(), OKABE_ITO, MARKERS):
        shape = {"marker": marker} if len(rows) <= MOST_MARKERS else {"lw": 2}
        ax.plot(rows[turned], rows[measure], color=color, label=name, **shape)
        told.append(f"{name} {said(rows[measure].iloc[nearest], 'top1')}")
    ax.axvline(at, color=COLORS["grey"], ls=":")
    ax.set_xlabel(turned)
    ax.set_ylim(bottom=0)
    scale_axis(ax.yaxis, shares)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return titled(ax, f"{turned} = {at:.3g}: {', '.join(told)}", line)
