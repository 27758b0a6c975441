"""From a trained network to an Identifier: thresholds from valid, references, a score on test."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from plantlab import __version__
from plantlab.data.photos import thumbnail
from plantlab.data.table import TableError, data_hash, data_kind, require
from plantlab.heads.linear import fit_linear, probabilities, widen
from plantlab.identify.model import Identifier
from plantlab.identify.places import CELL, learn_places
from plantlab.identify.store import halved
from plantlab.networks.backbones import Classifier
from plantlab.networks.embeddings import embed
from plantlab.networks.neighbours import Neighbours
from plantlab.predictions import Predictions, concat
from plantlab.predictions.confidence import back_off_limits, pool, pooling, temper, temperature
from plantlab.predictions.metrics import score

THUMBNAIL = 160  # pixels
PER_SPECIES = 20  # reference photos
RANKS = ("genus", "family")  # above the species
KEPT = ("sha1", "species", "organ", "author", "license", "source", "date")  # of a reference photo
MEASURES = ["top1", "top5", "mrr", "macro_top1"]
NEVER = 2.0  # as a threshold: no probability reaches it, and JSON has no infinity
PREPROCESSING = "shorter side to image_size, centre crop, RGB; normalised inside the network"


@dataclass
class Asked:
    """The photos of a split: their rows (N), embeddings (N, D), and what the network says."""

    images: pd.DataFrame
    embeddings: np.ndarray
    said: Predictions


def build(
    network: Classifier,
    species: list[str],
    images: pd.DataFrame,
    image_size: int = 128,
    licence: str = "",
    thumbnails: bool = True,
    error: float = 0.1,
    cache: str | Path | None = None,
) -> Identifier:
    """Return an Identifier of a trained network: thresholds are set on valid, test is scored once.

    Args:
        network: from create_network, so that its `weights` name the backbone.
        species: K names in the head's order.
        images: with train, valid and test; as inspection.set_aside returns it.
        licence: of the photographs, for the model card.
        thumbnails: False keeps no photograph, only embeddings.
        error: share of wrong answers allowed at each rank, see confidence.back_off_limits, where
            one question in six is about a species that was not learnt.
        cache: of embeddings.embed.
    Raises:
        TableError: no train or no valid rows.
    Introduced in notebook 08.
    """
    network = _rounded(network)
    asked = {}
    for split, rows in _by_split(images).items():
        asked[split] = _ask(network, species, rows, image_size, cache)
    train = asked["train"]
    valid = asked["valid"]
    heat = temperature(valid.said)
    for part in asked.values():
        part.said = temper(part.said, heat)
    taxonomy = _taxonomy(images, species)
    power = pooling(valid.said)
    known = _plants(valid.said, power)
    strangers = _plants(_strangers(train, valid), power)
    references, arrays = _references(train, thumbnails)
    organs, organ_head = _learn_organs(train, valid)
    card = {
        "format": 1,
        "plantlab": __version__,
        **_about_network(network, image_size),
        **_about_images(images, licence),
        "temperature": heat,
        "pooling": power,
        **_limits(known, strangers, taxonomy, error),
        "strange": _strange(arrays["embeddings"], valid.embeddings),
        "organs": organs,
        "scores": _scores(asked["test"].said) if "test" in asked else {},
        "date": datetime.now(UTC).date().isoformat(),
    }
    model = Identifier(network, card, taxonomy, references, arrays | organ_head)
    return _with_places(model, train.images, known, strangers, error)


def _ask(
    network: Classifier,
    species: list[str],
    rows: pd.DataFrame,
    image_size: int,
    cache: str | Path | None,
) -> Asked:
    """Return what a network says of the photos of a split."""
    embeddings = embed(rows, network, image_size, cache=cache)
    said = Predictions(rows, species, probabilities(network.head, embeddings))
    return Asked(rows, embeddings, said)


def _with_places(
    model: Identifier,
    learnt: pd.DataFrame,
    known: Predictions,
    strangers: Predictions,
    error: float,
) -> Identifier:
    """Return the model, told where its plants grow and how sure it must be there."""
    places = learn_places(learnt, known)
    if places is None:
        return model
    model.prior, settings = places
    there = [model.prior.weigh(said, settings, CELL) for said in (known, strangers)]
    model.card["prior"] = settings.to_dict()
    model.card["prior_limits"] = _limits(*there, model.taxonomy, error)["limits"]
    return model


def _by_split(images: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of each split, numbered from 0.

    Raises:
        TableError: no train or no valid rows.
    """
    require(images, "species", "split")
    parts = {}
    for split, rows in images.groupby("split"):
        parts[split] = rows.reset_index(drop=True)
    missing = {"train", "valid"} - set(parts)
    if missing:
        raise TableError(
            f"no image's split is {min(missing)}; thresholds need it. "
            "Use splits.complete_splits(images)."
        )
    return parts


def _rounded(network: Classifier) -> Classifier:
    """Return the network with the weights that its file will hold, which thresholds shall fit."""
    state = {}
    for name, tensor in network.state_dict().items():
        kept = halved(tensor.cpu().numpy())
        state[name] = torch.from_numpy(kept).to(tensor)
    network.load_state_dict(state)
    return network.eval()


def _taxonomy(images: pd.DataFrame, species: list[str]) -> pd.DataFrame:
    """Return a row a species, in the head's order: its genus and family, and its train photos."""
    known = images.dropna(subset="species").drop_duplicates("species").set_index("species")
    told = [rank for rank in RANKS if rank in images and images[rank].notna().any()]
    taxonomy = known.reindex(species)[told].reset_index()
    learnt = images.loc[images["split"] == "train", "species"].value_counts()
    taxonomy["n_images"] = taxonomy["species"].map(learnt)
    return taxonomy


def _references(train: Asked, thumbnails: bool) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Return the photos kept to be compared with, a row each, and their embeddings float16."""
    rows = _typical(train, PER_SPECIES)
    chosen = train.images.iloc[rows].reset_index(drop=True)
    pictures = [None] * len(chosen)
    if thumbnails:
        pictures = [thumbnail(path, THUMBNAIL) for path in chosen["image_path"]]
    references = chosen[[column for column in KEPT if column in chosen]]
    references = references.assign(thumbnail=pd.Series(pictures, dtype=object))
    return references, {"embeddings": train.embeddings[rows].astype(np.float16)}


def _typical(train: Asked, n: int) -> np.ndarray:
    """Return the rows of the `n` photos of each species that lie nearest to its mean."""
    kept = []
    for rows in train.images.groupby("species").indices.values():
        own = train.embeddings[rows]  # (photos, D)
        away = np.linalg.norm(own - own.mean(0), axis=1)
        nearest = np.argsort(away, kind="stable")[:n]
        kept.append(rows[nearest])
    return np.sort(np.concatenate(kept))


def _about_network(network: Classifier, image_size: int) -> dict:
    return {
        "backbone": network.weights["backbone"],
        "weights": dict(network.weights),
        "relu6": any(isinstance(layer, nn.ReLU6) for layer in network.modules()),
        "image_size": image_size,
        "preprocessing": PREPROCESSING,
    }


def _about_images(images: pd.DataFrame, licence: str) -> dict:
    counts = images["split"].value_counts().sort_index()
    return {
        "kind": data_kind(images),
        "data": images.attrs.get("name", "images"),
        "hash": data_hash(images),
        "licence": licence,
        "n_images": {split: int(count) for split, count in counts.items()},
    }


def _limits(
    known: Predictions, strangers: Predictions, taxonomy: pd.DataFrame, error: float
) -> dict:
    """Return how sure an answer must be at each rank, and what that was set on.

    Args:
        known: plants of valid. strangers: plants of species that were not learnt.
    """
    limits = back_off_limits(concat([known, strangers]), taxonomy, error)
    trusting = back_off_limits(known, taxonomy, error)
    return {
        "limits": {rank: min(limit, NEVER) for rank, limit in limits.items()},
        "limits_without_strangers": {rank: min(limit, NEVER) for rank, limit in trusting.items()},
        "error": error,
        "strangers": len(strangers),
    }


def _plants(said: Predictions, power: float) -> Predictions:
    """Return what is said of each plant, as an Identifier fuses its photos."""
    if "obs_id" not in said.images:
        return said
    return pool(said.by_observation("product"), power)


def _strangers(train: Asked, valid: Asked, seed: int = 0) -> Predictions:
    """Return what a head says of photos of species that it never met.

    They are the valid photos of a fifth of the species. Thresholds that are set on them and on all
    of valid are kept also where one question in six is about a plant that was not learnt.
    """
    species = np.array(valid.said.species)
    n_species = len(species)
    drawn = np.random.default_rng(seed).permutation(n_species)
    strange = drawn < n_species // 5  # (K,)
    met = species[~strange]
    learnt = train.images["species"]
    rows = ~learnt.isin(species[strange]).to_numpy()
    targets = pd.Index(met).get_indexer(learnt[rows])
    head = fit_linear(train.embeddings[rows], targets, len(met))
    head = widen(head, np.flatnonzero(~strange), n_species)

    said = Predictions(valid.images, species, probabilities(head, valid.embeddings))
    strangers = valid.images["species"].isin(species[strange]).to_numpy()
    heat = temperature(said.select(~strangers))
    return temper(said.select(strangers), heat)


def _strange(references: np.ndarray, valid: np.ndarray) -> float:
    """Return how unlike the references a photo must be to be called so: one in 100 of valid is."""
    near = Neighbours(references.astype(np.float32))
    return float(np.quantile(near.strangeness(valid), 0.99))


def _learn_organs(train: Asked, valid: Asked) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Return what a photo of each organ counts, and a head that tells them apart, as arrays.

    It counts by its top-1 on valid, as a multiple of the organs' mean. Both are empty where fewer
    than two organs are known.
    """
    organs = train.images.get("organ", pd.Series(dtype=object))
    names = sorted(set(organs.dropna()) - {""})
    if len(names) < 2 or valid.images["organ"].isna().all():
        return {}, {}
    rows = organs.isin(names).to_numpy()
    targets = pd.Index(names).get_indexer(organs[rows])
    head = fit_linear(train.embeddings[rows], targets, len(names))
    right = pd.Series(valid.said.right())
    shares = right.groupby(valid.images["organ"]).mean()
    usual = shares.mean()
    weights = {}
    for name in names:
        weights[name] = round(float(shares.get(name, usual) / usual), 3)
    return weights, {
        "organ_weight": head.weight.detach().numpy(),
        "organ_bias": head.bias.detach().numpy(),
    }


def _scores(test: Predictions) -> dict:
    """Return the scores on test with their intervals, as JSON holds them."""
    row = score(test, measures=MEASURES).round(4).iloc[0]
    return {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in row.items()
    }
