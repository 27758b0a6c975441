"""From flora to photos on disk."""

import hashlib
import io
import json
import os
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from PIL import Image

from plantlab.files import project_root, write_whole
from plantlab.greenhouse.camera import photograph
from plantlab.greenhouse.flora import grow_flora
from plantlab.greenhouse.plan import plan_photos

# Frozen by a test; raised whenever a photo changes, and part of the name of a built folder.
VERSION = "2"
AT_ONCE = 32  # photos that a process draws before it hands them over


@dataclass(frozen=True)
class Parameters:
    """What a built flora is made from, and named by; see `grow_flora` and `plan_photos`."""

    n_species: int = 20
    n_images: int = 5200
    image_size: int = 128  # pixels along a side
    seed: int = 0
    imbalance: float = 6
    web_share: float = 0.21
    web_noise: float = 0.45
    herbarium_share: float = 0.02
    held_share: float = 0.55

    def describe(self) -> dict:
        """Return what `build.json` says of the flora."""
        return {"version": VERSION} | asdict(self)

    def folder_name(self) -> str:
        """Return the name of the folder of this flora: its size, and a hash of all parameters."""
        digest = hashlib.sha1(json.dumps(self.describe()).encode()).hexdigest()
        return f"{self.n_species}-species-{self.n_images}-images-{digest[:8]}"


def build(
    folder: str | Path | None = None, *, n_jobs: int | None = None, **parameters: float
) -> pd.DataFrame:
    """Return the image table of the built-in flora; photos that are not on disk yet are made.

    `folder` holds `images/<species>/<number>.jpg`, `images.csv`, `flora.csv` and `build.json`. It
    appears whole or not at all, so two processes may build it at once.

    Args:
        folder: else one under `data/greenhouse`, named by the parameters.
        n_jobs: processes that draw at once; else one a core.
        parameters: those of `Parameters`, by name, such as `n_species=10`.
    Raises:
        ValueError: `folder` holds a flora built with other parameters, or a parameter is out of
            range. TypeError: a name that `Parameters` has not.
    """
    wanted = Parameters(**parameters)
    folder = Path(folder or project_root() / "data" / "greenhouse" / wanted.folder_name())
    folder = folder.absolute()
    if not (folder / "build.json").exists():
        _write(folder, wanted, n_jobs)
    elif json.loads((folder / "build.json").read_text()) != wanted.describe():
        raise ValueError(
            f"{folder} holds a flora of other parameters (see build.json there); "
            "name another folder"
        )
    images = pd.read_csv(folder / "images.csv", dtype={"species_id": str}, keep_default_na=False)
    images["image_path"] = [str(folder / path) for path in images["image_path"]]
    images.attrs |= {"name": folder.name, "layout": "the built-in flora"}
    images.attrs["table"] = str(folder / "images.csv")
    return images


def _write(folder: Path, wanted: Parameters, n_jobs: int | None) -> None:
    """Write photos and tables into a folder beside `folder`, then move it there."""
    flora = grow_flora(wanted.n_species, wanted.seed)
    plan = plan_photos(
        flora,
        wanted.n_images,
        wanted.imbalance,
        wanted.web_share,
        wanted.web_noise,
        wanted.herbarium_share,
        wanted.held_share,
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as beside:
        new = Path(beside) / folder.name
        _write_photos(new, flora, plan, wanted.image_size, n_jobs)
        flora.to_csv(new / "flora.csv", index=False)
        plan.to_csv(new / "images.csv", index=False)
        (new / "build.json").write_text(json.dumps(wanted.describe()))
        try:
            new.rename(folder)
        except OSError:  # somebody else was quicker; theirs has the same bytes
            if not (folder / "build.json").exists():
                raise


def _write_photos(
    folder: Path, flora: pd.DataFrame, plan: pd.DataFrame, size: int, n_jobs: int | None
) -> None:
    from joblib import Parallel, delayed
    from tqdm.auto import tqdm

    pool = Parallel(n_jobs or os.cpu_count(), return_as="generator", batch_size=1)
    starts = range(0, len(plan), AT_ONCE)
    sheaves = pool(delayed(_draw)(flora, plan[at : at + AT_ONCE], size) for at in starts)
    paths = tqdm(plan["image_path"], "growing the flora", leave=False)
    for path, photo in zip(paths, chain.from_iterable(sheaves)):
        write_whole(folder / path, photo)


def _draw(flora: pd.DataFrame, rows: pd.DataFrame, size: int) -> list[bytes]:
    """Return the JPEG files of some photos."""
    return [jpeg_bytes(flora, row, size) for row in rows.itertuples()]


def jpeg_bytes(flora: pd.DataFrame, row: pd.Series, size: int = 128) -> bytes:
    """Return the JPEG file of one photo; it depends on the flora and on this row alone."""
    shown = flora[flora["species"] == row.true_species]
    species = shown.iloc[0] if len(shown) else None
    image, quality = photograph(species, row, size)
    if row.copy_seed:
        image, quality = _save_again(image, row.copy_seed)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def _save_again(image: Image.Image, seed: int) -> tuple[Image.Image, int]:
    """Return the photo as somebody cropped it, and the JPEG quality at which it was saved again."""
    rng = np.random.default_rng(seed)
    size = image.width
    left, top, right, bottom = rng.uniform(0, 0.06, 4) * size
    box = (left, top, size - right, size - bottom)
    image = image.resize((size, size), Image.Resampling.BICUBIC, box)
    return image, int(rng.integers(45, 75))


def take_photo(flora: pd.DataFrame, row: pd.Series, size: int = 128) -> Image.Image:
    """Return one photo of a plan, made alone, at any `size`.

    At the size of a build it has the same pixels.
    """
    return Image.open(io.BytesIO(jpeg_bytes(flora, row, size))).convert("RGB")
