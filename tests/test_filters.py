"""Which photos of doubtful origin are left out, and a head that learns from shares."""

import numpy as np
import pandas as pd
import pytest
from torch import nn

from plantlab.data.duplicates import lone_copies
from plantlab.data.table import TableError
from plantlab.heads.linear import fit_counted, fit_linear, probabilities
from plantlab.heads.losses import Weighted
from plantlab.quality import filters


def doubts() -> pd.DataFrame:
    """Two trusted photos, then three from the web: a plain one, a strange one and a copy."""
    return pd.DataFrame({"strange": [0.1, 0.3, 0.2, 0.9, 0.2], "copy": [0.0, 0, 0, 0, 1]})


WEB = np.array([False, False, True, True, True])


def test_the_strange_and_the_copied_are_odd_and_trusted_photos_never():
    assert filters.odd_ones(doubts(), WEB).tolist() == [False, False, False, True, True]
    strange = doubts().assign(copy=[1, 1, 0, 0, 0])
    assert not filters.odd_ones(strange, WEB)[:2].any()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_of_the_doubtful_the_share_believed_least_is_left_out(share):
    believed = np.random.default_rng(0).random(200)
    doubtful = np.arange(200) % 2 == 1
    left_out = filters.least_believed(believed, doubtful, share)
    assert left_out.sum() == pytest.approx(100 * share, abs=1) and not left_out[~doubtful].any()
    if 0 < share < 1:
        assert believed[left_out].max() <= believed[doubtful & ~left_out].min()


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: filters.odd_ones(doubts(), WEB, 1.5), ValueError, "quantile must be in"),
        (lambda: filters.odd_ones(doubts(), WEB | True), ValueError, "every photo is in doubt"),
        (lambda: filters.odd_ones(doubts()[["strange"]], WEB), TableError, "copy"),
        (lambda: filters.least_believed(np.ones(5), WEB, -1), ValueError, "share must be in"),
    ],
)
def test_messages(act, error, message):
    with pytest.raises(error, match=message):
        act()


def test_a_copy_is_alone_where_its_original_was_left_out():
    paths = [f"/flora/images/{name}.jpg" for name in "abcd"]
    copied = ["", "/flora/images/a.jpg", "/flora/images/z.jpg", "/flora/images/z.jpg"]
    images = pd.DataFrame({"image_path": paths, "copy_of": copied})
    assert lone_copies(images).tolist() == [False, False, True, False]
    assert not lone_copies(images[["image_path"]]).any()


def test_a_head_of_shares_is_that_of_the_rows_that_count():
    rng = np.random.default_rng(0)
    seen = rng.normal(size=(90, 5)).astype(np.float32)
    targets = np.arange(90) % 3
    half = np.arange(90) < 45
    same = fit_linear(seen[half], targets[half], 3)
    assert_alike(fit_counted(seen, targets, 3, half), same, seen)
    shares = rng.random(90)
    weighed = fit_linear(seen, targets, 3, loss=Weighted(shares))
    assert_alike(fit_counted(seen, targets, 3, shares), weighed, seen)


def test_a_species_without_a_row_is_never_named():
    seen = np.eye(3, dtype=np.float32)
    head = fit_counted(seen, np.arange(3), 3, np.array([1, 0, 1]))
    assert isinstance(head, nn.Linear) and probabilities(head, seen)[:, 1].max() == 0


def assert_alike(one: nn.Linear, other: nn.Linear, seen: np.ndarray):
    np.testing.assert_allclose(probabilities(one, seen), probabilities(other, seen), atol=1e-4)
