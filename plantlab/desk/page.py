"""The identify desk as a web page for many visitors at once: Voila on the cells of notebook 08 tagged `page`."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from multiprocessing import current_process, get_context

import nbformat
import segno
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

from plantlab.desk.shared import PLACE, Desks
from plantlab.files import project_root, write_whole
from plantlab.notebook.runs import changed_parameters, find_notebook

LEFT = 600  # seconds that the answers of a visitor who is gone are kept: a phone that slept finds them again


class Kernels(AsyncMappingKernelManager):
    """Voila's kernels, of which one always waits for the next visitor; those whose visitor has left are stopped.

    Jupyter's own culling would stop the waiting one too, for it is idle.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.left = set()

    def notify_disconnect(self, kernel_id: str) -> None:
        """Note whose visitor has left."""
        super().notify_disconnect(kernel_id)
        self.left.add(kernel_id)

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """Stop a kernel that had a visitor and is idle without one."""
        if kernel_id in self.left:
            await super().cull_kernel_if_idle(kernel_id)


def open_page(model: str, port: int = 8866, host: str = "127.0.0.1", browser: bool = True) -> int:
    """Serve the identify desk as a web page, until it is stopped.

    Args:
        model: a model's name or folder. host: 0.0.0.0 lets other machines of the network in, such as a phone.
    Raises:
        ValueError: something else listens at that port, or the model cannot be read: said here, not on the page.
    """
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise ValueError(
                f"port {port} is in use, perhaps by another page; name one that is free with --port."
            )
    page = nbformat.read(find_notebook("08_identify"), as_version=4)
    page.cells = [c for c in page.cells if {"parameters", "page"} & set(c.metadata.get("tags", []))]
    changed = changed_parameters("08_identify", {"model": model})
    page.cells.insert(
        1,
        nbformat.v4.new_code_cell(
            "\n".join(f"{name} = {value!r}" for name, value in changed.items())
        ),
    )
    path = project_root() / "data" / "page" / str(port) / "plantlab.ipynb"  # two pages, two models
    write_whole(path, nbformat.writes(page))
    options = f"""--port={port} --Voila.ip={host} --strip_sources=True --theme=light --show_tracebacks=False
        --preheat_kernel=True --pool_size=1 --VoilaConfiguration.multi_kernel_manager_class=plantlab.page.Kernels
        --MappingKernelManager.cull_idle_timeout={LEFT} --MappingKernelManager.cull_interval=60""".split()
    options += [
        "--Voila.tornado_settings={'websocket_max_message_size': 209715200}"
    ]  # a phone's photos are large
    options += [] if browser else ["--no-browser"]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # what is started below ends, too
    log = path.with_name("log.txt")  # Voila's and the kernels'
    with Desks(ctx=get_context("spawn")) as desks, open(log, "w", encoding="utf-8") as told:
        env = os.environ | {PLACE: f"{current_process().authkey.hex()} {desks.address}"}
        command = [sys.executable, "-m", "voila", str(path), *options]
        server = subprocess.Popen(command, cwd=path.parent, env=env, stdout=told, stderr=told)
        try:
            desk = desks.desk(model)
            desk.see([])  # loaded and compiled before the first visitor comes
            url = f"http://{_address(host)}:{port}"
            with suppress(UnicodeError):  # a console that cannot draw it
                if host != "127.0.0.1":  # for phones
                    segno.make(url).terminal(compact=True)
            print(f"{desk.knows}\nThe page: {url} (stop it with Ctrl-C)", flush=True)
            if code := server.wait():
                print(f"plantlab: the page's server has stopped; {log} says why.", file=sys.stderr)
            return code
        finally:
            server.terminate()


def _address(host: str) -> str:
    """Return where a browser finds what listens at `host`; of all addresses, 0.0.0.0, that on the local network."""
    if host != "0.0.0.0":
        return "localhost" if host == "127.0.0.1" else host
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(
            ("10.255.255.255", 1)
        )  # sends nothing, but chooses the address that would send
        return probe.getsockname()[0]
    return socket.gethostname()
