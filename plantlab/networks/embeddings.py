"""Embeddings of photos, computed once and kept."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors import safe_open
from safetensors.numpy import save as to_safetensors
from tqdm.auto import tqdm

from plantlab.data.table import require
from plantlab.files import project_root, write_whole
from plantlab.networks.backbones import Classifier, fingerprint
from plantlab.networks.batches import batches
from plantlab.networks.compiled import compile_network
from plantlab.networks.views import VIEWS

SAVE_EVERY = 2000  # photos: what a killed embedding may lose


def embed(
    images: pd.DataFrame,
    network: Classifier,
    image_size: int = 128,
    view: str = "plain",
    cache: str | Path | None = "data/cache/embeddings",
    batch_size: int = 32,
    progress: bool = False,
) -> np.ndarray:
    """Return embeddings float32 (N, D), row by row of the table; computed once, then read from disk.

    The cache is keyed by the body's every weight, the size, the view and each file's content: moved photos are found
    again, changed ones computed anew, whatever the head. Saved every SAVE_EVERY photos, a killed run goes on there.

    Args:
        view: one of images.VIEWS.
        cache: a folder (relative: of the project); None computes everything and stores nothing.
    Raises:
        TableError: no `image_path`. PhotoError: an unreadable file. ValueError: unknown view.
    """
    content, known, missing, folder = _cached(images, network, image_size, view, cache)
    if missing:
        run = compile_network(network, image_size)
        bar = tqdm(
            total=len(missing), desc="embedding", unit=" photos", disable=not progress, leave=False
        )
        for start in range(0, len(missing), SAVE_EVERY):
            keys, files = zip(*missing[start : start + SAVE_EVERY])
            rows = []
            for part in batches(list(files), image_size, view, batch_size, run=run):
                rows.append(part)
                bar.update(len(part))
            rows = np.concatenate(rows).astype(np.float32)
            known |= dict(zip(keys, rows))
            if folder:
                name = hashlib.sha1("".join(keys).encode()).hexdigest()[:16]
                packed = to_safetensors({"embeddings": rows}, metadata={"sha1": " ".join(keys)})
                write_whole(folder / f"{name}.safetensors", packed)
        bar.close()
    return (
        np.stack([known[c] for c in content])
        if content
        else np.zeros((0, network.n_features), np.float32)
    )


def count_missing(
    images: pd.DataFrame, network: Classifier, image_size: int, views: tuple[str, ...], cache
) -> int:
    """Return how many outputs `embed` would compute: one a photo and view that the cache lacks. Introduced in 03."""
    return sum(len(_cached(images, network, image_size, view, cache)[2]) for view in views)


def _cached(
    images: pd.DataFrame, network: Classifier, image_size: int, view: str, cache: str | Path | None
) -> tuple:
    """Return each photo's sha1, {sha1: embedding} as far as known, the [(sha1, path)] missing, and the folder."""
    require(images, "image_path")
    if view not in VIEWS:
        raise ValueError(f"view must be one of {', '.join(VIEWS)}; got {view!r}")
    paths = images["image_path"].tolist()
    found = (
        images["sha1"]
        if "sha1" in images
        else (hashlib.sha1(Path(p).read_bytes()).hexdigest() for p in paths)
    )
    content = list(found)
    name, known = f"{fingerprint(network, without='head.')}-{image_size}-{view}", {}
    folder = project_root() / cache / name if cache is not None else None
    for part in sorted(folder.glob("*.safetensors")) if folder else []:
        with safe_open(part, framework="numpy") as rows:
            known |= dict(zip(rows.metadata()["sha1"].split(), rows.get_tensor("embeddings")))
    return (
        content,
        known,
        list({c: p for c, p in zip(content, paths) if c not in known}.items()),
        folder,
    )
