"""Answers that are lists: the first k names of each image, and nothing about the others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from plantlab.data.table import observations, require
from plantlab.predictions.predictions import Predictions, long_table, true_columns

NONE = -1  # the column where a list is shorter than the longest
JOINED = ("mean", "max", "borda")  # rules that need no more than the lists


@dataclass(frozen=True, eq=False)
class TopK:
    """What was listed for each image: `images` (N rows), `species` (K names), and lists of k.

    It stands where Predictions stand, for tools that give a list, or where N x K numbers are too
    many. `columns` (N, k) are the listed species, best first, -1 where a list has ended; `scores`
    (N, k) need not sum to 1 and may be unknown (nan); `places` (N, k) are the ranks, of which
    several may share the last.

    Where the truth is not listed its rank is unknown and counts as inf: its reciprocal is 0.
    `known_ranks` (N,) replaces that by what was counted when the whole answer was at hand.

    >>> images = pd.DataFrame({"image_path": ["a.jpg"], "species": ["Rosa alba"]})
    >>> listed = pd.DataFrame({"row": [0, 0], "species": ["Poa annua", "Rosa alba"],
    ...     "score": [0.7, 0.2]})
    >>> from_table(images, listed).ranks().tolist()
    [2.0]
    """

    images: pd.DataFrame
    species: tuple[str, ...]
    columns: np.ndarray
    scores: np.ndarray
    places: np.ndarray
    known_ranks: np.ndarray | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__  # the dataclass is frozen; here alone its fields are put in order
        put(self, "images", self.images.reset_index(drop=True))
        put(self, "species", tuple(map(str, self.species)))
        shape = self.columns.shape
        if not (len(shape) == 2 and shape == self.scores.shape == self.places.shape):
            raise ValueError(
                f"columns {shape}, scores {self.scores.shape} and places {self.places.shape} must "
                "all be (N, k)"
            )
        if len(self.images) != shape[0]:
            raise ValueError(f"{len(self.images)} images, but {shape[0]} lists; expected one each")

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"TopK({len(self)} images, {self.depth} of {len(self.species)} species)"

    @property
    def depth(self) -> int:
        """How many names the longest list holds."""
        return self.columns.shape[1]

    def knows_top(self, k: int) -> bool:
        """Return whether it is known if the truth is among the k best: no list is shorter."""
        return self.known_ranks is not None or k <= self.depth

    @cached_property
    def are_probabilities(self) -> bool:
        """Whether the scores can be probabilities: in [0, 1], and no list sums to more than 1."""
        listed = self.columns != NONE
        known = np.where(listed, self.scores, 0)
        within = np.isfinite(known).all() and (known >= 0).all()
        return bool(within and (known.sum(axis=1) <= 1 + 2e-3).all() and listed.any())

    @cached_property
    def targets(self) -> np.ndarray:
        """The column of each image's true species, (N,); -2 where nobody lists it."""
        found = true_columns(self.images, self.species)
        return np.where(found < 0, NONE - 1, found)

    def best(self, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Return the `k` best species of each image: their columns, and their scores, (N, k)."""
        return self.columns[:, :k], self.scores[:, :k]

    def named(self) -> np.ndarray:
        """Return the name that each image is given, (N,); "" for an empty list."""
        names = np.array([*self.species, ""], dtype=object)
        return names[self.columns[:, 0]] if self.depth else np.full(len(self), "", object)

    def confidence(self) -> np.ndarray:
        """Return the score of each image's first answer, (N,); 0 for an empty list."""
        listed = self.columns[:, 0] != NONE
        return np.where(listed, self.scores[:, 0], 0)

    def right(self) -> np.ndarray:
        """Return whether each image's first answer is its true species, bool (N,)."""
        return self.columns[:, 0] == self.targets

    def ranks(self) -> np.ndarray:
        """Return the rank of the truth, (N,): 1 is best; inf where it is not listed.

        Raises:
            ValueError: an image without a species.
        """
        targets = self.targets
        if self.known_ranks is not None:
            return self.known_ranks
        is_true = self.columns == targets[:, None]
        return np.where(is_true, self.places, np.inf).min(axis=1, initial=np.inf)

    def top(self, k: int = 5) -> pd.DataFrame:
        """Return the long table `image_path, rank, species, score`: up to k rows an image."""
        require(self.images, "image_path")
        columns, scores = self.best(k)
        table = long_table(self.images["image_path"], (*self.species, ""), columns, scores)
        return table[(columns != NONE).ravel()].reset_index(drop=True)

    def select(self, rows: ArrayLike) -> "TopK":
        """Return the lists of some images: `rows` is a mask (N,), or their positions."""
        at = np.arange(len(self))[rows]
        parts = self.columns[at], self.scores[at], self.places[at]
        known = None if self.known_ranks is None else self.known_ranks[at]
        return TopK(self.images.iloc[at], self.species, *parts, known)

    def about(self, images: pd.DataFrame) -> "TopK":
        """Return the same lists beside the rows of another table, as many, in their order."""
        return TopK(images, self.species, self.columns, self.scores, self.places)

    def listed(self) -> pd.DataFrame:
        """Return `row, species, score, rank`, a row a listed name: what from_table reads."""
        rows, cells = np.nonzero(self.columns != NONE)
        names = np.array(self.species, dtype=object)
        return pd.DataFrame(
            {
                "row": rows,
                "species": names[self.columns[rows, cells]],
                "score": self.scores[rows, cells],
                "rank": self.places[rows, cells],
            }
        )

    def within(self, species: Iterable[str]) -> "TopK":
        """Return what is left of the lists where only these species may be named."""
        listed = self.listed()
        allowed = listed["species"].isin(list(species))
        return from_table(self.images, listed[allowed], self.species)

    def by_observation(self, how: str = "mean") -> "TopK":
        """Return one row a plant, the lists of its photos joined: its first photo, with `n_photos`.

        A name that a photo does not list has no score there.

        Args:
            how: "mean" of the scores; "max", a name's best; "borda", points by rank, k for a
                photo's first name. The product needs what is not listed.
        Raises:
            TableError: no `obs_id`. ValueError: another rule.
        """
        require(self.images, "obs_id")
        if how not in JOINED:
            raise ValueError(f"lists are joined by one of {', '.join(JOINED)}; got {how!r}")
        plants, _ = pd.factorize(observations(self.images))
        n_photos = np.bincount(plants)
        listed = self.listed()
        listed["row"] = plants[listed["row"]]
        if how == "borda":
            listed["score"] = self.depth + 1 - listed["rank"]
        sums = listed.groupby(["row", "species"])["score"].agg("max" if how == "max" else "sum")
        joined = sums.reset_index()
        if how == "mean":
            joined["score"] /= n_photos[joined["row"]]
        first = ~pd.Series(plants).duplicated()
        images = self.images[first].assign(n_photos=n_photos)
        return from_table(images, joined, self.species)


def from_table(
    images: pd.DataFrame, listed: pd.DataFrame, species: Sequence[str] | None = None
) -> TopK:
    """Return the lists that a long table holds.

    Args:
        listed: `row`, an image's position; `species`; `score`, which may be unknown; and perhaps
            `rank`. Without a rank the score decides, and ties count against the tool; a name that
            is listed twice counts where it is best.
        species: K names; else those that are listed.
    """
    listed = listed.dropna(subset="species").reset_index(drop=True)
    if "rank" not in listed:
        listed["rank"] = listed.groupby("row")["score"].rank(method="max", ascending=False)
    listed = listed.sort_values(["row", "rank"], kind="stable")
    listed = listed.drop_duplicates(["row", "species"])
    names = sorted(listed["species"].unique()) if species is None else list(species)
    place = listed.groupby("row").cumcount().to_numpy()
    depth = int(place.max(initial=0)) + 1
    cells = listed["row"].to_numpy(), place
    columns = np.full((len(images), depth), NONE)
    columns[cells] = pd.Index(names).get_indexer(listed["species"])
    scores = np.full(columns.shape, np.nan, np.float32)
    scores[cells] = listed["score"]
    places = np.full(columns.shape, np.inf)
    places[cells] = listed["rank"]
    return TopK(images, names, columns, scores, places)


def cut(predictions: Predictions, k: int = 30) -> TopK:
    """Return the k best names of full answers, with the ranks that these have there.

    Up to top-k, scores stay what they were.
    """
    columns, scores = predictions.best(k)
    places = np.empty(columns.shape)
    for j in range(columns.shape[1]):
        places[:, j] = (predictions.probs >= scores[:, j : j + 1]).sum(axis=1)
    return TopK(predictions.images, predictions.species, columns, scores, places)


def fuse_lists(answers: Sequence[TopK]) -> TopK:
    """Return the mean of several lists about the same images; see predictions.fuse."""
    first = answers[0]
    paths = first.images["image_path"].tolist()
    for other in answers[1:]:
        if other.images["image_path"].tolist() != paths:
            raise ValueError(f"{first!r} and {other!r} are of other images; ask about the same.")
    everything = pd.concat([answer.listed() for answer in answers])
    sums = everything.groupby(["row", "species"])["score"].sum().reset_index()
    sums["score"] /= len(answers)
    return from_table(first.images, sums)
