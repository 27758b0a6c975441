"""The photos in a folder and all that it holds, known by suffix or by first bytes."""

import os
import re
from pathlib import Path

from plantlab.data.photos import RAW, SUFFIXES

FIRST_BYTES = re.compile(  # of a photo
    rb"\xff\xd8\xff|\x89PNG|GIF8|BM|II\*\0|MM\0\*|.{4}ftyp|.{8}WEBP", re.DOTALL
)


def find_photos(folder: Path) -> tuple[list[str], list[str]]:
    """Return the photos below `folder`, and the other files; sorted, hidden ones left out.

    Links are followed, each place once and under its own name first: a link between two class
    folders renames none. A folder that is named like a photo counts as one, so that it is set aside
    later and not forgotten. A file whose name is not UTF-8 is among the others.
    """
    photos = []
    others = []
    seen = set()
    waiting = [str(folder)]
    while waiting:
        links = []
        for place in waiting:
            found, other, more = _walk(place, seen)
            photos += found
            others += other
            links += more
        waiting = sorted(links)  # only after all places that are there themselves
    return sorted(photos), sorted(others)


def is_utf8(name: str) -> bool:
    """Return whether a file's name can be written down."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(path: str) -> str:
    """Return a file's name with what is not UTF-8 in it as escapes."""
    name = os.fsencode(os.path.basename(path))
    return name.decode("utf-8", "backslashreplace")[:100]


def _walk(folder: str, seen: set[str]) -> tuple[list[str], list[str], list[str]]:
    """Return photos, other files, and the links to folders, below one that is not in `seen`."""
    photos = []
    others = []
    links = []
    for place, folders, files in os.walk(folder):
        if os.path.realpath(place) in seen:
            folders.clear()
            continue
        seen.add(os.path.realpath(place))
        misnamed = [name for name in folders if _has_photo_suffix(name)]
        shown = [name for name in folders if name not in misnamed]
        shown = [name for name in shown if not name.startswith((".", "__"))]
        is_link = [os.path.islink(os.path.join(place, name)) for name in shown]
        links += [os.path.join(place, name) for name, linked in zip(shown, is_link) if linked]
        folders[:] = [name for name, linked in zip(shown, is_link) if not linked]
        for name in misnamed + files:
            path = os.path.join(place, name)
            if name.startswith("."):
                continue
            kind = photos if is_utf8(path) and _is_photo(path) else others
            kind.append(path)
    return photos, others, links


def _has_photo_suffix(path: str) -> bool:
    return Path(path).suffix.lower() in SUFFIXES | RAW


def _is_photo(path: str) -> bool:
    if _has_photo_suffix(path):
        return True
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return bool(FIRST_BYTES.match(file.read(12)))
