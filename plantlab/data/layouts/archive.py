"""Darwin Core archives, as GBIF and iNaturalist export them: meta.xml and its tables.

Source: the Darwin Core text guide, https://dwc.tdwg.org/text/.
"""

import csv
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pandas as pd

from plantlab.data.layouts.found import Found, count_note
from plantlab.data.layouts.names import rename
from plantlab.data.layouts.search import find_photos
from plantlab.data.table import TableError

SPACE = "{http://rs.tdwg.org/dwc/text/}"
KEY = "coreid"  # of an occurrence, in all tables
PHOTO = "identifier"  # where a photo is, in the multimedia extension
OF_PHOTO = {"license": "license", "creator": "author", "rightsHolder": "rights"}  # it knows better


class Part(NamedTuple):
    """A table of an archive: what its rows are, and the rows."""

    rows_are: str
    table: pd.DataFrame


def read_archive(folder: Path) -> Found | None:
    """Return the photos of a Darwin Core archive, None if `folder` holds none.

    The photos lie in the folder, under the names that their addresses end in. An occurrence with
    several photos is one observation.

    Raises:
        TableError: meta.xml is damaged, or none of the photos is there.
    """
    if not (folder / "meta.xml").is_file():
        return None
    core, *extensions = _parts(folder)
    media = [part.table for part in extensions if part.rows_are in ("Multimedia", "Image")]
    occurrences = core.table.drop(columns=[PHOTO], errors="ignore")
    if not media:
        raise TableError(f"the archive in {folder.name!r} names no photos: no multimedia table.")
    photos = pd.concat(media, ignore_index=True)
    kept = [column for column in (KEY, PHOTO, *OF_PHOTO) if column in photos]
    photos = photos[kept].rename(columns=OF_PHOTO)
    again = photos.columns.intersection(occurrences.columns).difference([KEY])
    rows = photos.merge(occurrences.drop(columns=again), on=KEY, how="left")
    if "occurrenceID" not in rows:
        rows["occurrenceID"] = rows[KEY]
    return _found(rows, folder)


def _found(rows: pd.DataFrame, folder: Path) -> Found:
    there = {}
    for photo in find_photos(folder)[0]:
        for name in _ends(photo):
            there.setdefault(name, photo)
    paths = []
    for address in rows[PHOTO]:
        here = [there[end] for end in _ends(address) if end in there]
        paths.append(here[0] if here else None)
    n_missing = paths.count(None)
    if n_missing == len(paths):
        raise TableError(
            f"none of the {len(rows)} photos of the archive in {folder.name!r} is there; the first "
            f"is at {str(rows[PHOTO].iloc[0])[:200]}. Fetch them into the folder."
        )
    found = rows.drop(columns=[PHOTO, KEY]).assign(image_path=paths).dropna(subset="image_path")
    note = count_note("Photos of the archive that are not there", n_missing, f" of {len(rows)}")
    return Found(rename(found), note)


def _ends(address: str) -> list[str]:
    """Return what a photo may be called here: the last two parts of its address, or the last.

    Or the last but one, a number where the last is a word such as original.jpg.
    """
    parts = urlsplit(str(address)).path.strip("/").split("/")
    last = Path(parts[-1])
    ends = ["/".join(parts[-2:])]
    if last.stem in ("original", "large", "medium") and len(parts) > 1:
        return [*ends, f"{parts[-2]}{last.suffix}"]
    return [*ends, last.name]


def _parts(folder: Path) -> list[Part]:
    """Return the tables that meta.xml describes, the core first."""
    try:
        root = ElementTree.parse(folder / "meta.xml").getroot()
        described = [*root.iter(f"{SPACE}core"), *root.iter(f"{SPACE}extension")]
        return [_part(element, folder) for element in described]
    except (ElementTree.ParseError, AttributeError, KeyError, OSError, ValueError) as error:
        raise TableError(
            f"the archive in {folder.name!r} cannot be read ({str(error)[:150]}); unpack it again."
        ) from None


def _part(element: ElementTree.Element, folder: Path) -> Part:
    name = element.find(f"{SPACE}files/{SPACE}location").text
    key = element.find(f"{SPACE}id")
    key = element.find(f"{SPACE}coreid") if key is None else key
    columns = {int(key.attrib["index"]): KEY}
    constants = {}
    for field in element.iter(f"{SPACE}field"):
        term = field.attrib["term"].rsplit("/", 1)[-1]
        if "index" in field.attrib:
            columns.setdefault(int(field.attrib["index"]), term)
        else:
            constants[term] = field.attrib.get("default", "")
    separator = element.get("fieldsTerminatedBy", ",").replace("\\t", "\t")
    mark = element.get("fieldsEnclosedBy", '"')
    table = pd.read_csv(
        folder / name,
        sep=separator,
        header=None,
        skiprows=int(element.get("ignoreHeaderLines", 0)),
        quoting=csv.QUOTE_MINIMAL if mark else csv.QUOTE_NONE,
        dtype=str,
        keep_default_na=False,
        encoding=element.get("encoding", "UTF-8"),
    )
    table = table[[*columns]].rename(columns=columns).assign(**constants)
    return Part(element.get("rowType", "").rsplit("/", 1)[-1], table)
