"""What a head weighs and how long it takes, each measured in a process of its own."""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
import torch
from torch import nn

from plantlab.heads.many import trees
from plantlab.heads.many.ask import rank_of
from plantlab.heads.many.learn import loss_of, optimizers_of, step
from plantlab.heads.many.small import Adaptive, Sampled, low_rank
from plantlab.heads.many.tree import Tree

WIDTH = 128
STEPS = 5  # timed, after one that is not
BYTES = 4  # of a number in float32
COPIES = 4  # of a weight in training: itself, its gradient, two moments of Adam
MOST_BYTES = 12e9  # a head that would take more is not built

Maker = Callable[[int, np.ndarray], nn.Module]  # features D, photos of each species (K,)


def _even_tree(n_features: int, counts: np.ndarray) -> Tree:
    n_groups = round(np.sqrt(len(counts)))
    return Tree(n_features, [trees.by_number(len(counts), n_groups)], WIDTH)


HEADS: dict[str, Maker] = {
    "dense": lambda n_features, counts: nn.Linear(n_features, len(counts)),
    "low rank": lambda n_features, counts: low_rank(n_features, len(counts), WIDTH),
    "tree": _even_tree,
    "adaptive": lambda n_features, counts: Adaptive(n_features, counts, WIDTH),
    "sampled": lambda n_features, counts: Sampled(n_features, counts, WIDTH),
}


def n_parameters(name: str, n_features: int, n_species: int) -> int:
    """Return the numbers that a head holds, without building it in memory."""
    counts = np.ones(n_species)
    with torch.device("meta"):
        head = HEADS[name](n_features, counts)
    return sum(weight.numel() for weight in head.parameters())


def weigh(
    names: Iterable[str], sizes: Iterable[int], n_features: int = 1280, batch_size: int = 256
) -> pd.DataFrame:
    """Return a row a head and number of species: what it takes to learn a batch, and to ask one.

    `parameters`, `megabytes` (float32), `step_s` (median of five), `ask_s` (all species of a batch,
    with the rank of the truth), `peak_mb` above the data, of the whole process. A head that would
    need more than 12 GB has its parameters alone.
    """
    rows = []
    for n_species in sizes:
        for name in names:
            n_numbers = n_parameters(name, n_features, n_species)
            row = {"method": name, "n_species": n_species, "parameters": n_numbers}
            row["megabytes"] = n_numbers * BYTES / 1e6
            if n_numbers * BYTES * COPIES < MOST_BYTES:
                row |= _measure(name, n_species, n_features, batch_size)
            rows.append(row)
    return pd.DataFrame(rows)


def sizes_of(n_features: int, n_species: int) -> pd.DataFrame:
    """Return what each head holds: method, parameters, and megabytes in float32 and in float16."""
    rows = []
    for name in HEADS:
        n_numbers = n_parameters(name, n_features, n_species)
        rows.append({"method": name, "parameters": n_numbers})
    table = pd.DataFrame(rows)
    table["MB, float32"] = table["parameters"] * BYTES / 1e6
    table["MB, float16"] = table["parameters"] * BYTES / 2e6
    return table


def reckon(
    rows: pd.DataFrame, n_species: int, n_features: int = 1280, n_photos: int = 1_000_000
) -> pd.DataFrame:
    """Return the megabytes of each head for so many species, and the minutes that it learns.

    Between the numbers of species that were measured (`rows`, of `weigh`), seconds a step are
    reckoned along a straight line on log axes; beyond them they are unknown.

    Args:
        n_photos: embeddings that it learns from, once each, in batches of 256.
    """
    costs = sizes_of(n_features, n_species)[["method", "parameters", "MB, float32"]]
    minutes = {}
    for method, each in rows.dropna(subset="step_s").groupby("method"):
        each = each.sort_values("n_species")
        logs = np.log(each["n_species"]), np.log(each["step_s"])
        step_s = np.exp(np.interp(np.log(n_species), *logs, left=np.nan, right=np.nan))
        minutes[method] = step_s * n_photos / 256 / 60
    return costs.assign(minutes=costs["method"].map(minutes))


def _measure(name: str, n_species: int, n_features: int, batch_size: int) -> dict[str, float]:
    """Return what `main` prints, in a process that holds nothing else."""
    numbers = map(str, (n_species, n_features, batch_size))
    command = [sys.executable, "-m", "plantlab.heads.many.field", name, *numbers]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{name} of {n_species} species: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout)


def _time_head(name: str, n_species: int, n_features: int, batch_size: int) -> dict[str, float]:
    """Return step_s, ask_s and peak_mb of one head in this process."""
    torch.manual_seed(0)
    counts = 1 + 100 // (1 + np.arange(n_species) / 50)
    embeddings = torch.randn(batch_size, n_features)
    targets = torch.randint(0, n_species, (batch_size,))
    before = _peak()
    head = HEADS[name](n_features, counts)
    optimizers = optimizers_of(head, 1e-3)
    seconds = []
    for _ in range(STEPS + 1):
        began = time.perf_counter()
        loss_of(head, embeddings, targets).backward()
        step(head, optimizers)
        seconds.append(time.perf_counter() - began)
    peak = _peak() - before
    with torch.inference_mode():
        asked = []
        for _ in range(3):
            began = time.perf_counter()
            rank_of(head(embeddings), targets)
            asked.append(time.perf_counter() - began)
    return {
        "step_s": statistics.median(seconds[1:]),
        "ask_s": statistics.median(asked),
        "peak_mb": peak / 1e6,
    }


def _peak() -> int:
    """Return the most bytes that this process has held."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> None:
    """Print one head's measures as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=HEADS)
    for number in ("n_species", "n_features", "batch_size"):
        parser.add_argument(number, type=int)
    print(json.dumps(_time_head(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
