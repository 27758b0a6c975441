"""What an index gives up and what it saves: searches timed on vectors that lie as photos do."""

import time
from collections.abc import Iterable

import numpy as np
import pandas as pd

from plantlab.networks.neighbours import Found, Neighbours

COMPONENTS = 256  # of the vectors that are drawn
QUERIES = 200


def draw_vectors(
    embeddings: np.ndarray, species: np.ndarray, n: int, rng: np.random.Generator
) -> np.ndarray:
    """Return `n` vectors that lie as photos do: one of a photo, and the noise within a species.

    They have 256 principal components at most. The noise is the sum of four photos' deviations from
    their species' mean, halved.
    """
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import normalize

    n_components = min(COMPONENTS, len(embeddings) - 1, embeddings.shape[1])
    short = PCA(n_components, random_state=0).fit_transform(normalize(embeddings))
    means = pd.DataFrame(short).groupby(np.asarray(species)).transform("mean")
    own = short - means.to_numpy()
    drawn = short[rng.integers(0, len(short), n)]
    noise = [own[rng.integers(0, len(own), n)] for _ in range(4)]
    return drawn + sum(noise) / 2


def time_searches(
    embeddings: np.ndarray, species: np.ndarray, sizes: Iterable[int], seed: int = 0
) -> pd.DataFrame:
    """Return recall, ms_a_query and mib of the exact search and of faiss, a row each for each size.

    Recall is the share of the ten true look-alikes that are found. 200 are asked for at once; what
    counts is the time of the processor.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for size in sizes:
        drawn = draw_vectors(embeddings, species, size + QUERIES, rng)
        stored = drawn[:size]
        queries = drawn[size:]
        truth = Neighbours(stored, exact=True).search(queries)[1]
        for method, exact in {"exact": True, "faiss": False}.items():
            index = Neighbours(stored, exact)
            (_, given), ms = _timed(index, queries)
            hits = [len(set(a) & set(b)) / len(a) for a, b in zip(truth, given)]
            row = {"method": method, "vectors": size, "recall": np.mean(hits), "n": QUERIES}
            rows.append(row | {"ms_a_query": ms, "mib": index.nbytes / 2**20})
    return pd.DataFrame(rows)


def _timed(index: Neighbours, queries: np.ndarray) -> tuple[Found, float]:
    """Return what is found, and the milliseconds of processor time a query."""
    started = time.process_time()
    found = index.search(queries)
    return found, 1000 * (time.process_time() - started) / len(queries)
