"""Three ways to train one network: from scratch, its head alone, or in two steps; and to ask it."""

import time
from pathlib import Path

import fastai.callback.progress  # noqa: F401  gives Learner no_bar
import fastai.callback.schedule  # noqa: F401  gives Learner fit_one_cycle
import numpy as np
import pandas as pd

from plantlab.data.table import TableError, require
from plantlab.heads.linear import fit_linear, probabilities
from plantlab.networks.backbones import Classifier, create_network
from plantlab.networks.embeddings import embed
from plantlab.predictions import Predictions, fuse
from plantlab.training.learner import fit
from plantlab.training.memory import memory_needed


def fit_head(
    network: Classifier,
    images: pd.DataFrame,
    image_size: int = 128,
    penalty: float = 3.0,
    views: tuple[str, ...] = ("plain",),
    cache: str | Path | None = "data/cache/embeddings",
    progress: bool = False,
) -> list[str]:
    """Fit the head alone on cached embeddings of the train rows, put it on `network`; return its species.

    Step one of two-step fine-tuning, without the epochs: the body is frozen, so its embeddings are computed
    once and the head is solved for.

    Args:
        views: each adds one embedding of every photo to learn from.
    Raises:
        TableError: no train rows, or no `species` or `split`.
    """
    require(images, "species", "split")
    train = images[images["split"] == "train"]
    if train.empty:
        raise TableError(
            "no rows to train on: split holds no 'train'. Use table.complete_splits(images)."
        )
    species = sorted(train["species"].unique())
    rows = [embed(train, network, image_size, view, cache, progress=progress) for view in views]
    targets = np.tile(pd.Index(species).get_indexer(train["species"]), len(views))
    device = network.mean.device
    network.head = fit_linear(np.concatenate(rows), targets, len(species), penalty).to(device)
    return species


def predict(
    network: Classifier,
    species: list[str],
    images: pd.DataFrame,
    image_size: int = 128,
    views: tuple[str, ...] = ("plain",),
    batch_size: int = 32,
    cache: str | Path | None = None,
) -> Predictions:
    """Return Predictions for every row of the table, in its order; several `views` of a photo are averaged.

    Args:
        species: the head's species in column order, as fit_head or `learn.dls.vocab` gave them.
        cache: the folder of `backbones.embed`: what lies there is not computed again, also under another head.
    Raises:
        ValueError: as many species as the head has outputs are needed.
    """
    if (outputs := getattr(network.head, "out_features", "no")) != len(species):
        raise ValueError(f"{len(species)} species, but the head has {outputs} outputs")
    network.eval()
    rows = (embed(images, network, image_size, view, cache, batch_size) for view in views)
    return fuse(
        Predictions(images, list(species), probabilities(network.head, each)) for each in rows
    )


METHODS = ("from scratch", "frozen", "two-step")


def train(
    images: pd.DataFrame,
    method: str,
    backbone: str,
    weights: str = "auto",
    image_size: int = 128,
    penalty: float = 3.0,
    views: tuple[str, ...] = ("plain",),
    seed: int = 0,
    **options,
) -> tuple[Classifier, list[str], dict]:
    """Return a network trained by one of METHODS, its species in column order, and what that cost.

    "from scratch": random weights, all layers (`fit`). "frozen": `weights`, the head alone (`fit_head`). "two-step":
    the same, then all layers. The cost holds seconds and memory_mib (see memory_needed); `fit`'s Learner is in it as
    `learn`.
    Introduced in notebook 02.

    Args:
        options: those of `fit`, such as epochs, lr, augment, checkpoint, progress.
    Raises:
        ValueError: an unknown method; and what create_network, fit_head and fit raise.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}; got {method!r}")
    started = time.perf_counter()
    network = create_network(
        backbone, weights="none" if method == "from scratch" else weights, seed=seed
    )
    cost = {
        "memory_mib": memory_needed(
            network, image_size, options.get("batch_size", 32), method != "frozen"
        )
    }
    if method != "from scratch":
        species = fit_head(network, images, image_size, penalty, views)
    if method != "frozen":
        cost["learn"] = fit(network, images, image_size=image_size, seed=seed, **options)
        species = cost["learn"].dls.vocab
    return network, species, cost | {"seconds": time.perf_counter() - started}
