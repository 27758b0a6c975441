"""Which images are learnt from and which are held out; fewer of them, or fewer of the rare."""

import numpy as np
import pandas as pd

from plantlab.data.table import TableError, add_note, require

SPLITS = ("train", "valid", "test")


def split_by_observation(
    images: pd.DataFrame, valid_frac: float = 0.2, test_frac: float = 0.0, seed: int = 0
) -> pd.Series:
    """Return 'train', 'valid' or 'test' per image, all photos of a plant on one side.

    Photos of one plant look alike; split apart they flatter the model. Stratified by species; every
    species keeps an observation in train.

    Args:
        valid_frac, test_frac: shares of observations (not images), together in (0, 1).
    Raises:
        TableError: no `obs_id`. ValueError: bad fractions.
    """
    require(images, "obs_id")  # layouts.read_images has filled it in where the data had none
    held_frac = valid_frac + test_frac
    if min(valid_frac, test_frac) < 0 or not 0 < held_frac < 1:
        raise ValueError(
            "valid_frac + test_frac must be in (0, 1), such as 0.2 + 0.2, neither negative; "
            f"got {valid_frac} + {test_frac}"
        )
    plants = _shuffled_plants(images, seed)
    plants = plants[plants["species"].duplicated(keep=False)]  # a lone plant stays in train
    is_held = pd.Series(_spread(len(plants), held_frac), index=plants.index)
    all_held = is_held.groupby(plants["species"]).transform("all")
    is_first = ~plants["species"].duplicated()
    is_held &= ~(all_held & is_first)
    held_out = plants["obs_id"][is_held]
    is_valid = _spread(len(held_out), valid_frac / held_frac)
    sides = dict(zip(held_out, np.where(is_valid, "valid", "test")))
    return images["obs_id"].map(sides).fillna("train").rename("split")


def _shuffled_plants(images: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return obs_id and species of each plant: species in random order, and the plants of each.

    The order of the rows does not matter.
    """
    plants = images[["obs_id"]].assign(species="")
    if "species" in images:
        plants["species"] = images["species"].fillna("")
    plants = plants.drop_duplicates("obs_id").sort_values(["species", "obs_id"])
    plants = plants.sample(frac=1, random_state=seed)
    order, _ = pd.factorize(plants["species"])  # of a species' first plant
    return plants.iloc[np.argsort(order, kind="stable")]


def _spread(n: int, frac: float) -> np.ndarray:
    """Return a mask of n, evenly spread, ceil(n * frac) True: any run has its share to within 1."""
    total = np.ceil(np.arange(n + 1) * frac - 1e-9)
    return np.diff(total) > 0  # (n,)


def hold_out_groups(groups: pd.Series, share: float = 0.3, seed: int = 0) -> np.ndarray:
    """Return a mask, (N,): whole groups, drawn by chance until they hold about this share of rows.

    So nothing is shared by both sides: no place, no author, no day. One group at least stays.

    >>> hold_out_groups(pd.Series(["north", "north", "south", "south"]), 0.5).sum()
    np.int64(2)

    Raises:
        ValueError: fewer than two groups, or a share outside (0, 1).
    """
    names = sorted(groups.unique())
    if len(names) < 2 or not 0 < share < 1:
        raise ValueError(
            f"to hold out whole groups takes two of them and a share in (0, 1), such as 0.3; got "
            f"{len(names)} groups and {share}"
        )
    shuffled = np.random.default_rng(seed).permutation(names)
    sizes = groups.value_counts().loc[shuffled]
    middle_of_each = sizes.cumsum() - sizes / 2
    chosen = middle_of_each < share * len(groups)  # the last only if that lands nearer
    chosen.iloc[0] = True
    chosen.iloc[-1] = False
    return groups.isin(chosen.index[chosen]).to_numpy()


def only_trusted(images: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `images` whose label can be believed: no web photos, no herbarium sheets.

    Where nothing is known of the source, all of them.

    >>> only_trusted(pd.DataFrame({"source": ["trusted", "web"]}))["source"].tolist()
    ['trusted']
    """
    if "source" not in images:
        return images
    elsewhere = images["source"].isin(["web", "herbarium"])
    return images[~elsewhere].reset_index(drop=True)


def hold_out_trusted(
    images: pd.DataFrame, valid_frac: float = 0.2, test_frac: float = 0.2, seed: int = 0
) -> pd.DataFrame:
    """Return `images` with valid and test drawn from the plants of `source` trusted alone.

    So scores rest on labels that can be believed; all the others learn, but for photos of a plant
    that is held out, such as copies on the web: these are left out, and a note says how many.

    Args:
        valid_frac, test_frac: shares of the trusted observations, together in (0, 1).
    Raises:
        TableError: no `source` or `obs_id`. ValueError: bad fractions.
    """
    require(images, "source", "obs_id")
    is_trusted = images["source"] == "trusted"
    split = split_by_observation(images[is_trusted], valid_frac, test_frac, seed)
    images = images.assign(split=split.reindex(images.index, fill_value="train"))
    held_out = images.loc[images["split"] != "train", "obs_id"]
    leaks = ~is_trusted & images["obs_id"].isin(set(held_out))
    images = images[~leaks].reset_index(drop=True)
    if leaks.any():
        add_note(
            images, f"Photos of held-out plants that are not trusted, left out: {leaks.sum()}."
        )
    return images


def complete_splits(images: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Return `images` with train, valid and test: choices are made on valid, test is scored once.

    Published splits are kept. Where only two are published, the held-out one becomes test and a
    fifth of the train observations becomes valid; where none is, 60/20/20 by observation. What was
    done stands in `attrs["notes"]`.

    Raises:
        TableError: a split is unknown or missing, or left empty because there are too few
            observations.
    """
    require(images, "species", "obs_id")
    images = images.copy()
    held_out = _published_held_out(images)
    if not held_out:
        images["split"] = split_by_observation(images, 0.2, 0.2, seed)
        add_note(
            images,
            "No held-out split was published: 60/20/20 by observation, stratified by species.",
        )
    elif len(held_out) == 1:
        train = images[images["split"] == "train"]
        split = split_by_observation(train, 0.2, 0, seed)
        images["split"] = split.reindex(images.index, fill_value="test")
        add_note(
            images, f"The published {held_out[0]} split is the test set; valid is a fifth of train."
        )
    _refuse_empty_splits(images)
    return images


def _published_held_out(images: pd.DataFrame) -> list[str]:
    """Return which of valid and test are published.

    Raises:
        TableError: some images, not all, lack a split, or one has another name.
    """
    if "split" not in images or images["split"].isna().all():
        return []
    given = images["split"]
    wrong = given[~given.isin(SPLITS)]
    if len(wrong):
        who = f"{wrong.iloc[0]!r} for {len(wrong)} of {len(given)} images"
        raise TableError(
            f"split is {who}; give each train, valid or test, or leave the column out."
        )
    return sorted(set(given) - {"train"})


def _refuse_empty_splits(images: pd.DataFrame) -> None:
    present = set(images["split"])
    empty = [side for side in SPLITS if side not in present]
    if empty:
        few = f"{images['obs_id'].nunique()} observations are too few"
        raise TableError(
            f"the {empty[0]} split is empty: {few}. 3 are needed; "
            "a species' only one stays in train."
        )


def equal_thirds(images: pd.DataFrame, min_images: int = 30, seed: int = 0) -> pd.DataFrame:
    """Return `min_images` photos of each species that has as many, a third in each split, shuffled.

    The rule of EGI, who shuffle because a network that sees species after species forgets the
    first. An observation stays on one side: what is left of it when a third is full is used only if
    the photos run out (a note says so).

    Raises:
        TableError: no species has enough photos. ValueError: `min_images` under 3.
    """
    require(images, "species", "obs_id")
    if min_images < 3:
        raise ValueError(f"min_images must be 3 or more, such as 30; got {min_images}")
    n_images = images["species"].value_counts()
    if n_images.max() < min_images:
        raise TableError(
            f"no species has {min_images} photos; the largest has {n_images.max()}. "
            "Lower min_images."
        )
    large = n_images.index[n_images >= min_images]
    enough = images[images["species"].isin(large)].sample(frac=1, random_state=seed)
    sides = {}  # row: its split
    for _, photos in enough.groupby("species"):
        sides |= _deal_out(photos, min_images // 3)
    thirds = images.loc[list(sides)]
    thirds = thirds.assign(split=list(sides.values()))
    thirds = thirds.sample(frac=1, random_state=seed).reset_index(drop=True)
    n_sides = thirds.groupby("obs_id")["split"].transform("nunique")
    parted = int((n_sides > 1).sum())
    if parted:
        add_note(
            thirds, f"Photos of plants that stand in several splits, for want of plants: {parted}."
        )
    return thirds


def _deal_out(photos: pd.DataFrame, third: int) -> dict:
    """Return {row: split} with `third` of a species' photos in each split, plant by plant."""
    by_plant = photos.groupby("obs_id", sort=False).groups
    plants = [list(rows) for rows in by_plant.values()]
    left_over = []
    sides = {}
    for side in SPLITS:
        room = third
        while room:
            plant = plants.pop() if plants else [left_over.pop()]
            sides |= dict.fromkeys(plant[:room], side)
            left_over += plant[room:]
            room -= len(plant[:room])
    return sides


def k_shot(images: pd.DataFrame, k: int, seed: int = 0) -> pd.DataFrame:
    """Return `images` with at most `k` train photos a species; other splits stay.

    They are nested: k=5 is part of k=10.
    """
    require(images, "species", "split")
    if k < 1:
        raise ValueError(f"k must be 1 or more; got {k}")
    train = images[images["split"] == "train"].sample(frac=1, random_state=seed)
    is_surplus = train.groupby("species").cumcount() >= k
    return images.drop(train.index[is_surplus]).reset_index(drop=True)


def long_tail(images: pd.DataFrame, imbalance: float = 100, seed: int = 0) -> pd.DataFrame:
    """Return `images` with train photos dropped until they are long-tailed; other splits stay.

    The first species has `imbalance` times the photos of the last. Between them counts fall
    geometrically, in the order of the photos at hand, one at least.
    """
    require(images, "species", "split")
    if imbalance < 1:
        raise ValueError(
            f"imbalance is the most images of a species over the fewest, 1 or more; got {imbalance}"
        )
    train = images[images["split"] == "train"].sample(frac=1, random_state=seed)
    counts = train["species"].value_counts()
    place = np.linspace(0, 1, len(counts))
    wanted = np.round(counts.max() * float(imbalance) ** -place)
    allowed = pd.Series(np.maximum(wanted, 1), counts.index)
    number = train.groupby("species").cumcount()
    is_surplus = number >= train["species"].map(allowed)
    return images.drop(train.index[is_surplus]).reset_index(drop=True)


def count_groups(images: pd.DataFrame, few: int = 20, many: int = 100) -> dict[str, list[str]]:
    """Return species by their train images, for metrics.score.

    They are many (over `many`), medium, and few (under `few`).

    Source: Liu et al. 2019, "Large-scale long-tailed recognition in an open world", whose limits
    are 20 and 100.
    """
    counts = images.loc[images["split"] == "train", "species"].value_counts()
    return {
        f"many (over {many})": sorted(counts.index[counts > many]),
        f"medium ({few} to {many})": sorted(counts.index[counts.between(few, many)]),
        f"few (under {few})": sorted(counts.index[counts < few]),
    }


def count_bins(counts: pd.Series, n: int = 5) -> dict[int, list[str]]:
    """Return species in at most `n` groups of about as many, by their mean number of images.

    Args:
        counts: train images by species.

    >>> count_bins(pd.Series({"A": 9, "B": 1, "C": 11, "D": 3}), 2)
    {2: ['B', 'D'], 10: ['A', 'C']}
    """
    edges = np.unique(np.quantile(counts, np.linspace(0, 1, n + 1)).round())
    parts = pd.cut(counts, [edges[0] - 1, *edges[1:]])
    groups = {}
    for _, part in counts.groupby(parts, observed=True):
        mean = round(part.mean())
        groups[mean] = sorted([*groups.get(mean, []), *part.index])
    return groups
