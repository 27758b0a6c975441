"""Species in groups, for a tree: by their names, by number, or as their photos group them."""

from collections.abc import Sequence

import numpy as np


def by_genus(species: Sequence[str]) -> np.ndarray:
    """Return the genus of each species by number, (K,): the first word of its name.

    >>> by_genus(["Rosa alba", "Poa annua", "Rosa canina"]).tolist()
    [1, 0, 1]
    """
    genera = [name.removeprefix("× ").split()[0] for name in species]
    _, numbers = np.unique(genera, return_inverse=True)
    return numbers


def by_number(n_species: int, n_groups: int) -> np.ndarray:
    """Return groups of the same size by the number of a species alone, (K,): y // size.

    A group then holds whatever stands side by side in a list; in an alphabet of names that is
    nearly the genus.

    >>> by_number(6, 3).tolist()
    [0, 0, 1, 1, 2, 2]
    """
    size = -(-n_species // n_groups)  # rounded up
    return np.arange(n_species) // size


def learnt(means: np.ndarray, n_groups: int, seed: int = 0) -> np.ndarray:
    """Return groups of species whose photos look alike, (K,): clusters of their means (K, D)."""
    from sklearn.cluster import MiniBatchKMeans

    clusters = MiniBatchKMeans(n_groups, random_state=seed, n_init=1, batch_size=4096)
    return clusters.fit_predict(means)
