"""Three ways to train one network: from scratch, its head alone, or in two steps; and to ask it."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
from fastai.callback.progress import ProgressCallback

from plantlab.heads.linear import fit_linear, probabilities
from plantlab.networks.backbones import Classifier, create_network
from plantlab.networks.batches import loaders, rows_to_learn
from plantlab.networks.embeddings import embed
from plantlab.networks.parallel import is_first
from plantlab.predictions import Predictions, fuse
from plantlab.training.learner import fit, usual
from plantlab.training.memory import memory_needed


def fit_head(
    network: Classifier,
    images: pd.DataFrame,
    image_size: int = 128,
    penalty: float = 3.0,
    views: tuple[str, ...] = ("plain",),
    cache: str | Path | None = "data/cache/embeddings",
    progress: bool = False,
    target: str = "species",
) -> list[str]:
    """Fit the head alone on cached embeddings of the train rows; return its species.

    It is put on `network`. Step one of two-step fine-tuning, without the epochs: the body is
    frozen, so its embeddings are computed once and the head is solved for.

    Args:
        views: each adds one embedding of every photo to learn from.
        target: the column to learn, such as "organ"; rows without it are left out.
    Raises:
        TableError: no train rows, or no `target` or `split`.
    """
    train, names = rows_to_learn(images, target)
    codes = pd.Index(names).get_indexer(train[target])  # (N,)
    rows = []
    for view in views:
        rows.append(embed(train, network, image_size, view, cache, progress=progress))
    embeddings = np.concatenate(rows)  # (views x N, D)
    targets = np.tile(codes, len(views))
    head = fit_linear(embeddings, targets, len(names), penalty)
    network.head = head.to(network.mean.device)
    network.species = names
    network.image_size = image_size
    network.views = tuple(views)
    return names


def predict(
    network: Classifier,
    species: list[str] | None,
    images: pd.DataFrame,
    image_size: int | None = None,
    views: tuple[str, ...] | None = None,
    batch_size: int = 32,
    cache: str | Path | None = None,
) -> Predictions:
    """Return Predictions for every row of the table, in its order.

    Several `views` of a photo are averaged.

    Args:
        species: the head's species in column order, as fit_head or `learn.dls.vocab` gave them.
            None takes those that the network carries; so do `image_size` and `views`.
        cache: the folder of `embeddings.embed`: what lies there is not computed again, also under
            another head.
    Raises:
        ValueError: as many species as the head has outputs are needed.
    """
    if species is None:
        species = network.species or []
    n_outputs = network.n_outputs
    if n_outputs != len(species):
        raise ValueError(f"{len(species)} species, but the head has {n_outputs or 'no'} outputs")
    size = image_size or network.image_size or 128
    network.eval()
    answers = []
    for view in views or network.views or ("plain",):
        embeddings = embed(images, network, size, view, cache, batch_size)
        probs = probabilities(network.head, embeddings)
        answers.append(Predictions(images, list(species), probs))
    return fuse(answers)


def predict_views(
    network: Classifier,
    images: pd.DataFrame,
    views: tuple[str, ...],
    cache: str | Path | None = None,
) -> dict[str, Predictions]:
    """Return what a trained network says of every row, by view: to be fused in any way.

    Args:
        cache: as in `predict`.
    Introduced in notebook 03.
    """
    return {view: predict(network, None, images, views=(view,), cache=cache) for view in views}


METHODS = ("from scratch", "frozen", "two-step")

OF_LOADERS = ("batch_size", "augment", "n_workers", "parts")


def train(
    images: pd.DataFrame,
    method: str,
    backbone: str,
    weights: str = "auto",
    image_size: int = 128,
    views: tuple[str, ...] = ("plain",),
    seed: int = 0,
    target: str = "species",
    **options: object,
) -> tuple[Classifier, list[str], dict]:
    """Return a network trained by one of METHODS, its species in column order, and what that cost.

    "from scratch": random weights, all layers (`fit`). "frozen": `weights`, the head alone
    (`fit_head`). "two-step": the same, then all layers. The cost holds seconds and memory_mib (see
    memory_needed); `fit`'s Learner is in it as `learn`.
    Introduced in notebook 02.

    Args:
        views: those that the head alone learns from.
        target: the column to learn, such as "organ".
        options: penalty, of `fit_head`; batch_size, augment, n_workers and parts, of
            `batches.loaders`; epochs, lr, body_lr, loss, cbs and checkpoint, of `fit`; progress,
            True shows epochs.
    Raises:
        ValueError: an unknown method; and what create_network, fit_head, loaders and fit raise.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}; got {method!r}")
    started = time.perf_counter()
    start = "none" if method == "from scratch" else weights
    network = create_network(backbone, weights=start, seed=seed)
    batch_size = options.get("batch_size", 32)
    cost = {"memory_mib": memory_needed(network, image_size, batch_size, method != "frozen")}
    penalty = options.pop("penalty", 3.0)
    if method != "from scratch":
        fit_head(network, images, image_size, penalty, views, target=target)
    if method != "frozen":
        loading = {name: options.pop(name) for name in OF_LOADERS if name in options}
        dls = loaders(images, image_size, seed=seed, target=target, **loading)
        cost["learn"] = fit(network, dls, **_shown(options))
    cost["seconds"] = time.perf_counter() - started
    return network, network.species, cost


def _shown(options: dict) -> dict:
    """Return the options of `fit`, in which `progress` is fastai's callback."""
    callbacks = options.pop("cbs", None)
    callbacks = usual() if callbacks is None else list(callbacks)
    if options.pop("progress", False) and is_first():
        callbacks.append(ProgressCallback())
    return options | {"cbs": callbacks}
