"""From a trained network to an Identifier: every threshold set on valid, reference photos kept, test scored once."""

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
from plantlab.identify.store import halved
from plantlab.networks.backbones import Classifier
from plantlab.networks.embeddings import embed
from plantlab.networks.neighbours import Neighbours
from plantlab.predictions import Predictions
from plantlab.predictions.confidence import back_off_limits, temper, temperature
from plantlab.predictions.metrics import score

THUMBNAIL = 160  # pixels


def build(
    network: Classifier,
    species: list[str],
    images: pd.DataFrame,
    backbone: str,
    image_size: int = 128,
    licence: str = "",
    thumbnails: bool = True,
    per_species: int = 20,
    error: float = 0.1,
    cache: str | Path | None = None,
) -> Identifier:
    """Return an Identifier of a trained network: thresholds are set on valid, and test is scored once.

    Args:
        species: K names in the head's order. images: with train, valid and test; as photos.set_aside returns it.
        licence: of the photographs, for the model card.
        thumbnails: False keeps no photograph, only embeddings.
        per_species: reference photos of each species, those nearest to its mean.
        error: share of wrong answers allowed at each rank, see answers.back_off_limits, where one question in six is
            about a species that was not learnt. cache: of backbones.embed.
    Raises:
        TableError: no train or no valid rows.
    Introduced in notebook 08.
    """
    require(images, "species", "split")
    network = _rounded(network)
    parts = {split: rows.reset_index(drop=True) for split, rows in images.groupby("split")}
    if missing := {"train", "valid"} - set(parts):
        raise TableError(
            f"no image's split is {min(missing)}; thresholds need it. Use table.complete_splits(images)."
        )
    ranks = [c for c in ("genus", "family") if c in images and images[c].notna().any()]
    taxonomy = images.dropna(subset="species").drop_duplicates("species").set_index("species")
    taxonomy = taxonomy.reindex(species)[ranks].reset_index()
    taxonomy["n_images"] = taxonomy["species"].map(parts["train"]["species"].value_counts())
    found = {split: embed(rows, network, image_size, cache=cache) for split, rows in parts.items()}
    said = {
        split: Predictions(parts[split], species, probabilities(network.head, found[split]))
        for split in parts
    }
    heat = temperature(said["valid"])
    said = {split: temper(each, heat) for split, each in said.items()}
    questions = _with_strangers(said["valid"], found, parts["train"]["species"])
    rows = _typical(found["train"], parts["train"]["species"].to_numpy(), per_species)
    arrays = {"embeddings": found["train"][rows].astype(np.float16)}
    near = Neighbours(arrays["embeddings"].astype(np.float32))
    references = parts["train"].iloc[rows].reset_index(drop=True)
    kept = [
        c for c in ("sha1", "species", "organ", "author", "license", "source") if c in references
    ]
    pictures = [
        thumbnail(path, THUMBNAIL) if thumbnails else None for path in references["image_path"]
    ]
    references = references[kept].assign(thumbnail=pd.Series(pictures, dtype=object))
    weights, head = _learn_organs(parts, found, said["valid"])
    measures = ["top1", "top5", "mrr", "macro_top1"]
    scores = (
        score(said["test"], measures=measures).round(4).iloc[0].to_dict() if "test" in said else {}
    )
    card = {
        "format": 1,
        "plantlab": __version__,
        "backbone": backbone,
        "relu6": any(isinstance(m, nn.ReLU6) for m in network.modules()),
        "image_size": image_size,
        "preprocessing": "shorter side to image_size, centre crop, RGB; normalised inside the network",
        "kind": data_kind(images),
        "data": images.attrs.get("name", "images"),
        "hash": data_hash(images),
        "licence": licence,
        "n_images": {split: len(rows) for split, rows in parts.items()},
        "temperature": heat,
        "limits": {
            k: min(v, 2.0) for k, v in back_off_limits(questions, taxonomy, error).items()
        },  # 2: never
        "error": error,
        "strangers": len(questions) - len(said["valid"]),
        "strange": float(np.quantile(near.strangeness(found["valid"]), 0.99)),
        "organs": weights,
        "scores": {k: v.item() if isinstance(v, np.generic) else v for k, v in scores.items()},
        "date": datetime.now(UTC).date().isoformat(),
    }
    return Identifier(network, card, taxonomy, references, arrays | head)


def _rounded(network: Classifier) -> Classifier:
    """Return the network with weights as the file will hold them, so that thresholds fit what is loaded."""
    state = {
        n: torch.from_numpy(halved(t.cpu().numpy())).to(t) for n, t in network.state_dict().items()
    }
    network.load_state_dict(state)
    return network.eval()


def _with_strangers(
    valid: Predictions, found: dict, learnt: pd.Series, seed: int = 0
) -> Predictions:
    """Return `valid` and, added to it, what a head that never met a fifth of the species says of their valid photos.

    Thresholds that are set on both are kept also where one question in six is about a plant that was not learnt.
    """
    names, n = np.array(valid.species), len(valid.species)
    strange = np.random.default_rng(seed).permutation(n) < n // 5
    known, (rows, asked) = (
        names[~strange],
        (~np.isin(s, names[strange]) for s in (learnt, valid.images["species"])),
    )
    head = fit_linear(found["train"][rows], pd.Index(known).get_indexer(learnt[rows]), len(known))
    probs = probabilities(widen(head, np.flatnonzero(~strange), n), found["valid"])
    heat = temperature(Predictions(valid.images[asked], valid.species, probs[asked]))
    said = temper(Predictions(valid.images[~asked], valid.species, probs[~asked]), heat)
    return Predictions(
        pd.concat([valid.images, said.images]),
        valid.species,
        np.concatenate([valid.probs, said.probs]),
    )


def _typical(embeddings: np.ndarray, species: np.ndarray, n: int) -> np.ndarray:
    """Return the rows of the `n` photos of each species that lie nearest to its mean."""
    kept = []
    for rows in pd.Series(species).groupby(species).indices.values():
        away = np.linalg.norm(embeddings[rows] - embeddings[rows].mean(0), axis=1)
        kept.append(rows[np.argsort(away, kind="stable")[:n]])
    return np.sort(np.concatenate(kept))


def _learn_organs(
    parts: dict, found: dict, valid: Predictions
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Return what a photo of each organ counts (its valid top-1 over all photos'), and a head that tells them apart."""
    organs = parts["train"].get("organ", pd.Series(dtype=object))
    names = sorted(set(organs.dropna()) - {""})
    if len(names) < 2 or valid.images["organ"].isna().all():
        return {}, {}
    rows = organs.isin(names).to_numpy()
    head = fit_linear(found["train"][rows], pd.Index(names).get_indexer(organs[rows]), len(names))
    right = (
        pd.Series(valid.probs.argmax(1) == valid.targets)
        .groupby(valid.images["organ"].to_numpy())
        .mean()
    )
    weights = {
        name: round(float(right.get(name, right.mean()) / right.mean()), 3) for name in names
    }
    return weights, {
        "organ_weight": head.weight.detach().numpy(),
        "organ_bias": head.bias.detach().numpy(),
    }
