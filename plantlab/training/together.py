"""One network trained by several processes in step: gradients averaged, validation summed."""

import torch
from fastai.callback.core import Callback
from fastai.learner import AvgSmoothLoss
from fastai.torch_core import to_detach
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from plantlab.networks.device import device
from plantlab.networks.parallel import average, n_processes, summed


def alone(model: nn.Module) -> nn.Module:
    """Return the network itself, which processes that train it together have wrapped."""
    return model.module if isinstance(model, DistributedDataParallel) else model


class OwnLoss(AvgSmoothLoss):
    """fastai's smoothed loss of this process alone; its own waits for the others at every batch."""

    def accumulate(self, learn):
        self.count += 1
        self.val = torch.lerp(to_detach(learn.loss.mean(), gather=False), self.val, self.beta)


class Together(Callback):
    """Keep the processes of torchrun in step.

    Each learns from its share of a batch, with batch norm's statistics of that share, as Goyal et
    al. 2017 have it; after each epoch the running ones are averaged, so that all validate the same
    network, each on its share, and the sums over all of them are what is recorded.
    """

    order = 49  # before the recorder reads what was summed

    def before_fit(self):
        self.recorder.smooth_loss = OwnLoss()
        places = [device()] if device().type == "cuda" else None
        self.learn.model = DistributedDataParallel(
            self.model, device_ids=places, broadcast_buffers=False
        )

    def after_train(self):
        loss = self.recorder.smooth_loss
        (total,) = summed([float(loss.val)])
        loss.val = loss.val.new_tensor(total / n_processes())
        average(list(alone(self.model).buffers()))

    def after_validate(self):
        for metric in [self.recorder.loss, *self.recorder.metrics]:
            metric.total, metric.count = summed([float(metric.total), metric.count])

    def after_fit(self):
        self.learn.model = alone(self.model)
