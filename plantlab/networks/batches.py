"""From the image table to batches to learn from: rows in, tensors out, always aligned."""

import os
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from plantlab.data.photos import open_photo
from plantlab.data.table import TableError, require
from plantlab.networks.augment import train_transform
from plantlab.networks.device import device
from plantlab.networks.views import seen_whole

if TYPE_CHECKING:  # who only answers needs no fastai, which loads pyplot
    from fastai.data.core import DataLoaders


class PhotoDataset(torch.utils.data.Dataset):
    """Items of an image table in row order: (photo uint8 (3, size, size), target int).

    The target is a place in `names`, -1 where the row's `target` column holds none of them.
    Augmentation draws from (seed, epoch, row) alone: the same with any number of workers, and in a
    run resumed there.
    """

    def __init__(
        self,
        images: pd.DataFrame,
        names: list[str],
        size: int,
        augment: str | None = None,
        seed: int = 0,
        target: str = "species",
    ):
        require(images, "image_path")
        self.paths = images["image_path"].tolist()
        self.size = size
        self.augment = augment
        self.seed = seed
        self.epoch = 0
        if target in images:
            self.targets = pd.Index(names).get_indexer(images[target])
        else:
            self.targets = np.full(len(images), -1)
        self.transform = train_transform(augment, size) if augment else None

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        photo = self._whole(row) if self.transform is None else self._augmented(row)
        return photo, int(self.targets[row])

    def _whole(self, row: int) -> torch.Tensor:
        photo = open_photo(self.paths[row], self.size)
        pixels = seen_whole(photo, self.size)
        return torch.from_numpy(pixels).permute(2, 0, 1)

    def _augmented(self, row: int) -> torch.Tensor:
        photo = open_photo(self.paths[row], int(self.size * 1.5))  # room to crop
        seed = hash((self.seed, self.epoch, row)) & 0x7FFFFFFF
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # of the CPU alone
            return self.transform(photo)


def rows_to_learn(images: pd.DataFrame, target: str = "species") -> tuple[pd.DataFrame, list[str]]:
    """Return the train rows whose `target` is known, and the names that they hold, sorted.

    Raises:
        TableError: no such rows, or no `target` or `split`.
    """
    require(images, target, "split")
    train = images[images["split"] == "train"]
    if train.empty:
        found = sorted(images["split"].dropna().unique())
        raise TableError(
            f"no rows to train on: split holds {', '.join(found) or 'nothing'}, not 'train'. "
            "Use splits.complete_splits(images)."
        )
    train = train[train[target].notna()]
    if train.empty:
        raise TableError(
            f"no rows to train on: no train row names its {target}; fill that column in."
        )
    return train, sorted(train[target].unique())


def loaders(
    images: pd.DataFrame,
    image_size: int = 128,
    batch_size: int = 32,
    augment: str = "crop",
    seed: int = 0,
    n_workers: int | None = None,
    target: str = "species",
    parts: int = 1,
) -> "DataLoaders":
    """Return fastai DataLoaders over the rows whose `split` is train and valid.

    `dls.vocab` names the species. Batches hold photos uint8 (B, 3, image_size, image_size) and
    targets int64 (B,); the network normalises. The species are those of the train rows, sorted; a
    valid photo of another species is left out of the validation loss (its score is for
    metrics.score, which counts it as wrong).

    Args:
        augment: one of augment.AUGMENTATIONS.
        n_workers: processes that decode photos; None chooses by the machine's cores.
        target: the column to learn, such as "organ"; rows without it are left out.
        parts: in so many an epoch is gone through, each with its validation and its checkpoint:
            for epochs that take hours.
    Raises:
        TableError: no train rows, or no `target` or `split`. ValueError: too few for `parts`, or
            for the processes that learn together.
    """
    from fastai.data.core import DataLoaders

    if min(batch_size, parts) < 1:
        raise ValueError(f"expected a batch and parts of at least 1; got {batch_size} and {parts}")
    from plantlab.networks.shares import SharedLoader

    train, names = rows_to_learn(images, target)
    valid = images[images["split"] == "valid"]
    valid = valid[valid[target].isin(names)]
    augmented = PhotoDataset(train, names, image_size, augment, seed, target)
    whole = PhotoDataset(valid, names, image_size, target=target)
    options = {
        "bs": batch_size,
        "num_workers": default_workers() if n_workers is None else n_workers,
        "device": device(),
        "pin_memory": device().type == "cuda",
    }
    learnt = SharedLoader(augmented, shuffle=True, parts=parts, **options)
    validated = SharedLoader(whole, **options)
    dls = DataLoaders(learnt, validated, device=device())
    dls.vocab = names
    dls.c = len(names)  # fastai's name for the number of classes
    dls.seed = seed
    return dls


def default_workers() -> int:
    """Return how many processes decode photos while a network learns.

    On two cores a worker stalls the threads of every layer: 21 photos a second instead of 38.
    """
    cores = os.cpu_count() or 1
    if cores <= 2 and device().type == "cpu":
        return 0
    return min(4, cores // 2)


def set_epoch(dls: "DataLoaders", epoch: int) -> None:
    """Make order and augmentation of `epoch` depend on the seed alone.

    So a resumed run repeats them.
    """
    dls.train.go_to(epoch, dls.seed)
