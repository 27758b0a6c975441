"""Training on fastai's Learner: the head alone, all layers, or both in turn; resumed when killed; predictions out."""

import ctypes
import io
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import fastai.callback.progress  # noqa: F401  gives Learner no_bar
import fastai.callback.schedule  # noqa: F401  gives Learner fit_one_cycle
import numpy as np
import pandas as pd
import torch
from fastai.callback.core import Callback, CancelFitException
from fastai.callback.fp16 import AMPMode, MixedPrecision
from fastai.callback.training import GradientAccumulation, GradientClip
from fastai.learner import Learner
from fastai.metrics import accuracy
from torch import nn

from plantlab.backbones import Classifier, create_network, embed, fingerprint
from plantlab.heads import fit_linear, probabilities
from plantlab.images import MIXES, loaders, mix, set_epoch
from plantlab.photos import write_whole
from plantlab.predictions import Predictions, fuse
from plantlab.table import TableError, require


def fit_head(
    network: Classifier,
    images: pd.DataFrame,
    image_size: int = 128,
    penalty: float = 3.0,
    views: tuple[str, ...] = ("plain",),
    cache: str | Path | None = "data/cache/embeddings",
    progress: bool = False,
) -> list[str]:
    """Fit the head alone on cached embeddings of the train rows, put it on `network`; return its species.

    Step one of two-step fine-tuning, without the epochs: the body is frozen, so its embeddings are computed
    once and the head is solved for.

    Args:
        views: each adds one embedding of every photo to learn from.
    Raises:
        TableError: no train rows, or no `species` or `split`.
    """
    require(images, "species", "split")
    train = images[images["split"] == "train"]
    if train.empty:
        raise TableError("no rows to train on: split holds no 'train'. Use table.complete_splits(images).")
    species = sorted(train["species"].unique())
    rows = [embed(train, network, image_size, view, cache, progress=progress) for view in views]
    targets = np.tile(pd.Index(species).get_indexer(train["species"]), len(views))
    device = network.mean.device
    network.head = fit_linear(np.concatenate(rows), targets, len(species), penalty).to(device)
    return species


def halves(network: Classifier) -> list[list[nn.Parameter]]:
    """Return parameter groups for discriminative rates: first half of the body, second half, head."""
    body = list(network.body.parameters())
    return [body[: len(body) // 2], body[len(body) // 2 :], list(network.head.parameters())]


def keep_memory() -> None:
    """Let glibc keep what a batch frees for the next one, for the whole process; elsewhere nothing happens.

    It hands blocks of a batch's size back to the kernel and faults them in anew each time: on two cores MobileNetV2
    at 192 pixels trained at 22 photos a second with that and at 43 without.
    """
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(-4, 0)  # M_MMAP_MAX: no block of its own from the kernel
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD: give nothing back


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


class Keep(Callback):
    """Seed each epoch, record it, save it whole, stop early: what makes a killed run resume to the same result."""

    order = 90  # after the recorder has its numbers

    def __init__(self, path: Path | None, patience: int | None, key: str, resumed: dict | None):
        self.path, self.patience, self.key = path, patience, key
        self.history = resumed["history"] if resumed else []
        self.best = resumed["best"] if resumed else None
        self.start = resumed["epoch"] if resumed else 0

    def before_epoch(self):
        set_epoch(self.learn.dls, self.epoch)
        torch.manual_seed(self.learn.dls.seed * 100_003 + self.epoch)
        self.started = time.perf_counter()

    def after_epoch(self):
        if self.epoch < self.start:  # fastai calls this for the epochs that a resumed run skips, too
            return
        names = ("train_loss", "valid_loss", "accuracy")
        values = [float("nan") if value is None else float(value) for value in self.recorder.log[1:4]]
        row = dict(zip(names, values), seconds=time.perf_counter() - self.started)
        self.history.append({"epoch": self.epoch, **row})
        lowest = min(range(len(self.history)), key=lambda i: self.history[i]["valid_loss"])
        if self.patience and lowest == len(self.history) - 1:
            self.best = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        if self.path:
            state = {"key": self.key, "epoch": self.epoch + 1, "history": self.history, "best": self.best}
            hypers = [{name: np.asarray(value).item() for name, value in h.items()} for h in self.opt.hypers]
            opt = {"state": list(self.opt.state_dict()["state"]), "hypers": hypers}  # plain, so it loads as data
            buffer = io.BytesIO()
            torch.save({**state, "model": self.model.state_dict(), "opt": opt}, buffer)
            write_whole(self.path, buffer.getvalue())
        if self.patience and len(self.history) - 1 - lowest >= self.patience:
            raise CancelFitException

    def after_fit(self):
        if self.best is not None:
            self.model.load_state_dict(self.best)


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
        raise ValueError(f"expected epochs >= 1, lr > 0 and body_lr in (0, 1]; got {epochs}, {lr} and {body_lr}")
    if patience and not (images["split"] == "valid").any():
        raise ValueError("patience watches the validation loss, but no image's split is valid; leave patience out")
    keep_memory()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dls = loaders(images, image_size, batch_size, augment, seed, n_workers, device)
    if getattr(network.head, "out_features", None) != dls.c:
        torch.manual_seed(seed)
        network.head = nn.Linear(network.n_features, dls.c)
    network.to(device).train()
    settings = (dls.vocab, len(dls.train.dataset), epochs, lr, body_lr, image_size, batch_size, augment, smoothing)
    told = [type(loss), {k: v for k, v in vars(loss).items() if k[0] != "_"}, fingerprint(loss)] if loss else []
    key = repr((*settings, weight_decay, accumulate, clip, seed, *told))
    path = Path(checkpoint) if checkpoint else None
    state = torch.load(path, map_location=device, weights_only=True) if path and path.is_file() else None
    if state and state["key"] != key:
        raise ValueError(f"{path} is the checkpoint of a run with other settings or data; delete it or name another")
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


def predict(
    network: Classifier,
    species: list[str],
    images: pd.DataFrame,
    image_size: int = 128,
    views: tuple[str, ...] = ("plain",),
    batch_size: int = 32,
    cache: str | Path | None = None,
) -> Predictions:
    """Return Predictions for every row of the table, in its order; several `views` of a photo are averaged.

    Args:
        species: the head's species in column order, as fit_head or `learn.dls.vocab` gave them.
        cache: the folder of `backbones.embed`: what lies there is not computed again, also under another head.
    Raises:
        ValueError: as many species as the head has outputs are needed.
    """
    if (outputs := getattr(network.head, "out_features", "no")) != len(species):
        raise ValueError(f"{len(species)} species, but the head has {outputs} outputs")
    network.eval()
    rows = (embed(images, network, image_size, view, cache, batch_size) for view in views)
    return fuse(Predictions(images, list(species), probabilities(network.head, each)) for each in rows)


METHODS = ("from scratch", "frozen", "two-step")


def train(
    images: pd.DataFrame,
    method: str,
    backbone: str,
    weights: str = "auto",
    image_size: int = 128,
    penalty: float = 3.0,
    views: tuple[str, ...] = ("plain",),
    seed: int = 0,
    **options,
) -> tuple[Classifier, list[str], dict]:
    """Return a network trained by one of METHODS, its species in column order, and what that cost.

    "from scratch": random weights, all layers (`fit`). "frozen": `weights`, the head alone (`fit_head`). "two-step":
    the same, then all layers. The cost holds seconds and memory_mib (see memory_needed); `fit`'s Learner is in it as
    `learn`.
    Introduced in notebook 02.

    Args:
        options: those of `fit`, such as epochs, lr, augment, checkpoint, progress.
    Raises:
        ValueError: an unknown method; and what create_network, fit_head and fit raise.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}; got {method!r}")
    started = time.perf_counter()
    network = create_network(backbone, weights="none" if method == "from scratch" else weights, seed=seed)
    cost = {"memory_mib": memory_needed(network, image_size, options.get("batch_size", 32), method != "frozen")}
    if method != "from scratch":
        species = fit_head(network, images, image_size, penalty, views)
    if method != "frozen":
        cost["learn"] = fit(network, images, image_size=image_size, seed=seed, **options)
        species = cost["learn"].dls.vocab
    return network, species, cost | {"seconds": time.perf_counter() - started}


def memory_needed(network: Classifier, image_size: int, batch_size: int = 32, trained: bool = True) -> float:
    """Return the MiB that one batch takes: weights and activations; trained, also gradients and Adam's two moments.

    Counted tensor by tensor, so the same on every machine; what libraries and caches add comes on top.
    """
    held: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        held[tensor.data_ptr()] = tensor.nbytes
        return tensor

    photo = torch.zeros(1, 3, image_size, image_size, dtype=torch.uint8, device=network.mean.device)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        network.eval()(photo)
    weights = {p.data_ptr(): p.nbytes for p in network.parameters()}
    activations = [n for address, n in held.items() if address not in weights]
    # frozen, a layer's output is forgotten once the next has read it
    mapped = sum(activations) if trained else 2 * max(activations)
    return ((4 if trained else 1) * sum(weights.values()) + batch_size * mapped) / 2**20
