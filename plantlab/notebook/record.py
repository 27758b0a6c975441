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

    The run is named by the environment's PLANTLAB_RUN, else "by-hand". The record holds the data by name and
    hash; of any path only its last name is kept.

    Args:
        scores: a table, or its rows, with `method`, `split` and `n`; other columns are free (minutes, ...).
        predictions: saved beside the record, in predictions/ or, in a dict by method, predictions/<method>/.
        weights: what the networks began with, a row each: `network.weights`, with backbone, origin and sha256.
    Raises:
        ValueError: a column of `scores` is missing.
    """
    rows = scores.to_dict("records") if isinstance(scores, pd.DataFrame) else list(scores)
    for row in rows:
        if not {"method", "split", "n"} <= set(row):
            raise ValueError(
                f"a row of scores has {', '.join(row)}; each needs method, split and n."
            )
    n_species = images["species"].nunique() if "species" in images else 0
    data = {
        "name": images.attrs.get("name", "images"),
        "kind": data_kind(images),
        "hash": data_hash(images),
    }
    installed = {package.name: package.version for package in importlib.metadata.distributions()}
    torch = sys.modules.get("torch")
    gpu = torch.cuda.get_device_name(0) if torch and torch.cuda.is_available() else None
    record = {
        "notebook": notebook,
        "run": os.environ.get("PLANTLAB_RUN") or "by-hand",
        "data": data | {"n_images": len(images), "n_species": n_species},
        "params": params,
        "scores": [{"seed": params.get("seed"), **row} for row in rows],
        "claims": claims.rows if claims else [],
        "versions": {
            "python": platform.python_version(),
            **{p: installed[p] for p in PACKAGES if p in installed},
        },
        "weights": unique_rows(weights),
        "device": gpu or f"cpu, {os.cpu_count()} cores",
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads() if torch else None,
        "seconds": round(time.time() - params.started, 1),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    folder = project_root() / "results" / notebook / record["run"]
    predictions = {"": predictions} if isinstance(predictions, Predictions) else predictions or {}
    for method, each in predictions.items():
        each.save(folder / "predictions" / re.sub(r"[^\w.-]+", "_", method))
    text = json.dumps(_plain(record), indent=1, ensure_ascii=False, allow_nan=False)
    return write_whole(folder / "record.json", text + "\n")


def unique_rows(rows: Iterable[Mapping]) -> list[dict]:
    """Return rows as dicts, each once, in their order."""
    kept: list[dict] = []
    for row in rows:
        if dict(row) not in kept:
            kept.append(dict(row))
    return kept


def _plain(value: object) -> object:
    """Return `value` as JSON holds it: numpy made plain, NaN null, of a path its last name."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, np.ndarray)):
        return [_plain(v) for v in value]
    if (
        isinstance(value, Path)
        or isinstance(value, str)
        and (A_PATH.fullmatch(value) or os.path.exists(value))
    ):
        return PureWindowsPath(value).name  # which reads both kinds of slash
    if pd.isna(value):
        return None
    value = value.item() if isinstance(value, np.generic) else value
    return round(value, 6) if isinstance(value, float) else value
