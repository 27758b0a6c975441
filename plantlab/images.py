"""From the image table to batches: rows in, tensors out, always aligned with the table."""

import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import torch
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from torchvision.transforms import v2

from plantlab.photos import open_photo
from plantlab.table import TableError, require

AUGMENTATIONS = ("none", "flip", "crop", "strong")
VIEWS = ("plain", "flip")


def seen_whole(photo, size: int, view: str = "plain") -> np.ndarray:
    """Return the photo as uint8 (size, size, 3): shorter side to `size`, centre cropped; `view` "flip" mirrors it."""
    photo = v2.functional.center_crop(v2.functional.resize(photo, size, antialias=True), size)
    pixels = np.array(photo)  # a copy that torch may own
    return np.ascontiguousarray(pixels[:, ::-1]) if view == "flip" else pixels


def train_transform(augment: str, size: int) -> v2.Transform:
    """Return the training transform of one name: none, flip, crop (and flip), strong (and colour, erasing).

    Raises:
        ValueError: an unknown name.
    """
    if augment not in AUGMENTATIONS:
        raise ValueError(f"augment must be one of {', '.join(AUGMENTATIONS)}; got {augment!r}")
    whole = [v2.Resize(size, antialias=True), v2.CenterCrop(size)]
    crop = [v2.RandomResizedCrop(size, scale=(0.3, 1.0), antialias=True)]
    colour = [v2.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.02)]
    steps = {
        "none": whole,
        "flip": [*whole, v2.RandomHorizontalFlip()],
        "crop": [*crop, v2.RandomHorizontalFlip()],
        "strong": [*crop, v2.RandomHorizontalFlip(), *colour],
    }
    erase = [v2.RandomErasing(0.25)] if augment == "strong" else []
    return v2.Compose([*steps[augment], v2.PILToTensor(), *erase])


class PhotoDataset(torch.utils.data.Dataset):
    """Items of an image table in row order: (photo uint8 (3, size, size), target int; -1 where unlabelled).

    Augmentation draws from (seed, epoch, row) alone: the same whatever the number of workers, and the same
    again when a killed run resumes at that epoch.
    """

    def __init__(self, images: pd.DataFrame, species: list[str], size: int, augment: str | None = None, seed: int = 0):
        require(images, "image_path")
        self.paths, self.size, self.seed, self.epoch = images["image_path"].tolist(), size, seed, 0
        known = pd.Index(species)
        self.targets = known.get_indexer(images["species"]) if "species" in images else np.full(len(images), -1)
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
            torch.manual_seed(hash((self.seed, self.epoch, row)) & 0x7FFFFFFF)
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
        raise TableError(f"no rows to train on: split holds {found}, not 'train'. Use table.complete_splits(images).")
    species = sorted(train["species"].unique())
    valid = images[(images["split"] == "valid") & images["species"].isin(species)]
    n_workers = min(4, (os.cpu_count() or 1) // 2) if n_workers is None else n_workers
    options = {"bs": batch_size, "num_workers": n_workers, "device": device, "pin_memory": torch.cuda.is_available()}
    dls = DataLoaders(
        DataLoader(
            PhotoDataset(train, species, image_size, augment, seed),
            shuffle=True,
            drop_last=len(train) > batch_size,
            **options,
        ),
        DataLoader(PhotoDataset(valid, species, image_size), **options),
        device=device,
    )
    dls.vocab, dls.c, dls.seed = species, len(species), seed
    return dls


def set_epoch(dls: DataLoaders, epoch: int) -> None:
    """Make order and augmentation of `epoch` a function of the seed alone, so that a resumed run repeats them."""
    dls.train.dataset.epoch = epoch
    dls.train.rng = random.Random(f"{dls.seed} {epoch}")


def batches(paths: list[str], size: int, view: str = "plain", batch_size: int = 32) -> Iterator[np.ndarray]:
    """Yield uint8 (B, 3, size, size) in the order of `paths`, decoded ahead by threads while the network works.

    Raises:
        PhotoError: a file that cannot be read; photos.set_aside finds them beforehand.
    """

    def decode(path: str) -> np.ndarray:
        return seen_whole(open_photo(path, size), size, view).transpose(2, 0, 1)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        chunks = [paths[i : i + batch_size] for i in range(0, len(paths), batch_size)]
        ahead = [pool.map(decode, chunk) for chunk in chunks[:3]]
        for i in range(len(chunks)):
            ready = ahead.pop(0)
            if i + 3 < len(chunks):
                ahead.append(pool.map(decode, chunks[i + 3]))
            yield np.stack(list(ready))
