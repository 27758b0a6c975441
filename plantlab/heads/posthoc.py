"""Heads made from means, or changed after their fit: for a long tail."""

import numpy as np
from torch import nn

from plantlab.heads.linear import _linear


def nearest_mean(embeddings: np.ndarray, targets: np.ndarray, n_species: int) -> nn.Linear:
    """Return the head that names the species whose mean is nearest; distances count in units of their mean within.

    Source: Kang et al. 2020, "Decoupling representation and classifier for long-tailed recognition", section 4.1.
    """
    means = np.stack([embeddings[targets == k].mean(0) for k in range(n_species)])  # (K, D)
    spread = np.square(embeddings - means[targets]).sum(1).mean()
    return _linear(2 * means / spread * 50, -np.square(means).sum(1) / spread * 50)


def normalise(head: nn.Linear, tau: float) -> nn.Linear:
    """Return a head whose weights are divided by their norm ** tau, without biases: common species shout louder.

    Source: Kang et al. 2020, as in nearest_mean, equation 3.
    """
    weight = head.weight.detach().double().numpy()
    return _linear(
        weight / np.linalg.norm(weight, axis=1, keepdims=True) ** tau, np.zeros(len(weight))
    )


def adjust(head: nn.Linear, counts: np.ndarray, tau: float) -> nn.Linear:
    """Return a head with tau * log(share of the species in train) taken off its biases: post hoc logit adjustment.

    Source: Menon et al. 2021, "Long-tail learning via logit adjustment", equation 9.
    """
    share = np.asarray(counts) / np.sum(counts)
    return _linear(head.weight.detach().numpy(), head.bias.detach().numpy() - tau * np.log(share))
