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

if TYPE_CHECKING:  # loaded where it is used
    from onnxruntime import InferenceSession


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
    return (
        in_torch
        if session is None
        else lambda photos: session.run(None, {"photos": photos.astype(np.float32)})[0]
    )


@functools.lru_cache(maxsize=1)  # an export takes seconds, and the next view asks for the same
def _session(network: Classifier, weights: str, image_size: int) -> "InferenceSession | None":
    """Return an ONNX Runtime session, None where export fails; `weights` tells a network that was trained."""
    try:
        return open_session(export_onnx(network, image_size, head=False), n_threads=1)
    except Exception as error:
        warnings.warn(
            f"ONNX export failed ({type(error).__name__}): running in torch, slower", stacklevel=3
        )
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
        warnings.simplefilter(
            "ignore"
        )  # of the TorchScript exporter: seconds faster than its successor
        axes = {"photos": {0: "batch"}, "out": {0: "batch"}}
        names = {"input_names": ["photos"], "output_names": ["out"], "dynamic_axes": axes}
        torch.onnx.export(network.eval(), (example,), buffer, dynamo=False, **names)
    return buffer.getvalue()
