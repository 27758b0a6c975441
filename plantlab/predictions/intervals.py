"""How sure a mean over photos is, where photos of one plant succeed or fail together."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

DRAWS_AT_ONCE = 2_000_000  # plants drawn, over all draws that are held in memory together


class _Plants(NamedTuple):
    """The plants of the images, those of a group side by side, and what their images add up to.

    The matrices are sparse, since a plant has one group.
    """

    group: np.ndarray  # (P,) the number of each plant's group, in [0, G)
    sums: object  # (P, G) sum of the values of a plant's images, in the column of its group
    counts: object  # (P, G) number of its images, there too


def bootstrap_interval(
    values: ArrayLike,
    observations: ArrayLike,
    groups: ArrayLike | None = None,
    n_boot: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the 95 % interval (low, high) of the mean of `values`, resampling whole observations.

    Photos of one plant succeed or fail together: resampled one by one they would make it too
    narrow. Where all values are 0, or 1, resampling sees no doubt; there the exact bound for so
    many plants stands in.

    Args:
        values, observations: (N,) one an image, and which plant it shows.
        groups: (N,) species, for the mean of species means; plants are then drawn within their
            species, so that rare species, often missing from a draw of all plants, count in every
            one. Species with one plant are drawn from one another (collapsed strata): by itself,
            one plant would add no doubt.
    Raises:
        ValueError: no images.
    """
    values = np.asarray(values, dtype=float)
    if not len(values):
        raise ValueError("no images to draw from; bootstrap_interval needs at least one.")
    plants = _add_up(values, observations, groups)
    n_plants = len(plants.group)
    alike = (values == values[0]).all()
    if alike and values[0] == 1:
        return 0.025 ** (1 / n_plants), 1.0
    if alike and values[0] == 0:
        return 0.0, 1 - 0.025 ** (1 / n_plants)
    rng = np.random.default_rng(seed)
    n_parts = 1 + n_boot * n_plants // DRAWS_AT_ONCE
    parts = np.array_split(np.arange(n_boot), n_parts)
    means = [_draw_means(plants, len(part), rng) for part in parts]
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    return float(low), float(high)


def _add_up(values: np.ndarray, observations: ArrayLike, groups: ArrayLike | None) -> _Plants:
    """Return the plants of the images, with the sums and counts of their values."""
    from scipy.sparse import coo_array

    n = len(values)
    if groups is None:
        group = np.zeros(n, int)
    else:
        group, _ = pd.factorize(np.asarray(groups))
    order = np.argsort(group, kind="stable")  # plants of a group side by side
    group = group[order]
    observed = np.asarray(observations)[order]
    pairs = pd.MultiIndex.from_arrays([group, observed])
    plant, plants = pd.factorize(pairs)
    cells = (plant, group)
    sums = coo_array((values[order], cells)).tocsr()
    counts = coo_array((np.ones(n), cells)).tocsr()
    return _Plants(plants.get_level_values(0).to_numpy(), sums, counts)


def _draw_means(plants: _Plants, n_draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return the mean of the group means in each of `n_draws` draws of plants, (n_draws,)."""
    times = _draw_plants(plants.group, n_draws, rng)
    means = (times @ plants.sums) / (times @ plants.counts)  # (n_draws, G)
    lone = np.flatnonzero(np.bincount(plants.group) == 1)  # groups with one plant
    if len(lone):
        sums = plants.sums.sum(axis=0)  # (G,)
        counts = plants.counts.sum(axis=0)
        known = (sums / counts)[lone]
        means[:, lone] = rng.choice(known, (n_draws, len(lone)))
    return means.mean(axis=1)


def _draw_plants(group: np.ndarray, n_draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return how often each plant comes in each draw, (n_draws, P): each group keeps its number."""
    n_plants = len(group)
    sizes = np.bincount(group)
    ends = np.cumsum(sizes)
    starts = ends - sizes
    shape = (n_draws, n_plants)
    drawn = rng.integers(starts[group], ends[group], size=shape)
    first_cell = n_plants * np.arange(n_draws)  # of each draw, in the flattened table
    cells = drawn + first_cell[:, None]
    times = np.bincount(cells.ravel(), minlength=cells.size)
    return times.reshape(shape)
