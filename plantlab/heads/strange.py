"""How unlike anything known a photo is, by several measures: the larger, the stranger."""

from collections.abc import Callable

import numpy as np

from plantlab.heads.linear import fit_linear, probabilities
from plantlab.networks.neighbours import Neighbours

Measure = Callable[[np.ndarray], np.ndarray]  # vectors (Q, D) -> how strange each is, (Q,)

COMPONENTS = 100  # of the Mahalanobis distance


def strange_by(vectors: np.ndarray, targets: np.ndarray) -> dict[str, Measure]:
    """Return "distance" and "doubt", learnt from known photos (N, D) and their species (N,).

    Distance is 1 - the cosine of the fifth look-alike; doubt is 1 - the highest probability of a
    linear head.

    Source: Sun et al. 2022, "Out-of-distribution detection with deep nearest neighbors"; Hendrycks
    and Gimpel 2017, "A baseline for detecting misclassified and out-of-distribution examples".
    """
    there, codes = np.unique(targets, return_inverse=True)
    head = fit_linear(vectors, codes, len(there))
    known = Neighbours(vectors)

    def doubt(asked: np.ndarray) -> np.ndarray:
        return 1 - probabilities(head, asked).max(axis=1)

    return {"distance": known.strangeness, "doubt": doubt}


def mahalanobis(vectors: np.ndarray) -> Measure:
    """Return the distance from the middle of known photos (N, D) in whitened components.

    Source: Lee et al. 2018, "A simple unified framework for detecting out-of-distribution samples",
    here with one middle for all species.
    """
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import normalize

    n_components = min(COMPONENTS, len(vectors) - 1, vectors.shape[1])
    parts = PCA(n_components, whiten=True, random_state=0).fit(normalize(vectors))

    def far(asked: np.ndarray) -> np.ndarray:
        return np.linalg.norm(parts.transform(normalize(asked)), axis=1)

    return far
