"""Classifier heads on embeddings."""

import numpy as np
import torch
from torch import nn


def fit_linear(embeddings: np.ndarray, targets: np.ndarray, n_species: int, penalty: float = 3.0) -> nn.Linear:
    """Return a linear head fitted to embeddings: multinomial logistic regression, solved to the end.

    Features are standardised for the fit and the scaling folded into the returned weights, so that the head
    takes raw embeddings and can stand on the network as it is: step one of two-step fine-tuning.

    Args:
        embeddings: (N, D). targets: (N,) in [0, n_species); every species needs at least one row.
        penalty: strength of the L2 penalty on the standardised weights, per training photo (> 0).
    Raises:
        ValueError: shapes that differ, a species without a row, a penalty of 0 or less.

    Source: Kumar et al. 2022, "Fine-tuning can distort pretrained features", for why step one comes first.
    """
    from sklearn.linear_model import LogisticRegression

    if len(embeddings) != len(targets):
        raise ValueError(f"{len(embeddings)} embeddings, but {len(targets)} targets; expected one a row")
    if n_species < 2 or len(missing := np.setdiff1d(np.arange(n_species), targets)):
        lacking = f"species {missing[0]} of {n_species} has none" if n_species >= 2 else f"got {n_species} species"
        raise ValueError(f"a head needs two or more species, each with a photo to learn from; {lacking}")
    if penalty <= 0:
        raise ValueError(f"penalty must be above 0, such as 3.0; got {penalty}")
    mean, std = embeddings.mean(0), embeddings.std(0) + 1e-3 * embeddings.std()
    model = LogisticRegression(C=100.0 / (penalty * len(targets)), max_iter=300, tol=1e-3)
    model.fit(((embeddings - mean) / std).astype(np.float32), targets)
    weight, bias = model.coef_, model.intercept_
    if n_species == 2:  # scikit-learn keeps one row for two classes
        weight, bias = np.vstack([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    head = nn.Linear(embeddings.shape[1], n_species)
    weight = weight / std
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(weight))
        head.bias.copy_(torch.from_numpy(bias - weight @ mean))
    return head
