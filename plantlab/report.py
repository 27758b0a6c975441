"""The index page: what the notebooks found here and what is on record for photographs, in one file."""

import base64
import io
import json
import re
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path

from PIL import Image

from plantlab.photos import write_whole
from plantlab.table import project_root

SCORE_NAMES = {"top1": "top-1", "macro_top1": "macro top-1", "top5": "top-5"}
EXTRA = ("images_per_species", "k", "epochs", "minutes")  # shown where they differ
ROWS = 12  # of a score table; the rest is one click away


def write_index() -> Path:
    """Write results/index.html from the executed copies and the records, and return its path."""
    from jinja2 import Template

    folder = project_root() / "results"
    cards = [_card(run) for run in sorted(folder.glob("*/*")) if run.is_dir()]
    source = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    page = Template(source, autoescape=True, trim_blocks=True, lstrip_blocks=True).render(
        copies=sorted((c for c in cards if "link" in c), key=lambda c: (c["run"] != "default", -c["time"])),
        photographs=[c for c in cards if c["data"].get("kind") == "photographs" and c["scores"]],
        names=SCORE_NAMES,
        rows=ROWS,
        today=f"{date.today():%d %B %Y}".lstrip("0"),
    )
    return write_whole(folder / "index.html", page)


def _card(run: Path) -> dict:
    """Return what the page says of one run: from its record, and from its executed copy if that is here."""
    card = {"data": {}, "claims": [], "scores": []} | _read(run / "record.json")
    scores = [s for s in card["scores"] if s.get("top1") is not None]
    card |= {"notebook": run.parent.name, "run": run.name, "scores": scores}
    card["extra"] = [c for c in EXTRA if len({s.get(c) for s in scores}) > 1]
    card["columns"] = [c for c in SCORE_NAMES if any(s.get(c) is not None for s in scores)]
    copy = run / f"{run.parent.name.removeprefix('solution_')}.ipynb"
    if cells := _read(copy).get("cells"):
        card |= _opening(cells) | {"figures": list(_figures(cells)), "time": copy.stat().st_mtime}
        card["stopped"] = any(o["output_type"] == "error" for c in cells for o in c.get("outputs", []))
        card["link"] = f"{run.parent.name}/{run.name}/{copy.stem}.html"
    return card


def _read(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError:
        raise ValueError(f"{path} is cut off or no JSON file; delete it or run its notebook again.") from None


def _opening(cells: list[dict]) -> dict[str, str]:
    """Return the title and the question from the cell that starts with `# `."""
    texts = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
    blocks = re.split(r"\n\s*\n", next((t for t in texts if t.lstrip().startswith("# ")), "# Notebook"))
    question = next((b for b in blocks[1:] if "?" in b), blocks[1] if len(blocks) > 1 else "")
    return {"title": _plain(blocks[0].splitlines()[0]), "question": _plain(question)}


def _figures(cells: list[dict]) -> Iterator[dict]:
    """Yield the pictures of cells tagged `figure`; the paragraph after them is their caption."""
    for cell, after in pairwise([*cells, {"cell_type": "none"}]):
        if "figure" not in cell["metadata"].get("tags", []):
            continue
        text = "".join(after["source"]).split("\n\n")[0] if after["cell_type"] == "markdown" else ""
        caption = "" if text.startswith("#") else _plain(text)
        for kind, data in ((kind, data) for o in cell["outputs"] for kind, data in o.get("data", {}).items()):
            if kind in ("image/png", "image/jpeg"):
                picture = "".join(data).replace("\n", "")
                width, height = Image.open(io.BytesIO(base64.b64decode(picture))).size
                yield {"src": f"data:{kind};base64,{picture}", "caption": caption, "width": width, "height": height}


def _plain(markdown: str) -> str:
    """Return a line of Markdown without its marks.

    >>> _plain("# 02. How *much* does [it](http://x) `help`?")
    '02. How much does it help?'
    """
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    return re.sub(r"(?<!\w)[*_]+|[*_]+(?!\w)|`|^\W*# ", "", text).strip()
