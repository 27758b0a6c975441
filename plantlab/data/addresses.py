"""Where a photo's bytes lie: in a file of its own or in a part of one, here or far away.

A part is written as in HTTP: `photos-00003.parquet#bytes=4096-23816`, both ends included.
"""

import os
import re
import time
from pathlib import Path

PART = re.compile(r"(?P<file>.+)#bytes=(?P<first>\d+)-(?P<last>\d+)")
PAUSES = (0.5, 3.0)  # seconds before what lies far away is asked for again
FINAL = (FileNotFoundError, PermissionError, EOFError, ValueError)  # asking again changes nothing


def part_of(file: str | Path, first: int, last: int) -> str:
    """Return the address of the bytes `first` to `last` of a file, both included."""
    return f"{file}#bytes={first}-{last}"


def is_part(address: str | Path) -> bool:
    """Return whether a photo is a part of a larger file."""
    return PART.fullmatch(str(address)) is not None


def is_far(address: str | Path) -> bool:
    """Return whether it lies where fsspec must fetch it, such as https:// or s3://."""
    return "://" in str(address)


def file_of(address: str | Path) -> str:
    """Return the file in which a photo lies, which is its own or a shard.

    >>> file_of("photos-00003.parquet#bytes=4096-23816")
    'photos-00003.parquet'
    """
    found = PART.fullmatch(str(address))
    return found["file"] if found else str(address)


def content_of(address: str | Path) -> bytes:
    """Return a photo's bytes.

    Raises:
        OSError: nothing is there, or it cannot be fetched. EOFError: the file ends before the part.
    """
    found = PART.fullmatch(str(address))
    if is_far(address):
        return _fetched(file_of(address), found)
    if not found:
        return Path(address).read_bytes()
    first, n_bytes = _range_of(found)
    with open(found["file"], "rb") as file:
        file.seek(first)
        content = file.read(n_bytes)
    return _whole(content, n_bytes)


def stamp(address: str | Path) -> str:
    """Return what changes when the photo's file does; what lies far away does not change."""
    file = file_of(address)
    if is_far(address):
        return str(address)
    if not os.path.exists(file):
        return f"{address}|missing"
    stat = os.stat(file)
    return f"{address}|{stat.st_size}|{stat.st_mtime_ns}"


def _range_of(found: re.Match) -> tuple[int, int]:
    """Return where a part begins, and how many bytes it has."""
    first = int(found["first"])
    return first, int(found["last"]) - first + 1


def _whole(content: bytes, n_bytes: int) -> bytes:
    if len(content) < n_bytes:
        raise EOFError("the shard ends before its photo does")
    return content


def _fetched(address: str, found: re.Match | None) -> bytes:
    """Return a file's bytes from far away, or a part of them; a line that broke is tried again."""
    for pause in PAUSES:
        try:
            return _fetch(address, found)
        except FINAL:
            raise
        except Exception:  # each kind of place has errors of its own
            time.sleep(pause)
    return _fetch(address, found)


def _fetch(address: str, found: re.Match | None) -> bytes:
    import fsspec

    place, path = fsspec.core.url_to_fs(address)
    if found is None:
        return place.cat_file(path)
    first, n_bytes = _range_of(found)
    content = place.cat_file(path, start=first, end=first + n_bytes)
    if len(content) > n_bytes:
        raise ValueError(
            "its server sends whole files where a part was asked for (HTTP Range); "
            "copy the shards to this machine, or serve them by another server"
        )
    return _whole(content, n_bytes)
