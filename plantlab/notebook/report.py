"""The index page: the course at a glance, and folded below it all that was found, in one file."""

import json
from datetime import date
from pathlib import Path

from plantlab.files import project_root, write_whole
from plantlab.notebook import course

SCORE_NAMES = {"top1": "top-1", "macro_top1": "macro top-1", "top5": "top-5"}

EXTRA = ("images_per_species", "k", "epochs", "minutes")  # shown where they differ

ROWS = 12  # of a score table; the rest is one click away

NO_RECORD = {"data": {}, "claims": [], "scores": [], "seconds": None}


def write_index() -> Path:
    """Write results/index.html from the notebooks, their executed copies and the records.

    It is written whole each time, so that it can be called after every notebook of a long run.
    """
    from jinja2 import Template
    from markupsafe import Markup

    folder = project_root() / "results"
    found = [_run(path) for path in sorted(folder.glob("*/*")) if path.is_dir()]
    notebooks = _notebooks(found)
    source, style = (_beside(name) for name in ("page.html", "page.css"))
    page = Template(source, autoescape=True, trim_blocks=True, lstrip_blocks=True).render(
        style=Markup(style),
        cards=[n for n in notebooks if n["lesson"] or (n["stored"] and n["runs"])],
        lessons=[n for n in notebooks if n["lesson"]],
        ran=[n for n in notebooks if n["runs"]],
        recorded=[n for n in notebooks if n["photographs"]],
        names=SCORE_NAMES,
        rows=ROWS,
        today=f"{date.today():%d %B %Y}".lstrip("0"),
    )
    return write_whole(folder / "index.html", page)


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _notebooks(found: list[dict]) -> list[dict]:
    """Return what the page says of each notebook: the project's in order, then others that ran."""
    stored = {path.stem: path for path in course.notebooks()}
    others = [run["notebook"] for run in found if run["notebook"] not in stored]
    return [_notebook(name, stored.get(name), found) for name in dict.fromkeys([*stored, *others])]


def _notebook(name: str, path: Path | None, found: list[dict]) -> dict:
    """Return a notebook's title and question, its runs here and its records on photographs."""
    own = [run for run in found if run["notebook"] == name]
    runs = sorted((_as_it_ran(run) for run in own if "link" in run), key=_defaults_then_latest)
    cells = _read(path)["cells"] if path else next((run["cells"] for run in runs), [])
    told = course.opening(cells) if cells else {"number": "", "title": name, "question": ""}
    if name.startswith("solution_"):
        told["title"] = f"Solutions: {told['title']}"
    photographs = [r for r in own if r["data"].get("kind") == "photographs" and r["scores"]]
    return told | {
        "name": name,
        "stored": path is not None,
        "lesson": path is not None and course.is_lesson(path),
        "runs": runs,
        "photographs": photographs,
    }


def _as_it_ran(run: dict) -> dict:
    """Return a run without its record where that must be of a run before: this one did not end."""
    return run | NO_RECORD if run["trouble"] else run


def _defaults_then_latest(run: dict) -> tuple[bool, float]:
    return run["run"] != "default", -run["time"]


def _run(folder: Path) -> dict:
    """Return what the page says of one run: its record, and its executed copy if that is here."""
    run = NO_RECORD | _read(folder / "record.json")
    scores = [score for score in run["scores"] if score.get("top1") is not None]
    run |= {"notebook": folder.parent.name, "run": folder.name, "scores": scores}
    run["extra"] = [name for name in EXTRA if len(_values(scores, name)) > 1]
    run["columns"] = [name for name in SCORE_NAMES if _values(scores, name) - {None}]
    copy = folder / f"{folder.parent.name.removeprefix('solution_')}.ipynb"
    return run | _executed(copy) if copy.is_file() else run


def _values(scores: list[dict], name: str) -> set:
    return {score.get(name) for score in scores}


def _executed(copy: Path) -> dict:
    """Return what an executed copy shows; of one that was cut off, that it did not end."""
    try:
        cells = json.loads(copy.read_text(encoding="utf-8"))["cells"]
    except ValueError:  # killed while it was written
        cells = []
    shown = copy.with_suffix(".html") if copy.with_suffix(".html").exists() else copy
    return {
        "cells": cells,
        "link": f"{copy.parent.parent.name}/{copy.parent.name}/{shown.name}",
        "time": copy.stat().st_mtime,
        "trouble": course.trouble(cells),
        "findings": course.findings(cells),
        "figures": list(course.figures(cells)),
        "cover": course.cover(cells),
    }


def _read(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError:
        message = f"{path} is cut off or no JSON file; delete it or run its notebook again."
        raise ValueError(message) from None
