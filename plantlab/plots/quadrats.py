"""Plots of vegetation: which tile of a photo spoke for which species."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from PIL import Image

from plantlab.plots.frame import axes_or_current, titled
from plantlab.plots.style import COLORS, OKABE_ITO

MOST = 12  # boxes; more would hide the plants


def plot_tiles(
    photo: Image.Image, spoken: pd.DataFrame, standing: set[str], line: str, ax: Axes | None = None
) -> Axes:
    """Draw a plot, and on it the tile that spoke most for each species that is listed.

    A full line is a species that stands in the plot, a dotted one that stands in the plot and not
    in this tile, where that is known, a dashed one a species that does not stand there.

    Args:
        spoken: of quadrats.spoke, with in_tile if stand_in_tiles has added it; up to 12 are drawn.
        standing: the species that stand there.
        line: what it rests on, for under the title.
    Introduced in notebook 10.
    """
    ax = axes_or_current(ax, 6.6)
    ax.imshow(photo)
    ax.axis("off")
    labels: list[tuple[int, int]] = []
    for row in spoken.head(MOST).itertuples():
        right = row.species in standing
        color = OKABE_ITO[0] if right else COLORS["accent"]
        look = {"fill": False, "edgecolor": color, "lw": 2, "ls": _line(row, right)}
        ax.add_patch(Rectangle((row.left, row.top), row.side, row.side, **look))
        words = {"color": "white", "fontsize": 9, "style": "italic", "va": "top"}
        paper = {"facecolor": color, "edgecolor": "none", "pad": 1.5}
        left = min(row.left + 3, round(0.8 * photo.width))  # so that the name ends in the photo
        at = _free(left, row.top + 3, labels, photo.width)
        ax.text(*at, row.species, bbox=paper, **words)
    hits = spoken["species"].isin(standing).sum()
    title = f"{hits} of the {len(standing)} species of this plot are listed"
    wrong = len(spoken) - hits
    title += f", and {wrong} of elsewhere" if wrong else ""
    return titled(ax, title, line)


def _line(row: tuple, right: bool) -> str:
    """Return the style of a box: full, dotted where the species stands elsewhere, or dashed."""
    if not right:
        return "--"
    return "-" if getattr(row, "in_tile", True) else ":"


def _free(x: int, y: int, labels: list[tuple[int, int]], width: int) -> tuple[int, int]:
    """Return where a label goes: there, or below those that stand there already."""
    long = 0.2 * width  # of a name, about
    high = 0.032 * width
    while any(abs(x - left) < long and abs(y - top) < high for left, top in labels):
        y += round(high)
    labels.append((x, y))
    return x, y
