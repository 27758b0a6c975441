"""Beside other busy processes plantlab's threads wait without spinning for long."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import onnxruntime
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from plantlab.identify.onnx import check_onnx
from plantlab.networks.backbones import create_network
from plantlab.networks.compiled import compile_network

PROJECT = Path(__file__).resolve().parents[1]
OURS = "20000"
SHOW = "import os; print(os.environ.get('GOMP_SPINCOUNT'))"


def surroundings(**more: str) -> dict[str, str]:
    """Return this process's environment as it was before plantlab was imported, and `more`."""
    env = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    return env | more


def ask(code: str, **env: str) -> subprocess.CompletedProcess:
    """Run a line of Python in a process of its own."""
    command = [sys.executable, "-c", code]
    env = surroundings(**env)
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True)


def spin_counts(code: str, **env: str) -> set[str]:
    """Return what every libgomp that `code` loads says that it has read."""
    told = ask(code, OMP_DISPLAY_ENV="VERBOSE", **env).stderr.splitlines()
    return {line.split("'")[1] for line in told if "GOMP_SPINCOUNT" in line}


@pytest.fixture(scope="module")
def default() -> set[str]:
    """Return the count that torch has by itself."""
    found = spin_counts("import torch")
    if not found:
        pytest.skip("this machine's torch shares its work without libgomp")
    return found


def test_torch_loads_with_plantlabs_count(default):
    assert default != {OURS}, "or this test says nothing"
    assert spin_counts("import plantlab, torch") == {OURS}
    assert spin_counts("import torch, plantlab") == default, "it is read once, when torch loads"


def test_a_count_of_ones_own_is_kept(default):
    assert spin_counts("import plantlab, torch", GOMP_SPINCOUNT="777") == {"777"}


def test_a_kernel_of_a_run_has_it_before_its_first_cell(project):
    notebook = new_notebook(cells=[new_code_cell(SHOW)])
    nbformat.write(notebook, project / "notebooks" / "01_tiny.ipynb")
    ask("from plantlab.notebook import runs; runs.run_notebook('01')")
    ran = nbformat.read("results/01_tiny/default/01_tiny.ipynb", as_version=4)
    assert ran.cells[0].outputs[0].text == f"{OURS}\n"


def test_the_pages_server_has_it(project):
    """Its kernels and the process that holds the model inherit it."""
    shutil.copytree(PROJECT / "notebooks", project / "notebooks", dirs_exist_ok=True)
    code = f"""if True:
        import subprocess, sys
        from plantlab.desk import page
        real = subprocess.Popen
        shows = [sys.executable, "-c", {SHOW!r}]
        page.subprocess.Popen = lambda *_, env, **options: real(shows, env=env)
        page.open_page("five-flowers", 0, browser=False)"""
    assert OURS in ask(code).stdout.splitlines()


needs_make = pytest.mark.skipif(
    shutil.which("make") is None or os.name == "nt", reason="no make on this machine"
)


@needs_make
@pytest.mark.parametrize("own, told", [({}, OURS), ({"GOMP_SPINCOUNT": "777"}, "777")])
def test_make_lab_gives_it_to_kernels_that_import_torch_first(tmp_path, own, told):
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(PROJECT / name, tmp_path)
    shutil.copytree(PROJECT / ".ci", tmp_path / ".ci")
    lab = tmp_path / ".venv" / "bin" / "jupyter"
    lab.parent.mkdir(parents=True)
    lab.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{SHOW}"\n')
    lab.chmod(0o755)
    (tmp_path / ".venv" / ".ready").touch()  # so nothing is installed
    options = {"cwd": tmp_path, "env": surroundings(**own), "capture_output": True, "text": True}
    done = subprocess.run(["make", "--no-print-directory", "lab"], **options)
    assert done.stdout == f"{told}\n", done.stderr


@pytest.fixture
def opened(monkeypatch) -> list:
    """Return the sessions of ONNX Runtime that are opened from now on."""
    sessions = []
    real = onnxruntime.InferenceSession

    def open_one(*args, **options) -> onnxruntime.InferenceSession:
        sessions.append(real(*args, **options))
        return sessions[-1]

    monkeypatch.setattr(onnxruntime, "InferenceSession", open_one)
    return sessions


def test_no_pool_of_onnx_runtime_spins(opened, tmp_path):
    network = create_network("test_resnet", n_species=2, weights="none")
    compile_network(network, 32)
    check_onnx(SimpleNamespace(network=network.eval(), image_size=32), tmp_path / "model.onnx")
    assert len(opened) == 2
    for session in opened:
        options = session.get_session_options()
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
