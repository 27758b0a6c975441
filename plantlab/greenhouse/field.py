"""Plots on disk: photographed once, with a table of plots and one of what stands in them."""

import hashlib
import io
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pandas as pd

from plantlab.files import project_root, write_whole
from plantlab.greenhouse.flora import grow_flora
from plantlab.greenhouse.quadrats import photograph_plot, plan_plots, present

VERSION = "1"  # raised whenever a plot changes, and part of the name of a built folder
QUALITY = 90  # of the JPEG files


class Field(NamedTuple):
    """Plots, and what stands in them.

    `plots` has a row a plot: image_path, obs_id, latitude, longitude, date, split. `individuals`
    has a row a plant: obs_id, species, left, top, side (pixels), visible (share of the photo).
    """

    plots: pd.DataFrame
    individuals: pd.DataFrame


def build_plots(
    n_plots: int = 180,
    seed: int = 0,
    n_species: int = 20,
    flora_seed: int = 0,
    size: int = 768,
    n_jobs: int | None = None,
) -> Field:
    """Return plots of the built-in flora; photos that are not on disk yet are made.

    They lie in `data/greenhouse/plots-...`, which appears whole or not at all.

    Args:
        seed: of the plots; n_species, flora_seed: of the flora, as in `build`.
        size: pixels along a side.
        n_jobs: processes that draw at once; else one a core.
    Raises:
        ValueError: see plan_plots and grow_flora.
    """
    wanted = {"version": VERSION, "n_plots": n_plots, "seed": seed, "n_species": n_species}
    wanted |= {"flora_seed": flora_seed, "size": size}
    digest = hashlib.sha1(json.dumps(wanted).encode()).hexdigest()[:8]
    folder = project_root() / "data" / "greenhouse" / f"plots-{n_plots}-{digest}"
    if not (folder / "plots.csv").exists():
        flora = grow_flora(n_species, flora_seed)
        _write(folder, flora, plan_plots(flora, n_plots, seed), size, n_jobs)
    plots = pd.read_csv(folder / "plots.csv")
    plots["image_path"] = [str(folder / path) for path in plots["image_path"]]
    plots["kind"] = "generated"
    return Field(plots, pd.read_csv(folder / "individuals.csv"))


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
        drawn = pool(delayed(_draw)(flora, plot, size) for _, plot in plan.iterrows())
        inside = []
        paths = "images/" + plan["obs_id"] + ".jpg"
        for path, obs_id, (jpeg, individuals) in zip(
            paths, plan["obs_id"], tqdm(drawn, "growing plots", len(plan), leave=False)
        ):
            write_whole(new / path, jpeg)
            individuals.insert(0, "obs_id", obs_id)
            inside.append(individuals)
        pd.concat(inside).to_csv(new / "individuals.csv", index=False)
        plots = plan.drop(columns=["members", "plot_seed"])
        plots.insert(0, "image_path", paths)
        plots.to_csv(new / "plots.csv", index=False)
        try:
            new.rename(folder)
        except OSError:  # somebody else was quicker; theirs has the same bytes
            if not (folder / "plots.csv").exists():
                raise


def _draw(flora: pd.DataFrame, plot: pd.Series, size: int) -> tuple[bytes, pd.DataFrame]:
    """Return the JPEG file of a plot, and its individuals."""
    photo, individuals = photograph_plot(flora, plot, size)
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=QUALITY)
    return file.getvalue(), individuals


def standing_in(field: Field) -> list[set[str]]:
    """Return the species that stand in each plot, of which enough is seen, in the plots' order."""
    by_plot = dict(iter(field.individuals.groupby("obs_id")))
    return [set(present(by_plot[obs_id])) for obs_id in field.plots["obs_id"]]
