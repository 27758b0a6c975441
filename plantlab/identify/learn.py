"""From photographs to an Identifier: frozen and in two steps, the better on valid."""

from pathlib import Path

import pandas as pd
from fastai.callback.progress import ProgressCallback

from plantlab.heads.linear import probabilities
from plantlab.identify.build import build
from plantlab.identify.model import Identifier
from plantlab.networks.backbones import DEFAULT, create_network
from plantlab.networks.batches import loaders
from plantlab.networks.embeddings import embed
from plantlab.training.learner import fit, usual
from plantlab.training.recipe import fit_head


def learn(
    images: pd.DataFrame, backbone: str = DEFAULT, image_size: int = 128, epochs: int = 12, lr: float = 5e-4,
    weights: str = "auto", seed: int = 0, checkpoint: str | Path | None = None, **options,
) -> Identifier:  # fmt: skip
    """Return an Identifier of photos with train, valid and test: frozen and two-step, the better on valid.

    Args:
        epochs: of step two; 0 leaves the body frozen, which takes seconds. options: those of `build`.
    """
    valid, tried = images[images["split"] == "valid"].reset_index(drop=True), {}
    for method in ("frozen", "two-step")[: 1 + bool(epochs)]:
        network = create_network(backbone, weights=weights, seed=seed)
        cache = "data/cache/embeddings"
        species = fit_head(network, images, image_size, 1.0, cache=cache)
        if method == "two-step":
            cache = None  # a body that was trained is this run's alone
            dls = loaders(images, image_size, seed=seed)
            shown = [*usual(), ProgressCallback()]
            fit(network, dls, epochs, lr, cbs=shown, checkpoint=checkpoint)
        said = probabilities(network.head, embed(valid, network, image_size, cache=cache))
        right = said.argmax(1) == pd.Index(species).get_indexer(valid["species"])
        tried[method] = (right.mean(), network, species)
        print(f"{method}: {right.mean():.3f} of {len(valid)} valid photos named right")
    best = max(tried, key=lambda method: tried[method][0])
    options |= {"cache": "data/cache/embeddings"} if best == "frozen" else {}
    model = build(*tried[best][1:], images, backbone, image_size, **options)
    model.card["method"] = best
    return model
