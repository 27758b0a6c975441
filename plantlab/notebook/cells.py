"""A notebook's parameters, as the cell tagged `parameters` declares them."""

import ast
import linecache
import random
import re
import sys
import time
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import NamedTuple

import numpy as np


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
    if not body or not all(
        isinstance(line, ast.AnnAssign) and line.value is not None for line in body
    ):
        return []
    found = []
    for line in body:
        name, kind, written = map(ast.unparse, (line.target, line.annotation, line.value))
        try:
            value = ast.literal_eval(line.value)
        except ValueError:
            raise ValueError(
                f"parameter {name!r} is {written!r}; expected a plain value such as 0.1."
            ) from None
        after = (
            source.splitlines()[line.end_lineno - 1].encode()[line.end_col_offset :].decode()
        )  # in bytes
        found.append(Parameter(name, kind, value, after.strip().lstrip("#").strip()))
    return found


def parameters(namespace: Mapping[str, object]) -> Params:
    """Return the notebook's parameters as they stand in `globals()`, and seed every generator from `seed`.

    The defaults are those of the parameter cell; values that papermill put in after it override them.

    Raises:
        ValueError: no such cell has run, or papermill put in a name that the cell does not declare,
            or a value of another type than the default's.
    """
    cells = namespace.get("In", [])
    if not any(cells):  # nbval keeps no history, but the kernel keeps the code for its tracebacks
        cells = [
            "".join(entry[2]) for name, entry in linecache.cache.items() if "ipykernel_" in name
        ]
    declared = next(filter(None, map(read_parameters, cells)), [])
    if not declared:
        raise ValueError(
            "no parameter cell has run; run one above this call, with lines such as `seed: int = 0`."
        )
    names = [p.name for p in declared]
    injected = [cell for cell in cells if cell.startswith("# Parameters")]  # papermill's heading
    given = re.findall(r"^(\w+) =", "\n".join(injected), re.MULTILINE)
    for name in given:
        if name not in names:
            near = get_close_matches(name, names, n=1) or names
            raise ValueError(
                f"this notebook has no parameter {name!r}; did you mean {' or '.join(near)}?"
            )
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
