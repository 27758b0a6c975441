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
    template = Template(_beside("page.html"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    page = template.render(
        style=Markup(_beside("page.css")),
        cards=[notebook for notebook in notebooks if _has_card(notebook)],
        lessons=[notebook for notebook in notebooks if notebook["lesson"]],
        ran=[notebook for notebook in notebooks if notebook["runs"]],
        recorded=[notebook for notebook in notebooks if notebook["photographs"]],
        names=SCORE_NAMES,
        rows=ROWS,
        today=f"{date.today():%d %B %Y}".lstrip("0"),
    )
    return write_whole(folder / "index.html", page)


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _has_card(notebook: dict) -> bool:
    """Return whether a notebook has a card: each lesson, and an appendix once it ran."""
    return notebook["lesson"] or (notebook["stored"] and bool(notebook["runs"]))


# notebooks


def _notebooks(found: list[dict]) -> list[dict]:
    """Return what the page says of each notebook: the project's in order, then others that ran."""
    stored = {path.stem: path for path in course.notebooks(needed=False)}
    ran = [run["notebook"] for run in found]
    names = dict.fromkeys([*stored, *ran])  # each once, in this order
    return [_notebook(name, stored.get(name), found) for name in names]


def _notebook(name: str, path: Path | None, found: list[dict]) -> dict:
    """Return a notebook's title and question, its runs here and its records on photographs."""
    own = [run for run in found if run["notebook"] == name]
    runs = [_as_it_ran(run) for run in own if "link" in run]
    runs.sort(key=_defaults_then_latest)
    return _opening(name, path, runs) | {
        "name": name,
        "stored": path is not None,
        "lesson": path is not None and course.in_course(path),
        "runs": runs,
        "photographs": [run for run in own if _scored_photographs(run)],
    }


def _opening(name: str, path: Path | None, runs: list[dict]) -> dict[str, str]:
    """Return number, title and question, as the notebook has them or else a copy that ran."""
    cells = []
    if path is not None:
        cells = _read(path)["cells"]
    elif runs:
        cells = runs[0]["cells"]
    if not cells:
        return {"number": "", "title": _titled(name, name), "question": ""}
    told = course.opening(cells)
    return told | {"title": _titled(name, told["title"])}


def _titled(name: str, title: str) -> str:
    return f"Solutions: {title}" if name.startswith("solution_") else title


def _as_it_ran(run: dict) -> dict:
    """Return a run without its record where that must be of a run before: this one did not end."""
    return run | NO_RECORD if run["trouble"] else run


def _defaults_then_latest(run: dict) -> tuple[bool, float]:
    return run["run"] != "default", -run["time"]


def _scored_photographs(run: dict) -> bool:
    return run["data"].get("kind") == "photographs" and bool(run["scores"])


# runs


def _run(folder: Path) -> dict:
    """Return what the page says of one run: its record, and its executed copy if that is here."""
    notebook = folder.parent.name
    run = NO_RECORD | _read(folder / "record.json")
    scores = [score for score in run["scores"] if score.get("top1") is not None]
    run |= {
        "notebook": notebook,
        "run": folder.name,
        "scores": scores,
        "extra": [name for name in EXTRA if len(_values(scores, name)) > 1],
        "columns": [name for name in SCORE_NAMES if _values(scores, name) - {None}],
    }
    copy = folder / f"{notebook.removeprefix('solution_')}.ipynb"
    if copy.is_file():
        run |= _executed(copy)
    return run


def _values(scores: list[dict], name: str) -> set:
    return {score.get(name) for score in scores}


def _executed(copy: Path) -> dict:
    """Return what an executed copy shows; of one that was cut off, that it did not end."""
    try:
        cells = json.loads(copy.read_text(encoding="utf-8"))["cells"]
    except ValueError:  # killed while it was written
        cells = []
    page = copy.with_suffix(".html")
    shown = page if page.exists() else copy
    return {
        "cells": cells,
        "link": shown.relative_to(copy.parents[2]).as_posix(),
        "time": copy.stat().st_mtime,
        "trouble": course.trouble(cells),
        "findings": course.findings(cells),
        "figures": list(course.figures(cells)),
        "cover": course.cover(cells),
    }


def _read(path: Path) -> dict:
    """Return what a JSON file holds, nothing where there is no file."""
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        wrong = f"{path} is cut off or no JSON file"
        raise ValueError(f"{wrong}; delete it or run its notebook again.") from None
