"""The identify desk as a web page for many visitors: Voila on cells of notebook 08."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import current_process, get_context
from pathlib import Path

import nbformat
import segno
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from PIL import Image

from plantlab.data.photos import thumbnail
from plantlab.desk.shared import PLACE, Desks, Visitor
from plantlab.desk.taught import Collection
from plantlab.files import project_root, write_whole
from plantlab.notebook.runs import changed_parameters, find_notebook

LOCAL = "127.0.0.1"
EVERY = "0.0.0.0"
LEFT = 600  # seconds that a visitor's answers are kept: a phone that slept finds them again
LARGEST = 200 * 2**20  # bytes of a message: a phone's photos are large


class Kernels(AsyncMappingKernelManager):
    """Voila's kernels: one always waits for a visitor, those whose visitor has left are stopped.

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


def open_page(model: str, port: int = 8866, host: str = LOCAL, browser: bool = True) -> int:
    """Serve the identify desk as a web page, until it is stopped; return the server's exit code.

    Args:
        model: a model's name or folder.
        host: 0.0.0.0 lets other machines of the network in, such as a phone.
    Raises:
        ValueError: something else listens at that port, or the model cannot be read: said here,
            not on the page.
    """
    _check_free(port)
    page = _identify_page(model, port)
    with Desks(ctx=get_context("spawn")) as desks:
        key = f"{current_process().authkey.hex()} {desks.address}"

        def warm() -> str:
            desk = desks.desk(model)
            _warm(desk)
            return desk.knows

        return _serve(page, {PLACE: key}, warm, port, host, browser)


def open_teaching(port: int = 8866, host: str = LOCAL, browser: bool = True) -> int:
    """Serve the page on which people teach the desk; as open_page does."""
    _check_free(port)
    page = _page_of("from plantlab.desk import widgets\n\nwidgets.teach()", port)
    where = project_root() / "data" / "taught"
    return _serve(
        page, {}, lambda: f"What people teach it is kept in {where}.", port, host, browser
    )


def open_herbarium(name: str, port: int = 8866, host: str = LOCAL, browser: bool = True) -> int:
    """Serve the page of a class that gathers plants, votes and learns; as open_page does.

    Raises:
        ValueError: a name that is no folder's.
    """
    _check_free(port)
    where = Collection(name).folder
    page = _page_of(f"from plantlab.desk import widgets\n\nwidgets.herbarium({name!r})", port)
    return _serve(page, {}, lambda: f"What it learns from is kept in {where}.", port, host, browser)


def open_game(
    dataset: str, model: str, port: int = 8866, host: str = LOCAL, browser: bool = True
) -> int:
    """Serve the game "you against the machine"; as open_page does.

    Args:
        dataset: whose test plants are asked about.
        model: the machine's, a name or folder; it must not have learnt from them.
    Raises:
        ValueError: the model cannot be read, or knows too few of the species.
    """
    from plantlab.data import prepare
    from plantlab.desk.rounds import deal
    from plantlab.identify import store

    _check_free(port)
    images, _ = prepare(dataset)
    folder = deal(images, store.load(model), images.attrs["name"])
    page = _page_of(f"from plantlab.desk import widgets\n\nwidgets.game({str(folder)!r})", port)
    return _serve(page, {}, lambda: f"What people answer is kept in {folder}.", port, host, browser)


def _serve(
    page: Path, env: dict[str, str], warm: Callable[[], str], port: int, host: str, browser: bool
) -> int:
    """Serve a notebook until it is stopped; return the server's exit code.

    Args:
        env: for its kernels.
        warm: makes ready what the first visitor needs, and says what the page is about.
    """
    log = page.with_name("log.txt")  # Voila's and the kernels'
    command = [sys.executable, "-m", "voila", str(page), *_options(port, host, browser)]
    signal.signal(signal.SIGTERM, _end)
    with open(log, "w", encoding="utf-8") as told:
        server = subprocess.Popen(
            command, cwd=page.parent, env=os.environ | env, stdout=told, stderr=told
        )
        try:
            _announce(warm(), port, host)
            code = server.wait()
            if code:
                print(f"plantlab: the page's server has stopped; {log} says why.", file=sys.stderr)
            return code
        finally:
            server.terminate()


def _warm(desk: Visitor) -> None:
    """Load the model, and what shows where it looked, before the first visitor comes."""
    blank = thumbnail(Image.new("RGB", (64, 64)), 64)
    desk.see([])
    with suppress(ValueError):  # a network without maps
        desk.look(blank, desk.species[0])


def _check_free(port: int) -> None:
    """Raise ValueError where something listens at the port."""
    with socket.socket() as probe:
        if probe.connect_ex((LOCAL, port)) == 0:
            raise ValueError(
                f"port {port} is in use, perhaps by another page; "
                "name one that is free with --port."
            )


def _identify_page(model: str, port: int) -> Path:
    """Write the cells of notebook 08 that make the page, for this model; return the notebook."""
    page = nbformat.read(find_notebook("08_identify"), as_version=4)
    page.cells = [cell for cell in page.cells if _is_shown(cell)]
    changed = changed_parameters("08_identify", {"model": model})
    lines = [f"{name} = {value!r}" for name, value in changed.items()]
    page.cells.insert(1, nbformat.v4.new_code_cell("\n".join(lines)))
    return _written(page, port)


def _page_of(source: str, port: int) -> Path:
    """Write a notebook of one cell; return it."""
    cell = nbformat.v4.new_code_cell(source)
    kernel = {"name": "python3", "display_name": "Python 3"}
    return _written(nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel}), port)


def _written(page: nbformat.NotebookNode, port: int) -> Path:
    folder = project_root() / "data" / "page" / str(port)  # two pages, two models
    return write_whole(folder / "plantlab.ipynb", nbformat.writes(page))


def _is_shown(cell: nbformat.NotebookNode) -> bool:
    tags = cell.metadata.get("tags", [])
    return "parameters" in tags or "page" in tags


def _options(port: int, host: str, browser: bool) -> list[str]:
    """Return Voila's options."""
    options = [
        f"--port={port}",
        f"--Voila.ip={host}",
        "--strip_sources=True",
        "--theme=light",
        "--show_tracebacks=False",
        "--preheat_kernel=True",
        "--pool_size=1",
        f"--VoilaConfiguration.multi_kernel_manager_class={__name__}.{Kernels.__name__}",
        f"--MappingKernelManager.cull_idle_timeout={LEFT}",
        "--MappingKernelManager.cull_interval=60",
        f"--Voila.tornado_settings={{'websocket_max_message_size': {LARGEST}}}",
    ]
    return options if browser else [*options, "--no-browser"]


def _end(*_: object) -> None:
    """End as Ctrl-C does, so that what was started ends, too."""
    sys.exit(0)


def _announce(knows: str, port: int, host: str) -> None:
    """Print which plants the page knows and where it is, for phones as a code."""
    url = f"http://{_address(host)}:{port}"
    if host != LOCAL:
        with suppress(UnicodeError):  # a console that cannot draw it
            segno.make(url).terminal(compact=True)
    print(f"{knows}\nThe page: {url} (stop it with Ctrl-C)", flush=True)


def _address(host: str) -> str:
    """Return where a browser finds what listens at `host`.

    Of all addresses, 0.0.0.0, that on the local network.
    """
    if host == LOCAL:
        return "localhost"
    if host != EVERY:
        return host
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("10.255.255.255", 1))  # sends nothing, but chooses the address to send from
        return probe.getsockname()[0]
    return socket.gethostname()
