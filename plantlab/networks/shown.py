"""Pictures of what a network is shown, and of where it looked."""

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
from plantlab.predictions import Predictions


def plot_shown(
    images: pd.DataFrame, image_size: int, augment: str, n: int = 8, epochs: int = 4, seed: int = 0
) -> Axes:
    """Draw `n` photos as the network is shown them: the whole photo on top, then one epoch a row."""
    some = images.sample(min(n, len(images)), random_state=seed)
    rows = [
        np.array(
            [seen_whole(open_photo(path, image_size), image_size) for path in some["image_path"]]
        )
    ]
    rows += [_shown(some, image_size, augment, epoch, seed) for epoch in range(epochs)]
    guises = len({picture.tobytes() for row in rows[1:] for picture in row})
    ax = _mosaic(np.array(rows), ["whole", *[f"epoch {e + 1}" for e in range(epochs)]])
    title = f"{epochs} epochs make {guises} pictures of {len(some)} photos (augment: {augment})"
    return titled(ax, title, counted(images))


def plot_guises(
    images: pd.DataFrame, image_size: int, augments=AUGMENTATIONS, n: int = 8, seed: int = 0
) -> Axes:
    """Draw the first photo in the VIEWS of a test, then, an augmentation a row, as `n` epochs of training show it.

    The other photos are what it is mixed with; the per cent are the mean change of a pixel.
    Introduced in notebook 03.
    """
    photo = open_photo(images["image_path"].iloc[0], 2 * image_size)
    rows = np.full((1 + len(augments), n, image_size, image_size, 3), 255.0)
    rows[0, : len(VIEWS)] = [seen_whole(photo, image_size, view) for view in VIEWS[:n]]
    for row, augment in zip(rows[1:], augments):
        for epoch in range(n):
            pair = images.iloc[[0, (1 + epoch % max(len(images) - 1, 1)) % len(images)]]
            row[epoch] = _shown(pair, image_size, augment, epoch, seed)[0]
    moved = pd.Series(np.abs(rows[1:] - rows[0, 0]).mean((1, 2, 3, 4)) / 255, augments)
    ax = _mosaic(
        rows,
        ["on test", *[f"{augment}  {share:.0%}" for augment, share in moved.items()]],
        fontsize=8,
    )
    for i, view in enumerate(VIEWS[:n]):
        box = {"facecolor": "black", "alpha": 0.6, "pad": 1, "lw": 0}
        ax.text(
            (i + 0.5) * image_size,
            0.97 * image_size,
            view,
            ha="center",
            fontsize=7,
            color="white",
            bbox=box,
        )
    most, least = moved.idxmax(), moved.where(moved > 0, 2).idxmin()  # none moves nothing
    title = (
        f"On average a pixel changes by {moved[least]:.0%} ({least}) to {moved[most]:.0%} ({most})"
    )
    return titled(
        ax,
        title,
        f"{data_kind(images)}: one photo in the views of a test, and in {n} epochs of training",
    )


def plot_looks(
    predictions: Predictions, network: Classifier, image_size: int, n: int = 6, seed: int = 0
) -> Axes:
    """Draw `n` photos, half of them named wrong where there are as many, and in colour what spoke for the answer.

    Introduced in notebook 02.
    """
    images, answers = predictions.images, predictions.probs.argmax(1)
    wrong = answers != predictions.targets
    order = np.random.default_rng(seed).permutation(len(images))
    picked = [*order[wrong[order]][: n // 2], *order[~wrong[order]]][:n]
    looks = [
        grad_cam(network, images["image_path"].iloc[i], int(answers[i]), image_size) for i in picked
    ]
    photos, heat = map(np.array, zip(*looks))  # (n, S, S, 3), (n, S, S)
    ax = _mosaic(
        np.array([photos, 0.45 * photos + 0.55 * 255 * plt.cm.viridis(heat)[..., :3]]), below=0.4
    )
    for column, i in enumerate(picked):
        truth, named = images["species"].iloc[i], predictions.species[answers[i]]
        told = f"{truth}\n(right)" if truth == named else f"{truth}\nnamed\n{named}"
        place = ((column + 0.5) * image_size, 2.04 * image_size)
        ax.text(*place, told, ha="center", va="top", fontsize=6.2, style="italic")
    title = f"What spoke for the answer (bright); {wrong.mean():.0%} of all answers are wrong"
    return titled(ax, title, counted(images))


def _shown(
    images: pd.DataFrame, image_size: int, augment: str, epoch: int, seed: int
) -> np.ndarray:
    """Return the photos as `epoch` shows them, (N, S, S, 3), mixed with one another where `augment` does so."""
    photos = PhotoDataset(images, [], image_size, augment, seed)
    photos.epoch = epoch
    batch = torch.stack([photos[i][0] for i in range(len(photos))])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + epoch)
        batch = mix(batch, augment)[0] if augment in MIXES else batch
    return batch.permute(0, 2, 3, 1).numpy()


def _mosaic(
    pictures: np.ndarray, names=(), fontsize: float | None = None, below: float = 0.0
) -> Axes:
    """Return new Axes with `pictures`, (rows, columns, S, S, 3) in [0, 255], rows named; `below` adds inches."""
    rows, columns, side = pictures.shape[:3]
    _, ax = plt.subplots(figsize=(7, 7 * rows / columns + 0.5 + below))
    ax.imshow(
        pictures.swapaxes(1, 2)
        .reshape(rows * side, columns * side, 3)
        .clip(0, 255)
        .astype(np.uint8)
    )
    ax.axis("off")
    for i, name in enumerate(names):
        ax.text(-6, (i + 0.5) * side, name, ha="right", va="center", fontsize=fontsize)
    return ax
