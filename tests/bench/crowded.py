"""What a training step and an embedding cost alone and beside busy processes.

libgomp, whose threads share torch's work, reads when it is loaded how long they spin while they
wait. So each setting has a process of its own: one imports torch first, which leaves torch's
default, the other plantlab, as notebooks and commands do. Run as a script, this file is such a
process: it works once for every line that it reads and prints how many milliseconds that took.
"""

import contextlib
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

FIRST = {"torch's default": "torch", "plantlab's": "plantlab"}  # what each setting imports first
BUSY = 2  # processes
LOOP = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    pass"
SETTLE = 0.3  # seconds until busy processes have started, or their last time slice has ended


def training_step(backbone: str, image_size: int, batch_size: int) -> Callable[[], None]:
    """Return a step of plain torch on a Classifier: forward, loss, backward, Adam.

    It is the work in `training.fit`, without fastai's callbacks and without loading photos.
    """
    import torch

    from plantlab.networks import backbones
    from plantlab.training.memory import keep_memory

    keep_memory()  # as fit does
    network = backbones.create_network(backbone, n_species=30, weights="none").train()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    shape = (batch_size, 3, image_size, image_size)
    photos = torch.randint(0, 256, shape, dtype=torch.uint8)
    targets = torch.randint(0, 30, (batch_size,))

    def step() -> None:
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(photos), targets).backward()
        optimiser.step()

    return step


def embedding(backbone: str, image_size: int, batch_size: int) -> Callable[[], None]:
    """Return the embedding of a batch on each core at once, as `batches.batches` runs it."""
    import torch

    from plantlab.networks.backbones import create_network
    from plantlab.networks.compiled import compile_network

    network = create_network(backbone, weights="none")
    run = compile_network(network, image_size)
    n_cores = torch.get_num_threads()
    cores = ThreadPoolExecutor(n_cores)
    shape = (batch_size, 3, image_size, image_size)
    photos = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return lambda: list(cores.map(run, [photos] * n_cores))


WORK = {"training step": training_step, "embedding": embedding}


class Worker:
    """A process that does one kind of work under one setting, whenever it is asked."""

    def __init__(self, what: str, setting: str, backbone: str, image_size: int, batch_size: int):
        words = [FIRST[setting], what, backbone, str(image_size), str(batch_size)]
        command = [sys.executable, __file__, *words]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        env = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
        self.process = subprocess.Popen(command, env=env, **pipes)
        self.alone, self.crowded = [], []  # ms of each round
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError(f"the process for {what} has ended before it was ready; see above")

    def work(self, times: int = 3) -> float:
        """Return the median milliseconds of a few times in a row."""
        took = []
        for _ in range(times):
            self.process.stdin.write("work\n")
            self.process.stdin.flush()
            took.append(float(self.process.stdout.readline()))
        return float(np.median(took))

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


@contextlib.contextmanager
def busy_processes(n: int = BUSY) -> Iterator[None]:
    """Keep `n` processes busy while the block runs; they end with this one, however it ends."""
    busy = [subprocess.Popen([sys.executable, "-c", LOOP]) for _ in range(n)]
    try:
        time.sleep(SETTLE)
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()
        time.sleep(SETTLE)


def measure(backbone: str, image_size: int, batch_size: int, rounds: int = 7) -> Iterator[dict]:
    """Yield a row for each kind of work and setting: medians of rounds, taken in turns.

    `alone_to_default` is the median over the rounds of what plantlab's setting takes alone, as a
    share of what torch's default took in the same round: above 1, the setting costs something.
    """
    for what in WORK:
        options = (backbone, image_size, batch_size)
        workers = {setting: Worker(what, setting, *options) for setting in FIRST}
        try:
            turn = list(workers.values())
            for _ in range(rounds):
                for worker in turn:
                    worker.alone.append(worker.work())
                with busy_processes():
                    for worker in turn:
                        worker.crowded.append(worker.work())
                turn.reverse()  # none is always first
        finally:
            for worker in workers.values():
                worker.close()
        yield from compare(what, workers)


def compare(what: str, workers: dict[str, Worker]) -> Iterator[dict]:
    """Yield the rows of one kind of work."""
    default = np.array(workers["torch's default"].alone)
    for setting, worker in workers.items():
        alone, crowded = np.median(worker.alone), np.median(worker.crowded)
        yield {
            "what": what,
            "setting": setting,
            "alone_ms": float(alone),
            "crowded_ms": float(crowded),
            "times_as_long": float(crowded / alone),
            "alone_to_default": float(np.median(worker.alone / default)),
        }


def main() -> None:
    """Work once for every line of the input."""
    first, what, backbone, image_size, batch_size = sys.argv[1:]
    importlib.import_module(first)
    call = WORK[what](backbone, int(image_size), int(batch_size))
    for _ in range(3):  # memory and plans are made in the first
        call()
    print("ready", flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        call()
        print(1000 * (time.perf_counter() - started), flush=True)


if __name__ == "__main__":
    main()
