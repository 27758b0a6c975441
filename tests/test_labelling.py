"""Which photos to label next: doubtful ones, unlike each other."""

import numpy as np
import pandas as pd
import pytest

from plantlab.predictions import Predictions
from plantlab.predictions.labelling import label_next


def said_of(margins: np.ndarray) -> Predictions:
    """Return answers whose two likeliest species are so far apart."""
    probs = np.stack([(1 + margins) / 2, (1 - margins) / 2], axis=1)
    images = pd.DataFrame({"image_path": range(len(margins)), "species": None})
    return Predictions(images, ["a", "b"], probs)


def test_each_look_among_the_doubtful_gives_one():
    rng = np.random.default_rng(0)
    looks = np.repeat(np.eye(4) * 10, 25, axis=0)  # four looks, 25 photos each
    looks = looks + rng.normal(0, 0.1, looks.shape)
    margins = np.repeat([0.1, 0.2, 0.9, 0.15], 25) + rng.random(100) * 0.01
    chosen = label_next(said_of(margins), looks, 7)
    assert set(chosen // 25) == {0, 1, 3}, "the third look is in no doubt"
    assert set(np.argsort(margins)[:7] // 25) == {0}, "doubt alone takes one look"


def test_photos_that_are_all_the_same_are_still_as_many_as_asked_for():
    chosen = label_next(said_of(np.linspace(0, 1, 40)), np.zeros((40, 2)), 5)
    assert len(set(chosen)) == 5 and set(chosen) <= set(range(40))


@pytest.mark.parametrize("n", [0, 4])
def test_more_than_there_are_is_a_sentence(n):
    with pytest.raises(ValueError, match="n must be from 1 to the 3 photos there are"):
        label_next(said_of(np.ones(3)), np.zeros((3, 2)), n)
