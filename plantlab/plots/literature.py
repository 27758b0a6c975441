"""Published figures: through the years, by team, and as printed beside what is right."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from plantlab.data.table import require
from plantlab.plots.frame import axes_or_current, label_rows, titled
from plantlab.plots.style import COLORS, MARKERS, OKABE_ITO

LEAST_OFF = 0.004  # left end of the axis; what is a word stands there
HOLLOW = {"mfc": "white", "mew": 1.8}


def plot_history(years: pd.DataFrame, title: str, line: str, ax: Axes | None = None) -> Axes:
    """Draw the best score of each year, with the number of species below it.

    A year that two documents score otherwise has two hollow points.

    Args:
        years: year, score, species, document; a row a year and document.
    """
    require(years, "year", "score", "species", "document")
    ax = axes_or_current(ax, 4)
    agreed = years.groupby("year")["score"].transform("nunique") == 1
    means = years.groupby("year")["score"].mean()
    ax.plot(means.index, means, color=COLORS["soft"], lw=1.5, zorder=1)
    sure = years[agreed]
    ax.plot(sure["year"], sure["score"], "o", color=COLORS["data"], ms=8, label="printed")
    for (document, own), color, marker in zip(
        years[~agreed].groupby("document"), OKABE_ITO[1:], MARKERS[1:]
    ):
        label = f"document {document}: {own['score'].iloc[0]}"
        ax.plot(own["year"], own["score"], marker, color=color, ms=8, label=label, **HOLLOW)
    for row in years.drop_duplicates("year").to_dict("records"):
        spot = (row["year"], years.loc[years["year"] == row["year"], "score"].min())
        _beside(ax, f"{row['species']:,.0f}\nspecies", spot, (0, -14), ha="center", va="top")
    ax.set_ylim(0, 1)
    ax.margins(x=0.08)
    ax.set_xlabel("year of the challenge")
    ax.set_ylabel("best score")
    ax.legend(loc="upper left", fontsize=9)
    return titled(ax, title, line)


def plot_teams(teams: pd.DataFrame, title: str, line: str, ax: Axes | None = None) -> Axes:
    """Draw each team's score over its number of networks, marked by what it learnt from.

    Hollow: the number is not printed, and at least what is drawn.

    Args:
        teams: team, mrr, networks, is_printed, training, as literature.teams returns them.
    """
    require(teams, "team", "mrr", "networks", "is_printed", "training")
    ax = axes_or_current(ax, 4.2)
    groups = teams.groupby("training", sort=False)
    for (training, own), color, marker in zip(groups, OKABE_ITO, MARKERS):
        for is_printed, part in own.groupby("is_printed"):
            face = {} if is_printed else HOLLOW
            ax.plot(part["networks"], part["mrr"], marker, color=color, ms=9, **face)
        ax.plot([], [], marker, color=color, ms=8, label=training)
    for row in teams.to_dict("records"):
        _beside(ax, row["team"], (row["networks"], row["mrr"]), (9, 0), va="center")
    ax.set_xscale("log")
    ticks = sorted(set(teams["networks"]))
    ax.set_xticks(ticks, [f"{n:g}" for n in ticks])
    ax.minorticks_off()
    ax.set_xlim(0.8, max(ticks) * 2)
    ax.set_xlabel("networks combined (log); hollow: not printed, so many or more")
    ax.set_ylabel("mean reciprocal rank")
    ax.legend(title="learnt from", loc="lower right", fontsize=9)
    return titled(ax, title, line)


def plot_beside(
    rows: pd.DataFrame,
    axis: str,
    title: str,
    line: str,
    names: tuple[str, str] = ("as printed", "computed anew"),
    ax: Axes | None = None,
) -> Axes:
    """Draw printed figures, hollow, beside the right ones, full, in rows named by `what`.

    Where one of both is not known, the other stands alone.

    Args:
        rows: what, printed, right. axis: what they measure, with its unit.
        names: what the legend calls the hollow and the full ones.
    """
    require(rows, "what", "printed", "right")
    ax = label_rows(ax, rows["what"].tolist(), "what", height=0.4)
    at = np.arange(len(rows))
    ends = rows[["printed", "right"]]
    ax.hlines(at, ends.min(axis=1), ends.max(axis=1), color="#BBBBBB", lw=1.5)
    printed = {"color": COLORS["accent"], "ms": 11, "label": names[0], "ls": ""}
    ax.plot(rows["printed"], at, marker="o", **printed, mfc="none", mew=1.8)
    ax.plot(rows["right"], at, "s", color=COLORS["data"], ms=6, label=names[1])
    for row, both in enumerate(ends.to_numpy()):
        words = ", ".join("none" if np.isnan(each) else f"{each:.3g}" for each in both)
        _beside(ax, words, (np.nanmax(both), row), (11, 0), va="center")
    ax.margins(x=0.15)
    ax.set_xlabel(axis)
    handles, labels = ax.get_legend_handles_labels()
    ax.figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return titled(ax, title, line)


def plot_audit(audit: pd.DataFrame, title: str, line: str, ax: Axes | None = None) -> Axes:
    """Draw how far each printed figure is off, what stands on top, with both numbers beside it.

    Rows are one apart and begin at 0: a line at 3 has three of them above it.

    Args:
        audit: trap, said, printed, right, off, known and flagged, as audit.audit returns them.
            Where `off` is NaN the error is a word: hollow, at the left end, as is what stands.
    """
    require(audit, "trap", "said", "printed", "right", "off", "known", "flagged")
    rows = audit.sort_values(["flagged", "off"], na_position="first").reset_index(drop=True)
    ax = axes_or_current(ax, 1.6 + 0.36 * len(rows))
    at = np.arange(len(rows)) + 0.5
    off = rows["off"].fillna(LEAST_OFF).clip(lower=LEAST_OFF)
    ax.hlines(at, 0.8 * LEAST_OFF, off, color=COLORS["soft"], lw=5)
    full = rows["flagged"] & rows["off"].notna()
    ax.plot(off[full], at[full], "o", color=COLORS["data"], ms=8)
    ax.plot(off[~full], at[~full], "s", color=COLORS["data"], ms=8, **HOLLOW)
    for row, told in enumerate(rows.to_dict("records")):
        _beside(ax, _both(told), (off[row], at[row]), (9, 0), va="center", weight="bold")
    names = [f"{told['said']} ({told['trap']})" for told in rows.to_dict("records")]
    ax.set_yticks(at, names)
    ax.set_ylim(len(rows) + 0.1, -0.1)
    ax.grid(visible=False, axis="y")
    ax.set_xscale("log")
    _share_ticks(ax, [0.01, 0.1, 1, 10, 1000])
    ax.set_xlim(0.8 * LEAST_OFF, 3e5)
    ax.set_xlabel("off by, in per cent of the right value (log)")
    return titled(ax, title, line)


def _both(told: dict) -> str:
    """Return "0.22 for 0.022", what is printed and what is right, or that it is not known."""
    if not told["flagged"]:
        return "stands"
    if pd.isna(told["off"]):
        return "a word, not a number"
    between = "for" if told["known"] else "or"
    return f"{_short(told['printed'])} {between} {_short(told['right'])}"


def _short(number: float) -> str:
    """Return three or four digits of a number.

    >>> _short(96167), _short(1.7006e-5), _short(44.549)
    ('96,167', '1.7e-05', '44.5')
    """
    if number >= 1e6:
        return f"{number / 1e6:.1f} M"
    if number >= 1000:
        return f"{number:,.0f}"
    return f"{number:.2g}" if number < 0.001 else f"{number:.3g}"


def _share_ticks(ax: Axes, shares: Sequence[float]) -> None:
    ax.set_xticks(shares, [f"{100 * share:,.0f}" for share in shares])
    ax.minorticks_off()


def _beside(
    ax: Axes, words: str, spot: tuple[float, float], away: tuple[float, float], **how: str
) -> None:
    """Write words beside a point, so many typographic points away."""
    ax.annotate(words, xy=spot, xytext=away, textcoords="offset points", fontsize=9, **how)
