"""Which images are learnt from and which are held out; fewer of them, or fewer of the rare."""

import numpy as np
import pandas as pd

from plantlab.data.table import TableError, add_note, require

SPLITS = ("train", "valid", "test")


def split_by_observation(
    images: pd.DataFrame, valid_frac=0.2, test_frac=0.0, seed: int = 0
) -> pd.Series:
    """Return 'train', 'valid' or 'test' per image, stratified by species, all photos of a plant on one side.

    Photos of one plant look alike; split apart they flatter the model. Every species keeps an observation in train.
    `valid_frac` and `test_frac` are shares of observations (not images), together in (0, 1).

    Raises:
        TableError: no `obs_id`. ValueError: bad fractions.
    """
    require(images, "obs_id")  # layouts.read_images has filled it in where the data had none
    held_frac = valid_frac + test_frac
    if min(valid_frac, test_frac) < 0 or not 0 < held_frac < 1:
        got = f"{valid_frac} + {test_frac}"
        raise ValueError(
            f"valid_frac + test_frac must be in (0, 1), such as 0.2 + 0.2, neither negative; got {got}"
        )
    plants = images.assign(species=images["species"].fillna("") if "species" in images else "")
    plants = (
        plants.drop_duplicates("obs_id")
        .sort_values(["species", "obs_id"])
        .sample(frac=1, random_state=seed)
    )
    plants = plants.sort_values(
        "species", key=lambda s: pd.factorize(s)[0], kind="stable"
    )  # in random order, too
    plants = plants[plants["species"].duplicated(keep=False)]  # a lone plant stays in train
    held = pd.Series(_spread(len(plants), held_frac), index=plants.index)
    held &= ~held.groupby(plants["species"]).transform("all") | plants["species"].duplicated()
    held_out = plants["obs_id"][held]
    sides = np.where(_spread(len(held_out), valid_frac / held_frac), "valid", "test")
    return images["obs_id"].map(dict(zip(held_out, sides))).fillna("train").rename("split")


def _spread(n: int, frac: float) -> np.ndarray:
    """Return a mask of n with ceil(n * frac) True, evenly spread: any run holds its share to within 1."""
    return np.diff(np.ceil(np.arange(n + 1) * frac - 1e-9)) > 0  # (n,)


def complete_splits(images: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Return `images` with train, valid and test: choices are made on valid, test is scored once.

    Published splits are kept. Where only two are published, the held-out one becomes test and a fifth of the train
    observations becomes valid; where none is, 60/20/20 by observation. What was done stands in `attrs["notes"]`.

    Raises:
        TableError: a split is unknown or missing, or left empty because there are too few observations.
    """
    require(images, "species", "obs_id")
    images = images.copy()
    given = images.get("split", pd.Series(None, index=images.index, dtype=object))
    wrong = given[~given.isin(SPLITS)]
    if given.notna().any() and len(wrong):
        who = f"{wrong.iloc[0]!r} for {len(wrong)} of {len(given)} images"
        raise TableError(
            f"split is {who}; give each train, valid or test, or leave the column out."
        )
    held_out = sorted(set(given.dropna()) - {"train"})
    if not held_out:
        images["split"] = split_by_observation(images, 0.2, 0.2, seed)
        add_note(
            images,
            "No held-out split was published: 60/20/20 by observation, stratified by species.",
        )
    elif len(held_out) == 1:
        train = images[given == "train"]
        images["split"] = split_by_observation(train, 0.2, 0, seed).reindex(
            images.index, fill_value="test"
        )
        add_note(
            images, f"The published {held_out[0]} split is the test set; valid is a fifth of train."
        )
    if empty := [s for s in SPLITS if s not in set(images["split"])]:
        few = f"{images['obs_id'].nunique()} observations are too few"
        raise TableError(
            f"the {empty[0]} split is empty: {few}. 3 are needed; a species' only one stays in train."
        )
    return images


def equal_thirds(images: pd.DataFrame, min_images: int = 30, seed: int = 0) -> pd.DataFrame:
    """Return `min_images` photos of each species that has as many, a third each in train, valid and test, shuffled.

    The rule of EGI, who shuffle because a network that sees species after species forgets the first. An observation
    stays on one side: what is left of it when a third is full is used only if the photos run out (a note says so).

    Raises:
        TableError: no species has enough photos. ValueError: `min_images` under 3.
    """
    require(images, "species", "obs_id")
    if min_images < 3:
        raise ValueError(f"min_images must be 3 or more, such as 30; got {min_images}")
    n_images = images["species"].value_counts()
    if n_images.max() < min_images:
        raise TableError(
            f"no species has {min_images} photos; the largest has {n_images.max()}. Lower min_images."
        )
    enough = images[images["species"].isin(n_images.index[n_images >= min_images])]
    chosen: dict = {}  # row: side
    for _, photos in enough.sample(frac=1, random_state=seed).groupby("species"):
        plants, left_over = (
            [list(rows) for rows in photos.groupby("obs_id", sort=False).groups.values()],
            [],
        )
        for side in SPLITS:
            room = min_images // 3
            while room:
                plant = plants.pop() if plants else [left_over.pop()]
                chosen |= dict.fromkeys(plant[:room], side)
                left_over += plant[room:]
                room -= len(plant[:room])
    thirds = images.loc[list(chosen)].assign(split=list(chosen.values()))
    thirds = thirds.sample(frac=1, random_state=seed).reset_index(drop=True)
    if parted := int((thirds.groupby("obs_id")["split"].transform("nunique") > 1).sum()):
        add_note(
            thirds, f"Photos of plants that stand in several splits, for want of plants: {parted}."
        )
    return thirds


def k_shot(images: pd.DataFrame, k: int, seed: int = 0) -> pd.DataFrame:
    """Return `images` with at most `k` train photos a species; nested: k=5 is part of k=10. Other splits stay."""
    require(images, "species", "split")
    if k < 1:
        raise ValueError(f"k must be 1 or more; got {k}")
    train = images[images["split"] == "train"].sample(frac=1, random_state=seed)
    return images.drop(train.index[train.groupby("species").cumcount() >= k]).reset_index(drop=True)


def long_tail(images: pd.DataFrame, imbalance: float = 100, seed: int = 0) -> pd.DataFrame:
    """Return `images` with train photos dropped, until the first species has `imbalance` times those of the last.

    Between them counts fall geometrically, in the order of the photos at hand, one at least. Other splits stay.
    """
    require(images, "species", "split")
    if imbalance < 1:
        raise ValueError(
            f"imbalance is the most images of a species over the fewest, 1 or more; got {imbalance}"
        )
    train = images[images["split"] == "train"].sample(frac=1, random_state=seed)
    have = train["species"].value_counts()
    wanted = have.max() * float(imbalance) ** -np.linspace(0, 1, len(have))
    allowed = train["species"].map(dict(zip(have.index, np.maximum(np.round(wanted), 1))))
    return images.drop(train.index[train.groupby("species").cumcount() >= allowed]).reset_index(
        drop=True
    )


def count_groups(images: pd.DataFrame, few: int = 20, many: int = 100) -> dict[str, list[str]]:
    """Return species by their train images: many (over `many`), medium, and few (under `few`), for metrics.score.

    Source: Liu et al. 2019, "Large-scale long-tailed recognition in an open world", whose limits are 20 and 100.
    """
    counts = images.loc[images["split"] == "train", "species"].value_counts()
    groups = {
        f"many (over {many})": counts > many,
        f"medium ({few} to {many})": counts.between(few, many),
    }
    groups |= {f"few (under {few})": counts < few}
    return {name: sorted(counts.index[which]) for name, which in groups.items()}
