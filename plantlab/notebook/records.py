"""Records of many runs: read, tabulated, compared."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from plantlab.files import project_root
from plantlab.predictions.metrics import SCORES, readable

TOLD = ["notebook", "run", "data", "kind", "method", "split", "images_per_species", "n", "seed"]
UNCOMMITTED = ["default", "test", "by-hand"]  # runs that stay where they were made
GROWN = r"^(.*-images)-[0-9a-f]{8}$"  # the name of a flora: its size, then what it was grown from


# reading


def read_records(source: str | Path | Iterable[str | Path] | None = None) -> pd.DataFrame:
    """Return all records under `source`, one row a score or, where it scored nothing, a record.

    Columns: notebook, run, data, kind, hash, n_images, n_species, the score's own, `param_<name>`,
    `holds` (claims that hold, as "3/3"), device, seconds, date.

    Args:
        source: a folder, a record or a list of them; else results/.
    Raises:
        ValueError: there is no record, or one of them is cut off or something else.
    """
    if source is None:
        source = project_root() / "results"
    given = [source] if isinstance(source, str | Path) else source
    places = [Path(each) for each in given]
    paths = []
    for place in places:
        paths += [place] if place.suffix == ".json" else sorted(place.rglob("record.json"))
    if not paths:
        searched = ", ".join(map(_searched, places))
        raise ValueError(f"no record.json in {searched}; run a notebook first.")
    rows = []
    for path in paths:
        rows += _read(path)
    return pd.DataFrame(rows)


def _searched(place: Path) -> str:
    return str(place) if place.exists() else f"{place} (not there)"


def _read(path: Path) -> list[dict]:
    try:
        return _rows(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError) as error:
        wrong = f"{path} is not a run record: {error!r}."
        raise ValueError(f"{wrong} Run its notebook again.") from error


def _rows(record: dict) -> list[dict]:
    """Return a record's scores, each between what was run and how it went."""
    data = dict(record["data"])
    asked = {"notebook": record["notebook"], "run": record["run"], "data": data.pop("name")}
    went = {f"param_{name}": value for name, value in record["params"].items()}
    held = [claim["holds"] for claim in record["claims"]]
    went["holds"] = f"{sum(held)}/{len(held)}"
    for name in ("device", "seconds", "date"):
        went[name] = record[name]
    scores = record["scores"] or [{}]
    return [asked | data | score | went for score in scores]


def _of_notebook(notebook: str) -> pd.DataFrame:
    """Return a notebook's records, an empty table where there are none."""
    folder = project_root() / "results" / notebook
    if any(folder.rglob("record.json")):
        return read_records(folder)
    return pd.DataFrame(columns=["run", "data", "kind", "split"])


def _committed(notebook: str) -> pd.DataFrame:
    """Return a notebook's records but those at the defaults, of tests or by hand.

    Floras of one size get one name, whatever seed each was grown from.
    """
    records = _of_notebook(notebook)
    grown = records["data"].str.replace(GROWN, r"flora, \1", regex=True)
    records["data"] = grown.where(records["kind"] == "generated", records["data"])
    return records[~records["run"].isin(UNCOMMITTED)]


# comparing


def compare(records: pd.DataFrame) -> pd.DataFrame:
    """Return scores of `read_records` side by side, with their intervals.

    Of the parameters it shows those that differ.
    """
    if "method" not in records:
        records = records.iloc[:0]
    else:
        records = records.dropna(subset="method")
    records = readable(records)
    params = [column for column in records if column.startswith("param_")]
    varied = [column for column in params if _varies(records[column])]
    shown = [*TOLD, *SCORES, "f1", *varied, "minutes", "seconds"]
    table = records[[column for column in shown if column in records]]
    table = table.rename(columns=lambda column: column.removeprefix("param_"))
    twice = table.columns.duplicated()  # a parameter that the scores name too, such as seed
    return table.loc[:, ~twice].reset_index(drop=True)


def _varies(values: pd.Series) -> bool:
    return len(set(map(str, values))) > 1  # as text, for some values are lists


def with_energy(table: pd.DataFrame, watts: float, price: float | None = None) -> pd.DataFrame:
    """Return `compare`'s table with `watt_hours` and, with a price, `money`.

    They are computed when read, never stored. A method's own minutes count, those of the whole run
    where it has none.

    Args:
        watts: what the machine draws at work.
        price: of a kilowatt hour, in any currency.
    """
    minutes = table["seconds"] / 60
    if "minutes" in table:
        minutes = table["minutes"].astype(float).fillna(minutes)
    watt_hours = (watts * minutes / 60).round(2)
    table = table.assign(watt_hours=watt_hours)
    if price is None:
        return table
    return table.assign(money=(watt_hours / 1000 * price).round(4))


def recorded(notebook: str, kind: str = "photographs") -> pd.DataFrame:
    """Return `compare` of the notebook's records of one kind of data, empty without any."""
    records = _of_notebook(notebook)
    return compare(records[records["kind"] == kind])


def recorded_runs(notebook: str, run: str) -> pd.DataFrame:
    """Return every score of a notebook's records whose run's name begins with `run`, as recorded.

    It is empty where there are none. Introduced in notebook 09.
    """
    records = _of_notebook(notebook)
    return records[records["run"].str.startswith(run)].reset_index(drop=True)


def recorded_means(
    notebook: str, *columns: str, split: str = "test", by: Iterable[str] = (), digits: int = 3
) -> pd.DataFrame:
    """Return scores on record, a row a data set and method.

    They are means over the seeds, with how many, n, machine and date. Runs at the defaults, which
    are not committed, are left out.

    Args:
        columns: besides top1, such as macro_top1.
        by: parameters that part rows, too, such as noise.
        digits: of means.
    """
    scores = ["top1", *columns]
    keys = ["data", "kind", *by, "method"]
    records = _committed(notebook)
    records = records[records["split"] == split]
    if records.empty:
        return pd.DataFrame(columns=[*keys, "seeds", "n", *scores, "device", "date"])
    records = records.rename(columns={f"param_{name}": name for name in by})
    told = {"seeds": ("seed", "nunique"), "n": ("n", "first")}
    for column in scores:
        if column in records:
            told[column] = (column, "mean")
    for column in ("device", "date"):
        told[column] = (column, "last")
    table = records.groupby(keys, sort=False).agg(**told).reset_index()
    return table.assign(date=table["date"].str[:10]).round(digits)


# choosing


def chosen_on_valid(notebook: str, data: str, measure: str, within: tuple[str, float, str]) -> str:
    """Return a sentence: the method that is best on valid, and its gain on test over all seeds.

    Args:
        data: as recorded_means names it.
        measure: by which a method is best, such as ma_mrr.
        within: measure, loss allowed, method: what may be lost against which.
    """
    limited, allowed, base = within
    known = recorded_means(notebook, measure, limited, split="valid", digits=9)
    known = known[known["data"] == data].set_index("method")
    close = known[limited] >= known.loc[base, limited] - allowed
    best = known.loc[close, measure].idxmax()
    records = _committed(notebook)
    of_best = (records["data"] == data) & (records["method"] == best)
    tested = records[of_best & (records["split"] == "test")]
    gain = tested["gain"].mean()
    spread = _half_width(tested)
    low = 100 * (gain - spread)
    high = 100 * (gain + spread)
    said = f"{best}, macro top-1 {100 * gain:+.1f} points ({low:+.1f} to {high:+.1f})"
    return f"{data}, {len(tested)} seeds: {said} against {base}"


def _half_width(tested: pd.DataFrame) -> float:
    """Return half the width of the interval around the mean gain of several seeds.

    On photographs the seeds share their test photos and are no surer than one; of generated data
    each seed grew a flora of its own, so that their errors are independent.
    """
    half = (tested["gain_high"] - tested["gain_low"]) / 2
    if (tested["kind"] == "generated").all():
        return np.sqrt(np.square(half).sum()) / len(half)
    return half.mean()
