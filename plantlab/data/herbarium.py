"""Herbarium sheets to learn from, photos of living plants to name: the task of PlantCLEF 2020."""

import numpy as np
import pandas as pd

from plantlab.data.table import TableError, add_note, require

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
        share: of the species, in [0, 1].
    Raises:
        TableError: no sheets, or fewer than two species with sheets and field photos to test.
        ValueError: `share` out of its range.
    Source: Goeau, Bonnet and Joly 2020, "Overview of LifeCLEF Plant Identification task 2020".
    """
    require(images, "source", "species", "split")
    if not 0 <= share <= 1:
        raise ValueError(f"share is a part of the species, from 0 to 1; got {share}")
    images = _asked_species(images)
    is_sheet = (images["source"] == "herbarium").to_numpy()
    in_train = (images["split"] == "train").to_numpy()
    in_field = set(images.loc[in_train & ~is_sheet, "species"])
    both = _draw(sorted(in_field), share, seed)
    of_both = images["species"].isin(both).to_numpy()
    known_from = np.where(of_both, BOTH, SHEETS)
    return images.assign(
        is_sheet=is_sheet, named=in_train & (is_sheet | of_both), known_from=known_from
    )


def _asked_species(images: pd.DataFrame) -> pd.DataFrame:
    """Return the images of species with a sheet, all of their sheets in train."""
    is_sheet = images["source"] == "herbarium"
    if not is_sheet.any():
        sources = ", ".join(sorted(images["source"].dropna().astype(str).unique())) or "nothing"
        raise TableError(
            f"the table has no herbarium sheets: its column source holds {sources}. "
            "Give sheets the source herbarium."
        )
    held_sheets = is_sheet & (images["split"] != "train")
    with_sheets = set(images.loc[is_sheet & ~held_sheets, "species"])
    is_asked = images["species"].isin(with_sheets)
    kept = images[is_asked & ~held_sheets].reset_index(drop=True)
    tested = kept.loc[kept["split"] == "test", "species"].nunique()
    if tested < 2:
        raise TableError(
            f"{tested} species have both a sheet in train and a field photo in test; two or more "
            "are needed."
        )
    if len(kept) < len(images):
        left = f"{held_sheets.sum()} sheets held out, {(~is_asked).sum()} images without a sheet"
        add_note(kept, f"Left out of the task: {left} of their species in train.")
    return kept


def _draw(species: list[str], share: float, seed: int) -> set[str]:
    """Return a share of the species, by chance; a larger share holds a smaller one."""
    shuffled = np.random.default_rng(seed).permutation(species)
    n_drawn = round(share * len(species))
    return set(shuffled[:n_drawn])
