"""What a head says, batch by batch: lists and exact ranks, in the memory of one batch."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from plantlab.predictions import TopK

Head = Callable[[Tensor], Tensor]  # embeddings (B, D) -> logits (B, K)


def ask(
    head: Head,
    embeddings: np.ndarray,
    images: pd.DataFrame,
    species: Sequence[str],
    k: int = 30,
    batch_size: int = 256,
) -> TopK:
    """Return each image's k best species of K, with the rank of the truth among all of them.

    N x K numbers are never held: 26,868 x 80,000 would be 8.6 GB. Ties count against the head.

    Args:
        head: a module, or `Tree.routed`.
        embeddings: (N, D). images: N rows with `species`.
    Raises:
        ValueError: the head does not speak of so many species.
    """
    truth = torch.from_numpy(pd.Index(species).get_indexer(images["species"]))  # (N,), -1 unknown
    columns, scores, ranks = [], [], []
    for start in range(0, len(images), batch_size):
        rows = np.asarray(embeddings[start : start + batch_size], np.float32)
        with torch.inference_mode():
            logits = head(torch.from_numpy(rows))  # (B, K)
            if logits.shape[1] != len(species):
                raise ValueError(f"the head has {logits.shape[1]} outputs, not {len(species)}")
            ranks.append(rank_of(logits, truth[start : start + batch_size]))
            best = logits.topk(min(k, len(species)), dim=1)
            total = logits.logsumexp(1, keepdim=True)
        columns.append(best.indices.numpy())
        scores.append((best.values - total).exp().numpy())
    columns = np.concatenate(columns)
    places = np.broadcast_to(np.arange(1.0, columns.shape[1] + 1), columns.shape)
    return TopK(images, species, columns, np.concatenate(scores), places, np.concatenate(ranks))


def rank_of(logits: Tensor, truth: Tensor) -> np.ndarray:
    """Return the rank of each row's true column among all, (B,); inf where the truth is -1.

    An answer of -inf for the truth is no answer: its rank is inf, too.
    """
    own = logits.gather(1, truth.clamp(min=0)[:, None])  # (B, 1)
    ranks = (logits >= own).sum(1).double()
    unknown = (truth < 0) | torch.isneginf(own[:, 0])
    return ranks.masked_fill(unknown, torch.inf).numpy()
