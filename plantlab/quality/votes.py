"""Votes: what people say a plant is, weighed as Pl@ntNet weighs them; what they agree on becomes rows to learn from."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from plantlab.data.photos import open_photo
from plantlab.files import append, project_root, read_lines, write_whole

COLUMNS = ["obs_id", "photos", "organs", "species", "by", "answered", "time"]

MIN_WEIGHT, MIN_SHARE = (
    2.0,
    0.7,
)  # of the votes for a species: all of them together, and their share


def votes_folder(model: str | Path) -> Path:
    """Return where votes on the answers of a model (name or folder), and their photos, lie: data/votes/<its name>/."""
    return project_root() / "data" / "votes" / Path(model).name


def vote(
    folder: str | Path,
    photos: Iterable[bytes],
    species: str,
    by: str,
    organs=(),
    answered: str = "",
) -> str:
    """Keep a person's vote on one plant and its photos, on the disk when this returns; return the plant's obs_id.

    The same photos are the same plant, whoever votes; the first to vote is its observer, the latest vote of each holds.

    Args:
        photos: the files' bytes. organs: what each shows. answered: what the model had said.
    Raises:
        ValueError: no species or no name of a voter. PhotoError: an unreadable photo.
    """
    if not species.strip() or not by.strip():
        raise ValueError(
            f"a vote needs a species and the name of who votes; got {species!r} by {by!r}."
        )
    names = []
    for content in photos:
        open_photo(content, 64)
        names.append(f"{hashlib.sha1(content).hexdigest()}.jpg")
        if not Path(folder, "photos", names[-1]).exists():
            write_whole(Path(folder, "photos", names[-1]), content)
    obs_id = hashlib.sha1(" ".join(sorted(names)).encode()).hexdigest()[:16]
    values = [obs_id, names, list(organs), species.strip(), by.strip(), answered]
    append(Path(folder, "votes.jsonl"), COLUMNS, [values])
    return obs_id


def read_votes(folder: str | Path) -> pd.DataFrame:
    """Return the votes that hold, a row a plant and voter, its observer first; an empty table where there is none."""
    # the latest row of each, in the order of each voter's first word on a plant, which says who observed it
    latest = {
        (row["obs_id"], row["by"]): row for row in read_lines(Path(folder, "votes.jsonl"), COLUMNS)
    }
    return pd.DataFrame(latest.values(), columns=COLUMNS)


def weigh(
    votes: pd.DataFrame, experts: Mapping[str, int] | None = None, n_rounds: int = 50
) -> pd.DataFrame:
    """Return what each plant is by its votes: obs_id, species, n_votes, weight, share, trusted.

    A vote weighs n ** 0.5 - n ** 0.2 + log(2.1), n the species on which its voter agrees with the others: 1 for
    each on a trusted plant of their own, a tenth for each on others'. A plant is trusted where the votes for one
    species weigh over 2 and are over 0.7 of all; so three newcomers who agree are enough, two are not.

    Args:
        votes: obs_id, species, by, the first of a plant its observer. experts: voters known to know so many species.
    Source: Lefort et al. 2024, "Cooperative learning of Pl@ntNet's artificial intelligence algorithm".

    >>> said = pd.DataFrame({"obs_id": "a", "species": ["Bellis minor"] * 3, "by": ["Ada", "Bob", "Cem"]})
    >>> weigh(said).round(2).to_dict("records")
    [{'obs_id': 'a', 'species': 'Bellis minor', 'n_votes': 3, 'weight': 2.23, 'share': 1.0, 'trusted': True}]
    """
    votes = votes.assign(own=~votes["obs_id"].duplicated())
    known = pd.Series(dict(experts or {}), dtype=float).reindex(votes["by"].unique()).fillna(0.0)
    skill = known
    for _ in range(n_rounds):
        weight = votes["by"].map(skill**0.5 - skill**0.2 + np.log(2.1))
        sums = weight.groupby([votes["obs_id"], votes["species"]], sort=False).sum()
        best = sums.groupby(level=0, sort=False).idxmax()
        told = pd.DataFrame(
            {"species": [name for _, name in best], "weight": sums.loc[best].to_numpy()}, best.index
        )
        told["share"] = told["weight"] / weight.groupby(votes["obs_id"], sort=False).sum()
        told["trusted"] = (told["weight"] > MIN_WEIGHT) & (told["share"] > MIN_SHARE)
        agrees = votes[votes["species"] == votes["obs_id"].map(told["species"])]
        own = agrees["own"] & agrees["obs_id"].map(told["trusted"])
        own = own.groupby(
            [agrees["by"], agrees["species"]]
        ).any()  # of each species on which a voter agrees
        found = own.groupby("by").sum() + ((~own).groupby("by").sum() / 10).round()
        before, skill = skill, np.maximum(known, found.reindex(known.index).fillna(0.0))
        if (skill == before).all():
            break
    told.insert(1, "n_votes", votes["obs_id"].value_counts().reindex(told.index))
    return told.rename_axis("obs_id").reset_index()[
        ["obs_id", "species", "n_votes", "weight", "share", "trusted"]
    ]


def trusted_images(folder: str | Path, experts: Mapping[str, int] | None = None) -> pd.DataFrame:
    """Return an image table of the plants that are trusted: image_path, obs_id, species, organ, author, source."""
    votes, rows = read_votes(folder), []
    said = (
        weigh(votes, experts).set_index("obs_id") if len(votes) else pd.DataFrame({"trusted": []})
    )
    for first in votes.drop_duplicates("obs_id").itertuples():
        if said.loc[first.obs_id, "trusted"]:
            organs = [*first.organs, *[""] * len(first.photos)]
            for name, organ in zip(first.photos, organs):
                path = os.path.abspath(Path(folder, "photos", name))
                rows.append(
                    [
                        path,
                        first.obs_id,
                        said.loc[first.obs_id, "species"],
                        organ,
                        first.by,
                        "trusted",
                    ]
                )
    return pd.DataFrame(
        rows, columns=["image_path", "obs_id", "species", "organ", "author", "source"]
    )
