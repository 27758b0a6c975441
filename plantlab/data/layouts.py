"""Read photographs into the image table, in whatever layout they were published or kept.

Each `_read_*` looks at a folder and returns rows and notes, or None if the folder is not of its kind.
"""

import json
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd

from plantlab.data.photos import SUFFIXES
from plantlab.data.table import COLUMNS, TableError, add_note, relative_names
from plantlab.files import project_root

NAMES = {  # column: what it is called elsewhere (Darwin Core and PlantCLEF too) in lower case, the surest first
    "image_path": "image_path image imagepath path file_path filename file_name file photo image_name identifier",
    "obs_id": "obs_id obsid observation_id observationid plant_id gbif_occurrence_id occurrenceid gbifid catalognumber",
    "species": "species label_name class_name species_name scientific_name scientificname label class",
    "species_id": "species_id classid class_id label_id category_id specieskey taxonkey taxonid label",
    "organ": "organ content view",
    "latitude": "latitude lat decimallatitude",
    "longitude": "longitude lon lng long decimallongitude",
    "author": "author photographer recordedby creator",
    "date": "date event_date eventdate",
    "license": "license licence",
    "split": "split learn_tag learntag subset",
}

SPLIT_NAMES = dict.fromkeys(["train", "training", "learn"], "train") | dict.fromkeys(
    ["test", "testing"], "test"
)
SPLIT_NAMES |= dict.fromkeys(["valid", "val", "validation"], "valid")

NOTHING = ["", "nan", "NaN", "NA", "N/A", "null", "NULL", "None", "none", "<NA>"]

FIRST_BYTES = re.compile(
    rb"\xff\xd8\xff|\x89PNG|GIF8|BM|II\*\0|MM\0\*|.{4}ftyp|.{8}WEBP", re.DOTALL
)  # of a photo


def read_images(source: str | Path, names: str | dict[str, str] = "auto") -> pd.DataFrame:
    """Return the image table of `source`: one row per image, columns of table.COLUMNS and what else is published.

    `attrs["name"]` names the data, `attrs["notes"]` says what its reader should know.

    Args:
        source: a folder of class folders (also below train, valid and test) or of unlabelled photos, a CSV or Parquet
            table, Oxford Flowers-102, PlantCLEF 2015-2017 (XML) or 2022-2025 (CSV), Pl@ntNet-300K, or "greenhouse",
            the built-in flora. A relative path starts at the working folder, else at the project's.
        names: "auto" knows the usual column names; "dwc" insists on Darwin Core; {"theirs": "ours"} says it all.
    Raises:
        TableError: nothing there, or nothing that is recognised. ValueError: unknown `names`.
    """
    if names not in ("auto", "dwc") and not isinstance(names, dict):
        raise ValueError(
            f"names must be 'auto', 'dwc' or a dict such as {{'file': 'image_path'}}; got {names!r}"
        )
    if str(source) == "greenhouse":
        from plantlab import greenhouse

        return greenhouse.build()
    path = Path(source).expanduser()
    path = (path if path.exists() else project_root() / path).resolve()
    if not path.exists():
        raise TableError(
            f"there is no {str(source)!r}; give a folder, a CSV or Parquet table, or 'greenhouse'."
        )
    for table in (path, path / "images.parquet", path / "images.csv"):
        if table.is_file():
            name = table.parent.name if table.stem in ("images", "labels") else table.stem
            return _finish(*_read_table(table, names), name)
    inside = [p for p in path.iterdir() if p.is_dir()]
    places = [
        path,
        *(inside if len(inside) == 1 else [path / "flowers-102"]),
    ]  # archives unpack into a folder
    for reader, place in product(
        (_read_oxford, _read_plantnet, _read_plantclef_csv, _read_plantclef_xml), places
    ):
        if place.is_dir() and (found := reader(place)):
            return _finish(*found, path.name)
    return _finish(*_read_folders(path), path.name)


def _finish(images: pd.DataFrame, notes: list[str], name: str) -> pd.DataFrame:
    """Return the rows as an image table: columns in order, every image with an observation."""
    if images.empty:
        known = "class folders with photos, Oxford Flowers-102, PlantCLEF, Pl@ntNet-300K, or a CSV or Parquet table"
        raise TableError(f"{name!r} holds no photos. Expected {known} that lists them.")
    images = images.reset_index(drop=True)
    if "species" not in images and "species_id" in images:
        images["species"] = images["species_id"]
    species = images["species"].dropna() if "species" in images else pd.Series(dtype=str)
    binomial = species.str.match(r"[A-Z×][\w-]+ [a-z×]")
    if (
        "genus" not in images and binomial.mean() > 0.9
    ):  # scientific names, not daisy or passion flower
        images["genus"] = species[binomial].str.split().str[0]
    for column in images.columns.intersection(["organ", "split"]):
        images[column] = images[column].str.lower()
    if "split" in images:  # an unknown name stays, and table.complete_splits refuses it
        images["split"] = images["split"].replace(SPLIT_NAMES)
    alone = images.get("obs_id", pd.Series(None, images.index, dtype=str)).isna()
    images.loc[alone, "obs_id"] = relative_names(images)[alone]
    images = images.dropna(axis=1, how="all")
    images = images[
        sorted(images, key=lambda c: COLUMNS.index(c) if c in COLUMNS else len(COLUMNS))
    ]
    images.attrs = {"name": name, "notes": notes}
    if alone.any():
        add_note(
            images,
            f"Photos that name no plant, each its own observation: {alone.sum()} of {len(images)}.",
        )
    return images


def _rename(table: pd.DataFrame, names: str | dict[str, str] = "auto") -> pd.DataFrame:
    """Return `table` under the names of table.COLUMNS, these as text; other columns of numbers as such."""
    table.columns = [str(c).split(":")[-1].strip() for c in table]  # dwc:eventDate -> eventDate
    found = dict(names) if isinstance(names, dict) else {}
    for column in [] if found else COLUMNS:
        free = {c.lower(): c for c in table if c not in found}
        if alias := next((free[a] for a in NAMES.get(column, column).split() if a in free), None):
            found[alias] = column
    table = table.rename(columns=found).loc[:, lambda t: ~t.columns.duplicated()].copy()
    for column in table:
        text = table[column].astype("str")
        text = text if column == "image_path" else text.str.strip()
        text = text.mask(table[column].isna() | text.isin(NOTHING))
        numbers = pd.to_numeric(text, errors="coerce")
        if column in COLUMNS:
            table[column] = numbers if column in ("latitude", "longitude") else text
        elif numbers.notna().any() and numbers.isna().equals(text.isna()):
            table[column] = numbers
    return table


def _read_table(path: Path, names: str | dict[str, str]) -> tuple[pd.DataFrame, list[str]]:
    table = _load(path)
    columns = ", ".join(map(str, table))
    if names == "dwc" and "scientificname" not in columns.lower():
        raise TableError(
            f"{path.name} has no Darwin Core column scientificName; it has {columns}. Try names='auto'."
        )
    table = _rename(table, names)
    if "image_path" not in table:
        known = "image_path, image, file, ..., or say which: names={'theirs': 'image_path'}"
        raise TableError(
            f"{path.name} has no column that names the photos; it has {columns}. Expected {known}."
        )
    if "source" not in table and "basisOfRecord" in table:
        herbarium = table["basisOfRecord"].str.lower().str.replace("_", "") == "preservedspecimen"
        table["source"] = herbarium.map({True: "herbarium", False: None})
    named = table.dropna(subset="image_path")
    named = named.assign(
        image_path=[os.path.normpath(path.parent / p) for p in named["image_path"]]
    )
    if len(named) and not any(map(os.path.lexists, named["image_path"])):
        first = f"the first should be at {named['image_path'].iloc[0]}. Relative paths start at the table's folder."
        raise TableError(
            f"none of the {len(named)} photos that {path.name} lists is there; {first}"
        )
    return named, _note(
        f"Rows of {path.name} that name no photo were left out", len(table) - len(named)
    )


def _load(path: Path) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        with path.open(encoding="utf-8-sig") as file:
            separator = max(",;\t", key=file.readline().count)
        return pd.read_csv(
            path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig"
        )
    except ValueError as error:  # not Parquet, not UTF-8, not a table
        raise TableError(f"{path.name} is no CSV table in UTF-8 and no Parquet: {error}") from None


def find_photos(folder: Path) -> tuple[list[str], list[str]]:
    """Return the photos below `folder`, by suffix or first bytes, and the other files; sorted, hidden ones left out."""
    photos, others, seen = [], [], set()
    for place, folders, files in os.walk(folder, followlinks=True):
        if os.path.realpath(place) in seen:
            folders.clear()  # a link that leads back
            continue
        seen.add(os.path.realpath(place))
        named = [
            f for f in folders if Path(f).suffix.lower() in SUFFIXES
        ]  # a folder x.jpg: to be set aside
        folders[:] = [f for f in folders if f not in named and not f.startswith((".", "__"))]
        for path in (os.path.join(place, name) for name in named + files if name[0] != "."):
            (photos if _is_photo(path) else others).append(path)
    return sorted(photos), sorted(others)


def _is_photo(path: str) -> bool:
    if Path(path).suffix.lower() in SUFFIXES or not os.path.isfile(path):
        return Path(path).suffix.lower() in SUFFIXES
    with open(path, "rb") as file:
        return bool(FIRST_BYTES.match(file.read(12)))


def _note(said: str, n: int, of: str = "") -> list[str]:
    return [f"{said}: {n}{of}."] if n > 0 else []


def _find(
    rows: pd.DataFrame, keys: Iterable[str], folder: Path, listed_in: str
) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows whose photo is there (`keys`: its class folder/name, or path) and notes that count the others."""
    photos = [Path(path) for path in find_photos(folder)[0]]
    there = {
        key: str(p) for p in photos for key in (f"{p.parent.name}/{p.stem}", str(p.with_suffix("")))
    }
    found = rows.assign(image_path=[there.get(key) for key in keys]).dropna(subset="image_path")
    if found.empty:
        raise TableError(
            f"none of the {len(rows)} photos listed in {listed_in} is there; unpack them beside it"
        )
    missing = _note(
        f"Photos listed in {listed_in} that are not there",
        len(rows) - len(found),
        f" of {len(rows)}",
    )
    return found, missing + _note(
        f"Photos not listed in {listed_in} were left out", len(photos) - len(found)
    )


def _read_json(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _read_oxford(folder: Path):
    if not (folder / "imagelabels.mat").is_file() or not (folder / "setid.mat").is_file():
        return None
    from scipy.io import loadmat

    labels, sets = (
        loadmat(folder / "imagelabels.mat")["labels"].ravel(),
        loadmat(folder / "setid.mat"),
    )
    rows = pd.DataFrame({"species_id": labels.astype(str)}, index=range(1, len(labels) + 1))
    for published, split in {"trnid": "train", "valid": "valid", "tstid": "test"}.items():
        rows.loc[sets[published].ravel(), "split"] = split
    names = _read_json(
        folder / "cat_to_name.json"
    )  # made by others; its keys count from 1, as the labels do
    rows["species"] = [names.get(label, f"class {label}") for label in rows["species_id"]]
    return _find(rows, [f"jpg/image_{n:05}" for n in rows.index], folder, "imagelabels.mat")


def _read_plantnet(folder: Path):
    listed = folder / "plantnet300K_metadata.json"
    if not listed.is_file():
        return None
    rows = _rename(pd.DataFrame.from_dict(_read_json(listed), orient="index", dtype=str))
    names = _read_json(folder / "plantnet300K_species_id_2_name.json")
    rows["species"] = rows["species_id"].map(names).fillna(rows["species_id"])
    return _find(rows, rows["species_id"] + "/" + rows.index, folder, listed.name)


def _read_plantclef_csv(folder: Path):
    tables = {}
    for path in sorted([*folder.glob("*.csv"), *folder.glob("*/*.csv")]):
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            columns = set(file.readline().strip().split(";"))
        if columns & {"species_id", "classid"} and columns & {"image_name", "image_path"}:
            table = _rename(
                _load(path).drop(columns="source", errors="ignore")
            )  # there: gbif or eol
            tables[path.name] = table.assign(
                source="web" if "web" in path.name.lower() else "trusted"
            )
    if not tables:
        return None
    rows = pd.concat(tables.values(), ignore_index=True)
    names = rows["image_path"].str.replace(r"^.*/|\.\w+$", "", regex=True)
    return _find(rows, rows["species_id"] + "/" + names, folder, " and ".join(tables))


def _read_plantclef_xml(folder: Path):
    listed = sorted(folder.rglob("*.xml"))
    if not listed or not re.search(b"<(ClassId|MediaId)", listed[0].read_bytes()):
        return None
    rows, keys = [], []
    for path in listed:
        with suppress(ElementTree.ParseError):
            row = {field.tag.lower(): field.text for field in ElementTree.parse(path).getroot()}
            words = re.split("[^a-z]+", str(path.relative_to(folder.parent)).lower())
            rows.append(row | {"source": "web" if "web" in words else "trusted"})
            keys.append(str(path.with_suffix("")))
    if not rows:
        raise TableError(
            f"none of the {len(listed)} XML files in {folder.name!r} can be read: all are damaged."
        )
    found, notes = _find(_rename(pd.DataFrame(rows)), keys, folder, "the XML files")
    return found, notes + _note("XML files too damaged to read", len(listed) - len(rows))


def _read_folders(folder: Path):
    photos, others = find_photos(folder)
    rows = pd.DataFrame({"image_path": photos})
    inside = [Path(path).relative_to(folder).parts[:-1] for path in photos]
    while inside and all(
        len(parts) > 1 and parts[0] == inside[0][0] not in SPLIT_NAMES for parts in inside
    ):
        inside = [parts[1:] for parts in inside]  # one folder that holds the class folders
    if inside and all(parts and parts[0].lower() in SPLIT_NAMES for parts in inside):
        rows["split"] = [parts[0] for parts in inside]
        inside = [parts[1:] for parts in inside]
    listed = ", ".join(map(os.path.basename, others[:5])) + (", ..." if len(others) > 5 else "")
    notes = [f"Other files, no photos: {len(others)} ({listed})."] if others else []
    if any(inside):
        rows["species"] = [parts[0].replace("_", " ") if parts else None for parts in inside]
        rows = rows.dropna(subset="species")
        notes += _note("Photos outside the class folders were left out", len(photos) - len(rows))
    return rows, notes
