"""An epoch kept whole, so that a killed run goes on to the same result."""

import io
import time
from pathlib import Path

import fastai.callback.progress  # noqa: F401  gives Learner no_bar
import fastai.callback.schedule  # noqa: F401  gives Learner fit_one_cycle
import numpy as np
import torch
from fastai.callback.core import Callback, CancelFitException

from plantlab.files import write_whole
from plantlab.networks.batches import set_epoch


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
        if (
            self.epoch < self.start
        ):  # fastai calls this for the epochs that a resumed run skips, too
            return
        names = ("train_loss", "valid_loss", "accuracy")
        values = [
            float("nan") if value is None else float(value) for value in self.recorder.log[1:4]
        ]
        row = dict(zip(names, values), seconds=time.perf_counter() - self.started)
        self.history.append({"epoch": self.epoch, **row})
        lowest = min(range(len(self.history)), key=lambda i: self.history[i]["valid_loss"])
        if self.patience and lowest == len(self.history) - 1:
            self.best = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        if self.path:
            state = {
                "key": self.key,
                "epoch": self.epoch + 1,
                "history": self.history,
                "best": self.best,
            }
            hypers = [
                {name: np.asarray(value).item() for name, value in h.items()}
                for h in self.opt.hypers
            ]
            opt = {
                "state": list(self.opt.state_dict()["state"]),
                "hypers": hypers,
            }  # plain, so it loads as data
            buffer = io.BytesIO()
            torch.save({**state, "model": self.model.state_dict(), "opt": opt}, buffer)
            write_whole(self.path, buffer.getvalue())
        if self.patience and len(self.history) - 1 - lowest >= self.patience:
            raise CancelFitException

    def after_fit(self):
        if self.best is not None:
            self.model.load_state_dict(self.best)
