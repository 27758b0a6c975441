"""The photos in a folder and all that it holds, known by suffix or by first bytes."""

import os
import re
from pathlib import Path

from plantlab.data.photos import SUFFIXES

FIRST_BYTES = re.compile(  # of a photo
    rb"\xff\xd8\xff|\x89PNG|GIF8|BM|II\*\0|MM\0\*|.{4}ftyp|.{8}WEBP", re.DOTALL
)


def find_photos(folder: Path) -> tuple[list[str], list[str]]:
    """Return the photos below `folder`, and the other files; sorted, hidden ones left out.

    Links are followed, once each. A folder that is named like a photo counts as one, so that it is
    set aside later and not forgotten.
    """
    photos = []
    others = []
    seen = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        if os.path.realpath(place) in seen:
            folders.clear()  # a link that leads back
            continue
        seen.add(os.path.realpath(place))
        misnamed = [name for name in folders if _has_photo_suffix(name)]
        folders[:] = [
            name for name in folders if name not in misnamed and not name.startswith((".", "__"))
        ]
        for name in misnamed + files:
            path = os.path.join(place, name)
            if name.startswith("."):
                continue
            if _is_photo(path):
                photos.append(path)
            else:
                others.append(path)
    return sorted(photos), sorted(others)


def _has_photo_suffix(path: str) -> bool:
    return Path(path).suffix.lower() in SUFFIXES


def _is_photo(path: str) -> bool:
    if _has_photo_suffix(path):
        return True
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return bool(FIRST_BYTES.match(file.read(12)))
