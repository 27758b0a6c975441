"""Steps at the time of asking, one upon the other: what each adds, and whether valid wants it."""

from dataclasses import dataclass, field

import pandas as pd

from plantlab.data.table import data_kind, observations
from plantlab.predictions.predictions import Predictions
from plantlab.predictions.several import by_plant, gained


@dataclass
class Ladder:
    """From one photo up, step by step: a step stays where it raises the MRR of valid's plants.

    Test is scored once a step, and decides nothing. Introduced in notebook 06.

    Attributes:
        photos: what is said of each photo of valid and test, before any step; `images` has `split`.
        rows: what `table` shows, a row a step.
    """

    photos: Predictions
    rows: list[dict] = field(default_factory=list)

    def __post_init__(self) -> None:
        images = self.photos.images
        known = images.assign(obs_id=observations(images)).drop_duplicates("obs_id")
        self.plants = known.set_index("obs_id")
        self.one = by_plant(self.photos)  # (P,) what one photo is worth
        self.state = self.one  # (P,) with the steps that stay
        first = {"method": "one photo", "setting": "", "kept": True}
        self.rows.append(first | self._scores(self.one))

    def climb(
        self,
        method: str,
        answers: Predictions | pd.Series,
        setting: object = "",
        always: bool = False,
    ) -> bool:
        """Put a step on the ladder and return whether it stays.

        Args:
            answers: one row a plant of valid and test, the step taken on top of those that stay; or
                the number of each plant, as by_plant has it.
            always: it stays whatever valid says, as it is no matter of gain.
        """
        now = by_plant(answers) if isinstance(answers, Predictions) else answers
        now = now.reindex(self.state.index)
        before = self.state
        on_valid = self.of("valid", now).mean()
        stays = bool(always or on_valid > self.of("valid", before).mean())
        row = {"method": method, "setting": str(setting), "kept": stays, "on_valid": on_valid}
        gains = self._gains("gain", now, before) | self._gains("total", now, self.one)
        self.rows.append(row | self._scores(now) | gains)
        if stays:
            self.state = now
        return stays

    @property
    def table(self) -> pd.DataFrame:
        """A row a step: method, setting, kept, on_valid, and of test mrr, gain and total.

        `gain` is on the steps kept so far, `total` on one photo; each with its interval, and with
        `ma_` before it as the mean over species. `kind` and `n` plants are there for figures.
        """
        return pd.DataFrame(self.rows)

    def of(self, split: str, values: pd.Series) -> pd.Series:
        """Return the values of a split's plants."""
        return values[(self.plants["split"] == split).reindex(values.index)]

    def _scores(self, now: pd.Series) -> dict:
        told = {"split": "test", "n": len(self.of("test", now))}
        told["kind"] = data_kind(self.photos.images)
        return told | self._gains("mrr", now, 0 * now)

    def _gains(self, name: str, now: pd.Series, before: pd.Series) -> dict:
        """Return the gain on test with its interval, over plants and over species."""
        found = {}
        for prefix, groups in (("", None), ("ma_", self.plants["species"])):
            asked = self.of("test", now), self.of("test", before)
            numbers = gained(*asked, groups)
            found |= dict(zip(_ends(prefix + name), numbers))
        return found


def _ends(name: str) -> list[str]:
    return [name, f"{name}_low", f"{name}_high"]
