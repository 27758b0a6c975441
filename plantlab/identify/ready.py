"""A network ready to answer; one that was compiled before is kept on the disk.

What is kept answers without torch, whose import takes longer than the answer. It is data: an ONNX
model, found again by the content of the file of weights that it was made of.
"""

import hashlib
import importlib.metadata
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save as to_safetensors

from plantlab.files import cache_folder, write_whole
from plantlab.networks.device import may_be_gpu
from plantlab.networks.sessions import Embed, embed_by

if TYPE_CHECKING:  # loaded where it is used
    from plantlab.networks.backbones import Classifier

FORMAT = 1  # of what is kept; raised whenever plantlab compiles another way
MAKERS = ("torch", "torchvision", "timm")  # what turned the weights into an ONNX model
DESCRIBED = ("backbone", "relu6", "image_size")  # what a card says of its network


@dataclass(frozen=True)
class Ready:
    """A network ready to answer.

    Attributes:
        embed: photos uint8 (B, 3, S, S) -> embeddings float32 (B, D).
        say: embeddings (N, D) -> probabilities float32 (N, K).
        fingerprint: that of backbones.fingerprint.
        make: returns the network itself, with torch.
    """

    embed: Embed
    say: Callable[[np.ndarray], np.ndarray]
    fingerprint: str
    make: "Callable[[], Classifier]"


def compiled(network: "Classifier", image_size: int) -> Ready:
    """Return a network in memory ready to answer: by a GPU where there is one."""
    from plantlab.heads.linear import probabilities
    from plantlab.networks.backbones import fingerprint
    from plantlab.networks.compiled import compile_network

    return Ready(
        embed=compile_network(network, image_size),
        say=lambda embeddings: probabilities(network.head, embeddings),
        fingerprint=fingerprint(network),
        make=lambda: network,
    )


def prepare(
    file: Path, card: dict, n_species: int, make: "Callable[[], Classifier]"
) -> "Ready | Classifier":
    """Return the network of a model's folder: as it was kept, else made now, and kept.

    Where there may be a GPU it is made: torch finds it, and names many photos sooner there.

    Args:
        file: weights, with a linear head for `n_species`.
        card: the model's.
        make: makes the network of both.
    """
    if may_be_gpu():
        return make()
    with suppress(Exception):  # nothing was kept, or it is damaged: it is made anew
        return _kept(_place(file, card, n_species), file, make)
    network = make()
    with suppress(Exception):  # nothing can be kept there, or compiled: torch stays needed
        _keep(_place(file, card, n_species), network, card["image_size"])
    return network


def _place(file: Path, card: dict, n_species: int) -> Path:
    """Return where a network is kept: under all that decides what it answers, and how."""
    with open(file, "rb") as weights:
        content = hashlib.file_digest(weights, "sha256").hexdigest()
    told = [FORMAT, content, n_species]
    told += [card[name] for name in DESCRIBED]
    told += [importlib.metadata.version(maker) for maker in MAKERS]
    name = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    return cache_folder() / "compiled" / f"{name[:32]}.safetensors"


def _kept(place: Path, file: Path, make: "Callable[[], Classifier]") -> Ready:
    """Return what is kept there. Raises whatever a missing or damaged file makes of it."""
    with safe_open(place, framework="numpy") as kept:
        told = kept.metadata()
        model = kept.get_tensor("onnx").tobytes()
    if told["sha256"] != _digest(told["fingerprint"], model):
        raise ValueError(f"{place} is damaged; delete it.")
    with safe_open(file, framework="numpy") as weights:
        weight = weights.get_tensor("head.weight").astype(np.float32)  # (K, D)
        bias = weights.get_tensor("head.bias").astype(np.float32)  # (K,)
    return Ready(embed_by(model), partial(_say, weight, bias), told["fingerprint"], make)


def _keep(place: Path, network: "Classifier", image_size: int) -> None:
    """Compile a network and write it there."""
    from plantlab.networks.backbones import fingerprint
    from plantlab.networks.compiled import export_body

    name = fingerprint(network)
    model = export_body(network.eval(), name, image_size)
    told = {"fingerprint": name, "sha256": _digest(name, model)}
    tensors = {"onnx": np.frombuffer(model, np.uint8)}
    write_whole(place, to_safetensors(tensors, metadata=told))


def _digest(fingerprint: str, model: bytes) -> str:
    return hashlib.sha256(fingerprint.encode() + model).hexdigest()


def _say(weight: np.ndarray, bias: np.ndarray, embeddings: np.ndarray) -> np.ndarray:
    """Return what linear.probabilities says, without torch: softmax of a linear head, (N, K)."""
    logits = embeddings @ weight.T + bias
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)
