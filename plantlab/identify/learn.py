"""From photographs to an Identifier: frozen and in two steps, the better on valid."""

from pathlib import Path

import pandas as pd

from plantlab.identify.build import build
from plantlab.identify.model import Identifier
from plantlab.networks.backbones import DEFAULT
from plantlab.training.recipe import predict, train

PENALTY = 1.0


def learn(
    images: pd.DataFrame,
    backbone: str = DEFAULT,
    image_size: int = 128,
    epochs: int = 12,
    lr: float = 5e-4,
    weights: str = "auto",
    seed: int = 0,
    checkpoint: str | Path | None = None,
    **options,
) -> Identifier:
    """Return an Identifier of photos with train, valid and test, frozen or trained in two steps.

    Both are tried, and the better on valid is kept.

    Args:
        epochs: of step two; 0 leaves the body frozen, which takes seconds.
        options: those of `build`.
    """
    valid = images[images["split"] == "valid"].reset_index(drop=True)
    methods = ["frozen", "two-step"] if epochs else ["frozen"]
    networks = {}
    shares = {}  # of valid photos named right
    for method in methods:
        network, species, _ = train(
            images,
            method,
            backbone,
            weights,
            image_size,
            penalty=PENALTY,
            seed=seed,
            epochs=epochs,
            lr=lr,
            checkpoint=checkpoint,
            progress=True,
        )
        said = predict(network, species, valid, image_size, cache=_cache(method))
        share = said.right().mean()
        print(f"{method}: {share:.3f} of {len(valid)} valid photos named right")
        networks[method] = network
        shares[method] = share
    best = max(methods, key=shares.get)
    model = build(networks[best], species, images, image_size, cache=_cache(best), **options)
    model.card["method"] = best
    return model


def _cache(method: str) -> str | None:
    """Return where embeddings are kept; those of a body that was trained are this run's alone."""
    return "data/cache/embeddings" if method == "frozen" else None
