"""A softmax in levels: which group, then which of its species."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Tree(nn.Module):
    """A hierarchical softmax: P(species) = P(group) P(species | group), over any number of levels.

    A photo's loss asks about the groups and about the species of its own group alone: for 294,000
    species in 1,000 groups 1,300 numbers instead of 294,000. Asked, every species gets its
    probability, and they sum to 1; `routed` is the published short cut.

    Args:
        groups: of each level, from the top, the group of each species by number, (K,) each. A group
            belongs to one group above it.
        width: of the narrow layer before the tree; 0 leaves it out.
        sparse: gradients of the rows that a batch touched alone, for `learn`; other optimisers,
            such as fastai's, need all.
    Source: Morin and Bengio 2005, Hierarchical probabilistic neural network language model; two
        levels of 1,000 groups of 80 at width 128 in PlantCLEF 2022, team BioMachina.
    """

    def __init__(
        self, n_features: int, groups: Sequence[np.ndarray], width: int = 128, sparse: bool = True
    ):
        super().__init__()
        order, levels = _levels(groups)
        self.n_species = len(order)
        place = np.empty(self.n_species, int)  # where a species stands among the leaves
        place[order] = np.arange(self.n_species)
        self.register_buffer("place", torch.from_numpy(place))
        self.narrow = nn.Linear(n_features, width, bias=False) if width else nn.Identity()
        n_narrow = width or n_features
        self.weights = nn.ModuleList()
        self.biases = nn.ModuleList()
        for depth, level in enumerate(levels):
            for name, values in level.items():
                self.register_buffer(f"{name}{depth}", torch.from_numpy(values))
            n_nodes = len(level["parents"])
            self.weights.append(nn.Embedding(n_nodes, n_narrow, sparse=sparse))
            self.biases.append(nn.Embedding(n_nodes, 1, sparse=sparse))
            nn.init.normal_(self.weights[depth].weight, std=n_narrow**-0.5)
            nn.init.zeros_(self.biases[depth].weight)

    def begin(self, weights: Tensor, biases: Tensor) -> None:
        """Begin at a flat head's numbers, (K, width) and (K,): a group has its species' mean."""
        leaf_of = torch.argsort(self.place)
        for depth, (weight, bias) in enumerate(zip(self.weights, self.biases)):
            own = self._at("own", depth)
            n_leaves = torch.bincount(own)[:, None]
            for table, numbers in ((weight, weights), (bias, biases[:, None])):
                sums = torch.zeros_like(table.weight).index_add_(0, own, numbers[leaf_of])
                table.weight.data = sums / n_leaves

    def forward(self, embeddings: Tensor) -> Tensor:
        """Return the logarithm of every species' probability, (B, K)."""
        return self._all(embeddings)[-1][:, self.place]

    def routed(self, embeddings: Tensor) -> Tensor:
        """Return the same where only the best top group's species may be named; -inf elsewhere.

        As published: a wrong group makes the right species unreachable.
        """
        levels = self._all(embeddings)
        best = levels[0].argmax(1)  # (B,)
        others = self.own0[None, :] != best[:, None]  # (B, K), by leaf
        return levels[-1].masked_fill(others, -torch.inf)[:, self.place]

    def loss(self, embeddings: Tensor, targets: Tensor) -> Tensor:
        """Return the mean of -log P(species), which is exact, from the groups on its way alone."""
        narrow = self.narrow(embeddings)  # (B, width)
        leaves = self.place[targets]
        total = narrow.new_zeros(())
        for depth in range(len(self.weights)):
            node = self._at("own", depth)[leaves]  # (B,)
            parent = self._at("parents", depth)[node]
            first, size = (self._at(name, depth)[parent] for name in ("starts", "sizes"))
            steps = torch.arange(int(size.max()), device=targets.device)
            missing = steps >= size[:, None]  # (B, most siblings)
            siblings = (first[:, None] + steps).masked_fill(missing, 0)
            if depth == 0:  # all have the same
                row = siblings[0]
                logits = F.linear(narrow, self.weights[0](row), self.biases[0](row)[:, 0])
            else:
                weights = self.weights[depth](siblings)  # (B, S, width)
                logits = torch.bmm(weights, narrow[:, :, None])[:, :, 0]
                logits = logits + self.biases[depth](siblings)[:, :, 0]
            logits = logits.masked_fill(missing, -torch.inf)
            total = total + F.cross_entropy(logits, node - first)
        return total

    def _all(self, embeddings: Tensor) -> list[Tensor]:
        """Return of each level the log-probability of every node, (B, nodes)."""
        narrow = self.narrow(embeddings)
        levels = []
        for depth, (weight, bias) in enumerate(zip(self.weights, self.biases)):
            logits = F.linear(narrow, weight.weight, bias.weight[:, 0])
            sizes = self._at("sizes", depth)
            within = logits - _spread(_log_sums(logits, sizes), sizes)
            if depth:
                within = within + levels[-1][:, self._at("parents", depth)]
            levels.append(within)
        return levels

    def _at(self, name: str, depth: int) -> Tensor:
        return getattr(self, f"{name}{depth}")


def _levels(groups: Sequence[np.ndarray]) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
    """Return the order of species among the leaves, and the nodes of each level.

    The children of a node stand side by side. Of a level: `parents` of its nodes, `own`, the node
    above or at each leaf, and of each node of the level before: how many children it has (`sizes`)
    and the first of them (`starts`).
    """
    table = pd.DataFrame({str(depth): np.asarray(group) for depth, group in enumerate(groups)})
    order = table.sort_values(list(table), kind="stable").index.to_numpy()
    table = table.loc[order].reset_index(drop=True)
    above = np.zeros(len(table), int)  # the root
    levels = []
    for depth in range(len(groups) + 1):
        own = np.arange(len(table))
        if depth < len(groups):
            pairs = pd.MultiIndex.from_arrays([above, table[str(depth)]])
            own, _ = pd.factorize(pairs)
        first_leaf = np.unique(own, return_index=True)[1]
        parents = above[first_leaf]
        sizes = np.bincount(parents)
        starts = np.cumsum(sizes) - sizes
        levels.append({"parents": parents, "own": own, "sizes": sizes, "starts": starts})
        above = own
    return order, levels


def _log_sums(logits: Tensor, sizes: Tensor) -> Tensor:
    """Return the log of the sum of exp over each run of columns, (B, runs)."""
    columns = logits.T.contiguous()  # (nodes, B)
    highest = torch.segment_reduce(columns.detach(), "max", lengths=sizes)
    shifted = columns - highest.repeat_interleave(sizes, dim=0)
    sums = torch.segment_reduce(shifted.exp(), "sum", lengths=sizes)
    return (sums.log() + highest).T


def _spread(runs: Tensor, sizes: Tensor) -> Tensor:
    """Return a number for each column from one for each run, (B, nodes)."""
    return runs.repeat_interleave(sizes, dim=1)
