"""Look-alikes: which known photos are most like this one, what they say it is, and how unlike all of them it is."""

import numpy as np
import pandas as pd
import torch

from plantlab.predictions import Predictions

EXACT_UP_TO = 50_000  # rows; beyond, an index answers in a tenth of the time

COMPONENTS, LISTS_READ, CANDIDATES = 128, 64, 200  # of that index


class Neighbours:
    """Known photos by their embeddings (N, D), searched by cosine; kept in `embeddings`, each row of length 1.

    Up to 50,000 rows every query is compared with every row. Beyond, faiss files the rows' 128 principal components, 8
    bits each, in about 4 sqrt(N) lists; it reads 64 of them for the 200 best, which are then compared in full, 16 bits
    a number. Notebook 07 says what that costs in recall; rows without structure, such as random numbers, it loses.

    Args:
        exact: True compares with every row, False asks faiss, None decides by N.
    Raises:
        ValueError: no rows, or not a matrix.
    Source: Johnson et al. 2021, "Billion-scale similarity search with GPUs" (faiss).
    """

    def __init__(self, embeddings: np.ndarray, exact: bool | None = None):
        if np.ndim(embeddings) != 2 or not len(embeddings):
            raise ValueError(
                f"embeddings have shape {np.shape(embeddings)}; expected one row a photo or more, (N, D)."
            )
        self.embeddings, self.index = _unit(embeddings), None
        if not (len(embeddings) <= EXACT_UP_TO if exact is None else exact):
            self.index = _index(self.embeddings)
            self.embeddings = self.embeddings.astype(np.float16)

    @property
    def nbytes(self) -> int:
        """The memory that rows and index take, in bytes."""
        import faiss

        return self.embeddings.nbytes + (
            faiss.serialize_index(self.index).nbytes if self.index else 0
        )

    def search(self, queries: np.ndarray, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """Return similarity float32 (Q, k), cosines, and rows int64 (Q, k) of the `k` most alike, best first.

        Raises:
            ValueError: `k` not from 1 to N, queries not (Q, D).
        """
        n, dim = self.embeddings.shape
        if np.ndim(queries) != 2 or queries.shape[1] != dim:
            raise ValueError(
                f"queries have shape {np.shape(queries)}; expected (Q, {dim}), as the known rows have."
            )
        if not 1 <= k <= n:
            raise ValueError(f"k must be from 1 to {n}, the number of known rows; got {k}")
        find = self._exact if self.index is None or 20 * k > n else self._propose
        found = [
            find(_unit(queries[at : at + 256]), k) for at in range(0, max(len(queries), 1), 256)
        ]
        return tuple(map(np.concatenate, zip(*found)))

    def strangeness(self, queries: np.ndarray, k: int = 5) -> np.ndarray:
        """Return how unlike anything known each photo is, (Q,) in [0, 2]: 1 - the cosine of its k-th most alike.

        Notebook 07 sets a limit, on photos that are not among the known, and tries other measures beside it.
        Source: Sun et al. 2022, "Out-of-distribution detection with deep nearest neighbors".
        """
        return 1 - self.search(queries, min(k, len(self.embeddings)))[0][:, -1]

    def _exact(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        best, rows = torch.empty(len(queries), 0), torch.empty(len(queries), 0, dtype=torch.int64)
        for start in range(0, len(self.embeddings), 20_000):  # 256 x 20,000 cosines at a time
            block = torch.from_numpy(self.embeddings[start : start + 20_000]).float()
            similarity, at = (torch.from_numpy(queries) @ block.T).topk(min(k, len(block)))
            best, order = torch.cat([best, similarity], 1).sort(descending=True)
            best, rows = best[:, :k], torch.cat([rows, at + start], 1).gather(1, order)[:, :k]
        return best.numpy(), rows.numpy()

    def _propose(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.index.search(queries, max(CANDIDATES, 5 * k))[
            1
        ]  # (Q, candidates), -1 where the lists hold fewer
        if (rows[:, :k] < 0).any():
            return self._exact(queries, k)
        each = zip(map(torch.from_numpy, queries), rows)
        similarity = np.stack(
            [torch.from_numpy(self.embeddings[near]).float() @ query for query, near in each]
        )
        order = np.argsort(np.where(rows < 0, np.inf, -similarity), axis=1)[:, :k]
        return np.take_along_axis(similarity, order, axis=1), np.take_along_axis(
            rows, order, axis=1
        )


def knn(
    known: Neighbours, labels, images: pd.DataFrame, embeddings: np.ndarray, k=10, temperature=0.05
) -> Predictions:
    """Return what the `k` most alike known photos say of each image; their votes weigh exp(cosine / temperature).

    Nothing is fitted: a species is known from its first photo on. Species outside the k neighbours get 0.

    Args:
        labels: (N,) the species of each known row. images, embeddings: what is asked, Q rows and (Q, D).
        k: N at most are asked. temperature: above 0; the lower it is, the more the best neighbour decides.
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
    votes = np.zeros((len(rows), len(species)))
    weight = np.exp((similarity - similarity[:, :1]) / temperature)  # (Q, k)
    np.add.at(votes, (np.arange(len(rows))[:, None], codes[rows]), weight)
    return Predictions(images, species, votes / votes.sum(axis=1, keepdims=True))


def _unit(rows: np.ndarray) -> np.ndarray:
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def _index(unit: np.ndarray):
    """Return a faiss index of rows of length 1, learnt from a sample of them."""
    import faiss

    n, dim = unit.shape
    n_lists = 2 ** round(np.log2(max(1, min(4 * np.sqrt(n), n / 64))))
    reduced = f"PCA{COMPONENTS}," if dim > COMPONENTS else ""
    index = faiss.index_factory(dim, f"{reduced}IVF{n_lists},SQ8", faiss.METRIC_INNER_PRODUCT)
    index.train(unit[np.random.default_rng(0).choice(n, min(n, 40 * n_lists), replace=False)])
    index.add(unit)
    faiss.extract_index_ivf(index).nprobe = min(LISTS_READ, n_lists)
    return index
