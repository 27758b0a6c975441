"""Pictures of what a network is shown, and of where it looked."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes

from plantlab.data.photos import open_photo
from plantlab.data.table import data_kind
from plantlab.networks.augment import AUGMENTATIONS, MIXES, mix
from plantlab.networks.backbones import Classifier
from plantlab.networks.batches import PhotoDataset
from plantlab.networks.explain import grad_cam
from plantlab.networks.views import VIEWS, seen_whole
from plantlab.plots import counted, titled
from plantlab.plots.style import in_two
from plantlab.predictions import Predictions

WHITE = 255.0
GAP = 3  # pixels between pictures


def plot_shown(
    images: pd.DataFrame, image_size: int, augment: str, n: int = 8, epochs: int = 4, seed: int = 0
) -> Axes:
    """Draw `n` photos as the network is shown them: whole on top, then one epoch a row."""
    some = images.sample(min(n, len(images)), random_state=seed)
    photos = [open_photo(path, image_size) for path in some["image_path"]]
    whole = np.array([seen_whole(photo, image_size) for photo in photos])
    trained_on = [_shown(some, image_size, augment, epoch, seed) for epoch in range(epochs)]
    names = ["whole"] + [f"epoch {epoch + 1}" for epoch in range(epochs)]
    ax = _mosaic(np.array([whole, *trained_on]), names)
    different = {picture.tobytes() for row in trained_on for picture in row}
    title = (
        f"{epochs} epochs make {len(different)} pictures of {len(some)} photos (augment: {augment})"
    )
    return titled(ax, title, counted(images))


def plot_guises(
    images: pd.DataFrame,
    image_size: int,
    augments: Sequence[str] = AUGMENTATIONS,
    n: int = 8,
    seed: int = 0,
) -> Axes:
    """Draw the first photo in the VIEWS of a test, then as `n` epochs of training show it.

    Each augmentation has a row. The other photos are what it is mixed with; the per cent are the
    mean change of a pixel.
    Introduced in notebook 03.
    """
    photo = open_photo(images["image_path"].iloc[0], 2 * image_size)
    views = VIEWS[:n]
    seen = [seen_whole(photo, image_size, view) for view in views]
    rows = np.full((1 + len(augments), n, *seen[0].shape), WHITE)
    rows[0, : len(views)] = seen
    for row, augment in zip(rows[1:], augments):
        row[:] = _guises(images, image_size, augment, n, seed)
    changes = np.abs(rows[1:] - seen[0])
    moved = pd.Series(changes.mean(axis=(1, 2, 3, 4)) / WHITE, augments)
    names = ["on test"] + [f"{augment}  {share:.0%}" for augment, share in moved.items()]
    ax = _mosaic(rows, names)
    _name_views(ax, views, image_size)
    most = moved.idxmax()
    least = moved.where(moved > 0, 2).idxmin()  # none moves nothing
    title = (
        f"On average a pixel changes by {moved[least]:.0%} ({least}) to {moved[most]:.0%} ({most})"
    )
    line = f"{data_kind(images)}: one photo in the views of a test, and in {n} epochs of training"
    return titled(ax, title, line)


def _guises(
    images: pd.DataFrame, image_size: int, augment: str, n: int, seed: int
) -> list[np.ndarray]:
    """Return the first photo as `n` epochs show it, each time beside another of the photos."""
    n_others = len(images) - 1
    pictures = []
    for epoch in range(n):
        partner = 1 + epoch % n_others if n_others else 0
        pair = images.iloc[[0, partner]]
        both = _shown(pair, image_size, augment, epoch, seed)
        pictures.append(both[0])
    return pictures


def _name_views(ax: Axes, views: Sequence[str], side: int) -> None:
    """Write the name of each view onto its picture, in the first row of a mosaic."""
    box = {"facecolor": "black", "alpha": 0.6, "pad": 1, "lw": 0}
    style = {"ha": "center", "fontsize": 9, "color": "white", "bbox": box}
    for i, view in enumerate(views):
        ax.text((i + 0.5) * side, 0.97 * side, view, **style)


def plot_looks(
    predictions: Predictions, network: Classifier, image_size: int, n: int = 6, seed: int = 0
) -> Axes:
    """Draw `n` photos, and in colour what spoke for the answer.

    Half of them are photos named wrong, where there are as many.
    Introduced in notebook 02.
    """
    images = predictions.images
    wrong = ~predictions.right()
    picked = _pick(wrong, n, seed)
    columns, _ = predictions.best()  # (N, 1)
    photos = []
    lit = []
    for i in picked:
        path = images["image_path"].iloc[i]
        photo, heat = grad_cam(network, path, int(columns[i, 0]), image_size)
        color = plt.cm.viridis(heat)[..., :3]  # (S, S, 3) in [0, 1]
        photos.append(photo)
        lit.append(0.45 * photo + 0.55 * WHITE * color)
    ax = _mosaic(np.array([photos, lit]), below=0.8)
    named = predictions.named()
    below = 2.04 * image_size
    style = {"fontsize": 9, "style": "italic", "ha": "center", "va": "top"}
    for column, i in enumerate(picked):
        told = _told(images["species"].iloc[i], named[i])
        middle = (column + 0.5) * image_size
        ax.text(middle, below, told, **style)
    title = f"What spoke for the answer (bright); {wrong.mean():.0%} of all answers are wrong"
    return titled(ax, title, counted(images))


def _pick(wrong: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Return `n` rows by chance, up to half of them from those that are wrong, which come first."""
    order = np.random.default_rng(seed).permutation(len(wrong))
    failed = order[wrong[order]]
    succeeded = order[~wrong[order]]
    picked = np.concatenate([failed[: n // 2], succeeded])
    return picked[:n]


def _told(truth: str, named: str) -> str:
    """Return what stands under a photo: its species, and what it was named where that is wrong."""
    said = "(right)" if truth == named else f"taken for\n{in_two(named)}"
    return f"{in_two(truth)}\n{said}"


def _shown(
    images: pd.DataFrame, image_size: int, augment: str, epoch: int, seed: int
) -> np.ndarray:
    """Return the photos as `epoch` shows them, (N, S, S, 3), mixed where `augment` mixes them."""
    photos = PhotoDataset(images, [], image_size, augment, seed)
    photos.epoch = epoch
    tensors = [photos[i][0] for i in range(len(photos))]
    batch = torch.stack(tensors)
    if augment in MIXES:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed + epoch)
            batch, _ = mix(batch, augment)
    return batch.permute(0, 2, 3, 1).numpy()


def _mosaic(
    pictures: np.ndarray,
    names: Sequence[str] = (),
    fontsize: float | None = None,
    below: float = 0.0,
) -> Axes:
    """Return new Axes with `pictures`, (rows, columns, S, S, 3) in [0, 255], and their rows named.

    `below`: inches for words under the last row.
    """
    rows, columns, side = pictures.shape[:3]
    pictures = pictures.copy()
    pictures[:, :, -GAP:] = pictures[:, :, :, -GAP:] = WHITE  # no photo runs into the next
    height = 7 * rows / columns + 0.5 + below
    _, ax = plt.subplots(figsize=(7, height))
    sheet = pictures.swapaxes(1, 2)  # (rows, S, columns, S, 3)
    sheet = sheet.reshape(rows * side, columns * side, 3)
    ax.imshow(sheet.clip(0, 255).astype(np.uint8))
    ax.axis("off")
    for i, name in enumerate(names):
        middle = (i + 0.5) * side
        ax.text(-6, middle, name, ha="right", va="center", fontsize=fontsize)
    return ax
