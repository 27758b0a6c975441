"""Tables of leaves and of seedlings: planned, photographed once, and kept in `data/greenhouse`."""

import hashlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from numpy.random import Generator
from PIL import Image

from plantlab.files import project_root, write_whole
from plantlab.greenhouse.flora import grow_flora
from plantlab.greenhouse.health import DISEASES, SEVERITIES, photograph_leaf
from plantlab.greenhouse.plan import SEEDS
from plantlab.greenhouse.seedlings import MOST_NODES, photograph_seedling

VERSION = "1"  # raised whenever one of these photos changes; part of the name of a built folder
AT_ONCE = 32  # photos that a process draws before it hands them over
N_PHOTOS = {1: 0.5, 2: 0.3, 3: 0.2}  # of the leaves of a plant, and how often
SPLITS = ("train", "test", "train", "valid", "train")  # of plants, in turn
TAXONOMY = ["species", "genus", "family", "species_id"]
LEAFY = (120, 260)  # days of the year, from, to
SPROUTING = (75, 150)

Photographer = Callable[[pd.Series, pd.Series, int], tuple[Image.Image, int]]
PHOTOGRAPHERS: dict[str, Photographer] = {"leaf": photograph_leaf, "seedling": photograph_seedling}


def build_leaves(
    n_species: int = 20,
    n_images: int = 1200,
    seed: int = 0,
    flora_seed: int = 0,
    size: int = 128,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Return the image table of leaves, well and ill, with `disease` and `severity`.

    Photos that are not on disk yet are made. Every species has every disease, on as many plants;
    a plant has one, and one to three photos.

    Args:
        seed: of these plants; n_species, flora_seed: of the flora, as in `build`.
        size: pixels along a side. n_jobs: processes that draw at once; else one a core.
    Raises:
        ValueError: see plan_leaves and grow_flora.
    """
    wanted = {"n_images": n_images, "seed": seed, "n_species": n_species}
    wanted |= {"flora_seed": flora_seed, "size": size}
    return _build("leaf", plan_leaves, wanted, n_jobs)


def build_seedlings(
    n_species: int = 20,
    n_images: int = 400,
    seed: int = 0,
    flora_seed: int = 0,
    size: int = 128,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Return the image table of seedlings, one photo a plant, with `n_nodes` of first leaves.

    The arguments are those of build_leaves.
    """
    wanted = {"n_images": n_images, "seed": seed, "n_species": n_species}
    wanted |= {"flora_seed": flora_seed, "size": size}
    return _build("seedling", plan_seedlings, wanted, n_jobs)


def plan_leaves(flora: pd.DataFrame, n_images: int, seed: int = 0) -> pd.DataFrame:
    """Return a row a photo of leaves: which plant, what it has and how much, its seeds and split.

    Raises:
        ValueError: fewer images than one for each species and disease.
    """
    least = len(flora) * len(DISEASES)
    if n_images < least:
        raise ValueError(
            f"n_images must be at least {least}, one for each of {len(flora)} species and "
            f"{len(DISEASES)} states of health; got {n_images}"
        )
    rng = np.random.default_rng([flora.attrs.get("seed", 0), seed, 5])
    rows: list[dict] = []
    while len(rows) < n_images:
        number = rows[-1]["number"] + 1 if rows else 0
        disease = DISEASES[number // len(flora) % len(DISEASES)]
        plant = _plant(flora, number, number // least, LEAFY, rng)
        plant["organ"] = "leaf"
        plant["disease"] = disease
        plant["severity"] = 0.0 if disease == "healthy" else _severity(rng)
        n_photos = rng.choice(list(N_PHOTOS), p=list(N_PHOTOS.values()))
        for _ in range(min(n_photos, n_images - len(rows))):
            rows.append(plant | {"photo_seed": int(rng.integers(SEEDS))})
    return _table(rows)


def plan_seedlings(flora: pd.DataFrame, n_images: int, seed: int = 0) -> pd.DataFrame:
    """Return a row a photo of a seedling: which plant, its nodes, seeds and split.

    Raises:
        ValueError: fewer images than species.
    """
    if n_images < len(flora):
        raise ValueError(f"n_images must be at least one a species ({len(flora)}); got {n_images}")
    rng = np.random.default_rng([flora.attrs.get("seed", 0), seed, 6])
    rows = []
    for number in range(n_images):
        plant = _plant(flora, number, number // len(flora), SPROUTING, rng)
        plant["organ"] = "seedling"
        plant["n_nodes"] = int(rng.integers(MOST_NODES + 1))
        rows.append(plant | {"photo_seed": int(rng.integers(SEEDS))})
    return _table(rows)


def _severity(rng: Generator) -> float:
    """Return the share of a blade that is covered; small ones are as likely as large ones."""
    low, high = np.log(SEVERITIES)
    return round(float(np.exp(rng.uniform(low, high))), 4)


def _plant(
    flora: pd.DataFrame, number: int, turn: int, season: tuple[int, int], rng: Generator
) -> dict:
    """Return the columns of a plant; `turn`: how many of its kind came before it."""
    taxonomy = flora[TAXONOMY].iloc[number % len(flora)].to_dict()
    new_year = pd.Timestamp(int(rng.integers(2015, 2025)), 1, 1)
    day = new_year + pd.Timedelta(days=int(rng.integers(*season)))
    return taxonomy | {
        "number": number,
        "obs_id": f"plant{number:06d}",
        "date": day.date().isoformat(),
        "license": "CC0-1.0",
        "source": "trusted",
        "split": SPLITS[turn % len(SPLITS)],
        "kind": "generated",
        "plant_seed": int(rng.integers(SEEDS)),
    }


def _table(rows: list[dict]) -> pd.DataFrame:
    table = pd.DataFrame(rows).drop(columns="number")
    table.insert(0, "image_path", [f"images/{i:06d}.jpg" for i in range(len(table))])
    return table


def _build(organ: str, plan: Callable, wanted: dict, n_jobs: int | None) -> pd.DataFrame:
    """Return the table of a built folder, which appears whole or not at all."""
    named = json.dumps({"version": VERSION, "organ": organ} | wanted)
    digest = hashlib.sha1(named.encode()).hexdigest()[:8]
    name = f"{organ}-{wanted['n_images']}-{digest}"
    folder = project_root() / "data" / "greenhouse" / name
    if not (folder / "images.csv").exists():
        flora = grow_flora(wanted["n_species"], wanted["flora_seed"])
        rows = plan(flora, wanted["n_images"], wanted["seed"])
        _write(folder, flora, rows, wanted["size"], n_jobs)
    images = pd.read_csv(folder / "images.csv", dtype={"species_id": str})
    images["image_path"] = [str(folder / path) for path in images["image_path"]]
    images.attrs |= {"name": name, "layout": "the built-in flora", "notes": []}
    return images


def _write(
    folder: Path, flora: pd.DataFrame, plan: pd.DataFrame, size: int, n_jobs: int | None
) -> None:
    """Write photos and tables into a folder beside `folder`, then move it there."""
    from joblib import Parallel, delayed
    from tqdm.auto import tqdm

    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as beside:
        new = Path(beside) / folder.name
        pool = Parallel(n_jobs or os.cpu_count(), return_as="generator", batch_size=1)
        starts = range(0, len(plan), AT_ONCE)
        sheaves = pool(delayed(_draw)(flora, plan[at : at + AT_ONCE], size) for at in starts)
        bar = tqdm(sheaves, "growing close-ups", len(starts), leave=False)
        for at, photos in zip(starts, bar):
            for path, photo in zip(plan["image_path"][at : at + AT_ONCE], photos):
                write_whole(new / path, photo)
        flora.to_csv(new / "flora.csv", index=False)
        plan.to_csv(new / "images.csv", index=False)
        try:
            new.rename(folder)
        except OSError:  # somebody else was quicker; theirs has the same bytes
            if not (folder / "images.csv").exists():
                raise


def _draw(flora: pd.DataFrame, rows: pd.DataFrame, size: int) -> list[bytes]:
    """Return the JPEG files of some photos."""
    by_name = flora.set_index("species", drop=False)
    files = []
    for row in rows.itertuples():
        species = by_name.loc[row.species]
        image, quality = PHOTOGRAPHERS[row.organ](species, row, size)
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality)
        files.append(file.getvalue())
    return files
