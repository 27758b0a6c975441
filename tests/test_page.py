"""The page's server: who is waited for, and what is said before it opens."""

import asyncio
import os
import pydoc
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

from plantlab.desk import page

PROJECT = Path(__file__).resolve().parents[1]


def test_the_kernel_that_waits_for_the_next_visitor_is_never_stopped_for_being_idle(monkeypatch):
    stopped = []

    async def cull(self, kernel_id):
        stopped.append(kernel_id)

    monkeypatch.setattr(AsyncMappingKernelManager, "cull_kernel_if_idle", cull)
    kernels = page.Kernels()
    kernels.notify_disconnect("left")
    for kernel_id in ("waiting", "left"):
        asyncio.run(kernels.cull_kernel_if_idle(kernel_id))
    assert stopped == ["left"]


def test_a_model_that_does_not_exist_is_said_and_leaves_no_server(monkeypatch):
    servers = []
    real = page.subprocess.Popen
    monkeypatch.setattr(
        page.subprocess,
        "Popen",
        lambda *args, **kw: servers.append(real(*args, **kw)) or servers[-1],
    )
    with pytest.raises(ValueError, match="no model 'five-flowrs'.*five-flowers"):
        page.open_page("five-flowrs", 0, browser=False)
    assert servers[0].wait(30) is not None


def test_a_server_that_stops_by_itself_is_said(monkeypatch, capsys):
    real = page.subprocess.Popen
    dies = [sys.executable, "-c", "print('no memory'); raise SystemExit(3)"]
    monkeypatch.setattr(page.subprocess, "Popen", lambda _, **options: real(dies, **options))
    assert page.open_page("five-flowers", 0, browser=False) == 3
    said = capsys.readouterr().err
    assert (
        "server has stopped" in said
        and Path(said.split("; ")[1].split(" says why")[0]).read_text() == "no memory\n"
    )


def test_a_page_that_is_ended_leaves_no_process(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [
        sys.executable,
        "-c",
        "from plantlab.cli import main; main()",
        "page",
        "--no-browser",
        "--port",
        port,
    ]
    command += ["--host", "0.0.0.0"]
    with open(tmp_path / "log", "w") as log:
        opened = subprocess.Popen(
            command, cwd=PROJECT, stdout=log, stderr=log, start_new_session=True
        )
    try:
        assert until(
            lambda: "The page: " in (tmp_path / "log").read_text() or opened.poll() is not None, 120
        )
        assert opened.poll() is None, (tmp_path / "log").read_text()
        said = (tmp_path / "log").read_text()
        assert (
            "▄▄▄▄▄ █" in said and f"The page: http://{page._address('0.0.0.0')}:{port}" in said
        ), "a code for phones"
        opened.terminate()  # the command alone; it ends what it started
        assert opened.wait(30) == 0
        assert until(lambda: not alive(opened.pid), 30), (
            "its server, or the process that holds the model, is left"
        )
    finally:
        if alive(opened.pid):
            os.killpg(opened.pid, signal.SIGKILL)


def until(holds, seconds: float) -> bool:
    ends = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < ends:
        time.sleep(0.2)
    return bool(held)


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_phone_is_told_an_address_that_it_can_reach(monkeypatch):
    assert (
        page._address("127.0.0.1") == "localhost"
        and page._address("192.168.1.20") == "192.168.1.20"
    )
    with socket.socket() as here:
        here.bind((page._address("0.0.0.0"), 0))  # one of this machine's own
        assert here.getsockname()[0] != "0.0.0.0"

    def unreachable(*_):
        raise OSError("Network is unreachable")

    monkeypatch.setattr(page.socket, "socket", unreachable)
    assert page._address("0.0.0.0") == socket.gethostname()


def test_the_server_is_told_where_these_kernels_are():
    """Voila imports them by that name."""
    named = "--VoilaConfiguration.multi_kernel_manager_class=plantlab.desk.page.Kernels"
    assert named in page._options(8866, "127.0.0.1", browser=True)
    assert pydoc.locate(named.split("=")[1]) is page.Kernels
    assert "--no-browser" in page._options(8866, "127.0.0.1", browser=False)
