"""Pretrained networks: created from timm, weighed from a file, a local store or the hub; embeddings computed once."""

import copy
import difflib
import functools
import hashlib
import io
import os
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
from safetensors.torch import load_file
from torch import nn
from torchvision import models
from tqdm.auto import tqdm

from plantlab.images import VIEWS, batches
from plantlab.photos import write_whole
from plantlab.table import project_root, require

if TYPE_CHECKING:  # loaded where it is used
    from onnxruntime import InferenceSession

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
SAVE_EVERY = 2000  # photos: what a killed embedding may lose
# Files that plantlab knows by name; others are found as <backbone>.safetensors. sha256 guards against a half download.
KNOWN_FILES = {
    "plantlab/seedling": {  # ships with the package: see nursery/README.md
        "file": "seedling.safetensors",
        "sha256": "9994d9748a8a55a05fde88a7f5651e2a668bb9e13d34f1fb4dd3282a92085dc1",
        "architecture": "resnet10t",
        "stages": True,
    },
    "mobilenet_v2": {
        "file": "mobilenet_v2.torchvision.safetensors",
        "sha256": "37c8983ba9e15707190bfca92cfe098f3016536f6fd76213eee5a67ef5040092",
        "relu": True,  # this release was trained with ReLU in place of ReLU6
    },
    "tf_efficientnet_lite0": {
        "file": "tf_efficientnet_lite0.timm.safetensors",
        "sha256": "3338032cc5a21e95432819f473dc6f6c6ce7a4c0466a24d104c0d5491b152b70",
    },
    "squeezenet1_1": {
        "file": "squeezenet1_1.torchvision.safetensors",
        "sha256": "2fde9b87e6b217659fe2e9d4cec0d9a4c6d1636f6cf70b9ef15827cc42e2668d",
    },
}


class Classifier(nn.Module):
    """normalise -> body -> head. Takes photos uint8 (B, 3, S, S), gives logits (B, n_species).

    `features` stops before the head: embeddings (B, D). Normalisation is inside, so the two cannot be parted.
    """

    def __init__(self, body: nn.Module, n_features: int, n_species: int, mean: tuple, std: tuple):
        super().__init__()
        self.body, self.n_features = body, n_features
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


def store_folders() -> list[Path]:
    """Return the folders searched for weight files: PLANTLAB_WEIGHTS', data/weights of the project, the package's."""
    named = [Path(p).expanduser() for p in os.environ.get("PLANTLAB_WEIGHTS", "").split(os.pathsep) if p]
    return [*named, project_root() / "data" / "weights", Path(__file__).with_name("nursery")]


def find_weights(backbone: str) -> Path | None:
    """Return the weight file of `backbone` in the local store, or None.

    Raises:
        ValueError: the file is there, but its checksum is not the known one.
    """
    known = KNOWN_FILES.get(backbone, {"file": f"{backbone}.safetensors"})
    file = next((path for folder in store_folders() if (path := folder / known["file"]).is_file()), None)
    if file and "sha256" in known and (got := hashlib.sha256(file.read_bytes()).hexdigest()) != known["sha256"]:
        raise ValueError(
            f"{file} is damaged or another release: its sha256 begins {got[:12]}, expected "
            f"{known['sha256'][:12]}. Copy or download it again."
        )
    return file


def create_network(backbone: str, n_species: int = 0, weights: str = "auto", seed: int = 0) -> Classifier:
    """Return a network with a fresh head for `n_species` (0: no head).

    Args:
        backbone: "plantlab/seedling", or a name from timm.list_models() or torchvision.models.list_models().
        weights: "auto" (local store, then the hub), "none" (random, from `seed`), or a .safetensors file.
    Raises:
        ValueError: unknown name (near names offered), weights that do not fit, cannot be had, or are damaged.
    """
    file = Path(weights) if weights not in ("auto", "none") else find_weights(backbone) if weights == "auto" else None
    if file and (not file.is_file() or file.suffix != ".safetensors"):
        raise ValueError(f"weights: found no .safetensors file at {weights!r}; expected auto, none or such a file")
    torch.manual_seed(seed)
    hub, known = weights == "auto" and file is None, KNOWN_FILES.get(backbone, {})
    name = known.get("architecture", backbone)
    try:
        if known.get("stages"):
            if hub:
                raise FileNotFoundError  # it ships with the package and lies on no hub
            body, (mean, std) = Stages(name), IMAGENET
        elif timm.is_model(name):
            body = timm.create_model(name, pretrained=hub, num_classes=0)
            mean, std = body.pretrained_cfg["mean"], body.pretrained_cfg["std"]
        else:
            body, (mean, std) = torchvision_body(name, hub, file), IMAGENET
    except (OSError, RuntimeError) as error:  # what hub clients raise without a network, or for a name without weights
        if not hub:
            raise
        wanted = known.get("file", f"{backbone}.safetensors")
        raise ValueError(
            f"the weights of {backbone} could not be downloaded ({type(error).__name__}). On a machine without a "
            f"network put {wanted} into {store_folders()[0]} (or name its folder in PLANTLAB_WEIGHTS), or choose "
            "weights='none' for a random start."
        ) from None
    if file and timm.is_model(name):
        fill(body.net if known.get("stages") else body, file)
    if known.get("relu") and file:
        swap_relu6(body)
    with torch.inference_mode():
        n_features = body.eval()(torch.zeros(1, 3, 64, 64)).shape[1]
    return Classifier(body, n_features, n_species, mean, std).to(memory_format=torch.channels_last)


def torchvision_body(backbone: str, hub: bool, file: Path | None) -> nn.Module:
    """Return a torchvision network cut before its classifier, pooled to (B, D).

    Raises:
        ValueError: neither timm nor torchvision knows the name.
    """
    names = models.list_models(module=models)
    if backbone not in names:
        near = ", ".join(difflib.get_close_matches(backbone, timm.list_models() + names, n=3)) or "none"
        raise ValueError(f"no backbone is called {backbone!r}; near: {near}. See timm.list_models().")
    model = models.get_model(backbone, weights="DEFAULT" if hub else None)
    if file:
        fill(model, file)
    features = model.features if hasattr(model, "features") else nn.Sequential(*list(model.children())[:-2])
    return nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def fill(model: nn.Module, file: Path) -> None:
    """Load a safetensors file into `model`; only a classifier and batch counters may be missing or left over.

    Raises:
        ValueError: another architecture.
    """
    tensors = {name: tensor.float() for name, tensor in load_file(file).items()}
    try:
        missing, left = model.load_state_dict(tensors, strict=False)
    except RuntimeError:
        missing, left = ["other shapes"], []
    heads = ("classifier", "head", "fc")
    names = [n for n in [*missing, *left] if n.split(".")[0] not in heads]
    if wrong := [n for n in names if not n.endswith("num_batches_tracked")]:
        differ = f"{len(wrong)} tensors differ, first {wrong[0]!r}"
        raise ValueError(f"{file.name} does not fit {type(model).__name__}: {differ}")


def swap_relu6(module: nn.Module) -> None:
    """Replace every ReLU6 by ReLU, in place."""
    for name, layer in list(module.named_modules(remove_duplicate=False)):
        if isinstance(layer, nn.ReLU6):
            module.set_submodule(name, nn.ReLU(inplace=True))


def fingerprint(network: nn.Module, without: str = "-") -> str:
    """Return 16 hex digits that stand for the weights' every bit, those whose names begin with `without` left out."""
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        if not name.startswith(without):
            digest.update(name.encode() + np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
    return digest.hexdigest()[:16]


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
