"""A network compiled for answering: by ONNX Runtime on a CPU, by torch on a GPU."""

import copy
import functools
import io
import threading
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from plantlab.networks.backbones import Classifier, fingerprint
from plantlab.networks.device import device

if TYPE_CHECKING:  # loaded where it is used
    from onnxruntime import InferenceSession

Embed = Callable[[np.ndarray], np.ndarray]  # photos uint8 (B, 3, S, S) -> float32 (B, D)


def compile_network(network: Classifier, image_size: int) -> Embed:
    """Return a fast function photos uint8 (B, 3, S, S) -> embeddings float32 (B, D).

    It may be called by many threads. On a CPU it goes through ONNX Runtime (several times eager
    torch), each call on one core, which batches.batches keeps busy; on a GPU, or where export
    fails, through torch, one call after the other.
    """
    network = network.eval()
    if device().type == "cuda":
        return _in_torch(network.to(device()))
    session = _session(network, fingerprint(network), image_size)
    if session is None:
        return _in_torch(network)

    def in_onnx(photos: np.ndarray) -> np.ndarray:
        inputs = {"photos": photos.astype(np.float32)}
        return session.run(None, inputs)[0]

    return in_onnx


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
def _session(network: Classifier, weights: str, image_size: int) -> "InferenceSession | None":
    """Return an ONNX Runtime session, None where export fails; `weights` tells one that learnt."""
    try:
        return open_session(export_onnx(network, image_size, head=False), n_threads=1)
    except Exception as error:
        kind = type(error).__name__
        warnings.warn(f"ONNX export failed ({kind}): running in torch, slower", stacklevel=3)
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
