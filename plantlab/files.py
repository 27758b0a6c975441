"""The project's folder, files written whole or not at all, and journals that lose no line."""

import json
import os
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO


def project_root() -> Path:
    """Return the folder of plantlab's pyproject.toml above the working folder.

    Where there is none, it is the working folder.
    """
    return _project() or Path.cwd()


def cache_folder() -> Path:
    """Return where is kept what can be made again: data/cache of the project.

    Outside of a project it is in the user's own cache, so that no folder of photos is littered.
    """
    project = _project()
    if project is not None:
        return project / "data" / "cache"
    own = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or "~/.cache"
    return Path(own).expanduser() / "plantlab"


def _project() -> Path | None:
    """Return the folder of plantlab's pyproject.toml at or above the working folder, if any."""
    for folder in (Path.cwd(), *Path.cwd().parents):
        project = folder / "pyproject.toml"
        if project.is_file() and 'name = "plantlab"' in project.read_text(encoding="utf-8"):
            return folder
    return None


def write_whole(path: str | Path, content: bytes | str | Callable[[Path], object]) -> Path:
    """Write `path` whole or not at all, and return it.

    A killed run leaves no half file for the next to read.

    Args:
        content: what to write, or a function that writes the file whose path it is given.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        if callable(content):
            content(part)
        elif isinstance(content, str):
            part.write_bytes(content.encode())
        else:
            part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def append_lines(path: str | Path, columns: list[str], rows: list[list]) -> list[dict]:
    """Add `rows` to a journal, a file of JSON lines, and return them once they are on the disk.

    Lines are only ever added, all in one write. What a killed process left of its last one is
    closed and stays.

    Args:
        columns: names of the values in a row, and at the end that of the time, which is added.
    """
    path = Path(path)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    entries = [dict(zip(columns, [*values, now])) for values in rows]
    lines = [json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries]
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+b") as file:
        content = _missing_newline(file) + "".join(lines).encode()
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return entries


def _missing_newline(file: BinaryIO) -> bytes:
    """Return the end of line that the last one lacks where its writer was killed, else nothing."""
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        return b""
    file.seek(-1, os.SEEK_END)
    return b"" if file.read(1) == b"\n" else b"\n"


def read_lines(
    path: str | Path, columns: list[str], accepts: Callable[[dict], bool] | None = None
) -> list[dict]:
    """Return the lines of a journal that `append_lines` wrote, [] where there is none.

    Half a line, left by a process that was killed while writing, was never confirmed to anyone and
    is passed over.

    Raises:
        ValueError: a line lacks one of `columns`, or is not one that `accepts` takes.
    """
    path = Path(path)
    if not path.exists():
        return []
    text = path.read_bytes().decode(errors="replace")
    entries = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip("\0\r ")  # a power cut can leave zeros
        entry = _from_json(line)
        is_half = entry is None and line.startswith("{")
        if is_half or not line:
            continue
        is_entry = isinstance(entry, dict) and entry.keys() >= set(columns)
        if not is_entry or (accepts and not accepts(entry)):
            found = f"{path.name}, line {number}: {line[:60]!r} is no decision"
            expected = f"expected JSON with {', '.join(columns)}"
            raise ValueError(f"{found}; {expected}. Is it another file?")
        entries.append(entry)
    return entries


def _from_json(line: str) -> object:
    """Return what a line of JSON says, None where it is none."""
    try:
        return json.loads(line)
    except ValueError:
        return None
