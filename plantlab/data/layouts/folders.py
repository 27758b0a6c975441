"""Photos in class folders, maybe below train, valid and test; or photos without labels."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from plantlab.data.layouts.found import Found, count_note
from plantlab.data.layouts.names import split_of
from plantlab.data.layouts.search import find_photos, is_utf8, printable

MOST_NAMES = 5  # that a note lists
BINOMIAL = re.compile(r"[A-Z×][\w-]+[ _](?:[x×][ _])?[a-z×][\w.-]+")
LINEAGE = re.compile(r"\d+(?:_[A-Z][A-Za-z-]+){3,}_[a-z][\w-]*")  # iNaturalist 2021's folders
FAMILY = re.compile(r"[A-Z][a-z]+(?:aceae|idae)")
NO_CLASS = {"images", "image", "imgs", "img", "photos", "pictures", "jpg", "jpeg", "data"}

Folders = tuple[str, ...]  # that a photo lies in, below the data set's, the outermost first


def read_folders(folder: Path) -> Found:
    """Return the photos below `folder`; the folders that each is in say species and maybe split.

    Species may lie below their families or genera, and splits below or above the species.
    """
    photos, others = find_photos(folder)
    inside = [Path(photo).relative_to(folder).parts[:-1] for photo in photos]
    while _share_a_folder(inside):  # one that holds the class folders
        inside = [parts[1:] for parts in inside]
    images = pd.DataFrame({"image_path": photos})
    misnamed = [path for path in others if not is_utf8(path)]
    notes = _name_some("Other files, no photos", [path for path in others if is_utf8(path)])
    notes += _name_some("Files left out, for their names are not UTF-8; rename them", misnamed)
    if _all_are(split_of, inside, 0):
        images["split"] = [split_of(parts[0]) for parts in inside]
        inside = [_below_split(parts) for parts in inside]
    elif _all_are(split_of, inside, 1):
        images["split"] = [split_of(parts[1]) for parts in inside]
        inside = [parts[:1] for parts in inside]
    if not any(inside):
        return Found(images, notes)
    named, more = _named(inside)
    images = images.join(named).dropna(subset="species")
    n_outside = len(photos) - len(images)
    notes += count_note("Photos outside the class folders were left out", n_outside)
    empty = _empty_classes(folder, set(map(os.path.dirname, images["image_path"])))
    return Found(images, notes + more + _name_some("Class folders without a photo", empty))


def _named(inside: list[Folders]) -> tuple[pd.DataFrame, list[str]]:
    """Return what the folders of each photo say: species, else None, and maybe the family."""
    named = [parts for parts in inside if parts]
    notes = []
    if _all_are(BINOMIAL.fullmatch, named, 1):
        read = _below_family
    elif _all_are(LINEAGE.fullmatch, named, 0):
        read = _lineage
    else:
        read = _class
        deeper = {parts[:2] for parts in named if len(parts) > 1}
        notes = count_note("Folders inside class folders, whose names were not used", len(deeper))
    rows = [read(parts) if parts else {"species": None} for parts in inside]
    return pd.DataFrame(rows), notes


def _class(parts: Folders) -> dict[str, str]:
    return {"species": parts[0].replace("_", " ")}


def _below_family(parts: Folders) -> dict[str, str]:
    row = {"species": parts[1].replace("_", " ")}
    return row | {"family": parts[0]} if FAMILY.fullmatch(parts[0]) else row


def _lineage(parts: Folders) -> dict[str, str]:
    *_, family, genus, epithet = parts[0].split("_")
    return {"species": f"{genus} {epithet}", "family": family}


def _below_split(parts: Folders) -> Folders:
    """Return the folders below a split's, without its own name again and those named `images`."""
    rest = parts[1:]
    while rest and (rest[0].lower() in NO_CLASS or split_of(rest[0]) == split_of(parts[0])):
        rest = rest[1:]
    return rest


def _all_are(kind: Callable[[str], object], inside: list[Folders], depth: int) -> bool:
    """Return whether all photos lie that deep, in folders of a kind."""
    if not inside or min(map(len, inside)) <= depth:
        return False
    names = {parts[depth] for parts in inside}
    return all(map(kind, names))


def _share_a_folder(inside: list[Folders]) -> bool:
    """Return whether all photos lie in one folder, which is no split and no class."""
    outermost = {parts[0] if parts else "" for parts in inside}
    if len(outermost) != 1:
        return False
    name = outermost.pop()
    holds_folders = all(len(parts) > 1 for parts in inside)
    is_class = not holds_folders and name.lower() not in NO_CLASS
    return bool(name) and not split_of(name) and not is_class


def _empty_classes(folder: Path, full: set[str]) -> list[str]:
    """Return the folders beside those of photos in which there is none, nor in one below."""
    holding = set()
    for place in full:
        real = Path(os.path.realpath(place))
        holding.update((real, *real.parents))
    beside = {os.path.dirname(place) for place in full if Path(place) != folder}
    empty = []
    for parent in sorted(beside):
        for each in sorted(os.scandir(parent), key=lambda entry: entry.name):
            is_hidden = each.name.startswith((".", "__"))
            if each.is_dir() and not is_hidden and Path(os.path.realpath(each)) not in holding:
                empty.append(each.path)
    return empty


def _name_some(said: str, paths: list[str]) -> list[str]:
    """Return a note that counts files or folders and names the first, as a list."""
    if not paths:
        return []
    names = [printable(path) for path in paths[:MOST_NAMES]]
    more = ", ..." if len(paths) > MOST_NAMES else ""
    return [f"{said}: {len(paths)} ({', '.join(names)}{more})."]
