"""Species that are added later, with few photos: who names them then?"""

import numpy as np
import pandas as pd
from torch import nn

from plantlab.heads.linear import fit_linear
from plantlab.heads.posthoc import adjust, nearest_mean
from plantlab.heads.vectors import Photos
from plantlab.predictions import Predictions

HEADS = ("linear head, fitted again", "linear head, adjusted", "nearest class mean")


def deal_species(species: list[str], n_groups: int, seed: int = 0) -> list[np.ndarray]:
    """Return the species in `n_groups` groups of chance, as large as one another to within one.

    Raises:
        ValueError: fewer than two groups, or groups without a species.
    """
    if not 2 <= n_groups <= len(species):
        raise ValueError(f"n_groups must be from 2 to {len(species)}, the species; got {n_groups}")
    shuffled = np.random.default_rng(seed).permutation(species)
    return np.array_split(shuffled, n_groups)


def ask_newcomers(
    photos: Photos, n_photos: int, n_groups: int = 4, seed: int = 0
) -> dict[str, Predictions]:
    """Return what each way says of all test photos when a group of species came last.

    Every group is the last one once, so that every species is a newcomer once. Of the newcomers
    `n_photos` train photos each are known, of the others all. The ways: the most alike photo, the
    nearest class mean, the linear head fitted again to all, and that head with logits adjusted for
    how many photos a species has. `images` gets a column `added`: is the photo of a newcomer?

    Raises:
        ValueError: as of deal_species.
    """
    groups = deal_species(photos.species, n_groups, seed)
    parts = [_ask_all(photos, group, n_photos, seed + draw) for draw, group in enumerate(groups)]
    joined = {}
    for way in parts[0]:
        said = [part[way] for part in parts]
        joined[way] = _join(said)
    return joined


def known_rows(photos: Photos, newcomers: np.ndarray, n_photos: int, seed: int = 0) -> np.ndarray:
    """Return the train rows that are known: all of the old species, `n_photos` of each newcomer."""
    train = photos.images[photos.rows("train")]
    is_new = train["species"].isin(newcomers)
    shuffled = train[is_new].sample(frac=1, random_state=seed)
    few = shuffled.groupby("species").head(n_photos)
    rows = photos.images.index.get_indexer([*train.index[~is_new], *few.index])
    return np.sort(rows)


def _ask_all(
    photos: Photos, newcomers: np.ndarray, n_photos: int, seed: int
) -> dict[str, Predictions]:
    """Return what each way says of all test photos, in one draw."""
    known = known_rows(photos, newcomers, n_photos, seed)
    answers = {"kNN, k = 1": photos.ask_neighbours(known, np.flatnonzero(photos.rows("test")), 1)}
    for way, head in _heads(*photos.lesson(known)).items():
        answers[way] = photos.ask_photos(head, "test")
    added = answers["kNN, k = 1"].images["species"].isin(newcomers)
    return {way: _mark(answer, added) for way, answer in answers.items()}


def _heads(vectors: np.ndarray, targets: np.ndarray, n_species: int) -> dict[str, nn.Module]:
    """Return the heads that are fitted to what is known."""
    fitted = fit_linear(vectors, targets, n_species)
    counts = np.bincount(targets, minlength=n_species)
    heads = (fitted, adjust(fitted, counts, 1.0), nearest_mean(vectors, targets, n_species))
    return dict(zip(HEADS, heads))


def _mark(answer: Predictions, added: pd.Series) -> Predictions:
    images = answer.images.assign(added=added.to_numpy())
    return Predictions(images, answer.species, answer.probs)


def _join(answers: list[Predictions]) -> Predictions:
    """Return answers of several draws, one below the other."""
    images = pd.concat([answer.images for answer in answers], ignore_index=True)
    return Predictions(images, answers[0].species, np.concatenate([a.probs for a in answers]))
