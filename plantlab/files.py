"""The project's folder, files written whole or not at all, and journals that lose no line."""

import json
import os
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path


def project_root() -> Path:
    """Return the folder of plantlab's pyproject.toml above the working folder; else the working folder."""
    for folder in (Path.cwd(), *Path.cwd().parents):
        project = folder / "pyproject.toml"
        if project.is_file() and 'name = "plantlab"' in project.read_text(encoding="utf-8"):
            return folder
    return Path.cwd()


def write_whole(path: str | Path, content: bytes | str | Callable[[Path], object]) -> Path:
    """Write `path` whole or not at all, and return it: a killed run leaves no half file for the next to read.

    `content` is what to write, or a function that writes the file whose path it is given.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    content = content.encode() if isinstance(content, str) else content
    try:
        content(part) if callable(content) else part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def append(path: str | Path, columns: list[str], rows: list[list]) -> list[dict]:
    """Add `rows`, values of `columns` less the last, the time, to a file of JSON lines; return them, on the disk.

    Lines are only ever added, all in one write. What a killed process left of its last one is closed and stays.
    """
    path, now = Path(path), datetime.now(UTC).isoformat(timespec="seconds")
    lines = [dict(zip(columns, [*row, now])) for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+b") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
        close = b"" if file.read(1) in (b"\n", b"") else b"\n"
        file.write(
            close + "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
        )
        file.flush()
        os.fsync(file.fileno())
    return lines


def read_lines(path: str | Path, columns: list[str], right=lambda row: True) -> list[dict]:
    """Return the JSON lines of a file that `append` wrote, [] where there is none.

    Half a line, left by a process that was killed while writing, was never confirmed to anyone and is passed over.

    Raises:
        ValueError: a line lacks one of `columns`, or is not `right`.
    """
    text = Path(path).read_bytes().decode(errors="replace") if Path(path).exists() else ""
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip("\0\r ")  # a power cut can leave zeros
        try:
            row = json.loads(line)
        except ValueError:
            if not line or line.startswith("{"):  # nothing, or half a line
                continue
            row = None
        if not isinstance(row, dict) or not row.keys() >= set(columns) or not right(row):
            found = f"{Path(path).name}, line {number}: {line[:60]!r} is no decision"
            raise ValueError(
                f"{found}; expected JSON with {', '.join(columns)}. Is it another file?"
            )
        rows.append(row)
    return rows
