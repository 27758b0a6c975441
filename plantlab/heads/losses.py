"""Losses that torch, fastai and timm lack: for a long tail, and for wrong labels.

Each takes logits (B, K) and targets (B,) and returns their mean loss, so that `training.fit` and `heads.fit_linear`
take it as it is. `counts` are the train images of each species, (K,), all at least 1.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def class_balanced_weights(counts, beta: float = 0.999) -> Tensor:
    """Return a weight per species, (K,), with mean 1: one over its effective number of images.

    `beta` in [0, 1]: 0 weighs all alike, 1 by one over the count.
    Source: Cui et al. 2019, "Class-balanced loss based on effective number of samples", equation 2.

    >>> class_balanced_weights([1, 3], beta=1)
    tensor([1.5000, 0.5000])
    """
    counts = torch.as_tensor(counts, dtype=torch.float64)
    if not 0 <= beta <= 1:
        raise ValueError(f"beta must be in [0, 1], such as 0.999; got {beta}")
    weights = 1 / counts if beta == 1 else (1 - beta) / (1 - beta**counts)
    return (weights / weights.mean()).float()


class LogitAdjusted(nn.Module):
    """Cross-entropy of logits + tau * log(share of the species in train): rare species need not outshout common ones.

    tau = 0 is cross-entropy, tau = 1 balanced softmax.
    Source: Menon et al. 2021, "Long-tail learning via logit adjustment", equation 10; Ren et al. 2020, "Balanced
    meta-softmax", equation 4.
    """

    def __init__(self, counts, tau: float = 1.0):
        super().__init__()
        self.tau = tau
        counts = torch.as_tensor(counts, dtype=torch.float32)
        self.register_buffer("offset", tau * torch.log(counts / counts.sum()))

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(logits + self.offset.to(logits.device), targets)


class LDAM(nn.Module):
    """Cross-entropy with a margin on the true species' logit, the largest for the rarest: margin * (n_min / n) ** 1/4.

    The paper multiplies cosines by 30 and has 0.5 as the largest margin, 15 in logits; on plain logits 1 to 4 is much.
    Source: Cao et al. 2019, "Learning imbalanced datasets with label-distribution-aware margin loss", equation 13.
    """

    def __init__(self, counts, margin: float = 2.0, weight: Tensor | None = None):
        super().__init__()
        counts = torch.as_tensor(counts, dtype=torch.float32)
        self.register_buffer("margins", margin * (counts.min() / counts) ** 0.25)
        self.register_buffer("weight", weight)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        margins = F.one_hot(targets, logits.shape[1]) * self.margins.to(logits.device)  # (B, K)
        weight = None if self.weight is None else self.weight.to(logits.device)
        return F.cross_entropy(logits - margins, targets, weight)


class GCE(nn.Module):
    """(1 - p ** q) / q of the label's probability p: from cross-entropy (q -> 0) to mean absolute error (q = 1).

    A label that the network finds absurd pulls less and less.
    Source: Zhang and Sabuncu 2018, "Generalized cross entropy loss", equation 6.
    """

    def __init__(self, q: float = 0.7):
        super().__init__()
        if not 0 < q <= 1:
            raise ValueError(f"q must be in (0, 1], such as 0.7; got {q}")
        self.q = q

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        log_p = -F.cross_entropy(logits, targets, reduction="none")  # (B,)
        return (-torch.expm1(self.q * log_p)).mean() / self.q


class SymmetricCE(nn.Module):
    """alpha * cross-entropy + beta * reverse cross-entropy, in which log 0 is -4.

    Source: Wang et al. 2019, "Symmetric cross entropy for robust learning with noisy labels", equation 7.
    """

    def __init__(self, alpha: float = 0.1, beta: float = 1.0):
        super().__init__()
        self.alpha, self.beta = alpha, beta

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        nll = F.cross_entropy(logits, targets, reduction="none")  # (B,)
        return (self.alpha * nll - 4 * self.beta * torch.expm1(-nll)).mean()


class ELR(nn.Module):
    """Cross-entropy + strength * log(1 - <p, t>), t the running mean of the answers that each photo got so far.

    What was learnt early, before wrong labels were learnt by heart, is held on to. It remembers rows by their order, so
    it needs the whole train set as one batch: `heads.fit_linear` with `steps`.
    Source: Liu et al. 2020, "Early-learning regularization prevents memorization of noisy labels", equation 6.
    """

    def __init__(self, strength: float = 3.0, momentum: float = 0.7):
        super().__init__()
        self.strength, self.momentum, self.mean = strength, momentum, None

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        p = logits.softmax(1).clamp(1e-4, 1 - 1e-4)
        now = (p / p.sum(1, keepdim=True)).detach()
        if self.mean is not None and self.mean.shape != now.shape:
            raise ValueError(
                f"ELR saw {len(self.mean)} rows before and {len(now)} now; give it all rows at every step"
            )
        past = torch.zeros_like(now) if self.mean is None else self.mean
        self.mean = self.momentum * past + (1 - self.momentum) * now
        return (
            F.cross_entropy(logits, targets)
            + self.strength * torch.log1p(-(p * self.mean).sum(1)).mean()
        )
