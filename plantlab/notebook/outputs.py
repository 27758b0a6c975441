"""Outputs written back into a notebook, small and the same at every run."""

import base64
import io
import re
from pathlib import Path

PROGRESS = re.compile(
    r"^[^\n]*\d+%\|.*\d+/\d+ \[[^\n]*\]$"
)  # a bar, which is there in the first run only

STRIP = """metadata.papermill metadata.widgets metadata.language_info.version
cell.metadata.papermill cell.metadata.execution"""


def _store_outputs(path: Path, executed: Path) -> None:
    """Write an executed copy's outputs, and nothing else, into the notebook: a re-run differs by no line."""
    import nbformat
    import nbstripout

    notebook, ran = (nbformat.read(p, as_version=4) for p in (path, executed))
    for cell, done in zip(notebook.cells, ran.cells, strict=True):
        if cell.cell_type == "code":
            cell.execution_count = done.execution_count
            cell.outputs = [
                out
                for out in done.outputs
                if not PROGRESS.search(out.get("data", {}).get("text/plain", ""))
            ]
        for output in cell.get(
            "outputs", []
        ):  # a widget ends with its kernel, and its id differs each time
            data = output.get("data", {})
            if data.pop(
                "application/vnd.jupyter.widget-view+json", None
            ) and "children=" in data.get("text/plain", ""):
                data["text/plain"] = "A widget: run this cell in Jupyter to see it"
            if picture := output.get("data", {}).pop("image/png", None):
                output["data"] |= _smaller(picture)
    nbstripout.strip_output(
        notebook, keep_output=True, keep_count=True, keep_id=True, extra_keys=STRIP.split()
    )
    nbformat.write(notebook, path)


def _smaller(png: str) -> dict[str, str]:
    """Return a figure as {type: base64} for git: a chart in 64 colours, one with photos as JPEG."""
    from PIL import Image

    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    picture.quantize(64).save(chart := io.BytesIO(), "png", optimize=True)
    picture.save(photo := io.BytesIO(), "jpeg", quality=52)
    found = {"image/png": chart.getvalue(), "image/jpeg": photo.getvalue()}
    kind = min(found, key=lambda kind: len(found[kind]))
    return {kind: base64.b64encode(found[kind]).decode() + "\n"}
