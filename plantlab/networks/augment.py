"""How photos are changed while a network learns."""

import torch
from torchvision.transforms import v2

AUGMENTATIONS = "none flip crop kept squash colour trivial erase mixup cutmix strong".split()

MIXES = {"mixup": v2.MixUp(alpha=0.4), "cutmix": v2.CutMix(alpha=1.0)}  # these act on a batch


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
    crop = v2.RandomResizedCrop(
        size, scale=(0.3, 1.0), ratio=shapes.get(augment, (3 / 4, 4 / 3)), antialias=True
    )
    more = {
        "colour": [v2.ColorJitter(brightness=0.4, saturation=0.5)],
        "trivial": [v2.TrivialAugmentWide(interpolation=v2.InterpolationMode.BILINEAR)],
        "strong": [v2.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.02)],
    }
    steps = {"none": whole, "flip": [*whole, flip]}.get(
        augment, [crop, flip, *more.get(augment, [])]
    )
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
