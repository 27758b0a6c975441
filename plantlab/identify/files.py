"""Names for a folder of photos, written as it goes."""

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from functools import cache, partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from plantlab import cluster
from plantlab.data.layouts.search import find_photos, is_utf8, printable
from plantlab.data.photos import SUFFIXES, open_photo
from plantlab.files import write_whole
from plantlab.identify import store
from plantlab.identify.model import Identifier
from plantlab.identify.tiles import Tiling, cut, name_tiles
from plantlab.identify.where import Where
from plantlab.predictions.labelling import label_next
from plantlab.predictions.quadrats import sum_tiles

AT_ONCE = 256  # photos that are named in one go
FIRST = b"image_path"  # what a table of answers begins with
SURVEYED = ["species", "max_score", "count", "coverage"]  # of a photo of many plants


def identify_files(
    photos: list[str],
    out: str | Path,
    model: Identifier,
    where: Where | str = "photo",
    dask: str = "",
) -> str:
    """Write a row a photo into the CSV table `out` as it goes; return what was done.

    The rows are those of Identifier.stream. Rows that stand there are kept, and their photos passed
    over: a killed run goes on, a grown folder is completed.

    Args:
        photos: files, or folders that are searched.
        where: they were taken, see Identifier.stream.
        dask: the address of a cluster, whose workers are asked instead; see cluster.connected.
    Raises:
        ValueError: no such file or folder, no photo in them, or `out` is of another model, place or
            no such table.
    """
    out = Path(out)
    listed, misnamed = _list_photos(photos)
    name = f"{model.card['data']} {model.ready.fingerprint}"
    if model.knows_places:
        name += f" {where or 'anywhere'}"
    kept = _keep_rows(out, name)
    todo = [path for path in listed if path not in kept]
    n_kept = len(listed) - len(todo)
    problems = 0
    with tqdm(total=len(listed), initial=n_kept, unit=" photos", desc="identify") as bar:
        for table in _ask(partial(_named, where=where), model, todo, AT_ONCE, dask):
            _add_rows(out, table.assign(model=name).round(4))
            problems += int((table["problem"] != "").sum())
            bar.update(len(table))
    done = f"{len(todo) - problems} photos named, {n_kept} kept, {problems} could not be read"
    if misnamed:
        done += f", {len(misnamed)} left out for names that are not UTF-8 ({misnamed[0]})"
    return done


def survey_files(
    photos: list[str],
    out: str | Path,
    model: Identifier,
    tiling: Tiling,
    min_score: float = 0.3,
    max_rank: int = 3,
    dask: str = "",
) -> str:
    """Write the species on photos of many plants into the CSV table `out`; return what was done.

    A row a photo and species: image_path, species, max_score, count and coverage of the tiles that
    show it, n_tiles, problem; one row without species where none is shown, or a photo cannot be
    read. Rows that stand there are kept, and their photos passed over.

    Args:
        photos, out, dask: as in identify_files. tiling: how they are cut.
        min_score, max_rank: what a tile must say of a species, and how high, to show it.
    Raises:
        ValueError: as identify_files.
    """
    out = Path(out)
    listed, _ = _list_photos(photos)
    name = (
        f"{model.card['data']} {model.ready.fingerprint} {astuple(tiling)} {min_score} {max_rank}"
    )
    kept = _keep_rows(out, name)
    todo = [path for path in listed if path not in kept]
    problems = 0
    survey = partial(_survey, tiling=tiling, min_score=min_score, max_rank=max_rank)
    tables = _ask(survey, model, todo, 1, dask)
    for rows in tqdm(tables, total=len(todo), unit=" photos", desc="identify"):
        _add_rows(out, rows.assign(model=name).round(4))
        problems += int(rows["problem"].iloc[0] != "")
    n_kept = len(listed) - len(todo)
    return f"{len(todo) - problems} photos surveyed, {n_kept} kept, {problems} could not be read"


def _ask(
    task: Callable[[Identifier, list[str]], pd.DataFrame],
    model: Identifier,
    paths: list[str],
    at_once: int,
    dask: str,
) -> Iterator[pd.DataFrame]:
    """Yield what `task` makes of so many photos at once, in their order, here or on a cluster."""
    starts = range(0, len(paths), at_once)
    parts = [paths[start : start + at_once] for start in starts]
    if not dask:
        yield from map(partial(task, model), parts)
        return
    there = _There(task, str(model.folder), model.ready.fingerprint, Path.cwd())
    with cluster.connected(dask) as client:
        yield from cluster.in_order(client, there, parts)


@dataclass(frozen=True)
class _There:
    """A task for a worker of a cluster, which loads the model itself and stands elsewhere."""

    task: Callable[[Identifier, list[str]], pd.DataFrame]
    folder: str  # of the model
    fingerprint: str
    start: Path  # where relative paths begin

    def __call__(self, paths: list[str]) -> pd.DataFrame:
        model = _loaded(self.folder)
        if model.ready.fingerprint != self.fingerprint:
            raise ValueError(f"{self.folder} holds another model for this worker; copy it anew.")
        listed = {str(self.start / path): path for path in paths}
        table = self.task(model, list(listed))
        return table.assign(image_path=table["image_path"].map(listed))


@cache
def _loaded(folder: str) -> Identifier:
    return store.load(folder)


def _named(model: Identifier, paths: list[str], where: Where | str) -> pd.DataFrame:
    """Return a row a photo."""
    return next(model.stream(paths, len(paths), where=where))


def _survey(
    model: Identifier, paths: list[str], tiling: Tiling, min_score: float, max_rank: int
) -> pd.DataFrame:
    """Return the rows of one photo."""
    (path,) = paths
    problem = ""
    tiles = []
    found = pd.DataFrame(columns=SURVEYED)
    try:
        photo = open_photo(path)
        tiles = cut(*photo.size, tiling)
        said, _ = name_tiles(model, photo, tiles)
        found = sum_tiles(said, None, min_score, max_rank, photo.width * photo.height)
    except ValueError as error:  # a PhotoError, too
        problem = str(error)
    found = found.rename(columns={"name": "species"}).reindex(columns=SURVEYED)
    if found.empty:
        found = pd.DataFrame([[""] + [None] * 3], columns=SURVEYED)
    found.insert(0, "image_path", path)
    return found.assign(n_tiles=len(tiles), problem=problem)


def to_label(photos: list[str], model: Identifier, n: int) -> list[str]:
    """Return the `n` files that a person should label next: doubtful ones, unlike each other.

    Args:
        photos: as in identify_files; what cannot be read is passed over.
    Raises:
        ValueError: no such file or folder, or fewer than `n` photos.
    """
    listed, _ = _list_photos(photos)
    problems = {}
    said, found = model.see(listed, problems)
    readable = np.array([path not in problems for path in listed])
    chosen = label_next(said.select(readable), found[readable], n)
    return np.array(listed)[readable][chosen].tolist()


def _list_photos(photos: list[str]) -> tuple[list[str], list[str]]:
    """Return the files that are named and those in folders that are named, each once.

    And the names, to be printed, of those whose names are not UTF-8.

    Raises:
        ValueError: no such file or folder, or no photo in them.
    """
    listed = {}  # in order; the values are of no matter
    misnamed = []
    for place in map(Path, photos):
        if place.is_dir():
            files, others = find_photos(place)
            misnamed += [printable(path) for path in others if not is_utf8(path)]
        elif place.exists():
            files = [place]
        else:
            raise ValueError(
                f"{place} is neither a file nor a folder; name photos, or folders that hold some."
            )
        listed |= dict.fromkeys(map(str, files))
    if not listed:
        kinds = " ".join(sorted(SUFFIXES))
        raise ValueError(f"no photos in {', '.join(photos)}; looked for {kinds}.")
    return list(listed), misnamed


def _keep_rows(out: Path, name: str) -> set[str]:
    """Return the photos that the table `out` answers; half a line at its end is taken off.

    Raises:
        ValueError: it holds something else, or the answers of another model than `name`.
    """
    text = out.read_bytes() if out.exists() else b""
    whole = text[: text.rfind(b"\n") + 1]  # without a killed run's last line
    unknown = repr(text[:80].decode(errors="replace"))
    if not FIRST.startswith(text.strip()[: len(FIRST)]):
        raise _another(out, unknown)
    if not whole.strip():
        write_whole(out, b"")  # its folder, too
        return set()
    rows = pd.read_csv(BytesIO(whole), dtype=str, keep_default_na=False)
    if "model" not in rows:
        raise _another(out, unknown)
    if (rows["model"] != name).any():
        raise _another(out, "the answers of another model")
    write_whole(out, whole)
    return set(rows["image_path"])


def _another(out: Path, found: str) -> ValueError:
    return ValueError(f"{out} holds {found}; name another file with --out, or delete it.")


def _add_rows(out: Path, rows: pd.DataFrame) -> None:
    """Write rows below those that stand in the table, under a header where there are none."""
    header = out.stat().st_size == 0
    with open(out, "a", encoding="utf-8", newline="") as file:
        file.write(rows.to_csv(index=False, header=header))
