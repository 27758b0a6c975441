"""What tests/test_parallel.py starts by torchrun, and alone: trains, embeds, and writes what came out.

torchrun --nproc-per-node 2 tests/in_step.py TABLE OUT '{"task": "train", ...}'
"""

import json
import os
import signal
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from fastai.learner import AvgSmoothLoss, Learner
from fastai.optimizer import SGD
from torch import nn

from plantlab.networks.backbones import create_network
from plantlab.networks.batches import loaders
from plantlab.networks.embeddings import embed
from plantlab.networks.parallel import gathered, rank
from plantlab.training import learner


def exact_network():
    """Return a network in float64 whose batch norm keeps its statistics."""
    torch.set_default_dtype(torch.float64)
    AvgSmoothLoss.reset = lambda recorded: vars(recorded).update(count=0, val=torch.zeros(()))
    network = create_network("test_resnet", n_species=3, weights="none").double()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()
            layer.train = lambda mode=True, layer=layer: layer
    return network


def train(images: pd.DataFrame, out: Path, how: dict) -> None:
    """Train, and write the weights, the history and the rates of this process."""
    if how.get("sgd"):
        learner.Learner = partial(Learner, opt_func=partial(SGD, mom=0.9))
    if how.get("die"):
        die_in(how["die"])
    network = create_network("test_resnet", weights="none") if how.get("plain") else exact_network()
    dls = loaders(
        images, 32, how["bs"], how.get("augment", "none"), n_workers=0, parts=how.get("parts", 1)
    )
    learn = learner.fit(
        network, dls, how["epochs"], how["lr"], cbs=(), checkpoint=how.get("checkpoint")
    )
    told = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    np.savez(out / f"weights{rank()}.npz", **told)
    learn.history.to_csv(out / f"history{rank()}.csv", index=False)
    np.save(out / f"rates{rank()}.npy", learn.recorder.lrs)


def die_in(moment: list) -> None:
    """Kill one process after so many steps of all."""
    victim, steps = moment
    real, done = Learner._step, []

    def step(self):
        real(self)
        done.append(1)
        if rank() == victim and len(done) == steps:
            os.kill(os.getpid(), signal.SIGKILL)

    Learner._step = step


def ask(images: pd.DataFrame, out: Path, how: dict) -> None:
    """Embed, twice; count what the second time computed."""
    network = create_network("test_resnet", weights="none")
    # each process has a disk of its own, and the second's lacks nothing
    cache = Path(how["cache"], str(rank()) if how.get("apart") else "")
    if how.get("apart") and rank() == 1:
        os.environ |= {"WORLD_SIZE": "1", "RANK": "0"}
        embed(images, network, 32, cache=cache)
        os.environ |= {"WORLD_SIZE": "2", "RANK": "1"}
    np.save(out / f"found{rank()}.npy", embed(images, network, 32, cache=cache))
    np.save(out / f"again{rank()}.npy", embed(images, network, 32, cache=cache))
    gathered(None)  # the last one has stored its own, too


def main() -> None:
    table, out, how = sys.argv[1:]
    how = json.loads(how)
    images = pd.read_csv(table, dtype=str)
    torch.set_num_threads(1)
    tasks = {"train": train, "ask": ask}
    tasks[how["task"]](images, Path(out), how)


if __name__ == "__main__":
    main()
