"""Any tool's answers beside the truth: aligned by photo and by name, and scored."""

from pathlib import Path

import numpy as np
import pandas as pd

from plantlab.data.layouts.names import rename
from plantlab.data.layouts.tables import load
from plantlab.data.matching import match_names
from plantlab.data.table import TableError, add_note
from plantlab.predictions import metrics
from plantlab.predictions.listed import TopK, from_table

MEASURES = ("top1", "top5", "mrr", "macro_top1", "ma_mrr")


def read_truth(path: str | Path) -> pd.DataFrame:
    """Return an image table with the true `species` of photos that need not be there.

    Raises:
        TableError: no such table, or without photos or species.
    """
    path = Path(path)
    if not path.is_file():
        raise TableError(f"there is no table {path}; expected image_path (or obs_id) and species.")
    truth = rename(load(path))
    if "image_path" not in truth and "obs_id" in truth:
        truth["image_path"] = truth["obs_id"]
    missing = [name for name in ("image_path", "species") if name not in truth]
    if missing:
        raise TableError(f"{path.name} has no {missing[0]}; it has {', '.join(truth)}.")
    return truth.dropna(subset=["image_path", "species"]).reset_index(drop=True)


def align(listed: pd.DataFrame, truth: pd.DataFrame, checklist: str | Path | None = None) -> TopK:
    """Return a tool's lists beside the truth; what did not fit is in its images' notes.

    A photo without an answer has an empty list: it counts as wrong. Names are the same in another
    spelling, without an author, and, by a checklist, as a synonym; never by a slip of the pen.

    Args:
        listed: of read_answers.
        truth: of read_truth. Where the tool speaks of observations, one row of each is left.
    Raises:
        TableError: the tool speaks of other photos, or of no species of the truth.
    """
    truth, rows = _place(listed["key"], truth)
    known = listed[rows.notna()].assign(row=rows.dropna().astype(int))
    known["species"] = _named(known["species"], truth)
    theirs = known["species"].unique()
    matched = match_names(theirs, truth["species"].unique(), checklist, slips=False)
    ours = matched.dropna().set_index("name")["match"]
    if ours.empty:
        raise TableError(
            f"the answers name no species of the truth: {theirs[0]!r} among {len(theirs)} there, "
            f"{truth['species'].iloc[0]!r} here."
        )
    known["species"] = known["species"].map(ours).fillna(known["species"])
    answers = from_table(truth, known)
    for note in _notes(listed, rows, answers, ours):
        add_note(answers.images, note)
    return answers


def judge(
    answers: TopK, by: str | dict[str, list[str]] | None = None, measures: tuple = MEASURES
) -> pd.DataFrame:
    """Return metrics.score of one photo, and of all photos of a plant where plants have several.

    Args:
        by: a column of the truth, such as "organ", or groups of species; see metrics.score.
    """
    single = metrics.score(answers, by, measures=measures).assign(asked="one photo")
    if "obs_id" not in answers.images or not answers.images["obs_id"].duplicated().any():
        return single
    plants = answers.by_observation()
    several = metrics.score(plants, by, measures=measures).assign(asked="all photos of a plant")
    return pd.concat([single, several], ignore_index=True)


def read_groups(path: str | Path) -> dict[str, list[str]]:
    """Return named groups of species, from a table with the columns group and species.

    Raises:
        TableError: no such table, or without these columns.
    """
    table = load(Path(path)) if Path(path).is_file() else pd.DataFrame()
    if not {"group", "species"} <= set(table):
        raise TableError(f"{path} is no table with the columns group and species.")
    return table.groupby("group", sort=False)["species"].apply(list).to_dict()


def _place(keys: pd.Series, truth: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Return the truth, and the row in it of each key: by path, by file name, or by observation.

    Raises:
        TableError: none of the keys is in it.
    """
    path = truth["image_path"].str.replace("\\", "/")
    base = path.str.split("/").str[-1]
    stem = base.str.replace(r"\.[A-Za-z]{3,4}$", "", regex=True)
    ways = {"path": path, "file name": base, "name without ending": stem}
    if "obs_id" in truth:
        ways["observation"] = truth["obs_id"].astype(str)
    said = keys.str.replace("\\", "/")
    names = {"file name": said.str.split("/").str[-1]}
    names["name without ending"] = names["file name"].str.replace(
        r"\.[A-Za-z]{3,4}$", "", regex=True
    )
    found = {way: names.get(way, said).isin(values).sum() for way, values in ways.items()}
    way = max(found, key=found.get)
    if not found[way]:
        raise TableError(
            f"the answers are of other photos: {keys.iloc[0]!r} there, {path.iloc[0]!r} in the "
            "truth; a key may be a path, a file's name, or an observation."
        )
    first = ~ways[way].duplicated()
    if way != "observation" and not first.all():
        twice = ways[way][~first].iloc[0]
        raise TableError(f"the {way} {twice!r} stands twice in the truth; which one is meant?")
    truth = truth[first].reset_index(drop=True)
    row_of = pd.Series(np.arange(len(truth)), index=ways[way][first])
    return truth, names.get(way, said).map(row_of)


def _named(theirs: pd.Series, truth: pd.DataFrame) -> pd.Series:
    """Return the answers' species by name, where they are the truth's numbers of classes."""
    if "species_id" not in truth:
        return theirs
    pairs = truth.dropna(subset="species_id").drop_duplicates("species_id")
    name_of = pairs.set_index(pairs["species_id"].astype(str))["species"]
    are_numbers = theirs.isin(name_of.index).sum() > theirs.isin(truth["species"]).sum()
    return theirs.map(name_of).fillna(theirs) if are_numbers else theirs


def _notes(listed: pd.DataFrame, rows: pd.Series, answers: TopK, ours: pd.Series) -> list[str]:
    """Return what a reader of the score must know, a sentence each."""
    n_silent = int((answers.columns < 0).all(axis=1).sum())
    n_foreign = listed.loc[rows.isna(), "key"].nunique()
    n_spelt = int((ours != ours.index).sum())
    n_never = answers.images.loc[~answers.images["species"].isin(ours), "species"].nunique()
    told = [
        (n_silent, "{n} of the truth's photos have no answer: they count as wrong."),
        (n_foreign, "{n} photos that were answered are not in the truth."),
        (n_spelt, "{n} names are the truth's in another spelling, or a synonym."),
        (n_never, "{n} species of the truth are named in no answer."),
    ]
    notes = [sentence.format(n=n) for n, sentence in told if n]
    if not answers.are_probabilities:
        notes.append("The scores are no probabilities: how well they are calibrated is unknown.")
    if not answers.knows_top(5):
        notes.append(f"No list holds five names (at most {answers.depth}): top-5 is unknown.")
    return [*notes, "Where a list lacks the truth, its reciprocal rank is 0."]
