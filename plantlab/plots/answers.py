"""What a classifier says: which species it takes for which, and how sure it is."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from plantlab.data.table import observations
from plantlab.plots.frame import axes_or_current, counted, draw_dots, scale_axis, titled
from plantlab.plots.style import MARKERS, OKABE_ITO, italic
from plantlab.predictions.metrics import bootstrap_interval, expected_calibration_error
from plantlab.predictions.predictions import Predictions


def plot_confusions(predictions: Predictions, ax: Axes | None = None, n: int = 10) -> Axes:
    """Draw the `n` mistakes made most often, as a share of the true species' images."""
    images = predictions.images
    answers = pd.DataFrame(
        {"true": images["species"], "named": predictions.named(), "plant": observations(images)}
    )
    mistakes = answers[answers["true"] != answers["named"]]
    commonest = mistakes[["true", "named"]].value_counts().head(n)
    if commonest.empty:
        ax = axes_or_current(ax, 1.6)
        ax.axis("off")
        return titled(ax, "No image is named wrong", counted(images))
    rows = [_share(answers, true, named) for true, named in commonest.index]
    rows = pd.DataFrame(rows)
    rows = rows.sort_values("share", ascending=False, kind="stable")
    first = rows.iloc[0]
    names = (rows["true"] + "\n→ " + rows["named"]).tolist()
    labels = rows["said"].tolist()
    ax = draw_dots(ax, names, rows[["share", "low", "high"]], labels, "species")
    scale_axis(ax.xaxis, "share of the true species' images given the other name")
    title = f"{italic(first['true'])} is named {italic(first['named'])}\nin {first['said']} images"
    line = f"{counted(images)}, {len(mistakes):,} named wrong (true → named), 95 % intervals"
    return titled(ax, title, line)


def _share(answers: pd.DataFrame, true: str, named: str) -> dict:
    """Return how often images of one species are given the name of another, with its interval."""
    of_species = answers[answers["true"] == true]
    taken = (of_species["named"] == named).to_numpy()
    low, high = bootstrap_interval(taken, of_species["plant"], n_boot=500)
    return {
        "true": true,
        "named": named,
        "share": taken.mean(),
        "low": low,
        "high": high,
        "said": f"{taken.sum()} of {len(taken)}",
    }


def plot_reliability(
    answers: dict[str, Predictions], n_bins: int = 10, ax: Axes | None = None
) -> Axes:
    """Draw how often answers are right against how sure they are, a line each.

    Bins hold as many answers each.
    """
    ax = axes_or_current(ax, 4.2)
    ends = [0, 1]
    ax.plot(ends, ends, color="#999999", lw=1, ls=":", label="as sure as right")
    told = []
    for (name, predictions), color, marker in zip(answers.items(), OKABE_ITO, MARKERS):
        sure = predictions.confidence()
        right = predictions.ranks() == 1
        bins = np.array_split(np.argsort(sure, kind="stable"), n_bins)
        mean_sure = [sure[rows].mean() for rows in bins]
        mean_right = [right[rows].mean() for rows in bins]
        ax.plot(mean_sure, mean_right, marker + "-", color=color, label=name)
        error = expected_calibration_error(sure, right)
        told.append(f"{name} {100 * error:.1f} points")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    ax.set(xlim=(0, 1), ylim=(0, 1))
    scale_axis(ax.xaxis, "probability of the answer")
    scale_axis(ax.yaxis, "answers that are right")
    images = list(answers.values())[-1].images
    line = f"{counted(images)}; {n_bins} dots of as many"
    return titled(ax, f"Off by {'; '.join(told)} (ECE)", line)
