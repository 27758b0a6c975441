"""A head that learns organ and species together: its classes are the *looks*, pairs of both.

A rose in flower and a rose in leaf have little in common, and one linear rule must catch both. The
joint head has a rule for each and adds up what they say. Introduced in notebook 06.
"""

from pathlib import Path

import pandas as pd

from plantlab.data.table import require
from plantlab.networks.backbones import Classifier
from plantlab.predictions import Predictions
from plantlab.training.recipe import fit_head, predict

BETWEEN = " | "  # species and organ, in the name of a look

TARGETS = ("species", "organ")


def with_looks(images: pd.DataFrame) -> pd.DataFrame:
    """Return `images` with a column `look`: the species and the organ, which may be unknown."""
    require(images, *TARGETS)
    organ = images["organ"].fillna("").replace("", "unknown")
    return images.assign(look=images["species"] + BETWEEN + organ)


def fit_joint(
    network: Classifier,
    images: pd.DataFrame,
    image_size: int = 128,
    penalty: float = 3.0,
    cache: str | Path | None = "data/cache/embeddings",
) -> list[str]:
    """Fit the head to the looks of the train rows and return their names; see fit_head.

    Raises:
        TableError: no train rows, or no `species`, `organ` or `split`.
    """
    looks = with_looks(images)
    return fit_head(network, looks, image_size, penalty, cache=cache, target="look")


def predict_joint(
    network: Classifier, images: pd.DataFrame, target: str = "species", **options: object
) -> Predictions:
    """Return what a joint head says of the species, or of the organ, of each image.

    P(species) is the sum of P(species, organ) over the organs, and the other way round.

    Args:
        target: species or organ; the column of `images` that is the truth.
        options: of `predict`: image_size, views, batch_size and cache.
    Raises:
        ValueError: another target, or a head that was not fitted by fit_joint.
    Source: PlantCLEF 2017, team UM, whose network had organ and species layers.
    """
    if target not in TARGETS:
        raise ValueError(f"target must be species or organ; got {target!r}")
    answers = predict(network, None, images, **options)
    parts = [look.rsplit(BETWEEN, 1) for look in answers.species]
    if any(len(each) != 2 for each in parts):
        raise ValueError("the head does not know looks; fit it by fit_joint.")
    names = [each[TARGETS.index(target)] for each in parts]
    truth = images.assign(species=images[target])
    return answers.about(truth).gathered(names)


def fit_and_ask(
    network: Classifier,
    learnt: pd.DataFrame,
    asked: pd.DataFrame,
    image_size: int = 128,
    penalty: float = 3.0,
    pairs: bool = False,
    views: tuple[str, ...] = ("plain",),
    cache: str | Path | None = "data/cache/embeddings",
) -> Predictions:
    """Fit a head to the train rows of `learnt` and return what it says of the species of `asked`.

    Args:
        pairs: the head learns organ and species together (`fit_joint`), else species alone.
        views: of the photos asked about, averaged; plain ones are learnt from.
    """
    fit = fit_joint if pairs else fit_head
    ask = predict_joint if pairs else _predict_species
    fit(network, learnt, image_size, penalty, cache=cache)
    return ask(network, asked, image_size=image_size, views=tuple(views), cache=cache)


def _predict_species(network: Classifier, images: pd.DataFrame, **options: object) -> Predictions:
    return predict(network, None, images, **options)
