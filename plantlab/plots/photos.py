"""A contact sheet of photographs."""

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from PIL import Image, ImageOps

from plantlab.data.photos import open_photo
from plantlab.data.table import require
from plantlab.plots.frame import axes_or_current, counted, titled
from plantlab.plots.style import FACES

SIDE = 150  # pixels of a photo
GAP = 8  # pixels between columns
WORDS = 34  # pixels below a photo
MIDDLE = {"ha": "center", "va": "top"}  # how the words stand there


def plot_photos(
    images: pd.DataFrame,
    ax: Axes | None = None,
    n: int = 12,
    columns: int = 6,
    label: str = "species",
    title: str | None = None,
    seed: int | None = 0,
) -> Axes:
    """Draw a contact sheet of `n` images with the column `label` under each.

    They are drawn by chance, each species once before any comes again; with seed=None, the first n
    of the table.
    """
    require(images, "image_path", label)
    shown = images if seed is None else _shuffle(images, seed)
    shown = shown.head(n)
    columns = min(columns, max(len(shown), 1))
    rows = -(-len(shown) // columns)  # rounded up
    width = columns * (SIDE + GAP) - GAP
    height = rows * (SIDE + WORDS) or 1
    sheet = Image.new("RGB", (width, height), "white")
    ax = axes_or_current(ax, 0.55 + 7 * height / width)
    texts = shown[label].astype(str)
    for i, (path, text) in enumerate(zip(shown["image_path"], texts)):
        row, column = divmod(i, columns)
        x = column * (SIDE + GAP)
        y = row * (SIDE + WORDS)
        photo = ImageOps.fit(open_photo(path, SIDE), (SIDE, SIDE))
        sheet.paste(photo, (x, y))
        words = _shorten(text, 2 + 114 // columns)
        face = FACES.get(label)
        ax.text(x + SIDE / 2, y + SIDE + 3, words, size=6.2, style=face, **MIDDLE)
    ax.imshow(sheet)
    ax.axis("off")
    title = title or f"{len(shown)} of the images, drawn by chance"
    return titled(ax, title, f"of {counted(images)}")


def _shuffle(images: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return `images` in an order of chance, each species once before any comes again."""
    shuffled = images.sample(frac=1, random_state=seed)
    if "species" in images:
        turns = shuffled.groupby("species", dropna=False).cumcount()
        turns = turns.sort_values(kind="stable")
        shuffled = shuffled.loc[turns.index]
    return shuffled


def _shorten(text: str, width: int) -> str:
    """Return `text` with each of its lines at most `width` letters long."""
    lines = text.split("\n")
    return "\n".join(textwrap.shorten(line, width, placeholder="…") for line in lines)
