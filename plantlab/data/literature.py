"""The figures that others have printed, to stand beside ours."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from plantlab.files import project_root

AS_TEXT = {"printed": str, "flag": str}  # 0.40 stays 0.40, and a column without flags stays text
KIND = "published figures"  # the word on figures and score tables

DOCUMENTS = {  # how a source begins, by the letter that data/published/README.md gives it
    "A": "Pl@ntNet: towards the recognition of the world's flora",
    "B": "Pl@ntNet: the world's flora on the CINES clusters",
    "C": "Goëau: Identification d'espèces avec réseaux de neurones profonds",
    "D": "Lostal and Sanz: Integration of assisted pattern recognition tools",
    "E": "BioMachina: participation in PlantCLEF 2022",
}
NETWORK = r"Inception(?:-ResNet)?|GoogleNet|ResNet|ResNext|VGGNet|AlexNet"  # as the teams name them


def published(name: str, folder: str | Path | None = None) -> pd.DataFrame:
    """Return a table of the literature: one printed figure a row, with its source and page.

    The first columns say what was measured and how, `metric`, `value` and `unit` what came out, and
    `printed` how it stands in the source. `flag` tells what is wrong or doubtful about a figure and
    `correct`, where it is known, the right value: a flagged figure is never shown without it.
    What each table holds is in data/published/README.md.

    >>> flowers = published("transfer_learning").query("task == 'Flower species'")
    >>> dict(zip(flowers["training"], flowers["value"]))  # percent
    {'from scratch': 59.5, 'pretrained': 89.5}

    Args:
        folder: other tables of the same form, such as a corrected copy; else the project's own.
    Raises:
        ValueError: no table of that name; no tables, because plantlab was copied without them.
    """
    folder = Path(folder) if folder else _folder()
    names = published_names(folder)
    if not names:
        raise ValueError(
            f"no tables in {folder}: they come with plantlab's repository, work in it."
        )
    if name not in names:
        raise ValueError(f"no published table {name!r}; there are {', '.join(names)}.")
    return pd.read_csv(folder / f"{name}.csv", dtype=AS_TEXT)


def published_names(folder: str | Path | None = None) -> list[str]:
    """Return the names of the tables, in order."""
    folder = Path(folder) if folder else _folder()
    return sorted(path.stem for path in folder.glob("*.csv"))


def _folder() -> Path:
    """Return the project's data/published, else that of the repository plantlab is loaded from."""
    of_project = project_root() / "data" / "published"
    of_package = Path(__file__).resolve().parents[2] / "data" / "published"
    return of_project if of_project.is_dir() or not of_package.is_dir() else of_package


def all_figures(folder: str | Path | None = None) -> pd.DataFrame:
    """Return every figure of every table, a row each, in a form whose hash a record can keep.

    Columns: table, printed, value, source, page, kind, and sha1, of the row as it stands.
    """
    tables = []
    for name in published_names(folder):
        rows = published(name, folder)
        lines = rows.to_csv(index=False, header=False).splitlines()
        kept = rows[["printed", "value", "flag", "source", "page"]]
        kept = kept.assign(kind=KIND, sha1=[_digest(f"{name},{line}") for line in lines])
        kept.insert(0, "table", name)
        tables.append(kept)
    figures = pd.concat(tables, ignore_index=True)
    figures.attrs["name"] = KIND
    return figures


def _digest(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


# shown


def shown(
    name: str, folder: str | Path | None = None, across: str = "", **rows: object
) -> pd.DataFrame:
    """Return a table as it is to be read: each figure as printed, beside it what is wrong with it.

    A flagged figure is followed by the right value in brackets, or by [?] where it is not known.
    `document` is the letter of DOCUMENTS, or both where two print the same; where one prints two
    numbers of a thing, both stand there.

    >>> shown("herbarium", across="metric", task="Costa Rica via France")
                        task document   top1
    0  Costa Rica via France        C  0,745

    Args:
        across: a column whose values become columns, such as "metric".
        rows: by column, the value to keep, or a list of them.
    """
    table = _chosen(published(name, folder), rows)
    what = list(table.columns[: table.columns.get_loc("metric") + 1])
    for column in what:
        table[column] = table[column].map(_plain)
    table["figure"] = [_as_printed(row) for row in table.to_dict("records")]
    table["document"] = table["source"].map(letters)
    if not across:
        joined = table.assign(document=table["document"].str.join(", "))
        return joined[[*what, "figure", "document"]].reset_index(drop=True)
    index = [column for column in what if column != across]
    wide = table.explode("document").pivot_table(
        "figure", [*index, "document"], across, aggfunc=" or ".join, sort=False
    )
    wide = wide.rename(columns={name: f"{name}, printed" for name in index})
    wide = wide.fillna("").reset_index().rename_axis(columns=None)
    alike = [column for column in wide if column != "document"]
    joined = wide.groupby(alike, sort=False)["document"].agg(", ".join).reset_index()
    return joined[wide.columns]


def _chosen(table: pd.DataFrame, rows: dict[str, object]) -> pd.DataFrame:
    for column, wanted in rows.items():
        table = table[table[column].isin(wanted if isinstance(wanted, list) else [wanted])]
    return table.copy()


def _plain(value: object) -> str:
    """Return a number or a word as text: 512, not 512.0, and nothing where nothing is said."""
    if pd.isna(value):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _as_printed(row: dict) -> str:
    if pd.isna(row["flag"]):
        return row["printed"]
    right = "?" if pd.isna(row["correct"]) else f"{row['correct']:.10g}"
    return f"{row['printed']} [{right}]"


def letters(sources: str) -> list[str]:
    """Return which documents a source names, by letter, each once.

    >>> letters("BioMachina: participation in PlantCLEF 2022 (paper, 2022)")
    ['E']
    """
    return [letter for letter, title in DOCUMENTS.items() if title in sources]


def flags(name: str, folder: str | Path | None = None, **rows: object) -> None:
    """Print what is wrong or doubtful about the figures of a table, a line for each reason."""
    flagged = _chosen(published(name, folder), rows).dropna(subset="flag")
    for reason, own in flagged.groupby("flag", sort=False):
        print(f"- {', '.join(own['printed'].unique())}: {reason}")


# what explains the teams' scores


def teams(folder: str | Path | None = None) -> pd.DataFrame:
    """Return the teams of PlantCLEF 2017: team, mrr, training, networks and what they learnt from.

    Of three teams the number of networks is printed (`is_printed`); of the others it is that of the
    networks named, so at least as many. `any_web`, `raw_web` and `trusted` say what they learnt
    from: photos of the web, filtered or not; such photos unfiltered; photos of experts.
    """
    rows = published("plantclef2017_teams", folder).rename(columns={"value": "mrr"})
    printed = published("test_time_ensembles", folder).query("metric == 'networks'")
    known = rows["team"].map(printed.set_index("team")["value"])
    named = rows["networks"].map(lambda names: len(re.findall(NETWORK, names)))
    table = rows[["team", "mrr", "training"]].assign(networks=known.fillna(named).astype(int))
    table["is_printed"] = known.notna()
    table["any_web"] = table["training"].str.contains("web")
    table["raw_web"] = table["any_web"] & ~table["training"].str.contains("filtered")
    table["trusted"] = table["training"].str.contains("trusted")
    return table.sort_values("mrr", ascending=False).reset_index(drop=True)


def explain(table: pd.DataFrame, by: list[str], scored: str = "mrr") -> pd.DataFrame:
    """Return how well each column of `by` orders the scores: rho, p, and rho with any row left out.

    `rho` is Spearman's, `p` two-sided and exact: the share of all orders of the scores that go as
    far. `low` and `high` are the least and the greatest rho that are left without one row.
    Source: Spearman 1904; the test Fisher 1935.
    """
    found = []
    for column in by:
        told = table[column].to_numpy(float)
        scores = table[scored].to_numpy(float)
        rest = [~np.eye(len(table), dtype=bool)[row] for row in range(len(table))]
        without = [_rho(told[kept], scores[kept]) for kept in rest]
        rho, chance = _exact(told, scores)
        row = {"by": column, "n": len(table), "rho": rho, "p": chance}
        found.append(row | {"low": np.nanmin(without), "high": np.nanmax(without)})
    return pd.DataFrame(found)


def _rho(told: ArrayLike, scores: ArrayLike) -> float:
    """Return Spearman's rho, NaN where all rows that are left are told the same."""
    from scipy.stats import spearmanr

    if len(set(told)) < 2:
        return np.nan
    return float(spearmanr(told, scores).statistic)


def _exact(told: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """Return Spearman's rho and how many of all orders are as far from 0, as a share."""
    from scipy.stats import permutation_test, rankdata

    fixed = rankdata(told)
    fixed = (fixed - fixed.mean()) / fixed.std() / len(fixed)

    def rho(ranks: np.ndarray, axis: int) -> np.ndarray:
        far = (ranks - ranks.mean(axis, keepdims=True)) / ranks.std(axis, keepdims=True)
        return np.moveaxis(far, axis, -1) @ fixed

    every = {"n_resamples": np.inf, "permutation_type": "pairings", "vectorized": True}
    result = permutation_test((rankdata(scores),), rho, **every)
    return float(result.statistic), float(result.pvalue)
