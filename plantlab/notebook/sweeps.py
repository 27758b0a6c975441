"""A notebook at every combination of some parameters, several at once."""

import sys
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import product
from pathlib import Path

from plantlab import cluster
from plantlab.notebook.runs import (
    changed_parameters,
    kept_record,
    notebook_parameters,
    results_folder,
    run_name,
    try_notebook,
)


def sweep(
    notebook: str | Path,
    grid: Mapping[str, list],
    params: Mapping[str, object] | None = None,
    n_jobs: int = 2,
    dask: str = "",
) -> dict[str, str]:
    """Run a notebook at every combination of the lists in `grid`.

    Returns {run: "" or why it failed}. A finished point, whose record has the same parameters, is
    kept: an interrupted sweep goes on. A failing point does not stop the others. `n_jobs` run at
    once, each with its share of the cores.

    Args:
        dask: the address of a cluster, whose workers run the points instead; see cluster.connected.
    Raises:
        ValueError: see `changed_parameters`, or two points whose names would be the same.
    """
    from tqdm import tqdm

    points = _named_points(notebook, grid, params or {})
    finished = [name for name in points if _finished(notebook, points[name], name)]
    todo = [name for name in points if name not in finished]
    print(f"{len(points)} points, {len(finished)} of them finished before", file=sys.stderr)
    asked = {name: points[name] for name in todo}
    tried = _on_cluster(notebook, asked, dask) if dask else _here(notebook, asked, n_jobs)
    told = tqdm(tried, total=len(todo), desc="sweep", unit="run", disable=None)
    failures = dict(told)
    return {name: failures.get(name, "") for name in points}


def _here(notebook: str | Path, points: dict[str, dict], n_jobs: int) -> Iterator[tuple[str, str]]:
    """Yield each run's name, and "" or why it failed, `n_jobs` at once."""
    from joblib import Parallel, cpu_count, delayed

    cores = max(1, cpu_count() // n_jobs)
    # threads, for each starts a kernel, which is a process of its own
    pool = Parallel(n_jobs, backend="threading", return_as="generator_unordered")
    run = delayed(try_notebook)
    yield from pool(run(notebook, points[name], name, cores=cores) for name in points)


def _on_cluster(
    notebook: str | Path, points: dict[str, dict], address: str
) -> Iterator[tuple[str, str]]:
    """Yield each run's name, and "" or why it failed, run by the workers of a cluster."""
    with cluster.connected(address, in_project=True) as client:
        at_once = cluster.threads_a_host(client)
        run = partial(_run_point, str(notebook), at_once)
        names = list(points)
        for number, (_, failure) in cluster.each_done(client, run, points.items()):
            yield names[number], failure


def _run_point(notebook: str, at_once: int, point: tuple[str, dict]) -> tuple[str, str]:
    from joblib import cpu_count

    name, changed = point
    return try_notebook(notebook, changed, name, cores=max(1, cpu_count() // at_once))


def _named_points(notebook: str | Path, grid: Mapping, params: Mapping) -> dict[str, dict]:
    """Return, by the name of its run, what each point of the grid changes of the defaults."""
    points = {}
    for values in product(*grid.values()):
        asked = dict(params) | dict(zip(grid, values))
        changed = changed_parameters(notebook, asked)
        name = run_name(changed)
        if name in points:
            twice = f"two points of the sweep would both be run {name!r}"
            raise ValueError(f"{twice}; give their values other names.")
        points[name] = changed
    return points


def _finished(notebook: str | Path, changed: Mapping[str, object], run: str) -> bool:
    """Return whether the record of that run has the parameters that it would have now.

    Compared are the names they give, which hold of a path its last part, as a record does.
    """
    kept = kept_record(results_folder(notebook, run)).get("params", {})
    declared = notebook_parameters(notebook)
    wanted = {name: parameter.value for name, parameter in declared.items()} | dict(changed)
    found = {name: kept.get(name, "?") for name in wanted}
    return run_name(wanted) == run_name(found)
