"""Processes that train one network together: which of them this is, and what they tell each other.

torchrun starts them, on one machine or on many, and says so in the environment. Without it there is
one process, and all of this does nothing. Every process must come to each of these calls.
"""

import atexit
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, distributed

from plantlab.networks.device import device

T = TypeVar("T")

PATIENCE = timedelta(days=1)  # the first process may look at a million photos, or fetch them


def n_processes() -> int:
    """Return how many processes work together, over all machines."""
    return int(os.environ.get("WORLD_SIZE", 1))


def rank() -> int:
    """Return which of them this is, from 0."""
    return int(os.environ.get("RANK", 0))


def is_first() -> bool:
    """Return whether this is the process that speaks and writes; alone, it is."""
    return rank() == 0


def join() -> bool:
    """Meet the other processes, once, and return whether there are others.

    GPUs talk by nccl, processors by gloo.
    """
    if n_processes() == 1:
        return False
    if not distributed.is_initialized():
        if device().type == "cuda":  # whatever is told goes through this process's own card
            torch.cuda.set_device(device())
            distributed.init_process_group("nccl", timeout=PATIENCE, device_id=device())
        else:
            distributed.init_process_group("gloo", timeout=PATIENCE)
        atexit.register(distributed.destroy_process_group)
    return True


def share_of(rows: Sequence[T]) -> Sequence[T]:
    """Return this process's share of rows: its own and every n-th after it."""
    return rows[rank() :: n_processes()]


def gathered(own: T) -> list[T]:
    """Return what each process has, in their order."""
    if not join():
        return [own]
    everyone: list[T | None] = [None] * n_processes()
    distributed.all_gather_object(everyone, own)
    return everyone


def from_first(ask: Callable[[], T]) -> T:
    """Return what `ask` returns in the first process, which alone calls it."""
    if not join():
        return ask()
    told = [ask() if is_first() else None]
    distributed.broadcast_object_list(told, src=0)
    return told[0]


def summed(numbers: Sequence[float]) -> list[float]:
    """Return the sum of each number over all processes."""
    if not join():
        return list(numbers)
    total = torch.tensor(numbers, dtype=torch.float64, device=device())
    distributed.all_reduce(total)
    return total.tolist()


def average(tensors: Sequence[Tensor]) -> None:
    """Replace tensors of fractions by their mean over all processes."""
    if not join():
        return
    for tensor in tensors:
        if tensor.is_floating_point():
            distributed.all_reduce(tensor)
            tensor /= n_processes()


@contextmanager
def one_voice() -> Iterator[None]:
    """Let the first process alone print to standard output within a block."""
    if is_first():
        yield
        return
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        yield


@contextmanager
def first_alone() -> Iterator[None]:
    """Let the first process go through a block before the others, who then find what it wrote."""
    together = join()
    if together and not is_first():
        distributed.barrier()
    try:
        yield
    finally:
        if together and is_first():
            distributed.barrier()
