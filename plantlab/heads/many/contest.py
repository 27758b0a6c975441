"""Heads against each other in a world whose best possible score is known."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from plantlab.heads.many import trees
from plantlab.heads.many.ask import Head, ask
from plantlab.heads.many.learn import from_means, learn
from plantlab.heads.many.small import Adaptive, Sampled
from plantlab.heads.many.tree import Tree
from plantlab.heads.many.world import World
from plantlab.predictions import metrics

MEASURES = ("top1", "top5", "top30", "mrr", "ma_mrr")
FREQUENCY = {"one photo": (1, 1), "2 to 10 photos": (2, 10), "over 10 photos": (11, np.inf)}


@dataclass(frozen=True, eq=False)
class Lesson:
    """What the heads of a contest learn from: `counts` photos of each species of a world, (K,).

    `genus` (K,) is a number; `width` is that of every small head; `epochs` those that a small head
    takes, where the dense one, which begins at its means, takes one.
    """

    world: World
    genus: np.ndarray
    counts: np.ndarray
    width: int = 45
    epochs: int = 5
    seed: int = 0

    @cached_property
    def targets(self) -> np.ndarray:
        """The species of each photo by number, (N,)."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    @cached_property
    def embeddings(self) -> np.ndarray:
        """The photos, float32 (N, D)."""
        return self.world.draw(self.targets, 2 * self.seed)

    @property
    def data(self) -> tuple[np.ndarray, np.ndarray, int]:
        """Embeddings, targets and the number of species."""
        return self.embeddings, self.targets, len(self.counts)

    @cached_property
    def log_counts(self) -> Tensor:
        """What a learnt head has learnt of how frequent each species is, (K,)."""
        return torch.from_numpy(np.log(self.counts)).float()

    @cached_property
    def flat(self) -> nn.Sequential:
        """The low-rank head of the means, D to `width` to K: where every small head begins."""
        return from_means(*self.data, width=self.width)

    def groups(self, how: str) -> np.ndarray:
        """Return as many groups as there are genera: genera, by number, or learnt from means."""
        n_groups = int(self.genus.max()) + 1
        if how == "genera":
            return self.genus
        if how == "numbers":
            return trees.by_number(len(self.counts), n_groups)
        return trees.learnt(self.flat[1].weight.detach().numpy(), n_groups, self.seed)


def contest(lesson: Lesson, names: list[str] | None = None, n_test: int = 8000) -> pd.DataFrame:
    """Return a row a head: its scores on photos of species drawn alike, beside the best there is.

    What a head learnt of how frequent species are is taken off its answers (logit adjustment), for
    all are asked about alike. `method`, `parameters`, `minutes` to learn, MEASURES with intervals,
    and the MRR of species by the number of their photos.

    Args:
        names: of HEADS; else all.
    """
    rng = np.random.default_rng(lesson.seed)
    n_species = len(lesson.counts)
    asked = rng.integers(0, n_species, n_test)
    photos = lesson.world.draw(asked, 2 * lesson.seed + 1)
    species = np.array([f"species {k}" for k in range(n_species)])
    images = pd.DataFrame({"image_path": map(str, range(n_test)), "species": species[asked]})
    images["kind"] = "generated"
    groups = {}
    for name, (low, high) in FREQUENCY.items():
        groups[name] = species[(lesson.counts >= low) & (lesson.counts <= high)]
    rows = []
    for name, head, told in _made(lesson, names or list(HEADS)):
        answers = ask(head, photos, images, species, k=1)
        row = metrics.score(answers, n_boot=200, measures=MEASURES).iloc[0].to_dict()
        by_frequency = metrics.score(answers, groups, n_boot=1, measures=["mrr"])
        row |= by_frequency.set_index("group")["mrr"].to_dict()
        told |= {"method": name, "seed": lesson.seed, "split": "test"}
        rows.append(told | row)
    return pd.DataFrame(rows)


def _made(lesson: Lesson, names: list[str]) -> Iterator[tuple[str, Head, dict]]:
    """Yield each head by its name, what is asked of it, and its parameters and minutes."""
    for name in names:
        torch.manual_seed(lesson.seed)
        began = time.perf_counter()
        head = HEADS[name](lesson)
        minutes = (time.perf_counter() - began) / 60
        n_numbers = sum(weight.numel() for weight in head.parameters())
        told = {"parameters": n_numbers, "minutes": minutes}
        yield name, _without_prior(head, lesson) if name in LEARNT else head, told
        if isinstance(head, Tree):
            yield f"{name}, routed", _without_prior(head.routed, lesson), told


def _without_prior(head: Head, lesson: Lesson) -> Head:
    """Return a head whose answers do not know how frequent a species is."""
    return lambda embeddings: head(embeddings) - lesson.log_counts


# the heads


def _best(lesson: Lesson) -> nn.Module:
    return lesson.world.best_head()


def _means(lesson: Lesson) -> nn.Module:
    return from_means(*lesson.data)


def _drawn_means(lesson: Lesson) -> nn.Module:
    return from_means(*lesson.data, groups=lesson.genus)


def _narrow_means(lesson: Lesson) -> nn.Module:
    return from_means(*lesson.data, width=lesson.width)


def _narrow_drawn_means(lesson: Lesson) -> nn.Module:
    return from_means(*lesson.data, groups=lesson.genus, width=lesson.width)


def _dense(lesson: Lesson) -> nn.Module:
    return _learnt(_means(lesson), lesson, epochs=1, lr=1e-3)


def _low_rank(lesson: Lesson) -> nn.Module:
    return _learnt(_narrow_means(lesson), lesson, epochs=1, lr=1e-3)


def _tree(how: str) -> Callable[[Lesson], nn.Module]:
    def grown(lesson: Lesson) -> nn.Module:
        head = Tree(lesson.embeddings.shape[1], [lesson.groups(how)], lesson.width)
        return _learnt(head, lesson, lesson.epochs)

    return grown


def _adaptive(lesson: Lesson) -> nn.Module:
    head = Adaptive(lesson.embeddings.shape[1], lesson.counts, lesson.width)
    return _learnt(head, lesson, lesson.epochs)


def _sampled(lesson: Lesson) -> nn.Module:
    head = Sampled(lesson.embeddings.shape[1], lesson.counts, lesson.width)
    return _learnt(head, lesson, lesson.epochs)


def _learnt(head: nn.Module, lesson: Lesson, epochs: int, lr: float = 3e-3) -> nn.Module:
    """Return the head after its epochs, begun at the means and the frequency of each species."""
    narrow, last = lesson.flat
    if hasattr(head, "narrow"):
        head.narrow.load_state_dict(narrow.state_dict())
    if hasattr(head, "begin"):
        head.begin(last.weight.detach(), last.bias.detach() + lesson.log_counts)
    if not hasattr(head, "loss"):
        last = head if isinstance(head, nn.Linear) else head[-1]
        last.bias.data += lesson.log_counts
    dense = not hasattr(head, "loss")
    embeddings, targets, _ = lesson.data
    return learn(head, embeddings, targets, epochs, lr, batch_size=1024, amp=dense)


WITHOUT_STEPS: dict[str, Callable[[Lesson], nn.Module]] = {
    "best possible": _best,
    "dense, means": _means,
    "dense, means drawn to genera": _drawn_means,
    "low rank, means": _narrow_means,
    "low rank, means drawn to genera": _narrow_drawn_means,
}
LEARNT: dict[str, Callable[[Lesson], nn.Module]] = {  # they know how frequent a species is
    "dense, learnt": _dense,
    "low rank, learnt": _low_rank,
    "tree of genera": _tree("genera"),
    "tree by number": _tree("numbers"),
    "tree of look-alikes": _tree("look-alikes"),
    "adaptive": _adaptive,
    "sampled": _sampled,
}
HEADS = WITHOUT_STEPS | LEARNT
