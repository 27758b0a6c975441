"""Look-alikes, newcomers, strangers, altered copies and timed searches: what notebook 07 shows."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from plantlab import plots
from plantlab.data.altered import ALTERATIONS, crop, reencode
from plantlab.heads import newcomers, strange
from plantlab.heads.vectors import Photos
from plantlab.networks import copies, timing
from plantlab.predictions import look_alikes, telling

SPECIES = ["Aster alba", "Aster nova", "Carex vana", "Rosa vera"]


@pytest.fixture
def photos() -> Photos:
    """Eight photos of each of four species round a corner each, half of them train, half test."""
    rng = np.random.default_rng(0)
    species = np.repeat(SPECIES, 8)
    vectors = np.repeat(5 * np.eye(4), 8, axis=0) + rng.normal(0, 0.3, (32, 4))
    names = [f"{i}.png" for i in range(32)]
    split = np.tile(["train", "test"], 16)
    images = pd.DataFrame(
        {"image_path": names, "obs_id": names, "species": species, "split": split}
    )
    return Photos(images.assign(genus=images["species"].str.split().str[0]), vectors.astype("f4"))


def test_same_as_asked_compares_each_look_alike_with_its_query(photos):
    asked = photos.images.iloc[[0, 31]]
    same = look_alikes.same_as_asked(asked, photos.images, np.array([[1, 9], [30, 0]]))
    assert same["species"].tolist() == [[True, False], [True, False]]
    assert same["genus"].tolist() == [[True, True], [True, False]] and "family" not in same


def test_shares_of_same_are_of_the_first_look_alike_and_of_chance(photos):
    asked = photos.images.iloc[[0, 31]]
    shares = look_alikes.shares_of_same(asked, photos.images, np.array([[1, 9], [0, 30]]))
    assert shares["method"].tolist() == ["same species", "same genus"]
    assert shares["first"].tolist() == [0.5, 0.5] and shares["all"].tolist() == [0.5, 0.75]
    assert shares["chance"].tolist() == [0.25, (0.5 + 0.25) / 2]


@pytest.mark.parametrize("n_groups", [2, 3, 4])
def test_each_species_is_dealt_to_one_group(n_groups):
    groups = newcomers.deal_species(SPECIES, n_groups, seed=3)
    assert len(groups) == n_groups and sorted(np.concatenate(groups)) == SPECIES
    assert max(map(len, groups)) - min(map(len, groups)) <= 1


@pytest.mark.parametrize("n_groups", [1, 5])
def test_too_few_or_too_many_groups_are_refused(n_groups):
    with pytest.raises(ValueError, match="from 2 to 4"):
        newcomers.deal_species(SPECIES, n_groups)


def test_of_newcomers_a_few_photos_are_known_and_of_the_others_all(photos):
    known = newcomers.known_rows(photos, np.array(["Rosa vera"]), n_photos=1)
    counts = photos.images.iloc[known]["species"].value_counts()
    assert counts.to_dict() == {"Aster alba": 4, "Aster nova": 4, "Carex vana": 4, "Rosa vera": 1}
    assert set(photos.images.iloc[known]["split"]) == {"train"}


def test_every_test_photo_is_asked_in_each_draw_and_is_a_newcomer_once(photos):
    answers = newcomers.ask_newcomers(photos, n_photos=1, n_groups=4)
    assert list(answers) == ["kNN, k = 1", *newcomers.HEADS]
    for answer in answers.values():
        asked = answer.images
        assert asked.groupby("image_path").size().tolist() == [4] * 16
        assert asked.groupby("image_path")["added"].sum().tolist() == [1] * 16
    nearest = answers["kNN, k = 1"]
    assert nearest.right()[nearest.images["added"].to_numpy()].all(), "corners far apart"


def test_auroc_is_that_of_scikit_learn_with_an_interval_round_it():
    rng = np.random.default_rng(0)
    values, usual = rng.integers(3, 9, 60), rng.integers(0, 8, 90)
    mean, low, high = telling.auroc(values, usual, np.arange(60), np.arange(90))
    truth = np.repeat([1, 0], [60, 90])
    assert mean == pytest.approx(roc_auc_score(truth, np.concatenate([values, usual])))
    assert low < mean < high
    _, wide_low, wide_high = telling.auroc(values, usual, np.arange(60) // 10, np.arange(90) // 10)
    assert wide_high - wide_low > high - low, "photos of one plant are no more than one"


def test_auroc_needs_a_photo_on_both_sides():
    with pytest.raises(ValueError, match="0 strangers and 2 known"):
        telling.auroc(np.array([]), np.array([1, 2]), np.array([]), np.array([0, 1]))


def test_a_far_photo_is_stranger_by_every_measure(photos):
    measures = strange.strange_by(photos.vectors, photos.targets)
    measures["Mahalanobis"] = strange.mahalanobis(photos.vectors)
    for name, measure in measures.items():
        usual = measure(photos.vectors)
        far = measure(np.array([[-1.0, -1, -1, -1]], np.float32))
        assert usual.shape == (32,) and far[0] > np.median(usual), name


def test_each_alteration_gives_a_photo():
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8))
    sizes = {way: alter(photo).size for way, alter in ALTERATIONS.items()}
    assert sizes["half the size"] == (30, 20) and sizes["cropped to 90 %"] == (54, 36)
    assert sizes["mirrored"] == sizes["brighter"] == sizes["re-encoded"] == (60, 40)
    assert reencode(photo).mode == "RGB"
    assert crop(photo, 1.0).tobytes() == photo.tobytes()


def test_limits_are_set_on_the_first_half_alone():
    is_pair = np.array([[True, False], [True, False]])
    apart = np.array([[2.0, 30], [40, 30]])
    alike = np.array([[0.9, 0.2], [0.95, 0.99]])
    called = copies._called(apart, alike, is_pair, np.array([True, False]))
    assert called["hash, 4 bits"].tolist() == [[True, False], [False, False]]
    assert called["embedding"].tolist() == [[True, False], [True, True]]
    assert copies._precision(called["embedding"][1:], is_pair[1:]) == 0.5
    assert np.isnan(copies._precision(called["hash"][1:], is_pair[1:]))


def test_recall_is_by_way_and_of_all_and_stands_beside():
    found = pd.DataFrame({"way": ["brighter", "mirrored"] * 2, "original": [0, 0, 1, 1]})
    found["hash"] = found["hash, 4 bits"] = [True, False, True, False]
    found["embedding"] = found["hash or embedding"] = True
    recall = copies.recall_by_way(found)
    rows = copies.beside(recall, {"hash": "hash, 4 bits", "vectors": "embedding"})
    assert rows["method"].tolist() == ["brighter", "mirrored", "all"]
    assert rows["hash"].tolist() == [1, 0, 0.5] and (rows["vectors"] == 1).all()
    assert (rows["hash_low"] <= rows["hash"]).all() and (rows["hash"] <= rows["hash_high"]).all()


def test_searches_are_timed_and_the_exact_one_finds_all(photos):
    vectors = np.random.default_rng(0).normal(size=(60, 12)).astype("f4")
    species = np.repeat(["a", "b", "c"], 20)
    searched = timing.time_searches(vectors, species, [300, 600])
    assert searched["vectors"].tolist() == [300, 300, 600, 600]
    exact = searched[searched["method"] == "exact"]
    assert (exact["recall"] == 1).all() and (searched["ms_a_query"] > 0).all()
    again = timing.draw_vectors(vectors, species, 5, np.random.default_rng(1))
    assert again.shape == (5, 12)


@pytest.fixture
def pictures(photos, tmp_path) -> pd.DataFrame:
    """The table of `photos`, with a picture of noise for each."""
    images = photos.images.copy()
    images["image_path"] = [str(tmp_path / name) for name in images["image_path"]]
    for i, path in enumerate(images["image_path"]):
        noise = np.random.default_rng(i).integers(0, 256, (20, 20, 3), np.uint8)
        Image.fromarray(noise).save(path)
    return images


def test_a_sheet_of_look_alikes_marks_right_and_wrong(pictures):
    found, similarity = np.array([[1, 9]]), np.array([[0.9, 0.4]])
    figure = plots.plot_look_alikes(pictures.iloc[[0]], pictures, found, similarity, "T", n=2)
    labels = [ax.get_xlabel() for ax in figure.axes]
    assert labels == ["asked:\nAster\nalba", "✓ 0.90\nAster\nalba", "✗ 0.40\nAster\nnova"]
    plt.close(figure)


def test_refused_shares_are_those_beyond_the_limit():
    plt.figure()
    known, far = np.array([1.0, 2, 3, 4]), np.array([3.5, 5])
    ax = plots.plot_refused(known, {"no plant": far}, limit=3.2, line="test")
    title = ax.get_title("left") or ax.get_title()  # where another test set the style
    assert title == "Refused: no plant 100 %, and 25 % of the known"
    curve, dot = ax.lines[0], ax.lines[1]
    assert dot.get_xydata().tolist() == [[0.25, 1.0]]
    assert curve.get_xydata()[-1].tolist() == [0.75, 1.0], "the lowest value is beyond no limit"
    plt.close()


def test_recall_stands_beside_the_dots_of_the_index():
    plt.figure()
    rows = {"method": ["exact", "faiss"], "vectors": [10, 10], "recall": [1, 0.97]}
    searched = pd.DataFrame({**rows, "ms_a_query": [1.0, 0.5]})
    ax = plots.plot_searches(searched, "T", "line")
    assert [text.get_text() for text in ax.texts if "finds" in text.get_text()] == ["finds 97.0%"]
    (beside,) = [text for text in ax.texts if "finds" in text.get_text()]
    assert beside.xyann[1] < 0, "below the faster line, away from the other"
    assert ax.get_xscale() == ax.get_yscale() == "log" and "(log)" in ax.get_xlabel()
    plt.close()
