"""A head for many species, learnt from embeddings: by steps, or at once from the means."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plantlab.heads.linear import as_linear

LONGEST = 9.0  # of a gradient


def loss_of(head: nn.Module, embeddings: Tensor, targets: Tensor) -> Tensor:
    """Return a head's own loss of a batch, else cross-entropy over all species."""
    if hasattr(head, "loss"):
        return head.loss(embeddings, targets)
    return F.cross_entropy(head(embeddings), targets)


def learn(
    head: nn.Module,
    embeddings: np.ndarray,
    targets: np.ndarray,
    epochs: int = 1,
    lr: float = 3e-3,
    batch_size: int = 512,
    accumulate: int = 1,
    amp: bool = False,
) -> nn.Module:
    """Return the head after so many epochs of Adam; its rate falls to 0 along a cosine.

    Rows of a table of which a batch touches few (`sparse`) are changed alone. Gradients longer than
    9 are shortened. Batches are drawn by torch's generator: seed it to repeat a run.

    Args:
        embeddings: (N, D), float32 or float16. targets: (N,) in [0, K).
        accumulate: batches before a step.
        amp: products in bfloat16.
    Source: accumulation over 32 batches and clipping at 9 are those of BioMachina, PlantCLEF 2022.
    """
    optimizers = optimizers_of(head, lr)
    n_batches = epochs * -(-len(targets) // batch_size)
    schedules = []
    for optimizer in optimizers:
        n_steps = max(1, n_batches // accumulate)
        schedules.append(torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps))
    batches = _batches(embeddings, targets, epochs, batch_size)
    for number, (features, labels) in enumerate(batches, 1):
        with torch.autocast("cpu", torch.bfloat16, enabled=amp):
            loss = loss_of(head, features, labels) / accumulate
        loss.backward()
        if number % accumulate == 0 or number == n_batches:
            step(head, optimizers)
            for schedule in schedules:
                schedule.step()
    return head


def step(head: nn.Module, optimizers: list[torch.optim.Optimizer]) -> None:
    """Change the head by its gradients, clipped, and forget them."""
    clip_gradients(head, LONGEST)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()


def clip_gradients(head: nn.Module, longest: float) -> float:
    """Shorten the gradients of all weights together to `longest`; return how long they were.

    torch's own clip_grad_norm_ takes no sparse ones.
    """
    parts = []
    for weight in head.parameters():
        if weight.grad is not None and weight.grad.is_sparse:
            weight.grad = weight.grad.coalesce()
            parts.append(weight.grad.values())
        elif weight.grad is not None:
            parts.append(weight.grad)
    length = torch.stack([part.norm() for part in parts]).norm()
    if length > longest:
        for part in parts:
            part.mul_(longest / length)
    return float(length)


def optimizers_of(head: nn.Module, lr: float) -> list[torch.optim.Optimizer]:
    """Return Adam for the weights, and one that leaves untouched rows alone for sparse tables."""
    sparse = []
    for module in head.modules():
        if isinstance(module, nn.Embedding) and module.sparse:
            sparse.append(module.weight)
    ids = {id(weight) for weight in sparse}
    dense = [weight for weight in head.parameters() if id(weight) not in ids]
    optimizers = [torch.optim.Adam(dense, lr)] if dense else []
    if sparse:
        optimizers.append(torch.optim.SparseAdam(sparse, lr))
    return optimizers


def _batches(
    embeddings: np.ndarray, targets: np.ndarray, epochs: int, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches of every row once an epoch, in a new order each."""
    for _ in range(epochs):
        order = torch.randperm(len(targets)).numpy()
        for start in range(0, len(order), batch_size):
            rows = np.sort(order[start : start + batch_size])
            features = torch.from_numpy(np.asarray(embeddings[rows], np.float32))
            yield features, torch.from_numpy(targets[rows])


# from the means


def class_means(
    embeddings: np.ndarray, targets: np.ndarray, n_species: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of each species' embeddings, (K, D), and how many there are, (K,).

    A species without any has a mean of 0.
    """
    counts = np.bincount(targets, minlength=n_species)
    order = np.argsort(targets, kind="stable")
    there = np.flatnonzero(counts)
    starts = (np.cumsum(counts) - counts)[there]
    means = np.zeros((n_species, embeddings.shape[1]), np.float32)
    sums = np.add.reduceat(embeddings[order].astype(np.float32), starts, axis=0)
    means[there] = sums / counts[there, None]
    return means, counts


def from_means(
    embeddings: np.ndarray,
    targets: np.ndarray,
    n_species: int,
    groups: np.ndarray | None = None,
    width: int = 0,
) -> nn.Module:
    """Return the head that names the species whose mean is nearest, without a single step.

    Directions count in units of how far photos of a species lie apart in them. Where a species'
    middle lies is known the worse the fewer photos it has: its mean is drawn towards that of its
    group, and this towards that of all, as far as it is in doubt (empirical Bayes). Else one photo,
    as far from the middle as noise has carried it, would hardly ever be the nearest.

    Args:
        groups: (K,) the genus of each species by number; None: all are of one group.
        width: keep so many directions, those in which means differ most: a low-rank head of
            D x width + width x K weights; 0 keeps all.
    Source: Efron and Morris 1977, Stein's paradox in statistics; Kang et al. 2020, section 4.1, for
        the nearest mean.
    """
    means, counts = class_means(embeddings, targets, n_species)
    within = _variance_within(embeddings, targets, means, counts)  # (D,)
    scale = np.sqrt(within).astype(np.float32)
    groups = np.zeros(n_species, int) if groups is None else groups
    means = _drawn_to_groups(means / scale, counts, groups)  # (K, D)
    narrow = np.diag(1 / scale)
    if width:
        centred = means - means.mean(0)
        _, directions = np.linalg.eigh(centred.T @ centred)
        directions = directions[:, ::-1][:, :width].astype(np.float32)  # (D, width)
        narrow = narrow @ directions
        means = means @ directions
    bias = -np.square(means).sum(1) / 2
    if not width:
        return as_linear(means @ narrow.T, bias)
    first = nn.Linear(len(narrow), width, bias=False)
    first.weight.data = torch.from_numpy(np.ascontiguousarray(narrow.T, np.float32))
    return nn.Sequential(first, as_linear(means, bias))


def _variance_within(
    embeddings: np.ndarray, targets: np.ndarray, means: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Return how far photos of a species lie from their mean, by direction, (D,): a variance."""
    several = counts[targets] > 1
    total = np.zeros(embeddings.shape[1])
    rows = np.flatnonzero(several)
    for part in np.array_split(rows, 1 + len(rows) // 8192):
        total += np.square(embeddings[part] - means[targets[part]]).sum(0)
    freedom = max(1, several.sum() - (counts > 1).sum())
    variance = total / freedom
    return variance + 1e-3 * variance.mean() + 1e-12


def _drawn_to_groups(means: np.ndarray, counts: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return means drawn towards their group's, and these towards that of all, (K, D).

    In units in which photos of a species lie 1 apart, so that a mean of n photos is in doubt by
    1 / n. Variances are those that the means themselves show, by direction.
    """
    doubt = 1 / np.maximum(counts, 1)[:, None].astype(np.float32)  # (K, 1)
    sizes = np.bincount(groups)[:, None].astype(np.float32)  # (G, 1)
    centres, _ = class_means(means, groups, len(sizes))
    away = np.square(means - centres[groups]).sum(0) / max(1.0, len(means) - len(sizes))
    species = np.maximum(away - doubt.mean(), 1e-3)  # (D,) how far a group's species lie apart
    certain = 1 / (species + doubt)  # (K, D)
    weighed, _ = class_means(certain * means, groups, len(sizes))
    certain_of_group, _ = class_means(certain, groups, len(sizes))
    centres = weighed / certain_of_group  # (G, D), the surest means count most
    of_all = centres.mean(0)
    doubt_of_group = 1 / (certain_of_group * sizes)
    apart = np.square(centres - of_all).mean(0) - doubt_of_group.mean(0)
    apart = np.maximum(apart, 1e-3)  # (D,) how far groups lie apart
    centres = of_all + apart / (apart + doubt_of_group) * (centres - of_all)
    drawn = centres[groups] + species * certain * (means - centres[groups])
    drawn[counts == 0] = centres[groups][counts == 0]
    return drawn.astype(np.float32)
