"""Photos in class folders, maybe below train, valid and test; or photos without labels."""

import os
from pathlib import Path

import pandas as pd

from plantlab.data.layouts.found import Found, count_note
from plantlab.data.layouts.names import SPLIT_NAMES
from plantlab.data.layouts.search import find_photos


def read_folders(folder: Path) -> Found:
    """Return the photos below `folder`; the folders that each is in say species and maybe split."""
    photos, others = find_photos(folder)
    images = pd.DataFrame({"image_path": photos})
    notes = []
    if others:
        listed = ", ".join(map(os.path.basename, others[:5]))
        more = ", ..." if len(others) > 5 else ""
        notes.append(f"Other files, no photos: {len(others)} ({listed}{more}).")
    inside = [Path(photo).relative_to(folder).parts[:-1] for photo in photos]
    while _share_a_folder(inside):  # one that holds the class folders
        inside = [parts[1:] for parts in inside]
    if _are_below_splits(inside):
        images["split"] = [parts[0] for parts in inside]
        inside = [parts[1:] for parts in inside]
    if any(inside):
        images["species"] = [parts[0].replace("_", " ") if parts else None for parts in inside]
        images = images.dropna(subset="species")
        n_outside = len(photos) - len(images)
        notes += count_note("Photos outside the class folders were left out", n_outside)
    return Found(images, notes)


def _are_below_splits(inside: list[tuple[str, ...]]) -> bool:
    outermost = {parts[0].lower() if parts else "" for parts in inside}
    return bool(outermost) and outermost <= set(SPLIT_NAMES)


def _share_a_folder(inside: list[tuple[str, ...]]) -> bool:
    """Return whether all photos lie in folders of one folder, which is no split."""
    outermost = {parts[0] if len(parts) > 1 else "" for parts in inside}
    return len(outermost) == 1 and outermost.isdisjoint(["", *SPLIT_NAMES])
