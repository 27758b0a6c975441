"""Several answers to the same photos, side by side."""

import pandas as pd

from plantlab.predictions import Predictions, compare

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
