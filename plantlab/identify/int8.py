"""A model in whole numbers of 8 bits, a quarter of the size: measured first, else refused."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from timeit import repeat

import numpy as np
import pandas as pd

from plantlab.files import write_whole
from plantlab.identify.model import Identifier
from plantlab.networks.compiled import export_onnx
from plantlab.networks.decoded import batches
from plantlab.networks.sessions import open_session
from plantlab.predictions import Predictions
from plantlab.predictions.metrics import difference, score

CALIBRATION = 256  # photos of train that say how large numbers within the network become
WAYS = {  # one scale a channel of a layer or one a layer; and bits of what layers hand on
    "per channel": (True, 8),
    "per tensor": (False, 8),
    "per channel, 16 bits between": (True, 16),
}
LIMIT = 0.01  # of top-1 that may be lost
CHANGED = 0.03  # share of answers that may change: top-1 of few photos tells a loss late
BATCH = 16  # photos
NAME = "model-int8.onnx"


class _Photos:
    """Photos as onnxruntime's calibration asks for them, batch by batch."""

    def __init__(self, paths: list[str], image_size: int):
        self.parts: Iterator[np.ndarray] = batches(paths, image_size, batch_size=BATCH)

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next batch, None at the end."""
        part = next(self.parts, None)
        return None if part is None else {"photos": part.astype(np.float32)}


def quantise(
    model: bytes, paths: list[str], image_size: int, per_channel: bool = True, bits: int = 8
) -> bytes:
    """Return an ONNX model with weights of 8 bits, calibrated on photos.

    Args:
        model: of compiled.export_onnx. paths: photos, of train alone, or the score would be
            flattered. per_channel: a scale for each channel of a layer, else one for the layer.
        bits: of what layers hand on, 8 or 16; with 16 it is more exact, and slower.
    Source: Jacob et al. 2018, "Quantization and training of neural networks for efficient
    integer-arithmetic-only inference"; onnxruntime.quantization.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with TemporaryDirectory() as folder:
        whole = Path(folder, "float.onnx")
        ready = Path(folder, "ready.onnx")
        small = Path(folder, "int8.onnx")
        whole.write_bytes(model)
        quant_pre_process(whole, ready, skip_symbolic_shape=True)  # folds batch norms into layers
        quantize_static(
            ready,
            small,
            _Photos(paths, image_size),
            quant_format=QuantFormat.QDQ,
            per_channel=per_channel,
            activation_type=QuantType.QUInt16 if bits == 16 else QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            extra_options={"UseQDQContribOps": bits == 16},
        )
        return small.read_bytes()


def export_int8(
    model: Identifier, images: pd.DataFrame, folder: str | Path, limit: float = LIMIT, seed: int = 0
) -> pd.DataFrame:
    """Write model-int8.onnx into `folder`, and return what it costs: a row a way and split.

    The first of WAYS is taken that loses no more than `limit` of top-1 on valid and changes at most
    3 % of the answers there; it is scored once on test, and must keep the limit there, too. Its
    columns: method ("float", or one of WAYS), split, n, top1 with its interval, loss, loss_low,
    loss_high (of top-1, on the same photos), changed (share of answers), bytes, ms_a_photo.

    Args:
        images: train (to calibrate), valid and test, as inspection.set_aside returns it.
        limit: the largest loss of top-1 that is taken, as a fraction.
    Raises:
        ValueError: all lose more; the message has the figures, and nothing is written.
    """
    whole = export_onnx(model.network.cpu(), model.image_size)
    train = images[images["split"] == "train"]
    shown = train.sample(min(CALIBRATION, len(train)), random_state=seed)["image_path"].tolist()
    files = {"float": whole}
    for way, (per_channel, bits) in WAYS.items():
        files[way] = quantise(whole, shown, model.image_size, per_channel, bits)
    valid = _compare(files, model, images[images["split"] == "valid"], "valid")
    small = valid[valid["method"] != "float"]
    kept = small[(small["loss"] <= limit) & (small["changed"] <= CHANGED)]
    if kept.empty:
        raise _refused(small.loc[small["changed"].idxmin()], limit)
    best = kept["method"].iloc[0]
    chosen = {name: files[name] for name in ("float", best)}
    held = images[images["split"] == "test"]
    parts = [valid, _compare(chosen, model, held, "test")] if len(held) else [valid]
    costs = pd.concat(parts, ignore_index=True)
    if costs["loss"].iloc[-1] > limit:
        raise _refused(costs.iloc[-1], limit)
    write_whole(Path(folder) / NAME, files[best])
    return costs


def _refused(row: pd.Series, limit: float) -> ValueError:
    """Return why no file is written, with the figures of the way that came nearest."""
    return ValueError(
        f"int8 is not written: on {row['n']} {row['split']} photos {row['method']} loses "
        f"{100 * row['loss']:.1f} points of top-1 ({100 * row['loss_low']:.1f} to "
        f"{100 * row['loss_high']:.1f}) and changes {row['changed']:.1%} of the answers; "
        f"{100 * limit:g} points and {CHANGED:.0%} are allowed. Use model.onnx (--onnx)."
    )


def _compare(
    files: dict[str, bytes], model: Identifier, images: pd.DataFrame, split: str
) -> pd.DataFrame:
    """Return a row for each ONNX model: its top-1, what it loses on the first, size and time."""
    images = images.reset_index(drop=True)
    rows = []
    first = None
    for method, content in files.items():
        session = open_session(content)

        def run(photos: np.ndarray, session: object = session) -> np.ndarray:
            return session.run(None, {"photos": photos.astype(np.float32)})[0]

        parts = batches(images["image_path"].tolist(), model.image_size, batch_size=BATCH, run=run)
        logits = np.concatenate(list(parts))
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        said = Predictions(images, model.species, shares / shares.sum(axis=1, keepdims=True))
        first = said if first is None else first
        row = score(said, measures=["top1"]).iloc[0]
        loss, low, high = [-value for value in difference(said, first, "top1")]
        one = np.zeros((1, 3, model.image_size, model.image_size), np.uint8)
        took = np.median(repeat(lambda: run(one), number=1, repeat=20))  # noqa: B023
        told = {"method": method, "split": split, "n": len(images), "loss": loss}
        told |= {name: row[name] for name in ("top1", "top1_low", "top1_high", "kind")}
        told |= {"loss_low": high, "loss_high": low}
        told["changed"] = (said.named() != first.named()).mean()
        rows.append(told | {"bytes": len(content), "ms_a_photo": round(1000 * float(took), 2)})
    return pd.DataFrame(rows)
