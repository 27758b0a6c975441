"""Losses that torch, fastai and timm lack: for a long tail, and for wrong labels.

Each takes logits (B, K) and targets (B,) and returns their mean loss, so that `training.fit` and
`linear.fit_linear` take it as it is. `counts` are the train images of each species, (K,), all at
least 1.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

Counts = Sequence[int] | np.ndarray | Tensor


def _tensor(counts: Counts, dtype: torch.dtype) -> Tensor:
    """Return counts as a tensor of their own: pandas hands out arrays that cannot be written."""
    return torch.tensor(np.array(counts), dtype=dtype)


def class_balanced_weights(counts: Counts, beta: float = 0.999) -> Tensor:
    """Return a weight per species, (K,), with mean 1: one over its effective number of images.

    `beta` in [0, 1]: 0 weighs all alike, 1 by one over the count.

    Source: Cui et al. 2019, "Class-balanced loss based on effective number of samples",
    equation 2.

    >>> class_balanced_weights([1, 3], beta=1)
    tensor([1.5000, 0.5000])
    """
    if not 0 <= beta <= 1:
        raise ValueError(f"beta must be in [0, 1], such as 0.999; got {beta}")
    counts = _tensor(counts, torch.float64)
    if beta == 1:
        weights = 1 / counts
    else:
        weights = (1 - beta) / (1 - beta**counts)
    return (weights / weights.mean()).float()


class Weighted(nn.Module):
    """Cross-entropy to which each row adds its own share, such as how far its label is believed.

    Args:
        shares: (N,), 0 or more, of the rows in their order: for losses over all rows at once.
    """

    def __init__(self, shares: Counts):
        super().__init__()
        self.shares = _tensor(shares, torch.float32)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        each = F.cross_entropy(logits, targets, reduction="none")
        return (self.shares * each).sum() / self.shares.sum()


class WithRanks(nn.Module):
    """Cross-entropy of the species, and of the genus, the family, ...: what a name is near to.

    P(genus) is the sum over its species, so that the same logits answer all of it, and a wrong
    species of the right genus costs less.

    Args:
        ranks: of each rank, the group of each species by number, (K,).
        weight: of each rank beside the species, 0 or more; 0 is cross-entropy.
    Source: Bertinetto et al. 2020, Making better mistakes, for losses along a taxonomy.
    """

    def __init__(self, ranks: Sequence[np.ndarray], weight: float = 1.0):
        super().__init__()
        self.weight = weight
        self.n_ranks = len(ranks)
        for depth, groups in enumerate(ranks):
            self.register_buffer(f"groups{depth}", _tensor(groups, torch.int64))

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        total = F.cross_entropy(logits, targets)
        log_probs = logits.log_softmax(1)
        for depth in range(self.n_ranks):
            groups = getattr(self, f"groups{depth}")
            alike = groups == groups[targets][:, None]  # (B, K), species of the true group
            of_group = log_probs.masked_fill(~alike, -torch.inf).logsumexp(1)
            total = total - self.weight * of_group.mean()
        return total


class LogitAdjusted(nn.Module):
    """Cross-entropy of logits + tau * log(share of the species in train).

    Rare species need not outshout common ones. tau = 0 is cross-entropy, tau = 1 balanced softmax.

    Source: Menon et al. 2021, "Long-tail learning via logit adjustment", equation 10; Ren et al.
    2020, "Balanced meta-softmax", equation 4.
    """

    def __init__(self, counts: Counts, tau: float = 1.0):
        super().__init__()
        self.tau = tau
        counts = _tensor(counts, torch.float32)
        share = counts / counts.sum()
        self.register_buffer("offset", tau * torch.log(share))

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(logits + self.offset.to(logits.device), targets)


class LDAM(nn.Module):
    """Cross-entropy with a margin on the true species' logit, the largest for the rarest.

    The margin is margin * (n_min / n) ** 1/4. The paper multiplies cosines by 30 and has 0.5 as the
    largest margin, 15 in logits; on plain logits 1 to 4 is much.

    Source: Cao et al. 2019, "Learning imbalanced datasets with label-distribution-aware margin
    loss", equation 13.
    """

    def __init__(self, counts: Counts, margin: float = 2.0, weight: Tensor | None = None):
        super().__init__()
        counts = _tensor(counts, torch.float32)
        self.register_buffer("margins", margin * (counts.min() / counts) ** 0.25)
        self.register_buffer("weight", weight)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        true_species = F.one_hot(targets, logits.shape[1])  # (B, K)
        margins = true_species * self.margins.to(logits.device)
        weight = None if self.weight is None else self.weight.to(logits.device)
        return F.cross_entropy(logits - margins, targets, weight)


class GCE(nn.Module):
    """(1 - p ** q) / q of the label's probability p.

    It goes from cross-entropy (q -> 0) to mean absolute error (q = 1): a label that the network
    finds absurd pulls less and less.

    Source: Zhang and Sabuncu 2018, "Generalized cross entropy loss", equation 6.
    """

    def __init__(self, q: float = 0.7):
        super().__init__()
        if not 0 < q <= 1:
            raise ValueError(f"q must be in (0, 1], such as 0.7; got {q}")
        self.q = q

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        log_p = -F.cross_entropy(logits, targets, reduction="none")  # (B,)
        unsure = -torch.expm1(self.q * log_p)  # 1 - p ** q
        return unsure.mean() / self.q


class SymmetricCE(nn.Module):
    """alpha * cross-entropy + beta * reverse cross-entropy, in which log 0 is -4.

    Source: Wang et al. 2019, "Symmetric cross entropy for robust learning with noisy labels",
    equation 7.
    """

    def __init__(self, alpha: float = 0.1, beta: float = 1.0):
        super().__init__()
        self.alpha = alpha
        self.beta = beta

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        nll = F.cross_entropy(logits, targets, reduction="none")  # (B,)
        reverse = -4 * torch.expm1(-nll)  # 4 (1 - p)
        return (self.alpha * nll + self.beta * reverse).mean()


class ELR(nn.Module):
    """Cross-entropy + strength * log(1 - <p, t>), t the running mean of a photo's answers so far.

    What was learnt early, before wrong labels were learnt by heart, is held on to. It remembers
    rows by their order, so it needs the whole train set as one batch: `linear.fit_linear` with
    `steps`.

    Source: Liu et al. 2020, "Early-learning regularization prevents memorization of noisy labels",
    equation 6.
    """

    def __init__(self, strength: float = 3.0, momentum: float = 0.7):
        super().__init__()
        self.strength = strength
        self.momentum = momentum
        self.mean = None

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        p = logits.softmax(1).clamp(1e-4, 1 - 1e-4)
        answers = (p / p.sum(1, keepdim=True)).detach()
        self._remember(answers)
        agreement = (p * self.mean).sum(1)  # (B,)
        held = torch.log1p(-agreement).mean()
        return F.cross_entropy(logits, targets) + self.strength * held

    def _remember(self, answers: Tensor) -> None:
        if self.mean is None:
            self.mean = torch.zeros_like(answers)
        if self.mean.shape != answers.shape:
            raise ValueError(
                f"ELR saw {len(self.mean)} rows before and {len(answers)} now; "
                "give it all rows at every step"
            )
        self.mean = self.momentum * self.mean + (1 - self.momentum) * answers
