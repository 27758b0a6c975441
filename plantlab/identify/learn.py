"""From photographs to an Identifier: frozen and in two steps, the better on valid."""

import copy
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from fastai.callback.core import Callback

from plantlab.heads.linear import fit_linear
from plantlab.identify.build import build
from plantlab.identify.model import Identifier
from plantlab.networks.backbones import DEFAULT
from plantlab.networks.embeddings import embed
from plantlab.networks.parallel import from_first
from plantlab.training.checkpoint import Checkpoint
from plantlab.training.learner import usual
from plantlab.training.recipe import predict, train

PENALTY = 1.0
RATE = 5e-4  # of step two, at its peak


def learn(
    images: pd.DataFrame,
    backbone: str = DEFAULT,
    image_size: int = 128,
    epochs: int = 12,
    weights: str = "auto",
    seed: int = 0,
    checkpoint: str | Path | None = None,
    cbs: Iterable[Callback] = (),
    **options,
) -> Identifier:
    """Return an Identifier of photos with train, valid and test, frozen or trained in two steps.

    Both are tried, and the better on valid is kept.

    Args:
        epochs: of step two; 0 leaves the body frozen, which takes seconds.
        checkpoint: as of fit, but kept: delete it when the model that is returned has been saved.
        cbs: fastai callbacks besides the usual ones, such as one that tells how far it is.
        options: those of `build`; and batch_size and parts, of batches.loaders.
    """
    loading = {name: options.pop(name) for name in ("batch_size", "parts") if name in options}
    valid = images[images["split"] == "valid"].reset_index(drop=True)
    methods = ["frozen", "two-step"] if epochs else ["frozen"]
    networks = {}
    shares = {}  # of valid photos named right
    teach = partial(train, backbone=backbone, weights=weights, image_size=image_size, seed=seed)
    kept = None if checkpoint is None else Checkpoint(checkpoint, keep=True)
    how = {"epochs": epochs, "lr": RATE, "checkpoint": kept, "cbs": [*usual(), *cbs]}
    for method in methods:
        network, species, _ = teach(
            images, method, penalty=PENALTY, progress=True, **how, **loading
        )
        said = predict(network, species, valid, image_size, cache=_cache(method))
        networks[method] = network
        shares[method] = said.right().mean()
        print(f"{method}: {shares[method]:.3f} of {len(valid)} valid photos named right")
    best = from_first(partial(max, methods, key=shares.get))
    model = build(networks[best], species, images, image_size, cache=_cache(best), **options)
    model.card["method"] = best
    return model


def learn_more(
    model: Identifier, images: pd.DataFrame, species: Sequence[str], found: np.ndarray
) -> Identifier:
    """Return an Identifier with the same body, whose head has learnt from more than photos.

    Such as plants cut out of plots. Thresholds are set anew on valid.

    Args:
        images: what `model` was learnt from, with train, valid and test.
        species, found: a name and an embedding (N, D) of each, as `see` returns them.
    Raises:
        ValueError: a species that the model does not know.
    """
    learnt = images[images["split"] == "train"].dropna(subset="species")
    network = copy.deepcopy(model.network)
    seen = embed(learnt, network, model.image_size, cache=_cache("frozen"))
    targets = pd.Index(model.species).get_indexer([*learnt["species"], *species])
    if (targets < 0).any():
        unknown = sorted(set(species) - set(model.species))
        raise ValueError(f"this model does not know {', '.join(unknown[:5])}; leave them out.")
    both = np.concatenate([seen, found])
    network.head = fit_linear(both, targets, len(model.species), PENALTY)
    return build(network, model.species, images, model.image_size, cache=_cache("frozen"))


def _cache(method: str) -> str | None:
    """Return where embeddings are kept; those of a body that was trained are this run's alone."""
    return "data/cache/embeddings" if method == "frozen" else None
