"""From the image table to batches: rows in, tensors out, always aligned with the table."""

import os
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import torch
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader

from plantlab.data.photos import PhotoError, open_photo
from plantlab.data.table import TableError, require
from plantlab.networks.augment import train_transform
from plantlab.networks.views import LARGER, seen_whole


class PhotoDataset(torch.utils.data.Dataset):
    """Items of an image table in row order: (photo uint8 (3, size, size), target int; -1 where unlabelled).

    Augmentation draws from (seed, epoch, row) alone: the same with any number of workers, and in a run resumed there.
    """

    def __init__(
        self,
        images: pd.DataFrame,
        species: list[str],
        size: int,
        augment: str | None = None,
        seed: int = 0,
    ):
        require(images, "image_path")
        self.paths, self.size, self.seed, self.epoch = images["image_path"].tolist(), size, seed, 0
        known = pd.Index(species)
        self.targets = (
            known.get_indexer(images["species"])
            if "species" in images
            else np.full(len(images), -1)
        )
        self.transform = train_transform(augment, size) if augment else None

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        target = int(self.targets[row])
        if self.transform is None:
            photo = seen_whole(open_photo(self.paths[row], self.size), self.size)
            return torch.from_numpy(photo).permute(2, 0, 1), target
        photo = open_photo(self.paths[row], int(self.size * 1.5))  # room to crop
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(
                hash((self.seed, self.epoch, row)) & 0x7FFFFFFF
            )  # of the CPU alone
            return self.transform(photo), target


def loaders(
    images: pd.DataFrame,
    image_size: int = 128,
    batch_size: int = 32,
    augment: str = "crop",
    seed: int = 0,
    n_workers: int | None = None,
    device: str | torch.device | None = None,
) -> DataLoaders:
    """Return fastai DataLoaders over the rows whose `split` is train and valid; `dls.vocab` names the species.

    Batches hold photos uint8 (B, 3, image_size, image_size) and targets int64 (B,); the network normalises.
    The species are those of the train rows, sorted; a valid photo of another species is left out of the
    validation loss (its score is for metrics.score, which counts it as wrong).

    Raises:
        TableError: no train rows, or no `species` or `split`.
    """
    require(images, "species", "split")
    train = images[images["split"] == "train"]
    if train.empty:
        found = ", ".join(sorted(images["split"].dropna().unique())) or "nothing"
        raise TableError(
            f"no rows to train on: split holds {found}, not 'train'. Use table.complete_splits(images)."
        )
    species = sorted(train["species"].unique())
    valid = images[(images["split"] == "valid") & images["species"].isin(species)]
    if (
        n_workers is None
    ):  # on two cores a worker stalls the threads of every layer: 21 photos a second instead of 38
        cores = os.cpu_count() or 1
        n_workers = min(4, cores // 2) if cores > 2 or torch.cuda.is_available() else 0
    options = {
        "bs": batch_size,
        "num_workers": n_workers,
        "device": device,
        "pin_memory": torch.cuda.is_available(),
    }
    shown, whole = (
        PhotoDataset(train, species, image_size, augment, seed),
        PhotoDataset(valid, species, image_size),
    )
    learnt = DataLoader(shown, shuffle=True, drop_last=len(train) > batch_size, **options)
    dls = DataLoaders(learnt, DataLoader(whole, **options), device=device)
    dls.vocab, dls.c, dls.seed = species, len(species), seed
    return dls


def set_epoch(dls: DataLoaders, epoch: int) -> None:
    """Make order and augmentation of `epoch` a function of the seed alone, so that a resumed run repeats them."""
    dls.train.dataset.epoch = epoch
    dls.train.rng = random.Random(f"{dls.seed} {epoch}")


def batches(
    paths: list,
    size: int,
    view: str = "plain",
    batch_size: int = 32,
    problems: dict | None = None,
    run: Callable[[np.ndarray], np.ndarray] = np.asarray,
) -> Iterator[np.ndarray]:
    """Yield photos uint8 (B, 3, size, size), or what `run` makes of them, in the order of `paths`.

    Each core decodes a batch and runs it, beside the others: none waits for photos, or for its share of a layer.

    Args:
        paths: files, or the bytes of photos. problems: gets {path: why} of what cannot be read; its row is then black.
        run: a function that several threads may call at once, such as that of backbones.compile_network.
    Raises:
        PhotoError: without `problems`, a file that cannot be read; photos.set_aside finds them beforehand.
    """

    def decode(path: str | bytes) -> np.ndarray:
        try:
            return seen_whole(
                open_photo(path, round(size * LARGER.get(view, 1))), size, view
            ).transpose(2, 0, 1)
        except PhotoError as error:
            if problems is None:
                raise
            problems[path] = str(error)
            return np.zeros((3, size, size), np.uint8)

    chunks = [paths[i : i + batch_size] for i in range(0, len(paths), batch_size)]
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        yield from pool.map(lambda chunk: run(np.stack([decode(path) for path in chunk])), chunks)
