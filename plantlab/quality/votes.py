"""Votes: what people say a plant is, weighed as Pl@ntNet weighs them.

What they agree on becomes rows to learn from.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from plantlab.data.photos import open_photo
from plantlab.files import append_lines, project_root, read_lines, write_whole

COLUMNS = ["obs_id", "photos", "organs", "species", "by", "answered", "time"]

# A plant is trusted where the votes for one species exceed both:
MIN_WEIGHT = 2.0  # together
MIN_SHARE = 0.7  # of the weight of all votes on it


def votes_folder(model: str | Path) -> Path:
    """Return where votes on a model's answers, and their photos, lie: data/votes/<its name>/.

    Args:
        model: its name or folder.
    """
    return project_root() / "data" / "votes" / Path(model).name


def vote(
    folder: str | Path,
    photos: Iterable[bytes],
    species: str,
    by: str,
    organs: Iterable[str] = (),
    answered: str = "",
) -> str:
    """Keep a person's vote on one plant, and its photos, and return the plant's obs_id.

    They are on the disk when this returns. The same photos are the same plant, whoever votes; the
    first to vote is its observer, the latest vote of each holds.

    Args:
        photos: the files' bytes.
        organs: what each shows.
        answered: what the model had said.
    Raises:
        ValueError: no species or no name of a voter. PhotoError: an unreadable photo.
    """
    if not species.strip() or not by.strip():
        raise ValueError(
            f"a vote needs a species and the name of who votes; got {species!r} by {by!r}."
        )
    obs_id, names = keep_photos(folder, photos)
    values = [obs_id, names, list(organs), species.strip(), by.strip(), answered]
    append_lines(_votes_file(folder), COLUMNS, [values])
    return obs_id


def _votes_file(folder: str | Path) -> Path:
    return Path(folder, "votes.jsonl")


def _photo_file(folder: str | Path, name: str) -> Path:
    return Path(folder, "photos", name)


def keep_photos(folder: str | Path, photos: Iterable[bytes]) -> tuple[str, list[str]]:
    """Write the photos of a plant below `folder`; return its obs_id, and their names there.

    The same photos have the same obs_id.

    Raises:
        PhotoError: an unreadable photo.
    """
    names = [_keep_photo(folder, content) for content in photos]
    plant = " ".join(sorted(names))
    return hashlib.sha1(plant.encode()).hexdigest()[:16], names


def _keep_photo(folder: str | Path, content: bytes) -> str:
    """Return the name under which a photo lies in the folder of votes."""
    open_photo(content, 64)
    name = f"{hashlib.sha1(content).hexdigest()}.jpg"
    path = _photo_file(folder, name)
    if not path.exists():
        write_whole(path, content)
    return name


def read_votes(folder: str | Path) -> pd.DataFrame:
    """Return the votes that hold, a row a plant and voter, a plant's observer first.

    It is an empty table where there is none.
    """
    latest = {}  # in the order of each voter's first word on a plant, which says who observed it
    for row in read_lines(_votes_file(folder), COLUMNS):
        latest[row["obs_id"], row["by"]] = row
    return pd.DataFrame(latest.values(), columns=COLUMNS)


def weigh(
    votes: pd.DataFrame, experts: Mapping[str, int] | None = None, n_rounds: int = 50
) -> pd.DataFrame:
    """Return what each plant is by its votes: obs_id, species, n_votes, weight, share, trusted.

    A vote weighs n ** 0.5 - n ** 0.2 + log(2.1), n the species on which its voter agrees with the
    others: 1 for each on a trusted plant of their own, a tenth for each on others'. A plant is
    trusted where the votes for one species weigh over 2 and are over 0.7 of all; so three newcomers
    who agree are enough, two are not.

    Args:
        votes: obs_id, species, by, the first of a plant its observer.
        experts: voters known to know so many species.
        n_rounds: at most; weights and agreement settle in a few.
    Source: Lefort et al. 2024, "Cooperative learning of Pl@ntNet's artificial intelligence
    algorithm".

    >>> species = ["Bellis minor"] * 3
    >>> said = pd.DataFrame({"obs_id": "a", "species": species, "by": ["Ada", "Bob", "Cem"]})
    >>> print(weigh(said).round(2).to_string(index=False))
    obs_id      species  n_votes  weight  share  trusted
         a Bellis minor        3    2.23    1.0     True
    """
    votes = votes.assign(own=~votes["obs_id"].duplicated())
    voters = votes["by"].unique()
    known = pd.Series(dict(experts or {}), dtype=float)
    known = known.reindex(voters).fillna(0.0)
    skill = known
    for _ in range(n_rounds):
        weight = skill**0.5 - skill**0.2 + np.log(2.1)
        told = _sum_up(votes, votes["by"].map(weight))
        before = skill
        skill = np.maximum(known, _agreement(votes, told, voters))
        if (skill == before).all():
            break
    told["n_votes"] = votes["obs_id"].value_counts()
    columns = ["species", "n_votes", "weight", "share", "trusted"]
    return told[columns].rename_axis("obs_id").reset_index()


def _sum_up(votes: pd.DataFrame, weight: pd.Series) -> pd.DataFrame:
    """Return, a row a plant, the species with the most weight, that weight, its share, trusted."""
    plants = votes["obs_id"]
    of_species = weight.groupby([plants, votes["species"]], sort=False).sum()
    of_all = weight.groupby(plants, sort=False).sum()
    best = of_species.groupby(level=0, sort=False).idxmax()  # pairs (obs_id, species)
    told = pd.DataFrame({"species": [species for _, species in best]}, best.index)
    told["weight"] = of_species.loc[best].to_numpy()
    told["share"] = told["weight"] / of_all
    is_heavy = told["weight"] > MIN_WEIGHT
    told["trusted"] = is_heavy & (told["share"] > MIN_SHARE)
    return told


def _agreement(votes: pd.DataFrame, told: pd.DataFrame, voters: np.ndarray) -> pd.Series:
    """Return on how many species each voter agrees: a tenth for those on others' plants alone."""
    plants = votes["obs_id"]
    agrees = votes["species"] == plants.map(told["species"])
    counts_whole = votes["own"] & plants.map(told["trusted"])
    agreed = votes[agrees]
    by_species = counts_whole[agrees].groupby([agreed["by"], agreed["species"]])
    is_whole = by_species.any()  # a row a voter and species
    whole = is_whole.groupby("by").sum()
    tenths = (~is_whole).groupby("by").sum()
    n_species = whole + (tenths / 10).round()
    return n_species.reindex(voters).fillna(0.0)


def trusted_images(folder: str | Path, experts: Mapping[str, int] | None = None) -> pd.DataFrame:
    """Return an image table of the plants that are trusted.

    It has image_path, obs_id, species, organ, author, source.
    """
    votes = read_votes(folder)
    columns = ["image_path", "obs_id", "species", "organ", "author", "source"]
    if votes.empty:
        return pd.DataFrame(columns=columns)
    told = weigh(votes, experts).set_index("obs_id")
    rows = []
    for first in votes.drop_duplicates("obs_id").itertuples():
        plant = told.loc[first.obs_id]
        if not plant["trusted"]:
            continue
        unknown = [""] * len(first.photos)
        organs = [*first.organs, *unknown]
        for name, organ in zip(first.photos, organs):
            path = os.path.abspath(_photo_file(folder, name))
            rows.append([path, first.obs_id, plant["species"], organ, first.by, "trusted"])
    return pd.DataFrame(rows, columns=columns)
