"""A contact sheet of photographs."""

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from PIL import Image, ImageOps

from plantlab.data.photos import open_photo
from plantlab.data.table import require
from plantlab.plots.frame import axes_or_current, counted, titled
from plantlab.plots.style import FACES, italic

SIDE = 150  # pixels of a photo
GAP = 8  # pixels between columns
CAPTION = 9  # points, as everywhere
ACROSS = 7 * 72  # points, the width of a sheet
LETTER = 5.8  # points, the mean width of one in a caption
MIDDLE = {"ha": "center", "va": "top"}  # how the words stand there


def plot_photos(
    images: pd.DataFrame,
    ax: Axes | None = None,
    n: int = 12,
    columns: int = 4,
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
    letters = int(ACROSS / columns / LETTER)
    texts = [_fitted(str(text), letters) for text in shown[label].fillna("no name")]
    n_lines = max((text.count("\n") + 1 for text in texts), default=1)
    below = int((n_lines * 1.25 * CAPTION + 4) * width / ACROSS)  # pixels, for the words
    height = rows * (SIDE + below) or 1
    sheet = Image.new("RGB", (width, height), "white")
    ax = axes_or_current(ax, 0.55 + 7 * height / width)
    for i, (path, text) in enumerate(zip(shown["image_path"], texts)):
        row, column = divmod(i, columns)
        x = column * (SIDE + GAP)
        y = row * (SIDE + below)
        photo = ImageOps.fit(open_photo(path, SIDE), (SIDE, SIDE))
        sheet.paste(photo, (x, y))
        face = FACES.get(label)
        ax.text(x + SIDE / 2, y + SIDE + 3, text, size=CAPTION, style=face, **MIDDLE)
    ax.imshow(sheet)
    ax.axis("off")
    title = title or f"{len(shown)} of the images, drawn by chance"
    of = f"{len(shown)} of " if len(shown) < len(images) else ""
    return titled(ax, title, of + counted(images))


def _shuffle(images: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return `images` in an order of chance, each species once before any comes again."""
    shuffled = images.sample(frac=1, random_state=seed)
    if "species" in images:
        turns = shuffled.groupby("species", dropna=False).cumcount()
        turns = turns.sort_values(kind="stable")
        shuffled = shuffled.loc[turns.index]
    return shuffled


def plot_organs(images: pd.DataFrame, n: int = 4, seed: int = 0) -> Axes:
    """Draw `n` photos of each organ of one species, of which most organs are known.

    Introduced in notebook 01.
    """
    require(images, "image_path", "species", "organ")
    known = images[images["organ"] != ""].sample(frac=1, random_state=seed)
    richest = known.groupby("species")["organ"].nunique().idxmax()
    sheet = known[known["species"] == richest].groupby("organ").head(n).sort_values("organ")
    title = f"{italic(richest)}: {sheet['organ'].nunique()} kinds of photo, one species"
    return plot_photos(sheet, n=len(sheet), columns=2 * n, label="organ", title=title, seed=None)


def _fitted(text: str, width: int) -> str:
    """Return `text` with each of its lines in at most two, of at most `width` letters.

    A word that is longer, such as a path, keeps its end.
    """
    lines = []
    for line in text.split("\n"):
        words = [f"…{word[1 - width :]}" if len(word) > width else word for word in line.split()]
        lines += textwrap.wrap(" ".join(words), width, max_lines=2, placeholder="…")
    return "\n".join(lines)
