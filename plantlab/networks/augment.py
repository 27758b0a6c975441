"""How photos are changed while a network learns."""

import torch
from torchvision.transforms import v2

AUGMENTATIONS = "none flip crop kept squash colour trivial erase mixup cutmix strong".split()

MIXES = {  # these act on a batch
    "mixup": v2.MixUp(alpha=0.4),
    "cutmix": v2.CutMix(alpha=1.0),
}

ASPECTS = {"kept": (1.0, 1.0), "squash": (0.5, 2.0)}  # width to height of a crop

ERASED = {"strong": 0.25, "erase": 0.5}  # the share of photos that lose a rectangle


def train_transform(augment: str, size: int) -> v2.Transform:
    """Return the training transform of one of AUGMENTATIONS.

    From "kept" on each is a crop with one thing changed. "crop" takes 30 to 100 % of the area,
    3:4 to 4:3 in aspect, and mirrors; "kept" keeps the aspect ratio, "squash" takes any from 1:2
    to 2:1. "colour" changes saturation and lightness, "erase" blackens a rectangle, "strong" does
    both. "mixup" and "cutmix" are those of `mix`.

    Source: Lasseck 2017, "Image-based plant species identification with deep convolutional neural
    networks" (colour); Müller and Hutter 2021, "TrivialAugment: tuning-free yet state-of-the-art
    data augmentation" (trivial).
    """
    if augment not in AUGMENTATIONS:
        raise ValueError(f"augment must be one of {', '.join(AUGMENTATIONS)}; got {augment!r}")
    steps = _framing(augment, size) + _colouring(augment)
    steps.append(v2.PILToTensor())
    if augment in ERASED:
        steps.append(v2.RandomErasing(ERASED[augment]))
    return v2.Compose(steps)


def _framing(augment: str, size: int) -> list[v2.Transform]:
    """Return the steps that choose what of the photo is seen."""
    flip = v2.RandomHorizontalFlip()
    if augment in ("none", "flip"):
        whole = [v2.Resize(size, antialias=True), v2.CenterCrop(size)]
        return whole if augment == "none" else [*whole, flip]
    ratio = ASPECTS.get(augment, (3 / 4, 4 / 3))
    crop = v2.RandomResizedCrop(size, scale=(0.3, 1.0), ratio=ratio, antialias=True)
    return [crop, flip]


def _colouring(augment: str) -> list[v2.Transform]:
    """Return the steps that change colours, and what else TrivialAugment draws."""
    if augment == "colour":
        return [v2.ColorJitter(brightness=0.4, saturation=0.5)]
    if augment == "trivial":
        return [v2.TrivialAugmentWide(interpolation=v2.InterpolationMode.BILINEAR)]
    if augment == "strong":
        return [v2.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.02)]
    return []


def mix(photos: torch.Tensor, augment: str) -> tuple[torch.Tensor, float]:
    """Return a batch, (B, 3, S, S), each photo mixed with the one before it, and its own share.

    "mixup" adds the two up, "cutmix" pastes a rectangle of one into the other.
    Introduced in notebook 03.

    Source: Zhang et al. 2018, "mixup: beyond empirical risk minimization"; Yun et al. 2019,
    "CutMix".
    """
    photos = photos.float()
    mixing = MIXES[augment]
    drawn = mixing.make_params([photos])
    told = {"labels": None, "batch_size": len(photos)}
    mixed = mixing.transform(photos, told | drawn)
    share = drawn["lam"] if augment == "mixup" else drawn["lam_adjusted"]
    return mixed, share
