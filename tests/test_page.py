"""The page's server: who is waited for, and what is said before it opens."""

import asyncio

import pytest
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

from plantlab import page


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
    monkeypatch.setattr(page.subprocess, "Popen", lambda *args, **kw: servers.append(real(*args, **kw)) or servers[-1])
    with pytest.raises(ValueError, match="no model 'five-flowrs'.*five-flowers"):
        page.open_page("five-flowrs", 0, browser=False)
    assert servers[0].wait(30) is not None
