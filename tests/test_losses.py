"""Losses against cases worked by hand, against torch where they meet it, and what each exists for."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from plantlab.heads.losses import (
    ELR,
    GCE,
    LDAM,
    LogitAdjusted,
    SymmetricCE,
    Weighted,
    WithRanks,
    class_balanced_weights,
)

COUNTS = [81, 16, 1]
ALL = [
    WithRanks([[0, 1, 1], [0, 0, 0]]),
    LogitAdjusted(COUNTS),
    LDAM(COUNTS),
    GCE(),
    SymmetricCE(),
    ELR(),
]


@pytest.fixture
def batch():
    torch.manual_seed(0)
    return torch.randn(12, 3), torch.arange(12) % 3


def test_logit_adjustment_without_tau_is_cross_entropy_exactly(batch):
    assert torch.equal(LogitAdjusted(COUNTS, tau=0)(*batch), F.cross_entropy(*batch))


def test_a_rank_costs_what_its_species_do_not_say_together():
    """P = 1/2, 1/4, 1/4; the truth is of the group of the last two, whose sum is 1/2."""
    logits = torch.tensor([[0.5, 0.25, 0.25]]).log()
    loss = WithRanks([np.array([0, 1, 1])], weight=2.0)(logits, torch.tensor([1]))
    assert loss.item() == pytest.approx(np.log(4) + 2 * np.log(2))


def test_ranks_without_weight_are_cross_entropy_exactly(batch):
    assert torch.equal(WithRanks([np.array([0, 1, 1])], 0)(*batch), F.cross_entropy(*batch))


def test_balanced_softmax_worked_by_hand():
    """Equal logits: the probability of a species is its share of the train images, 16 of 98."""
    loss = LogitAdjusted(COUNTS, tau=1)(torch.zeros(1, 3), torch.tensor([1]))
    assert loss.item() == pytest.approx(-np.log(16 / 98), rel=1e-6)


def test_ldam_worked_by_hand():
    """Margins 2 (1 / n) ** 1/4 are 2/3, 1 and 2; the rarest's logit 3 counts as 1, so two of three species tie at 1."""
    loss = LDAM(COUNTS, margin=2)
    assert loss.margins.tolist() == pytest.approx([2 / 3, 1, 2])
    assert loss(torch.tensor([[1.0, -50, 3]]), torch.tensor([2])).item() == pytest.approx(
        np.log(2), rel=1e-5
    )


def test_class_balanced_weights_worked_by_hand():
    """beta = 0.5: effective numbers of 1, 2, 3 images are 1, 1.5 and 1.75."""
    inverse = np.array([1, 1 / 1.5, 1 / 1.75])
    assert class_balanced_weights([1, 2, 3], 0.5).tolist() == pytest.approx(
        inverse / inverse.mean()
    )
    assert class_balanced_weights(COUNTS, 0).tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match=r"beta must be in \[0, 1\]"):
        class_balanced_weights(COUNTS, 2)


def test_gce_lies_between_cross_entropy_and_absolute_error(batch):
    p = batch[0].softmax(1)[torch.arange(12), batch[1]]
    assert GCE(1)(*batch).item() == pytest.approx((1 - p).mean().item(), rel=1e-5)
    assert GCE(1e-4)(*batch).item() == pytest.approx(F.cross_entropy(*batch).item(), rel=1e-3)
    assert GCE(0.7)(*batch).item() == pytest.approx(((1 - p**0.7) / 0.7).mean().item(), rel=1e-5)
    with pytest.raises(ValueError, match="q must be in"):
        GCE(0)


def test_symmetric_ce_worked_by_hand():
    """p = 1/2: alpha log 2 + beta * 4 * (1 - 1/2), as the reverse term is -sum p log(label), log 0 = -4."""
    loss = SymmetricCE(0.1, 1.0)(torch.zeros(1, 2), torch.tensor([0]))
    assert loss.item() == pytest.approx(0.1 * np.log(2) + 2, rel=1e-6)


def test_elr_holds_on_to_early_answers():
    """Two steps by hand: t = 0.3 p, then 0.7 t + 0.3 p, all for p = 1/2 each."""
    loss, logits, targets = ELR(strength=3, momentum=0.7), torch.zeros(1, 2), torch.tensor([0])
    for t in (0.15, 0.255):
        assert loss(logits, targets).item() == pytest.approx(
            np.log(2) + 3 * np.log(1 - t), rel=1e-4
        )
    with pytest.raises(ValueError, match="all rows at every step"):
        loss(torch.zeros(2, 2), torch.tensor([0, 1]))


def test_elr_pulls_towards_the_early_answer_against_the_label():
    loss, targets = ELR(strength=10), torch.tensor([1])
    for _ in range(5):  # the network said species 0, confidently
        loss(torch.tensor([[2.0, 0.0]]), targets)
    logits = torch.tensor([[2.0, 0.0]], requires_grad=True)
    loss(logits, targets).backward()
    plain = torch.tensor([[2.0, 0.0]], requires_grad=True)
    F.cross_entropy(plain, targets).backward()
    assert logits.grad[0, 0] < 0 < plain.grad[0, 0], "descent raises the logit of the early answer"


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: type(loss).__name__)
def test_gradients_are_right_and_finite(loss, batch):
    logits, targets = batch[0].double().requires_grad_(), batch[1]
    if not isinstance(loss, ELR):  # whose memory moves with every call
        assert torch.autograd.gradcheck(lambda z: loss.double()(z, targets), logits, atol=1e-4)
    far = (1e4 * batch[0]).requires_grad_()
    ELR.__init__(loss) if isinstance(loss, ELR) else loss.float()
    loss(far, targets).backward()
    assert torch.isfinite(far.grad).all()


def test_a_wrong_label_pulls_less_under_the_robust_losses():
    """The network is sure of species 0; the label says 1: how hard does each loss pull?"""
    pulls = {}
    for loss in (torch.nn.CrossEntropyLoss(), GCE(0.7), SymmetricCE()):
        logits = torch.tensor([[6.0, 0.0]], requires_grad=True)
        loss(logits, torch.tensor([1])).backward()
        pulls[type(loss).__name__] = logits.grad.abs().max().item()
    assert pulls["GCE"] < 0.1 * pulls["CrossEntropyLoss"]
    assert pulls["SymmetricCE"] < 0.2 * pulls["CrossEntropyLoss"]


def test_counts_that_pandas_lends_are_taken_without_a_warning(recwarn):
    """They cannot be written to, of which torch warns when it borrows them."""
    lent = np.array([3, 1])
    lent.setflags(write=False)
    assert class_balanced_weights(lent, beta=1).tolist() == [0.5, 1.5]
    LogitAdjusted(lent), LDAM(lent)
    assert not recwarn.list


def test_weighted_cross_entropy_leaves_out_what_weighs_nothing(batch):
    logits, targets = batch
    shares = [1.0] * 6 + [0.0] * 6
    expected = F.cross_entropy(logits[:6], targets[:6])
    torch.testing.assert_close(Weighted(shares)(logits, targets), expected)
    torch.testing.assert_close(Weighted([2.0] * 12)(*batch), F.cross_entropy(*batch))
