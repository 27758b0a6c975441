"""The course: its notebooks in order, and what one of them asks, shows and has found."""

import base64
import io
import json
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from PIL import Image

from plantlab.files import project_root

LAST_OF_COURSE = 8  # lessons beyond it are for whoever wants more
FIRST_APPENDIX = 90
COVER_SIZE = (480, 216)  # pixels, the shape of a card's picture
TALL = 0.6  # of its width: what is higher than this is cut to that shape
PICTURES = ("image/png", "image/jpeg")
UNDONE = ("pending", "running")  # papermill's words for a cell that has not come to its end


def notebooks(needed: bool = True) -> list[Path]:
    """Return the project's notebooks in order, the appendices last.

    Raises:
        ValueError: there are none, and they are `needed`.
    """
    folder = project_root() / "notebooks"
    paths = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if needed and not paths:
        raise ValueError(f"no notebooks in {folder}; work inside a clone of plantlab.")
    return paths


def read_cells(path: Path) -> list[dict]:
    """Return the cells of a notebook's file."""
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def is_lesson(path: Path) -> bool:
    """Return whether a notebook is one of the course's lessons, by its number.

    >>> [is_lesson(Path(name)) for name in ("01_leaves.ipynb", "90_seeds.ipynb")]
    [True, False]
    """
    return int(path.name[:2]) < FIRST_APPENDIX


def in_course(path: Path) -> bool:
    """Return whether a lesson is run by `make run`; the others, 09 and on, by `make all`.

    >>> [in_course(Path(name)) for name in ("08_identify.ipynb", "09_many_species.ipynb")]
    [True, False]
    """
    return int(path.name[:2]) <= LAST_OF_COURSE


def opening(cells: Iterable[dict]) -> dict[str, str]:
    """Return `number`, `title` and `question` from the first text that starts with `# `."""
    text = _first_with_a_heading(cells).lstrip()
    head, *blocks = re.split(r"\n\s*\n", text)
    heading = _plain(head.splitlines()[0])
    number, title = re.match(r"(?:(\d\d)\. )?(.*)", heading).groups()
    asking = [block for block in blocks if "?" in block]
    question = (asking or blocks or [""])[0]
    return {"number": number or "", "title": title, "question": _plain(question)}


def _first_with_a_heading(cells: Iterable[dict]) -> str:
    for cell in cells:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and text.lstrip().startswith("# "):
            return text
    return "# Notebook"


def findings(cells: Iterable[dict]) -> list[str]:
    """Return the bullets that the cell tagged `findings` has printed."""
    printed = ""
    for cell in _tagged(cells, "findings"):
        for output in cell["outputs"]:
            if output.get("name") == "stdout":
                printed += "".join(output["text"])
    lines = [line for line in printed.splitlines() if line.startswith("- ")]
    return [line.removeprefix("- ").strip() for line in lines]


def figures(cells: Iterable[dict]) -> Iterator[dict]:
    """Yield the pictures of cells tagged `figure`; the paragraph after them is their caption."""
    end = {"cell_type": "none"}
    for cell, after in pairwise([*cells, end]):
        if "figure" not in _tags(cell):
            continue
        caption = _caption(after)
        for kind, data in _pictures(cell):
            width, height = _opened(data).size
            yield {
                "src": f"data:{kind};base64,{data}",
                "caption": caption,
                "width": width,
                "height": height,
            }


def cover(cells: list[dict]) -> str:
    """Return a small picture that stands for the notebook, as a data URI; "" where it drew none.

    It is the first of the cell tagged `cover`, or else the first of those tagged `figure`. A tall
    one is cut below: rows of photographs say in their first rows what they show.
    """
    drawn = [*_tagged(cells, "cover"), *_tagged(cells, "figure")]
    pictures = [picture for cell in drawn for picture in _pictures(cell)]
    if not pictures:
        return ""
    _, data = pictures[0]
    picture = _opened(data).convert("RGB")
    width, height = COVER_SIZE
    if picture.height > TALL * picture.width:
        shown = max(1, round(picture.width * height / width))
        picture = picture.crop((0, 0, picture.width, shown))
    picture.thumbnail((width, width))
    small = io.BytesIO()
    picture.save(small, "webp", quality=80)
    return "data:image/webp;base64," + base64.b64encode(small.getvalue()).decode()


def trouble(cells: Iterable[dict]) -> str:
    """Return what kept an executed copy from its end, in words that follow "This run"; or ""."""
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    outputs = [output for cell in code for output in cell["outputs"]]
    if any(output["output_type"] == "error" for output in outputs):
        return "stopped with an error"
    if not code or any(_is_undone(cell) for cell in code):
        return "did not reach its end"
    return ""


def _is_undone(cell: dict) -> bool:
    return cell["metadata"].get("papermill", {}).get("status") in UNDONE


def _tags(cell: dict) -> list[str]:
    is_code = cell["cell_type"] == "code"
    return cell["metadata"].get("tags", []) if is_code else []


def _tagged(cells: Iterable[dict], tag: str) -> list[dict]:
    return [cell for cell in cells if tag in _tags(cell)]


def _pictures(cell: dict) -> Iterator[tuple[str, str]]:
    """Yield the type and the base64 of each picture that a cell has drawn."""
    for output in cell["outputs"]:
        for kind, data in output.get("data", {}).items():
            if kind in PICTURES:
                yield kind, "".join(data).replace("\n", "")


def _opened(data: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(data)))


def _caption(after: dict) -> str:
    """Return the first paragraph of the text after a figure, "" if another part begins there."""
    if after["cell_type"] != "markdown":
        return ""
    text = "".join(after["source"])
    return "" if text.startswith("#") else _plain(text.split("\n\n")[0])


def _plain(markdown: str) -> str:
    """Return a line of Markdown without its marks.

    >>> _plain("# 02. How *much* does [it](http://x) `help`?")
    '02. How much does it help?'
    """
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    return re.sub(r"(?<!\w)[*_]+|[*_]+(?!\w)|`|^\W*# ", "", text).strip()
