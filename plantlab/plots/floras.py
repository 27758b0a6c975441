"""What it does to bound the species to those of a place, over its radius."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from plantlab.data.table import require
from plantlab.plots.frame import axes_or_current, titled
from plantlab.plots.style import COLORS, OKABE_ITO


def plot_floras(
    tried: pd.DataFrame, radius: float, without: float, line: str, ax: Axes | None = None
) -> Axes:
    """Draw MRR, and the share of plants whose species may still be named, over the radius.

    The title says what one of the radii leaves, and what it loses. Introduced in notebook 06.

    Args:
        tried: of several.try_floras, one row a radius.
        radius: the one that the title speaks of.
        without: the MRR where all species may be named.
        line: what it rests on, for under the title.
    """
    require(tried, "radius", "mrr", "mrr_low", "mrr_high", "n_left", "kept")
    ax = axes_or_current(ax, 3.9)
    at = tried["radius"]
    ax.axvline(radius, color=COLORS["accent"], lw=8, alpha=0.25)
    ax.fill_between(at, tried["mrr_low"], tried["mrr_high"], color=OKABE_ITO[0], alpha=0.16, lw=0)
    ax.plot(at, tried["mrr"], "o-", color=OKABE_ITO[0], label="MRR in the flora")
    share = "share of plants whose\nown species is in it"
    ax.plot(at, tried["kept"], "s-", color=OKABE_ITO[2], label=share)
    ax.axhline(without, color=COLORS["grey"], ls=":", label="MRR, all species")
    ax.set_xscale("log")
    ax.set_xticks(at, [f"{each:g}" for each in at])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("radius of the flora, km (log axis)")
    ax.set_ylim(None, 1.02)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    row = tried.set_index("radius").loc[radius]
    lost = 100 * (1 - row["kept"])
    title = f"Within {radius:g} km: {row['n_left']:.1f} species are left, MRR {row['mrr']:.3f}; "
    return titled(ax, title + f"{lost:.1f} % of the plants lose their own", line)
