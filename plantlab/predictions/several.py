"""What several photos of a plant say against one of them, and which organs say it.

A number a plant, so that gains are paired and plants are resampled. Introduced in notebook 06.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from plantlab.data.places import flora_mask
from plantlab.data.table import observations, require
from plantlab.predictions.intervals import bootstrap_interval
from plantlab.predictions.predictions import Predictions

LEAST = 50  # plants that a comparison rests on, at least, to be shown


def organs_of(images: pd.DataFrame) -> list[str]:
    """Return the organs that the photos show, the most frequent first; [] where none is known.

    >>> organs_of(pd.DataFrame({"organ": ["leaf", "flower", "", "leaf"]}))
    ['leaf', 'flower']
    """
    organ = images.get("organ", pd.Series(dtype=str))
    return [name for name in organ.value_counts().index if name]


def by_plant(answers: Predictions) -> pd.Series:
    """Return the mean reciprocal rank of each plant's rows, in their order, by observation.

    Of photos it is what one photo of the plant is worth: what to expect if any one of them had
    been taken.
    """
    reciprocal = pd.Series(1 / answers.ranks())
    return reciprocal.groupby(observations(answers.images), sort=False).mean()


def gained(
    now: pd.Series, before: pd.Series | float = 0.0, groups: pd.Series | None = None
) -> tuple[float, float, float]:
    """Return (gain, low, high): by how much `now` is higher on the same plants, with interval.

    Args:
        now, before: of by_plant. groups: the species of each plant, for the mean of species means.
    """
    gain = now - before
    alike = pd.Series(0, gain.index) if groups is None else groups.loc[gain.index]
    low, high = bootstrap_interval(gain, gain.index, alike)
    if not gain.any():
        low = -high  # no plant differs: as likely worse as better
    return gain.groupby(alike).mean().mean(), low, high


def gain_table(pairs: Mapping[str, tuple[pd.Series, pd.Series]]) -> pd.DataFrame:
    """Return a row for each of `pairs` by its name: method, n plants, before, now, gain, low, high.

    Args:
        pairs: names, and of each the numbers of the same plants now and before, as by_plant has
            them.
    """
    rows = []
    for method, (now, before) in pairs.items():
        gain, low, high = gained(now, before)
        row = {"method": method, "n": len(now), "before": before.mean(), "now": now.mean()}
        rows.append(row | {"gain": gain, "low": low, "high": high})
    return pd.DataFrame(rows)


def some_photos(answers: Predictions, n: int, how: str = "mean") -> pd.Series:
    """Return the mean reciprocal rank of each plant, had only `n` of its photos been taken.

    Over all choices of n; a plant with fewer gives all it has.

    Args:
        how: the rule that weighs them together, one of RULES.
    """
    chosen = _choices(answers, n)
    plants = observations(answers.images)
    first = [choice[0] for choice in chosen]
    reciprocal = pd.Series(_joined(answers, chosen, how))
    return reciprocal.groupby(plants[first], sort=False).mean()


def _choices(answers: Predictions, n: int) -> list[tuple[int, ...]]:
    """Return every choice of n photos of a plant, as row numbers; all of a plant that has fewer."""
    rows = pd.Series(range(len(answers)))
    chosen = []
    for _, of_plant in rows.groupby(observations(answers.images), sort=False):
        chosen += combinations(of_plant, min(n, len(of_plant)))
    return chosen


def _joined(answers: Predictions, chosen: Sequence[tuple[int, ...]], how: str) -> np.ndarray:
    """Return the reciprocal rank of the truth where each choice of photos is weighed together."""
    rows = np.concatenate(chosen)
    lengths = [len(choice) for choice in chosen]
    photos = answers.select(rows)
    images = photos.images.assign(obs_id=np.repeat(range(len(chosen)), lengths))
    together = Predictions(images, photos.species, photos.probs).by_observation(how)
    return 1 / together.ranks()


def organ_pairs(answers: Predictions, how: str = "mean") -> pd.DataFrame:
    """Return one row for each two organs that a plant shows: what they say alone and together.

    Columns: organs ("flower + leaf"), obs_id, species, first, second and together, which are
    reciprocal ranks, on average over the plant's photos of these organs. So all three rest on the
    same plants.

    Args:
        how: the rule that weighs both together, one of RULES.
    Raises:
        TableError: no `organ`.
    """
    require(answers.images, "organ", "species")
    organ = answers.images["organ"].fillna("").to_numpy(dtype=str)
    two = [choice for choice in _choices(answers, 2) if len(choice) == 2]
    two = [sorted(choice, key=organ.__getitem__) for choice in two if all(organ[list(choice)])]
    if not two:
        columns = ["organs", "obs_id", "species", "first", "second", "together"]
        return pd.DataFrame(columns=columns)
    first, second = np.transpose(two)
    alone = 1 / answers.ranks()
    pairs = pd.DataFrame(
        {
            "organs": [f"{one} + {other}" for one, other in zip(organ[first], organ[second])],
            "obs_id": observations(answers.images)[first],
            "species": answers.images["species"].to_numpy()[first],
            "first": alone[first],
            "second": alone[second],
            "together": _joined(answers, two, how),
        }
    )
    keys = ["organs", "obs_id", "species"]
    return pairs.groupby(keys, sort=False).mean().reset_index()


def compare_organs(pairs: pd.DataFrame, least: int = LEAST) -> pd.DataFrame:
    """Return by how much one organ says more than another, on the plants that show both.

    A row two organs: method ("flower over leaf"), winner, loser, n plants, n_species, gain, low and
    high; the largest gain first. Those of fewer than `least` plants are left out.

    Args:
        pairs: of organ_pairs.
    """
    rows = []
    for organs, plants in pairs.groupby("organs"):
        one, other = organs.split(" + ")
        if one == other or len(plants) < least:
            continue
        apart = (plants["first"] - plants["second"]).set_axis(plants["obs_id"])
        gain, low, high = gained(apart)
        if gain < 0:
            one, other = other, one
            gain, low, high = -gain, -high, -low
        row = {"winner": one, "loser": other, **_counts(plants)}
        rows.append(row | {"gain": gain, "low": low, "high": high})
    columns = ["winner", "loser", "n", "n_species", "gain", "low", "high"]
    table = pd.DataFrame(rows, columns=columns)
    table.insert(0, "method", table["winner"] + " over " + table["loser"])
    return table.sort_values("gain", ascending=False, ignore_index=True)


def best_organ(duels: pd.DataFrame) -> str:
    """Return the organ that says clearly more than most others, "" where none does.

    Args:
        duels: of compare_organs; clear is a gain whose interval does not reach zero.
    """
    clear = duels[duels["low"] > 0]
    wins = clear["winner"].value_counts().sub(clear["loser"].value_counts(), fill_value=0)
    return wins.idxmax() if len(wins) else ""


def second_photos(pairs: pd.DataFrame, least: int = LEAST) -> pd.DataFrame:
    """Return what a second photo adds to the better one, on the plants that show both organs.

    A row two organs, which may be the same: organs, better, n plants, n_species, alone (of the
    better), together, gain, low and high; the largest gain first. Those of fewer than `least`
    plants are left out.

    Args:
        pairs: of organ_pairs.
    """
    rows = []
    for organs, plants in pairs.groupby("organs"):
        if len(plants) < least:
            continue
        plants = plants.set_index("obs_id")
        better = plants[["first", "second"]].mean().idxmax()
        one, other = organs.split(" + ")
        if one == other:
            alone = plants[["first", "second"]].mean(axis=1)
        else:
            alone = plants[better]
        gain, low, high = gained(plants["together"], alone)
        row = {"organs": organs, "better": one if better == "first" else other}
        row |= _counts(plants) | {"alone": alone.mean(), "together": plants["together"].mean()}
        rows.append(row | {"gain": gain, "low": low, "high": high})
    columns = ["organs", "better", "n", "n_species", "alone", "together", "gain", "low", "high"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values("gain", ascending=False, ignore_index=True)


def _counts(plants: pd.DataFrame) -> dict[str, int]:
    return {"n": len(plants), "n_species": plants["species"].nunique()}


def try_floras(
    plants: Predictions, learnt: pd.DataFrame, radii: Iterable[float], months: Iterable[float]
) -> pd.DataFrame:
    """Return what bounding the species to those seen near a plant does, a row a radius and season.

    Columns: radius, months, mrr with its interval, n_left (species that may be named, on average)
    and kept (plants whose own species is among them, a share).

    Args:
        plants: one row a plant, with latitude, longitude and date.
        learnt: the images whose places are known, such as train. radii: km. months: to either side.
    """
    rows = []
    months = list(months)
    for radius in radii:
        for window in months:
            rows.append(
                {"radius": radius, "months": window, **_bounded(plants, learnt, radius, window)}
            )
    return pd.DataFrame(rows)


def _bounded(plants: Predictions, learnt: pd.DataFrame, radius: float, window: float) -> dict:
    """Return the numbers of one row of try_floras."""
    mask = flora_mask(learnt, plants.images, plants.species, radius, window)
    mrr, low, high = gained(by_plant(plants.within(mask)))
    columns = np.maximum(plants.targets, 0)
    kept = mask[np.arange(len(plants)), columns] & (plants.targets >= 0)
    numbers = {"mrr": mrr, "mrr_low": low, "mrr_high": high}
    return numbers | {"n_left": mask.sum(axis=1).mean(), "kept": kept.mean()}
