"""Several answers to the same photos, side by side."""

import numpy as np
import pandas as pd

from plantlab.predictions import Predictions, compare, metrics

SPECIES = ["Bellis minor", "Rosa alba"]


def answers(*probs: float) -> Predictions:
    """Return what is said of a rose and a daisy, from each row the probability of a rose."""
    images = pd.DataFrame({"image_path": ["a", "b"], "species": ["Rosa alba", "Bellis minor"]})
    return Predictions(images, SPECIES, [[1 - rose, rose] for rose in probs])


def test_answers_are_scored_one_below_the_other():
    both = {"right": answers(0.9, 0.1), "always a rose": answers(0.9, 0.9)}
    scores = compare.score_each(both, measures=["top1"])
    assert scores["method"].tolist() == ["right", "always a rose"]
    assert scores["top1"].tolist() == [1, 0.5]
    groups = compare.score_each(both, by={"roses": ["Rosa alba"], "all": SPECIES})
    assert groups["method"].tolist() == ["right", "right", "always a rose", "always a rose"]
    assert groups.index.tolist() == [0, 1, 2, 3]


def test_a_gain_is_counted_on_the_same_photos():
    right, worse = answers(0.9, 0.1), answers(0.9, 0.9)
    gained = compare.gains({"right": right, "itself": worse}, worse, measures=["top1"])
    assert gained["method"].tolist() == ["right", "itself"] and gained["top1"].tolist() == [1, 0.5]
    assert gained["gain"].tolist() == [0.5, 0]
    by_hand = metrics.difference(right, worse)
    assert tuple(gained.loc[0, ["gain", "gain_low", "gain_high"]]) == by_hand


def test_what_could_be_seen_has_four_chances_in_five():
    """A normal gain of 2.8 standard errors misses zero in 80 of 100 repetitions."""
    error = 0.01
    seen = compare.detectable(-1.96 * error, 1.96 * error)
    rng = np.random.default_rng(0)
    found = rng.normal(seen, error, 20_000) - 1.96 * error > 0
    assert abs(found.mean() - 0.8) < 0.01
