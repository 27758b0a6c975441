"""Where networks compute."""

import torch
from torch import nn


def device() -> torch.device:
    """Return the GPU where there is one, else the CPU: the one place that decides it."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_of(module: nn.Module) -> torch.device:
    """Return where a module's weights lie; the CPU for one that has none."""
    tensors = [*module.parameters(), *module.buffers()]
    return tensors[0].device if tensors else torch.device("cpu")
