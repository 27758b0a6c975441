"""Altered copies of photos, looked for by perceptual hash and by embedding."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from PIL import Image

from plantlab.data.altered import ALTERATIONS
from plantlab.data.photos import open_photo
from plantlab.networks.backbones import Classifier
from plantlab.networks.compiled import compile_network
from plantlab.networks.neighbours import Neighbours
from plantlab.networks.views import seen_whole
from plantlab.predictions.intervals import bootstrap_interval

AT_ONCE = 32  # photos that the network sees together
HASH_BITS = 4  # as duplicates.find_duplicates
PRECISION = 0.9  # of the pairs that an adjusted limit calls copies
METHODS = ("hash", "hash, 4 bits", "embedding", "hash or embedding")


def find_copies(
    images: pd.DataFrame,
    embeddings: np.ndarray,
    network: Classifier,
    image_size: int,
    originals: np.ndarray,
) -> tuple[pd.DataFrame, pd.Series]:
    """Return which altered copies are found among all photos, and the precision of each method.

    The table has a row for each copy of the second half of `originals`: way, original and a bool
    for each of METHODS. Limits are set on the first half so that nine in ten of the pairs called
    copies are copies; "hash, 4 bits" has the limit of duplicates.find_duplicates. Precision is
    over the second half too.

    Args:
        images, embeddings: all photos, N rows with `phash` and (N, D).
        originals: rows of the photos that are altered, two or more.
    """
    photos = [open_photo(path) for path in images["image_path"].iloc[originals]]
    altered = [alter(photo) for alter in ALTERATIONS.values() for photo in photos]
    original = np.tile(originals, len(ALTERATIONS))  # (C,)
    is_second = np.tile(np.arange(len(originals)) % 2 == 1, len(ALTERATIONS))
    is_pair = original[:, None] == np.arange(len(images))  # (C, N)
    copies = _embed(altered, network, image_size)
    alike = Neighbours(copies).embeddings @ Neighbours(embeddings).embeddings.T
    called = _called(_bits_apart(altered, images["phash"]), alike, is_pair, ~is_second)
    found = pd.DataFrame({"way": np.repeat(list(ALTERATIONS), len(originals))})
    found["original"] = original
    for method, each in called.items():
        found[method] = (each & is_pair).any(axis=1)
    right = {
        method: _precision(each[is_second], is_pair[is_second]) for method, each in called.items()
    }
    return found[is_second].reset_index(drop=True), pd.Series(right)


def recall_by_way(found: pd.DataFrame) -> pd.DataFrame:
    """Return the share of copies that each method finds, by way and over "all", with intervals.

    One row a way and method; intervals draw the photos that were altered, for all copies of one
    fail together.
    """
    ways = [*found["way"].unique(), "all"]
    rows = []
    for way in ways:
        these = found if way == "all" else found[found["way"] == way]
        for method in METHODS:
            values = these[method].astype(float)
            low, high = bootstrap_interval(values, these["original"])
            row = {"way": way, "method": method, "n": len(these), "recall": values.mean()}
            rows.append(row | {"recall_low": low, "recall_high": high})
    return pd.DataFrame(rows)


def beside(recall: pd.DataFrame, methods: dict[str, str]) -> pd.DataFrame:
    """Return a row for each way of altering, and beside one another what methods find of it.

    Args:
        recall: of recall_by_way. methods: the name of a column, and whose recall stands there;
            its interval stands in <name>_low and <name>_high.
    """
    rows = pd.DataFrame({"method": recall["way"].unique()})
    for name, method in methods.items():
        found = recall[recall["method"] == method].set_index("way").loc[rows["method"]]
        for end in ("", "_low", "_high"):
            rows[f"{name}{end}"] = found[f"recall{end}"].to_numpy()
    return rows


def _embed(photos: Iterable[Image.Image], network: Classifier, image_size: int) -> np.ndarray:
    """Return embeddings of opened photos, which no file holds, (C, D)."""
    pixels = np.stack([seen_whole(photo, image_size).transpose(2, 0, 1) for photo in photos])
    run = compile_network(network, image_size)
    parts = [run(pixels[at : at + AT_ONCE]) for at in range(0, len(pixels), AT_ONCE)]
    return np.concatenate(parts)


def _bits_apart(photos: list[Image.Image], known: Iterable[str]) -> np.ndarray:
    """Return in how many of 64 bits the hashes of photos and of known ones differ, (C, N)."""
    import imagehash

    asked = _numbers(imagehash.phash(photo) for photo in photos)
    return np.bitwise_count(asked[:, None] ^ _numbers(known)).astype(float)


def _numbers(hashes: Iterable) -> np.ndarray:
    return np.array([int(str(code), 16) for code in hashes], np.uint64)


def _called(
    apart: np.ndarray, alike: np.ndarray, is_pair: np.ndarray, is_first: np.ndarray
) -> dict[str, np.ndarray]:
    """Return which pairs (C, N) each of METHODS calls copies; limits rest on the first half."""
    by_bits = apart <= HASH_BITS
    by_hash = -apart >= _limit(-apart[is_first], is_pair[is_first])
    by_embedding = alike >= _limit(alike[is_first], is_pair[is_first])
    return dict(zip(METHODS, (by_hash, by_bits, by_embedding, by_bits | by_embedding)))


def _limit(score: np.ndarray, is_pair: np.ndarray) -> float:
    """Return the lowest score from which nine in ten pairs are copies."""
    from sklearn.metrics import precision_recall_curve

    share, _, limits = precision_recall_curve(is_pair.ravel(), score.ravel())
    return limits[np.argmax(share[:-1] >= PRECISION)]


def _precision(called: np.ndarray, is_pair: np.ndarray) -> float:
    """Return the share of the pairs called copies that are; nan where none is called so."""
    return float(is_pair[called].mean()) if called.any() else np.nan
