"""A thousand damaged data sets, by seed: none may crash, lose a photo in silence, or talk at length.

    python tests/campaign/campaign.py          # 1,000 of them; prints what results/README.md tells
    python tests/campaign/campaign.py 50 7     # fifty, from seed 7 on

Each is a small data set in a layout that is known, with up to three damages, given to `plantlab look` and to
`set_aside`. A photo is lost in silence where the files or rows given are more than those read and those that notes
count; where the table itself was damaged byte by byte nobody knows what was given, so only crashes and messages count.
"""

import contextlib
import io
import json
import os
import re
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from plantlab.cli import main as command_line
from plantlab.data.inspection import set_aside
from plantlab.data.layouts import read_images
from plantlab.data.table import TableError

SPECIES = ["Rosa canina", "Bellis perennis", "Étoile NA", "None", "Quercus × rosacea"]
LONGEST = 600  # letters of a message
LISTS = (".csv", ".json", ".txt", ".xml")  # what lists photos
COUNTED = re.compile(  # notes that count what is not read, and how many that is
    r"(?:Photos outside the class folders were left out"
    r"|Files left out, for their names are not UTF-8; rename them"
    r"|Rows of .* that name no photo were left out"
    r"|Photos of the archive that are not there"
    r"|Lines of .* that name no photo and label"
    r"|Other files, no photos): (\d+)"
)


class Tried(NamedTuple):
    """What came of one data set: its layout, how it ended, the longest message, photos lost."""

    layout: str
    ended: str
    longest: int
    lost: int


class Made(NamedTuple):
    """A data set as it was made: what to name, how many photos it has (None: nobody knows)."""

    layout: str
    source: Path
    n_photos: int | None


def photo(path: Path, rng: np.random.Generator) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    small = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(small).resize((64, 48)).save(path, format="JPEG")


def tree(folder: Path, rng: np.random.Generator) -> Made:
    """Make class folders, maybe below splits or families, with files of other kinds."""
    above = rng.choice(["", "train val", "train_mini public_test", "Rosaceae Asteraceae"])
    n = int(rng.integers(3, 12))
    for i in range(n):
        top = rng.choice(above.split()) if above else "."
        photo(folder / top / str(rng.choice(SPECIES)) / f"{i}.jpg", rng)
    return Made("class folders", folder, n)


def table(folder: Path, rng: np.random.Generator) -> Made:
    n = int(rng.integers(3, 12))
    for i in range(n):
        photo(folder / f"{i}.jpg", rng)
    rows = pd.DataFrame({"file": [f"{i}.jpg" for i in range(n)]})
    rows["species"] = rng.choice([*SPECIES, ""], n)
    rows["lat"] = rng.choice(["48.1", "48,1", "4810", ""], n)
    rows["lon"] = rng.choice(["16", "", "-200"], n)
    rows["eventDate"] = rng.choice(["2021", "03.05.2021", "2021-05-03T10:00:00+02:00", "?"], n)
    rows["locality"] = rng.choice(["here", '"there', "a 5' b", "\ta"], n)
    separator = str(rng.choice([",", ";", "\t"]))
    plain = rows.replace(re.escape(separator), " ", regex=True)
    lines = [separator.join(plain.columns), *(separator.join(row) for row in plain.to_numpy())]
    (folder / "list.csv").write_text("\n".join(lines), encoding="utf-8")
    return Made("table", folder / "list.csv", n)


def coco(folder: Path, rng: np.random.Generator) -> Made:
    n = int(rng.integers(3, 12))
    for i in range(n):
        photo(folder / "photos" / f"{i}.jpg", rng)
    held = {
        "images": [{"id": i, "file_name": f"photos/{i}.jpg"} for i in range(n)],
        "annotations": [{"image_id": i, "category_id": i % 2} for i in range(n)],
        "categories": [{"id": i, "name": SPECIES[i]} for i in range(2)],
    }
    (folder / "train.json").write_text(json.dumps(held))
    return Made("COCO", folder / "train.json", n)


def lists(folder: Path, rng: np.random.Generator) -> Made:
    n = int(rng.integers(3, 12))
    for i in range(n):
        photo(folder / "jpg" / f"{i}.jpg", rng)
    lines = [f"jpg/{i}.jpg {i % 2}" for i in range(n)]
    (folder / "train.txt").write_text("\n".join(lines[: n // 2]))
    (folder / "test.txt").write_text("\n".join(lines[n // 2 :]))
    return Made("lists", folder, n)


META = """<archive xmlns="http://rs.tdwg.org/dwc/text/">
 <core fieldsTerminatedBy="," ignoreHeaderLines="1" rowType="http://rs.tdwg.org/dwc/terms/Occurrence">
  <files><location>occurrence.csv</location></files><id index="0"/>
  <field index="1" term="http://rs.tdwg.org/dwc/terms/scientificName"/></core>
 <extension fieldsTerminatedBy="," ignoreHeaderLines="1"
  rowType="http://rs.gbif.org/terms/1.0/Multimedia">
  <files><location>multimedia.csv</location></files><coreid index="0"/>
  <field index="1" term="http://purl.org/dc/terms/identifier"/></extension></archive>"""


def archive(folder: Path, rng: np.random.Generator) -> Made:
    """Make a Darwin Core archive: one to three photos an occurrence."""
    n = int(rng.integers(3, 12))
    for i in range(n):
        photo(folder / "media" / f"{i}.jpg", rng)
    of = np.sort(rng.integers(0, 4, n))
    core = [f"{i},{rng.choice(SPECIES)}" for i in range(4)]
    media = [f"{of[i]},https://example.org/{i}.jpg" for i in range(n)]
    (folder / "meta.xml").write_text(META)
    (folder / "occurrence.csv").write_text("\n".join(["id,name", *core]), encoding="utf-8")
    (folder / "multimedia.csv").write_text("\n".join(["coreid,at", *media]))
    return Made("Darwin Core archive", folder, n)


def cut_a_photo(made: Made, folder: Path, rng: np.random.Generator) -> Made:
    path = _some(folder, "*.jpg", rng)
    content = path.read_bytes()
    path.write_bytes(content[: int(rng.integers(0, len(content) + 1))])
    return made


def blank_a_photo(made: Made, folder: Path, rng: np.random.Generator) -> Made:
    _some(folder, "*.jpg", rng).write_bytes(b"")
    return made


def web_page_for_a_photo(made: Made, folder: Path, rng: np.random.Generator) -> Made:
    _some(folder, "*.jpg", rng).write_text("<html>404</html>")
    return made


def name_in_latin_1(made: Made, folder: Path, rng: np.random.Generator) -> Made:
    path = _some(folder, "*.jpg", rng)
    with contextlib.suppress(OSError):
        os.rename(path, os.fsencode(path.parent) + b"/ros\xe9.jpg")
    names_no_photo = made.layout not in ("class folders", "Darwin Core archive")
    return made._replace(n_photos=None if names_no_photo else made.n_photos)


def other_files(made: Made, folder: Path, rng: np.random.Generator) -> Made:
    (_some(folder, "*.jpg", rng).parent / "._a.jpg").write_bytes(b"mac")
    (folder / "notes.txt").write_text("no list")
    return made._replace(n_photos=None if made.layout == "lists" else made.n_photos)


def loose_photo(made: Made, folder: Path, rng: np.random.Generator) -> Made:
    photo(folder / "loose.jpg", rng)
    more = made.layout == "class folders"
    return made._replace(n_photos=made.n_photos + more if made.n_photos else None)


def link_to_another(made: Made, folder: Path, rng: np.random.Generator) -> Made:
    path = _some(folder, "*.jpg", rng).parent
    with contextlib.suppress(OSError):
        (folder / "alias").symlink_to(path, target_is_directory=True)
    return made


def empty_class(made: Made, folder: Path, rng: np.random.Generator) -> Made:
    (_some(folder, "*.jpg", rng).parent.parent / "Empty").mkdir(exist_ok=True)
    return made


def bytes_of_the_table(made: Made, folder: Path, rng: np.random.Generator) -> Made:
    """Change up to twenty bytes of what lists the photos."""
    listed = [path for path in folder.glob("*") if path.suffix in LISTS]
    for path in listed:
        content = bytearray(path.read_bytes())
        for at in rng.integers(0, len(content), int(rng.integers(1, 20))) if content else ():
            content[at] = int(rng.choice([0, 9, 10, 34, 44, 59, 92, 123, 200, 255]))
        path.write_bytes(bytes(content))
    return made._replace(n_photos=None if listed else made.n_photos)


def cut_the_table(made: Made, folder: Path, rng: np.random.Generator) -> Made:
    listed = [path for path in folder.glob("*") if path.suffix in LISTS]
    for path in listed:
        content = path.read_bytes()
        path.write_bytes(content[: int(rng.integers(0, len(content) + 1))])
    return made._replace(n_photos=None if listed else made.n_photos)


LAYOUTS: list[Callable] = [tree, table, coco, lists, archive]
DAMAGES: list[Callable] = [
    cut_a_photo,
    blank_a_photo,
    web_page_for_a_photo,
    name_in_latin_1,
    other_files,
    loose_photo,
    link_to_another,
    empty_class,
    bytes_of_the_table,
    cut_the_table,
]


def _some(folder: Path, pattern: str, rng: np.random.Generator) -> Path:
    found = sorted(path for path in folder.rglob(pattern) if not path.name.startswith("."))
    return found[int(rng.integers(len(found)))]


def try_one(seed: int, folder: Path) -> Tried:
    """Make the data set of a seed, damage it, read it."""
    rng = np.random.default_rng(seed)
    made = LAYOUTS[seed % len(LAYOUTS)](folder, rng)
    for which in rng.choice(len(DAMAGES), int(rng.integers(1, 4)), replace=False):
        made = DAMAGES[which](made, folder, rng)
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
            code = command_line(["look", str(made.source)])
        ended = {0: "read", 2: "refused in a sentence"}.get(code, f"exit {code}")
        if code == 0:
            images = read_images(made.source)
            good, bad = set_aside(images, folder / "cache.parquet")
            return Tried(made.layout, ended, _longest(good), _lost(made, good, bad))
    except TableError as error:  # set_aside may still say so
        return Tried(made.layout, "refused in a sentence", len(str(error)), 0)
    except Exception as error:  # what the campaign is for
        return Tried(made.layout, f"crash: {type(error).__name__}: {str(error)[:100]}", 0, 0)
    return Tried(made.layout, ended, len(said.getvalue()), 0)


def _longest(images: pd.DataFrame) -> int:
    return max(map(len, images.attrs.get("notes", [""])), default=0)


def _lost(made: Made, good: pd.DataFrame, bad: pd.DataFrame) -> int:
    """Return how many photos are neither read, nor set aside, nor counted in a note."""
    if made.n_photos is None:
        return 0
    counted = 0
    for note in good.attrs.get("notes", []):
        found = COUNTED.match(note)
        counted += int(found[1]) if found else 0
    return max(0, made.n_photos - len(good) - len(bad) - counted)


def run(n: int, first: int = 0) -> pd.DataFrame:
    """Return a row for each of `n` data sets."""
    rows = []
    for seed in tqdm(range(first, first + n), unit=" data sets"):
        folder = Path(tempfile.mkdtemp())
        rows.append(try_one(seed, folder)._asdict() | {"seed": seed})
        shutil.rmtree(folder, ignore_errors=True)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    tried = run(*map(int, sys.argv[1:] or ["1000"]))
    print(tried.groupby(["layout", "ended"]).size().to_string())
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    crashes = tried["ended"].str.startswith(("crash", "exit")).sum()
    print(
        f"{len(tried)} data sets: {crashes} crashes, {tried['lost'].sum()} photos lost in silence,"
    )
    print(f"the longest message {tried['longest'].max()} letters, at most {mib:.0f} MiB.")
