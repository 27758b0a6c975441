"""Embedded photos: what heads learn from, and what they are asked about."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from torch import nn

from plantlab.heads.linear import probabilities
from plantlab.networks.neighbours import Neighbours, knn
from plantlab.predictions import Predictions


def principal_components(
    embeddings: np.ndarray, learn: np.ndarray, n_components: int
) -> np.ndarray:
    """Return what is common in embeddings (N, D): float32 (N, C), with C at most `n_components`.

    A hundred photos cannot weigh a thousand numbers. What is learnt is learnt from the rows `learn`
    alone, a mask (N,), and their spread over all components is 1: fit heads with `scale=False`, for
    the spread of a component says how much it counts.
    """
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    n_components = min(n_components, int(learn.sum()), embeddings.shape[1])
    reduce = make_pipeline(StandardScaler(), PCA(n_components, random_state=0))
    reduce.fit(embeddings[learn])
    vectors = reduce.transform(embeddings).astype("float32")
    return vectors / vectors[learn].std()


@dataclass(frozen=True, eq=False)
class Photos:
    """Photos and their vectors: `images` (N rows, with `split`) and `vectors` (N, D), row for row.

    The species are those of train. Where rows are asked for, a split is named ("valid"), or they
    are a mask (N,) or row numbers.
    """

    images: pd.DataFrame
    vectors: np.ndarray

    @cached_property
    def species(self) -> list[str]:
        """The K species that can be named, those of the train photos, sorted."""
        train = self.images[self.rows("train")]
        return sorted(train["species"].unique())

    @cached_property
    def targets(self) -> np.ndarray:
        """The number of each photo's species, (N,); -1 where train does not have it."""
        return pd.Index(self.species).get_indexer(self.images["species"])

    def rows(self, asked: str | np.ndarray) -> np.ndarray:
        """Return which photos are asked for: of a named split a mask (N,), else `asked` itself."""
        if isinstance(asked, str):
            return (self.images["split"] == asked).to_numpy()
        return asked

    def lesson(self, asked: str | np.ndarray = "train") -> tuple[np.ndarray, np.ndarray, int]:
        """Return vectors, targets and the number of species: what a head is fitted to."""
        rows = self.rows(asked)
        return self.vectors[rows], self.targets[rows], len(self.species)

    def ask_photos(self, head: nn.Module, asked: str | np.ndarray) -> Predictions:
        """Return what a head says of each photo."""
        rows = self.rows(asked)
        probs = probabilities(head, self.vectors[rows])
        return Predictions(self.images.iloc[rows], self.species, probs)

    def ask(self, head: nn.Module, asked: str | np.ndarray) -> Predictions:
        """Return what a head says of each plant: the mean over its photos."""
        return self.ask_photos(head, asked).by_observation()

    def ask_neighbours(
        self, learn: str | np.ndarray, asked: str | np.ndarray, k: int = 10
    ) -> Predictions:
        """Return what the `k` most alike of the photos in `learn` say of each one asked about."""
        learnt = self.rows(learn)
        rows = self.rows(asked)
        known = Neighbours(self.vectors[learnt])
        names = self.images["species"].iloc[learnt]
        return knn(known, names, self.images.iloc[rows], self.vectors[rows], k)
