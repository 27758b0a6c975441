"""Wrong answers: what is left of a key that has one way in, and of a table with many."""

import numpy as np
import pandas as pd

from plantlab.predictions.keys import Key, ask_all


def key_survives(key: Key, slip: float) -> float:
    """Return the share of plants that a key still names right if each answer may be wrong.

    Exact: a species stands at one end of the key alone, so one wrong answer is enough to miss it.

    Args:
        slip: the probability that an answer is wrong, each by itself.
    """
    n_questions = ask_all(key)["n_questions"]
    return float(((1 - slip) ** n_questions).mean())


def misread(traits: pd.DataFrame, slip: float, rng: np.random.Generator) -> pd.DataFrame:
    """Return the table as somebody notes it who takes a state for another of that character.

    Args:
        slip: how often; the wrong state is that of a species drawn among those that differ.
    """
    noted = {}
    for name in traits:
        true = traits[name].to_numpy()
        seen = true.copy()
        for row in np.flatnonzero(rng.random(len(true)) < slip):
            others = true[true != true[row]]
            if len(others):
                seen[row] = rng.choice(others)
        noted[name] = seen
    return pd.DataFrame(noted, traits.index)


def similarities(traits: pd.DataFrame, noted: pd.DataFrame) -> np.ndarray:
    """Return how alike each plant noted is to each species of the table, 0 to 1, (N, K).

    The mean over characters of 1 where words agree, and of numbers one minus their distance as a
    share of the character's range. What was not noted is left out.

    Source: J. C. Gower, A general coefficient of similarity and some of its properties, Biometrics
        27 (1971) 857-871.
    """
    total = np.zeros((len(noted), len(traits)))
    known = np.zeros((len(noted), 1))
    for name in traits:
        own = traits[name].to_numpy()
        seen = noted[name].to_numpy()
        missing = pd.isna(seen)
        if pd.api.types.is_numeric_dtype(traits[name]):
            reach = max(float(np.ptp(own)), 1e-12)
            apart = np.abs(np.where(missing, 0, seen).astype(float)[:, None] - own[None])
            alike = 1 - np.minimum(apart / reach, 1)
        else:
            alike = (seen[:, None] == own[None]).astype(float)
        total += np.where(missing[:, None], 0, alike)
        known += ~missing[:, None]
    return total / np.maximum(known, 1)


def rank_species(traits: pd.DataFrame, noted: pd.DataFrame) -> np.ndarray:
    """Return the rank that its own species gets for each plant noted, (N,): 1 is best.

    All characters are asked, in any order: a key with many ways in. Ties count against it.

    Args:
        noted: rows in the order of `traits`, as `misread` gives them; a cell may be empty.
    """
    alike = similarities(traits, noted)
    own = np.diag(alike)
    return (alike >= own[:, None] - 1e-9).sum(axis=1)


def by_slip(key: Key, slips: list[float], n_times: int = 20, seed: int = 0) -> pd.DataFrame:
    """Return, over the probability of a wrong answer, the share of plants named right.

    Columns: wrong (that probability), key (exact), table (all characters, first by similarity),
    table_3 (among its first three).

    Args:
        n_times: how often each species is noted down, each time with other mistakes.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for slip in slips:
        ranks = []
        for _ in range(n_times):
            ranks.append(rank_species(key.traits, misread(key.traits, slip, rng)))
        found = np.concatenate(ranks)
        row = {"wrong": slip, "key": key_survives(key, slip)}
        rows.append(row | {"table": (found == 1).mean(), "table_3": (found <= 3).mean()})
    return pd.DataFrame(rows)
