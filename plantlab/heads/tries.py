"""Many ways to learn, each with settings of its own: all tried on valid, and the best chosen."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from torch import nn

from plantlab.heads.vectors import Photos
from plantlab.predictions import Predictions


@dataclass
class Tries:
    """What was tried on the plants of valid: a row a try, and the best one of each method.

    Test is not asked: it is scored once, with what was chosen here.
    """

    photos: Photos
    rows: list[dict] = field(default_factory=list)

    def add(self, method: str, setting: object, head: nn.Module) -> None:
        """Ask a head about valid and put it into the table, with its method and its setting."""
        row = {"method": method, "setting": setting, "head": head}
        answers = self.photos.ask(head, "valid")
        self.rows.append(row | scores_of(answers))

    @property
    def table(self) -> pd.DataFrame:
        """The tries in their order: method, setting, head, and top1, mrr and ma_mrr on valid."""
        table = pd.DataFrame(self.rows)
        settings = [row["setting"] for row in self.rows]
        table["setting"] = pd.Series(settings, dtype=object)  # 1 stays 1, beside a 0.3
        return table

    def best(self, score: str, floor: float = 0.0) -> pd.DataFrame:
        """Return the best try of each method by `score`, a row each with the method as its index.

        Methods stand in the order in which they were first tried; of equal tries the first leads.

        Args:
            score: top1, mrr or ma_mrr.
            floor: of top1. A try below it is taken only where its method has none above.
        """
        table = self.table
        table["affordable"] = table["top1"] >= floor
        ranked = table.sort_values(["affordable", score], ascending=False, kind="stable")
        best = ranked.drop_duplicates("method").set_index("method")
        return best.loc[table["method"].unique()]


def scores_of(answers: Predictions) -> dict[str, float]:
    """Return top1, mrr and ma_mrr of answers, without intervals: quick, to choose by."""
    rank = answers.ranks()
    gained = 1 / rank
    species = answers.images["species"].to_numpy()
    by_species = pd.Series(gained).groupby(species).mean()
    return {"top1": np.mean(rank == 1), "mrr": np.mean(gained), "ma_mrr": by_species.mean()}
