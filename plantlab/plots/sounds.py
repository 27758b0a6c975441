"""Spectrograms, and scores over how loud a song is."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from plantlab.data.mel import row_hertz
from plantlab.data.table import data_kind, require
from plantlab.plots.frame import axes_or_current, titled
from plantlab.plots.style import MARKERS, OKABE_ITO

TICKS = (500, 1000, 2000, 4000, 8000)  # hertz


def plot_spectrograms(
    pictures: Sequence[str | np.ndarray],
    titles: Sequence[str],
    seconds: float,
    line: str,
    title: str = "",
    columns: int = 3,
) -> Figure:
    """Draw spectrograms side by side, time to the right and pitch upwards, and return the figure.

    Args:
        pictures: shades (N_MELS, columns), the highest sound on top, or files of such.
        titles: one above each.
        seconds: that each lasts.
        line: what they are of, beside the axis.
    """
    shades = [_shades(picture) for picture in pictures]
    columns = min(columns, len(shades))
    n_rows = -(-len(shades) // columns)
    size = (7, 1.0 + 1.9 * n_rows)
    figure, axes = plt.subplots(n_rows, columns, figsize=size, squeeze=False, layout="constrained")
    ticks = [int(np.abs(row_hertz() - hertz).argmin()) for hertz in TICKS]
    for number, ax in enumerate(axes.flat):
        if number >= len(shades):
            ax.axis("off")
            continue
        ax.imshow(shades[number], cmap="viridis", aspect="auto", vmin=0, vmax=255)
        ax.set_title(titles[number], fontsize=9, pad=3, loc="left")
        n_columns = shades[number].shape[1]
        whole = np.arange(int(seconds) + 1)
        ax.set_xticks(whole * n_columns / seconds - 0.5, [str(each) for each in whole], fontsize=9)
        is_first = number % columns == 0
        names = [f"{hertz / 1000:g}" for hertz in TICKS] if is_first else []
        ax.set_yticks(ticks if is_first else [], names, fontsize=9)
        ax.grid(visible=False)
    figure.supxlabel(f"seconds; {line}", fontsize=9)
    figure.supylabel("kilohertz, on the mel scale", fontsize=9)
    if title:
        figure.suptitle(title, fontsize=12, fontweight="bold", ha="left", x=0.01)
    return figure


def _shades(picture: str | np.ndarray) -> np.ndarray:
    """Return a picture as shades, opened where it is a file."""
    if isinstance(picture, np.ndarray):
        return picture
    with Image.open(picture) as image:
        return np.asarray(image.convert("L"))


def plot_by_loudness(rows: pd.DataFrame, title: str, line: str, ax: Axes | None = None) -> Axes:
    """Draw the AUC of each method over how loud the song is, with the interval of the first.

    The methods answer the same windows: what one gains on another is surer than such an interval.

    Args:
        rows: of auc.auc_gains, with `snr`, the middle of each group in decibels.
    """
    require(rows, "method", "snr", "auc", "auc_low", "auc_high")
    ax = axes_or_current(ax, 3.9)
    by_method = rows.groupby("method", sort=False)
    for (name, of_method), color, marker in zip(by_method, OKABE_ITO, MARKERS):
        of_method = of_method.sort_values("snr")
        at = of_method["snr"]
        if name == rows["method"].iloc[0]:
            ends = of_method["auc_low"], of_method["auc_high"]
            ax.fill_between(at, *ends, color=color, alpha=0.12, lw=0)
        ax.plot(at, of_method["auc"], marker=marker, color=color, label=name, mec="white")
    ax.set_xlabel("song over noise, in decibels (mean of a third of the windows)")
    ax.set_ylabel("AUC, mean over species")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return titled(ax, title, f"{line} ({data_kind(rows)})")
