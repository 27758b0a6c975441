"""Outputs written back into a notebook, small and the same at every run."""

import base64
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # loaded where it is used
    from PIL import Image

BAR = re.compile(r"^[^\n]*\d+%\|.*\d+/\d+ \[[^\n]*\]$")  # of progress: only a first run has it
WIDGET = "application/vnd.jupyter.widget-view+json"
VISIBLE = 8  # of 255: by how much a colour may move before it is seen
MANY = 0.01  # share of pixels
COLOURS = 64  # of a chart
QUALITY = 52  # of photos, as JPEG
STRIP = [
    "metadata.papermill",
    "metadata.widgets",
    "metadata.language_info.version",
    "cell.metadata.papermill",
    "cell.metadata.execution",
]


def store_outputs(path: Path, executed: Path) -> None:
    """Write an executed copy's outputs, and nothing else, into the notebook.

    A run that finds the same differs by no line.
    """
    import nbformat
    import nbstripout

    notebook = nbformat.read(path, as_version=4)
    ran = nbformat.read(executed, as_version=4)
    for cell, done in zip(notebook.cells, ran.cells, strict=True):
        if cell.cell_type != "code":
            continue
        cell.execution_count = done.execution_count
        cell.outputs = [output for output in done.outputs if not BAR.search(_text(output))]
        for output in cell.outputs:
            _make_small(output.get("data", {}))
    nbstripout.strip_output(
        notebook, keep_output=True, keep_count=True, keep_id=True, extra_keys=STRIP
    )
    nbformat.write(notebook, path)


def _text(output: dict) -> str:
    return output.get("data", {}).get("text/plain", "")


def _make_small(data: dict[str, str]) -> None:
    """Take from an output what differs at each run, and make its picture smaller."""
    view = data.pop(WIDGET, None)  # it ends with its kernel, and its id differs each time
    if view and "children=" in data.get("text/plain", ""):
        data["text/plain"] = "A widget: run this cell in Jupyter to see it"
    png = data.pop("image/png", None)
    if png:
        data.update(_smaller(png))


def _smaller(png: str) -> dict[str, str]:
    """Return a figure as {type: base64} for git: a chart in few colours, photos as JPEG."""
    from PIL import Image

    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    chart = io.BytesIO()
    _in_few_colours(picture).save(chart, "png", optimize=True)
    photo = io.BytesIO()
    picture.save(photo, "jpeg", quality=QUALITY)
    if len(photo.getvalue()) < len(chart.getvalue()):
        return {"image/jpeg": _base64(photo)}
    return {"image/png": _base64(chart)}


def _in_few_colours(picture: "Image.Image") -> "Image.Image":
    """Return a chart in 64 colours; in 256 where colours carry numbers, as on a map, and move."""
    from PIL import ImageChops

    small = picture.quantize(COLOURS)
    moved = ImageChops.difference(picture, small.convert("RGB")).convert("L")
    n_moved = sum(moved.histogram()[VISIBLE:])
    if n_moved > MANY * picture.width * picture.height:
        return picture.quantize(4 * COLOURS)
    return small


def _base64(file: io.BytesIO) -> str:
    return base64.b64encode(file.getvalue()).decode() + "\n"
