"""Every test runs without a network, here and in the kernels and processes that it starts."""

import os
import runpy
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
OFFLINE = PROJECT / "tests" / "offline"

runpy.run_path(str(OFFLINE / "sitecustomize.py"))
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(OFFLINE), os.environ.get("PYTHONPATH")])
)
os.environ |= {"HF_HUB_OFFLINE": "1", "MPLBACKEND": "agg", "JUPYTER_PLATFORM_DIRS": "1"}


def pytest_collection_modifyitems(items):
    """Start what takes longest first, so that no worker waits at the end."""
    items.sort(key=lambda item: not item.get_closest_marker("slow"))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return an empty project as the working folder: what a test builds or records stays in it."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "plantlab"\n')
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path
