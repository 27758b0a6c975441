"""ONNX models as ONNX Runtime runs them, without torch."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # loaded where it is used
    from onnxruntime import InferenceSession

Embed = Callable[[np.ndarray], np.ndarray]  # photos uint8 (B, 3, S, S) -> float32 (B, D)


def embed_by(model: bytes) -> Embed:
    """Return what runs an ONNX model, a network without its head; many threads may call it.

    Each call stays on one core: decoded.batches keeps the others busy.
    """
    session = open_session(model, n_threads=1)

    def in_onnx(photos: np.ndarray) -> np.ndarray:
        inputs = {"photos": photos.astype(np.float32)}
        return session.run(None, inputs)[0]

    return in_onnx


def open_session(model: bytes, n_threads: int = 0) -> "InferenceSession":
    """Return an ONNX Runtime session on the CPU, with so many threads a call (0: one a core).

    They sleep while they wait. Spinning, as they do by default, they take the cores from others.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
