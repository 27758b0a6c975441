"""From flora to image table: who photographed what, when and where, and which label was put on it."""

import hashlib
import io
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from PIL import Image

from plantlab.files import project_root, write_whole
from plantlab.greenhouse.camera import photograph
from plantlab.greenhouse.flora import grow_flora

VERSION = (
    "1"  # frozen by a test; raised whenever a photo changes, and part of the name of a built folder
)
NOISE = {
    "taxonomic": 0.35,
    "irrelevant_plant": 0.25,
    "non_plant": 0.25,
    "duplicate": 0.15,
}  # shares of all noise
AUTHORS = [
    f"{name} {letter}."
    for name in ("Ada", "Alan", "Grace", "Edsger", "Barbara", "Ken")
    for letter in "BHLRTW"
]


def species_counts(n_species: int, n_images: int, imbalance: float = 10) -> np.ndarray:
    """Return images per species, most to fewest: a geometric tail whose first is `imbalance` times its last.

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
    counts = np.diff(np.round(np.cumsum(shares / shares.sum()) * n_images).astype(int), prepend=0)
    counts = np.maximum(np.sort(counts)[::-1], 1)  # a species without a photo would be none
    while counts.sum() > n_images:
        counts[counts.argmax()] -= 1
    return counts


def plan_photos(
    flora: pd.DataFrame, n_images: int = 2400, imbalance: float = 10, web_share: float = 0.15,
    web_noise: float = 0.3, herbarium_share: float = 0.05,
) -> pd.DataFrame:  # fmt: skip
    """Return the image table without pixels: one row a photo, its label, and the truth about it.

    `species` is the label as found; `true_species` what the photo shows ("" where it shows no plant). `noise` says how
    they part: "non_plant", "irrelevant_plant" (another genus), "taxonomic" (a sister species), "duplicate" (of the
    photo `copy_of`, saved again where `copy_seed` is not 0); "" is an honest photo. Only web photos are noisy, at a
    rate that differs from species to species.

    Args:
        imbalance: images of the commonest species over those of the rarest; 1 is balanced.
        web_share: share of photos found in the web; `herbarium_share`: of herbarium sheets; the rest are trusted.
        web_noise: mean share of noise among web photos.
    Raises:
        ValueError: a share outside [0, 1], `imbalance` below 1, fewer images than species.
    Source: H. Goeau, P. Bonnet and A. Joly, Plant identification based on noisy web data, LifeCLEF 2017.
    """
    for name, value in {
        "web_share": web_share,
        "web_noise": web_noise,
        "herbarium_share": herbarium_share,
    }.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must be from 0 to 1, such as 0.1; got {value}")
    rng = np.random.default_rng([flora.attrs.get("seed", 0), 2])
    field = (
        max(0, 1 - web_share - herbarium_share) / 2.55
    )  # a plant met in the field has 2.55 photos on average
    odds = np.array([web_share, herbarium_share, field]) / (web_share + herbarium_share + field)
    rows, species = [], list(flora.itertuples())
    for i, count in enumerate(rng.permutation(species_counts(len(flora), n_images, imbalance))):
        own = []
        rate = rng.beta(6 * web_noise, 6 * (1 - web_noise)) if 0 < web_noise < 1 else web_noise
        while len(own) < count:
            source = str(rng.choice(["web", "herbarium", "trusted"], p=odds))
            plant, organs = _meet(species[i], source, rng)
            n = 1 + int(rng.choice(5, p=[0.25, 0.3, 0.2, 0.15, 0.1])) if source == "trusted" else 1
            plant["obs_id"] = f"obs{len(rows) + len(own) + 1:06d}"
            for organ in [*rng.permutation(organs), *rng.choice(organs, 5)][
                : min(n, count - len(own))
            ]:
                path = f"images/{plant['species'].replace(' ', '_')}/{len(own) + 1:05d}.jpg"
                row = plant | {
                    "image_path": path,
                    "organ": str(organ),
                    "photo_seed": int(rng.integers(2**31)),
                }
                own.append(
                    _mislabel(row, flora, i, own, rng)
                    if source == "web" and rng.random() < rate
                    else row
                )
        rows += own
    return pd.DataFrame(rows)


def _meet(species, source: str, rng: np.random.Generator) -> tuple[dict, list[str]]:
    """Return the row of a plant met somewhere in its range, some day of the year, and the organs to be seen on it."""
    start, end = species.first_flower, species.first_flower + 7 * species.weeks
    days = [(start, end), (end + 7, end + 42), (100, 300)][rng.choice(3, p=[0.55, 0.25, 0.2])]
    day, year = int(rng.integers(*days)), int(rng.integers(2015, 2025))
    organs = ["leaf", "habit"] + ["bark"] * bool(species.bark)
    organs += ["flower"] * 2 * (start <= day < end) + ["fruit"] * 2 * (end + 7 <= day < end + 42)
    angle, degrees = 2 * np.pi * rng.random(), species.range_km * np.sqrt(rng.random()) / 111.2
    latitude = species.latitude + degrees * np.sin(angle)
    longitude = species.longitude + degrees * np.cos(angle) / np.cos(np.radians(latitude))
    plant = {"image_path": "", "obs_id": "", "species": species.species, "genus": species.genus,
             "family": species.family, "species_id": species.species_id, "organ": "",
             "latitude": round(float(latitude), 4), "longitude": round(float(longitude), 4),
             "author": AUTHORS[min(int(rng.exponential(8)), len(AUTHORS) - 1)],
             "date": (pd.Timestamp(year, 1, 1) + pd.Timedelta(days=day - 1)).date().isoformat(), "license": "CC0-1.0",
             "source": source, "kind": "generated", "true_species": species.species, "noise": "", "copy_of": "",
             "plant_seed": int(rng.integers(2**31)), "photo_seed": 0, "copy_seed": 0}  # fmt: skip
    return plant, ["herbarium"] if source == "herbarium" else organs


def _mislabel(
    row: dict, flora: pd.DataFrame, i: int, earlier: list[dict], rng: np.random.Generator
) -> dict:
    """Return the row of a web photo that shows something else than its label says."""
    same = (flora["genus"] == flora["genus"].iloc[i]).to_numpy()
    sisters, honest = (
        same & (np.arange(len(flora)) != i),
        [k for k, r in enumerate(earlier) if not r["noise"]],
    )
    groups = {"taxonomic": np.flatnonzero(sisters), "irrelevant_plant": np.flatnonzero(~same)}
    groups |= {"non_plant": [0], "duplicate": honest}
    odds = np.array([NOISE[k] * (len(v) > 0) for k, v in groups.items()])
    noise = str(rng.choice(list(groups), p=odds / odds.sum()))
    which = int(rng.choice(groups[noise]))
    if noise == "non_plant":
        return row | {"noise": noise, "true_species": "", "organ": ""}
    if noise == "duplicate":
        first = {k: earlier[which][k] for k in ("organ", "date", "plant_seed", "photo_seed")}
        copy = int(rng.integers(1, 2**31)) * int(rng.integers(2))
        return (
            row
            | first
            | {"noise": noise, "copy_of": earlier[which]["image_path"], "copy_seed": copy}
        )
    other = flora.iloc[which]
    organ = "leaf" if row["organ"] == "bark" and not other["bark"] else row["organ"]
    return row | {"noise": noise, "true_species": other["species"], "organ": organ}


def jpeg_bytes(flora: pd.DataFrame, row, size: int = 128) -> bytes:
    """Return the JPEG file of one photo; it depends on the flora and on this row alone."""
    shown = flora[flora["species"] == row.true_species]
    shown, day = shown.iloc[0] if len(shown) else None, pd.Timestamp(row.date).dayofyear
    image, quality = photograph(
        shown, row.organ, row.plant_seed, row.photo_seed, size, day, row.species
    )
    if row.copy_seed:  # somebody cropped it and saved it again
        rng = np.random.default_rng(row.copy_seed)
        left, top, right, bottom = rng.uniform(0, 0.06, 4) * size
        image = image.resize(
            (size, size), Image.Resampling.BICUBIC, (left, top, size - right, size - bottom)
        )
        quality = int(rng.integers(45, 75))
    image.save(file := io.BytesIO(), "JPEG", quality=quality)
    return file.getvalue()


def take_photo(flora: pd.DataFrame, row, size: int = 128) -> Image.Image:
    """Return one photo of a plan, made alone, at any `size`; at the size of a build it has the same pixels."""
    return Image.open(io.BytesIO(jpeg_bytes(flora, row, size))).convert("RGB")


def build(
    folder: str | Path | None = None, n_species: int = 30, n_images: int = 2400, image_size: int = 128, seed: int = 0,
    imbalance: float = 10, web_share: float = 0.15, web_noise: float = 0.3, herbarium_share: float = 0.05,
    n_jobs: int | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return the image table of the built-in flora, photos on disk; they are made where they are not there yet.

    `folder` (else one under `data/greenhouse`, named by the parameters) holds `images/<species>/<number>.jpg`,
    `images.csv`, `flora.csv` and `build.json`. It appears whole or not at all, so two processes may build it at once.

    Raises:
        ValueError: `folder` holds a flora built with other parameters, or a parameter is out of range.
    """
    wanted = {"version": VERSION} | {
        k: v for k, v in locals().items() if k not in ("folder", "n_jobs")
    }
    name = f"{n_species}-species-{n_images}-images-{hashlib.sha1(json.dumps(wanted).encode()).hexdigest()[:8]}"
    folder = Path(folder or project_root() / "data" / "greenhouse" / name).absolute()
    if not (folder / "build.json").exists():
        flora = grow_flora(n_species, seed)
        plan = plan_photos(flora, n_images, imbalance, web_share, web_noise, herbarium_share)
        _write(folder, flora, plan, image_size, n_jobs, wanted)
    elif json.loads((folder / "build.json").read_text()) != wanted:
        raise ValueError(
            f"{folder} holds a flora of other parameters (see build.json there); name another folder"
        )
    images = pd.read_csv(folder / "images.csv", dtype={"species_id": str}, keep_default_na=False)
    images["image_path"] = [str(folder / p) for p in images["image_path"]]
    images.attrs["name"] = folder.name
    return images


def _write(
    folder: Path,
    flora: pd.DataFrame,
    plan: pd.DataFrame,
    size: int,
    n_jobs: int | None,
    wanted: dict,
) -> None:
    """Write photos and tables into a folder beside `folder`, then move it there."""
    from joblib import Parallel, delayed
    from tqdm.auto import tqdm

    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as beside:
        new = Path(beside) / folder.name
        pool = Parallel(n_jobs or os.cpu_count(), return_as="generator", batch_size=32)
        photos = pool(delayed(jpeg_bytes)(flora, row, size) for _, row in plan.iterrows())
        for path, photo in zip(tqdm(plan["image_path"], "growing the flora", leave=False), photos):
            write_whole(new / path, photo)
        flora.to_csv(new / "flora.csv", index=False)
        plan.to_csv(new / "images.csv", index=False)
        (new / "build.json").write_text(json.dumps(wanted))
        try:
            new.rename(folder)
        except OSError:  # somebody else was quicker; theirs has the same bytes
            if not (folder / "build.json").exists():
                raise
