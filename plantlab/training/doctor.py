"""What would stop a job, or slow it down, said before it starts."""

import importlib.metadata
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
import torch
from packaging.requirements import Requirement

from plantlab.data.layouts import read_images
from plantlab.data.photos import PhotoError, open_photo
from plantlab.files import cache_folder, write_whole
from plantlab.networks.backbones import Classifier, create_network
from plantlab.networks.batches import default_workers
from plantlab.networks.device import device, may_be_gpu, n_threads
from plantlab.networks.parallel import n_processes
from plantlab.networks.weights import find_weights
from plantlab.training.memory import memory_needed

OK, SLOW, STOPS = "ok", "slow", "stops"
PHOTOS = 100  # that are opened
HUB = ("huggingface.co", 443)
PATIENCE = 3  # seconds for the hub to answer
GIB = 2**30
FEWEST_FILES = 1000  # that a run may make: embeddings, pages, compiled networks
CGROUP = Path("/sys/fs/cgroup")


@dataclass
class Job:
    """What is about to be run: the options of `plantlab export`."""

    dataset: str
    folder: str = "."
    backbone: str = "tf_efficientnet_lite0"
    weights: str = "auto"
    image_size: int = 128
    batch_size: int = 32
    names: str | dict[str, str] = "auto"

    @cached_property
    def images(self) -> pd.DataFrame:
        """The image table, not inspected."""
        return read_images(self.dataset, self.names)

    @cached_property
    def network(self) -> Classifier:
        """The network, with random weights and without a head."""
        return create_network(self.backbone, weights="none")


Finding = tuple[str, str]  # a verdict, and one sentence


def examine(job: Job) -> pd.DataFrame:
    """Return a row for each thing looked at: what, verdict (ok, slow or stops), and found.

    Nothing is trained and nothing of the job is written; it takes seconds.
    """
    rows = []
    for what, look in CHECKS.items():
        try:
            verdict, found = look(job)
        except (ValueError, OSError) as error:
            verdict, found = STOPS, str(error)
        rows.append({"what": what, "verdict": verdict, "found": found})
    return pd.DataFrame(rows)


def _versions(job: Job) -> Finding:
    wrong = []
    for line in importlib.metadata.requires("plantlab") or []:
        needed = Requirement(line)
        if needed.marker is not None:  # an extra
            continue
        try:
            here = importlib.metadata.version(needed.name)
        except importlib.metadata.PackageNotFoundError:
            here = "none"
        if here == "none" or not needed.specifier.contains(here, prereleases=True):
            wrong.append(f"{needed.name} {here} (needs {needed.specifier or 'any'})")
    if wrong:
        return STOPS, f"{', '.join(wrong)}; install plantlab anew in this environment"
    python = ".".join(map(str, sys.version_info[:3]))
    return OK, f"Python {python}, torch {torch.__version__}, and all else in its range"


def _weights(job: Job) -> Finding:
    file = find_weights(job.backbone, job.weights)
    if file is not None:
        return OK, f"{job.backbone}: {file.origin}"
    if job.weights == "none":
        return OK, f"{job.backbone} begins with random weights, as was asked"
    try:
        if os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0"):
            raise OSError
        with socket.create_connection(HUB, PATIENCE):
            return OK, f"{job.backbone}: not here; the hub answers, they would be fetched once"
    except OSError:
        return STOPS, (
            f"{job.backbone}: not here, and {HUB[0]} does not answer. Where there is internet, "
            "save them as .safetensors, and name the file by --weights"
        )


def _photos(job: Job) -> Finding:
    images = job.images
    if "species" not in images or images["species"].isna().all():
        return STOPS, f"{len(images)} photos, and no species: nothing can be learnt"
    some = images["image_path"].sample(min(PHOTOS, len(images)), random_state=0)
    started = time.perf_counter()
    problems = []
    for path in some:
        try:
            open_photo(path, job.image_size)
        except PhotoError as error:
            problems.append(f"{Path(path).name}: {error}")
    rate = len(some) / (time.perf_counter() - started)
    told = f"{len(images)} of {images['species'].nunique()} species; {rate:.0f} a second are read"
    if len(problems) == len(some):
        return STOPS, f"{told}, but none of {len(some)} can be: {problems[0]}"
    if problems:
        return OK, f"{told}; {len(problems)} of {len(some)} will be set aside ({problems[0]})"
    return OK, f"{told} by one core"


def _threads(job: Job) -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    allowed = min(cores, _allowed_cores())
    used = n_threads()
    told = f"{used} threads on {allowed:g} cores"
    if used > allowed:
        few = max(1, int(allowed))
        return SLOW, f"{told}: they wait for each other; set OMP_NUM_THREADS={few}"
    if used < allowed / 2 and device().type == "cpu" and n_processes() == 1:
        return SLOW, f"{told}; set OMP_NUM_THREADS={int(allowed)}"
    return OK, told


def _allowed_cores() -> float:
    """Return how many cores' time a container or a batch system grants."""
    granted, period = (_granted("cpu.max") or "max 1").split()
    return float("inf") if granted == "max" else int(granted) / int(period)


def _granted(name: str) -> str:
    """Return what Linux grants this process of something, "" where it does not say."""
    own = Path("/proc/self/cgroup")
    group = own.read_text().strip().rpartition(":")[2] if own.is_file() else ""
    for file in (CGROUP / group.strip("/") / name, CGROUP / name):
        if file.is_file():
            return file.read_text().strip()
    return ""


def _gpu(job: Job) -> Finding:
    if device().type == "cpu":
        if may_be_gpu():
            return SLOW, (
                f"a driver of graphics cards is installed, but torch {torch.__version__} uses "
                "none; install a build of torch for it, or ask the batch system for a card"
            )
        return OK, "none; training and embedding run on the cores"
    free, total = torch.cuda.mem_get_info(device())
    name = torch.cuda.get_device_name(device())
    told = f"{name}, {free / GIB:.1f} of {total / GIB:.1f} GiB free"
    needed = memory_needed(job.network, job.image_size, job.batch_size) * 2**20
    if needed > free:
        return STOPS, f"{told}; a batch needs {needed / GIB:.1f}: lower --batch-size"
    return OK, told


def _memory(job: Job) -> Finding:
    known = getattr(os, "sysconf_names", {})
    if device().type != "cpu" or "SC_AVPHYS_PAGES" not in known:
        return OK, "not looked at"
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    granted = _granted("memory.max")
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    most = min(total, int(granted)) if granted.isdigit() else total
    needed = memory_needed(job.network, job.image_size, job.batch_size) * 2**20
    told = f"a batch needs {needed / GIB:.1f} of {most / GIB:.1f} GiB, {free / GIB:.1f} unused"
    if needed > most:
        return STOPS, f"{told}: lower --batch-size or --image-size"
    return OK, told


def _shared_memory(job: Job) -> Finding:
    n_workers = default_workers()
    place = Path("/dev/shm")
    if n_workers == 0 or not place.is_dir():
        return OK, "not needed: no workers read photos"
    free = shutil.disk_usage(place).free
    needed = 2 * n_workers * job.batch_size * 3 * job.image_size**2  # two batches wait a worker
    told = f"{free / GIB:.2f} GiB free for {n_workers} workers' batches"
    if needed > free:
        return STOPS, f"{told}, {needed / GIB:.2f} needed; docker run --shm-size=1g, or more"
    return OK, told


def _disk(job: Job) -> Finding:
    told = []
    weights = sum(tensor.nbytes for tensor in job.network.parameters())
    embeddings = len(job.images) * job.network.n_features * 4
    needed = {Path(job.folder): 5 * weights, cache_folder(): 2 * embeddings}
    for place, n_bytes in needed.items():
        _try_to_write(place)
        free = shutil.disk_usage(place).free
        if n_bytes > free:
            return STOPS, f"{place}: {free / GIB:.1f} GiB free, {n_bytes / GIB:.1f} needed"
        told.append(f"{place}: {free / GIB:.1f} GiB")
        n_files = os.statvfs(place).f_favail if hasattr(os, "statvfs") else 0
        if 0 < n_files < FEWEST_FILES:
            return STOPS, f"{place}: only {n_files} more files (inodes); pack photos into shards"
    return OK, f"free, and can be written: {', '.join(told)} (a quota may say less)"


def _try_to_write(place: Path) -> None:
    """Raise OSError where nothing can be written, as behind a quota."""
    file = write_whole(place / ".plantlab-doctor", b"0" * 2**20)
    file.unlink(missing_ok=True)  # another process looks, too


CHECKS: dict[str, Callable[[Job], Finding]] = {
    "versions": _versions,
    "weights": _weights,
    "photos": _photos,
    "threads": _threads,
    "graphics card": _gpu,
    "memory": _memory,
    "shared memory": _shared_memory,
    "disk": _disk,
}
