"""Are these photos fit to train on?"""

from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from plantlab.data.duplicates import find_duplicates
from plantlab.data.table import gini, observations


@dataclass(frozen=True)
class Verdict:
    """Fit to train on? `verdict` is yes, with care or no; `severity` is of each of `reasons`.

    It is serious or mild.
    """

    verdict: str
    reasons: list[str]
    severity: list[str]

    def __str__(self) -> str:
        lines = [f"Fit to train on? {self.verdict.capitalize()}."]
        for severity, reason in zip(self.severity, self.reasons):
            lines.append(f"- {severity}: {reason}")
        return "\n".join(lines)


class Check(NamedTuple):
    """One thing that may be wrong: its size, and above what that is mild, and above what serious.

    `reason` says it in words. A size that is not known is NaN, and above nothing.
    """

    size: float
    mild: float
    serious: float
    reason: str


def fit_to_train(
    images: pd.DataFrame, bad: pd.DataFrame | None = None, duplicates: pd.DataFrame | None = None
) -> Verdict:
    """Return whether a network trained on `images` can be good, and its scores believed.

    A serious reason makes it no, a mild one with care; each is in numbers. The limits are rules of
    thumb: EGI's 30 photos a species, its finding that mixed views hurt where photos are few, splits
    that share no plant.

    Args:
        images, bad: as inspection.set_aside returns them; what `images` does not know counts as
            nothing.
        duplicates: looked for where they are left out.
    """
    known = ["species", "organ", "source", "split", "width", "height"]
    photos = images.reindex(columns=known)
    photos["obs_id"] = observations(images)
    if duplicates is None:
        duplicates = _look_for_duplicates(images)
    counts = photos["species"].value_counts()
    if len(counts) < 2:
        said = f"{len(photos)} photos carry {len(counts)} species; at least 2 are needed."
        return Verdict("no", [said], ["serious"])
    checks = [
        _check_mean(counts),
        _check_rare_species(counts),
        _check_long_tail(counts),
        _check_names(photos),
        _check_files(photos, n_bad=0 if bad is None else len(bad)),
        _check_pixels(photos),
        _check_lone_plants(photos),
        _check_organs(photos),
        _check_web(photos),
        _check_copies(photos, duplicates),
        _check_labels_of_copies(photos, duplicates),
        _check_species_to_learn(photos),
        _check_leaks(photos, duplicates),
    ]
    serious = [check.reason for check in checks if check.size > check.serious]
    mild = [check.reason for check in checks if check.mild < check.size <= check.serious]
    severity = ["serious"] * len(serious) + ["mild"] * len(mild)
    return Verdict(_verdict(severity), serious + mild, severity)


def _look_for_duplicates(images: pd.DataFrame) -> pd.DataFrame:
    if "phash" in images:
        return find_duplicates(images)
    columns = ["first", "second", "same_species", "kind"]
    return pd.DataFrame(columns=columns, dtype=int)


def _verdict(severity: list[str]) -> str:
    if "serious" in severity:
        return "no"
    return "with care" if severity else "yes"


def _check_mean(counts: pd.Series) -> Check:
    mean = counts.mean()
    said = f"A species has {mean:.1f} photos on average; under 10 is little."
    return Check(10 / mean, 1, 2, said)


def _check_rare_species(counts: pd.Series) -> Check:
    few = (counts < 30).sum()
    said = f"Species with under 30 photos, which EGI drops: {few} of {len(counts)}."
    return Check(few / len(counts), 0.1, 1, said)


def _check_long_tail(counts: pd.Series) -> Check:
    is_in_half = counts.cumsum() < counts.sum() / 2
    half = is_in_half.sum() + 1
    said = f"Half of the photos show only {half} of {len(counts)} species."
    return Check(gini(counts), 0.5, 1, said)


def _check_names(photos: pd.DataFrame) -> Check:
    unnamed = photos["species"].isna().sum()
    said = f"Photos without a species: {unnamed} of {len(photos)}."
    return Check(unnamed / len(photos), 0, 0.5, said)


def _check_files(photos: pd.DataFrame, n_bad: int) -> Check:
    n_files = len(photos) + n_bad
    said = f"Files that cannot be read or are too small: {n_bad} of {n_files}."
    return Check(1 - len(photos) / n_files, 0, 0.2, said)


def _check_pixels(photos: pd.DataFrame) -> Check:
    shorter = photos[["width", "height"]].min(axis=1)
    side = shorter.median()
    said = f"The shorter side is {side:.0f} pixels in the median; under 128 shows little."
    return Check(128 / side, 1, 4, said)


def _check_lone_plants(photos: pd.DataFrame) -> Check:
    n_species = photos["species"].nunique()
    plants = photos.drop_duplicates(["species", "obs_id"])
    lone = (plants["species"].value_counts() == 1).sum()
    said = f"Species with a single observation, so none to test on: {lone} of {n_species}."
    return Check(lone / n_species, 0, 1, said)


def _check_organs(photos: pd.DataFrame) -> Check:
    organs = photos["organ"].nunique()
    each = photos.groupby(["species", "organ"]).size().median()
    said = f"{organs} organs are mixed; a species has {each:.0f} photos of one."
    size = 5 / each if organs > 1 else 0
    return Check(size, 1, 5, said)


def _check_web(photos: pd.DataFrame) -> Check:
    web = (photos["source"] == "web").sum()
    said = f"Photos from web searches, where labels are often wrong: {web} of {len(photos)}."
    return Check(web / len(photos), 0.2, 1, said)


def _check_copies(photos: pd.DataFrame, duplicates: pd.DataFrame) -> Check:
    copies = duplicates["second"].nunique()
    said = f"Photos that duplicate another, exactly or nearly: {copies} of {len(photos)}."
    return Check(copies / len(photos), 0.01, 0.3, said)


def _check_labels_of_copies(photos: pd.DataFrame, duplicates: pd.DataFrame) -> Check:
    clash = (duplicates["same_species"] == 0).sum()
    said = f"Pairs that look the same under two species; look whether a label is wrong: {clash}."
    return Check(clash / len(photos), 0, 0.05, said)


def _held_out(photos: pd.DataFrame) -> pd.DataFrame:
    return photos[photos["split"].isin(["valid", "test"])]


def _check_species_to_learn(photos: pd.DataFrame) -> Check:
    learnt = set(photos.loc[photos["split"] == "train", "species"])
    asked = set(_held_out(photos)["species"].dropna())
    strange = len(asked - learnt)
    said = f"Species missing from train, whose photos will count as wrong: {strange}."
    return Check(strange / photos["species"].nunique(), 0, 0.5, said)


def _check_leaks(photos: pd.DataFrame, duplicates: pd.DataFrame) -> Check:
    in_train = (photos["split"] == "train").to_numpy()
    is_held_out = photos["split"].isin(["valid", "test"]).to_numpy()
    leaks = is_held_out & photos["obs_id"].isin(photos["obs_id"][in_train]).to_numpy()
    pairs = duplicates[["first", "second"]].to_numpy(int)
    for one, other in (pairs.T, pairs.T[::-1]):
        across = is_held_out[one] & in_train[other]
        leaks[one[across]] = True
    n_held_out = max(is_held_out.sum(), 1)
    said = f"Photos of valid or test whose plant, or copy, is in train: {leaks.sum()}."
    return Check(leaks.sum() / n_held_out, 0, 0.05, said)
