"""A network compiled for answering: by ONNX Runtime on a CPU, by torch on a GPU."""

import copy
import functools
import io
import threading
import warnings

import numpy as np
import torch
from torch import nn

from plantlab.networks.backbones import Classifier, fingerprint
from plantlab.networks.device import device
from plantlab.networks.sessions import Embed, embed_by


def compile_network(network: Classifier, image_size: int) -> Embed:
    """Return a fast function photos uint8 (B, 3, S, S) -> embeddings float32 (B, D).

    It may be called by many threads. On a CPU it goes through ONNX Runtime (several times eager
    torch), each call on one core, which decoded.batches keeps busy; on a GPU, or where export
    fails, through torch, one call after the other.
    """
    network = network.eval()
    if device().type == "cuda":
        return _in_torch(network.to(device()))
    try:
        return embed_by(export_body(network, fingerprint(network), image_size))
    except Exception as error:
        kind = type(error).__name__
        warnings.warn(f"ONNX export failed ({kind}): running in torch, slower", stacklevel=2)
        return _in_torch(network)


def _in_torch(network: Classifier) -> Embed:
    turn = threading.Lock()
    half = torch.autocast(device().type, enabled=device().type == "cuda")

    def in_turn(photos: np.ndarray) -> np.ndarray:
        with turn, torch.inference_mode(), half:
            batch = torch.from_numpy(photos)
            batch = batch.to(device(), memory_format=torch.channels_last)
            return network.features(batch).float().cpu().numpy()

    return in_turn


@functools.lru_cache(maxsize=1)  # an export takes seconds, and the next view asks for the same
def export_body(network: Classifier, weights: str, image_size: int) -> bytes:
    """Return the network without its head as an ONNX model.

    Args:
        weights: the network's fingerprint, which tells one that learnt.
    """
    return export_onnx(network, image_size, head=False)


def export_onnx(network: Classifier, image_size: int, head: bool = True) -> bytes:
    """Return an ONNX model: `photos` float32 (B, 3, S, S) in [0, 255] to `out`.

    `out` holds logits (B, K), without a head embeddings (B, D).
    """
    if not head:
        network = _without_head(network)
    example = torch.zeros(2, 3, image_size, image_size)
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # of this exporter's age: seconds faster than its successor
        torch.onnx.export(
            network.eval(),
            (example,),
            buffer,
            dynamo=False,
            input_names=["photos"],
            output_names=["out"],
            dynamic_axes={"photos": {0: "batch"}, "out": {0: "batch"}},
        )
    return buffer.getvalue()


def _without_head(network: Classifier) -> Classifier:
    """Return a network that shares the body of `network` and gives its embeddings."""
    bare = copy.copy(network)
    bare._modules = dict(network._modules)  # or the next line would take the head of both
    bare.head = nn.Identity()
    return bare
