"""Look-alikes: which known photos are most like this one.

What they say it is, and how unlike all of them it is.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from plantlab.predictions import Predictions

if TYPE_CHECKING:  # loaded where it is used
    from faiss import Index

EXACT_UP_TO = 50_000  # rows; beyond, an index answers in a tenth of the time

# of that index: principal components, lists read for a query, photos compared in full
COMPONENTS = 128
LISTS_READ = 64
CANDIDATES = 200

# of the exact search: 256 x 20,000 cosines at a time
QUERIES_AT_ONCE = 256
ROWS_AT_ONCE = 20_000
CHUNK = 50  # of these cosines: its largest says whether to look inside

Found = tuple[np.ndarray, np.ndarray]  # similarity float32 (Q, k), rows int64 (Q, k); best first


class Neighbours:
    """Known photos by their embeddings (N, D), searched by cosine.

    They are kept in `embeddings`, each row of length 1. Up to 50,000 rows every query is compared
    with every row. Beyond, faiss files the rows' 128 principal components, 8 bits each, in about
    4 sqrt(N) lists; it reads 64 of them for the 200 best, which are then compared in full, 16 bits
    a number. Notebook 07 says what that costs in recall; rows without structure, such as random
    numbers, it loses.

    Args:
        exact: True compares with every row, False asks faiss, None decides by N.
    Raises:
        ValueError: no rows, or not a matrix.
    Source: Johnson et al. 2021, "Billion-scale similarity search with GPUs" (faiss).
    """

    def __init__(self, embeddings: np.ndarray, exact: bool | None = None):
        if np.ndim(embeddings) != 2 or not len(embeddings):
            raise ValueError(
                f"embeddings have shape {np.shape(embeddings)}; "
                "expected one row a photo or more, (N, D)."
            )
        if exact is None:
            exact = len(embeddings) <= EXACT_UP_TO
        self.embeddings = _unit(embeddings)
        self.index = None
        if not exact:
            self.index = _index(self.embeddings)
            self.embeddings = self.embeddings.astype(np.float16)

    @property
    def nbytes(self) -> int:
        """The memory that rows and index take, in bytes."""
        if self.index is None:
            return self.embeddings.nbytes
        import faiss

        return self.embeddings.nbytes + faiss.serialize_index(self.index).nbytes

    def search(self, queries: np.ndarray, k: int = 10) -> Found:
        """Return similarity float32 (Q, k), cosines, and rows int64 (Q, k), best first.

        They are the `k` known photos most alike.

        Raises:
            ValueError: `k` not from 1 to N, queries not (Q, D).
        """
        n, dim = self.embeddings.shape
        if np.ndim(queries) != 2 or queries.shape[1] != dim:
            raise ValueError(
                f"queries have shape {np.shape(queries)}; "
                f"expected (Q, {dim}), as the known rows have."
            )
        if not 1 <= k <= n:
            raise ValueError(f"k must be from 1 to {n}, the number of known rows; got {k}")
        every_row = self.index is None or 20 * k > n
        find = self._exact if every_row else self._propose
        similarities = []
        rows = []
        for start in range(0, max(len(queries), 1), QUERIES_AT_ONCE):
            part = _unit(queries[start : start + QUERIES_AT_ONCE])
            similarity, found = find(part, k)
            similarities.append(similarity)
            rows.append(found)
        return np.concatenate(similarities), np.concatenate(rows)

    def strangeness(self, queries: np.ndarray, k: int = 5) -> np.ndarray:
        """Return how unlike anything known each photo is, (Q,) in [0, 2].

        It is 1 - the cosine of its k-th most alike. Notebook 07 sets a limit, on photos that are
        not among the known, and tries other measures beside it.

        Source: Sun et al. 2022, "Out-of-distribution detection with deep nearest neighbors".
        """
        k = min(k, len(self.embeddings))
        similarity, _ = self.search(queries, k)
        return 1 - similarity[:, -1]

    def _exact(self, queries: np.ndarray, k: int) -> Found:
        """Compare with every row, block by block; the best so far are carried along."""
        best = np.empty((len(queries), 0), np.float32)  # (Q, k at most)
        rows = np.empty((len(queries), 0), np.int64)
        for start in range(0, len(self.embeddings), ROWS_AT_ONCE):
            part = self.embeddings[start : start + ROWS_AT_ONCE]
            cosines = queries @ part.astype(np.float32, copy=False).T
            at = _largest(cosines, k)
            best = np.hstack([best, np.take_along_axis(cosines, at, axis=1)])
            rows = np.hstack([rows, at + start])
            order = np.argsort(-best, axis=1, kind="stable")[:, :k]
            best = np.take_along_axis(best, order, axis=1)
            rows = np.take_along_axis(rows, order, axis=1)
        return best, rows

    def _propose(self, queries: np.ndarray, k: int) -> Found:
        """Compare with those that the index proposes; with every row where it proposes too few."""
        n_candidates = max(CANDIDATES, 5 * k)
        _, rows = self.index.search(queries, n_candidates)  # (Q, candidates)
        lacking = rows < 0  # where the lists held fewer
        if lacking[:, :k].any():
            return self._exact(queries, k)
        pairs = zip(queries, rows)
        similarity = np.stack([self._cosines(query, near) for query, near in pairs])
        distance = np.where(lacking, np.inf, -similarity)
        order = np.argsort(distance, axis=1)[:, :k]
        best = np.take_along_axis(similarity, order, axis=1)
        return best, np.take_along_axis(rows, order, axis=1)

    def _cosines(self, query: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the cosines, (candidates,), of one query, (D,), and some rows."""
        return self.embeddings[rows].astype(np.float32) @ query


def knn(
    known: Neighbours,
    labels: Sequence[str] | np.ndarray | pd.Series,
    images: pd.DataFrame,
    embeddings: np.ndarray,
    k: int = 10,
    temperature: float = 0.05,
) -> Predictions:
    """Return what the `k` most alike known photos say of each image.

    Their votes weigh exp(cosine / temperature). Nothing is fitted: a species is known from its
    first photo on. Species outside the k neighbours get 0.

    Args:
        labels: (N,) the species of each known row.
        images, embeddings: what is asked, Q rows and (Q, D).
        k: N at most are asked.
        temperature: above 0; the lower it is, the more the best neighbour decides.
    Raises:
        ValueError: labels that do not fit `known`, a temperature of 0 or less.
    """
    if len(labels) != len(known.embeddings):
        raise ValueError(
            f"{len(labels)} labels, but {len(known.embeddings)} known rows; expected one a row"
        )
    if temperature <= 0:
        raise ValueError(f"temperature must be above 0, such as 0.05; got {temperature}")
    codes, species = pd.factorize(np.asarray(labels), sort=True)
    similarity, rows = known.search(embeddings, min(k, len(labels)))
    weight = np.exp((similarity - similarity[:, :1]) / temperature)  # (Q, k)
    votes = np.zeros((len(rows), len(species)))
    query = np.arange(len(rows))[:, None]
    np.add.at(votes, (query, codes[rows]), weight)
    probs = votes / votes.sum(axis=1, keepdims=True)
    return Predictions(images, species, probs)


def _largest(values: np.ndarray, k: int) -> np.ndarray:
    """Return the columns of the `k` largest values of each row, in any order; all where fewer.

    The k largest lie in the k chunks whose largest are largest, so few columns are compared twice.
    """
    n_rows, n_columns = values.shape
    n_chunks = n_columns // CHUNK
    if n_chunks <= k:
        return _in_part(values, k)
    whole = n_chunks * CHUNK
    tops = values[:, :whole].reshape(n_rows, n_chunks, CHUNK).max(axis=2)
    chunks = _in_part(tops, k)
    inside = chunks[..., None] * CHUNK + np.arange(CHUNK)  # (rows, k, CHUNK)
    rest = np.tile(np.arange(whole, n_columns), (n_rows, 1))
    columns = np.hstack([inside.reshape(n_rows, k * CHUNK), rest])
    found = _in_part(np.take_along_axis(values, columns, axis=1), k)
    return np.take_along_axis(columns, found, axis=1)


def _in_part(values: np.ndarray, k: int) -> np.ndarray:
    """Return what `_largest` does, comparing all columns."""
    n_others = max(0, values.shape[1] - k)
    if n_others == 0:
        return np.tile(np.arange(values.shape[1]), (len(values), 1))
    return np.argpartition(values, n_others, axis=1)[:, n_others:]


def _unit(rows: np.ndarray) -> np.ndarray:
    """Return the rows at length 1."""
    rows = np.asarray(rows, dtype=np.float32)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(length, 1e-12)


def _index(unit: np.ndarray) -> "Index":
    """Return a faiss index of rows of length 1, learnt from a sample of them."""
    import faiss

    n, dim = unit.shape
    wanted = min(4 * np.sqrt(n), n / 64)  # at 64 rows a list or more
    n_lists = 2 ** round(np.log2(max(1, wanted)))
    reduced = f"PCA{COMPONENTS}," if dim > COMPONENTS else ""
    index = faiss.index_factory(dim, f"{reduced}IVF{n_lists},SQ8", faiss.METRIC_INNER_PRODUCT)
    n_sampled = min(n, 40 * n_lists)
    sample = np.random.default_rng(0).choice(n, n_sampled, replace=False)
    index.train(unit[sample])
    index.add(unit)
    faiss.extract_index_ivf(index).nprobe = min(LISTS_READ, n_lists)
    return index
