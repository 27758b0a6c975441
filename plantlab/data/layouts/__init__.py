"""Photographs read into the image table, in whatever layout they were published or kept.

One file a layout: it looks at a folder and returns Found, or None if the folder is not of its kind.
A new one is a file of its own and a line in PUBLISHED.
"""

import re
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd

from plantlab.data.addresses import is_far
from plantlab.data.fetch import PUBLISHED as PHOTOGRAPHS
from plantlab.data.fetch import fetched
from plantlab.data.layouts import (
    archive,
    coco,
    folders,
    lists,
    oxford,
    plantclef,
    plantnet,
    questions,
    shards,
    tables,
)
from plantlab.data.layouts.cleaned import clean_names, clean_places
from plantlab.data.layouts.found import Found
from plantlab.data.layouts.names import split_of
from plantlab.data.layouts.search import find_photos
from plantlab.data.layouts.shards import read_shards
from plantlab.data.plants import name_lone_photos
from plantlab.data.table import COLUMNS, TableError
from plantlab.files import project_root

__all__ = ["find_photos", "read_images"]

PUBLISHED = [  # asked in this order
    oxford.read_oxford,
    plantnet.read_plantnet,
    plantclef.read_plantclef_csv,
    plantclef.read_plantclef_xml,
    archive.read_archive,
    coco.read_coco,
    lists.read_lists,
    questions.read_questions,
]


def read_images(source: str | Path, names: str | dict[str, str] = "auto") -> pd.DataFrame:
    """Return the image table of `source`: one row per image, table.COLUMNS and what else is known.

    `attrs["name"]` names the data, `attrs["layout"]` says what it was read as, `attrs["notes"]`
    what its reader should know.

    Args:
        source: a folder of class folders (also below train, valid and test) or of unlabelled
            photos, a CSV or Parquet table, Oxford Flowers-102, PlantCLEF 2015-2017 (XML) or
            2022-2025 (CSV), Pl@ntNet-300K, a Darwin Core archive, COCO as iNaturalist 2017-2021
            (a folder with its JSON files, or one of them), lists of "photo label" (train.txt,
            test.txt), questions that a service kept, shards (a folder, or an address such as
            https://, s3:// or gs://), or "greenhouse", the built-in flora
            ("greenhouse-1" is another one, grown from seed 1), or published photographs by name,
            which are fetched the first time: "flower_photos", "oxford102", "plantnet300k". A
            relative path starts at the working folder, else at the project's.
        names: "auto" knows the usual column names; "dwc" insists on Darwin Core; {"theirs": "ours"}
            says it all.
    Raises:
        TableError: nothing there, or nothing that is recognised. ValueError: unknown `names`.
    """
    if names not in ("auto", "dwc") and not isinstance(names, dict):
        raise ValueError(
            f"names must be 'auto', 'dwc' or a dict such as {{'file': 'image_path'}}; got {names!r}"
        )
    built_in = re.fullmatch(r"greenhouse(?:-(\d+))?", str(source))
    if built_in:
        from plantlab import greenhouse

        return greenhouse.build(seed=int(built_in[1] or 0))
    if is_far(source):
        return _to_table(read_shards(source), str(source).rstrip("/").split("/")[-1], shards)
    path = _locate(source)
    packed = read_shards(path) if path.is_dir() else None
    if packed is not None:
        return _to_table(packed, path.name, shards)
    for table in (path, path / "images.parquet", path / "images.csv"):
        if table.is_file():
            is_general = table.stem in ("images", "labels")  # its folder says more
            name = table.parent.name if is_general else table.stem
            if table.suffix.lower() == ".json":
                return _to_table(coco.read_coco_file(table), name, coco)
            return _to_table(tables.read_table(table, names), name, tables)
    found, layout = _read_published(path)
    if found is None:
        found, layout = folders.read_folders(path), folders
    return _to_table(found, path.name, layout)


def _locate(source: str | Path) -> Path:
    path = Path(source).expanduser()
    if not path.exists():
        path = project_root() / path
    if not path.exists() and str(source) in PHOTOGRAPHS:
        path = fetched(str(source))
    if not path.exists():
        named = ", ".join(["greenhouse", *PHOTOGRAPHS])
        expected = f"give a folder, a CSV or Parquet table, or one of {named}."
        raise TableError(f"there is no {str(source)!r}; {expected}")
    return path.resolve()


def _read_published(path: Path) -> tuple[Found | None, ModuleType | None]:
    """Return what the first reader that knows `path`, or a folder in it, found, and its module."""
    inside = [each for each in path.iterdir() if each.is_dir()]
    if len(inside) != 1:  # archives unpack into a folder
        inside = [path / "flowers-102"]
    for read in PUBLISHED:
        for place in (path, *inside):
            found = read(place) if place.is_dir() else None
            if found is not None:
                return found, sys.modules[read.__module__]
    return None, None


def _to_table(found: Found, name: str, layout: ModuleType) -> pd.DataFrame:
    """Return the rows as an image table: columns in order, every image with an observation.

    `attrs["layout"]` says in words how they were read: the first line of the reader's module.
    """
    images = found.images.reset_index(drop=True)
    if images.empty:
        raise TableError(
            f"{name!r} holds no photos. Expected class folders with photos, Oxford Flowers-102, "
            "PlantCLEF, Pl@ntNet-300K, or a CSV or Parquet table that lists them."
        )
    images, strange_places = clean_places(images)
    images, joined_names = clean_names(images)
    notes = [*found.notes, *strange_places, *joined_names]
    read_as = (layout.__doc__ or layout.__name__).splitlines()[0].rstrip(".")
    images.attrs = {"name": name, "notes": notes, "layout": read_as}
    if "species" not in images and "species_id" in images:
        images["species"] = images["species_id"]
    if "genus" not in images and "species" in images:
        images["genus"] = _genera(images["species"])
    for column in images.columns.intersection(["organ", "split"]):
        images[column] = images[column].str.lower()
    if "split" in images:  # an unknown name stays, and splits.complete_splits refuses it
        known = {name: split_of(name) or name for name in images["split"].dropna().unique()}
        images["split"] = images["split"].replace(known)
    images = name_lone_photos(images)
    images = images.dropna(axis=1, how="all")
    first = [column for column in COLUMNS if column in images]
    others = [column for column in images if column not in COLUMNS]
    return images[first + others]


def _genera(species: pd.Series) -> pd.Series:
    """Return the first word of scientific names; of names such as passion flower none."""
    named = species.dropna()
    is_binomial = named.str.match(r"[A-Z×][\w-]+ [a-z×]")
    if is_binomial.mean() > 0.9:
        return named[is_binomial].str.split().str[0]
    return pd.Series(index=species.index, dtype=object)
