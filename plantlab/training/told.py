"""How far a training is, told while it goes on."""

import time
from collections.abc import Callable

from fastai.callback.core import Callback

OFTEN = 1.0  # seconds between two reports


class Told(Callback):
    """Tell after a batch which share of all is done, and how many seconds are left.

    Args:
        tell: called as tell("learns", share=..., seconds_left=...), at most once a second.
    """

    order = 95  # after the checkpoint

    def __init__(self, tell: Callable):
        self.tell = tell

    def before_fit(self):
        self.began = self.last = time.monotonic()
        self.first = None

    def after_batch(self):
        share = (self.epoch + (self.iter + 1) / self.n_iter) / self.n_epoch
        now = time.monotonic()
        if self.first is None:  # a run that was resumed has its first epochs behind it
            self.first = self.epoch / self.n_epoch
        if not self.training or now - self.last < OFTEN:
            return
        self.last = now
        seconds = (now - self.began) / (share - self.first) * (1 - share)
        self.tell("learns", share=share, seconds_left=seconds)
