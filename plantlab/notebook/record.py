"""What a run of a notebook was asked, what came out and with what: written whole, as plain JSON."""

import importlib.metadata
import json
import os
import platform
import re
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path, PureWindowsPath

import numpy as np
import pandas as pd

from plantlab.data.table import data_hash, data_kind
from plantlab.files import project_root, write_whole
from plantlab.notebook.cells import Params
from plantlab.notebook.claims import Claims
from plantlab.predictions import Predictions

PACKAGES = ["plantlab", "numpy", "pandas", "scikit-learn", "torch", "timm", "fastai", "onnxruntime"]
A_PATH = re.compile(r"(~|\.\.?|[A-Za-z]:)?[/\\].+")


def save(
    notebook: str,
    params: Params,
    images: pd.DataFrame,
    scores: pd.DataFrame | Iterable[dict] = (),
    claims: Claims | None = None,
    predictions: Predictions | Mapping[str, Predictions] | None = None,
    weights: Iterable[Mapping] = (),
) -> Path:
    """Write results/<notebook>/<run>/record.json whole and return its path.

    The run is named by the environment's PLANTLAB_RUN, else "by-hand". The record holds the data by
    name and hash; of any path only its last name is kept.

    Args:
        scores: a table, or its rows, with `method`, `split` and `n`; other columns are free
            (minutes, ...).
        predictions: saved beside the record, in predictions/ or, in a dict by method,
            predictions/<method>/.
        weights: what the networks began with, a row each: `network.weights`, with backbone, origin
            and sha256.
    Raises:
        ValueError: a column of `scores` is missing.
    """
    run = os.environ.get("PLANTLAB_RUN") or "by-hand"
    record = {
        "notebook": notebook,
        "run": run,
        "data": _told_of(images),
        "params": params,
        "scores": _score_rows(scores, params.get("seed")),
        "claims": [] if claims is None else claims.rows,
        "versions": _versions(),
        "weights": _unique_rows(weights),
        "device": _gpu() or f"cpu, {os.cpu_count()} cores",
        "cores": os.cpu_count(),
        "threads": _threads(),
        "seconds": round(time.time() - params.started, 1),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    folder = project_root() / "results" / notebook / run
    _save_predictions(predictions, folder / "predictions")
    text = json.dumps(_plain(record), indent=1, ensure_ascii=False, allow_nan=False)
    return write_whole(folder / "record.json", text + "\n")


def _told_of(images: pd.DataFrame) -> dict:
    """Return what a record says of the data."""
    return {
        "name": images.attrs.get("name", "images"),
        "kind": data_kind(images),
        "hash": data_hash(images),
        "n_images": len(images),
        "n_species": images["species"].nunique() if "species" in images else 0,
    }


def _score_rows(scores: pd.DataFrame | Iterable[dict], seed: int | None) -> list[dict]:
    """Return scores as rows, each with the run's seed unless it names its own."""
    rows = scores.to_dict("records") if isinstance(scores, pd.DataFrame) else list(scores)
    for row in rows:
        if not row.keys() >= {"method", "split", "n"}:
            found = ", ".join(row)
            raise ValueError(f"a row of scores has {found}; each needs method, split and n.")
    return [{"seed": seed} | row for row in rows]


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    installed = {package.name: package.version for package in importlib.metadata.distributions()}
    for name in PACKAGES:
        if name in installed:
            versions[name] = installed[name]
    return versions


def _gpu() -> str | None:
    """Return the name of the GPU, where torch was loaded and has one."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return torch.cuda.get_device_name(0)


def _threads() -> int | None:
    """Return how many threads torch computes with, where it was loaded."""
    torch = sys.modules.get("torch")
    return None if torch is None else torch.get_num_threads()


def _save_predictions(
    predictions: Predictions | Mapping[str, Predictions] | None, folder: Path
) -> None:
    if predictions is None:
        return
    if isinstance(predictions, Predictions):
        predictions.save(folder)
        return
    for method, each in predictions.items():
        each.save(folder / re.sub(r"[^\w.-]+", "_", method))


def _unique_rows(rows: Iterable[Mapping]) -> list[dict]:
    """Return rows as dicts, each once, in their order."""
    kept: list[dict] = []
    for row in rows:
        if dict(row) not in kept:
            kept.append(dict(row))
    return kept


def _plain(value: object) -> object:
    """Return `value` as JSON holds it: numpy made plain, NaN null, of a path its last name."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | np.ndarray):
        return [_plain(each) for each in value]
    if _is_path(value):
        return PureWindowsPath(value).name  # which reads both kinds of slash
    if pd.isna(value):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    return round(value, 6) if isinstance(value, float) else value


def _is_path(value: object) -> bool:
    if isinstance(value, str):
        return bool(A_PATH.fullmatch(value)) or os.path.exists(value)
    return isinstance(value, Path)
