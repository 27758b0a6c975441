"""From names to photographs: openly licensed ones, of sites that are asked politely.

What is kept of each: species, observation, licence, author, place, date and source. The result is a
data set: images.csv and a folder a species.
"""

import csv
import io
import re
from collections import Counter
from pathlib import Path

from tqdm.auto import tqdm

from plantlab.data.layouts.tables import load
from plantlab.data.photos import PhotoError, open_photo
from plantlab.data.sites import SOURCES, Asker, Row, is_open, offered
from plantlab.data.table import TableError
from plantlab.files import write_whole

COLUMNS = [
    "image_path",
    "species",
    "obs_id",
    "author",
    "license",
    "latitude",
    "longitude",
    "date",
    "source",
    "publisher",
    "url",
]
ADDRESSES = ("url", "image_url", "photo_url", "identifier", "image_path")  # of a photo, in a table
GIVEN = "as its table's maker was allowed"  # where a table says nothing of licences
LEAST = 32  # pixels of the shorter side


class Shelf:
    """The photos that are there, and images.csv, which lists them: a line is added with each.

    Raises:
        TableError: images.csv is of something else.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        rows = self._read()
        self.urls = {row["url"] for row in rows}
        self.counts = Counter(row["species"] for row in rows)
        write_whole(folder / "images.csv", _lines([dict(zip(COLUMNS, COLUMNS)), *rows]))

    def _read(self) -> list[Row]:
        """Return the rows whose photos are there; half a line, of a killed run, is none."""
        file = self.folder / "images.csv"
        if not file.is_file():
            return []
        with file.open(encoding="utf-8", newline="") as held:
            reader = csv.DictReader(held)
            if reader.fieldnames != COLUMNS:
                raise TableError(f"{file} is of something else; name another folder.")
            rows = [row for row in reader if None not in row.values()]
        return [row for row in rows if (self.folder / row["image_path"]).is_file()]

    def add(self, row: Row, content: bytes) -> None:
        """Keep a photo, then its row."""
        species = str(row["species"])
        place = re.sub(r"[^\w-]+", "_", species)
        self.counts[species] += 1
        path = f"{place}/{row['publisher']}_{self.counts[species]:05d}.jpg"
        while (self.folder / path).exists():  # an earlier row of which was lost
            self.counts[species] += 1
            path = f"{place}/{row['publisher']}_{self.counts[species]:05d}.jpg"
        write_whole(self.folder / path, content)
        self.urls.add(str(row["url"]))
        with (self.folder / "images.csv").open("a", encoding="utf-8", newline="") as file:
            file.write(_lines([row | {"image_path": path}]))


def _lines(rows: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writerows(rows)
    return text.getvalue()


def find_photos_of(
    names: list[str],
    folder: str | Path,
    asker: Asker,
    n: int = 30,
    sources: tuple[str, ...] = tuple(SOURCES),
) -> str:
    """Fetch up to `n` photos of each species into `folder`; return what was done.

    What is there is kept: a killed run goes on, and a larger `n` fetches the rest. A photo that is
    not open, cannot be had or cannot be read is passed over and counted.

    Args:
        names: species.
        sources: names of sites.SOURCES, asked in this order.
    Raises:
        TableError: no name, an unknown source, `folder` holds something else, or no site answers.
    """
    unknown = [source for source in sources if source not in SOURCES]
    if unknown or not names:
        what = f"no source {unknown[0]!r}" if unknown else "no species"
        raise TableError(f"{what}; give names, a line each, and of {', '.join(SOURCES)}.")
    shelf = Shelf(Path(folder))
    n_kept = shelf.counts.total()
    passed: Counter[str] = Counter()
    silent: dict[str, str] = {}
    for name in tqdm(names, unit=" species", desc="find-photos"):
        for row in offered(name, sources, asker, silent):
            if shelf.counts[name] >= n:
                break
            why = _fetch(row | {"species": name}, shelf, asker)
            passed[why] += 1
    if len(silent) == len(sources) and not passed[""]:
        site, why = next(iter(silent.items()))
        raise TableError(f"no site answers; {site} said: {why[:150]}. Is there a connection?")
    stopped = [f"; {site} stopped answering ({why[:80]})" for site, why in silent.items()]
    return _told(passed, n_kept) + "".join(stopped)


def fetch_listed(table: str | Path, folder: str | Path, asker: Asker) -> str:
    """Fetch the photos of a table with `species` and `url`; return what was done.

    Where it has a `license`, photos that are not open are passed over; where it has none, whoever
    made the table answers for it. What is there is kept, as in find_photos_of.

    Raises:
        TableError: other columns, or `folder` holds something else.
    """
    path = Path(table)
    rows = load(path)
    known = {str(column).lower(): column for column in rows}
    ours = {name: known[name] for name in COLUMNS if name in known}
    address = next((known[name] for name in ADDRESSES if name in known), None)
    if address is None or "species" not in ours:
        listed = ", ".join(list(map(str, rows))[:12])
        raise TableError(f"{path.name} has no species and url; it has {listed}.")
    rows = rows.rename(columns={theirs: name for name, theirs in ours.items()} | {address: "url"})
    shelf = Shelf(Path(folder))
    n_kept = shelf.counts.total()
    passed: Counter[str] = Counter()
    for row in tqdm(rows.to_dict("records"), unit=" photos", desc="find-photos"):
        licensed = {} if "license" in ours else {"license": GIVEN}
        passed[_fetch({"publisher": path.stem} | row | licensed, shelf, asker)] += 1
    return _told(passed, n_kept)


def _told(passed: Counter[str], n_kept: int) -> str:
    """Return how many photos were fetched, kept, and passed over for each reason."""
    said = f"{passed['']} photos fetched, {n_kept} kept"
    reasons = sorted(why for why in passed if why not in ("", "known"))
    return said + "".join(f", {passed[why]} {why}" for why in reasons)


def _fetch(row: Row, shelf: Shelf, asker: Asker) -> str:
    """Fetch a photo onto the shelf; return "", or why it was passed over."""
    url = str(row.get("url") or "")
    if url in shelf.urls:
        return "known"
    if not url.startswith(("http://", "https://")):
        return "without an address"
    licence = str(row.get("license") or "")
    if licence != GIVEN and not is_open(licence):
        return "not openly licensed"
    try:
        content = asker.ask(url)
        photo = open_photo(content)
    except (OSError, PhotoError):
        return "could not be had or read"
    except ValueError:
        return "too large"
    if min(photo.size) < LEAST:
        return "too small"
    shelf.add(row, content)
    return ""
