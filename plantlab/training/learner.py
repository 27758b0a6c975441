"""All layers trained on fastai's Learner."""

from contextlib import ExitStack
from pathlib import Path

import fastai.callback.progress  # noqa: F401  gives Learner no_bar
import fastai.callback.schedule  # noqa: F401  gives Learner fit_one_cycle
import pandas as pd
import torch
from fastai.callback.core import Callback
from fastai.callback.fp16 import AMPMode, MixedPrecision
from fastai.callback.training import GradientAccumulation, GradientClip
from fastai.learner import Learner
from fastai.metrics import accuracy
from torch import nn

from plantlab.networks.augment import MIXES, mix
from plantlab.networks.backbones import Classifier, fingerprint
from plantlab.networks.batches import loaders
from plantlab.training.checkpoint import Keep
from plantlab.training.memory import keep_memory


def halves(network: Classifier) -> list[list[nn.Parameter]]:
    """Return parameter groups for discriminative rates: first half of the body, second half, head."""
    body = list(network.body.parameters())
    return [body[: len(body) // 2], body[len(body) // 2 :], list(network.head.parameters())]


class Mix(Callback):
    """Mix each train batch, and the loss of both species in the same shares; validation sees whole photos."""

    order, run_valid = -9, False  # before what scales the loss

    def __init__(self, augment: str):
        self.augment = augment

    def before_batch(self):
        mixed, self.share = mix(self.x, self.augment)
        self.learn.xb = (mixed,)

    def after_loss(self):
        other = self.learn.loss_func(self.pred, self.y.roll(1))
        self.learn.loss_grad = self.share * self.loss_grad + (1 - self.share) * other
        self.learn.loss = self.learn.loss_grad.clone()


def fit(
    network: Classifier,
    images: pd.DataFrame,
    epochs: int,
    lr: float = 2e-3,
    body_lr: float = 1.0,
    image_size: int = 128,
    batch_size: int = 32,
    augment: str = "crop",
    smoothing: float = 0.1,
    loss: nn.Module | None = None,
    weight_decay: float = 0.01,
    patience: int | None = None,
    accumulate: int = 1,
    clip: float | None = None,
    mixed_precision: bool | None = None,
    checkpoint: str | Path | None = None,
    seed: int = 0,
    n_workers: int | None = None,
    progress: bool = False,
) -> Learner:
    """Train all layers with one-cycle Adam; return fastai's Learner, with `learn.history` (a row an epoch).

    A network whose head does not fit the species gets a fresh one; one from fit_head is trained on.

    Args:
        lr: the head's peak rate. body_lr: the first layers' rate as a share of it, in (0, 1] (1: the same).
        loss: takes logits (B, K) and targets (B,), such as those of `losses`; else cross-entropy with `smoothing`.
        patience: epochs without a lower validation loss before it stops, then the best epoch is returned.
        accumulate: batches an optimiser step. clip: largest gradient norm. mixed_precision: bfloat16 (None: on a GPU).
        checkpoint: a file, rewritten whole after each epoch; a run killed at any moment and called again with the same
            arguments goes on from it and ends with the same weights. Deleted when training is complete.
    Raises:
        TableError: see images.loaders. ValueError: the checkpoint is of another run, or a bad value.
    """
    if epochs < 1 or lr <= 0 or not 0 < body_lr <= 1:
        raise ValueError(
            f"expected epochs >= 1, lr > 0 and body_lr in (0, 1]; got {epochs}, {lr} and {body_lr}"
        )
    if patience and not (images["split"] == "valid").any():
        raise ValueError(
            "patience watches the validation loss, but no image's split is valid; leave patience out"
        )
    keep_memory()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dls = loaders(images, image_size, batch_size, augment, seed, n_workers, device)
    if getattr(network.head, "out_features", None) != dls.c:
        torch.manual_seed(seed)
        network.head = nn.Linear(network.n_features, dls.c)
    network.to(device).train()
    settings = (
        dls.vocab,
        len(dls.train.dataset),
        epochs,
        lr,
        body_lr,
        image_size,
        batch_size,
        augment,
        smoothing,
    )
    told = (
        [type(loss), {k: v for k, v in vars(loss).items() if k[0] != "_"}, fingerprint(loss)]
        if loss
        else []
    )
    key = repr((*settings, weight_decay, accumulate, clip, seed, *told))
    path = Path(checkpoint) if checkpoint else None
    state = (
        torch.load(path, map_location=device, weights_only=True)
        if path and path.is_file()
        else None
    )
    if state and state["key"] != key:
        raise ValueError(
            f"{path} is the checkpoint of a run with other settings or data; delete it or name another"
        )
    keep = Keep(path, patience, key, state)
    cbs = [keep, *([GradientAccumulation(accumulate * batch_size)] if accumulate > 1 else [])]
    cbs += [GradientClip(clip)] if clip else []
    cbs += [Mix(augment)] if augment in MIXES else []
    if mixed_precision or (mixed_precision is None and device.type == "cuda"):
        cbs.append(MixedPrecision(amp_mode=AMPMode.BF16))
    loss = loss or nn.CrossEntropyLoss(label_smoothing=smoothing)
    learn = Learner(dls, network, loss, splitter=halves, metrics=accuracy, wd=weight_decay, cbs=cbs)
    if state:
        network.load_state_dict(state["model"])
        learn.create_opt()
        learn.opt.load_state_dict(state["opt"])
    with ExitStack() as hidden:
        if not progress:
            hidden.enter_context(learn.no_bar())
            hidden.enter_context(learn.no_logging())
        if keep.start < epochs:
            learn.fit_one_cycle(epochs, slice(lr * body_lr, lr), start_epoch=keep.start)
    learn.history = pd.DataFrame(keep.history)
    if path:
        path.unlink(missing_ok=True)
    network.eval()
    return learn
