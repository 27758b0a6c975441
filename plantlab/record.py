"""Run records: what a notebook was asked, what came out and with what; written whole, compared; exercises checked."""

import ast
import importlib.metadata
import json
import linecache
import os
import platform
import random
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

import numpy as np
import pandas as pd

from plantlab.metrics import SCORES, readable
from plantlab.photos import write_whole
from plantlab.predictions import Predictions
from plantlab.table import data_hash, data_kind, project_root

PACKAGES = ["plantlab", "numpy", "pandas", "scikit-learn", "torch", "timm", "fastai", "onnxruntime"]
A_PATH = re.compile(r"(~|\.\.?|[A-Za-z]:)?[/\\].+")


class Parameter(NamedTuple):
    """One line of a parameter cell: `name: type = value  # help`."""

    name: str
    type: str
    value: object
    help: str


class Params(dict):
    """The values of a notebook's parameters, by name; `at_defaults` says whether all are the cell's own."""

    def __init__(self, values: Mapping[str, object], declared: Iterable[Parameter] = ()):
        super().__init__(values)
        self.at_defaults = all(self[p.name] == p.value for p in declared)
        self.started = time.time()


def read_parameters(source: str) -> list[Parameter]:
    """Return the parameters that a cell declares, [] when it is not a parameter cell.

    >>> read_parameters('image_size: int = 128  # side in pixels')
    [Parameter(name='image_size', type='int', value=128, help='side in pixels')]
    """
    try:
        body = ast.parse(source).body
    except SyntaxError:  # a cell with magics
        return []
    if not body or not all(isinstance(line, ast.AnnAssign) and line.value is not None for line in body):
        return []
    found = []
    for line in body:
        name, kind, written = map(ast.unparse, (line.target, line.annotation, line.value))
        try:
            value = ast.literal_eval(line.value)
        except ValueError:
            raise ValueError(f"parameter {name!r} is {written!r}; expected a plain value such as 0.1.") from None
        after = source.splitlines()[line.end_lineno - 1].encode()[line.end_col_offset :].decode()  # in bytes
        found.append(Parameter(name, kind, value, after.strip().lstrip("#").strip()))
    return found


def parameters(namespace: Mapping[str, object]) -> Params:
    """Return the notebook's parameters as they stand in `globals()`, and seed every generator from `seed`.

    The defaults are those of the parameter cell; values that papermill put in after it override them.

    Raises:
        ValueError: no such cell has run, or papermill put in a name that the cell does not declare, or a
            value of another type than the default's.
    """
    cells = namespace.get("In", [])
    if not any(cells):  # nbval keeps no history, but the kernel keeps the code for its tracebacks
        cells = ["".join(entry[2]) for name, entry in linecache.cache.items() if "ipykernel_" in name]
    declared = next(filter(None, map(read_parameters, cells)), [])
    if not declared:
        raise ValueError("no parameter cell has run; run one above this call, with lines such as `seed: int = 0`.")
    names = [p.name for p in declared]
    injected = [cell for cell in cells if cell.startswith("# Parameters")]  # papermill's heading
    given = re.findall(r"^(\w+) =", "\n".join(injected), re.MULTILINE)
    for name in given:
        if name not in names:
            near = get_close_matches(name, names, n=1) or names
            raise ValueError(f"this notebook has no parameter {name!r}; did you mean {' or '.join(near)}?")
    for parameter in declared:
        if parameter.name in given:
            _check_type(parameter, namespace[parameter.name])
    params = Params({name: namespace[name] for name in names}, declared)
    if "seed" in params:
        random.seed(params["seed"])
        np.random.seed(params["seed"])  # noqa: NPY002  libraries that ask numpy's global generator
        if "torch" in sys.modules:
            sys.modules["torch"].manual_seed(params["seed"])
    return params


def _check_type(parameter: Parameter, value: object) -> None:
    """Raise a ValueError where a value that papermill put in is of another type than the default."""
    name, kind, default, _ = parameter
    if default is None or (value is None and kind.endswith("None")):
        return
    same = type(value) is type(default)
    whole = isinstance(default, float) and type(value) is int
    if same or whole:
        return
    how = f""" With papermill: -y "{name}: {default}".""" if isinstance(default, list) else ""
    raise ValueError(f"parameter {name!r} is {kind}, such as {default!r}; got {value!r}.{how}")


class Claims:
    """What a notebook's text states, checked: with `params` at their defaults a claim that fails stops it.

    Not so in a notebook opened in Jupyter by hand: there its parameter cell may have been edited.

    >>> claims = Claims(Params({}))
    >>> claims.check("half of the photographs show five species", 5 < 7)
    holds: half of the photographs show five species
    """

    def __init__(self, params: Params):
        self.binding = params.at_defaults and "JPY_SESSION_NAME" not in os.environ
        self.rows = []

    def check(self, text: str, holds: bool) -> None:
        """Print whether the claim holds and keep it for the record."""
        self.rows.append({"text": text, "holds": bool(holds)})
        print("holds:" if holds else "does not hold:", text)
        if self.binding and not holds:
            raise AssertionError(f"the text says {text!r}; at its defaults this must hold. Mend text or code.")


def check(exercise: int, answer: object, right: bool | Callable[[object], bool], hint: str) -> bool:
    """Print how an exercise stands and return whether its answer is right; a wrong one never stops the notebook.

    `right` may be a function of the answer: not called while that is `...`, and what it raises is told as the reason.

    >>> check(1, 5, lambda petals: petals == 4, "Count the sepals, too.")
    exercise 1: not yet. Count the sepals, too.
    False
    """
    said, holds = "to do", False
    if answer is not ...:
        try:
            holds = bool(right(answer) if callable(right) else right)
            said = "right" if holds else f"not yet. {hint}"
        except Exception as error:  # an answer of another type fails in its own way
            said = f"not yet ({type(error).__name__}: {error}). {hint}".replace("\n", " ")
    print(f"exercise {exercise}: {said}")
    return holds


def save(
    notebook: str, params: Params, images: pd.DataFrame, scores=(), claims: Claims | None = None, predictions=None
) -> Path:
    """Write results/<notebook>/<run>/record.json whole and return its path.

    The run is named by the environment's PLANTLAB_RUN, else "by-hand". The record holds the data by name and
    hash; of any path only its last name is kept.

    Args:
        scores: a table, or its rows, with `method`, `split` and `n`; other columns are free (minutes, ...).
        predictions: saved beside the record, in predictions/ or, in a dict by method, predictions/<method>/.
    Raises:
        ValueError: a column of `scores` is missing.
    """
    rows = scores.to_dict("records") if isinstance(scores, pd.DataFrame) else list(scores)
    for row in rows:
        if not {"method", "split", "n"} <= set(row):
            raise ValueError(f"a row of scores has {', '.join(row)}; each needs method, split and n.")
    n_species = images["species"].nunique() if "species" in images else 0
    data = {"name": images.attrs.get("name", "images"), "kind": data_kind(images), "hash": data_hash(images)}
    installed = {package.name: package.version for package in importlib.metadata.distributions()}
    torch = sys.modules.get("torch")
    gpu = torch.cuda.get_device_name(0) if torch and torch.cuda.is_available() else None
    record = {
        "notebook": notebook,
        "run": os.environ.get("PLANTLAB_RUN") or "by-hand",
        "data": data | {"n_images": len(images), "n_species": n_species},
        "params": params,
        "scores": [{"seed": params.get("seed"), **row} for row in rows],
        "claims": claims.rows if claims else [],
        "versions": {"python": platform.python_version(), **{p: installed[p] for p in PACKAGES if p in installed}},
        "device": gpu or f"cpu, {os.cpu_count()} cores",
        "seconds": round(time.time() - params.started, 1),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    folder = project_root() / "results" / notebook / record["run"]
    predictions = {"": predictions} if isinstance(predictions, Predictions) else predictions or {}
    for method, each in predictions.items():
        each.save(folder / "predictions" / re.sub(r"[^\w.-]+", "_", method))
    text = json.dumps(_plain(record), indent=1, ensure_ascii=False, allow_nan=False)
    return write_whole(folder / "record.json", text + "\n")


def read_records(source: str | Path | Iterable[str | Path] | None = None) -> pd.DataFrame:
    """Return all records under `source` (a folder, a record or a list; else results/), one row a score or record.

    Columns: notebook, run, data, kind, hash, n_images, n_species, the score's own, `param_<name>`,
    `holds` (claims that hold, as "3/3"), device, seconds, date.
    """
    source = project_root() / "results" if source is None else source
    given = [Path(each) for each in ([source] if isinstance(source, str | Path) else source)]
    paths = [p for g in given for p in ([g] if g.suffix == ".json" else sorted(g.rglob("record.json")))]
    if not paths:
        found = ", ".join(f"{g}{'' if g.exists() else ' (not there)'}" for g in given)
        raise ValueError(f"no record.json in {found}; run a notebook first.")
    rows = []
    for path in paths:
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            data, holds = record["data"], [claim["holds"] for claim in record["claims"]]
            head = {"notebook": record["notebook"], "run": record["run"], "data": data.pop("name"), **data}
            tail = {f"param_{name}": value for name, value in record["params"].items()}
            tail |= {"holds": f"{sum(holds)}/{len(holds)}", **{c: record[c] for c in ("device", "seconds", "date")}}
            rows += [head | score | tail for score in record["scores"] or [{}]]
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(f"{path} is not a run record: {error!r}. Run its notebook again.") from error
    return pd.DataFrame(rows)


def compare(records: pd.DataFrame) -> pd.DataFrame:
    """Return scores of `read_records` side by side: intervals within, and of the parameters those that differ."""
    records = readable(records.dropna(subset="method") if "method" in records else records.iloc[:0])
    varied = [c for c in records if c.startswith("param_") and len(set(map(str, records[c]))) > 1]
    told = "notebook run data kind method split images_per_species n seed".split()
    columns = [*told, *SCORES, *varied, "minutes", "seconds"]
    table = records[[c for c in columns if c in records]].rename(columns=lambda c: c.removeprefix("param_"))
    return table.loc[:, ~table.columns.duplicated()].reset_index(drop=True)


def recorded(notebook: str, kind: str = "photographs") -> pd.DataFrame:
    """Return `compare` of the notebook's records of one kind of data, an empty table where there are none."""
    folder = project_root() / "results" / notebook
    records = read_records(folder) if any(folder.rglob("record.json")) else pd.DataFrame({"kind": []})
    return compare(records[records["kind"] == kind])


def recorded_means(notebook: str, *columns: str, split: str = "test", by: Iterable[str] = (), digits=3) -> pd.DataFrame:
    """Return scores on record, a row a data set and method: means over the seeds, with how many, n, machine and date.

    Runs at the defaults, which are not committed, are left out.

    Args:
        columns: besides top1, such as macro_top1. by: parameters that part rows, too, such as noise. digits: of means.
    """
    records = _committed(notebook)
    records = records[records["split"] == split].rename(columns={f"param_{name}": name for name in by})
    keys = ["data", "kind", *by, "method"]
    if records.empty:
        return pd.DataFrame(columns=[*keys, "seeds", "n", "top1", *columns, "device", "date"])
    means = {c: (c, "mean") for c in ("top1", *columns) if c in records}
    last = {c: (c, "last") for c in ("device", "date")}
    told = {"seeds": ("seed", "nunique"), "n": ("n", "first"), **means, **last}
    table = records.groupby(keys, sort=False).agg(**told).reset_index()
    return table.assign(date=table["date"].str[:10]).round(digits)


def chosen_on_valid(notebook: str, data: str, measure: str, within: tuple[str, float, str]) -> str:
    """Return a sentence: the recorded method that is best by `measure` on valid, and its gain on test over all seeds.

    Args:
        data: as recorded_means names it. within: measure, loss allowed, method: what may be lost against which.
    """
    limited, loss, base = within
    known = recorded_means(notebook, measure, limited, split="valid", digits=9)
    known = known[known["data"] == data].set_index("method")
    best = known.loc[known[limited] >= known.loc[base, limited] - loss, measure].idxmax()
    rows = _committed(notebook).query("data == @data and method == @best and split == 'test'")
    gain, half = rows["gain"].mean(), (rows["gain_high"] - rows["gain_low"]) / 2
    spread = half.mean()  # the seeds share their test photos: no surer than one seed
    if data.startswith("flora"):  # each seed grew a flora of its own
        spread = np.sqrt(np.square(half).sum()) / len(rows)
    ends = f"{100 * (gain - spread):+.1f} to {100 * (gain + spread):+.1f}"
    return f"{data}, {len(rows)} seeds: {best}, macro top-1 {100 * gain:+.1f} points ({ends}) against {base}"


def _committed(notebook: str) -> pd.DataFrame:
    """Return a notebook's records but those at the defaults or by hand; floras of several seeds get one name."""
    folder = project_root() / "results" / notebook
    if not any(folder.rglob("record.json")):
        return pd.DataFrame({"run": [], "split": []})
    records = read_records(folder)
    records["data"] = records["data"].str.replace(r"^(.*-images)-[0-9a-f]{8}$", r"flora, \1", regex=True)
    return records[~records["run"].isin(["default", "test", "by-hand"])]


def _plain(value: object) -> object:
    """Return `value` as JSON holds it: numpy made plain, NaN null, of a path its last name."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, np.ndarray)):
        return [_plain(v) for v in value]
    if isinstance(value, Path) or isinstance(value, str) and (A_PATH.fullmatch(value) or os.path.exists(value)):
        return PureWindowsPath(value).name  # which reads both kinds of slash
    if pd.isna(value):
        return None
    value = value.item() if isinstance(value, np.generic) else value
    return round(value, 6) if isinstance(value, float) else value
