"""The plan: who photographed what, when and where, and which label was put on it."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy import ndarray
from numpy.random import Generator

NOISE = {  # shares of all noise
    "taxonomic": 0.3,
    "irrelevant_plant": 0.25,
    "non_plant": 0.3,
    "duplicate": 0.15,
}
FIRST_NAMES = ("Ada", "Alan", "Grace", "Edsger", "Barbara", "Ken")
AUTHORS = [f"{name} {letter}." for name in FIRST_NAMES for letter in "BHLRTW"]
PARTS = ["web", "herbarium", "learnt", "held out"]  # of which the last two are trusted
EXTRA_PHOTOS = {  # odds of 0 to 4 more photos of a plant met in the field
    "learnt": [0.25, 0.3, 0.2, 0.15, 0.1],
    "held out": [
        0.75,
        0,
        0.05,
        0.1,
        0.1,
    ],  # most are met once: many plants say more than many photos
}
PHOTOS_A_PLANT = {"learnt": 2.55, "held out": 1.8}  # what these odds come to, on average
VALID_SHARE = 0.25  # of the plants held out; the others are for the test
KM_A_DEGREE = 111.2
SEEDS = 2**31  # seeds are drawn below this


def species_counts(n_species: int, n_images: int, imbalance: float = 10) -> ndarray:
    """Return images per species, most to fewest: a geometric tail.

    The first is `imbalance` times the last.

    >>> species_counts(4, 40, imbalance=1).tolist(), species_counts(3, 21, imbalance=16).tolist()
    ([10, 10, 10, 10], [16, 4, 1])
    """
    if imbalance < 1:
        raise ValueError(
            f"imbalance is the most images of a species over the fewest, 1 or more; got {imbalance}"
        )
    if n_images < n_species:
        raise ValueError(f"n_images must be at least one a species ({n_species}); got {n_images}")
    shares = float(imbalance) ** -np.linspace(0, 1, n_species)
    ends = np.cumsum(shares / shares.sum()) * n_images
    counts = np.diff(np.round(ends).astype(int), prepend=0)
    counts = np.sort(counts)[::-1]
    counts = np.maximum(counts, 1)  # a species without a photo would be none
    while counts.sum() > n_images:
        counts[counts.argmax()] -= 1
    return counts


def plan_photos(
    flora: pd.DataFrame,
    n_images: int = 5200,
    imbalance: float = 6,
    web_share: float = 0.21,
    web_noise: float = 0.45,
    herbarium_share: float = 0.02,
    held_share: float = 0.55,
) -> pd.DataFrame:
    """Return the image table without pixels: one row a photo, its label, and the truth about it.

    `split` is published: plants met in the field are learnt from or held out, for valid and test;
    photos from the web and herbarium sheets are all learnt from.

    `species` is the label as found; `true_species` what the photo shows ("" where it shows no
    plant). `noise` says how they part: "non_plant", "irrelevant_plant" (another genus), "taxonomic"
    (a sister species), "duplicate" (of the photo `copy_of`, saved again where `copy_seed` is not
    0); "" is an honest photo. Only web photos are noisy, at a rate that differs from species to
    species.

    Args:
        imbalance: images of the commonest species over those of the rarest; 1 is balanced.
        web_share: share of photos found in the web; the rest are trusted, or herbarium sheets.
        web_noise: mean share of noise among web photos.
        herbarium_share: share of herbarium sheets.
        held_share: share of photos that are held out; 0 publishes no split.
    Raises:
        ValueError: a share outside [0, 1], `imbalance` below 1, fewer images than species.
    Source: H. Goeau, P. Bonnet and A. Joly, Plant identification based on noisy web data,
    LifeCLEF 2017.
    """
    _require_share("web_share", web_share)
    _require_share("web_noise", web_noise)
    _require_share("herbarium_share", herbarium_share)
    _require_share("held_share", held_share)
    rng = np.random.default_rng([flora.attrs.get("seed", 0), 2])
    odds = _part_odds(web_share, herbarium_share, held_share)
    counts = rng.permutation(species_counts(len(flora), n_images, imbalance))
    rows = []
    for position, count in enumerate(counts):
        noise_rate = _noise_rate(web_noise, rng)
        rows += _photos_of_species(flora, position, count, len(rows), odds, noise_rate, rng)
    return pd.DataFrame(rows)


def _require_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be from 0 to 1, such as 0.1; got {value}")


def _part_odds(web_share: float, herbarium_share: float, held_share: float) -> ndarray:
    """Return how often a plant belongs to each of `PARTS`; one in the field gives more photos."""
    held = held_share / PHOTOS_A_PLANT["held out"]
    learnt = max(0, 1 - web_share - herbarium_share - held_share) / PHOTOS_A_PLANT["learnt"]
    odds = np.array([web_share, herbarium_share, learnt, held])
    return odds / odds.sum()


def _noise_rate(web_noise: float, rng: Generator) -> float:
    """Return the share of noise among the web photos of one species."""
    if 0 < web_noise < 1:
        return rng.beta(6 * web_noise, 6 * (1 - web_noise))
    return web_noise


def _photos_of_species(
    flora: pd.DataFrame,
    position: int,
    count: int,
    n_before: int,
    odds: ndarray,
    noise_rate: float,
    rng: Generator,
) -> list[dict]:
    """Return `count` rows of the species at this position of the flora, plant by plant."""
    species = flora.iloc[position]
    rows: list[dict] = []
    while len(rows) < count:
        part = str(rng.choice(PARTS, p=odds))
        if not rows and odds[PARTS.index("learnt")]:
            part = "learnt"  # every species has a plant to learn from
        plant, organs = _meet(species, part, rng)
        n_photos = 1 + _extra_photos(part, rng)
        plant["obs_id"] = f"obs{n_before + len(rows) + 1:06d}"
        different_first = [*rng.permutation(organs), *rng.choice(organs, 5)]
        for organ in different_first[: min(n_photos, count - len(rows))]:
            row = plant | _photo(plant["species"], len(rows) + 1, str(organ), rng)
            if part == "web" and rng.random() < noise_rate:
                row = _mislabel(row, flora, position, rows, rng)
            rows.append(row)
    return rows


def _extra_photos(part: str, rng: Generator) -> int:
    """Return how many photos follow the first of a plant."""
    odds = EXTRA_PHOTOS.get(part)
    return int(rng.choice(len(odds), p=odds)) if odds else 0


def _split(part: str, rng: Generator) -> str:
    if part != "held out":
        return "train"
    return "valid" if rng.random() < VALID_SHARE else "test"


def _photo(species: str, number: int, organ: str, rng: Generator) -> dict:
    """Return the columns in which the photos of one plant differ."""
    return {
        "image_path": f"images/{species.replace(' ', '_')}/{number:05d}.jpg",
        "organ": organ,
        "photo_seed": int(rng.integers(SEEDS)),
    }


def _meet(species: pd.Series, part: str, rng: Generator) -> tuple[dict, list[str]]:
    """Return the row of a plant met in its range on some day, and the organs to be seen on it."""
    start = species["first_flower"]
    end = start + 7 * species["weeks"]
    fruiting = (end + 7, end + 42)
    seasons = [(start, end), fruiting, (100, 300)]
    season = seasons[rng.choice(3, p=[0.65, 0.25, 0.1])]
    day = int(rng.integers(*season))
    year = int(rng.integers(2015, 2025))
    place = _somewhere(species, rng)
    zeal = int(rng.exponential(8))  # few take most of the photos
    author = AUTHORS[min(zeal, len(AUTHORS) - 1)]
    plant = {
        "image_path": "",
        "obs_id": "",
        "species": species["species"],
        "genus": species["genus"],
        "family": species["family"],
        "species_id": species["species_id"],
        "organ": "",
        "latitude": place.latitude,
        "longitude": place.longitude,
        "author": author,
        "date": _iso_date(year, day),
        "license": "CC0-1.0",
        "source": part if part in ("web", "herbarium") else "trusted",
        "split": _split(part, rng),
        "kind": "generated",
        "true_species": species["species"],
        "noise": "",
        "copy_of": "",
        "plant_seed": int(rng.integers(SEEDS)),
        "photo_seed": 0,
        "copy_seed": 0,
    }
    if part == "herbarium":
        return plant, ["herbarium"]
    in_flower = start <= day < end
    in_fruit = fruiting[0] <= day < fruiting[1]
    return plant, _organs(bool(species["bark"]), in_flower, in_fruit)


def _iso_date(year: int, day: int) -> str:
    """Return the date of a day of the year, from 1."""
    new_year = pd.Timestamp(year, 1, 1)
    date = new_year + pd.Timedelta(days=day - 1)
    return date.date().isoformat()


def _organs(woody: bool, in_flower: bool, in_fruit: bool) -> list[str]:
    """Return what can be photographed, that for which people stop more often."""
    organs = ["leaf", "habit"]
    if woody:
        organs += ["bark"]
    if in_flower:
        organs += ["flower", "flower", "flower"]
    if in_fruit:
        organs += ["fruit", "fruit"]
    return organs


class _Place(NamedTuple):
    latitude: float
    longitude: float


def _somewhere(species: pd.Series, rng: Generator) -> _Place:
    """Return a place in the range of a species, all parts of that disc alike."""
    angle = 2 * np.pi * rng.random()
    degrees = species["range_km"] * np.sqrt(rng.random()) / KM_A_DEGREE
    latitude = species["latitude"] + degrees * np.sin(angle)
    narrowing = np.cos(np.radians(latitude))
    longitude = species["longitude"] + degrees * np.cos(angle) / narrowing
    return _Place(round(float(latitude), 4), round(float(longitude), 4))


def _mislabel(
    row: dict, flora: pd.DataFrame, position: int, earlier: list[dict], rng: Generator
) -> dict:
    """Return the row of a web photo that shows something else than its label says."""
    candidates = _candidates(flora, position, earlier)
    possible = [len(found) > 0 for found in candidates.values()]
    shares = [NOISE[noise] for noise in candidates]
    odds = np.array(shares) * possible
    noise = str(rng.choice(list(candidates), p=odds / odds.sum()))
    which = int(rng.choice(candidates[noise]))
    if noise == "non_plant":
        return row | {"noise": noise, "true_species": "", "organ": ""}
    if noise == "duplicate":
        return row | _copied(earlier[which], rng)
    other = flora.iloc[which]
    organ = row["organ"]
    if organ == "bark" and not other["bark"]:
        organ = "leaf"
    return row | {"noise": noise, "true_species": other["species"], "organ": organ}


def _candidates(flora: pd.DataFrame, position: int, earlier: list[dict]) -> dict:
    """Return for each noise what it could show: positions in the flora, or among earlier photos."""
    same_genus = (flora["genus"] == flora["genus"].iloc[position]).to_numpy()
    is_other = np.arange(len(flora)) != position
    honest = [
        k for k, photo in enumerate(earlier) if not photo["noise"] and photo["split"] == "train"
    ]
    return {
        "taxonomic": np.flatnonzero(same_genus & is_other),
        "irrelevant_plant": np.flatnonzero(~same_genus),
        "non_plant": [0],
        "duplicate": honest,
    }


def _copied(original: dict, rng: Generator) -> dict:
    """Return the columns of a copy of an earlier photo, saved again in half of the cases."""
    copy_seed = int(rng.integers(1, SEEDS))
    saved_again = int(rng.integers(2))
    same = ("organ", "date", "plant_seed", "photo_seed")
    shared = {column: original[column] for column in same}
    return shared | {
        "noise": "duplicate",
        "copy_of": original["image_path"],
        "copy_seed": copy_seed * saved_again,
    }
