"""A model as an ONNX file, checked against torch."""

from pathlib import Path
from timeit import repeat

import numpy as np
import torch

from plantlab.files import write_whole
from plantlab.identify.model import Identifier
from plantlab.networks.compiled import export_onnx, open_session


def check_onnx(model: Identifier, path: Path) -> dict:
    """Write the network as ONNX; return the largest difference of its logits from torch's, and the time of each.

    Raises:
        ValueError: they differ by more than 1e-3.
    """
    write_whole(path, export_onnx(model.network.cpu(), model.image_size))
    session = open_session(path.read_bytes())
    photos = (
        np.random.default_rng(0)
        .integers(0, 256, (8, 3, model.image_size, model.image_size))
        .astype(np.float32)
    )
    runs = {"onnx": lambda: session.run(None, {"photos": photos})[0]}
    with torch.inference_mode():
        runs["torch"] = lambda: model.network(torch.from_numpy(photos)).numpy()
        off = float(np.abs(runs["onnx"]() - runs["torch"]()).max())
        took = {name: np.median(repeat(call, number=1, repeat=10)) for name, call in runs.items()}
    if off > 1e-3:
        raise ValueError(
            f"the ONNX file's logits differ from torch's by {off:.2g}, more than 0.001; use torch."
        )
    times = {
        f"{name}_ms_a_photo": round(1000 * float(t) / len(photos), 2) for name, t in took.items()
    }
    return {"largest_difference": off, **times}
