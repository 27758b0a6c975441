"""The image table, one row per image: what it holds, how it is split, described and named.

Only `image_path` (absolute once read) is needed, and `species`, the name to learn, for training. `obs_id` is shared by
the photos of one plant: always split by it. `species_id` is the source's own, a string; `organ` flower, leaf, fruit,
bark, habit, ...; `latitude` and `longitude` degrees north and east; `source` trusted, web or herbarium; `split` train,
valid or test; `kind` generated or photographs, which also is what a table without it holds.
"""

import hashlib
import os
from pathlib import Path

import numpy as np
import pandas as pd

COLUMNS = """image_path obs_id species genus family species_id organ latitude longitude author date license source split
kind""".split()
SPLITS = ("train", "valid", "test")


class TableError(ValueError):
    """A table, or the folder that should become one, lacks what was asked of it."""


def project_root() -> Path:
    """Return the folder of plantlab's pyproject.toml above the working folder; else the working folder."""
    for folder in (Path.cwd(), *Path.cwd().parents):
        project = folder / "pyproject.toml"
        if project.is_file() and 'name = "plantlab"' in project.read_text(encoding="utf-8"):
            return folder
    return Path.cwd()


def require(images: pd.DataFrame, *columns: str) -> None:
    """Raise TableError unless the image table has all of `columns`."""
    if missing := [c for c in columns if c not in images]:
        raise TableError(
            f"image table has no column {missing[0]!r}; it has {', '.join(map(str, images))}. "
            "Photos need a folder for each species; a Darwin Core table read_images(path, names='dwc')."
        )


def add_note(images: pd.DataFrame, note: str) -> None:
    """Add a sentence to `attrs["notes"]` of this very table: what was done, for its reader to know."""
    images.attrs = {**images.attrs, "notes": [*images.attrs.get("notes", []), note]}


def split_by_observation(images: pd.DataFrame, valid_frac=0.2, test_frac=0.0, seed: int = 0) -> pd.Series:
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
        raise ValueError(f"valid_frac + test_frac must be in (0, 1), such as 0.2 + 0.2, neither negative; got {got}")
    plants = images.assign(species=images["species"].fillna("") if "species" in images else "")
    plants = plants.drop_duplicates("obs_id").sort_values(["species", "obs_id"]).sample(frac=1, random_state=seed)
    plants = plants.sort_values("species", key=lambda s: pd.factorize(s)[0], kind="stable")  # in random order, too
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
        raise TableError(f"split is {who}; give each train, valid or test, or leave the column out.")
    held_out = sorted(set(given.dropna()) - {"train"})
    if not held_out:
        images["split"] = split_by_observation(images, 0.2, 0.2, seed)
        add_note(images, "No held-out split was published: 60/20/20 by observation, stratified by species.")
    elif len(held_out) == 1:
        train = images[given == "train"]
        images["split"] = split_by_observation(train, 0.2, 0, seed).reindex(images.index, fill_value="test")
        add_note(images, f"The published {held_out[0]} split is the test set; valid is a fifth of train.")
    if empty := [s for s in SPLITS if s not in set(images["split"])]:
        few = f"{images['obs_id'].nunique()} observations are too few"
        raise TableError(f"the {empty[0]} split is empty: {few}. 3 are needed; a species' only one stays in train.")
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
        raise TableError(f"no species has {min_images} photos; the largest has {n_images.max()}. Lower min_images.")
    enough = images[images["species"].isin(n_images.index[n_images >= min_images])]
    chosen: dict = {}  # row: side
    for _, photos in enough.sample(frac=1, random_state=seed).groupby("species"):
        plants, left_over = [list(rows) for rows in photos.groupby("obs_id", sort=False).groups.values()], []
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
        add_note(thirds, f"Photos of plants that stand in several splits, for want of plants: {parted}.")
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
        raise ValueError(f"imbalance is the most images of a species over the fewest, 1 or more; got {imbalance}")
    train = images[images["split"] == "train"].sample(frac=1, random_state=seed)
    have = train["species"].value_counts()
    wanted = have.max() * float(imbalance) ** -np.linspace(0, 1, len(have))
    allowed = train["species"].map(dict(zip(have.index, np.maximum(np.round(wanted), 1))))
    return images.drop(train.index[train.groupby("species").cumcount() >= allowed]).reset_index(drop=True)


def count_groups(images: pd.DataFrame, few: int = 20, many: int = 100) -> dict[str, list[str]]:
    """Return species by their train images: many (over `many`), medium, and few (under `few`), for metrics.score.

    Source: Liu et al. 2019, "Large-scale long-tailed recognition in an open world", whose limits are 20 and 100.
    """
    counts = images.loc[images["split"] == "train", "species"].value_counts()
    groups = {f"many (over {many})": counts > many, f"medium ({few} to {many})": counts.between(few, many)}
    groups |= {f"few (under {few})": counts < few}
    return {name: sorted(counts.index[which]) for name, which in groups.items()}


def gini(counts) -> float:
    """Return how unequal `counts` are: 0 = all the same, towards 1 = one holds everything.

    >>> gini([5, 5, 5, 5]), gini([0, 0, 0, 8])
    (0.0, 0.75)
    """
    x = np.sort(counts)  # (n,)
    return float(np.arange(1 - len(x), len(x), 2) @ x / (len(x) * x.sum()))


def describe(images: pd.DataFrame) -> pd.Series:
    """Return what the table holds: counts, the long tail, organs, sources and splits, one value a line."""
    facts = {"kind": data_kind(images), "n_images": len(images)}
    for column, name in {"obs_id": "n_observations", "genus": "n_genera", "family": "n_families"}.items():
        if column in images:
            facts[name] = images[column].nunique()
    if "species" in images and (counts := images["species"].value_counts()).size:
        facts |= {"n_species": len(counts), "n_images_without_species": int(images["species"].isna().sum())}
        facts |= {f"images_per_species_{how}": counts.agg(how) for how in ("median", "min", "max")}
        facts |= {"gini": round(gini(counts), 3), "share_of_species_with_one_image": round((counts == 1).mean(), 3)}
        facts["share_of_species_with_over_10_images"] = round((counts > 10).mean(), 3)
    for column in images.columns.intersection(["organ", "source", "split"]):
        counts = images[column].replace("", "unknown").fillna("unknown").value_counts()
        facts[f"{column}s"] = ", ".join(f"{name} {n}" for name, n in counts.items())
    return pd.Series(facts, name=images.attrs.get("name", "images"), dtype=object)


def observations(images: pd.DataFrame) -> np.ndarray:
    """Return the observation of each image, (N,); without `obs_id` each is its own."""
    own = "photo " + images.index.to_series().astype(str)
    return images.get("obs_id", own).fillna(own).to_numpy()


def flora_of(images: pd.DataFrame, latitude, longitude, date=None, radius=100.0, months=2, few=5) -> list[str]:
    """Return the species seen in `images` within `radius` km of a place and `months` of a date's month, in any year.

    That a rare species was not seen says little: those with under `few` observations stay. So do all species where
    nothing was seen at all. An observation, or a question, of unknown place or date is taken to be near.

    Raises:
        TableError: no `species`, `latitude`, `longitude` or `date`.
    Introduced in notebook 06.
    """
    require(images, "species", "latitude", "longitude", "date")
    lat, lon, here, there = map(np.radians, (images["latitude"], images["longitude"], latitude, longitude))
    haversine = np.sin((lat - here) / 2) ** 2 + np.cos(lat) * np.cos(here) * np.sin((lon - there) / 2) ** 2
    far = 2 * 6371 * np.arcsin(np.sqrt(haversine)) > radius
    month = pd.to_datetime(images["date"], errors="coerce", format="mixed").dt.month
    apart = (month - pd.to_datetime(date).month) % 12 if date else 0 * month
    far |= np.minimum(apart, 12 - apart) > months
    counts = images[~pd.Series(observations(images), images.index).duplicated()]["species"].value_counts()
    return sorted(counts.index if far.all() else {*images["species"][~far].dropna(), *counts.index[counts < few]})


def relative_names(images: pd.DataFrame) -> pd.Series:
    """Return each image's path below the folder that holds them all, with / between: the same on any machine."""
    root = os.path.commonpath([os.path.dirname(path) for path in images["image_path"]]) if len(images) else ""
    return images["image_path"].map(lambda path: path[len(root) :].replace(os.sep, "/").lstrip("/"))


def data_kind(images: pd.DataFrame) -> str:
    """Return 'generated' if any image is, else 'photographs': the word on every figure and score."""
    return "generated" if "kind" in images and (images["kind"] == "generated").any() else "photographs"


def data_hash(images: pd.DataFrame) -> str:
    """Return 12 hexadecimal digits that name these images with their labels and splits, wherever they lie.

    Rests on `sha1` (photos.set_aside) where present, else on the names below the common folder.
    """
    names = images["sha1"] if "sha1" in images else relative_names(images)
    labels = images.reindex(columns=["species", "split"]).fillna("").astype(str)
    lines = sorted(map("\t".join, zip(names, labels["species"], labels["split"])))
    return hashlib.sha1("\n".join(lines).encode()).hexdigest()[:12]
