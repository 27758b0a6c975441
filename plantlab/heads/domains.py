"""Two kinds of pictures of the same species, such as pressed and living plants, brought together.

`vectors` are embeddings (N, D), `is_source` (N,) says which are of the kind that names are known
of, the sheets; the others are of the kind that is asked about. `learn` (N,) marks the rows that may
be learnt from. Unless said otherwise no name of the asked kind is used.
"""

import numpy as np
from torch import nn

from plantlab.heads.linear import as_linear

SHARPNESS = 20.0  # a cosine of 1 against one of 0.9: e ** 2 times as likely
LEAST_SPREAD = 1e-3  # of a number that hardly changes
RIDGE = 0.1  # of the variance that every direction is granted beyond its own, in CORAL


def level(vectors: np.ndarray, is_source: np.ndarray, learn: np.ndarray) -> np.ndarray:
    """Return the vectors, each number with mean 0 and spread 1 within either kind, (N, D).

    So paper, light and pressing, which shift all sheets alike, do not tell species apart any more.
    """
    levelled = np.empty_like(vectors, np.float32)
    for of_kind in (is_source, ~is_source):
        known = vectors[of_kind & learn]
        spread = known.std(axis=0) + LEAST_SPREAD
        levelled[of_kind] = (vectors[of_kind] - known.mean(axis=0)) / spread
    return levelled


def coral(levelled: np.ndarray, is_source: np.ndarray, learn: np.ndarray) -> np.ndarray:
    """Return levelled vectors, (N, D), the covariance of the source made that of the other kind.

    Source: Sun, Feng and Saenko 2016, "Return of frustratingly easy domain adaptation",
    algorithm 1: whiten the source, colour it with the target.
    """
    of_source = _covariance(levelled[is_source & learn])
    of_target = _covariance(levelled[~is_source & learn])
    turn = _power(of_source, -0.5) @ _power(of_target, 0.5)  # (D, D)
    aligned = levelled.copy()
    aligned[is_source] = levelled[is_source] @ turn
    return aligned


def _covariance(vectors: np.ndarray) -> np.ndarray:
    """Return how the numbers of the vectors vary together, (D, D), a little added to each one."""
    n_numbers = vectors.shape[1]
    return np.cov(vectors.T) + RIDGE * np.eye(n_numbers)


def _power(symmetric: np.ndarray, exponent: float) -> np.ndarray:
    """Return a power of a symmetric matrix whose eigenvalues are positive."""
    values, directions = np.linalg.eigh(symmetric)
    return (directions * values**exponent) @ directions.T


def dictionary(vectors: np.ndarray, targets: np.ndarray, n_species: int) -> nn.Linear:
    """Return the head that ranks species by the cosine to their mean vector.

    Ask it about vectors of length 1, see `unit`.

    Source: Chulif and Chang 2021, "Improved herbarium-field triplet network for cross-domain plant
    identification", whose herbarium dictionary is the mean embedding of each species' sheets.
    """
    rows = [vectors[targets == species] for species in range(n_species)]
    means = np.stack([of_species.mean(axis=0) for of_species in rows])  # (K, D)
    weight = SHARPNESS * unit(means)
    return as_linear(weight.astype(np.float32), np.zeros(n_species, np.float32))


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return the vectors at length 1.

    >>> unit(np.array([[3.0, 4.0]])).tolist()
    [[0.6, 0.8]]
    """
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def mapped(
    levelled: np.ndarray,
    targets: np.ndarray,
    is_source: np.ndarray,
    named: np.ndarray,
    strength: float = 1000.0,
) -> np.ndarray:
    """Return levelled vectors with the source moved to where the other kind of its species lies.

    A ridge regression, learnt from the species that are named in both kinds: from each source
    vector to the mean of its species in the other kind.

    Args:
        named: (N,) the rows whose names are known, of either kind.
        strength: of the ridge, above 0.
    Raises:
        ValueError: fewer than two species are named in both kinds.
    """
    from sklearn.linear_model import Ridge

    paired = in_both(targets, is_source, named)
    other = named & ~is_source
    means = {}
    for species in paired:
        means[species] = levelled[other & (targets == species)].mean(axis=0)
    rows = named & is_source & np.isin(targets, paired)
    wanted = np.stack([means[species] for species in targets[rows]])
    learnt = Ridge(alpha=strength, fit_intercept=False).fit(levelled[rows], wanted)
    moved = levelled.copy()
    moved[is_source] = learnt.predict(levelled[is_source])
    return moved


def in_both(targets: np.ndarray, is_source: np.ndarray, named: np.ndarray) -> np.ndarray:
    """Return the numbers of the species that are named in both kinds.

    Raises:
        ValueError: fewer than two.
    """
    paired = np.intersect1d(targets[named & is_source], targets[named & ~is_source])
    if len(paired) < 2:
        raise ValueError(
            f"{len(paired)} species are named in both kinds; a map needs two or more to learn from"
        )
    return paired


def shared_space(
    vectors: np.ndarray, targets: np.ndarray, learn: np.ndarray, shrinkage: float = 0.5
) -> np.ndarray:
    """Return vectors in a space in which pictures of one species lie near each other, (N, C).

    It is a linear discriminant analysis: directions in which pictures of one species differ, such
    as pressed from living, are shortened; those in which species differ stay. A species that it
    did not learn from has its place there, too. C is one less than the species of `learn`.

    Args:
        shrinkage: how far the covariance is drawn to equal spread in all directions, in [0, 1].
    Source: Fisher 1936; Ledoit and Wolf 2004 for shrinkage. scikit-learn's
    LinearDiscriminantAnalysis computes it.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    learnt = LinearDiscriminantAnalysis(solver="eigen", shrinkage=shrinkage)
    learnt.fit(vectors[learn], targets[learn])
    return learnt.transform(vectors).astype(np.float32)
