"""Records of many runs: read, tabulated, compared."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from plantlab.files import project_root
from plantlab.predictions.metrics import SCORES, readable


def with_energy(table: pd.DataFrame, watts: float, price: float | None = None) -> pd.DataFrame:
    """Return `compare`'s table with `watt_hours` and, with a price, `money`: computed when read, never stored.

    A method's own minutes count, those of the whole run where it has none.

    Args:
        watts: what the machine draws at work. price: of a kilowatt hour, in any currency.
    """
    minutes = table["seconds"] / 60
    if "minutes" in table:
        minutes = table["minutes"].astype(float).fillna(minutes)
    table = table.assign(watt_hours=(watts * minutes / 60).round(2))
    return (
        table
        if price is None
        else table.assign(money=(table["watt_hours"] / 1000 * price).round(4))
    )


def read_records(source: str | Path | Iterable[str | Path] | None = None) -> pd.DataFrame:
    """Return all records under `source` (a folder, a record or a list; else results/), one row a score or record.

    Columns: notebook, run, data, kind, hash, n_images, n_species, the score's own, `param_<name>`,
    `holds` (claims that hold, as "3/3"), device, seconds, date.
    """
    source = project_root() / "results" if source is None else source
    given = [Path(each) for each in ([source] if isinstance(source, str | Path) else source)]
    paths = [
        p for g in given for p in ([g] if g.suffix == ".json" else sorted(g.rglob("record.json")))
    ]
    if not paths:
        found = ", ".join(f"{g}{'' if g.exists() else ' (not there)'}" for g in given)
        raise ValueError(f"no record.json in {found}; run a notebook first.")
    rows = []
    for path in paths:
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            data, holds = record["data"], [claim["holds"] for claim in record["claims"]]
            head = {
                "notebook": record["notebook"],
                "run": record["run"],
                "data": data.pop("name"),
                **data,
            }
            tail = {f"param_{name}": value for name, value in record["params"].items()}
            tail |= {
                "holds": f"{sum(holds)}/{len(holds)}",
                **{c: record[c] for c in ("device", "seconds", "date")},
            }
            rows += [head | score | tail for score in record["scores"] or [{}]]
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(
                f"{path} is not a run record: {error!r}. Run its notebook again."
            ) from error
    return pd.DataFrame(rows)


def compare(records: pd.DataFrame) -> pd.DataFrame:
    """Return scores of `read_records` side by side: intervals within, and of the parameters those that differ."""
    records = readable(records.dropna(subset="method") if "method" in records else records.iloc[:0])
    varied = [c for c in records if c.startswith("param_") and len(set(map(str, records[c]))) > 1]
    told = "notebook run data kind method split images_per_species n seed".split()
    columns = [*told, *SCORES, *varied, "minutes", "seconds"]
    table = records[[c for c in columns if c in records]].rename(
        columns=lambda c: c.removeprefix("param_")
    )
    return table.loc[:, ~table.columns.duplicated()].reset_index(drop=True)


def recorded(notebook: str, kind: str = "photographs") -> pd.DataFrame:
    """Return `compare` of the notebook's records of one kind of data, an empty table where there are none."""
    folder = project_root() / "results" / notebook
    records = (
        read_records(folder) if any(folder.rglob("record.json")) else pd.DataFrame({"kind": []})
    )
    return compare(records[records["kind"] == kind])


def recorded_means(
    notebook: str, *columns: str, split: str = "test", by: Iterable[str] = (), digits=3
) -> pd.DataFrame:
    """Return scores on record, a row a data set and method: means over the seeds, with how many, n, machine and date.

    Runs at the defaults, which are not committed, are left out.

    Args:
        columns: besides top1, such as macro_top1. by: parameters that part rows, too, such as noise. digits: of means.
    """
    records = _committed(notebook)
    records = records[records["split"] == split].rename(
        columns={f"param_{name}": name for name in by}
    )
    keys = ["data", "kind", *by, "method"]
    if records.empty:
        return pd.DataFrame(columns=[*keys, "seeds", "n", "top1", *columns, "device", "date"])
    means = {c: (c, "mean") for c in ("top1", *columns) if c in records}
    last = {c: (c, "last") for c in ("device", "date")}
    told = {"seeds": ("seed", "nunique"), "n": ("n", "first"), **means, **last}
    table = records.groupby(keys, sort=False).agg(**told).reset_index()
    return table.assign(date=table["date"].str[:10]).round(digits)


def chosen_on_valid(notebook: str, data: str, measure: str, within: tuple[str, float, str]) -> str:
    """Return a sentence: the recorded method that is best by `measure` on valid, and its gain on test over all seeds.

    Args:
        data: as recorded_means names it. within: measure, loss allowed, method: what may be lost against which.
    """
    limited, loss, base = within
    known = recorded_means(notebook, measure, limited, split="valid", digits=9)
    known = known[known["data"] == data].set_index("method")
    best = known.loc[known[limited] >= known.loc[base, limited] - loss, measure].idxmax()
    rows = _committed(notebook).query("data == @data and method == @best and split == 'test'")
    gain, half = rows["gain"].mean(), (rows["gain_high"] - rows["gain_low"]) / 2
    spread = half.mean()  # the seeds share their test photos: no surer than one seed
    if data.startswith("flora"):  # each seed grew a flora of its own
        spread = np.sqrt(np.square(half).sum()) / len(rows)
    ends = f"{100 * (gain - spread):+.1f} to {100 * (gain + spread):+.1f}"
    return f"{data}, {len(rows)} seeds: {best}, macro top-1 {100 * gain:+.1f} points ({ends}) against {base}"


def _committed(notebook: str) -> pd.DataFrame:
    """Return a notebook's records but those at the defaults or by hand; floras of several seeds get one name."""
    folder = project_root() / "results" / notebook
    if not any(folder.rglob("record.json")):
        return pd.DataFrame({"run": [], "split": []})
    records = read_records(folder)
    records["data"] = records["data"].str.replace(
        r"^(.*-images)-[0-9a-f]{8}$", r"flora, \1", regex=True
    )
    return records[~records["run"].isin(["default", "test", "by-hand"])]
