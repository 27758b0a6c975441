"""A notebook's parameters: declared in its cell tagged `parameters`, given as text, taken up."""

import ast
import linecache
import random
import re
import sys
import time
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import numpy as np

INJECTED = "# Parameters"  # papermill's heading of the cell that it puts in
NUMBERS = {"int": int, "float": float}
WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
ACCEPTED = {"bool": [bool], "int": [int], "float": [float, int], "str": [str]}
A_PLACE = re.compile("folder|file|table")  # what the help of a parameter says that may be a path


class Parameter(NamedTuple):
    """One line of a parameter cell: `name: type = value  # help`."""

    name: str
    type: str
    value: object
    help: str


class Params(dict):
    """The values of a notebook's parameters, by name.

    `at_defaults` says whether all are the cell's own.
    """

    def __init__(self, values: Mapping[str, object], declared: Iterable[Parameter] = ()):
        super().__init__(values)
        self.at_defaults = all(self[p.name] == p.value for p in declared)
        self.started = time.time()


# declared


def read_parameters(source: str) -> list[Parameter]:
    """Return the parameters that a cell declares, [] when it is not a parameter cell.

    >>> read_parameters('image_size: int = 128  # side in pixels')
    [Parameter(name='image_size', type='int', value=128, help='side in pixels')]
    """
    try:
        lines = ast.parse(source).body
    except SyntaxError:  # a cell with magics
        return []
    if not all(_declares(line) for line in lines):
        return []
    return [_parameter(line, source) for line in lines]


def _declares(line: ast.stmt) -> bool:
    return isinstance(line, ast.AnnAssign) and line.value is not None


def _parameter(line: ast.AnnAssign, source: str) -> Parameter:
    name = ast.unparse(line.target)
    try:
        value = ast.literal_eval(line.value)
    except ValueError:
        written = ast.unparse(line.value)
        expected = "expected a plain value such as 0.1."
        raise ValueError(f"parameter {name!r} is {written!r}; {expected}") from None
    return Parameter(name, ast.unparse(line.annotation), value, _help_after(line, source))


def _help_after(line: ast.AnnAssign, source: str) -> str:
    """Return the comment behind a declaration."""
    written = source.splitlines()[line.end_lineno - 1]
    comment = written.encode()[line.end_col_offset :].decode()  # ast counts in bytes
    return comment.strip().lstrip("#").strip()


# given


def parse_value(parameter: Parameter, value: object) -> object:
    """Return `value`, text or not, as the type that the parameter's annotation names.

    A relative path that exists becomes absolute, because notebooks run in the project's folder:
    where the parameter's help speaks of a folder or file. A backbone stays one, also where a folder
    of its name lies about.

    Raises:
        ValueError: it is of another type.

    >>> parse_value(Parameter("shots", "list[int]", [1], ""), "1,5,10")
    [1, 5, 10]
    """
    if parameter.type.endswith("None") and value in (None, "None", "none"):
        return None
    annotation = parameter.type.replace(" ", "").removesuffix("|None")
    kind, _, inner = annotation.rstrip("]").partition("[")
    try:
        if kind == "list":
            return [_cast(inner or "str", item) for item in _items(value)]
        return _absolute(_cast(kind, value), parameter)
    except (KeyError, TypeError, ValueError):
        such_as = str(parameter.value).strip("[]").replace(", ", ",") or "a,b"
        expected = f"parameter {parameter.name!r} is {parameter.type}, such as {such_as}"
        raise ValueError(f"{expected}; got {value!r}.") from None


def _items(value: object) -> list:
    """Return the items of a list, which text writes with commas."""
    if isinstance(value, str):
        written = value.strip("[]").split(",")
        value = [item.strip(" '\"") for item in written]
    return [item for item in value if item != ""]


def _cast(kind: str, value: object) -> object:
    if isinstance(value, str) and kind == "bool":
        return WORDS[value.lower()]
    if isinstance(value, str) and kind in NUMBERS:
        return NUMBERS[kind](value)
    if kind in ACCEPTED and type(value) not in ACCEPTED[kind]:  # True is an int, but not meant
        raise TypeError
    return float(value) if kind == "float" else value


def _absolute(value: object, parameter: Parameter) -> object:
    """Return `value`, made absolute where it is a path that exists and the help speaks of one."""
    if not isinstance(value, str) or not A_PLACE.search(parameter.help):
        return value
    is_there = value != "" and Path(value).exists()
    return str(Path(value).resolve()) if is_there else value


# taken up


def parameters(namespace: Mapping[str, object]) -> Params:
    """Return the parameters as they stand in `globals()`, and seed every generator from `seed`.

    The defaults are those of the parameter cell; values that papermill put in after it override
    them.

    Raises:
        ValueError: no such cell has run, or papermill put in a name that the cell does not declare,
            or a value of another type than the default's.
    """
    cells = _cells_that_ran(namespace)
    declared = _first_declared(cells)
    names = [parameter.name for parameter in declared]
    given = _given_by_papermill(cells)
    _refuse_unknown(given, names)
    for parameter in declared:
        if parameter.name in given:
            _refuse_other_types(parameter, namespace[parameter.name])
    values = {name: namespace[name] for name in names}
    if "seed" in values:
        _seed(values["seed"])
    return Params(values, declared)


def _cells_that_ran(namespace: Mapping[str, object]) -> list[str]:
    cells = namespace.get("In", [])
    if any(cells):
        return cells
    # nbval keeps no history, but the kernel keeps the code for its tracebacks
    kept = linecache.cache.items()
    return ["".join(entry[2]) for name, entry in kept if "ipykernel_" in name]


def _first_declared(cells: Iterable[str]) -> list[Parameter]:
    """Return what the first parameter cell declares; a later one like it is code of the lesson."""
    for cell in cells:
        declared = read_parameters(cell)
        if declared:
            return declared
    example = "run one above this call, with lines such as `seed: int = 0`."
    raise ValueError(f"no parameter cell has run; {example}")


def _given_by_papermill(cells: Iterable[str]) -> list[str]:
    """Return the names that papermill put in."""
    injected = "\n".join(cell for cell in cells if cell.startswith(INJECTED))
    return re.findall(r"^(\w+) =", injected, re.MULTILINE)


def _refuse_unknown(given: Iterable[str], names: list[str]) -> None:
    """Raise ValueError if a given name is none of `names`."""
    for name in given:
        if name not in names:
            near = get_close_matches(name, names, n=1) or names
            meant = " or ".join(near)
            raise ValueError(f"this notebook has no parameter {name!r}; did you mean {meant}?")


def _refuse_other_types(parameter: Parameter, value: object) -> None:
    """Raise ValueError where a given value is of another type than the default."""
    name, kind, default, _ = parameter
    if default is None or (value is None and kind.endswith("None")):
        return
    whole_number = isinstance(default, float) and type(value) is int
    if type(value) is type(default) or whole_number:
        return
    how = f""" With papermill: -y "{name}: {default}".""" if isinstance(default, list) else ""
    raise ValueError(f"parameter {name!r} is {kind}, such as {default!r}; got {value!r}.{how}")


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  libraries that ask numpy's global generator
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
