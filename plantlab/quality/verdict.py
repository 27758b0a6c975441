"""Are these photos fit to train on?"""

from dataclasses import dataclass

import pandas as pd

from plantlab.data.duplicates import find_duplicates, leakage
from plantlab.data.table import gini, observations


@dataclass(frozen=True)
class Verdict:
    """Fit to train on? `verdict` is yes, with care or no; `severity` calls each of `reasons` serious or mild."""

    verdict: str
    reasons: list[str]
    severity: list[str]

    def __str__(self) -> str:
        lines = [f"- {severity}: {reason}" for severity, reason in zip(self.severity, self.reasons)]
        return "\n".join([f"Fit to train on? {self.verdict.capitalize()}.", *lines])


def fit_to_train(
    images: pd.DataFrame, bad: pd.DataFrame | None = None, duplicates: pd.DataFrame | None = None
) -> Verdict:
    """Return whether a network trained on `images` can be good, and its scores believed, with reasons in numbers.

    A serious reason makes it no, a mild one with care. The limits are rules of thumb: EGI's 30 photos a species, its
    finding that mixed views hurt where photos are few, splits that share no plant. `images` and `bad` are as
    photos.set_aside returns them; `duplicates` that were left out are looked for.
    """
    known = ["species", "organ", "source", "split", "width", "height"]
    photos = images.reindex(columns=known).assign(
        obs_id=observations(images)
    )  # what is not known counts as nothing
    if duplicates is None:
        none = pd.DataFrame({"first": [], "second": [], "same_species": [], "kind": []}, dtype=int)
        duplicates = find_duplicates(images) if "phash" in images else none
    counts, n = photos["species"].value_counts(), len(photos)
    if (n_species := len(counts)) < 2:
        return Verdict(
            "no", [f"{n} photos carry {n_species} species; at least 2 are needed."], ["serious"]
        )
    n_files = n + (0 if bad is None else len(bad))
    mean, few, unnamed = counts.mean(), (counts < 30).sum(), n - counts.sum()
    half = (counts.cumsum() < counts.sum() / 2).sum() + 1
    side = photos[["width", "height"]].min(axis=1).median()
    lone = (photos.drop_duplicates(["species", "obs_id"])["species"].value_counts() == 1).sum()
    organs, each = photos["organ"].nunique(), photos.groupby(["species", "organ"]).size().median()
    web = (photos["source"] == "web").sum()
    copies, clash = duplicates["second"].nunique(), (duplicates["same_species"] == 0).sum()
    train, held_out = (
        photos[photos["split"] == "train"],
        photos[photos["split"].isin(["valid", "test"])],
    )
    strange = len(set(held_out["species"].dropna()) - set(train["species"]))
    shared = leakage(photos, duplicates).filter(like="train", axis=0).to_numpy().sum()
    checks = [  # how bad it is, above what that is mild and above what serious, and how to say it
        (10 / mean, 1, 2, f"A species has {mean:.1f} photos on average; under 10 is little."),
        (
            few / n_species,
            0.1,
            1,
            f"Species with under 30 photos, which EGI drops: {few} of {n_species}.",
        ),
        (gini(counts), 0.5, 1, f"Half of the photos show only {half} of {n_species} species."),
        (unnamed / n, 0, 0.5, f"Photos without a species: {unnamed} of {n}."),
        (
            1 - n / n_files,
            0,
            0.2,
            f"Files that cannot be read or are too small: {n_files - n} of {n_files}.",
        ),
        (
            128 / side,
            1,
            4,
            f"The shorter side is {side:.0f} pixels in the median; under 128 shows little.",
        ),
        (
            lone / n_species,
            0,
            1,
            f"Species with a single observation, so none to test on: {lone} of {n_species}.",
        ),
        (
            5 / each * (organs > 1),
            1,
            5,
            f"{organs} organs are mixed; a species has {each:.0f} photos of one.",
        ),
        (web / n, 0.2, 1, f"Photos from web searches, where labels are often wrong: {web} of {n}."),
        (
            copies / n,
            0.01,
            0.3,
            f"Photos that duplicate another, exactly or nearly: {copies} of {n}.",
        ),
        (
            clash / n,
            0,
            0.05,
            f"Pairs that look the same under two species; look whether a label is wrong: {clash}.",
        ),
        (
            strange / n_species,
            0,
            0.5,
            f"Species missing from train, whose photos will count as wrong: {strange}.",
        ),
        (
            shared / max(len(held_out), 1),
            0,
            0.05,
            f"Plants or photos that train shares with valid or test: {shared}.",
        ),
    ]
    serious = [said for share, _, limit, said in checks if share > limit]
    mild = [said for share, least, limit, said in checks if least < share <= limit]
    verdict = "no" if serious else "with care" if mild else "yes"
    return Verdict(verdict, serious + mild, ["serious"] * len(serious) + ["mild"] * len(mild))
