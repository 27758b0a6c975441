"""Small heads: a narrow layer before the last one, classes sorted by frequency, or few at a time.

A head is a module from embeddings (B, D) to logits (B, K), and so stands on any Classifier. Those
that need not say all K to learn from a batch have a `loss` of their own, see `learn.loss_of`.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


def low_rank(n_features: int, n_species: int, width: int = 128) -> nn.Sequential:
    """Return two linear layers, D to `width` to K, instead of one: the dimension-reduction trick.

    It has D x width + width x K weights; the dense head has D x K.

    Source: Pl@ntNet's network of 294,000 species, whose last layer was written so (2.3 GB to 1.8).
    """
    narrow = nn.Linear(n_features, width, bias=False)
    return nn.Sequential(narrow, nn.Linear(width, n_species))


class Adaptive(nn.Module):
    """torch's adaptive softmax: the more frequent a species, the wider its features.

    The head names the commonest species and a few clusters of the others, each cluster with
    half of the width of the one before. Species come in any order.

    Args:
        counts: (K,) train photos of each species.
        cutoffs: shares of K at which clusters end, increasing, below 1.
    Source: Grave et al. 2017, Efficient softmax approximation for GPUs.
    """

    def __init__(
        self,
        n_features: int,
        counts: np.ndarray,
        width: int = 128,
        cutoffs: tuple[float, ...] = (0.02, 0.2),
    ):
        super().__init__()
        n_species = len(counts)
        ends = [max(i + 1, int(share * n_species)) for i, share in enumerate(cutoffs)]
        place = np.empty(n_species, int)
        place[np.argsort(-np.asarray(counts), kind="stable")] = np.arange(n_species)
        self.register_buffer("place", torch.from_numpy(place))
        self.narrow = nn.Linear(n_features, width, bias=False)
        self.clusters = nn.AdaptiveLogSoftmaxWithLoss(width, n_species, ends, div_value=2.0)

    def forward(self, embeddings: Tensor) -> Tensor:
        log_probs = self.clusters.log_prob(self.narrow(embeddings))
        return log_probs[:, self.place]

    def loss(self, embeddings: Tensor, targets: Tensor) -> Tensor:
        return self.clusters(self.narrow(embeddings), self.place[targets]).loss


class Sampled(nn.Module):
    """A narrow layer and one of K rows, of which a batch touches its own species and a sample.

    Drawn species count by what they stand for (the log of how likely each is in the sample is taken
    off), so that the loss comes near the full softmax. Asked, it is the full softmax.

    Args:
        counts: (K,) train photos of each species; species are drawn in proportion to their root.
        n_drawn: species drawn for each batch.
    Source: Jean et al. 2015, On using very large target vocabulary for neural machine translation;
        Bengio and Senecal 2008.
    """

    def __init__(self, n_features: int, counts: np.ndarray, width: int = 128, n_drawn: int = 2048):
        super().__init__()
        n_species = len(counts)
        self.n_drawn = n_drawn
        self.narrow = nn.Linear(n_features, width, bias=False)
        self.weight = nn.Embedding(n_species, width, sparse=True)
        self.bias = nn.Embedding(n_species, 1, sparse=True)
        nn.init.normal_(self.weight.weight, std=width**-0.5)
        nn.init.zeros_(self.bias.weight)
        shares = np.sqrt(np.maximum(counts, 1))
        ends = torch.from_numpy(np.cumsum(shares / shares.sum()))
        self.register_buffer("ends", ends)
        likely = -np.expm1(self.n_drawn * np.log1p(-shares / shares.sum()))  # in the sample at all
        self.register_buffer("log_likely", torch.from_numpy(np.log(likely)).float())

    def begin(self, weights: Tensor, biases: Tensor) -> None:
        """Begin at a flat head's numbers, (K, width) and (K,)."""
        self.weight.weight.data = weights.clone()
        self.bias.weight.data = biases[:, None].clone()

    def forward(self, embeddings: Tensor) -> Tensor:
        return F.linear(self.narrow(embeddings), self.weight.weight, self.bias.weight[:, 0])

    def loss(self, embeddings: Tensor, targets: Tensor) -> Tensor:
        narrow = self.narrow(embeddings)  # (B, width)
        own = (narrow * self.weight(targets)).sum(1) + self.bias(targets)[:, 0]  # (B,)
        drawn = self._draw().to(targets.device)  # (S,)
        others = F.linear(narrow, self.weight(drawn), self.bias(drawn)[:, 0])  # (B, S)
        others = others - self.log_likely[drawn]
        others = others.masked_fill(drawn == targets[:, None], -torch.inf)
        own = own - self.log_likely[targets]
        both = torch.cat([own[:, None], others], dim=1)
        return F.cross_entropy(both, torch.zeros_like(targets))

    def _draw(self) -> Tensor:
        """Return species drawn by their shares, each once, (S,)."""
        points = torch.rand(self.n_drawn, dtype=torch.float64)
        drawn = torch.searchsorted(self.ends.cpu(), points)
        return drawn.clamp(max=len(self.ends) - 1).unique()
