"""Linear heads on embeddings, fitted by any loss, and what they say."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def fit_linear(
    embeddings: np.ndarray,
    targets: np.ndarray,
    n_species: int,
    penalty: float = 3.0,
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = F.cross_entropy,
    parents: np.ndarray | None = None,
    steps: int | None = None,
    scale: bool = True,
) -> nn.Linear:
    """Return a linear head fitted to embeddings; with cross-entropy, multinomial logistic regression.

    Features are standardised for the fit and the scaling folded into the returned weights, so that the head
    takes raw embeddings and can stand on the network as it is: step one of two-step fine-tuning.

    Args:
        embeddings: (N, D). targets: (N,) in [0, n_species); every species needs at least one row.
        penalty: strength of the L2 penalty on the standardised weights (> 0).
        loss: logits (N, K) and targets (N,) -> the mean loss, such as those of `losses`.
        parents: (K,) the genus of each species by number; a species' weights are then its genus's plus its own, so
            that a rare one begins as its genus.
        steps: None solves to the end (L-BFGS); a number takes as many steps of Adam from zero, over all rows.
        scale: False leaves features as they are, such as principal components, whose spread says what counts.
    Raises:
        ValueError: shapes that differ, a species without a row, a penalty of 0 or less.
    Source: Kumar et al. 2022, "Fine-tuning can distort pretrained features", for why step one comes first.
    """
    if len(embeddings) != len(targets):
        raise ValueError(
            f"{len(embeddings)} embeddings, but {len(targets)} targets; expected one a row"
        )
    if n_species < 2 or len(missing := np.setdiff1d(np.arange(n_species), targets)):
        lacking = (
            f"species {missing[0]} of {n_species} has none"
            if n_species >= 2
            else f"got {n_species} species"
        )
        raise ValueError(
            f"a head needs two or more species, each with a photo to learn from; {lacking}"
        )
    if penalty <= 0:
        raise ValueError(f"penalty must be above 0, such as 3.0; got {penalty}")
    mean, std = embeddings.mean(0), embeddings.std(0) + 1e-3 * embeddings.std() if scale else 1.0
    x, y = (
        torch.from_numpy(((embeddings - mean) / std).astype(np.float32)),
        torch.as_tensor(targets),
    )
    groups = torch.as_tensor(
        np.zeros(0, int) if parents is None else n_species + np.asarray(parents)
    )
    rows = int(groups.max()) + 1 if len(groups) else n_species
    own = torch.zeros(
        rows, x.shape[1] + 1, requires_grad=True
    )  # species, then genera; the last column is the bias
    lbfgs = {"max_iter": 200, "tolerance_grad": 1e-4, "line_search_fn": "strong_wolfe"}
    optimizer = torch.optim.Adam([own], 0.01) if steps else torch.optim.LBFGS([own], **lbfgs)

    def objective() -> torch.Tensor:
        optimizer.zero_grad()
        weight = own[:n_species] + own[groups] if len(groups) else own
        value = (
            loss(x @ weight[:, :-1].T + weight[:, -1], y)
            + penalty / 200 * own[:, :-1].square().sum()
        )
        value.backward()
        return value

    for _ in range(steps or 1):  # L-BFGS takes all of its own in one
        optimizer.step(objective)
    fitted = own.detach().double().numpy()
    both = fitted[:n_species] + fitted[groups.numpy()] if len(groups) else fitted
    weight, bias = both[:, :-1] / std, both[:, -1]
    return _linear(weight, bias - weight @ mean)


def probabilities(head: nn.Module, embeddings: np.ndarray) -> np.ndarray:
    """Return what a head says of embeddings (N, D): probabilities float32 (N, K)."""
    parts = torch.from_numpy(np.asarray(embeddings, np.float32)).split(4096)
    device = next(head.parameters()).device
    with torch.inference_mode():
        return torch.cat([head(part.to(device)).softmax(1).cpu() for part in parts]).numpy()


def out_of_fold(
    embeddings: np.ndarray,
    targets: np.ndarray,
    n_species: int,
    groups: np.ndarray,
    n_folds: int = 5,
    **options,
) -> np.ndarray:
    """Return probabilities float32 (N, K) of every row from a head that did not learn from it, nor from its group.

    Args:
        groups: (N,) the observation of each row. options: of fit_linear. A species not learnt from gets 0 in that fold.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    probs = np.zeros((len(targets), n_species), np.float32)
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=0)
    for learn, ask in folds.split(embeddings, targets, groups):
        there, codes = np.unique(targets[learn], return_inverse=True)
        head = widen(fit_linear(embeddings[learn], codes, len(there), **options), there, n_species)
        probs[ask] = probabilities(head, embeddings[ask])
    return probs


def _linear(weight: np.ndarray, bias: np.ndarray) -> nn.Linear:
    head = nn.Linear(weight.shape[1], weight.shape[0])
    head.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
    return head


def widen(head: nn.Linear, there: np.ndarray, n_species: int) -> nn.Linear:
    """Return a head for `n_species` from one for those numbered in `there`; the others get no probability."""
    weight, bias = np.zeros((n_species, head.in_features)), np.full(n_species, -1e4)
    weight[there], bias[there] = head.weight.detach().numpy(), head.bias.detach().numpy()
    return _linear(weight, bias)
