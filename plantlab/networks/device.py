"""Where networks compute. Torch is imported by who asks for it, for that takes a second."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn

WINDOWS = os.environ.get("SYSTEMROOT", "/")
DRIVERS = (  # of graphics cards: a file of one that is installed
    "/dev/nvidiactl",
    "/dev/dxg",  # Linux on Windows
    "/dev/kfd",  # AMD
    f"{WINDOWS}/System32/nvcuda.dll",
)


def device() -> "torch.device":
    """Return the GPU where there is one, else the CPU: the one place that decides it.

    Of several, each process that torchrun started on this machine has its own.
    """
    import torch

    if not torch.cuda.is_available():
        return torch.device("cpu")
    own = os.environ.get("LOCAL_RANK")
    return torch.device("cuda" if own is None else f"cuda:{own}")


def may_be_gpu() -> bool:
    """Return whether a driver of graphics cards is installed, so that `device` may be a GPU.

    It tells without torch who need not wait for it: where there is no driver, there is no GPU.
    """
    return any(Path(driver).exists() for driver in DRIVERS)


def device_of(module: "nn.Module") -> "torch.device":
    """Return where a module's weights lie; the CPU for one that has none."""
    import torch

    tensors = [*module.parameters(), *module.buffers()]
    return tensors[0].device if tensors else torch.device("cpu")


def n_threads() -> int:
    """Return how many threads keep the cores busy: torch's number, where it was loaded.

    Else what it would be: the cores that this process may use, or OMP_NUM_THREADS of them.
    """
    torch = sys.modules.get("torch")
    if torch is not None:
        return torch.get_num_threads()
    linux = hasattr(os, "sched_getaffinity")
    n_cores = len(os.sched_getaffinity(0)) if linux else os.cpu_count() or 1
    told = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(int(told), n_cores)) if told.isdigit() else n_cores
