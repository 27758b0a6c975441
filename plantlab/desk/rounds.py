"""The rounds of a game, you against the machine: what is asked, and who has answered what.

data/game/NAME/ holds questions.json with its pictures, and answers.jsonl, a line an answer.
"""

import json
from hashlib import sha1
from pathlib import Path

import numpy as np
import pandas as pd

from plantlab.data.photos import thumbnail
from plantlab.data.splits import only_trusted
from plantlab.data.table import TableError, data_kind
from plantlab.files import append_lines, project_root, read_lines, write_whole
from plantlab.identify.model import Identifier
from plantlab.predictions.duel import share_interval

COLUMNS = ["by", "row", "answer", "time"]
N = 20  # plants
CHOICES = 4  # species to choose from
PICTURE = 320  # pixels
SIMULATED = {"a beginner, simulated": 0.5, "an expert, simulated": 0.9}  # how often right
MACHINE = "the machine"


def deal(images: pd.DataFrame, model: Identifier, name: str, n: int = N, seed: int = 0) -> Path:
    """Write the questions of a game, and what the machine answers, into a folder; return it.

    Each is one photo of a test plant and four species to choose from, its own and relatives, each
    with a photo of train that shows the same organ where there is one. The machine chooses among
    the same four. Questions that were dealt already stay.

    Args:
        images: with test and train, as data.prepare returns it; the machine has not learnt from
            test.
        name: of the folder below data/game; six digits name the model, whose answers it holds.
    Raises:
        TableError: the model knows fewer than four of the species, or too few plants of test.
    """
    digits = sha1(model.arrays["embeddings"].tobytes()).hexdigest()[:6]
    folder = project_root() / "data" / "game" / f"{name}-{digits}"
    if (folder / "questions.json").exists():
        return folder
    rng = np.random.default_rng(seed)
    trusted = only_trusted(images)
    known = trusted[trusted["species"].isin(model.species)]
    train = known[known["split"] == "train"]
    plants = known[known["split"] == "test"].drop_duplicates("obs_id")
    if len(plants) < n or train["species"].nunique() < CHOICES:
        raise TableError(
            f"a game needs {n} test plants of species that the model knows, {CHOICES} species at "
            f"least; there are {len(plants)} plants. {model.knows} Name another with --model."
        )
    asked = _spread(plants, n, rng)
    offered = [_choices(plant, train, rng) for plant in asked.to_dict("records")]
    said, _ = model.see(asked["image_path"].tolist())
    allowed = np.array([pd.Index(model.species).isin(choices) for choices in offered])  # (n, K)
    machine = said.within(allowed).named()
    dealt = []
    for plant, choices, named in zip(asked.to_dict("records"), offered, machine):
        shown = [_reference(choice, plant, train, rng) for choice in choices]
        files = [_picture(path, folder) for path in shown]
        dealt.append(
            {
                "photo": _picture(plant["image_path"], folder),
                "choices": [{"species": c, "photo": file} for c, file in zip(choices, files)],
                "truth": choices.index(plant["species"]),
                "machine": choices.index(named),
            }
        )
    held = {"kind": data_kind(images), "questions": dealt}
    write_whole(folder / "questions.json", json.dumps(held))
    return folder


def _spread(plants: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return `n` plants, of as many species as there are."""
    mixed = plants.sample(frac=1, random_state=int(rng.integers(2**31)))
    turn = mixed.groupby("species").cumcount()
    return mixed.assign(turn=turn).sort_values("turn", kind="stable").head(n)


def _choices(plant: dict, train: pd.DataFrame, rng: np.random.Generator) -> list[str]:
    """Return the plant's species and three others in any order, its relatives first."""
    others = train[train["species"] != plant["species"]].drop_duplicates("species")
    near = np.zeros(len(others))
    for rank in ("genus", "family"):
        if isinstance(plant.get(rank), str):
            near += (others[rank] == plant[rank]).to_numpy()
    order = np.lexsort((rng.random(len(others)), -near))
    chosen = [plant["species"], *others["species"].iloc[order[: CHOICES - 1]]]
    return [chosen[i] for i in rng.permutation(len(chosen))]


def _reference(species: str, plant: dict, train: pd.DataFrame, rng: np.random.Generator) -> str:
    """Return the path of a train photo of a species, of the organ asked about if there is one."""
    photos = train[train["species"] == species]
    if isinstance(plant.get("organ"), str):
        alike = photos[photos["organ"] == plant["organ"]]
        photos = alike if len(alike) else photos
    return photos["image_path"].iloc[int(rng.integers(len(photos)))]


def _picture(path: str, folder: Path) -> str:
    """Return the name of a small picture in the folder, made of a photo."""
    number = len(list(folder.glob("*.jpg")))
    return write_whole(folder / f"{number:03}.jpg", thumbnail(path, PICTURE)).name


def questions(folder: Path) -> list[dict]:
    """Return what is asked: photo, choices (species, photo), truth and machine (their numbers)."""
    return _held(folder)["questions"]


def kind(folder: Path) -> str:
    """Return whether its plants are generated or photographs."""
    return _held(folder)["kind"]


def _held(folder: Path) -> dict:
    return json.loads((folder / "questions.json").read_text(encoding="utf-8"))


def answer(folder: Path, by: str, row: int, choice: int) -> None:
    """Keep what somebody says of a question; it is on the disk when this returns."""
    append_lines(folder / "answers.jsonl", COLUMNS, [[by, row, choice]])


def answers(folder: Path, by: str) -> dict[int, int]:
    """Return what somebody has said, by question; the first word on each counts."""
    rows = read_lines(folder / "answers.jsonl", COLUMNS)
    said = {}
    for row in rows:
        if row["by"] == by:
            said.setdefault(row["row"], row["answer"])
    return said


def right(folder: Path, by: str) -> np.ndarray:
    """Return which questions somebody, or the machine, has answered rightly, bool (N,)."""
    asked = questions(folder)
    if by == MACHINE:
        return np.array([each["machine"] == each["truth"] for each in asked])
    said = answers(folder, by)
    return np.array([said.get(row) == each["truth"] for row, each in enumerate(asked)])


def standings(folder: Path) -> pd.DataFrame:
    """Return the machine's score and that of each who has come to the end, the best first.

    Its columns: by, n, right, low, high (Wilson's 95 % interval of the share). Where fewer than two
    people have, two simulated players of a stated skill stand beside them.
    """
    n = len(questions(folder))
    rows = read_lines(folder / "answers.jsonl", COLUMNS)
    names = dict.fromkeys(row["by"] for row in rows)
    people = [by for by in names if len(answers(folder, by)) == n]
    n_right = {by: int(right(folder, by).sum()) for by in [MACHINE, *people]}
    if len(people) < 2:
        rng = np.random.default_rng(0)
        n_right |= {name: int(rng.binomial(n, skill)) for name, skill in SIMULATED.items()}
    table = pd.DataFrame({"by": n_right.keys(), "n": n, "right": n_right.values()})
    table[["low", "high"]] = [share_interval(count, n) for count in table["right"]]
    return table.sort_values("right", ascending=False, kind="stable").reset_index(drop=True)
