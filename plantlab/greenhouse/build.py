"""From flora to image table: who photographed what, when and where, and which label was put on it."""

import hashlib
import io
import json
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from plantlab.greenhouse.camera import photograph
from plantlab.greenhouse.flora import grow_flora

VERSION = "0"  # part of the folder's name; raised whenever a pixel changes
NOISE = {
    "taxonomic": 0.35,
    "irrelevant_plant": 0.25,
    "non_plant": 0.25,
    "duplicate": 0.15,
}  # shares of the noise
TRUTH = ["true_species", "noise", "copy_of", "plant_seed", "photo_seed", "copy_seed"]
AUTHORS = [
    f"{name} {letter}."
    for name in ["Ada", "Alan", "Grace", "Edsger", "Barbara", "Ken", "Margaret", "Donald"]
    for letter in "BHLRT"
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
    if n_images < n_species:  # a species without a photo would be no species
        raise ValueError(f"n_images must be at least one a species ({n_species}); got {n_images}")
    shares = float(imbalance) ** -np.linspace(0, 1, n_species)
    ideal = shares / shares.sum() * n_images
    counts = np.maximum(1, ideal.astype(int))
    while counts.sum() != n_images:
        step = np.sign(n_images - counts.sum())
        counts[np.argmax(step * (ideal - counts) + (counts + step < 1) * -n_images)] += step
    return counts


def plan_photos(
    flora: pd.DataFrame,
    n_images: int = 2400,
    imbalance: float = 10,
    web_share: float = 0.15,
    web_noise: float = 0.3,
    herbarium_share: float = 0.05,
) -> pd.DataFrame:
    """Return the image table without pixels: one row a photo, its label, and the truth about it.

    `species` is the label as found; `true_species` is what the photo shows ("" where it shows no plant). `noise` names
    how the two part (PlantCLEF 2017's three kinds, and duplicates): "non_plant", "irrelevant_plant" (another genus),
    "taxonomic" (a sister species), "duplicate" (of the row `copy_of`), "" for an honest row. Only web photos are noisy, at
    a rate that differs from species to species.

    Args:
        imbalance: images of the commonest species over those of the rarest; 1 is balanced.
        web_share: share of photos that come from the web, one an observation.
        web_noise: mean share of web photos that are noise.
    """
    for name, value in {
        "web_share": web_share,
        "web_noise": web_noise,
        "herbarium_share": herbarium_share,
    }.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must be from 0 to 1, such as 0.1; got {value}")
    seed = flora.attrs.get("seed", 0)
    counts = species_counts(len(flora), n_images, imbalance)
    ranks = np.random.default_rng([seed, 2]).permutation(len(flora))
    rows = []
    for i, n in enumerate(counts[ranks]):
        rng = np.random.default_rng([seed, 3, i])
        rows += _observations(flora, i, int(n), web_share, rng.beta(4 * web_noise, 4 * (1 - web_noise))
                              if 0 < web_noise < 1 else web_noise, herbarium_share, rng)  # fmt: skip
    images = pd.DataFrame(rows)
    images["copy_of"] = images["copy_of"].fillna("")
    images["obs_id"] = [f"obs{n + 1:06d}" for n in images["obs_id"].factorize()[0]]
    images["license"], images["kind"] = "CC0-1.0", "generated"
    return images


def _observations(flora, i, n_images, web_share, noise_rate, herbarium_share, rng) -> list[dict]:
    """Return the rows of species `i`: plants met one after the other until there are `n_images` photos."""
    species, rows = flora.iloc[i], []
    while len(rows) < n_images:
        rest = (
            max(0, 1 - web_share - herbarium_share) / 2.55
        )  # a plant met in the field has 2.55 photos on average
        odds = np.array([web_share, herbarium_share, rest])
        source = str(rng.choice(["web", "herbarium", "trusted"], p=odds / odds.sum()))
        n = min(int(rng.choice([1, 2, 3, 4, 5], p=[0.25, 0.3, 0.2, 0.15, 0.1])) if source == "trusted" else 1,
                n_images - len(rows))  # fmt: skip
        day, organs = _season(species, rng)
        angle, distance = rng.uniform(0, 2 * np.pi), species.range_km * np.sqrt(rng.random()) / 111.2
        latitude = species.latitude + distance * np.sin(angle)
        date = pd.Timestamp(int(rng.integers(2015, 2025)), 1, 1) + pd.Timedelta(days=day)
        plant = {
            "image_path": "", "obs_id": f"{i}-{len(rows)}", "species": species.species, "genus": species.genus,
            "family": species.family, "species_id": species.species_id, "organ": "",
            "latitude": round(latitude, 4),
            "longitude": round(species.longitude + distance * np.cos(angle) / np.cos(np.radians(latitude)), 4),
            "author": AUTHORS[min(int(rng.exponential(8)), len(AUTHORS) - 1)], "date": date.date().isoformat(),
            "source": source, "true_species": species.species, "noise": "", "copy_of": "",
            "plant_seed": int(rng.integers(2**31)), "photo_seed": 0, "copy_seed": 0,
        }  # fmt: skip
        chosen = list(rng.permutation(organs))[:n] + list(rng.choice(organs, max(0, n - len(organs))))
        for organ in ["herbarium"] if source == "herbarium" else chosen:
            row = plant | {"organ": str(organ), "photo_seed": int(rng.integers(2**31))}
            row["image_path"] = f"images/{species.species.replace(' ', '_')}/{len(rows) + 1:05d}.jpg"
            if source == "web" and rng.random() < noise_rate:
                row |= _noise(flora, i, row, rows, rng)
            rows.append(row)
    return rows


def _season(species: pd.Series, rng: np.random.Generator) -> tuple[int, list[str]]:
    """Return the day of year of a visit and the organs to be seen on it."""
    start, end = species.first_flower, species.first_flower + 7 * species.weeks
    visit = rng.choice(["flower", "fruit", "leaf"], p=[0.55, 0.25, 0.2])
    day = {"flower": rng.integers(start, end), "fruit": rng.integers(end + 7, end + 42),
           "leaf": rng.integers(100, 300)}[visit]  # fmt: skip
    organs = ["leaf", "habit"] + (["bark"] if species.bark else [])
    flowering, fruiting = start <= day < end, end + 7 <= day < end + 42
    return int(day), organs + ["flower", "flower"] * int(flowering) + ["fruit", "fruit"] * int(fruiting)


def _noise(flora, i, row, rows, rng) -> dict:
    """Return what a noisy web photo has otherwise than its row says."""
    label = flora.iloc[i]
    sisters = flora[(flora.genus == label.genus) & (flora.species != label.species)]
    strangers = flora[flora.genus != label.genus]
    shares = dict(NOISE)
    shares["taxonomic"] *= len(sisters) > 0
    shares["irrelevant_plant"] *= len(strangers) > 0
    originals = [r for r in rows if not r["noise"]]
    shares["duplicate"] *= len(originals) > 0
    noise = str(rng.choice(list(shares), p=np.array(list(shares.values())) / sum(shares.values())))
    if noise == "non_plant":
        return {"noise": noise, "true_species": "", "organ": ""}
    if noise == "duplicate":
        original = originals[rng.integers(len(originals))]
        same = {k: original[k] for k in ("organ", "true_species", "plant_seed", "photo_seed")}
        return same | {
            "noise": noise,
            "copy_of": original["image_path"],
            "copy_seed": int(rng.integers(2)) * row["photo_seed"],
        }
    other = (
        (sisters if noise == "taxonomic" else strangers)
        .sample(1, random_state=int(rng.integers(2**31)))
        .iloc[0]
    )
    return {
        "noise": noise,
        "true_species": other.species,
        "organ": row["organ"] if other.bark else row["organ"].replace("bark", "leaf"),
    }


def jpeg_bytes(flora: pd.DataFrame, row: pd.Series, size: int = 128) -> bytes:
    """Return the JPEG file of one photo; it depends on the flora and on this row alone."""
    truth = flora[flora.species == row.true_species]
    species = truth.iloc[0] if len(truth) else None
    day = pd.Timestamp(row.date).dayofyear
    image, quality = photograph(species, row.organ, row.plant_seed, row.photo_seed, size, day, row.species)
    if row.copy_seed:  # a copy that somebody cropped and saved again
        rng = np.random.default_rng(row.copy_seed)
        left, top, right, bottom = rng.uniform(0, 0.06, 4) * size
        image = image.resize((size, size), Image.Resampling.BICUBIC, (left, top, size - right, size - bottom))
        quality = int(rng.integers(45, 75))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def take_photo(flora: pd.DataFrame, row: pd.Series, size: int = 128) -> Image.Image:
    """Return one photo of a plan, made alone: the same pixels as in a whole build, at any `size`."""
    return Image.open(io.BytesIO(jpeg_bytes(flora, row, size))).convert("RGB")


def build(
    folder: str | Path | None = None,
    n_species: int = 30,
    n_images: int = 2400,
    image_size: int = 128,
    seed: int = 0,
    imbalance: float = 10,
    web_share: float = 0.15,
    web_noise: float = 0.3,
    herbarium_share: float = 0.05,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Return the image table of the built-in flora, photos on disk, built where they are not there yet.

    The folder holds `images/<species>/<number>.jpg`, `images.csv` and `flora.csv`. It appears whole or not at all, and two
    processes may build it at once. Without `folder` it is `data/greenhouse/<version and parameters>` in the project.
    """
    wanted = dict(locals())
    wanted = {"version": VERSION} | {k: v for k, v in wanted.items() if k not in ("folder", "n_jobs")}
    if folder is None:
        from plantlab.table import project_root

        key = hashlib.sha1(json.dumps(wanted).encode()).hexdigest()[:8]
        folder = project_root() / "data" / "greenhouse" / f"{n_species}species-{n_images}-{key}"
    folder = Path(folder)
    if not (folder / "images.csv").exists():
        flora = grow_flora(n_species, seed)
        plan = plan_photos(flora, n_images, imbalance, web_share, web_noise, herbarium_share)
        _write(folder, flora, plan, image_size, n_jobs, wanted)
    elif json.loads((folder / "build.json").read_text()) != wanted:
        raise ValueError(
            f"{folder} holds a flora built with other parameters (see build.json there); name another folder"
        )
    images = pd.read_csv(folder / "images.csv", dtype={"species_id": str}, keep_default_na=False)
    images["image_path"] = [str(folder.absolute() / p) for p in images["image_path"]]
    images.attrs["name"] = folder.name
    return images


def _write(
    folder: Path, flora: pd.DataFrame, plan: pd.DataFrame, size: int, n_jobs: int | None, wanted: dict
) -> None:
    """Write photos and tables into a folder beside `folder`, then rename it."""
    from joblib import Parallel, delayed
    from tqdm.auto import tqdm

    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for species in plan["species"].unique():
            (new / "images" / species.replace(" ", "_")).mkdir(parents=True)
        chunks = [plan.iloc[i : i + 32] for i in range(0, len(plan), 32)]
        workers = Parallel(n_jobs=n_jobs or os.cpu_count(), return_as="generator")
        for _ in tqdm(workers(delayed(_write_photos)(new, flora, c, size) for c in chunks), "growing the flora",
                      len(chunks), leave=False, unit_scale=32, unit="photo"):  # fmt: skip
            pass
        flora.to_csv(new / "flora.csv", index=False)
        plan.to_csv(new / "images.csv", index=False)
        (new / "build.json").write_text(json.dumps(wanted))
        try:
            new.rename(folder)
        except OSError:  # somebody else was quicker; theirs has the same bytes
            if not (folder / "images.csv").exists():
                raise
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _write_photos(folder: Path, flora: pd.DataFrame, rows: pd.DataFrame, size: int) -> None:
    for row in rows.itertuples():
        (folder / row.image_path).write_bytes(jpeg_bytes(flora, row, size))
