"""How far to believe the label of each photo, where a few labels can be trusted."""

import numpy as np

from plantlab.heads.linear import fit_counted, out_of_fold, probabilities
from plantlab.quality.suspicion import weigh_labels


def believe(
    vectors: np.ndarray,
    targets: np.ndarray,
    n_species: int,
    plants: np.ndarray,
    doubtful: np.ndarray,
    penalty: float = 1.0,
    rounds: int = 2,
) -> np.ndarray:
    """Return the probability that each label is right, (N,); 1 for those that are not in doubt.

    First two judges speak together, by Bayes' rule: a head that learnt from trusted photos alone,
    and one that learnt from all but the photo asked about. Each further round is a head that learnt
    from all others again, each photo by how far it was believed before.

    Args:
        vectors: (N, D), such as principal components.
        targets: (N,) labels by number, in [0, n_species).
        plants: (N,) the observation of each photo: it is never judged by photos of its own plant.
        doubtful: (N,) bool, such as photos from the web.
        penalty: of linear.fit_linear.
        rounds: how often judges speak, 1 or more.
    Raises:
        ValueError: rounds below 1.
    Source: Hendrycks et al. 2018, "Using trusted data to train deep networks on labels corrupted by
    severe noise", for the first round.
    """
    if rounds < 1:
        raise ValueError(f"rounds must be 1 or more; got {rounds}")
    options = {"penalty": penalty, "scale": False}
    trusted_head = fit_counted(vectors, targets, n_species, ~doubtful, **options)
    trusting = probabilities(trusted_head, vectors)
    others = out_of_fold(vectors, targets, n_species, plants, **options)
    believed = _judged(trusting * others, targets, doubtful)
    for _ in range(rounds - 1):
        others = out_of_fold(vectors, targets, n_species, plants, shares=believed, **options)
        believed = _judged(others, targets, doubtful)
    return believed


def _judged(said: np.ndarray, targets: np.ndarray, doubtful: np.ndarray) -> np.ndarray:
    """Return the belief in each label after a judge has `said` probabilities, (N, K)."""
    shares = said / np.maximum(said.sum(axis=1, keepdims=True), 1e-12)
    believed = weigh_labels(shares, targets, doubtful)
    return np.where(doubtful, believed, 1.0)
