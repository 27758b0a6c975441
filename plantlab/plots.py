"""Table, predictions or scores -> Axes: the title states the finding, the line below it what of, and n."""

import calendar
import re
import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from PIL import Image, ImageOps

from plantlab.data.photos import open_photo
from plantlab.data.table import data_kind, observations, require
from plantlab.predictions import Predictions
from plantlab.predictions.metrics import (
    SCORES,
    bootstrap_interval,
    expected_calibration_error,
    ranks,
)

OKABE_ITO = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442"]

COLORS = {
    "data": OKABE_ITO[0],
    "accent": OKABE_ITO[1],
    "soft": "#A9C8DD",
    "grey": "#666666",
    "line": "#E4E4E4",
}

DARK = COLORS["data"], COLORS["soft"]  # a bar that the title speaks of, and one that it does not

STYLES = {"species": "italic", "genus": "italic"}  # of words from these columns

MARKERS = "osD^vPX*"  # beside OKABE_ITO, so that no line is told by its colour alone

# fmt: off
STYLE = {
    "figure.figsize": (7, 3.6), "figure.dpi": 110, "figure.constrained_layout.use": True, "font.size": 9.5,
    "axes.prop_cycle": cycler(color=OKABE_ITO), "image.cmap": "viridis", "legend.frameon": False,
    "axes.titlelocation": "left", "axes.titlesize": 11.5, "axes.titleweight": "bold",
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#999999",
    "axes.grid": True, "axes.axisbelow": True, "grid.color": COLORS["line"], "axes.labelcolor": COLORS["grey"],
    "xtick.color": "#999999", "ytick.color": "#999999", "xtick.labelcolor": "#333333", "ytick.labelcolor": "#333333",
}


def use_style() -> None:
    """Set the look of every figure."""
    plt.rcParams.update(STYLE)


def italic(name: str) -> str:
    """Return a species' name as bold italic mathtext, to stand inside a title.

    >>> print(italic("Rosa alba"))
    $\\mathbfit{Rosa\\ alba}$
    """
    plain = str(name).translate(str.maketrans("-'\"", "\u2010\u2019\u201d", "#\\^~"))  # "-" would be a minus
    return r"$\mathbfit{" + re.sub(r"([ $%_{}])", r"\\\1", plain) + "}$"


def plot_species_counts(images: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw images per species: a bar each up to 30 species, a ranked curve beyond; the dark ones hold half."""
    require(images, "species")
    counts = images["species"].value_counts()
    half = int((counts.cumsum() < counts.sum() / 2).sum()) + 1
    if len(counts) <= 30:
        ax = _bars(ax, counts, half, [f"{n:,}" for n in counts], "species")
    else:
        ax, rank = _axes(ax), np.arange(1, len(counts) + 1)
        for end, color in ((None, "soft"), (half, "data")):  # areas: 80,000 bars would take minutes
            ax.fill_between(rank[:end], counts[:end], 0.8, color=COLORS[color], lw=0)
        ax.plot(rank, counts, color=COLORS["data"])
        ax.set(xlabel="species, by rank", ylabel="images", yscale="log", xlim=(1, len(counts)), ylim=(0.8, None))
        ax.yaxis.set_major_formatter("{x:,g}")
    title = f"{half} of {len(counts)} species hold half of the images"
    return titled(ax, title, f"{counted(images)} (dark: the half), {(counts == 1).sum()} species with one image")


def plot_counts_by(images: pd.DataFrame, column: str, ax: Axes | None = None) -> Axes:
    """Draw the number of images for each value of `column`, beyond twelve values the rest as one."""
    require(images, column)
    counts = images[column].replace("", "unknown").fillna("unknown").astype(str).value_counts()
    if len(counts) > 12:
        counts = pd.concat([counts[:11], pd.Series({f"{len(counts) - 11} others": counts[11:].sum()})])
    share = [f"{100 * n / counts.sum():.0f} %" for n in counts]
    ax = _bars(ax, counts, 1, [f"{n:,}  ({s})" for n, s in zip(counts, share)], column)
    return titled(ax, f"Most frequent {column}: {counts.index[0]}, {share[0]} of the images", counted(images))


def plot_season(images: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw images per month; the title names the shortest run of months that holds half of them."""
    require(images, "date")
    dates = pd.to_datetime(images["date"], errors="coerce", format="mixed").dropna()
    if dates.empty:
        raise ValueError(f"none of {len(images)} images has a readable date; expected dates such as 2016-05-31.")
    share = np.bincount(dates.dt.month, minlength=13)[1:] / len(dates)
    runs = [(n, -np.roll(share, -start)[:n].sum(), start) for n in range(1, 13) for start in range(12)]
    n, held, start = min(run for run in runs if -run[1] > 0.5 - 1e-9)
    run = [(start + i) % 12 for i in range(n)]
    ax = _axes(ax)
    ax.bar(range(12), share * len(dates), color=np.where(np.isin(range(12), run), *DARK))
    ax.set_xticks(range(12), calendar.month_abbr[1:])
    ax.set_ylabel("images")
    ax.grid(visible=False, axis="x")
    when = " to ".join(calendar.month_name[m + 1] for m in dict.fromkeys([run[0], run[-1]]))
    title = f"{-100 * held:.0f} % of the images are from {when}"
    return titled(ax, title, f"{counted(images)}, {len(dates):,} with a date")


def plot_map(images: pd.DataFrame, ax: Axes | None = None, n_species: int = 5) -> Axes:
    """Draw where images were taken, the `n_species` most frequent species by colour and marker."""
    require(images, "latitude", "longitude", "species")
    placed = images.dropna(subset=["latitude", "longitude"])
    if placed.empty:
        raise ValueError(f"none of {len(images)} images has a latitude and a longitude; there is no map to draw.")
    ax = _axes(ax, 4.6)
    names = placed["species"].value_counts().index[:n_species]
    others = placed[~placed["species"].isin(names)]
    ax.scatter(others["longitude"], others["latitude"], s=6, color="#BBBBBB", lw=0)
    for name, color, marker in zip(names, OKABE_ITO, MARKERS):
        here = placed[placed["species"] == name]
        ax.plot(here["longitude"], here["latitude"], marker, color=color, mec="white", mew=0.4, ms=5, label=name)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), handletextpad=0, prop={"style": "italic"})
    ax.set_aspect(1 / max(np.cos(np.radians(placed["latitude"].median())), 0.2), adjustable="datalim")
    ax.set(xlabel="longitude, degrees", ylabel="latitude, degrees")
    low, high = placed["latitude"].quantile([0.05, 0.95])
    digits = max(0, int(np.ceil(-np.log10(max(high - low, 1e-4)))))  # of a garden more than of a continent
    title = f"Nine in ten places lie between {low:.{digits}f}° and {high:.{digits}f}° of latitude"
    return titled(ax, title, f"{counted(images)}, {len(placed):,} with a place; grey: other species")


def plot_photos(
    images: pd.DataFrame, ax: Axes | None = None, n=12, columns=6, label="species", title=None, seed: int | None = 0
) -> Axes:
    """Draw a contact sheet of `n` images with the column `label` under each.

    They are drawn by chance, each species once before any comes again; with seed=None, the first n of the table.
    """
    require(images, "image_path", label)
    shown = images if seed is None else images.sample(frac=1, random_state=seed)
    if seed is not None and "species" in images:
        turns = shown.groupby("species", dropna=False).cumcount()
        shown = shown.loc[turns.sort_values(kind="stable").index]
    shown = shown.head(n)
    columns = min(columns, max(len(shown), 1))
    side, wide, high = 150, 158, 184  # pixels: a photo, and its place with the margin and the words below
    sheet = Image.new("RGB", (columns * wide - 8, -(-len(shown) // columns) * high or 1), "white")
    ax = _axes(ax, 0.55 + 7 * sheet.height / sheet.width)
    for i, (path, text) in enumerate(zip(shown["image_path"], shown[label].astype(str))):
        x, y = i % columns * wide, i // columns * high
        sheet.paste(ImageOps.fit(open_photo(path, side), (side, side)), (x, y))
        lines = [textwrap.shorten(line, 2 + 114 // columns, placeholder="…") for line in text.split("\n")]
        ax.text(x + side / 2, y + side + 3, "\n".join(lines), ha="center", va="top", size=6.2, style=STYLES.get(label))
    ax.imshow(sheet)
    ax.axis("off")
    return titled(ax, title or f"{len(shown)} of the images, drawn by chance", f"of {counted(images)}")


def plot_scores(scores: pd.DataFrame, measure: str = "top1", ax: Axes | None = None) -> Axes:
    """Draw rows of `metrics.score` with their 95 % intervals, best on top, named by `method`, else the first column."""
    by = "method" if "method" in scores else scores.columns[0]
    spread = [measure, f"{measure}_low", f"{measure}_high"]
    require(scores, *spread, "n", "kind", by)
    rows = scores.dropna(subset=[measure]).sort_values(measure, ascending=False, kind="stable")
    said, names = [_said(value, measure) for value in rows[measure]], list(rows[by].astype(str))
    alike = len(set(rows["n"])) == 1
    labels = names if alike else [f"{name}  (n = {n:,.0f})" for name, n in zip(names, rows["n"])]
    ax = _dots(ax, labels, *rows[spread].to_numpy().T, said, by)
    _scale(ax.xaxis, measure)
    title = ", ".join(f"{name} {value}" for name, value in zip(names[:2], said))
    if len(rows) > 1 and rows[spread[1]].iloc[0] <= rows[spread[2]].iloc[1]:
        title += ": intervals overlap"
    return titled(ax, title, f"scored on {counted(rows)}{'' if alike else ' at most'}, 95 % intervals")


def plot_learning_curve(scores: pd.DataFrame, measure: str = "top1", ax: Axes | None = None) -> Axes:
    """Draw `measure` over images_per_species, a line a method with its 95 % interval; several seeds are averaged."""
    spread = [measure, f"{measure}_low", f"{measure}_high"]
    require(scores, "method", "images_per_species", *spread, "n", "kind")
    ax = _axes(ax, 3.9)
    means = scores.groupby(["method", "images_per_species"])[spread].mean()
    by_end = means[measure].groupby("method").last().sort_values(ascending=False)  # the legend as the lines end
    for name, color, marker in zip(by_end.index, OKABE_ITO, MARKERS):
        at, value, low, high = means.loc[name].reset_index().to_numpy().T
        ax.fill_between(at, low, high, color=color, alpha=0.16, lw=0)
        ax.plot(at, value, marker=marker, color=color, mec="white", ms=6.5, label=name)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    ticks = sorted(set(scores["images_per_species"]))
    ax.set_xscale("log", base=2)
    ax.set_xticks(ticks, [f"{tick:.4g}" for tick in ticks])
    ax.set_xlabel("images per species")
    _scale(ax.yaxis, measure)
    last = means[measure].xs(ticks[-1], level=1).sort_values(ascending=False)
    told = [f"{name} {_said(value, measure)}" for name, value in last.items()]
    title = f"With {ticks[-1]:.4g} images per species: {', '.join(told[:: max(len(told) - 1, 1)])}"
    return titled(ax, title, f"scored on {counted(scores)}, 95 % intervals")


def plot_confusions(predictions: Predictions, ax: Axes | None = None, n: int = 10) -> Axes:
    """Draw the `n` mistakes made most often, as a share of the true species' images."""
    images, truth = predictions.images, predictions.images["species"].to_numpy()
    named = np.asarray(predictions.species, dtype=object)[predictions.probs.argmax(axis=1)]
    wrong = pd.DataFrame({"true": truth, "named": named})[truth != named]
    rows = []
    for (a, b), count in wrong.value_counts().head(n).items():
        hit, plants = named[truth == a] == b, observations(images)[truth == a]
        rows.append((hit.mean(), *bootstrap_interval(hit, plants, n_boot=500), f"{count} of {len(hit)}", a, b))
    if not rows:
        ax = _axes(ax, 1.6)
        ax.axis("off")
        return titled(ax, "No image is named wrong", counted(images))
    share, low, high, said, true, given = zip(*sorted(rows, key=lambda row: -row[0]))
    ax = _dots(ax, [f"{a}\n→ {b}" for a, b in zip(true, given)], share, low, high, said, "species")
    _scale(ax.xaxis, "share of the true species' images given the other name")
    title = f"{italic(true[0])} is named {italic(given[0])}\nin {said[0]} images"
    return titled(ax, title, f"{counted(images)}, {len(wrong):,} named wrong (true → named), 95 % intervals")


def titled(ax: Axes, title: str, line: str) -> Axes:
    """Return `ax` with the finding as its title and, small and grey, what it rests on."""
    title = re.sub(r"(?<=\d) ?%", "\xa0%", title)  # 41.8% and 41.8 % alike, and never parted
    lines = textwrap.wrap(title, 66) if "\n" not in title else [title]
    ax.set_title("\n".join(lines).replace("\xa0", " "), pad=20)
    small = {"color": COLORS["grey"], "fontsize": 8.5}
    ax.annotate(line, (0, 1), (0, 6), xycoords="axes fraction", textcoords="offset points", **small)
    return ax


def counted(rows: pd.DataFrame) -> str:
    """Return "4,110 photographs" or "2,400 generated images", of an image table or of scores with n and kind."""
    n = rows["n"].max() if "n" in rows else len(rows)
    return f"{n:,.0f} {'generated images' if data_kind(rows) == 'generated' else 'photographs'}"


def _axes(ax: Axes | None, height: float = 3.6) -> Axes:
    """Return `ax`, else the current one; a figure that begins here is `height` inches high."""
    if ax is None and not plt.get_fignums():
        plt.figure(figsize=(7, height))
    return plt.gca() if ax is None else ax


def _bars(ax: Axes | None, counts: pd.Series, dark: int, said: list[str], column: str) -> Axes:
    """Return Axes with a bar for each of `counts`, the first `dark` ones dark, and beside it what is `said`."""
    ax, row = _rows(ax, counts.index, column, height=0.26), np.arange(len(counts))
    ax.bar_label(ax.barh(row, counts, color=np.where(row < dark, *DARK)), said, padding=4, fontsize=8.5)
    ax.set(xlabel="images", xlim=(0, counts.max() * 1.18))
    return ax


def _dots(ax: Axes | None, names: Sequence[str], values, low, high, said: Sequence[str], column: str) -> Axes:
    """Return Axes with a dot and its interval for each of `names`, and beside it what is `said`."""
    ax, rows = _rows(ax, names, column, height=0.36), range(len(names))
    ax.hlines(rows, low, high, color=[COLORS["accent"], *[COLORS["soft"]] * (len(names) - 1)], lw=5, alpha=0.7)
    ax.plot(values, rows, "o", color=COLORS["data"], ms=7, mec="white")
    for place, text in zip(zip(high, rows), said):
        ax.annotate(text, place, (7, 0), textcoords="offset points", va="center", weight="bold", fontsize=9)
    ax.margins(x=0.12)
    return ax


def _rows(ax: Axes | None, names: Sequence[str], column: str, height: float) -> Axes:
    """Return Axes with a row for each of `names`, values of `column`, from the top."""
    ax = _axes(ax, 1.3 + height * len(names))
    ax.set_yticks(range(len(names)), names, style=STYLES.get(column))
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    return ax


def _said(value: float, measure: str) -> str:
    form = "{:+.1f} points" if measure == "gain" else "{:.1f} %"
    return f"{value:.3f}" if measure.endswith("mrr") else form.format(100 * value)


def _scale(axis, measure: str) -> None:
    """Label an axis by a measure, or by other words, in percent unless it is a rank."""
    axis.set_label_text(SCORES.get(measure, measure))
    if not measure.endswith("mrr"):
        axis.set_major_formatter(PercentFormatter(1, 0, "" if measure == "gain" else " %"))


def plot_pairs(rows: pd.DataFrame, measures: dict[str, str], title: str, line: str, ax: Axes | None = None) -> Axes:
    """Draw two measures of each row, named by its `method`, as two dots joined by a line, in the table's order.

    Args:
        measures: columns, in [0, 1], and what the legend calls them; intervals are drawn where they are known.
        line: what it rests on, for under the title.
    """
    require(rows, "method", *measures)
    ax, at = _rows(ax, list(rows["method"]), "method", height=0.34), np.arange(len(rows))
    ax.hlines(at, rows[list(measures)].min(axis=1), rows[list(measures)].max(axis=1), color="#BBBBBB", lw=1.5)
    for (name, label), color, marker, off in zip(measures.items(), OKABE_ITO, MARKERS, (-0.1, 0.1)):
        if f"{name}_low" in rows:
            ax.hlines(at + off, rows[f"{name}_low"], rows[f"{name}_high"], color=color, lw=4, alpha=0.22)
        ax.plot(rows[name], at, marker, color=color, ms=7, mec="white", label=label)
    ax.figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=len(measures))
    _scale(ax.xaxis, "")
    return titled(ax, title, line)


def plot_reliability(answers: dict[str, Predictions], n_bins: int = 10, ax: Axes | None = None) -> Axes:
    """Draw how often answers are right against how sure they are, a line each; bins hold as many answers each."""
    ax, told = _axes(ax, 4.2), []
    ax.plot([0, 1], [0, 1], color="#999999", lw=1, ls=":", label="as sure as right")
    for (name, each), color, marker in zip(answers.items(), OKABE_ITO, MARKERS):
        sure, right = each.probs.max(axis=1), ranks(each) == 1
        parts = np.array_split(np.argsort(sure, kind="stable"), n_bins)
        at, share = ([values[p].mean() for p in parts] for values in (sure, right))
        ax.plot(at, share, marker + "-", color=color, label=name)
        told.append(f"{name} {100 * expected_calibration_error(sure, right):.1f} points")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    ax.set(xlim=(0, 1), ylim=(0, 1))
    _scale(ax.xaxis, "probability of the answer")
    _scale(ax.yaxis, "answers that are right")
    return titled(ax, f"Off by {'; '.join(told)} (ECE)", f"{counted(each.images)}; {n_bins} dots of as many")


def plot_ladder(steps: pd.DataFrame, measure: str = "mrr", ax: Axes | None = None) -> Axes:
    """Draw steps in order, each with its interval and, as `gain`, what it adds to those kept. Introduced in 06."""
    spread = [measure, f"{measure}_low", f"{measure}_high"]
    require(steps, "method", *spread, "gain", "gain_low", "gain_high", "n", "kind")
    said, scale = [_said(value, measure) for value in steps[measure]], 100 * steps[["gain", "gain_low", "gain_high"]]
    added = [f"   {a:+.1f} ({b:+.1f} to {c:+.1f})" if a == a else "" for a, b, c in scale.to_numpy()]
    ax = _dots(ax, list(steps["method"]), *steps[spread].to_numpy().T, [s + a for s, a in zip(said, added)], "method")
    _scale(ax.xaxis, measure)
    title = f"{steps['method'].iloc[0]} {said[0]}, {steps['method'].iloc[-1]} {said[-1]}"
    n = f"{steps['n'].iloc[0]:,} plants ({data_kind(steps)})"
    return titled(ax, title, f"{n}, 95 % intervals; beside them the points that a step adds")
