"""Copies of the notebooks for students."""

import re
from pathlib import Path

from plantlab.files import project_root, write_whole
from plantlab.notebook import course, teacher

SOLUTIONS = r"Solutions: \[[^]]*\]\([^)]*\)\.?( |\\n)?"  # a sentence, as JSON writes it


def write_workshop(folder: str | Path = "", force: bool = False) -> tuple[Path, list[str]]:
    """Write WORKSHOP.md, the notebooks without outputs and solutions, and teacher/.

    Returns the folder, else workshop/, and the files that it kept. A file there that differs is a
    student's work: it is kept, unless `force`.

    Raises:
        ValueError: the folder is a file or holds the notebooks themselves, or there are none.
    """
    root = project_root()
    folder = Path(folder or root / "workshop").resolve()
    if folder.is_file() or folder.is_relative_to((root / "notebooks").resolve()):
        wrong = f"{folder} is a file or holds the notebooks themselves"
        raise ValueError(f"{wrong}; name another folder.")
    kept = []
    for path in [*course.notebooks(), root / "WORKSHOP.md"]:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            text = _for_students(text)
        copy = folder / path.name
        if not force and copy.exists() and copy.read_bytes() != text.encode():
            kept.append(path.name)
        else:
            write_whole(copy, text)
    write_whole(folder / "teacher" / "slides.html", teacher.slides())
    write_whole(folder / "teacher" / "crib.md", teacher.crib())
    return folder, kept


def _for_students(text: str) -> str:
    """Return a notebook's text without its outputs and the link to its solutions."""
    import nbformat
    import nbstripout

    notebook = nbformat.reads(text, as_version=4)
    bare = nbstripout.strip_output(notebook, keep_output=False, keep_count=False, keep_id=True)
    return re.sub(SOLUTIONS, "", nbformat.writes(bare)) + "\n"
