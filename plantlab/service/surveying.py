"""A photo of many plants, and which species its tiles show, in the words of the contract."""

import asyncio
from dataclasses import dataclass

import numpy as np
import pandas as pd

from plantlab.data.photos import PhotoError, open_photo
from plantlab.identify.tiles import Tiling, cut, name_tiles
from plantlab.predictions import Predictions
from plantlab.predictions.quadrats import RANKS, covered_pixels, sum_tiles
from plantlab.service import contract
from plantlab.service.refusals import Refusal
from plantlab.service.state import State
from plantlab.service.uploads import Upload, check_image, unreadable, upright_size

NO_PLANT = "no plant"  # the name of what tiles show that resembles nothing learnt


@dataclass
class Survey:
    """A question about a photo of many plants, as a client put it.

    Attributes:
        min_score, max_rank: what a tile must say of a name, and how high, for it to count.
        shown: the lists that the answer holds, of RANKS.
    """

    project: str
    image: Upload
    tiling: Tiling
    key: str = ""
    min_score: float = 0.3
    max_rank: int = 3
    shown: tuple[str, ...] = RANKS


def tiles_of(width: int, height: int, tiling: Tiling) -> pd.DataFrame:
    """Return the tiles of a photo, see tiles.cut.

    Raises:
        Refusal: 400, there are too many.
    """
    try:
        return cut(width, height, tiling)
    except ValueError as error:
        raise Refusal(400, str(error)) from None


async def survey(state: State, asked: Survey) -> dict:
    """Return which species stand on a photo of many plants, by its tiles.

    Raises:
        Refusal: 400, 404 or 429, see README.md.
    """
    within = state.species_of(asked.project)
    head = await asyncio.to_thread(check_image, asked.image)
    tiles = tiles_of(*upright_size(head), asked.tiling)
    left = state.quota.spend(state.account(asked.key), len(tiles))
    async with state.survey_turn:
        results = await asyncio.to_thread(_results, state, asked, tiles, within)
    return {
        "status": "OK",
        "query": {"project": asked.project},
        "language": "en",
        "results": results,
        "version": contract.version(state.model),
        "remainingIdentificationRequests": left,
    }


def _results(state: State, asked: Survey, tiles: pd.DataFrame, within: list[str]) -> dict:
    """Return the results of a survey."""
    try:
        photo = open_photo(asked.image.content)
    except PhotoError as error:
        raise unreadable(f'image ("{asked.image.filename}")', str(error)) from None
    said, found = name_tiles(state.model, photo, tiles)
    said = said.within(within) if within else said
    area = photo.width * photo.height
    sums = {}
    for rank in RANKS:
        names = _names(state, rank)
        sums[rank] = sum_tiles(said, names, asked.min_score, asked.max_rank, area)
    matching = np.unique(np.concatenate([[], *sums["species"]["tiles"]])).astype(int)
    results = {
        "image": {"width": photo.width, "height": photo.height},
        "nb_sub_queries": len(tiles),
        "nb_matching_sub_queries": len(matching),
        "uncovered": round(1 - covered_pixels(tiles.iloc[matching]) / area, 5),
        "tile_size": asked.tiling.tile_size,
        "tile_stride": asked.tiling.tile_stride,
    }
    if "species" in asked.shown:
        organs = _organs(state, found)
        listed = [_species(state, row, said, organs) for _, row in sums["species"].iterrows()]
        results["species"] = listed + _rejects(said, area)
    for rank in RANKS[1:]:
        if rank in asked.shown:
            results[rank] = [_numbers(row) for _, row in sums[rank].iterrows() if row["name"]]
    return results


def _names(state: State, rank: str) -> pd.Series | None:
    """Return what each species is called at a rank, "" where that is not known."""
    if rank == "species":
        return None
    taxonomy = state.model.taxonomy
    if rank == "genus":
        return contract.genera(taxonomy)
    return taxonomy.get(rank, pd.Series("", taxonomy.index)).fillna("")


def _organs(state: State, found: np.ndarray) -> list[str]:
    """Return what each tile shows, "auto" where the model cannot tell."""
    return state.model.tell_organs(found, ["auto"] * len(found))


def _species(state: State, row: pd.Series, said: Predictions, organs: list[str]) -> dict:
    """Return a row of a survey's list of species, with where it was seen."""
    taxon = state.model.taxonomy.iloc[state.model.species.index(row["name"])]
    names = contract.species(taxon)
    told = _numbers(row) | {"binomial": names["scientificNameWithoutAuthor"]}
    told["author"] = names["scientificNameAuthorship"]
    for rank in RANKS[1:]:
        told[rank] = names[rank]["scientificNameWithoutAuthor"]
    places = []
    for tile, score in zip(row["tiles"], row["scores"]):
        places.append(_place(said.images.iloc[tile], score) | {"organ": organs[tile]})
    return told | {"location": places}


def _place(tile: pd.Series, score: float) -> dict:
    """Return where a tile lies, and what it says."""
    half = int(tile["side"]) // 2
    middle = {"x": int(tile["left"]) + half, "y": int(tile["top"]) + half}
    return {"center": middle, "size": int(tile["side"]), "score": round(float(score), 5)}


def _numbers(row: pd.Series) -> dict:
    return {
        "name": row["name"],
        "max_score": round(float(row["max_score"]), 5),
        "count": int(row["count"]),
        "coverage": round(float(row["coverage"]), 5),
    }


def _rejects(said: Predictions, area: int) -> list[dict]:
    """Return a row for the tiles that resemble nothing learnt, if there are any."""
    unlike = said.images[said.images["unlike"]]
    if unlike.empty:
        return []
    numbers = {"name": NO_PLANT, "max_score": 0.0, "count": len(unlike)}
    covered = round(covered_pixels(unlike) / area, 5)
    return [numbers | {"coverage": covered, "reject": NO_PLANT}]
