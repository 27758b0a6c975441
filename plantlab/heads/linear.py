"""Linear heads on embeddings, fitted by any loss, and what they say."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plantlab.heads.losses import Weighted
from plantlab.networks.device import device_of

Loss = Callable[[Tensor, Tensor], Tensor]  # logits (N, K) and targets (N,) -> the mean loss


def fit_linear(
    embeddings: np.ndarray,
    targets: np.ndarray,
    n_species: int,
    penalty: float = 3.0,
    loss: Loss = F.cross_entropy,
    parents: np.ndarray | None = None,
    steps: int | None = None,
    scale: bool = True,
) -> nn.Linear:
    """Return a linear head fitted to embeddings.

    With cross-entropy it is multinomial logistic regression. Features are standardised for the fit
    and the scaling folded into the returned weights, so that the head takes raw embeddings and can
    stand on the network as it is: step one of two-step fine-tuning.

    Args:
        embeddings: (N, D).
        targets: (N,) in [0, n_species); every species needs at least one row.
        penalty: strength of the L2 penalty on the standardised weights (> 0).
        loss: logits (N, K) and targets (N,) -> the mean loss, such as those of `losses`.
        parents: (K,) the genus of each species by number; a species' weights are then its genus's
            plus its own, so that a rare one begins as its genus.
        steps: None solves to the end (L-BFGS); a number takes as many steps of Adam from zero,
            over all rows.
        scale: False leaves features as they are, such as principal components, whose spread says
            what counts.
    Raises:
        ValueError: shapes that differ, a species without a row, a penalty of 0 or less.
    Source: Kumar et al. 2022, "Fine-tuning can distort pretrained features", for why step one
        comes first.
    """
    _check(embeddings, targets, n_species, penalty)
    mean = embeddings.mean(0)
    std = embeddings.std(0) + 1e-3 * embeddings.std() if scale else 1.0
    scaled = (embeddings - mean) / std
    features = torch.from_numpy(scaled.astype(np.float32))
    labels = torch.as_tensor(targets)
    genera = np.zeros(0, int) if parents is None else np.asarray(parents)
    genus_rows = torch.as_tensor(n_species + genera)  # where each species' genus has its weights
    n_rows = int(genus_rows.max()) + 1 if len(genera) else n_species
    # (species, then genera; features and, in the last column, the bias)
    weights = torch.zeros(n_rows, features.shape[1] + 1, requires_grad=True)

    def objective() -> Tensor:
        whole = _with_genus(weights, n_species, genus_rows)
        logits = features @ whole[:, :-1].T + whole[:, -1]  # (N, K)
        size = weights[:, :-1].square().sum()
        return loss(logits, labels) + penalty / 200 * size

    _minimise(objective, weights, steps)
    fitted = weights.detach().double()
    whole = _with_genus(fitted, n_species, genus_rows).numpy()
    weight = whole[:, :-1] / std
    bias = whole[:, -1]
    return as_linear(weight, bias - weight @ mean)


def fit_counted(
    embeddings: np.ndarray,
    targets: np.ndarray,
    n_species: int,
    shares: np.ndarray,
    loss: Loss | None = None,
    **options: object,
) -> nn.Linear:
    """Return a head for all species from rows that count by their share.

    A row of share 0 is left out; a species left without a row gets no probability. So a filter, a
    weight and an arm of an experiment are one thing: a number a photo.

    Args:
        shares: (N,), 0 or more, or a mask.
        loss: instead of cross-entropy; the rows that are not left out then count alike.
        options: of fit_linear.
    """
    rows = np.asarray(shares) > 0
    there, codes = np.unique(targets[rows], return_inverse=True)
    loss = loss or Weighted(np.asarray(shares, float)[rows])
    narrow = fit_linear(embeddings[rows], codes, len(there), loss=loss, **options)
    return widen(narrow, there, n_species)


def _check(embeddings: np.ndarray, targets: np.ndarray, n_species: int, penalty: float) -> None:
    if len(embeddings) != len(targets):
        raise ValueError(
            f"{len(embeddings)} embeddings, but {len(targets)} targets; expected one a row"
        )
    needed = "a head needs two or more species, each with a photo to learn from"
    if n_species < 2:
        raise ValueError(f"{needed}; got {n_species} species")
    missing = np.setdiff1d(np.arange(n_species), targets)
    if len(missing):
        raise ValueError(f"{needed}; species {missing[0]} of {n_species} has none")
    if penalty <= 0:
        raise ValueError(f"penalty must be above 0, such as 3.0; got {penalty}")


def _with_genus(weights: Tensor, n_species: int, genus_rows: Tensor) -> Tensor:
    """Return the species' weights, (K, D + 1), their genus's added to their own."""
    if not len(genus_rows):
        return weights
    return weights[:n_species] + weights[genus_rows]


def _minimise(objective: Callable[[], Tensor], weights: Tensor, steps: int | None) -> None:
    """Change `weights` until `objective` is least; with `steps`, take so many of Adam."""
    if steps:
        optimizer = torch.optim.Adam([weights], 0.01)
    else:
        optimizer = torch.optim.LBFGS(
            [weights], max_iter=200, tolerance_grad=1e-4, line_search_fn="strong_wolfe"
        )

    def value_and_gradient() -> Tensor:
        optimizer.zero_grad()
        value = objective()
        value.backward()
        return value

    for _ in range(steps or 1):  # L-BFGS takes all of its own in one
        optimizer.step(value_and_gradient)


def as_linear(weight: np.ndarray, bias: np.ndarray) -> nn.Linear:
    """Return the head with these weights, (K, D), and biases, (K,)."""
    head = nn.Linear(weight.shape[1], weight.shape[0])
    numbers = {"weight": weight, "bias": bias}
    head.load_state_dict({name: torch.from_numpy(each) for name, each in numbers.items()})
    return head


def probabilities(head: nn.Module, embeddings: np.ndarray) -> np.ndarray:
    """Return what a head says of embeddings (N, D): probabilities float32 (N, K)."""
    rows = torch.from_numpy(np.asarray(embeddings, np.float32))
    place = device_of(head)
    found = []
    with torch.inference_mode():
        for part in rows.split(4096):
            logits = head(part.to(place))
            found.append(logits.softmax(1).cpu())
    return torch.cat(found).numpy()


def out_of_fold(
    embeddings: np.ndarray,
    targets: np.ndarray,
    n_species: int,
    groups: np.ndarray,
    n_folds: int = 5,
    shares: np.ndarray | None = None,
    **options: object,
) -> np.ndarray:
    """Return probabilities float32 (N, K) of every row from a head that did not learn from it.

    Nor did it learn from a row of the same group.

    Args:
        groups: (N,) the observation of each row.
        shares: (N,) how much each row counts, see losses.Weighted; None counts all alike.
        options: of fit_linear. A species not learnt from gets 0 in that fold.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    probs = np.zeros((len(targets), n_species), np.float32)
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=0)
    for learn, ask in folds.split(embeddings, targets, groups):
        there, codes = np.unique(targets[learn], return_inverse=True)
        if shares is not None:
            options["loss"] = Weighted(shares[learn])
        narrow = fit_linear(embeddings[learn], codes, len(there), **options)
        head = widen(narrow, there, n_species)
        probs[ask] = probabilities(head, embeddings[ask])
    return probs


def widen(head: nn.Linear, there: np.ndarray, n_species: int) -> nn.Linear:
    """Return a head for `n_species` from one for those numbered in `there`.

    The others get no probability.
    """
    weight = np.zeros((n_species, head.in_features))
    bias = np.full(n_species, -1e4)
    weight[there] = head.weight.detach().numpy()
    bias[there] = head.bias.detach().numpy()
    return as_linear(weight, bias)
