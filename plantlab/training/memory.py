"""What training takes of a machine's memory, and what it keeps of it."""

import ctypes
from contextlib import suppress

import fastai.callback.progress  # noqa: F401  gives Learner no_bar
import fastai.callback.schedule  # noqa: F401  gives Learner fit_one_cycle
import torch

from plantlab.networks.backbones import Classifier


def keep_memory() -> None:
    """Let glibc keep what a batch frees for the next one, for the whole process; elsewhere nothing happens.

    It hands blocks of a batch's size back to the kernel and faults them in anew each time: on two cores MobileNetV2
    at 192 pixels trained at 22 photos a second with that and at 43 without.
    """
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(-4, 0)  # M_MMAP_MAX: no block of its own from the kernel
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD: give nothing back


def memory_needed(
    network: Classifier, image_size: int, batch_size: int = 32, trained: bool = True
) -> float:
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
