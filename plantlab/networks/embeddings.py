"""Embeddings of photos, computed once and kept."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors import safe_open
from safetensors.numpy import save as to_safetensors
from tqdm.auto import tqdm

from plantlab.data.addresses import content_of
from plantlab.data.table import require
from plantlab.files import project_root, write_whole
from plantlab.networks.backbones import Classifier, fingerprint
from plantlab.networks.compiled import compile_network
from plantlab.networks.decoded import batches
from plantlab.networks.parallel import gathered, is_first, share_of
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
    """Return embeddings float32 (N, D), row by row of the table.

    They are computed once, then read from disk. The cache is keyed by the body's every weight, the
    size, the view and each file's content: moved photos are found again, changed ones computed
    anew, whatever the head. Saved every SAVE_EVERY photos, a killed run goes on there.

    Under torchrun every process calls this, embeds its share, and has all of them in the end.

    Args:
        view: one of views.VIEWS.
        cache: a folder (relative: of the project); None computes everything and stores nothing.
    Raises:
        TableError: no `image_path`. PhotoError: an unreadable file. ValueError: unknown view.
    """
    _check(images, view)
    contents = _contents(images)
    folder = _folder(network, image_size, view, cache)
    known = _stored(folder)
    missing = _missing_anywhere(images, contents, known)
    if missing:
        run = compile_network(network, image_size)

        def ask(paths: list) -> Iterable[np.ndarray]:
            return batches(paths, image_size, view, batch_size, run=run)

        bar = tqdm(
            total=len(share_of(list(missing))),
            desc="embedding",
            unit=" photos",
            disable=not (progress and is_first()),
            leave=False,
        )
        with bar:
            _embed_missing(missing, ask, folder, known, bar)
    if not contents:
        return np.zeros((0, network.n_features), np.float32)
    return np.stack([known[content] for content in contents])


def count_missing(
    images: pd.DataFrame,
    network: Classifier,
    image_size: int,
    views: Iterable[str],
    cache: str | Path | None,
) -> int:
    """Return how many outputs `embed` would compute: one a photo and view that the cache lacks.

    Introduced in notebook 03.
    """
    total = 0
    for view in views:
        _check(images, view)
        known = _stored(_folder(network, image_size, view, cache))
        total += len(_missing(images, _contents(images), known))
    return total


def _check(images: pd.DataFrame, view: str) -> None:
    require(images, "image_path")
    if view not in VIEWS:
        raise ValueError(f"view must be one of {', '.join(VIEWS)}; got {view!r}")


def _contents(images: pd.DataFrame) -> list[str]:
    """Return the sha1 of each photo's file."""
    if "sha1" in images:
        return list(images["sha1"])
    files = map(content_of, images["image_path"])
    return [hashlib.sha1(file).hexdigest() for file in files]


def _folder(
    network: Classifier, image_size: int, view: str, cache: str | Path | None
) -> Path | None:
    """Return the folder of this body, size and view in the cache."""
    if cache is None:
        return None
    body = fingerprint(network, without="head.")
    return project_root() / cache / f"{body}-{image_size}-{view}"


def _stored(folder: Path | None) -> dict[str, np.ndarray]:
    """Return {sha1: embedding} of all that the folder holds."""
    known: dict[str, np.ndarray] = {}
    if folder is None:
        return known
    for path in sorted(folder.glob("[!.]*.safetensors")):  # not half ones, of who was killed
        with safe_open(path, framework="numpy") as file:
            keys = file.metadata()["sha1"].split()
            known.update(zip(keys, file.get_tensor("embeddings")))
    return known


def _missing(images: pd.DataFrame, contents: list[str], known: dict) -> dict[str, str]:
    """Return {sha1: path} of what must be computed, the same content once."""
    photos = zip(contents, images["image_path"])
    return {content: path for content, path in photos if content not in known}


def _embed_missing(
    missing: dict[str, str],
    ask: Callable[[list], Iterable[np.ndarray]],
    folder: Path | None,
    known: dict[str, np.ndarray],
    bar: tqdm,
) -> None:
    """Add what is missing to `known` and to the folder, SAVE_EVERY photos at a time."""
    waiting = list(missing)
    for start in range(0, len(waiting), SAVE_EVERY):
        keys = share_of(waiting[start : start + SAVE_EVERY])
        parts = []
        for part in ask([missing[key] for key in keys]):
            parts.append(part)
            bar.update(len(part))
        rows = np.concatenate(parts).astype(np.float32) if parts else np.zeros((0, 0))
        _store(folder, keys, rows)
        for all_keys, all_rows in gathered((keys, rows)):
            known.update(zip(all_keys, all_rows))


def _missing_anywhere(images: pd.DataFrame, contents: list[str], known: dict) -> dict[str, str]:
    """Return {sha1: path} of what one of the processes lacks, whose disks need not be the same."""
    own = _missing(images, contents, known)
    lacking = set().union(*gathered(set(own)))
    photos = zip(contents, images["image_path"])
    return {content: path for content, path in photos if content in lacking}


def _store(folder: Path | None, keys: list[str], rows: np.ndarray) -> None:
    if folder is None or not len(keys):
        return
    name = hashlib.sha1("".join(keys).encode()).hexdigest()
    told = {"sha1": " ".join(keys)}
    packed = to_safetensors({"embeddings": rows}, metadata=told)
    write_whole(folder / f"{name[:16]}.safetensors", packed)
