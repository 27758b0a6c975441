"""The area under the curve: how often the right species is scored above a wrong one's photo."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from plantlab.data.table import data_kind, observations
from plantlab.predictions.predictions import Predictions

N_DRAWS = 500


def auc_gains(
    answers: Mapping[str, Predictions], baseline: str, groups: pd.Series | None = None
) -> pd.DataFrame:
    """Return the macro AUC of each answer, and what it gains on the one named `baseline`.

    Of a species, the AUC is the share of pairs of one image of it and one of another species in
    which the first has the higher score, ties counting a half; the mean over the species present
    is macro. Columns: group, method, n, auc, auc_low, auc_high, gain, gain_low, gain_high, kind.
    The 95 % intervals draw whole observations, the same ones for each answer, so that gains are
    paired.

    Args:
        answers: to the same images, in the same order.
        groups: of each image, scored apart; None scores all together, as the group "all".
    Source: Provost and Domingos 2000, "Well-trained PETs", for one species against the rest.
    """
    images = answers[baseline].images
    if groups is None:
        groups = pd.Series("all", index=images.index)
    rows = []
    for group in groups.drop_duplicates():
        inside = (groups == group).to_numpy()
        weights = _drawn(observations(images)[inside])
        drawn = {name: _macro(answer.select(inside), weights) for name, answer in answers.items()}
        for name, auc in drawn.items():
            gain = auc - drawn[baseline]
            row = {"group": group, "method": name, "n": int(inside.sum())}
            rows.append(row | _ends("auc", auc) | _ends("gain", gain))
    return pd.DataFrame(rows).assign(kind=data_kind(images))


def _ends(name: str, values: np.ndarray) -> dict[str, float]:
    """Return the first of the values, which is of all images, and the interval of the draws."""
    low, high = np.nanquantile(values[1:], [0.025, 0.975])
    return {name: float(values[0]), f"{name}_low": float(low), f"{name}_high": float(high)}


def _drawn(plants: np.ndarray) -> np.ndarray:
    """Return how often each image comes, (1 + N_DRAWS, N): once first, then as plants are drawn."""
    codes, names = pd.factorize(plants)
    n_plants = len(names)
    even = np.full(n_plants, 1 / n_plants)
    times = np.random.default_rng(0).multinomial(n_plants, even, N_DRAWS)
    return np.concatenate([np.ones((1, len(plants))), times[:, codes]])


def _macro(answer: Predictions, weights: np.ndarray) -> np.ndarray:
    """Return the macro AUC of each draw, (1 + N_DRAWS,)."""
    targets = answer.targets
    areas = []
    for species in np.unique(targets[targets >= 0]):
        is_it = targets == species
        if is_it.all():
            continue
        scores = answer.probs[:, species]
        areas.append(_area(scores, is_it, weights))
    if not areas:
        return np.full(len(weights), np.nan)
    return np.nanmean(areas, axis=0)


def _area(scores: np.ndarray, is_it: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the area of each draw; nan where a draw has no image of one of the two sides."""
    inside = scores[is_it][:, None]
    outside = scores[~is_it]
    wins = (inside > outside) + 0.5 * (inside == outside)  # (images of it, others)
    of_it = weights[:, is_it]
    of_others = weights[:, ~is_it]
    won = ((of_it @ wins) * of_others).sum(axis=1)
    pairs = of_it.sum(axis=1) * of_others.sum(axis=1)
    return np.divide(won, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
