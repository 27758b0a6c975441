"""Invented embeddings of very many species, of which the best possible score is known."""

from dataclasses import dataclass

import numpy as np
from torch import nn

from plantlab.heads.linear import as_linear


@dataclass(frozen=True, eq=False)
class World:
    """Species as clouds around their means: what any head is up against, and the best there can be.

    Not plants: an invented world in which the truth is known, to compare heads in. `means` (K, D);
    each cloud has the same spread, 1 in every direction.
    """

    means: np.ndarray

    def draw(self, targets: np.ndarray, seed: int) -> np.ndarray:
        """Return an embedding for each of the species `targets` (N,), float32 (N, D)."""
        rng = np.random.default_rng(seed)
        noise = rng.standard_normal((len(targets), self.means.shape[1]), np.float32)
        return self.means[targets] + noise

    def best_head(self) -> nn.Linear:
        """Return the head that no other can beat where all species are asked about alike (Bayes).

        Its logits are log P(embedding | species) but for what all species share.
        """
        bias = -np.square(self.means).sum(1) / 2
        return as_linear(self.means, bias)


def grow_world(
    genus: np.ndarray,
    n_features: int = 256,
    spread: float = 100.0,
    alike: float = 0.5,
    seed: int = 0,
) -> World:
    """Return a world whose species lie around their genus, and genera around the middle.

    Directions count less and less, as in embeddings of photos: the variance of the j-th falls as
    1 / j ** 2.

    Args:
        genus: (K,) of each species by number.
        spread: of all means, summed over directions; each cloud has `n_features`.
        alike: share of it that a genus's species have in common, in [0, 1).
    """
    rng = np.random.default_rng(seed)
    falling = 1 / np.arange(1, n_features + 1) ** 2
    scale = np.sqrt(spread * falling / falling.sum()).astype(np.float32)
    centres = rng.standard_normal((int(genus.max()) + 1, n_features), np.float32)
    own = rng.standard_normal((len(genus), n_features), np.float32)
    means = np.sqrt(alike) * centres[genus] + np.sqrt(1 - alike) * own
    return World((means * scale).astype(np.float32))


def long_tail(n_species: int, most: int = 50, seed: int = 0) -> np.ndarray:
    """Return train photos of each species, (K,): half of the species have one, few have many.

    As in the collection of 294,000 species of Pl@ntNet's group, where half had one image. A law of
    Pareto whose half lies below two, cut at `most`.

    >>> counts = long_tail(10_000)
    >>> bool(0.45 < (counts == 1).mean() < 0.55), int(counts.max())
    (True, 50)
    """
    drawn = 1 + np.random.default_rng(seed).pareto(1.0, n_species)
    return np.minimum(drawn, most).astype(int)


def genera(n_species: int, seed: int = 0) -> np.ndarray:
    """Return an invented taxonomy, the genus of each species by number, (K,).

    Most genera hold one or two species and a few hold hundreds, eight or nine on average, as among
    the 80,000 species of PlantCLEF 2022.
    """
    sizes = long_tail(n_species, most=400, seed=seed + 1)
    ends = np.cumsum(sizes)
    return np.searchsorted(ends, np.arange(n_species), side="right")
