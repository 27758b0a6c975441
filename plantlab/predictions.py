"""Predictions: for each image a probability for each species, and the four ways to look at them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from plantlab.photos import write_whole
from plantlab.table import require


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
            raise ValueError(f"probs has shape {self.probs.shape}; {n} images and {k} species make it {(n, k)}.")
        if len(set(self.species)) < k:
            twice = next(name for name in self.species if self.species.count(name) > 1)
            raise ValueError(f"species {twice!r} is named twice; give each column of probs its own name.")
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
        k = min(k, len(self.species))
        best = np.argsort(-self.probs, axis=1, kind="stable")[:, :k]  # (N, k)
        table = pd.DataFrame({"image_path": self.images["image_path"].repeat(k).to_numpy()})
        names = np.asarray(self.species, dtype=object)[best.ravel()]
        scores = np.take_along_axis(self.probs, best, axis=1).ravel()
        return table.assign(rank=np.tile(np.arange(1, k + 1), len(self)), species=names, score=scores)

    def by_observation(self, how: str = "mean") -> "Predictions":
        """Return one row a plant: its photos' probabilities joined by `how`, "mean", "max" or "product".

        A row of `images` is the plant's first photo, with `n_photos` beside it. "product" (the geometric
        mean) trusts a photo that rules a species out, "mean" forgives it.
        """
        require(self.images, "obs_id")
        if how not in ("mean", "max", "product"):
            raise ValueError(f"how must be 'mean', 'max' or 'product'; got {how!r}")
        plant, _ = pd.factorize(self.images["obs_id"].fillna(self.images.index.to_series().astype(str)))
        probs = np.log(np.maximum(self.probs, 1e-12)) if how == "product" else self.probs
        joined = pd.DataFrame(probs).groupby(plant).agg("max" if how == "max" else "mean").to_numpy(np.float64)
        joined = np.exp(joined) if how == "product" else joined
        images = self.images[~pd.Series(plant).duplicated()].assign(n_photos=np.bincount(plant))
        return Predictions(images, self.species, joined / joined.sum(axis=1, keepdims=True))

    def by_rank(self, rank: str = "genus", taxonomy: pd.DataFrame | None = None) -> "Predictions":
        """Return predictions of the genus or family: its species' probabilities, added up.

        Afterwards `species`, here and in `images`, holds names of that rank.

        Args:
            taxonomy: a table with `species` and `rank` for all K species, such as the whole image table;
                without it the rows of `images` must know them all.
        """
        known = self.images if taxonomy is None else pd.concat([taxonomy, self.images], ignore_index=True)
        require(known, "species", rank)
        names = known.dropna(subset=["species", rank]).drop_duplicates("species").set_index("species")[rank]
        missing = [name for name in self.species if name not in names.index]
        if missing:
            raise ValueError(
                f"{len(missing)} of {len(self.species)} species have no {rank} here, such as {missing[0]!r}. "
                f"Pass taxonomy=, a table with columns species and {rank} for all of them."
            )
        of_species, groups = pd.factorize(names.loc[list(self.species)], sort=True)
        probs = self.probs @ np.eye(len(groups), dtype=np.float32)[of_species]  # (N, K) @ (K, G)
        return Predictions(self.images.assign(species=self.images["species"].map(names)), tuple(groups), probs)

    def within(self, flora: Iterable[str]) -> "Predictions":
        """Return predictions among the species of `flora` alone, rows rescaled to sum to 1.

        Names unknown to the classifier are passed over; a row without any weight left becomes uniform.
        """
        flora = set(flora)
        keep = [i for i, name in enumerate(self.species) if name in flora]
        if not keep:
            name = min(map(str, flora), default="")
            near = get_close_matches(name, self.species, n=1, cutoff=0)
            raise ValueError(f"none of the {len(flora)} names is among the species; near {name!r} is {near}.")
        probs = self.probs[:, keep].astype(np.float64)
        probs[probs.sum(axis=1) == 0] = 1
        species = tuple(self.species[i] for i in keep)
        return replace(self, species=species, probs=probs / probs.sum(axis=1, keepdims=True))

    def save(self, folder: str | Path) -> Path:
        """Write images.parquet and probs.npz (no pickle) into `folder`; return the folder."""
        folder, arrays = Path(folder), {"probs": self.probs, "species": np.array(self.species)}
        write_whole(folder / "images.parquet", lambda path: self.images.to_parquet(path, index=False))
        write_whole(folder / "probs.npz", lambda path: np.savez(path, allow_pickle=False, **arrays))
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> "Predictions":
        """Return the predictions that `save` wrote into `folder`."""
        path = Path(folder, "probs.npz")
        if not path.exists():
            raise ValueError(f"no probs.npz in {folder}; expected a folder written by Predictions.save.")
        with np.load(path) as arrays:
            return cls(pd.read_parquet(path.with_name("images.parquet")), arrays["species"], arrays["probs"])
