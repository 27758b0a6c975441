"""Which photos a person should label next."""

import numpy as np

from plantlab.predictions.predictions import Predictions

AMONG = 10  # doubtful photos that one is chosen from


def label_next(said: Predictions, embeddings: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    """Return the rows of `n` photos to label next: doubtful ones, unlike each other.

    Of the ten times as many whose two likeliest species are nearest, grouped by their looks, each
    group gives the one that is most in its midst. The doubtful alone might all look the same.

    Args:
        said: of N photos, by a head that has not learnt from them.
        embeddings: (N, D), best few numbers, such as 100 principal components.
    Raises:
        ValueError: fewer than `n` photos.
    Source: Zhdanov 2019, "Diverse mini-batch active learning".
    """
    from sklearn.cluster import KMeans

    if not 0 < n <= len(embeddings):
        raise ValueError(f"n must be from 1 to the {len(embeddings)} photos there are; got {n}")
    second, first = np.sort(said.probs, axis=1)[:, -2:].T  # (N,) each
    doubt = 1 - (first - second)
    among = np.argsort(-doubt, kind="stable")[: AMONG * n]
    looks = embeddings[among]
    groups = KMeans(n, n_init=1, random_state=seed).fit(looks, sample_weight=doubt[among] + 1e-6)
    apart = groups.transform(looks)  # (among, n)
    chosen = []
    for group in range(n):
        members = np.flatnonzero(groups.labels_ == group)
        if len(members):  # photos that are the same leave groups empty
            chosen.append(among[members[apart[members, group].argmin()]])
    left = among[~np.isin(among, chosen)]
    return np.concatenate([chosen, left[: n - len(chosen)]]).astype(int)
