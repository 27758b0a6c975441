"""What a service was asked and kept: photos, and a line for each question."""

from pathlib import Path

import pandas as pd

from plantlab.data.layouts.found import Found, count_note
from plantlab.files import read_lines

JOURNAL = "questions.jsonl"
COLUMNS = ["obs_id", "photos", "organs", "project", "answered", "score", "time"]


def journal_of(folder: str | Path) -> pd.DataFrame:
    """Return the questions that a service kept in `folder`, a row each; empty where there is none.

    The same photos are the same plant; it stands once, as it was asked about last.
    """
    table = pd.DataFrame(read_lines(Path(folder, JOURNAL), COLUMNS), columns=COLUMNS)
    return table.drop_duplicates("obs_id", keep="last", ignore_index=True)


def read_questions(folder: Path) -> Found | None:
    """Return a row a photo of the plants that were asked about; None if `folder` keeps none.

    They have no species: what a model `answered` is no label.
    """
    if not (folder / JOURNAL).is_file():
        return None
    rows = []
    n_missing = 0
    for asked in journal_of(folder).itertuples():
        for name, organ in zip(asked.photos, asked.organs):
            path = folder / "photos" / name
            if not path.is_file():
                n_missing += 1
                continue
            shown = "" if organ == "auto" else organ
            rows.append([str(path), asked.obs_id, shown, asked.answered, asked.score, asked.time])
    columns = ["image_path", "obs_id", "organ", "answered", "score", "asked"]
    notes = count_note("Photos of kept questions that are not there", n_missing)
    return Found(pd.DataFrame(rows, columns=columns), notes)
