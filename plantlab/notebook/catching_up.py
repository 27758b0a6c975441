"""A reader who came late, or broke a cell, goes on at the next section."""

import sys
import time
from collections.abc import Iterator
from difflib import get_close_matches

from plantlab.notebook import course
from plantlab.notebook.cells import read_parameters

NOT_RUN = {"exercise", "check", "record"}


def catch_up(notebook: str, section: str) -> None:
    """Make here, in Jupyter, what a lesson's cells above a section would have made.

    The cells are those of the project's own notebook, so that a copy whose cells were changed or
    broken goes on, too. What was set in the parameter cell stays as it is, and nothing is shown.

    Args:
        notebook: its number, such as "06".
        section: the heading before which to stop, such as "The ladder".

    Raises:
        ValueError: no such notebook or heading. RuntimeError: not in Jupyter, or a cell failed.
    """
    shell = _shell()
    began = time.monotonic()
    cells = list(_cells_above(notebook, section))
    for source in cells:
        declared = [parameter.name for parameter in read_parameters(source)]
        if not declared or declared[0] not in shell.user_ns:
            _run(shell, source)
    seconds = time.monotonic() - began
    print(
        f"{len(cells)} cells of notebook {notebook} ran in {seconds:.0f} s; go on at {section!r}."
    )


def _shell() -> object:
    """Return the running IPython shell."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        raise RuntimeError("catch_up runs a notebook's cells: call it in a cell, in Jupyter.")
    return shell


def _run(shell: object, source: str) -> None:
    """Run a cell without what it prints and shows."""
    from IPython.utils.capture import capture_output

    with capture_output():
        done = shell.run_cell(source, store_history=True)
    if not done.success:
        error = done.error_before_exec or done.error_in_exec
        first = source.splitlines()[0]
        raise RuntimeError(f"the cell that begins with {first!r} failed: {error}") from error


def _cells_above(notebook: str, section: str) -> Iterator[str]:
    """Yield the source of each code cell above a heading that the rest of a lesson needs."""
    paths = {path.name[:2]: path for path in course.notebooks()}
    if notebook not in paths:
        raise ValueError(f"there is no notebook {notebook!r}; there are {', '.join(paths)}.")
    cells = course.read_cells(paths[notebook])
    stop = _place_of(cells, section)
    for cell in cells[:stop]:
        is_needed = not NOT_RUN & set(cell["metadata"].get("tags", []))
        if cell["cell_type"] == "code" and is_needed:
            yield "".join(cell["source"])


def _place_of(cells: list[dict], section: str) -> int:
    """Return the index of the text cell that holds a section's heading."""
    places = {}
    for place, cell in enumerate(cells):
        for line in "".join(cell["source"]).splitlines():
            if cell["cell_type"] == "markdown" and line.startswith("## "):
                places[line.removeprefix("## ")] = place
    if section in places:
        return places[section]
    near = get_close_matches(section, places, 1, 0.3) or list(places)[:1]
    raise ValueError(f"there is no section {section!r}; there is {near[0]!r}.")
