"""COCO annotations, as iNaturalist's competitions of 2017 to 2021 publish them."""

import json
import os
from pathlib import Path

import pandas as pd

from plantlab.data.layouts.found import Found, count_note
from plantlab.data.layouts.names import rename, split_of
from plantlab.data.table import TableError

PARTS = ("images", "annotations", "categories")
RANKS = ("kingdom", "phylum", "class", "order")  # of a category, which the table does not hold
NEEDED = '"images" and "categories", as COCO and iNaturalist have them'


def read_coco(folder: Path) -> Found | None:
    """Return the photos of all COCO files of a folder, None if it holds none; each is a split."""
    found = []
    for path in sorted(folder.glob("*.json")):
        parts = _load(path)
        if parts is not None:
            found.append(_read(path, parts))
    if not found:
        return None
    images = pd.concat([each.images for each in found], ignore_index=True)
    if not any(map(os.path.exists, images["image_path"])):
        return None  # the photos lie elsewhere: folders may say more
    return Found(images, [note for each in found for note in each.notes])


def read_coco_file(path: Path) -> Found:
    """Return the photos of one COCO file.

    Raises:
        TableError: it is no such JSON, or none of its photos is there.
    """
    parts = _load(path)
    if parts is None:
        raise TableError(
            f"{path.name} is JSON without {NEEDED}; give the folder of photographs, or a table."
        )
    found = _read(path, parts)
    photos = found.images["image_path"]
    if len(photos) and not any(map(os.path.exists, photos)):
        raise TableError(
            f"none of the {len(photos)} photos that {path.name} lists is there; the first should "
            f"be at {photos.iloc[0][:200]}. Unpack them beside it."
        )
    return found


def _load(path: Path) -> dict | None:
    """Return what a COCO file holds, None if it is another."""
    try:
        held = json.loads(path.read_bytes())
    except ValueError:
        return None
    a_table = isinstance(held, dict) and {"images", "categories"} <= set(held)
    return held if a_table else None


def _read(path: Path, held: dict) -> Found:
    images = pd.DataFrame(held["images"])
    if not {"id", "file_name"} <= set(images):
        raise TableError(f'{path.name} has images without "id" and "file_name"; expected both.')
    labels = pd.DataFrame(held.get("annotations", []), columns=["image_id", "category_id"])
    once = labels.drop_duplicates("image_id").set_index("image_id")["category_id"]
    kinds = pd.DataFrame(held["categories"]).set_index("id")
    category = images["id"].map(once)
    images["category_id"] = category
    for column in kinds.columns.difference([*RANKS, "image_dir_name"]):
        images["species" if column == "name" else column] = category.map(kinds[column])
    photos = [os.path.normpath(path.parent / name) for name in images.pop("file_name")]
    images = images.drop(columns=["id", "width", "height"], errors="ignore")
    images["image_path"] = photos
    images = images.rename(columns={"rights_holder": "author"})
    split = split_of(path.stem)
    if split:
        images["split"] = split
    said = f"Further labels of photos of {path.name} left out"
    return Found(rename(images), count_note(said, len(labels) - len(once)))
