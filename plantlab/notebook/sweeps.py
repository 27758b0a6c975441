"""A notebook at every combination of some parameters, several at once."""

import sys
from collections.abc import Mapping
from itertools import product
from pathlib import Path

from plantlab.notebook.runs import (
    _record_of,
    changed_parameters,
    notebook_parameters,
    results_folder,
    run_name,
    try_notebook,
)


def sweep(
    notebook: str | Path, grid: Mapping, params: Mapping | None = None, n_jobs: int = 2
) -> dict[str, str]:
    """Run a notebook at every combination of the lists in `grid`; return {run: "" or why it failed}.

    A finished point, whose record has the same parameters, is kept: an interrupted sweep goes on. A failing point
    does not stop the others. `n_jobs` run at once, each with its share of the cores.

    Raises:
        ValueError: see `changed_parameters`, or two points whose names would be the same.
    """
    from joblib import Parallel, cpu_count, delayed
    from tqdm import tqdm

    values = [{**(params or {}), **dict(zip(grid, point))} for point in product(*grid.values())]
    points = [changed_parameters(notebook, v) for v in values]
    names = [run_name(point) for point in points]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(
            f"two points of the sweep would both be run {twice[0]!r}; give their values other names."
        )
    todo = [(notebook, p, n) for p, n in zip(points, names) if not _finished(notebook, p, n)]
    print(f"{len(names)} points, {len(names) - len(todo)} of them finished before", file=sys.stderr)
    share = max(1, cpu_count() // n_jobs)
    pool = Parallel(
        n_jobs, backend="threading", return_as="generator_unordered"
    )  # the kernels are the processes
    tried = pool(delayed(try_notebook)(*point, cores=share) for point in todo)
    failures = dict(tqdm(tried, total=len(todo), desc="sweep", unit="run", disable=None))
    return {name: failures.get(name, "") for name in names}


def _finished(notebook: str | Path, changed: Mapping[str, object], run: str) -> bool:
    kept = _record_of(results_folder(notebook, run)).get("params", {})
    wanted = {name: p.value for name, p in notebook_parameters(notebook).items()} | changed
    return run_name(wanted) == run_name({name: kept.get(name, "?") for name in wanted})
