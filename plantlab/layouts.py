"""Read photographs into the image table, in whatever layout they were published or kept.

Each reader looks at a folder and returns the table, or None if the folder is not of its kind.
"""

import json
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from plantlab.photos import SUFFIXES
from plantlab.table import COLUMNS, SPLITS, TableError, add_note, project_root, relative_names

NAMES = {  # column of the image table: names it goes by elsewhere, in lower case, the surest first
    "image_path": "image_path image path file_path filepath filename file_name file photo image_name",
    "obs_id": "obs_id obsid observation_id observationid gbif_occurrence_id plant_id",
    "species": "species label_name class_name species_name scientific_name class_label class label",
    "species_id": "species_id class_id classid label_id category_id label",
    "genus": "genus",
    "family": "family",
    "organ": "organ content view",
    "latitude": "latitude lat",
    "longitude": "longitude lon lng long",
    "author": "author photographer",
    "date": "date event_date",
    "license": "license licence",
    "source": "source",
    "split": "split learn_tag learntag subset",
    "kind": "kind",
}
DARWIN_CORE = {
    "image_path": "image_path imagepath file_path filename file identifier associatedmedia",
    "obs_id": "occurrenceid gbifid catalognumber",
    "species": "scientificname species",
    "species_id": "taxonid taxonkey specieskey",
    "genus": "genus",
    "family": "family",
    "organ": "organ",
    "latitude": "decimallatitude",
    "longitude": "decimallongitude",
    "author": "recordedby creator rightsholder",
    "date": "eventdate",
    "license": "license",
    "source": "source",
    "split": "split",
}
SPLIT_NAMES = {"train": "train", "training": "train", "learn": "train", "test": "test", "testing": "test"}
SPLIT_NAMES |= {"valid": "valid", "val": "valid", "validation": "valid"}
NOTHING = ["", "nan", "NaN", "NA", "N/A", "null", "NULL", "None", "none", "<NA>"]
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*")  # the first bytes of a photo


def read_images(source: str | Path, names: str = "auto") -> pd.DataFrame:
    """Return the image table of `source`: one row per image, columns of table.COLUMNS and what else was published.

    Reads a folder of class folders (also below train, valid and test), a folder of unlabelled photos, a CSV or
    Parquet table, Oxford Flowers-102, PlantCLEF 2015-2017 (XML) and 2022-2025 (CSV), Pl@ntNet-300K; and
    "greenhouse", the built-in flora. `attrs["name"]` names the data, `attrs["notes"]` says what a reader should know.

    Args:
        source: a folder, a table file, or "greenhouse". Relative: to the working folder, or to the project.
        names: "dwc" reads Darwin Core columns (scientificName, eventDate, ...); "auto" tells them by scientificName.
    Raises:
        TableError: nothing there, or nothing that is recognised. ValueError: unknown `names`.
    """
    if names not in ("auto", "dwc"):
        raise ValueError(f"names is 'auto' or 'dwc'; got {names!r}")
    if str(source) == "greenhouse":
        from plantlab import greenhouse

        return greenhouse.build()
    path = Path(source).expanduser()
    path = path if path.is_absolute() or path.exists() else project_root() / path
    if not path.exists():
        raise TableError(
            f"nothing at {str(source)!r}; give a folder of photos, a CSV or Parquet table, or 'greenhouse'"
        )
    path = path.resolve()
    if path.is_file():
        return finish(
            *read_table(path, names),
            name=path.stem if path.stem not in ("images", "labels") else path.parent.name,
        )
    inside = [p for p in path.iterdir() if p.is_dir()]
    places = [
        path,
        *(inside if len(inside) == 1 else [path / "flowers-102"]),
    ]  # archives unpack into a folder
    for reader in (_read_own, _read_oxford, _read_plantnet, _read_plantclef_csv, _read_plantclef_xml):
        for place in places:
            if place.is_dir() and (found := reader(place)) is not None:
                return finish(*found, name=path.name)
    return finish(*_read_folders(path), name=path.name)


def finish(images: pd.DataFrame, notes: list[str], name: str) -> pd.DataFrame:
    """Return the rows as an image table: columns in order, text as text, every image with an observation."""
    images = images.copy()
    if images.empty:
        raise TableError(
            f"{name!r} holds no photos: looked for {', '.join(sorted(SUFFIXES))}, and tables that list them"
        )
    for column in set(COLUMNS) & set(images):
        if column in ("latitude", "longitude"):
            images[column] = pd.to_numeric(images[column], errors="coerce")
        else:
            text = images[column].astype("str").str.strip()
            images[column] = text.mask(images[column].isna() | text.isin(NOTHING))
    if "species" not in images and "species_id" in images:
        images["species"] = images["species_id"]
    if "genus" not in images and "species" in images and images["species"].notna().any():
        if images["species"].dropna().str.match(r"[A-Z×][\w-]+ (x |× ?)?[a-z]").all():  # binomials
            images["genus"] = images["species"].str.split().str[0]
    if "split" in images:
        known = images["split"].str.lower().map(SPLIT_NAMES)
        if (unknown := images["split"][known.isna()].dropna()).size:
            raise TableError(f"split {unknown.iloc[0]!r} is unknown; expected {', '.join(SPLITS)} (or val)")
        images["split"] = known
    if "organ" in images:
        images["organ"] = images["organ"].str.lower()
    unknown = images["obs_id"].isna() if "obs_id" in images else pd.Series(True, index=images.index)
    if unknown.any():
        images.loc[unknown, "obs_id"] = relative_names(images)[unknown]
    images = images.dropna(axis=1, how="all")
    first = [c for c in COLUMNS if c in images]
    images = images[first + [c for c in images if c not in first]].reset_index(drop=True)
    images.attrs = {"name": name, "notes": notes}
    if unknown.any():
        add_note(
            images, f"{unknown.sum()} of {len(images)} photos name no plant: each is its own observation."
        )
    return images


def read_table(path: Path, names: str = "auto") -> tuple[pd.DataFrame, list[str]]:
    """Return a CSV, TSV or Parquet table under the names of table.COLUMNS, paths made absolute, and notes."""
    table = _load(path)
    table.columns = [str(c).split(":")[-1].strip() for c in table]  # dwc:eventDate -> eventDate
    darwin = names == "dwc" or "scientificname" in [c.lower() for c in table]
    wanted, found = (DARWIN_CORE if darwin else NAMES), {}
    for column, aliases in wanted.items():
        free = {c.lower(): c for c in table if c not in found}
        if alias := next((free[a] for a in aliases.split() if a in free), None):
            found[alias] = column
    if "image_path" not in found.values():
        raise TableError(
            f"{path.name} has no column of file names; it has {', '.join(table)}. Expected image_path, or one of "
            f"{wanted['image_path'].replace(' ', ', ')}."
        )
    table = table.rename(columns=found)
    table = table.loc[:, ~table.columns.duplicated()]
    if darwin and "basisOfRecord" in table and "source" not in table:
        table["source"] = table["basisOfRecord"].map(
            {"PRESERVED_SPECIMEN": "herbarium", "PreservedSpecimen": "herbarium"}
        )
    nameless = table["image_path"].isna()
    table = table[~nameless].copy()
    table["image_path"] = [os.path.normpath(path.parent / str(p)) for p in table["image_path"]]
    return table, [f"{nameless.sum()} rows of {path.name} name no file."] if nameless.any() else []


def _load(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    content = path.read_bytes() if path.suffix in (".csv", ".tsv", ".txt") else b""
    try:
        head = content.split(b"\n", 1)[0].decode("utf-8-sig")
        separator = max(",;\t", key=head.count)
        return pd.read_csv(
            path, sep=separator, dtype=str, keep_default_na=False, na_values=NOTHING, encoding="utf-8-sig"
        )
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise TableError(f"{path.name} is no table in UTF-8 with a line of column names ({error})") from None


def find_photos(folder: Path) -> tuple[list[str], list[str]]:
    """Return the photos below `folder`, sorted, and the names of other files; by suffix, else by first bytes."""
    photos, others, seen = [], [], set()
    for place, folders, files in os.walk(folder, followlinks=True):
        if (real := os.path.realpath(place)) in seen:
            folders.clear()  # a link that leads back
            continue
        seen.add(real)
        named = [f for f in folders if Path(f).suffix.lower() in SUFFIXES]  # will be set aside as no file
        folders[:] = sorted(f for f in folders if f not in named and f[0] not in "._")
        for name in named + [f for f in files if f[0] != "."]:
            path = os.path.join(place, name)
            (photos if Path(name).suffix.lower() in SUFFIXES or _looks_like_photo(path) else others).append(
                path
            )
    return sorted(photos), sorted(os.path.basename(p) for p in others)


def _looks_like_photo(path: str) -> bool:
    with open(path, "rb") as file:
        head = file.read(12)
    return head.startswith(SIGNATURES) or head[8:] == b"WEBP" or head[4:8] == b"ftyp"


def _present(
    rows: pd.DataFrame, listed_in: str, n_files: int | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows whose photo is there, and a note that counts the others: subsets of a data set are common."""
    there = rows["image_path"].notna()
    if not there.any():
        raise TableError(
            f"none of the {len(rows)} photos listed in {listed_in} is beside it; unpack the images there"
        )
    notes = []
    if not there.all():
        notes.append(f"{(~there).sum()} of the {len(rows)} photos listed in {listed_in} are not there.")
    if n_files and n_files > there.sum():
        notes.append(f"{n_files - there.sum()} photos are not listed in {listed_in}: left out.")
    return rows[there], notes


def _index(folder: Path) -> dict[str, str]:
    """Return photo paths by class folder and name, without suffix: 'class/name'."""
    paths = map(Path, find_photos(folder)[0])
    return {f"{p.parent.name}/{p.stem}": str(p) for p in paths}


def _read_own(folder: Path):
    table = next(
        (folder / f"images{s}" for s in (".parquet", ".csv") if (folder / f"images{s}").is_file()), None
    )
    return read_table(table) if table else None


def _read_oxford(folder: Path):
    if not (folder / "imagelabels.mat").is_file() or not (folder / "setid.mat").is_file():
        return None
    from scipy.io import loadmat

    labels = loadmat(folder / "imagelabels.mat")["labels"].ravel()
    rows = pd.DataFrame({"species_id": labels.astype(str)}, index=range(1, len(labels) + 1))
    sets = loadmat(folder / "setid.mat")
    for published, split in {"trnid": "train", "valid": "valid", "tstid": "test"}.items():
        rows.loc[sets[published].ravel(), "split"] = split
    names = folder / "cat_to_name.json"  # made by others, keys counted from 1 like the labels
    names = json.loads(names.read_text(encoding="utf-8")) if names.is_file() else {}
    rows["species"] = rows["species_id"].map(lambda label: names.get(label, f"class {label}"))
    there = set(os.listdir(folder / "jpg")) if (folder / "jpg").is_dir() else set()
    files = [f"image_{n:05}.jpg" for n in rows.index]
    rows["image_path"] = [str(folder / "jpg" / f) if f in there else None for f in files]
    return _present(rows, "imagelabels.mat")


def _read_plantnet(folder: Path):
    published = folder / "plantnet300K_metadata.json"
    if not published.is_file():
        return None
    rows = pd.DataFrame.from_dict(
        json.loads(published.read_text(encoding="utf-8")), orient="index", dtype=str
    )
    names = folder / "plantnet300K_species_id_2_name.json"
    if names.is_file():
        names = json.loads(names.read_text(encoding="utf-8"))
        rows["species"] = rows["species_id"].map(names).fillna(rows["species_id"])
    index = _index(folder)
    rows["image_path"] = [index.get(f"{s}/{i}") for s, i in zip(rows["species_id"], rows.index)]
    return _present(rows, published.name, len(index))


def _read_plantclef_csv(folder: Path):
    tables = []
    for path in sorted([*folder.glob("*.csv"), *folder.glob("*/*.csv")]):
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            columns = set(file.readline().strip().split(";"))
        if columns & {"species_id", "classid"} and columns & {"image_name", "image_path"}:
            table = _load(path).rename(
                columns={"classid": "species_id", "source": "provider", "learn_tag": "split"}
            )
            table = table.rename(columns={"obsid": "obs_id", "gbif_occurrence_id": "obs_id"})
            listed = table["image_name"] if "image_name" in table else table["image_path"]
            table["key"] = table["species_id"] + "/" + listed.map(lambda name: Path(name).stem)
            tables.append(table.assign(source="web" if "web" in path.name.lower() else "trusted"))
            listed_in = path.name
    if not tables:
        return None
    rows, index = pd.concat(tables, ignore_index=True), _index(folder)
    rows["image_path"] = rows.pop("key").map(index)
    return _present(rows, listed_in if len(tables) == 1 else f"{len(tables)} tables", len(index))


def _read_plantclef_xml(folder: Path):
    first = next(folder.rglob("*.xml"), None)
    if first is None or b"<ClassId" not in first.read_bytes() and b"<MediaId" not in first.read_bytes():
        return None
    rows, damaged = [], 0
    names = {"Content": "organ", "ClassId": "species_id", "LearnTag": "split", "ObservationId": "obs_id"}
    photos = {os.path.splitext(path)[0]: path for path in find_photos(folder)[0]}
    for path in sorted(folder.rglob("*.xml")):
        try:
            fields = {field.tag: field.text for field in ElementTree.parse(path).getroot()}
        except ElementTree.ParseError:
            damaged += 1
            continue
        row = {
            names.get(tag, re.sub(r"(?<=[a-z])(?=[A-Z])", "_", tag).lower()): text
            for tag, text in fields.items()
        }
        row["image_path"] = photos.get(str(path.with_suffix("")))
        rows.append(
            row | {"source": "web" if "web" in str(path.relative_to(folder.parent)).lower() else "trusted"}
        )
    rows, notes = _present(pd.DataFrame(rows), "the XML files", len(photos))
    return rows, notes + ([f"{damaged} XML files are damaged: their photos are left out."] if damaged else [])


def _read_folders(folder: Path):
    photos, others = find_photos(folder)
    rows = pd.DataFrame({"image_path": photos})
    inside = [Path(p).relative_to(folder).parts[:-1] for p in photos]
    while inside and all(len(parts) > 1 and parts[0] == inside[0][0] for parts in inside):
        inside = [parts[1:] for parts in inside]  # a folder that holds all the class folders
    notes = [f"{len(others)} other files are no photos: {', '.join(others[:5])}"] if others else []
    if inside and all(parts and parts[0].lower() in SPLIT_NAMES for parts in inside):
        rows["split"] = [parts[0] for parts in inside]
        inside = [parts[1:] for parts in inside]
    loose = np.array([not parts for parts in inside], dtype=bool)
    if not loose.all():
        rows["species"] = [parts[0].replace("_", " ") if parts else None for parts in inside]
        if loose.any():
            notes.append(f"{loose.sum()} photos lie in no class folder: left out.")
            rows = rows[~loose]
    return rows, notes
