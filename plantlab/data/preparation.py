"""From any layout to a table that can be learnt from, in one call."""

from hashlib import sha1
from pathlib import Path

import pandas as pd

from plantlab.data.inspection import FACTS, set_aside
from plantlab.data.layouts import read_images
from plantlab.data.plants import assign_observations
from plantlab.data.splits import complete_splits
from plantlab.data.table import COLUMNS, TableError, add_note, require
from plantlab.data.taxa import accept_names
from plantlab.files import cache_folder, write_whole


def prepare(
    dataset: str | Path | pd.DataFrame,
    seed: int = 0,
    split: bool = True,
    names: str | dict[str, str] = "auto",
    checklist: str | Path | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (images, bad): photos read, grouped into plants and split; and the files set aside.

    Every row of the data set is in one of the two, or counted in a note: photos without a species
    are left out before a split. `images.attrs["notes"]` tells what its reader
    should know, `bad` says in its column `problem` why a file cannot be read.

    Args:
        dataset: what layouts.read_images takes, or an image table, such as greenhouse.build makes.
        seed: of the split, where the data brings none.
        split: False leaves `split` as the data has it, and needs no `species`: for data whose split
            is to be changed, drawn otherwise or only looked at.
        names: of layouts.read_images.
        checklist: a table of accepted names, see taxa.accept_names.
    Raises:
        TableError: nothing there, or nothing that is recognised; too few plants to split.
    """
    images = dataset if isinstance(dataset, pd.DataFrame) else read_images(dataset, names)
    if checklist:
        images = accept_names(images, checklist)
    images, bad = set_aside(images)
    images = assign_observations(images)
    if split:
        images = _labelled(images)
        images = complete_splits(images, seed)
        _note_unlearnt_species(images)
    return images, bad


def renamed(
    dataset: str, names: str | dict[str, str] = "auto", checklist: str | Path | None = None
) -> Path:
    """Return a table of a data set under our names of columns and the accepted names of species.

    It is written once below data/cache, for what takes a data set and no names, such as a notebook.

    Raises:
        TableError: as prepare says.
    """
    images = read_images(dataset, names)
    if checklist:
        images = accept_names(images, checklist)
    for note in images.attrs["notes"]:
        print(note)
    asked = f"{dataset} {names} {checklist}"
    folder = cache_folder() / "renamed" / sha1(asked.encode()).hexdigest()[:8]
    ours = images[images.columns.intersection([*COLUMNS, *FACTS])]
    return write_whole(folder / f"{images.attrs['name']}.parquet", ours.to_parquet)


def _labelled(images: pd.DataFrame) -> pd.DataFrame:
    """Return the photos with a species; a note counts the others.

    Raises:
        TableError: no photo has one.
    """
    require(images, "species")
    known = images["species"].notna()
    if not known.any():
        raise TableError(f"none of the {len(images)} photos has a species; nothing can be learnt.")
    labelled = images[known].reset_index(drop=True)
    if not known.all():
        of = f"{(~known).sum()} of {len(images)}"
        add_note(labelled, f"Photos without a species were left out: {of}.")
    return labelled


def _note_unlearnt_species(images: pd.DataFrame) -> None:
    """Add a note where valid or test ask about species that train does not show."""
    in_train = images["split"] == "train"
    learnt = set(images.loc[in_train, "species"])
    asked = images[~in_train & ~images["species"].isin(learnt)]
    if len(asked):
        species = asked["species"].nunique()
        said = f"Species without a train photo: {species}"
        add_note(images, f"{said}; their {len(asked)} photos in valid or test count as wrong.")
