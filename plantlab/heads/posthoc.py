"""Heads made from means, or changed after their fit: for a long tail."""

import numpy as np
from torch import nn

from plantlab.heads.linear import as_linear


def nearest_mean(embeddings: np.ndarray, targets: np.ndarray, n_species: int) -> nn.Linear:
    """Return the head that names the species whose mean is nearest.

    Distances count in units of the photos' mean distance from their own species' mean.

    Source: Kang et al. 2020, "Decoupling representation and classifier for long-tailed
    recognition", section 4.1.
    """
    rows = [embeddings[targets == k] for k in range(n_species)]
    means = np.stack([each.mean(0) for each in rows])  # (K, D)
    distances = np.square(embeddings - means[targets]).sum(1)  # (N,)
    spread = distances.mean()
    weight = 2 * means / spread * 50
    bias = -np.square(means).sum(1) / spread * 50
    return as_linear(weight, bias)


def normalise(head: nn.Linear, tau: float) -> nn.Linear:
    """Return a head whose weights are divided by their norm ** tau, without biases.

    Common species shout louder.

    Source: Kang et al. 2020, as in nearest_mean, equation 3.
    """
    weight = head.weight.detach().double().numpy()
    norms = np.linalg.norm(weight, axis=1, keepdims=True)  # (K, 1)
    return as_linear(weight / norms**tau, np.zeros(len(weight)))


def adjust(head: nn.Linear, counts: np.ndarray, tau: float) -> nn.Linear:
    """Return a head with tau * log(share of the species in train) taken off its biases.

    This is post hoc logit adjustment.

    Source: Menon et al. 2021, "Long-tail learning via logit adjustment", equation 9.
    """
    share = np.asarray(counts) / np.sum(counts)
    weight = head.weight.detach().numpy()
    bias = head.bias.detach().numpy()
    return as_linear(weight, bias - tau * np.log(share))
