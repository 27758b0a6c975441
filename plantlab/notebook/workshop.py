"""Copies of the notebooks for students."""

import re
from pathlib import Path

from plantlab.files import project_root, write_whole
from plantlab.notebook.runs import _main_notebooks


def write_workshop(folder: str | Path = "", force: bool = False) -> tuple[Path, list[str]]:
    """Write WORKSHOP.md and the notebooks without outputs and solutions; return the folder and the files it kept.

    `folder` is else workshop/. A file there that differs is a student's work: it is kept, unless `force`.
    """
    import nbformat
    import nbstripout

    root, kept = project_root(), []
    folder = Path(folder or root / "workshop").resolve()
    if folder.is_file() or folder.is_relative_to((root / "notebooks").resolve()):
        raise ValueError(
            f"{folder} is a file or holds the notebooks themselves; name another folder."
        )
    for path in [*_main_notebooks(), root / "WORKSHOP.md"]:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            text = nbformat.writes(
                nbstripout.strip_output(nbformat.reads(text, 4), False, False, keep_id=True)
            )
            text = re.sub(r"Solutions: \[[^]]*\]\([^)]*\)\.?( |\\n)?", "", text) + "\n"
        if (
            (folder / path.name).exists()
            and (folder / path.name).read_bytes() != text.encode()
            and not force
        ):
            kept.append(path.name)
        else:
            write_whole(folder / path.name, text)
    return folder, kept
