"""PlantCLEF: 2015 to 2017 an XML file beside each photo, 2022 to 2025 tables of CSV."""

import re
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd

from plantlab.data.layouts.found import Found, count_note, find_listed
from plantlab.data.layouts.names import rename
from plantlab.data.layouts.tables import load
from plantlab.data.table import TableError


def read_plantclef_csv(folder: Path) -> Found | None:
    """Return the photos of PlantCLEF 2022 to 2025, None if `folder` does not hold it."""
    tables = {}
    paths = [*folder.glob("*.csv"), *folder.glob("*/*.csv")]
    for path in sorted(paths):
        if _lists_photos(path):
            table = load(path).drop(columns="source", errors="ignore")  # there: gbif or eol
            source = "web" if "web" in path.name.lower() else "trusted"
            tables[path.name] = rename(table).assign(source=source)
    if not tables:
        return None
    rows = pd.concat(tables.values(), ignore_index=True)
    stems = rows["image_path"].str.replace(r"^.*/|\.\w+$", "", regex=True)
    keys = rows["species_id"] + "/" + stems
    return find_listed(rows, keys, folder, " and ".join(tables))


def _lists_photos(path: Path) -> bool:
    """Return whether the columns of a CSV file are those of PlantCLEF."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        columns = set(file.readline().strip().split(";"))
    has_species = columns & {"species_id", "classid"}
    has_photos = columns & {"image_name", "image_path"}
    return bool(has_species and has_photos)


def read_plantclef_xml(folder: Path) -> Found | None:
    """Return the photos of PlantCLEF 2015 to 2017, None if `folder` does not hold it.

    Raises:
        TableError: every XML file is damaged.
    """
    listed = sorted(folder.rglob("*.xml"))
    if not listed or not re.search(b"<(ClassId|MediaId)", listed[0].read_bytes()):
        return None
    rows = []
    keys = []
    for path in listed:
        with suppress(ElementTree.ParseError):
            fields = ElementTree.parse(path).getroot()
            row = {field.tag.lower(): field.text for field in fields}
            row["source"] = _source(path.relative_to(folder.parent))
            rows.append(row)
            keys.append(str(path.with_suffix("")))
    if not rows:
        raise TableError(
            f"none of the {len(listed)} XML files in {folder.name!r} can be read: all are damaged."
        )
    found = find_listed(rename(pd.DataFrame(rows)), keys, folder, "the XML files")
    damaged = count_note("XML files too damaged to read", len(listed) - len(rows))
    return Found(found.images, [*found.notes, *damaged])


def _source(path: Path) -> str:
    """Return web for a photo below a folder that says so, else trusted."""
    words = re.split("[^a-z]+", str(path).lower())
    return "web" if "web" in words else "trusted"
