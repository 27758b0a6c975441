"""What place and season say of a species: never enough to rule one out, often enough to decide.

Introduced in notebook 06.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import product

import numpy as np
import pandas as pd

from plantlab.data.places import kilometres_between
from plantlab.data.table import observations, require
from plantlab.predictions.predictions import Predictions
from plantlab.predictions.rules import LEAST
from plantlab.predictions.several import gained

YEAR = 365.25  # days
WHERE = ("latitude", "longitude", "date")
RADII = (25.0, 50.0, 100.0, 200.0, 400.0)  # km that are tried
SEASONS = (15.0, 30.0, 1000.0)  # days that are tried; the last is every day
PSEUDO = (1.0, 5.0)  # plants that are tried
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # that are tried; 0 leaves every answer as it is
AT_ONCE = 5_000_000  # distances


@dataclass(frozen=True)
class Settings:
    """How a prior is smoothed, and how much it counts.

    Attributes:
        kilometres, days: the widths of the kernels around a place, and around a day of any year.
        pseudo: plants of the usual mixture that are thought to stand everywhere.
        weight: of its logarithm beside that of the network; 0 switches it off.
    """

    kilometres: float = 100.0
    days: float = 30.0
    pseudo: float = 5.0
    weight: float = 1.0

    def to_dict(self) -> dict[str, float]:
        """Return the settings as JSON holds them."""
        return asdict(self)


class Prior:
    """Where and when the plants of each species were seen.

    Attributes:
        species: K names. shares: how common each is among these plants, (K,).
    """

    def __init__(self, seen: pd.DataFrame, species: Iterable[str]):
        """Keep a row a plant of those whose place is known.

        Args:
            seen: species, latitude, longitude, date; and obs_id, where plants have several photos.
            species: K names, in column order; others are passed over.
        Raises:
            TableError: a column is missing.
        """
        require(seen, "species", "latitude", "longitude", "date")
        self.species = list(species)
        plants = seen.loc[~pd.Series(observations(seen), seen.index).duplicated()]
        columns = pd.Index(self.species).get_indexer(plants["species"])
        known = (columns >= 0) & plants[["latitude", "longitude"]].notna().all(axis=1).to_numpy()
        self.columns = columns[known]
        self.latitude = plants["latitude"].to_numpy(float)[known]
        self.longitude = plants["longitude"].to_numpy(float)[known]
        self.day = days_of(plants["date"])[known]
        counts = np.bincount(self.columns, minlength=len(self.species))
        self.shares = (counts + 1) / (counts.sum() + len(self.species))

    def log_ratios(self, asked: pd.DataFrame, settings: Settings, cell: float = 0.0) -> np.ndarray:
        """Return how much likelier each species is there and then than anywhere, (N, K), in logs.

            log (sum of kernels of its plants + pseudo share) / (sum of all + pseudo) - log share

        It is 0 where no plant was seen near, or the place is not known; without a date the season
        says nothing.

        Args:
            asked: N rows with latitude, longitude and, if known, date.
            cell: degrees of a grid; plants in the cell that is asked about are passed over, so that
                a place is judged by other places. 0 passes over none.
        """
        places = asked[[name for name in WHERE if name in asked]]
        of_row = places.groupby(list(places), dropna=False, sort=False).ngroup().to_numpy()
        once = places.drop_duplicates()  # many photos are taken at one place
        told = np.zeros((len(once), len(self.species)))
        n_rows = max(1, AT_ONCE // max(1, len(self.columns)))
        for start in range(0, len(once), n_rows):
            some = once.iloc[start : start + n_rows]
            told[start : start + n_rows] = self._ratios(some, settings, cell)
        return told[of_row]

    def n_near(self, asked: pd.DataFrame, settings: Settings) -> np.ndarray:
        """Return how many plants count at each place, (N,): the sum of their kernels."""
        if asked.empty:
            return np.zeros(0)
        return self._kernels(asked, settings, 0.0).sum(axis=1)

    def _ratios(self, asked: pd.DataFrame, settings: Settings, cell: float) -> np.ndarray:
        kernel = self._kernels(asked, settings, cell)
        n_species = len(self.species)
        sums = [np.bincount(self.columns, row, minlength=n_species) for row in kernel]
        near = np.array(sums) + settings.pseudo * self.shares  # (N, K)
        of_all = kernel.sum(axis=1, keepdims=True) + settings.pseudo
        return np.log(near / of_all) - np.log(self.shares)

    def _kernels(self, asked: pd.DataFrame, settings: Settings, cell: float) -> np.ndarray:
        """Return how much each plant counts at each place, (N, plants), from 0 to 1."""
        latitude = asked["latitude"].to_numpy(float)
        longitude = asked["longitude"].to_numpy(float)
        away = kilometres_between(
            self.latitude, self.longitude, latitude[:, None], longitude[:, None]
        )  # (N, plants)
        kernel = np.exp(-0.5 * (away / settings.kilometres) ** 2)
        if "date" in asked:
            apart = np.abs(self.day - days_of(asked["date"])[:, None])
            apart = np.minimum(apart, YEAR - apart)
            kernel *= np.exp(-0.5 * (np.nan_to_num(apart) / settings.days) ** 2)
        if cell:
            same = _cells(latitude, cell)[:, None] == _cells(self.latitude, cell)
            same &= _cells(longitude, cell)[:, None] == _cells(self.longitude, cell)
            kernel = np.where(same, 0, kernel)
        return np.nan_to_num(kernel)  # an unknown place is near to none

    def weigh(self, said: Predictions, settings: Settings, cell: float = 0.0) -> Predictions:
        """Return what was said, with place and season taken into account; weight 0 changes nothing.

        Args:
            said: its images have latitude and longitude. cell: see log_ratios.
        """
        if settings.weight == 0:
            return said
        return _times(said, self.log_ratios(said.images, settings, cell), settings.weight)


def _times(said: Predictions, ratios: np.ndarray, weight: float) -> Predictions:
    """Return probabilities times exp(weight x ratios), (N, K); rows sum to 1 again."""
    weighed = said.probs * np.exp(weight * ratios)
    probs = weighed / weighed.sum(axis=1, keepdims=True)
    return Predictions(said.images, said.species, probs)


def log_loss(said: Predictions) -> float:
    """Return the mean of -log of the probability of the truth, over rows whose species is known."""
    known = said.targets >= 0
    likely = said.probs[known, said.targets[known]]
    return float(-np.log(np.maximum(likely, LEAST)).mean())


def days_of(dates: pd.Series) -> np.ndarray:
    """Return the day of the year of each date, NaN where it is not known."""
    return pd.to_datetime(dates, errors="coerce", format="ISO8601").dt.dayofyear.to_numpy(float)


def _cells(degrees: np.ndarray, cell: float) -> np.ndarray:
    return np.floor(degrees / cell)


def choose_prior(prior: Prior, valid: Predictions, cell: float = 1.0) -> Settings:
    """Return the settings that make the truth likeliest on valid, whole cells held out.

    By the mean logarithm of the probability of the truth, so that no certainty is bought dearly.

    Args:
        valid: a row a plant, with latitude, longitude and date. cell: see Prior.log_ratios.
    """
    best = Settings(weight=0.0)
    least = log_loss(valid)
    for kilometres, days, pseudo in product(RADII, SEASONS, PSEUDO):
        settings = Settings(kilometres, days, pseudo)
        ratios = prior.log_ratios(valid.images, settings, cell)
        for weight in WEIGHTS[1:]:
            loss = log_loss(_times(valid, ratios, weight))
            if loss < least:
                least = loss
                best = Settings(kilometres, days, pseudo, weight)
    return best


def gains_of(now: pd.Series, before: pd.Series, groups: pd.Series, least: int = 10) -> pd.DataFrame:
    """Return what each group of plants gains, a row a group.

    Its columns: method (the name of the group), n, gain, low, high; the largest gain first.

    Args:
        now, before: a number a plant, as several.by_plant has them. groups: of each plant.
        least: plants; smaller groups are left out.
    """
    rows = []
    for group, plants in groups.groupby(groups):
        if len(plants) >= least:
            gain, low, high = gained(now[plants.index], before[plants.index])
            rows.append({"method": group, "n": len(plants), "gain": gain, "low": low, "high": high})
    table = pd.DataFrame(rows, columns=["method", "n", "gain", "low", "high"])
    return table.sort_values("gain", ascending=False, ignore_index=True)
