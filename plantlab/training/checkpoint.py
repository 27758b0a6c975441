"""What makes a killed run resume to the same result: epochs seeded, written down, kept whole."""

import copy
import io
import time
from pathlib import Path

import numpy as np
import torch
from fastai.callback.core import Callback, CancelFitException

from plantlab.files import write_whole
from plantlab.networks.batches import set_epoch
from plantlab.networks.device import device
from plantlab.networks.parallel import from_first, is_first, rank
from plantlab.training.together import alone

MEASURES = ("train_loss", "valid_loss", "accuracy")  # as fastai's recorder has them, in its order


class Journal(Callback):
    """Make each epoch's draws depend on the seed alone, and keep a row of its losses."""

    order = 80  # after the recorder has its numbers

    def __init__(self):
        self.rows: list[dict] = []
        self.first = 0  # the epoch that this run begins with

    def go_on(self, rows: list[dict]) -> None:
        """Take over the rows of the run that is resumed."""
        self.rows = rows
        self.first = len(rows)

    def before_epoch(self):
        set_epoch(self.dls, self.epoch)
        torch.manual_seed(self.dls.seed * 100_003 + self.epoch + rank() * 1_000_000_007)
        self.started = time.perf_counter()

    def after_epoch(self):
        if self.epoch < self.first:  # fastai calls this for the epochs that are skipped, too
            return
        row = {"epoch": self.epoch}
        for name, number in zip(MEASURES, self.recorder.log[1:]):
            row[name] = np.nan if number is None else float(number)  # None: no valid photos
        row["seconds"] = time.perf_counter() - self.started
        self.rows.append(row)


class StopEarly(Callback):
    """Stop after `patience` epochs without a lower validation loss; the best epoch's weights stay.

    Unlike fastai's EarlyStoppingCallback it goes on as it was in a run that was killed and resumed.
    """

    order = 85  # after the journal has its row, before the checkpoint is written

    def __init__(self, patience: int):
        self.patience = patience
        self.best: dict[str, torch.Tensor] | None = None

    def after_epoch(self):
        losses = [row["valid_loss"] for row in self.journal.rows]
        last = len(losses) - 1
        lowest = min(range(len(losses)), key=losses.__getitem__)
        if lowest == last:
            self.best = copy.deepcopy(alone(self.model).state_dict())
        if last - lowest >= self.patience:
            raise CancelFitException

    def after_fit(self):
        if self.best is not None:
            alone(self.model).load_state_dict(self.best)


class Checkpoint(Callback):
    """Write all that the next epoch needs into a file, whole, after each epoch.

    Args:
        keep: leave the file when training is complete, for whoever has more to do before nothing
            can be lost; the same training then only reads it.
    """

    order = 90  # after all that changes what is written

    def __init__(self, file: str | Path, keep: bool = False):
        self.file = Path(file)
        self.keep = keep
        self.key = ""  # names a run, its settings and its data; another run's file is refused

    def resume(self) -> None:
        """Put what the file holds, where there is one, into the Learner.

        Raises:
            ValueError: it is of another run.
        """
        content = from_first(self._read)
        if not content:
            return
        state = torch.load(io.BytesIO(content), map_location=device(), weights_only=True)
        if state["key"] != self.key:
            raise ValueError(
                f"{self.file} is the checkpoint of a run with other settings or data; "
                "delete it or name another"
            )
        self.model.load_state_dict(state["model"])
        self.learn.create_opt()
        self.opt.load_state_dict(state["opt"])
        self.journal.go_on(state["history"])
        if self._stop_early:
            self._stop_early.best = state["best"]

    def end(self) -> None:
        """Delete the file, unless it is to be kept."""
        if is_first() and not self.keep:
            self.file.unlink(missing_ok=True)

    def after_epoch(self):
        if self.epoch < self.journal.first or not is_first():
            return
        state = {
            "key": self.key,
            "history": self.journal.rows,
            "best": self._stop_early.best if self._stop_early else None,
            "model": alone(self.model).state_dict(),
            "opt": self._optimizer(),
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_whole(self.file, buffer.getvalue())

    def _read(self) -> bytes:
        return self.file.read_bytes() if self.file.is_file() else b""

    @property
    def _stop_early(self) -> StopEarly | None:
        return getattr(self.learn, "stop_early", None)

    def _optimizer(self) -> dict[str, list]:
        """Return the optimiser's state with rates as plain numbers, so that it loads as data."""
        hypers = []
        for group in self.opt.hypers:
            plain = {name: np.asarray(rate).item() for name, rate in group.items()}
            hypers.append(plain)
        return {"state": list(self.opt.state_dict()["state"]), "hypers": hypers}
