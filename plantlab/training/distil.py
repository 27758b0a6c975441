"""A small network that learns from what larger ones say, besides the labels."""

from collections.abc import Sequence

import pandas as pd
import torch
from fastai.callback.core import Callback
from torch import Tensor
from torch.nn import functional as F

from plantlab.networks.backbones import Classifier, fingerprint
from plantlab.networks.device import device


class Distil(Callback):
    """Learn, besides the labels, what teachers say of the very photos that the network sees.

    A teacher that gives a rose 0.9 and a peony 0.08 says what a label does not: what it looks like.
    The loss is (1 - share) * the usual one + share * T ** 2 * KL(teachers, network), both softened
    by the temperature T. Teachers see each photo as it was augmented; their answers are averaged.

    Args:
        teachers: trained networks that know the species to be learnt, or more.
        temperature: T, above 0; the higher, the more the wrong names count.
        share: of the teachers in the loss, in [0, 1].
    Raises:
        ValueError: no teacher, or a value out of its range.
    Source: Hinton, Vinyals and Dean 2015, "Distilling the knowledge in a neural network", section
    2; Beyer et al. 2022, "Knowledge distillation: a good teacher is patient and consistent", for
    teachers that see the same crop.
    """

    order = -8  # after photos were mixed, before what scales the loss
    run_valid = False

    def __init__(
        self, teachers: Sequence[Classifier], temperature: float = 2.0, share: float = 0.7
    ):
        if not teachers or temperature <= 0 or not 0 <= share <= 1:
            raise ValueError(
                "expected teachers, a temperature above 0 and a share in [0, 1]; "
                f"got {len(teachers)}, {temperature} and {share}"
            )
        self.networks = list(teachers)
        self.teachers = " ".join(map(fingerprint, teachers))  # tells a run from another
        self.temperature = temperature
        self.share = share

    def before_fit(self):
        self.columns = [_columns(teacher, self.dls.vocab) for teacher in self.networks]
        for teacher in self.networks:
            teacher.to(device()).eval()

    def after_loss(self):
        said = F.log_softmax(self.pred / self.temperature, 1)  # (B, K)
        apart = F.kl_div(said, self._taught(self.x), reduction="batchmean")
        taught = self.temperature**2 * apart
        both = (1 - self.share) * self.loss_grad + self.share * taught
        self.learn.loss_grad = both
        self.learn.loss = both.clone()

    @torch.no_grad()
    def _taught(self, photos: Tensor) -> Tensor:
        """Return what the teachers say of a batch on average, softened: (B, K)."""
        answers = []
        for teacher, columns in zip(self.networks, self.columns):
            logits = teacher(photos)[:, columns]
            answers.append(F.softmax(logits / self.temperature, 1))
        return torch.stack(answers).mean(0)


def _columns(teacher: Classifier, species: Sequence[str]) -> list[int]:
    """Return where each species stands in what a teacher says.

    Raises:
        ValueError: it does not know one of them.
    """
    columns = pd.Index(teacher.species or []).get_indexer(list(species))
    unknown = [name for name, column in zip(species, columns) if column < 0]
    if unknown:
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        raise ValueError(
            f"the teacher does not know {', '.join(unknown[:3])}{more}; "
            "train it on the same species first."
        )
    return columns.tolist()
