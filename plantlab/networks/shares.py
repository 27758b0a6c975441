"""Batches for processes that learn together, each of its share; alone, of everything."""

import random

from fastai.data.load import DataLoader
from fastai.torch_core import to_detach

from plantlab.networks.parallel import n_processes, rank, share_of


class SharedLoader(DataLoader):
    """fastai's DataLoader over this process's share of the photos, and of an epoch's part.

    Shuffled rows are drawn alike in every process, and each takes its share of every batch:
    together they learn from what one process with a larger batch would, and each has as many
    batches as the others. What is not shuffled, to be validated on, is shared out to the last row.

    Args:
        parts: an epoch is gone through in so many, each of other rows.
    """

    def __init__(self, dataset, bs: int, shuffle: bool = False, parts: int = 1, **options):
        self.parts = parts
        self.part = 0
        super().__init__(dataset=dataset, bs=bs, shuffle=shuffle, **options)
        self.n = len(self.get_idxs())

    def get_idxs(self) -> list[int]:
        """Return the rows of this process, in their order."""
        rows = list(range(len(self.dataset)))
        if not self.shuffle:
            return list(share_of(rows))
        rows = self.shuffle_fn(rows)
        each = len(rows) // self.parts
        rows = rows[self.part * each :][:each]
        return _of_batches(rows, self.bs)

    def to_detach(self, batch, cpu: bool = True, gather: bool = True):
        """Return a batch's numbers of this process alone: sums are made once an epoch."""
        return to_detach(batch, cpu, gather=False)

    def go_to(self, epoch: int, seed: int) -> None:
        """Make the order of the next rows depend on the seed and the epoch alone."""
        whole, self.part = divmod(epoch, self.parts)
        self.dataset.epoch = whole
        self.rng = random.Random(f"{seed} {whole}")


def _of_batches(rows: list[int], bs: int) -> list[int]:
    """Return this process's rows of each batch that all processes make together.

    Raises:
        ValueError: fewer rows than processes.
    """
    n = n_processes()
    own = min(bs, len(rows) // n)
    if own == 0:
        raise ValueError(
            f"{len(rows)} photos to learn from are fewer than the {n} processes; start fewer."
        )
    taken = []
    for start in range(0, len(rows) - own * n + 1, own * n):
        first = start + rank() * own
        taken += rows[first : first + own]
    return taken
