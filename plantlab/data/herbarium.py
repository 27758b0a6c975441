"""Herbarium sheets to learn from, photos of living plants to name: the task of PlantCLEF 2020."""

import numpy as np
import pandas as pd

from plantlab.data.table import TableError, add_note, observations, require

BOTH = "sheets and field photos"
SHEETS = "sheets only"


def herbarium_task(images: pd.DataFrame, share: float = 0.5, seed: int = 0) -> pd.DataFrame:
    """Return `images` with the columns of a task: which names are known, and of which species.

    Every sheet is learnt from. Of a `share` of the species, drawn by chance, the field photos of
    train are, too; those of the others stay, but nobody says what they show. So one flora holds
    species that are known from both, and species that are known from sheets alone.

    Columns added: `is_sheet`; `named`, True for the train images whose name is known; `known_from`,
    of the species: 'sheets and field photos' or 'sheets only'.

    Args:
        images: with `split`; sheets are the rows whose `source` is herbarium.
        share: of the species with field photos in train, in (0, 1).
    Raises:
        TableError: no sheets; too few species to have one of either kind with a plant to test.
        ValueError: `share` out of its range.
    Source: Goeau, Bonnet and Joly 2020, "Overview of LifeCLEF Plant Identification task 2020".
    """
    require(images, "source", "species", "split")
    if not 0 < share < 1:
        raise ValueError(f"share is a part of the species, between 0 and 1; got {share}")
    images = _asked_species(images)
    is_sheet = (images["source"] == "herbarium").to_numpy()
    in_train = (images["split"] == "train").to_numpy()
    in_field = set(images.loc[in_train & ~is_sheet, "species"])
    both = _draw(sorted(in_field), share, seed)
    of_both = images["species"].isin(both).to_numpy()
    known_from = np.where(of_both, BOTH, SHEETS)
    named = in_train & (is_sheet | of_both)
    task = images.assign(is_sheet=is_sheet, named=named, known_from=known_from)
    _refuse_empty_sides(task)
    return task


def _refuse_empty_sides(task: pd.DataFrame) -> None:
    """Raise TableError unless a species of either kind has a plant in test."""
    asked = set(task.loc[task["split"] == "test", "known_from"])
    for kind in (BOTH, SHEETS):
        if kind not in asked:
            raise TableError(
                f"no species known from {kind} has a field photo in test; one or more is needed. "
                "Give more species, or another share."
            )


def _asked_species(images: pd.DataFrame) -> pd.DataFrame:
    """Return the images of species with a sheet, all sheets in train.

    A sheet is never asked about; one of a plant that is, is left out.
    """
    is_sheet = images["source"] == "herbarium"
    if not is_sheet.any():
        sources = ", ".join(sorted(images["source"].dropna().astype(str).unique())) or "nothing"
        raise TableError(
            f"the table has no herbarium sheets: its column source holds {sources}. "
            "Give sheets the source herbarium."
        )
    held_plants = set(observations(images)[~is_sheet & (images["split"] != "train")])
    of_held = is_sheet & np.isin(observations(images), list(held_plants))
    with_sheets = set(images.loc[is_sheet & ~of_held, "species"])
    is_asked = images["species"].isin(with_sheets)
    images = images.assign(split=images["split"].where(~is_sheet, "train"))
    kept = images[is_asked & ~of_held].reset_index(drop=True)
    if len(kept) < len(images):
        left = f"{of_held.sum()} sheets of held-out plants, {(~is_asked).sum()} images of species"
        add_note(kept, f"Left out of the task: {left} without another sheet.")
    return kept


def _draw(species: list[str], share: float, seed: int) -> set[str]:
    """Return a share of the species, by chance; a larger share holds a smaller one."""
    shuffled = np.random.default_rng(seed).permutation(species)
    n_drawn = round(share * len(species))
    return set(shuffled[:n_drawn])
