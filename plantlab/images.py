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
from torchvision.transforms import v2

from plantlab.photos import PhotoError, open_photo
from plantlab.table import TableError, require

AUGMENTATIONS = "none flip crop kept squash colour trivial erase mixup cutmix strong".split()
MIXES = {"mixup": v2.MixUp(alpha=0.4), "cutmix": v2.CutMix(alpha=1.0)}  # these act on a batch
VIEWS = ("plain", "flip", "zoom", "turn", "vivid")
LARGER = {"zoom": 4 / 3, "turn": 5 / 4}  # how much of the photo these views need beyond what they show


def seen_whole(photo, size: int, view: str = "plain") -> np.ndarray:
    """Return the photo as uint8 (size, size, 3): shorter side to `size`, centre cropped, as one of VIEWS.

    "flip" mirrors it, "zoom" shows its middle three quarters, "turn" turns it by 15 degrees and crops what that leaves
    empty, "vivid" raises saturation and lightness.
    """
    photo = v2.functional.resize(photo, round(size * LARGER.get(view, 1)), antialias=True)
    if view == "turn":
        photo = v2.functional.rotate(photo, 15, v2.InterpolationMode.BILINEAR)
    if view == "vivid":
        photo = v2.functional.adjust_brightness(v2.functional.adjust_saturation(photo, 1.4), 1.2)
    pixels = np.array(v2.functional.center_crop(photo, size))  # a copy that torch may own
    return np.ascontiguousarray(pixels[:, ::-1]) if view == "flip" else pixels


def train_transform(augment: str, size: int) -> v2.Transform:
    """Return the training transform of one of AUGMENTATIONS; from "kept" on each is a crop with one thing changed.

    "crop" takes 30 to 100 % of the area, 3:4 to 4:3 in aspect, and mirrors; "kept" keeps the aspect ratio, "squash"
    takes any from 1:2 to 2:1. "colour" changes saturation and lightness, "erase" blackens a rectangle, "strong" does
    both. "mixup" and "cutmix" are those of `mix`.
    Source: Lasseck 2017, "Image-based plant species identification with deep convolutional neural networks" (colour);
    Müller and Hutter 2021, "TrivialAugment: tuning-free yet state-of-the-art data augmentation" (trivial).
    """
    if augment not in AUGMENTATIONS:
        raise ValueError(f"augment must be one of {', '.join(AUGMENTATIONS)}; got {augment!r}")
    flip = v2.RandomHorizontalFlip()
    whole = [v2.Resize(size, antialias=True), v2.CenterCrop(size)]
    shapes = {"kept": (1.0, 1.0), "squash": (0.5, 2.0)}
    crop = v2.RandomResizedCrop(size, scale=(0.3, 1.0), ratio=shapes.get(augment, (3 / 4, 4 / 3)), antialias=True)
    more = {
        "colour": [v2.ColorJitter(brightness=0.4, saturation=0.5)],
        "trivial": [v2.TrivialAugmentWide(interpolation=v2.InterpolationMode.BILINEAR)],
        "strong": [v2.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.02)],
    }
    steps = {"none": whole, "flip": [*whole, flip]}.get(augment, [crop, flip, *more.get(augment, [])])
    erase = {"strong": [v2.RandomErasing(0.25)], "erase": [v2.RandomErasing(0.5)]}.get(augment, [])
    return v2.Compose([*steps, v2.PILToTensor(), *erase])


def mix(photos: torch.Tensor, augment: str) -> tuple[torch.Tensor, float]:
    """Return a batch, (B, 3, S, S), each photo mixed with the one before it, and the share that it keeps.

    "mixup" adds the two up, "cutmix" pastes a rectangle of one into the other.
    Introduced in notebook 03.
    Source: Zhang et al. 2018, "mixup: beyond empirical risk minimization"; Yun et al. 2019, "CutMix".
    """
    photos = photos.float()
    drawn = MIXES[augment].make_params([photos])
    mixed = MIXES[augment].transform(photos, {"labels": None, "batch_size": len(photos), **drawn})
    return mixed, drawn["lam" if augment == "mixup" else "lam_adjusted"]


class PhotoDataset(torch.utils.data.Dataset):
    """Items of an image table in row order: (photo uint8 (3, size, size), target int; -1 where unlabelled).

    Augmentation draws from (seed, epoch, row) alone: the same with any number of workers, and in a run resumed there.
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
            torch.default_generator.manual_seed(hash((self.seed, self.epoch, row)) & 0x7FFFFFFF)  # of the CPU alone
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
    if n_workers is None:  # on two cores a worker stalls the threads of every layer: 21 photos a second instead of 38
        cores = os.cpu_count() or 1
        n_workers = min(4, cores // 2) if cores > 2 or torch.cuda.is_available() else 0
    options = {"bs": batch_size, "num_workers": n_workers, "device": device, "pin_memory": torch.cuda.is_available()}
    shown, whole = PhotoDataset(train, species, image_size, augment, seed), PhotoDataset(valid, species, image_size)
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
            return seen_whole(open_photo(path, round(size * LARGER.get(view, 1))), size, view).transpose(2, 0, 1)
        except PhotoError as error:
            if problems is None:
                raise
            problems[path] = str(error)
            return np.zeros((3, size, size), np.uint8)

    chunks = [paths[i : i + batch_size] for i in range(0, len(paths), batch_size)]
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        yield from pool.map(lambda chunk: run(np.stack([decode(path) for path in chunk])), chunks)
