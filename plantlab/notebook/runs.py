"""Notebooks executed with checked parameters, one or all in order."""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from hashlib import sha1
from pathlib import Path

from plantlab.files import project_root
from plantlab.notebook import course
from plantlab.notebook.cells import Parameter, parse_value, read_parameters
from plantlab.notebook.outputs import store_outputs

LONGEST = 80  # characters of a run's name, which is a folder's
SHOWN = 8  # lines of what a failed cell left
BAR = (
    "{desc} {percentage:3.0f}% |{bar:30}| cell {n_fmt} of {total_fmt}, "
    "{elapsed}, about {remaining} left"
)
INLINE = "module://matplotlib_inline.backend_inline"


class RunError(RuntimeError):
    """A notebook stopped before its end; the message says in which cell and why."""


# what may be asked


def find_notebook(name: str | Path) -> Path:
    """Return the path of a notebook, by its path, its name in notebooks/ or that name's start.

    Raises:
        ValueError: there is none, or several; a near name is offered.
    """
    if Path(name).suffix == ".ipynb" and Path(name).is_file():
        return Path(name).resolve()
    folder = project_root() / "notebooks"
    paths = sorted(folder.rglob("[0-9][0-9]_*.ipynb"))
    known = {path.relative_to(folder).with_suffix("").as_posix(): path for path in paths}
    name = str(name).removeprefix("notebooks/").removesuffix(".ipynb").zfill(2)  # 2 is 02
    if name in known:
        return known[name]
    starting = [path for full_name, path in known.items() if full_name.startswith(name)]
    if len(starting) != 1:
        raise ValueError(f"no notebook {name!r}{_near(name, known)}")
    return starting[0]


def _near(name: str, known: Iterable[str]) -> str:
    """Return how a sentence that misses `name` ends: with the near name, and all of them."""
    near = get_close_matches(name, known, n=1)
    meant = f"; did you mean {near[0]!r}?" if near else "."
    there_are = ", ".join(known) or "none"
    return f"{meant} There are: {there_are}."


def notebook_parameters(notebook: str | Path) -> dict[str, Parameter]:
    """Return what the notebook's cell tagged `parameters` declares, by name."""
    import nbformat

    for cell in nbformat.read(find_notebook(notebook), as_version=4).cells:
        if "parameters" in cell.metadata.get("tags", []):
            return {parameter.name: parameter for parameter in read_parameters(cell.source)}
    return {}


def changed_parameters(notebook: str | Path, params: Mapping[str, object]) -> dict[str, object]:
    """Return what differs from the notebook's defaults, in its order and of its types.

    papermill alone only warns of a misspelt parameter, then computes for minutes with the default.

    Raises:
        ValueError: no such parameter (a near name is offered), or a value of another type.
    """
    known = notebook_parameters(notebook)
    for name in params:
        if name not in known:
            stem = find_notebook(notebook).stem
            raise ValueError(f"{stem} has no parameter {name!r}{_near(name, known)}")
    changed = {}
    for name, parameter in known.items():
        if name not in params or params[name] == parameter.value:
            continue
        value = parse_value(parameter, params[name])
        if value != parameter.value:
            changed[name] = value
    return changed


# where a run goes


def run_name(changed: Mapping[str, object]) -> str:
    """Return a short readable name for a run: the parameters that differ, of a path its last part.

    >>> run_name({"dataset": "/home/ada/flower_photos", "epochs": 5}), run_name({})
    ('dataset=flower_photos,epochs=5', 'default')
    """
    pairs = [f"{name}={_shown(value)}" for name, value in changed.items()]
    name = re.sub(r"[^\w.+,=-]+", "-", ",".join(pairs)) or "default"
    if len(name) <= LONGEST:
        return name
    return f"{name[: LONGEST - 10]}-{sha1(name.encode()).hexdigest()[:8]}"


def _shown(value: object) -> str:
    items = value if isinstance(value, list) else [value]
    text = "+".join(map(str, items))
    return re.split(r"[/\\:]", text.rstrip("/\\"))[-1]


def results_folder(notebook: str | Path, run: str) -> Path:
    """Return `results/<notebook>/<run>/`; a solution is set apart from its notebook."""
    path = find_notebook(notebook)
    name = f"solution_{path.stem}" if path.parent.name == "solutions" else path.stem
    return project_root() / "results" / name / run


def kept_record(folder: Path) -> dict:
    """Return the record that a run left in its folder, {} where it left none or half of one."""
    try:
        return json.loads((folder / "record.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


# a run


def run_notebook(
    notebook: str | Path,
    params: Mapping[str, object] | None = None,
    run: str = "",
    store: bool = False,
    cores: int | None = None,
) -> Path:
    """Execute a notebook and return its executed copy, its HTML page beside it.

    They go to `results/<notebook>/<run>/`, where the notebook itself writes record.json.

    Args:
        params: values, or their text, by parameter name.
        run: the folder's name; without it, `run_name` of what differs from the defaults.
        store: also write the outputs back into the notebook itself, where they are committed.
        cores: its share where several run at once, each then without a progress bar; None is all.
    Raises:
        ValueError: see `changed_parameters`. RunError: a cell failed; the executed copy is kept.
    """
    changed = changed_parameters(notebook, params or {})
    path = find_notebook(notebook)
    run = re.sub(r"[/\\]", "-", run or run_name(changed))
    copy = results_folder(path, run) / path.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    if cores is None:
        print(f"{path.stem}, run {run}{_about(copy.parent)}", file=sys.stderr)
    try:
        _execute(path, copy, changed, run, cores)
    except Exception as error:  # a cell's own, or the kernel died
        raise RunError(_explain(copy, error)) from error
    finally:
        _write_html(copy)
    if store:
        store_outputs(path, copy)
    return copy


def _about(folder: Path) -> str:
    """Return how long the run took the last time, as its announcement ends."""
    seconds = kept_record(folder).get("seconds")
    return f": about {seconds / 60:.1f} min" if seconds else ""


def _execute(
    path: Path, copy: Path, changed: Mapping[str, object], run: str, cores: int | None
) -> None:
    import nbformat
    from papermill import execute_notebook

    bar = {"desc": path.stem, "bar_format": BAR, "disable": None, "leave": False}
    execute_notebook(
        nbformat.read(path, as_version=4),
        str(copy).replace("{", "{{").replace("}", "}}"),  # papermill formats it
        changed,
        kernel_name="python3",
        kernel_manager_class=_kernel_manager(run, cores),
        # where it runs; papermill's cwd is no thread's own
        resources={"metadata": {"path": str(project_root())}},
        coalesce_streams=True,
        progress_bar=bar if cores is None else False,
    )


def _kernel_manager(run: str, cores: int | None) -> type:
    """Return a manager that starts this interpreter, whatever kernels the machine knows."""
    from ipykernel.kernelspec import get_kernel_dict
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    env = {"PLANTLAB_RUN": run}
    env["MPLBACKEND"] = INLINE  # a shell's own backend would leave the figures out
    if cores:
        env["OMP_NUM_THREADS"] = str(cores)
        env["LOKY_MAX_CPU_COUNT"] = str(cores)
    spec = KernelSpec(**get_kernel_dict(["--log-level=50"]), env=env)

    class ThisPython(AsyncKernelManager):
        @property
        def kernel_spec(self) -> KernelSpec:
            return spec

    return ThisPython


def _explain(copy: Path, error: Exception) -> str:
    """Return which cell stopped, why, and the last lines it left."""
    cells = json.loads(copy.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    started = [cell for cell in code if _has_started(cell)]
    if hasattr(error, "ename"):  # papermill's, of a cell
        cause = f"{error.ename}: {error.evalue}"
    else:
        cause = f"{error} (out of memory?)"
    left = "\n".join(getattr(error, "traceback", []))
    if not left and started:
        left = "".join(started[-1]["source"])
    plain = re.sub(r"\x1b\[[\d;]*m", "", left)  # without a console's colours
    lines = [line for line in plain.splitlines() if line.strip("- ")]
    return "\n".join(
        [
            f"{copy.stem} stopped in code cell {len(started)} of {len(code)}: {cause}",
            *[f"    {line}" for line in lines[-SHOWN:]],
            f"The executed copy is kept: {copy}",
        ]
    )


def _has_started(cell: dict) -> bool:
    return bool(cell["metadata"].get("papermill", {}).get("start_time"))


def _write_html(copy: Path) -> None:
    """Write the page of an executed copy, without the scripts that would come from the network."""
    from nbconvert import HTMLExporter

    template = str(Path(__file__).with_name("notebook.html"))
    exporter = HTMLExporter(template_file=template, embed_images=True)
    page, _ = exporter.from_filename(str(copy))
    copy.with_suffix(".html").write_text(page, encoding="utf-8")


# one after the other


def try_notebook(
    notebook: str | Path,
    params: Mapping[str, object] | None = None,
    run: str = "",
    **options: object,
) -> tuple[str, str]:
    """Return the run's name and "", or why it failed, for those who go on with the next.

    `options` are those of `run_notebook`.
    """
    try:
        copy = run_notebook(notebook, params, run, **options)
    except RunError as error:
        return run or find_notebook(notebook).stem, str(error)
    return copy.parent.name, ""


def run_all(
    lessons: bool = False,
    store: bool = False,
    params: Mapping[str, object] | None = None,
    solutions: bool = False,
) -> Iterator[tuple[str, str]]:
    """Run notebooks in order, at their defaults or, all alike, with `params` such as dataset.

    Returns, as each is done, its name, and "" or why it failed.

    Args:
        lessons: those of the course alone, without its appendices.
        store: see `run_notebook`.
        solutions: those of the exercises, instead.
    Raises:
        ValueError: there are no notebooks; at once, not when the first is asked for.
    """
    paths = course.notebooks()
    if solutions:
        paths = [path.parent / "solutions" / path.name for path in paths]
        paths = [path for path in paths if path.exists()]
    elif lessons:
        paths = [path for path in paths if course.in_course(path)]
    return _run_each(paths, store, params)


def _run_each(
    paths: list[Path], store: bool, params: Mapping[str, object] | None
) -> Iterator[tuple[str, str]]:
    for path in paths:
        _, failure = try_notebook(path, params, store=store)
        yield path.stem, failure
