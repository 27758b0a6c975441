"""A photo of many plants, such as a quadrat, cut into tiles of several sizes that are named."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image
from tqdm.auto import tqdm

from plantlab.data.photos import open_photo
from plantlab.identify.model import Identifier
from plantlab.predictions import Predictions, concat

MOST = 1000  # tiles of a photo


@dataclass(frozen=True)
class Tiling:
    """How a photo is cut: the words of Pl@ntNet's survey of several species, and its defaults.

    Attributes:
        tile_size: side of the smallest tiles, in pixels.
        tile_stride: from one of them to the next, in pixels; larger tiles stride as much farther.
        size_factor: by how much the tiles of a scale are larger than those of the scale before.
        multi_scale: False cuts the smallest tiles alone.
    Raises:
        ValueError: a size or stride below 1, a factor that is not above 1.
    """

    tile_size: float = 600
    tile_stride: float = 300
    size_factor: float = 2**0.5
    multi_scale: bool = True

    def __post_init__(self):
        if not (self.tile_size >= 1 and self.tile_stride >= 1 and self.size_factor >= 1.05):
            raise ValueError(
                "tiles need tile_size and tile_stride of 1 pixel or more and a size_factor of 1.05 "
                f"or more; got {self.tile_size}, {self.tile_stride} and {self.size_factor}."
            )


WHOLE = Tiling(1e5, 1e9, multi_scale=False)  # one tile: the middle square of the photo


def cut(width: int, height: int, tiling: Tiling) -> pd.DataFrame:
    """Return the tiles of a photo, a row each: left, top, side, scale (0 the smallest).

    Of a scale there are as many as a stride allows, spread evenly, so that they reach all four
    edges. Where a photo's shorter side is smaller than a tile, tiles are as large as that side, and
    stride as much less.

    >>> len(cut(4000, 3000, Tiling(518, 259, multi_scale=False)))  # as many as Pl@ntNet's
    140

    Raises:
        ValueError: more than 1,000 tiles, or no pixel.
    """
    shorter = min(width, height)
    if shorter < 1:
        raise ValueError(f"a photo has 1 pixel a side or more; got {width} x {height}.")
    sides = [min(tiling.tile_size, shorter)]
    while tiling.multi_scale and sides[-1] * tiling.size_factor <= shorter:
        sides.append(sides[-1] * tiling.size_factor)
    scales = []
    for scale, side in enumerate(sides):
        stride = max(1, tiling.tile_stride * side / tiling.tile_size)
        across = _spread(width, side, stride)
        down = _spread(height, side, stride)
        if len(across) * len(down) > MOST:
            raise ValueError(_too_many(width, height, tiling))
        top, left = np.meshgrid(down, across, indexing="ij")
        corners = {"left": left.ravel(), "top": top.ravel()}
        scales.append(pd.DataFrame(corners | {"side": int(side), "scale": scale}))
    tiles = pd.concat(scales, ignore_index=True)
    if len(tiles) > MOST:
        raise ValueError(_too_many(width, height, tiling))
    return tiles


def _spread(length: int, side: float, stride: float) -> np.ndarray:
    """Return where tiles begin along one edge of a photo, in whole pixels."""
    room = length - int(side)
    n = int((length - side) // stride) + 1
    if n == 1:
        return np.array([room // 2])
    return np.linspace(0, room, n).astype(int)


def _too_many(width: int, height: int, tiling: Tiling) -> str:
    return (
        f"{width} x {height} pixels hold more than {MOST} tiles of {tiling.tile_size:g} pixels, "
        f"{tiling.tile_stride:g} apart; use larger tiles or a larger stride."
    )


def name_tiles(
    model: Identifier, photo: Image.Image, tiles: pd.DataFrame
) -> tuple[Predictions, np.ndarray]:
    """Return what is said of each tile, T rows beside those of `tiles`, and embeddings (T, D).

    The rows also have `unlike`: whether a tile resembles nothing that was learnt.
    """
    photo.load()  # before several threads cut it

    def one_tile(number: int, _: int) -> Image.Image:
        tile = tiles.iloc[number]
        right = tile["left"] + tile["side"]
        bottom = tile["top"] + tile["side"]
        return photo.crop((tile["left"], tile["top"], right, bottom))

    said, found = model.see(list(range(len(tiles))), opened=one_tile)
    unlike = model.near.strangeness(found) > model.card["strange"]
    return said.about(tiles.assign(unlike=unlike)), found


def name_plots(
    model: Identifier, plots: pd.DataFrame, tiling: Tiling
) -> tuple[Predictions, np.ndarray]:
    """Return what is said of every tile of every plot, T rows beside its plot's; embeddings (T, D).

    Args:
        plots: a row a plot, with image_path and obs_id.
    """
    return _name_each(model, plots, lambda plot, photo: cut(*photo.size, tiling).assign(**plot))


def name_individuals(
    model: Identifier, plots: pd.DataFrame, individuals: pd.DataFrame
) -> tuple[Predictions, np.ndarray]:
    """Return what is said of each individual, cut out of its plot by its own square; embeddings.

    Args:
        plots: a row a plot, with image_path, obs_id and kind. individuals: rows with obs_id,
            species, left, top and side, in pixels.
    """
    by_plot = dict(iter(individuals.groupby("obs_id")))

    def its_own(plot: pd.Series, _: Image.Image) -> pd.DataFrame:
        own = by_plot[plot["obs_id"]].reset_index(drop=True)
        return own.assign(kind=plot["kind"])

    return _name_each(model, plots, its_own)


def _name_each(
    model: Identifier,
    plots: pd.DataFrame,
    tiles_of: Callable[[pd.Series, Image.Image], pd.DataFrame],
) -> tuple[Predictions, np.ndarray]:
    """Return what is said of the tiles of each plot, one plot after the other."""
    parts = []
    embeddings = []
    for _, plot in tqdm(plots.iterrows(), total=len(plots), desc="naming tiles", leave=False):
        photo = open_photo(plot["image_path"])
        said, found = name_tiles(model, photo, tiles_of(plot, photo))
        parts.append(said)
        embeddings.append(found)
    return concat(parts), np.concatenate(embeddings)
