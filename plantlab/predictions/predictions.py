"""Predictions: for each image a probability for each species, and the ways to look at them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from plantlab.data.table import observations, require
from plantlab.files import write_whole

RULES = ("mean", "product", "max", "borda")  # ways to weigh several photos of a plant together


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a classifier says of each image: `images` (N rows), `species` (K names), `probs` float32 (N, K).

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

    def __post_init__(self):
        put = object.__setattr__  # the dataclass is frozen; here alone its fields are put in order
        put(self, "images", self.images.reset_index(drop=True))
        put(self, "species", tuple(map(str, self.species)))
        put(self, "probs", np.asarray(self.probs, dtype=np.float32))
        n, k = len(self.images), len(self.species)
        if self.probs.shape != (n, k):
            raise ValueError(
                f"probs has shape {self.probs.shape}; {n} images and {k} species make it {(n, k)}."
            )
        if len(set(self.species)) < k:
            twice = next(name for name in self.species if self.species.count(name) > 1)
            raise ValueError(
                f"species {twice!r} is named twice; give each column of probs its own name."
            )
        sums = self.probs.sum(axis=1, dtype=np.float64)
        bad = np.flatnonzero(~np.isclose(sums, 1, atol=2e-3) | (self.probs < 0).any(axis=1))
        if len(bad):
            raise ValueError(
                f"row {bad[0]} of probs sums to {sums[bad[0]]:.4g}, its least is {self.probs[bad[0]].min():.4g}; "
                "rows are probabilities that sum to 1. Scores of a network? Take their softmax first."
            )

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"Predictions({len(self)} images, {len(self.species)} species)"

    @cached_property
    def targets(self) -> np.ndarray:
        """The column of each image's true species, (N,); -1 where it is not among `species`."""
        require(self.images, "species")
        return pd.Index(self.species).get_indexer(self.images["species"])

    def top(self, k: int = 5) -> pd.DataFrame:
        """Return the long table `image_path, rank, species, score`: k rows an image, best first."""
        require(self.images, "image_path")
        if k < 1:
            raise ValueError(f"k must be at least 1, such as 5; got {k}")
        best = np.argsort(-self.probs, axis=1, kind="stable")[:, :k]  # (N, k)
        row, rank = np.indices(best.shape).reshape(2, -1)
        columns = {"image_path": self.images["image_path"].to_numpy()[row], "rank": rank + 1}
        columns["species"] = np.array(self.species, dtype=object)[best.ravel()]
        return pd.DataFrame({**columns, "score": self.probs[row, best.ravel()]})

    def by_observation(self, how: str = "mean", weights: np.ndarray | None = None) -> "Predictions":
        """Return one row a plant, its photos weighed together: its first photo, with `n_photos` beside it.

        Args:
            how: "mean" of the probabilities; "product", their geometric mean, where one photo can rule a species out;
                "max", each species as its surest photo has it; "borda", points by rank, K for a photo's first name.
            weights: (N,) how much each photo counts, 0 or more, such as its organ; all 0 on a plant counts them alike.
        Raises:
            TableError: no `obs_id`. ValueError: an unknown rule, or weights that are not one number a photo.
        """
        require(self.images, "obs_id")
        if how not in RULES:
            raise ValueError(f"how must be one of {', '.join(RULES)}; got {how!r}")
        plant, _ = pd.factorize(observations(self.images))
        share = pd.Series(
            np.ones(len(self), np.float32) if weights is None else np.asarray(weights, dtype=float)
        )
        if len(share) != len(self) or not share.between(0, np.inf, inclusive="left").all():
            raise ValueError(
                f"weights must be {len(self)} numbers, 0 or more; got {len(share)}, least {share.min()}"
            )
        mean = share.groupby(plant).transform("mean")
        share = (
            (share / mean).where(mean > 0, 1).to_numpy()[:, None]
        )  # (N, 1), 1 on average over a plant's photos
        said = pd.DataFrame(
            np.log(np.maximum(self.probs, 1e-12)) if how == "product" else self.probs
        )  # (N, K)
        said = said.rank(axis=1) if how == "borda" else said
        probs = (said * share).groupby(plant).agg("max" if how == "max" else "mean").to_numpy()
        probs = np.exp(probs - probs.max(axis=1, keepdims=True)) if how == "product" else probs
        probs = probs if how == "mean" else probs / probs.sum(axis=1, keepdims=True)
        images = self.images[~pd.Series(plant).duplicated()].assign(n_photos=np.bincount(plant))
        return Predictions(images, self.species, probs)

    def within(self, species: Iterable[str] | np.ndarray) -> "Predictions":
        """Return what is left where only these species may be named, such as those of a flora: the others get 0.

        Rows sum to 1 again; one that had nothing for these species is spread evenly over them.

        Args:
            species: names, of which unknown ones are passed over; or a mask (N, K) that says it for each image.
        Raises:
            ValueError: no species is left.
        Introduced in notebook 06.
        """
        mask = isinstance(species, np.ndarray) and species.dtype == bool
        allowed = np.broadcast_to(
            species if mask else pd.Index(self.species).isin(list(species)), self.probs.shape
        )
        if not allowed.any(axis=1).all():
            raise ValueError(
                f"none of the species asked for is among the {len(self.species)} known ones."
            )
        left = np.where(allowed, self.probs, 0).astype(float)
        left = np.where(left.any(axis=1, keepdims=True), left, allowed)
        return Predictions(self.images, self.species, left / left.sum(axis=1, keepdims=True))

    def by_rank(self, rank: str = "genus", taxonomy: pd.DataFrame | None = None) -> "Predictions":
        """Return predictions of the genus or family, its species' probabilities added up, named in `species`.

        `taxonomy` is an image table with `species` and `rank` for all K species; without it, `images` must be one.
        """
        known = pd.concat([taxonomy, self.images], ignore_index=True)
        require(known, "species", rank)
        names = (
            known.dropna(subset=["species", rank])
            .drop_duplicates("species")
            .set_index("species")[rank]
        )
        if missing := [name for name in self.species if name not in names.index]:
            raise ValueError(
                f"{len(missing)} of {len(self.species)} species have no {rank} here, such as {missing[0]!r}. Pass "
                f"taxonomy=, a table with columns species and {rank} for all of them."
            )
        probs = (
            pd.DataFrame(self.probs.T).groupby(names.loc[list(self.species)].to_numpy()).sum()
        )  # (G, N)
        return Predictions(
            self.images.assign(species=self.images["species"].map(names)), probs.index, probs.T
        )

    def save(self, folder: str | Path) -> Path:
        """Write images.parquet and probs.npz (no pickle) into `folder`; return the folder."""
        arrays = {"probs": self.probs, "species": np.array(self.species)}
        write_whole(
            Path(folder, "images.parquet"), lambda path: self.images.to_parquet(path, index=False)
        )
        return write_whole(
            Path(folder, "probs.npz"), lambda path: np.savez(path, allow_pickle=False, **arrays)
        ).parent

    @classmethod
    def load(cls, folder: str | Path) -> "Predictions":
        """Return the predictions that `save` wrote into `folder`."""
        path = Path(folder, "probs.npz")
        if not path.exists():
            raise ValueError(
                f"no probs.npz in {folder}; expected a folder written by Predictions.save."
            )
        with np.load(path) as arrays:
            return cls(
                pd.read_parquet(path.with_name("images.parquet")),
                arrays["species"],
                arrays["probs"],
            )


def fuse(answers: Iterable[Predictions]) -> Predictions:
    """Return the mean of several answers on the same images and species: those of other views, or of other networks.

    Introduced in notebook 03.
    """
    answers = list(answers)
    if not answers:
        raise ValueError("nothing to fuse: got no answers; expected at least one Predictions.")
    first = answers[0]
    for each in answers[1:]:
        if each.species != first.species or list(each.images["image_path"]) != list(
            first.images["image_path"]
        ):
            what = "species" if each.species != first.species else "images"
            raise ValueError(
                f"{first!r} and {each!r} have other {what}, or another order; predict the same table."
            )
    return Predictions(
        first.images, first.species, np.mean([each.probs for each in answers], 0, dtype=np.float64)
    )
