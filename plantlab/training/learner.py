"""All layers trained on fastai's Learner."""

import inspect
import warnings
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path

import fastai.callback.schedule  # noqa: F401  gives Learner fit_one_cycle
import pandas as pd
import torch
from fastai.callback.core import Callback, TrainEvalCallback
from fastai.callback.fp16 import AMPMode, MixedPrecision
from fastai.data.core import DataLoaders
from fastai.learner import Learner, Recorder
from fastai.metrics import accuracy
from torch import nn

from plantlab.networks.augment import MIXES, mix
from plantlab.networks.backbones import Classifier, fingerprint
from plantlab.networks.device import device
from plantlab.networks.parallel import join, n_processes
from plantlab.training.checkpoint import Checkpoint, Journal, StopEarly
from plantlab.training.memory import keep_memory
from plantlab.training.together import Together

SMOOTHING = 0.1  # of labels, where no loss is given

WEIGHT_DECAY = 0.01

PLAIN = (bool, int, float, str)


def halves(network: Classifier) -> list[list[nn.Parameter]]:
    """Return parameter groups for discriminative rates.

    They are the first half of the body, the second half, and the head.
    """
    body = list(network.body.parameters())
    head = list(network.head.parameters())
    middle = len(body) // 2
    return [body[:middle], body[middle:], head]


class Mix(Callback):
    """Mix each train batch, and the loss of both species in the same shares.

    Validation sees whole photos.
    """

    order = -9  # before what scales the loss
    run_valid = False

    def __init__(self, augment: str):
        self.augment = augment

    def before_batch(self):
        mixed, self.share = mix(self.x, self.augment)
        self.learn.xb = (mixed,)

    def after_loss(self):
        before = self.y.roll(1)
        other = self.learn.loss_func(self.pred, before)
        both = self.share * self.loss_grad + (1 - self.share) * other
        self.learn.loss_grad = both
        self.learn.loss = both.clone()


def usual() -> list[Callback]:
    """Return the callbacks that `fit` takes where none are given: on a GPU, bfloat16."""
    if device().type == "cpu":
        return []
    return [MixedPrecision(amp_mode=AMPMode.BF16)]


def fit(
    network: Classifier,
    dls: DataLoaders,
    epochs: int,
    lr: float = 2e-3,
    body_lr: float = 1.0,
    loss: nn.Module | None = None,
    cbs: Iterable[Callback] | None = None,
    checkpoint: str | Path | Checkpoint | None = None,
) -> Learner:
    """Train all layers with one-cycle Adam; return fastai's Learner.

    Its `history` is a table, a row an epoch. A network whose head does not fit the species gets a
    fresh one; one from fit_head is trained on.

    Under torchrun every process calls this and has its share of each batch, which are together so
    many times larger; so is the rate, to which it rises over the first quarter (Goyal et al. 2017,
    "Accurate, large minibatch SGD: training ImageNet in 1 hour", section 2). All end with the same
    weights; the first writes the checkpoint, which any number of processes goes on from.

    Args:
        dls: those of batches.loaders.
        lr: the head's peak rate, of one process.
        body_lr: the first layers' rate as a share of it, in (0, 1] (1: the same).
        loss: takes logits (B, K) and targets (B,), such as those of `losses`; else cross-entropy
            with labels smoothed by 0.1.
        cbs: fastai callbacks, these alone; None: `usual()`. ProgressCallback shows a bar and a
            table, StopEarly the best epoch's weights, GradientAccumulation(n) steps once in n
            photos, GradientClip(n) bounds the gradient's norm, MixedPrecision saves memory.
        checkpoint: a file, rewritten whole after each epoch; a run killed at any moment and called
            again with the same arguments goes on from it and ends with the same weights. Deleted
            when training is complete, unless a Checkpoint says to keep it.
    Raises:
        ValueError: the checkpoint is of another run, or a bad value.
    """
    if epochs < 1 or lr <= 0 or not 0 < body_lr <= 1:
        raise ValueError(
            f"expected epochs >= 1, lr > 0 and body_lr in (0, 1]; got {epochs}, {lr} and {body_lr}"
        )
    given = usual() if cbs is None else list(cbs)
    stops_early = any(isinstance(callback, StopEarly) for callback in given)
    if stops_early and not len(dls.valid.dataset):
        raise ValueError(
            "patience watches the validation loss, but no image's split is valid; "
            "leave StopEarly out"
        )
    keep_memory()
    _prepare(network, dls)
    if loss is None:
        loss = nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    key = run_key(dls, (epochs, lr, body_lr), loss, given)
    learn = _learner(network, dls, loss, given)
    if checkpoint is not None:
        learn.add_cb(checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(checkpoint))
        learn.checkpoint.key = key
        learn.checkpoint.resume()
    _run(learn, epochs * dls.train.parts, lr * n_processes(), body_lr)
    learn.history = pd.DataFrame(learn.journal.rows)
    if checkpoint is not None:
        learn.checkpoint.end()
    network.eval()
    return learn


def _run(learn: Learner, epochs: int, peak: float, body_lr: float) -> None:
    """Train for what is left of so many epochs, or parts of them; the rate rises to its peak."""
    quiet = nullcontext() if hasattr(learn, "progress") else learn.no_logging()
    with quiet, warnings.catch_warnings():
        # fastai's bar, where no photo is held out
        warnings.filterwarnings("ignore", "Your generator is empty")
        rates = slice(peak * body_lr, peak)
        learn.fit_one_cycle(epochs, rates, start_epoch=learn.journal.first)


def _prepare(network: Classifier, dls: DataLoaders) -> None:
    """Put the network where it learns, with a head for the species that it will know."""
    if network.n_outputs != dls.c:
        torch.manual_seed(dls.seed)
        network.head = nn.Linear(network.n_features, dls.c)
    network.to(device()).train()
    network.species = list(dls.vocab)
    network.image_size = dls.train.dataset.size
    network.views = network.views or ("plain",)


def _learner(
    network: Classifier, dls: DataLoaders, loss: nn.Module, given: list[Callback]
) -> Learner:
    """Return fastai's Learner, without its bar and its table unless they are asked for."""
    callbacks = [TrainEvalCallback(), Recorder(), Journal(), *given]
    if join():
        callbacks.append(Together())
    augment = dls.train.dataset.augment
    if augment in MIXES:
        callbacks.append(Mix(augment))
    return Learner(
        dls,
        network,
        loss,
        splitter=halves,
        metrics=accuracy,
        wd=WEIGHT_DECAY,
        cbs=callbacks,
        default_cbs=False,
    )


def run_key(
    dls: DataLoaders, rates: tuple[float, ...], loss: nn.Module, cbs: list[Callback]
) -> str:
    """Return what tells one run from another: its data, its settings and its loss."""
    photos = dls.train.dataset
    told = {
        "species": dls.vocab,
        "photos": (len(photos), photos.size, photos.augment),
        "batches": (dls.train.bs, dls.seed, dls.train.parts),
        "rates": rates,
        "loss": (type(loss), _public(vars(loss)), fingerprint(loss)),
        "callbacks": [_settings(each) for each in cbs],
    }
    return repr(told)


def _public(attributes: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in attributes.items() if not name.startswith("_")}


def _settings(callback: Callback) -> dict[str, object]:
    """Return the numbers and words that a callback was made with."""
    kept = vars(callback)
    names = inspect.signature(type(callback)).parameters
    settings = {name: kept.get(name) for name in names}
    return {name: value for name, value in settings.items() if isinstance(value, PLAIN)}
