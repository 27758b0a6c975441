"""Predictions: for each image a probability for each species, and the ways to look at them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from plantlab.data.table import observations, require
from plantlab.files import write_whole
from plantlab.predictions.rules import join_photos


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a classifier says of each image: `images` (N rows), `species` (K names), `probs` (N, K).

    Probabilities are float32. Whoever only asks for answers (`best`, `named`, `confidence`,
    `right`, `ranks`, `top`) does not depend on how they are held.

    Raises:
        ValueError: shapes that do not fit, a species named twice, rows that do not sum to 1.

    >>> images = pd.DataFrame({"image_path": ["a.jpg"], "species": ["Rosa alba"]})
    >>> Predictions(images, ["Bellis minor", "Rosa alba"], [[0.2, 0.8]]).top(1)
      image_path  rank    species  score
    0      a.jpg     1  Rosa alba    0.8
    """

    images: pd.DataFrame
    species: tuple[str, ...]
    probs: np.ndarray

    def __post_init__(self) -> None:
        put = object.__setattr__  # the dataclass is frozen; here alone its fields are put in order
        put(self, "images", self.images.reset_index(drop=True))
        put(self, "species", tuple(map(str, self.species)))
        put(self, "probs", np.asarray(self.probs, dtype=np.float32))
        _check_columns(self.images, self.species, self.probs)
        _check_rows(self.probs)

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"Predictions({len(self)} images, {len(self.species)} species)"

    @cached_property
    def targets(self) -> np.ndarray:
        """The column of each image's true species, (N,); -1 where it is not among `species`."""
        require(self.images, "species")
        return pd.Index(self.species).get_indexer(self.images["species"])

    def knows_top(self, k: int) -> bool:
        """Return whether the k best names are known: they are, of any k."""
        return k >= 1

    @property
    def are_probabilities(self) -> bool:
        """Whether the scores are probabilities: they are."""
        return True

    def best(self, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Return the `k` best species of each image, best first: their columns and probabilities.

        Both are (N, k), or (N, K) where there are fewer species. Of a tie the first column leads.

        >>> images = pd.DataFrame({"image_path": ["a.jpg"]})
        >>> columns, scores = Predictions(images, ["x", "y", "z"], [[0.25, 0.5, 0.25]]).best(2)
        >>> columns.tolist(), scores.tolist()
        ([[1, 0]], [[0.5, 0.25]])
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, such as 5; got {k}")
        order = np.argsort(-self.probs, axis=1, kind="stable")
        columns = order[:, :k]
        return columns, np.take_along_axis(self.probs, columns, axis=1)

    def named(self) -> np.ndarray:
        """Return the name that each image is given, its best species, (N,)."""
        names = np.array(self.species, dtype=object)
        return names[self._first()]

    def confidence(self) -> np.ndarray:
        """Return the probability of each image's first answer, (N,)."""
        return self.probs.max(axis=1)

    def right(self) -> np.ndarray:
        """Return whether each image's first answer is its true species, bool (N,).

        A tie is decided by the first column, as in `best`; scores go by `ranks`, where it is lost.
        """
        return self._first() == self.targets

    def _first(self) -> np.ndarray:
        """Return the column of each image's best species, (N,): `best(1)` without sorting all."""
        return self.probs.argmax(axis=1)

    def ranks(self) -> np.ndarray:
        """Return the rank of the truth in each image's answer, (N,): 1 is best.

        It is inf where the truth is not among the species. Ties count against the classifier.

        Raises:
            ValueError: an image without a species.
        """
        targets = true_columns(self.images, self.species)
        columns = np.maximum(targets, 0)[:, None]  # (N, 1)
        truth = np.take_along_axis(self.probs, columns, axis=1)  # (N, 1)
        ranks = (self.probs >= truth).sum(axis=1)
        return np.where(targets < 0, np.inf, ranks)

    def top(self, k: int = 5) -> pd.DataFrame:
        """Return the long table `image_path, rank, species, score`: k rows an image, best first."""
        require(self.images, "image_path")
        columns, scores = self.best(k)
        return long_table(self.images["image_path"], self.species, columns, scores)

    def select(self, rows: ArrayLike) -> "Predictions":
        """Return the predictions of some images: `rows` is a mask (N,), or their positions."""
        positions = np.arange(len(self))[rows]
        images = self.images.iloc[positions]
        return Predictions(images, self.species, self.probs[positions])

    def about(self, images: pd.DataFrame) -> "Predictions":
        """Return the same answers beside the rows of another table, as many, in their order."""
        return Predictions(images, self.species, self.probs)

    def gathered(self, names: Sequence[str]) -> "Predictions":
        """Return answers about groups of the K species: what those of one name got, added up.

        Args:
            names: K, such as the organ in which each is seen.
        """
        sums = pd.DataFrame(self.probs.T).groupby(list(names)).sum()  # (groups, N)
        return Predictions(self.images, sums.index, sums.T)

    def by_observation(self, how: str = "mean", weights: np.ndarray | None = None) -> "Predictions":
        """Return one row a plant, its photos weighed together: its first photo, with `n_photos`.

        Args:
            how: "mean" of the probabilities; "product", their geometric mean, where one photo can
                rule a species out; "max", each species as its surest photo has it; "borda", points
                by rank, K for a photo's first name.
            weights: (N,) how much each photo counts, 0 or more, such as its organ; all 0 on a plant
                counts them alike.
        Raises:
            TableError: no `obs_id`. ValueError: an unknown rule, or weights that are not one number
                a photo.
        """
        require(self.images, "obs_id")
        plants, _ = pd.factorize(observations(self.images))
        probs = join_photos(self.probs, plants, how, weights)
        first = ~pd.Series(plants).duplicated()
        images = self.images[first].assign(n_photos=np.bincount(plants))
        return Predictions(images, self.species, probs)

    def within(self, species: Iterable[str] | np.ndarray) -> "Predictions":
        """Return what is left where only these species may be named, such as those of a flora.

        The others get 0. Rows sum to 1 again; one that had nothing for these species is spread
        evenly over them.

        Args:
            species: names, of which unknown ones are passed over; or a mask (N, K) that says it for
                each image.
        Raises:
            ValueError: no species is left.
        Introduced in notebook 06.
        """
        if isinstance(species, np.ndarray) and species.dtype == bool:
            mask = species
        else:
            mask = pd.Index(self.species).isin(list(species))
        allowed = np.broadcast_to(mask, self.probs.shape)
        if not allowed.any(axis=1).all():
            raise ValueError(
                f"none of the species asked for is among the {len(self.species)} known ones."
            )
        left = np.where(allowed, self.probs, 0).astype(float)
        something = left.any(axis=1, keepdims=True)
        left = np.where(something, left, allowed)
        probs = left / left.sum(axis=1, keepdims=True)
        return Predictions(self.images, self.species, probs)

    def by_rank(self, rank: str = "genus", taxonomy: pd.DataFrame | None = None) -> "Predictions":
        """Return predictions of the genus or family, its species' probabilities added up.

        They are named in `species`. `taxonomy` is an image table with `species` and `rank` for all
        K species; without it, `images` must be one.
        """
        known = pd.concat([taxonomy, self.images], ignore_index=True)
        require(known, "species", rank)
        known = known.dropna(subset=["species", rank]).drop_duplicates("species")
        names = known.set_index("species")[rank]
        missing = [name for name in self.species if name not in names.index]
        if missing:
            raise ValueError(
                f"{len(missing)} of {len(self.species)} species have no {rank} here, such as "
                f"{missing[0]!r}. Pass taxonomy=, a table with columns species and {rank} "
                "for all of them."
            )
        name_of_column = names.loc[list(self.species)].to_numpy()
        truth = self.images["species"].map(names)
        images = self.images.assign(species=truth)
        return self.about(images).gathered(name_of_column)

    def save(self, folder: str | Path) -> Path:
        """Write images.parquet and probs.npz (no pickle) into `folder`; return the folder."""

        def write_images(path: Path) -> None:
            self.images.to_parquet(path, index=False)

        def write_probs(path: Path) -> None:
            species = np.array(self.species)
            np.savez(path, allow_pickle=False, probs=self.probs, species=species)

        write_whole(Path(folder, "images.parquet"), write_images)
        return write_whole(Path(folder, "probs.npz"), write_probs).parent

    @classmethod
    def load(cls, folder: str | Path) -> "Predictions":
        """Return the predictions that `save` wrote into `folder`."""
        path = Path(folder, "probs.npz")
        if not path.exists():
            raise ValueError(
                f"no probs.npz in {folder}; expected a folder written by Predictions.save."
            )
        images = pd.read_parquet(path.with_name("images.parquet"))
        with np.load(path) as arrays:
            return cls(images, arrays["species"], arrays["probs"])


def true_columns(images: pd.DataFrame, species: Sequence[str]) -> np.ndarray:
    """Return the column of each image's true species, (N,); -1 where it is not among `species`.

    Raises:
        ValueError: an image without a species.
    """
    require(images, "species")
    unlabelled = images["species"].isna().sum()
    if unlabelled:
        raise ValueError(
            f"{unlabelled} of {len(images)} images have no species to score against; "
            "leave them out."
        )
    return pd.Index(species).get_indexer(images["species"])


def long_table(
    paths: pd.Series, species: Sequence[str], columns: np.ndarray, scores: np.ndarray
) -> pd.DataFrame:
    """Return `image_path, rank, species, score`: the k names of each image, (N, k), best first."""
    n, n_best = columns.shape
    names = np.array(species, dtype=object)
    return pd.DataFrame(
        {
            "image_path": paths.to_numpy().repeat(n_best),
            "rank": np.tile(np.arange(1, n_best + 1), n),
            "species": names[columns.ravel()],
            "score": scores.ravel(),
        }
    )


def _check_columns(images: pd.DataFrame, species: tuple[str, ...], probs: np.ndarray) -> None:
    """Raise ValueError unless `probs` has a row an image, and a column a species of its own."""
    expected = (len(images), len(species))
    if probs.shape != expected:
        raise ValueError(
            f"probs has shape {probs.shape}; {expected[0]} images and {expected[1]} species "
            f"make it {expected}."
        )
    if len(set(species)) < len(species):
        twice = next(name for name in species if species.count(name) > 1)
        raise ValueError(
            f"species {twice!r} is named twice; give each column of probs its own name."
        )


def _check_rows(probs: np.ndarray) -> None:
    """Raise ValueError unless each row holds probabilities that sum to 1."""
    sums = probs.sum(axis=1, dtype=np.float64)
    negative = (probs < 0).any(axis=1)
    bad = np.flatnonzero(~np.isclose(sums, 1, atol=2e-3) | negative)
    if len(bad):
        row = bad[0]
        raise ValueError(
            f"row {row} of probs sums to {sums[row]:.4g}, its least is {probs[row].min():.4g}; "
            "rows are probabilities that sum to 1. Scores of a network? Take their softmax first."
        )


def fuse(answers: Iterable[Predictions]) -> Predictions:
    """Return the mean of several answers on the same images and species.

    They may be those of other views, or of other networks; or lists (TopK). Introduced in
    notebook 03.
    """
    answers = list(answers)
    if not answers:
        raise ValueError("nothing to fuse: got no answers; expected at least one Predictions.")
    first = answers[0]
    if not isinstance(first, Predictions):
        from plantlab.predictions.listed import fuse_lists

        return fuse_lists(answers)
    for other in answers[1:]:
        _check_alike(first, other)
    each = [answer.probs for answer in answers]
    probs = np.mean(each, axis=0, dtype=np.float64)
    return Predictions(first.images, first.species, probs)


def _check_alike(first: Predictions, other: Predictions) -> None:
    """Raise ValueError unless both name the same species, of the same images in the same order."""
    if other.species != first.species:
        what = "species"
    elif other.images["image_path"].tolist() != first.images["image_path"].tolist():
        what = "images"
    else:
        return
    raise ValueError(
        f"{first!r} and {other!r} have other {what}, or another order; predict the same table."
    )


def concat(answers: Iterable[Predictions]) -> Predictions:
    """Return several answers on other images as one, their rows one below the other.

    Raises:
        ValueError: no answers, or other species in one of them.
    """
    answers = list(answers)
    if not answers:
        raise ValueError("nothing to join: got no answers; expected at least one Predictions.")
    first = answers[0]
    for other in answers[1:]:
        if other.species != first.species:
            raise ValueError(
                f"{first!r} and {other!r} have other species, or another order; "
                "make both with the same network."
            )
    images = pd.concat([answer.images for answer in answers])
    probs = np.concatenate([answer.probs for answer in answers])
    return Predictions(images, first.species, probs)
