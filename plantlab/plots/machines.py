"""Speed, efficiency and cost of many machines."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from plantlab.data.table import require
from plantlab.plots.frame import axes_or_current, draw_dots, titled
from plantlab.plots.style import COLORS, MARKERS, OKABE_ITO


def plot_speed(speeds: pd.DataFrame, title: str, line: str, ax: Axes | None = None) -> Axes:
    """Draw photos a second, a row a way, with intervals.

    Args:
        speeds: way, photos_a_second, low and high, such as speed.steps_a_second returns.
    """
    require(speeds, "way", "photos_a_second", "low", "high")
    spread = speeds[["photos_a_second", "low", "high"]]
    labels = [f"{rate:.1f}" for rate in speeds["photos_a_second"]]
    ax = draw_dots(ax, speeds["way"].tolist(), spread, labels, "way")
    ax.set_xlabel("photos a second, all processes")
    ax.set_xlim(left=0)
    return titled(ax, title, line)


def plot_messages(
    messages: pd.DataFrame, alpha: float, beta: float, line: str, ax: Axes | None = None
) -> Axes:
    """Draw how long sums of messages take, and alpha + beta * bytes, both axes logarithmic."""
    ax = axes_or_current(ax, 4)
    sizes = np.geomspace(messages["bytes"].min(), messages["bytes"].max(), 100)
    ax.plot(messages["bytes"], 1000 * messages["seconds"], "o", color=COLORS["data"], alpha=0.6)
    ax.plot(sizes, 1000 * (alpha + beta * sizes), color=COLORS["accent"])
    ax.axvline(alpha / beta, color=COLORS["grey"], ls=":")
    ax.set(xscale="log", yscale="log")
    ax.set_xlabel("bytes of a message (log)")
    ax.set_ylabel("milliseconds (log)")
    title = f"A sum costs {1000 * alpha:.2f} ms, and {1e-9 / beta:.1f} GB go through in a second"
    return titled(ax, title, line)


def plot_efficiency(
    curve: pd.DataFrame, points: pd.DataFrame, title: str, line: str, ax: Axes | None = None
) -> Axes:
    """Draw efficiency over machines: a fitted curve with its interval, and measured points.

    Args:
        curve: machines, efficiency, low, high. points: the first and the second of these, and
            `series`, which names them.
    """
    ax = axes_or_current(ax, 4.4)
    ax.fill_between(
        curve["machines"], curve["low"], curve["high"], color=COLORS["soft"], alpha=0.5, lw=0
    )
    ax.plot(curve["machines"], curve["efficiency"], color=COLORS["data"], label="fitted")
    series = points.groupby("series", sort=False)
    for (name, own), color, marker in zip(series, OKABE_ITO, MARKERS):
        ax.plot(
            own["machines"], own["efficiency"], color=color, marker=marker, ls="", ms=8, label=name
        )
    ax.set_xscale("log", base=2)
    _plain_ticks(ax, points["machines"].tolist() + [int(curve["machines"].max())])
    ax.set_ylim(0, 1.1)
    ax.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}".replace("%", " %"))
    ax.set_xlabel("machines (log)")
    ax.set_ylabel("efficiency")
    ax.legend(loc="lower left", fontsize=9)
    return titled(ax, title, line)


def plot_hours(table: pd.DataFrame, wanted: float, line: str, ax: Axes | None = None) -> Axes:
    """Draw hours over machines; the title says how many are needed for `wanted` hours.

    Args:
        table: of machines.hours_needed, for machines in rising order.
    """
    ax = axes_or_current(ax, 4)
    ax.fill_between(
        table["machines"], table["low"], table["high"], color=COLORS["soft"], alpha=0.5, lw=0
    )
    ax.plot(table["machines"], table["hours"], color=COLORS["data"])
    ax.axhline(wanted, color=COLORS["accent"], ls="--")
    enough = table[table["hours"] <= wanted]
    title = f"No number of these machines does it in {wanted:g} hours"
    if len(enough):
        n = int(enough["machines"].iloc[0])
        title = f"{n:,} machines do it in {wanted:g} hours; one would take {table['hours'][0]:,.0f}"
        ax.axvline(n, color=COLORS["accent"], ls=":")
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    _plain_ticks(ax, [2**power for power in range(0, 12, 2)])
    ax.set_xlabel("machines (log)")
    ax.set_ylabel("hours (log)")
    return titled(ax, title, line)


def plot_bought(
    rows: pd.DataFrame,
    spent: str,
    scored: str,
    axes: tuple[str, str],
    title: str,
    line: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw what a score cost: a point for each of `rows`, with its `name`, the cost logarithmic.

    Args:
        spent, scored: columns. axes: what they are called, with units.
    """
    require(rows, "name", spent, scored)
    ax = axes_or_current(ax, 4.2)
    ax.plot(rows[spent], rows[scored], "o", color=COLORS["data"], ms=8)
    for row in rows.to_dict("records"):
        ax.annotate(
            row["name"],
            xy=(row[spent], row[scored]),
            xytext=(8, 4),
            textcoords="offset points",
            fontsize=9,
        )
    ax.set_xscale("log")
    ax.margins(x=0.25, y=0.2)
    ax.set_xlabel(f"{axes[0]} (log)")
    ax.set_ylabel(axes[1])
    return titled(ax, title, line)


def _plain_ticks(ax: Axes, machines: Sequence[int]) -> None:
    ticks = sorted({int(n) for n in machines})
    ax.set_xticks(ticks, [f"{n:,}" for n in ticks])
    ax.minorticks_off()
