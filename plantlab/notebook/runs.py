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
from plantlab.notebook.cells import Parameter, read_parameters
from plantlab.notebook.outputs import _store_outputs

KINDS = {"bool": bool, "int": int, "float": float, "str": str}

WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

BAR = "{desc} {percentage:3.0f}% |{bar:30}| cell {n_fmt} of {total_fmt}, {elapsed}, about {remaining} left"

INLINE = "module://matplotlib_inline.backend_inline"


class RunError(RuntimeError):
    """A notebook stopped before its end; the message says in which cell and why."""


def find_notebook(name: str | Path) -> Path:
    """Return the path of a notebook, given by its path, its name in notebooks/ or the start of that name."""
    if Path(name).suffix == ".ipynb" and Path(name).is_file():
        return Path(name).resolve()
    folder = project_root() / "notebooks"
    paths = sorted(folder.rglob("[0-9][0-9]_*.ipynb"))
    known = {path.relative_to(folder).with_suffix("").as_posix(): path for path in paths}
    name = str(name).removeprefix("notebooks/").removesuffix(".ipynb").zfill(2)  # 2 is 02
    starting = [n for n in known if n == name] or [n for n in known if n.startswith(name)]
    if len(starting) != 1:
        raise ValueError(f"no notebook {name!r}{_near(name, known)}")
    return known[starting[0]]


def _near(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return (
        f"; did you mean {near[0]!r}?" if near else "."
    ) + f" There are: {', '.join(known) or 'none'}."


def notebook_parameters(notebook: str | Path) -> dict[str, Parameter]:
    """Return what the notebook's cell tagged `parameters` declares, by name."""
    import nbformat

    cells = nbformat.read(find_notebook(notebook), as_version=4).cells
    source = next(
        (cell.source for cell in cells if "parameters" in cell.metadata.get("tags", [])), ""
    )
    return {parameter.name: parameter for parameter in read_parameters(source)}


def parse_value(parameter: Parameter, value: object) -> object:
    """Return `value`, text or not, as the type that the parameter's annotation names; ValueError if it is of another.

    A relative path that exists becomes absolute, because notebooks run in the project's folder: where the parameter's
    help speaks of a folder or file. A backbone stays one, also where a folder of its name lies about.

    >>> parse_value(Parameter("shots", "list[int]", [1], ""), "1,5,10")
    [1, 5, 10]
    """
    kind, _, inner = (
        parameter.type.replace(" ", "").removesuffix("|None").rstrip("]").partition("[")
    )
    if parameter.type.endswith("None") and value in (None, "None", "none"):
        return None
    try:
        if kind != "list":
            value = _cast(kind, value)
            place = (
                isinstance(value, str) and value and re.search("folder|file|table", parameter.help)
            )
            return str(Path(value).resolve()) if place and Path(value).exists() else value
        items = (
            [i.strip(" '\"") for i in value.strip("[]").split(",")]
            if isinstance(value, str)
            else value
        )
        return [_cast(inner or "str", item) for item in items if item != ""]
    except (KeyError, TypeError, ValueError):
        expected = f"{parameter.type}, such as {str(parameter.value).strip('[]').replace(', ', ',') or 'a,b'}"
        raise ValueError(f"parameter {parameter.name!r} is {expected}; got {value!r}.") from None


def _cast(kind: str, value: object) -> object:
    if isinstance(value, str) and kind in ("bool", "int", "float"):
        return WORDS[value.lower()] if kind == "bool" else KINDS[kind](value)
    if kind in KINDS and type(value) is not KINDS[kind] and (kind, type(value)) != ("float", int):
        raise TypeError
    return float(value) if kind == "float" else value


def changed_parameters(notebook: str | Path, params: Mapping[str, object]) -> dict[str, object]:
    """Return those of `params` that differ from the notebook's defaults, in its order and of its types.

    papermill alone only warns of a misspelt parameter, then computes for minutes with the default.

    Raises:
        ValueError: no such parameter (a near name is offered), or a value of another type.
    """
    known = notebook_parameters(notebook)
    for name in params:
        if name not in known:
            raise ValueError(
                f"{find_notebook(notebook).stem} has no parameter {name!r}{_near(name, known)}"
            )
    given = {name: p for name, p in known.items() if name in params and params[name] != p.value}
    values = {name: parse_value(p, params[name]) for name, p in given.items()}
    return {name: value for name, value in values.items() if value != known[name].value}


def run_name(changed: Mapping[str, object]) -> str:
    """Return a short readable name for a run: the parameters that differ, of a path its last part.

    >>> run_name({"dataset": "/home/ada/flower_photos", "epochs": 5}), run_name({})
    ('dataset=flower_photos,epochs=5', 'default')
    """
    shown = {
        name: "+".join(map(str, v)) if isinstance(v, list) else str(v)
        for name, v in changed.items()
    }
    pairs = [
        name + "=" + re.split(r"[/\\:]", text.rstrip("/\\"))[-1] for name, text in shown.items()
    ]
    name = re.sub(r"[^\w.+,=-]+", "-", ",".join(pairs)) or "default"
    return name if len(name) <= 80 else f"{name[:70]}-{sha1(name.encode()).hexdigest()[:8]}"


def results_folder(notebook: str | Path, run: str) -> Path:
    """Return `results/<notebook>/<run>/`; a solution is set apart from the notebook of the same name."""
    path = find_notebook(notebook)
    name = f"solution_{path.stem}" if path.parent.name == "solutions" else path.stem
    return project_root() / "results" / name / run


def run_notebook(
    notebook: str | Path,
    params: Mapping | None = None,
    run: str = "",
    store: bool = False,
    cores: int | None = None,
) -> Path:
    """Execute a notebook and return its executed copy, in `results/<notebook>/<run>/` with its HTML page.

    The notebook itself writes record.json beside them.

    Args:
        params: values, or their text, by parameter name.
        run: the folder's name; without it, `run_name` of the parameters that differ from the defaults.
        store: also write the outputs back into the notebook itself, where they are committed.
        cores: its share where several run at once, each then without a progress bar; None is all of them.
    Raises:
        ValueError: see `changed_parameters`. RunError: a cell failed; the executed copy is kept.
    """
    import nbformat
    from papermill import execute_notebook

    changed = changed_parameters(notebook, params or {})
    path, run = find_notebook(notebook), re.sub(r"[/\\]", "-", run or run_name(changed))
    copy = results_folder(path, run) / path.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    seconds = _record_of(copy.parent).get("seconds")
    if cores is None:
        print(
            f"{path.stem}, run {run}" + (f": about {seconds / 60:.1f} min" if seconds else ""),
            file=sys.stderr,
        )
    try:
        execute_notebook(
            nbformat.read(path, as_version=4),
            str(copy).replace("{", "{{").replace("}", "}}"),  # papermill formats it
            changed,
            kernel_name="python3",
            kernel_manager_class=_kernel_manager(run, cores),
            resources={
                "metadata": {"path": str(project_root())}
            },  # where it runs; papermill's cwd is no thread's own
            coalesce_streams=True,
            progress_bar=cores is None
            and {"desc": path.stem, "bar_format": BAR, "disable": None, "leave": False},
        )
    except Exception as error:  # a cell's own, or the kernel died
        raise RunError(_explain(copy, error)) from error
    finally:
        _write_html(copy)
    if store:
        _store_outputs(path, copy)
    return copy


def _kernel_manager(run: str, cores: int | None) -> type:
    """Return a manager that starts this interpreter, whatever kernels the machine knows, for `run`."""
    from ipykernel.kernelspec import get_kernel_dict
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    env = {
        "PLANTLAB_RUN": run,
        "MPLBACKEND": INLINE,
    }  # a shell's own backend would leave the figures out
    env |= {name: str(cores) for name in ("OMP_NUM_THREADS", "LOKY_MAX_CPU_COUNT") if cores}
    spec = KernelSpec(**get_kernel_dict(["--log-level=50"]), env=env)
    return type("ThisPython", (AsyncKernelManager,), {"kernel_spec": property(lambda self: spec)})


def _record_of(folder: Path) -> dict:
    try:
        return json.loads((folder / "record.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none yet, or cut off
        return {}


def _explain(copy: Path, error: Exception) -> str:
    """Return which cell stopped, why, and the last lines it left."""
    cells = [
        c for c in json.loads(copy.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"
    ]
    started = [cell for cell in cells if cell["metadata"].get("papermill", {}).get("start_time")]
    cause = (
        f"{error.ename}: {error.evalue}" if hasattr(error, "ename") else f"{error} (out of memory?)"
    )
    trace = "\n".join(getattr(error, "traceback", [])) or "".join(
        started[-1]["source"] if started else ""
    )
    plain = re.sub(r"\x1b\[[\d;]*m", "", trace).splitlines()
    shown = [f"    {line}" for line in plain if line.strip("- ")][-8:]
    head = f"{copy.stem} stopped in code cell {len(started)} of {len(cells)}: {cause}"
    return "\n".join([head, *shown, f"The executed copy is kept: {copy}"])


def _write_html(copy: Path) -> None:
    """Write the HTML page of an executed copy, without the scripts that would come from the network."""
    from nbconvert import HTMLExporter

    template = str(Path(__file__).with_name("notebook.html"))
    exporter = HTMLExporter(template_file=template, embed_images=True)
    copy.with_suffix(".html").write_text(exporter.from_filename(str(copy))[0], encoding="utf-8")


def try_notebook(
    notebook: str | Path, params: Mapping | None = None, run: str = "", **options
) -> tuple[str, str]:
    """Return the run's name and "", or why it failed: `run_notebook` for those who go on with the next."""
    try:
        return run_notebook(notebook, params, run, **options).parent.name, ""
    except RunError as error:
        return run or find_notebook(notebook).stem, str(error)


def run_all(lessons: bool = False, store: bool = False) -> Iterator[tuple[str, str]]:
    """Run notebooks in order at their defaults; yield each as it is done: its name, "" or why it failed.

    Args:
        lessons: those of the course alone, without its appendices.
        store: see `run_notebook`.
    """
    paths = [path for path in _main_notebooks() if course.is_lesson(path) or not lessons]
    return ((path.stem, try_notebook(path, store=store)[1]) for path in paths)


def _main_notebooks() -> list[Path]:
    if paths := course.notebooks():
        return paths
    folder = project_root() / "notebooks"
    raise ValueError(f"no notebooks in {folder}; work inside a clone of plantlab.")
