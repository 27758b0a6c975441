"""Tasks given to the workers of a Dask cluster; a worker that is lost on the way loses none."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from plantlab.files import project_root

if TYPE_CHECKING:
    from distributed import Client

Given = TypeVar("Given")
Told = TypeVar("Told")

WAIT = 60  # seconds for a scheduler and its first worker


@contextmanager
def connected(address: str, in_project: bool = False) -> Iterator["Client"]:
    """Yield a client of the cluster, once it has a worker.

    Args:
        address: of the scheduler, such as tcp://node7:8786, or its --scheduler-file, a .json.
        in_project: its workers must run in this project's folder.
    Raises:
        ValueError: no Dask here, no scheduler or worker there, or workers elsewhere than here.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ValueError('--dask needs Dask: pip install -e ".[cluster]"') from None
    file = None if "://" in address else _wait_for(Path(address))
    try:
        client = Client(None if file else address, scheduler_file=file, timeout=WAIT)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"no Dask scheduler answers at {address} ({type(error).__name__}); "
            "start one: dask scheduler"
        ) from None
    with client:
        _wait(client, address)
        if in_project:
            _check_places(client)
        yield client


def _wait_for(file: Path) -> str | None:
    """Return the path of a scheduler's file once it is there; None where it is no file's name.

    Raises:
        ValueError: it does not come.
    """
    if file.suffix != ".json":
        return None
    end = time.monotonic() + WAIT
    while not file.is_file() and time.monotonic() < end:
        time.sleep(0.2)
    if not file.is_file():
        raise ValueError(f"no Dask scheduler has written {file}; start one with --scheduler-file.")
    return str(file)


def _wait(client: "Client", address: str) -> None:
    """Wait for a first worker; raise ValueError where none comes."""
    try:
        client.wait_for_workers(1, timeout=WAIT)
    except TimeoutError:
        raise ValueError(
            f"the scheduler at {address} has no worker; start some, in the project's folder: "
            f"dask worker {address} --nthreads 1"
        ) from None


def _check_places(client: "Client") -> None:
    """Raise ValueError where a worker runs in another folder than this."""
    here = str(project_root())
    for worker, there in client.run(_place).items():
        if there != here:
            raise ValueError(
                f"the worker {worker} runs in {there}, and this is {here}; start workers in the "
                "same folder, on a disk that all machines share."
            )


def _place() -> str:
    return str(project_root())


def threads_a_host(client: "Client") -> int:
    """Return how many tasks one machine may be given at once, at most."""
    threads: Counter[str] = Counter()
    for worker in client.scheduler_info(n_workers=-1)["workers"].values():
        threads[worker["host"]] += worker["nthreads"]
    return max(threads.values())


def each_done(
    client: "Client", task: Callable[[Given], Told], given: Iterable[Given]
) -> Iterator[tuple[int, Told]]:
    """Yield the number of each of `given`, and what `task` returns of it, as each is done.

    Raises:
        what a task raises; KilledWorker where one has taken several workers with it.
    """
    from distributed import as_completed

    futures = client.map(task, list(given), pure=False)
    numbers = {future.key: number for number, future in enumerate(futures)}
    for future, told in as_completed(futures, with_results=True):
        yield numbers[future.key], told


def in_order(
    client: "Client", task: Callable[[Given], Told], given: Iterable[Given]
) -> Iterator[Told]:
    """Yield what `task` returns of each of `given`, in their order, as soon as that can be."""
    waiting: dict[int, Told] = {}
    expected = 0
    for number, told in each_done(client, task, given):
        waiting[number] = told
        while expected in waiting:
            yield waiting.pop(expected)
            expected += 1
