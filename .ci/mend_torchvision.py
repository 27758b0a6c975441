"""Let a CUDA-built torchvision import beside a CPU-only torch, in this environment only.

PyPI's Linux wheel of torchvision is built against CUDA torch. Beside a CPU-only torch its compiled
library does not load, and `import torchvision` (so fastai and timm too) stops at "operator
torchvision::nms does not exist". Declaring the two operators before that import cures it. Where
such a pair is found this writes a small import hook into site-packages, so that every program of
the environment works whatever it imports first. A matched pair is left untouched.

Run by the Makefile after the installation: python .ci/mend_torchvision.py
"""

import importlib.util
import re
import sysconfig
from pathlib import Path

HOOK = '''"""Declares torchvision's operators: a CUDA build then loads beside a CPU torch."""
import importlib.util
import sys


class _Declare:
    def find_spec(self, name, path=None, target=None):
        if name != "torchvision":
            return None
        sys.meta_path.remove(self)
        import torch

        library = torch.library.Library("torchvision", "FRAGMENT")
        for operator in ("nms", "qnms"):
            library.define(operator + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        sys.modules[__name__].library = library  # kept alive: its end would undeclare the operators
        return importlib.util.find_spec(name)


sys.meta_path.insert(0, _Declare())
'''


def version_of(package: str) -> str:
    """Return the text of `package`/version.py without importing the package."""
    spec = importlib.util.find_spec(package)
    return (Path(spec.origin).parent / "version.py").read_text() if spec and spec.origin else ""


def mend() -> str:
    """Write or remove the hook; return one sentence on what was done."""
    site = Path(sysconfig.get_paths()["purelib"])
    hook, pth = site / "torchvision_beside_cpu_torch.py", site / "torchvision_beside_cpu_torch.pth"
    vision, torch = version_of("torchvision"), version_of("torch")
    cuda_vision = re.search(r"^cuda\b.*=\s*['\"]\d", vision, re.M) or "+cu" in vision
    cpu_torch = re.search(r"^cuda\b.*=\s*None", torch, re.M) and re.search(
        r"^hip\b.*=\s*None", torch, re.M
    )
    if not (cuda_vision and cpu_torch):
        for path in (hook, pth):
            path.unlink(missing_ok=True)
        return "torch and torchvision match: nothing to mend"
    hook.write_text(HOOK)
    pth.write_text("import torchvision_beside_cpu_torch\n")
    return "CPU torch beside a CUDA-built torchvision: mended in this environment"


if __name__ == "__main__":
    print(mend())
