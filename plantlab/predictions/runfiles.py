"""What tools answered, read as lists: PlantCLEF runs, Pl@ntNet, pybioclip, our own, tables."""

import json
import re
from pathlib import Path

import pandas as pd

from plantlab.data.layouts.tables import load
from plantlab.data.table import TableError

RUN = ["key", "species", "score", "rank"]  # of a PlantCLEF run, which has no header
KEYS = "image_path file_name filename image file photo path obs_id observation_id observationid id"
SPECIES = "species class_id classid class classification label name prediction scientific_name"
SCORE = "score probability prob p confidence"
KINDS = "a PlantCLEF run, answers of the Pl@ntNet API (.json), a CSV of pybioclip or of identify"
NUMBERED = re.compile(r"species_(\d+)")  # the columns of `plantlab identify`


def read_answers(path: str | Path) -> pd.DataFrame:
    """Return what a tool answered: `key, species, score`, and `rank` where it says one.

    A row is a name that was listed. `key` says of what, as the tool calls it: a file, its name, or
    an observation; `species` is a name or the number of a class.

    Args:
        path: a file, or a folder of Pl@ntNet's answers, a .json each, named like the photo.
    Raises:
        TableError: none of the kinds that are read, or not one answer.
    """
    path = Path(path)
    if path.is_dir():
        listed = _read_folder(path)
    elif not path.is_file():
        raise TableError(f"there are no answers at {path}; expected {KINDS}, or a table.")
    elif path.suffix in (".json", ".jsonl"):
        listed = _read_json(path)
    elif _is_run(path):
        listed = pd.read_csv(path, sep=";", names=RUN, dtype=str, skipinitialspace=True)
    else:
        listed = _read_table(load(path), path.name)
    listed = _in_numbers(listed, path.name)
    if listed.empty:
        raise TableError(f"{path.name} holds no answer; expected {KINDS}, or a table.")
    return listed


# PlantCLEF


def _is_run(path: Path) -> bool:
    """Return whether the first line is one of a run: four cells, the last two of them numbers."""
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        cells = file.readline().strip().split(";")
    return len(cells) == 4 and _is_number(cells[2]) and _is_number(cells[3])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# Pl@ntNet


def _read_folder(folder: Path) -> pd.DataFrame:
    files = sorted(folder.glob("*.json"))
    if not files:
        raise TableError(f"no .json in {folder}; expected Pl@ntNet's answers, one a photo.")
    parts = [_of_plantnet(_loaded(file), [file.stem]) for file in files]
    return pd.concat(parts, ignore_index=True)


def _read_json(path: Path) -> pd.DataFrame:
    """Return the rows of one answer, of a list of them, of one a line, or of {photo: answer}."""
    if path.suffix == ".jsonl":
        lines = path.read_text(encoding="utf-8").splitlines()
        held = [json.loads(line) for line in lines if line.strip()]
    else:
        held = _loaded(path)
    if isinstance(held, dict) and "results" not in held:
        parts = [_of_plantnet(answer, [photo]) for photo, answer in held.items()]
    else:
        answers = held if isinstance(held, list) else [held]
        parts = [_of_plantnet(answer, _photos_of(answer)) for answer in answers]
    return pd.concat(parts, ignore_index=True)


def _loaded(path: Path) -> dict | list:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TableError(f"{path.name} is no JSON: {error}") from None


def _photos_of(answer: dict) -> list[str]:
    """Return the files that an answer is about, as it names them itself."""
    organs = answer.get("predictedOrgans") or []
    files = [organ["filename"] for organ in organs if organ.get("filename")]
    return files or answer.get("query", {}).get("images", [])


def _of_plantnet(answer: dict, photos: list[str]) -> pd.DataFrame:
    """Return the rows of one answer, for each photo that it is about.

    Raises:
        TableError: it has no results, or names no photo.
    """
    if "results" not in answer or not photos:
        raise TableError(
            f"an answer of the Pl@ntNet API has results and names its photos; got "
            f"{', '.join(list(answer)[:5]) or 'nothing'}."
        )
    rows = []
    for rank, result in enumerate(answer["results"], 1):
        name = result["species"]["scientificNameWithoutAuthor"]
        rows += [(photo, name, result["score"], rank) for photo in photos]
    return pd.DataFrame(rows, columns=RUN)


# tables


def _read_table(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the rows of a table: pybioclip's, that of `identify`, or any with three columns."""
    columns = {str(column).strip().lower(): column for column in table}
    key = _column(columns, KEYS)
    if key and "species_1" in columns:
        return _of_identify(table, key)
    species, score = (_column(columns, names, but=key) for names in (SPECIES, SCORE))
    if not (key and species and score):
        raise TableError(
            f"{name} has the columns {', '.join(list(map(str, table))[:12])}; expected a photo or "
            "an observation (image_path), a name (species) and a score."
        )
    found = {"key": table[key], "species": table[species], "score": table[score]}
    if "rank" in columns:
        found["rank"] = table[columns["rank"]]
    return pd.DataFrame(found)


def _column(columns: dict[str, str], names: str, but: str | None = None) -> str | None:
    """Return the first column that has one of the names, in the order of these."""
    for name in names.split():
        if name in columns and columns[name] != but:
            return columns[name]
    return None


def _of_identify(table: pd.DataFrame, key: str) -> pd.DataFrame:
    """Return the rows of a table with `species_1`, `score_1`, ... beside each photo."""
    parts = []
    for column in table:
        number = NUMBERED.fullmatch(str(column))
        if number:
            rank = number[1]
            said = {"key": table[key], "species": table[column], "score": table[f"score_{rank}"]}
            parts.append(pd.DataFrame(said).assign(rank=rank))
    return pd.concat(parts, ignore_index=True)


def _in_numbers(listed: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the rows with scores and ranks as numbers, without those that name nothing.

    Raises:
        TableError: a score or a rank is no number.
    """
    listed = listed.assign(key=listed["key"].astype(str).str.strip())
    listed["species"] = listed["species"].astype("str").str.strip()
    listed = listed[listed["species"].notna() & ~listed["species"].isin(["", "nan", "None"])]
    for column in {"score", "rank"} & set(listed):
        text = listed[column].replace("", None)
        numbers = pd.to_numeric(text, errors="coerce")
        wrong = text[numbers.isna() & text.notna()]
        if len(wrong):
            raise TableError(f"{name}: the {column} {wrong.iloc[0]!r} is no number.")
        listed[column] = numbers
    if "rank" in listed and listed["rank"].isna().any():
        listed = listed.drop(columns="rank")
    return listed.reset_index(drop=True)
