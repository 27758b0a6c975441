"""A model as an ONNX file, checked against torch."""

from collections.abc import Callable
from pathlib import Path
from timeit import repeat

import numpy as np
import torch

from plantlab.files import write_whole
from plantlab.identify.model import Identifier
from plantlab.networks.compiled import export_onnx
from plantlab.networks.sessions import open_session

N_PHOTOS = 8  # random ones, a batch
LARGEST = 1e-3  # difference of logits that is let pass


def check_onnx(model: Identifier, path: Path) -> dict:
    """Write the network as ONNX; return how far its logits are from torch's, and the time of each.

    Raises:
        ValueError: they differ by more than 1e-3.
    """
    write_whole(path, export_onnx(model.network.cpu(), model.image_size))
    session = open_session(path.read_bytes())
    shape = (N_PHOTOS, 3, model.image_size, model.image_size)
    photos = np.random.default_rng(0).integers(0, 256, shape).astype(np.float32)

    def in_onnx() -> np.ndarray:
        return session.run(None, {"photos": photos})[0]

    def in_torch() -> np.ndarray:
        with torch.inference_mode():
            return model.network(torch.from_numpy(photos)).numpy()

    difference = float(np.abs(in_onnx() - in_torch()).max())
    if difference > LARGEST:
        raise ValueError(
            f"the ONNX file's logits differ from torch's by {difference:.2g}, "
            "more than 0.001; use torch."
        )
    return {
        "largest_difference": difference,
        "onnx_ms_a_photo": _ms_a_photo(in_onnx),
        "torch_ms_a_photo": _ms_a_photo(in_torch),
    }


def _ms_a_photo(run: Callable[[], np.ndarray]) -> float:
    """Return the milliseconds that a photo of the batch takes, the median of ten turns."""
    seconds = np.median(repeat(run, number=1, repeat=10))
    return round(1000 * float(seconds) / N_PHOTOS, 2)
