"""Some species apart: what is gained on them, and the rarest by name."""

from collections.abc import Iterable, Mapping

import pandas as pd

from plantlab.data.table import data_kind
from plantlab.predictions import metrics
from plantlab.predictions.predictions import Predictions


def gain_within(
    better: Predictions, worse: Predictions, asked: Iterable[str], measure: str = "macro_top1"
) -> dict[str, float | str]:
    """Return what the first gains on the second on photos of the species `asked`.

    Why: a gain of the rare and a loss of the common cancel in a score of all. `gain`, `gain_low`
    and `gain_high` are those of metrics.difference; beside them n and kind.

    Raises:
        ValueError: no photo is of these species.
    """
    rows = better.images["species"].isin(set(asked)).to_numpy()
    if not rows.any():
        raise ValueError("no photo is of the species asked; name some of `images['species']`")
    gain, low, high = metrics.difference(better.select(rows), worse.select(rows), measure)
    kind = data_kind(better.images)
    return {"gain": gain, "gain_low": low, "gain_high": high, "n": int(rows.sum()), "kind": kind}


def rarest(answers: Mapping[str, Predictions], counts: pd.Series, n: int = 8) -> pd.DataFrame:
    """Return the `n` species learnt from the fewest photos, and how often each answer is right.

    Args:
        answers: to the same photos, by name: a column each, the share right.
        counts: train photos by species.
    """
    fewest = counts.sort_values(kind="stable").head(n)
    table = pd.DataFrame({"train photos": fewest})
    for name, answer in answers.items():
        species = answer.images["species"].to_numpy()
        right = pd.Series(answer.right()).groupby(species)
        table["test plants"] = right.size().reindex(table.index, fill_value=0)
        table[name] = right.mean()
    return table


def side_by_side(
    answers: Mapping[str, Predictions], by: str, names: Mapping[str, str], measure: str = "mrr"
) -> pd.DataFrame:
    """Return a row an answer, with its score in each group of images in columns beside one another.

    The columns are `method`, kind, n, and of each group `name`, `name_low` and `name_high`.
    Introduced in notebook 12.

    Args:
        by: the column of the image table that holds the group.
        names: of the groups, what their columns are called.
    """
    rows = []
    for method, answer in answers.items():
        scores = metrics.score(answer, by=by, measures=[measure]).set_index(by)
        row = {"method": method, "kind": data_kind(answer.images), "n": len(answer)}
        for group, name in names.items():
            for end in ("", "_low", "_high"):
                row[name + end] = scores.loc[group, measure + end]
        rows.append(row)
    return pd.DataFrame(rows)
