"""How fast processes train and embed, alone, side by side and together: measured on this machine.

Run as a program it is one of those processes, started by torchrun or alone:

    python -m plantlab.training.speed '{"table": ..., "batch_size": 16, "steps": 10, ...}'
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from fastai.callback.core import Callback, CancelFitException
from torch import distributed

from plantlab.networks.backbones import create_network
from plantlab.networks.batches import loaders
from plantlab.networks.embeddings import embed
from plantlab.networks.parallel import gathered, is_first, join, n_processes
from plantlab.training.learner import fit

WARM_UP = 3  # steps that are not counted
MESSAGES = 2 ** np.arange(10, 25, 2)  # bytes that processes sum, from 1 KiB to 16 MiB
REPEATS = 20
ALONE = "one process"
FREE = "two, each for itself"
TOGETHER = "two together"
HALVES = "two together, half a batch each"
WAYS = [ALONE, FREE, TOGETHER, HALVES]
TURN = 4  # steps of processes that sum their gradients, and then as many that do not
ENDED = 600  # seconds: by then a run has ended, or never will


@dataclass(frozen=True)
class Work:
    """What each process does.

    Attributes:
        task: training or embedding.
        batch_size: photos of each process. steps: that are counted, of each way.
        in_turns: processes sum their gradients in every other turn alone.
        table: an image table with a split, as CSV.
    """

    table: str
    task: str = "training"
    backbone: str = "tf_efficientnet_lite0"
    image_size: int = 128
    batch_size: int = 16
    steps: int = 10
    in_turns: bool = False

    @property
    def n_steps(self) -> int:
        """How many steps are done: the first of a turn, and those of a warm-up, do not count."""
        counted = self.steps
        if self.in_turns:
            turns = -(-self.steps // (TURN - 1))  # rounded up
            counted = 2 * TURN * turns
        return WARM_UP + counted


class Clock(Callback):
    """Note when each step ended, and how long it waited for its photos; stop after enough."""

    order = 90

    def __init__(self, work: Work):
        self.work = work
        self.ended: list[float] = []
        self.waited: list[float] = []
        self.turns: list[int] = []
        self.photos = 0  # of a step

    def before_batch(self):
        self.waited.append(time.perf_counter() - self.last)
        turn = (len(self.turns) - WARM_UP) // TURN if self.work.in_turns else 0
        self.turns.append(turn)
        self.model.require_backward_grad_sync = turn % 2 == 0  # DistributedDataParallel's

    def before_train(self):
        self.last = time.perf_counter()

    def after_batch(self):
        self.last = time.perf_counter()
        self.photos = len(self.x)
        self.ended.append(self.last)
        if len(self.ended) == self.work.n_steps:
            raise CancelFitException


def measure(
    images: pd.DataFrame, ways: list[str] | None = None, **options
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a row for each step of each process, for each of WAYS; and one for each message.

    Each process has one core. Two that learn do so in turns, together and each for itself, for a
    machine is faster at one time than at another. Columns of steps: way, n_processes, process,
    seconds, waited (for photos, of those seconds) and photos; of messages, which processes together
    have summed: bytes and seconds.
    Introduced in notebook 11.

    Args:
        images: with train rows. ways: of WAYS, else all. options: of Work, but for its table.
    Raises:
        RuntimeError: a process failed; the message has its error.
    """
    rows = []
    messages = []
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "images.csv")
        learnt = images[images["split"] == "train"]  # nothing is validated
        learnt[["image_path", "species", "split"]].to_csv(table, index=False)
        whole = Work(str(table), **options)
        for way in ways or WAYS:
            for process, one in enumerate(_run(way, whole)):
                steps = pd.DataFrame(one["steps"])
                steps["way"] = np.where(steps.pop("summed"), way, FREE)
                steps["n_processes"] = 1 if way == ALONE else 2
                rows.append(steps.assign(process=process))
                messages += one["messages"]
    return pd.concat(rows, ignore_index=True), pd.DataFrame(messages)


def _run(way: str, work: Work) -> list[dict]:
    """Return what each process of a way told; of two that learn in turns, those of both ways."""
    if way == ALONE:
        return _start(work)
    if way == HALVES:
        return _start(replace(work, batch_size=work.batch_size // 2), together=2)
    if work.task == "training":
        return _start(replace(work, in_turns=True), together=2) if way == TOGETHER else []
    return _start(work, groups=2) if way == FREE else _start(work, together=2)


def _start(work: Work, together: int = 1, groups: int = 1) -> list[dict]:
    """Return what each process told, of `groups` that run at once and know nothing of another."""
    start = [sys.executable]
    if together > 1:
        start += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={together}"]
    command = [*start, "-m", "plantlab.training.speed", json.dumps(asdict(work))]
    env = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    running = []
    for _ in range(groups):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        running.append(subprocess.Popen(command, env=env, **pipes))
    told = []
    try:
        for process in running:
            said, complaints = process.communicate(timeout=ENDED)
            if process.returncode:
                raise RuntimeError(f"a process failed: {_first_error(complaints)}")
            told += json.loads(said.splitlines()[-1])
    finally:
        for process in running:
            process.kill()
    return told


def _first_error(complaints: str) -> str:
    """Return the first line that names an error: torchrun's own come after it."""
    found = re.findall(
        r"^(?:\[rank\d\]: ?)?(\w+(?:\.\w+)*(?:Error|Exception)\b.*)", complaints, re.M
    )
    return found[0] if found else complaints[-500:]


def steps_a_second(measured: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each way: photos a second of all its processes, with a 95 % interval.

    Steps are resampled; a way that has half a batch a process has more of them a second.
    """
    rng = np.random.default_rng(0)
    rows = []
    for way, steps in measured.groupby("way", sort=False):
        drawn = np.zeros(1000)
        rate = 0.0
        for _, own in steps.groupby("process"):
            seconds = own["seconds"].to_numpy()
            photos = own["photos"].iloc[0]
            resampled = rng.choice(seconds, (1000, len(seconds)))
            drawn += photos / resampled.mean(1)
            rate += photos / seconds.mean()
        low, high = np.quantile(drawn, [0.025, 0.975])
        waited = (steps["waited"] / steps["seconds"]).mean()
        row = {"way": way, "n_processes": steps["n_processes"].iloc[0], "n": len(steps)}
        row |= {"seconds_a_step": steps["seconds"].mean(), "waited": waited}
        rows.append(row | {"photos_a_second": rate, "low": low, "high": high})
    return pd.DataFrame(rows)


def gradient_bytes(backbone: str) -> int:
    """Return how many bytes processes must sum after each step: four a weight."""
    network = create_network(backbone, weights="none")
    return sum(tensor.numel() * 4 for tensor in network.parameters())


# one of the processes


def _train(work: Work, images: pd.DataFrame) -> pd.DataFrame:
    """Return the seconds of each step, and those that it waited for photos."""
    network = create_network(work.backbone, weights="none")
    dls = loaders(images, work.image_size, work.batch_size, n_workers=0)
    clock = Clock(work)
    epochs = 1 + work.n_steps // max(1, len(dls.train))
    fit(network, dls, epochs, cbs=[clock])
    steps = pd.DataFrame({"seconds": np.diff(clock.ended), "waited": clock.waited[1:]})
    steps["turn"] = clock.turns[1:]
    steps = steps.iloc[WARM_UP - 1 :]
    if work.in_turns:
        steps = steps[steps["turn"].duplicated()]  # without the first of each turn
    steps["summed"] = steps["turn"] % 2 == 0
    each = steps.groupby("summed").head(work.steps).reset_index(drop=True)
    return each.assign(photos=clock.photos)


def _embed(work: Work, images: pd.DataFrame) -> pd.DataFrame:
    """Return the seconds of each batch, the first of them left out; eight go into a call."""
    network = create_network(work.backbone, weights="none")
    seconds = []
    for step in range(work.steps + 1):
        n = 8 * work.batch_size * n_processes()
        some = images.sample(n, replace=True, random_state=step)
        some = some.assign(sha1=[f"{step} {row}" for row in range(len(some))])
        started = time.perf_counter()
        embed(some, network, work.image_size, cache=None, batch_size=work.batch_size)
        seconds.append((time.perf_counter() - started) / 8)
    steps = pd.DataFrame({"seconds": seconds[1:], "waited": 0.0, "summed": True})
    return steps.assign(photos=work.batch_size)


def _messages() -> list[dict]:
    """Return how long the sum of messages of each size takes; none alone."""
    if not join():
        return []
    rows = []
    for n_bytes in MESSAGES:
        numbers = torch.zeros(int(n_bytes) // 4)
        seconds = []
        for _ in range(REPEATS):
            distributed.barrier()
            started = time.perf_counter()
            distributed.all_reduce(numbers)
            seconds.append(time.perf_counter() - started)
        rows.append({"bytes": int(n_bytes), "seconds": float(np.median(seconds))})
    return rows


def main() -> None:
    """Do what the first argument says, and print what came out as a line of JSON."""
    work = Work(**json.loads(sys.argv[1]))
    torch.set_num_threads(1)
    images = pd.read_csv(work.table)
    task = {"training": _train, "embedding": _embed}[work.task]
    steps = task(work, images)
    own = {"steps": steps.to_dict("list"), "messages": _messages()}
    everyone = gathered(own)
    if is_first():
        print(json.dumps(everyone))


if __name__ == "__main__":
    main()
