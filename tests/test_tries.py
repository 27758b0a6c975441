"""Heads asked about splits, tried on valid and chosen; and answers side by side."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from plantlab.heads.belief import believe
from plantlab.heads.tries import Tries, scores_of
from plantlab.heads.vectors import Photos, principal_components
from plantlab.predictions import metrics

SPECIES = ["Bellis minor", "Rosa alba"]


def head(*weights: tuple[float, float]) -> nn.Linear:
    """Return a head of two numbers: a row of weights for each species."""
    made = nn.Linear(2, len(weights), bias=False)
    made.weight.data = torch.tensor(weights)
    return made


RIGHT = head((5.0, 0.0), (0.0, 5.0))
WRONG = head((0.0, 5.0), (5.0, 0.0))
ALBA = head((0.0, 0.0), (5.0, 5.0))  # names Rosa alba always


@pytest.fixture
def photos() -> Photos:
    """Photos of two species, whose vectors say which; one plant of valid has two photos."""
    species = ["Rosa alba", "Bellis minor", "Rosa alba", "Rosa alba", "Bellis minor", "Carex vana"]
    images = pd.DataFrame(
        {
            "image_path": list("abcdef"),
            "obs_id": ["1", "2", "3", "3", "4", "5"],
            "species": species,
            "split": ["train", "train", "valid", "valid", "valid", "test"],
        }
    )
    vectors = np.array([[0, 1], [1, 0], [0, 1], [0, 1], [1, 0], [1, 1]], np.float32)
    return Photos(images, vectors)


def test_species_are_those_of_train_and_targets_say_which_is_unknown(photos):
    assert photos.species == SPECIES
    assert list(photos.targets) == [1, 0, 1, 1, 0, -1]


def test_a_lesson_is_what_a_head_is_fitted_to(photos):
    vectors, targets, n_species = photos.lesson()
    assert vectors.tolist() == [[0, 1], [1, 0]] and list(targets) == [1, 0] and n_species == 2
    assert list(photos.lesson(np.array([4, 3]))[1]) == [0, 1]


@pytest.mark.parametrize("rows", ["valid", np.arange(6).clip(2, 4) == np.arange(6), [2, 3, 4]])
def test_a_split_a_mask_and_row_numbers_ask_about_the_same_photos(photos, rows):
    asked = photos.ask_photos(RIGHT, rows if isinstance(rows, str) else np.array(rows))
    assert asked.images["image_path"].tolist() == ["c", "d", "e"]
    assert asked.probs.argmax(axis=1).tolist() == [1, 1, 0]


def test_plants_are_asked_by_the_mean_over_their_photos(photos):
    plants = photos.ask(RIGHT, "valid")
    one_by_one = photos.ask_photos(RIGHT, "valid")
    assert plants.images["obs_id"].tolist() == ["3", "4"]
    assert plants.probs[0] == pytest.approx(one_by_one.probs[:2].mean(axis=0))


def test_the_most_alike_photos_name_a_photo_without_a_head(photos):
    asked = photos.ask_neighbours(np.array([0, 1]), np.array([2, 4, 5]), k=1)
    assert asked.images["image_path"].tolist() == ["c", "e", "f"]
    assert list(asked.species) == SPECIES and asked.probs.argmax(axis=1)[:2].tolist() == [1, 0]


def test_the_table_has_a_row_a_try_and_keeps_settings_as_they_are(photos):
    tries = Tries(photos)
    tries.add("plain", 1, RIGHT)
    tries.add("plain", 0.3, WRONG)
    tries.add("shifted", (1, 0.5), ALBA)
    table = tries.table
    assert list(table) == ["method", "setting", "head", "top1", "mrr", "ma_mrr"]
    assert [str(setting) for setting in table["setting"]] == ["1", "0.3", "(1, 0.5)"]
    assert table["head"].tolist() == [RIGHT, WRONG, ALBA]
    assert table["top1"].tolist() == [1, 0, 0.5] and table["mrr"].tolist() == [1, 0.5, 0.75]


def test_the_best_of_each_method_and_of_equal_ones_the_first(photos):
    tries = Tries(photos)
    for setting, tried in {"a": ALBA, "b": RIGHT, "c": RIGHT}.items():
        tries.add("second by name", setting, tried)
    tries.add("first by name", "d", WRONG)
    best = tries.best("mrr")
    assert list(best.index) == ["second by name", "first by name"]
    assert best["setting"].tolist() == ["b", "d"]
    assert best.loc["second by name", "head"] is RIGHT


@pytest.mark.parametrize("seed", range(20))
def test_it_chooses_as_max_over_a_dict_would(photos, seed):
    """The rule of notebook 05, as Python says it: those above the floor first, then by score."""
    rng = np.random.default_rng(seed)
    tries = Tries(photos)
    for setting in range(12):
        scores = dict(zip(["top1", "mrr", "ma_mrr"], rng.integers(0, 4, 3) / 4))
        row = {"method": f"method {setting % 3}", "setting": setting, "head": RIGHT}
        tries.rows.append(row | scores)
    best = tries.best("ma_mrr", floor=0.5)
    for method in best.index:
        rows = [row for row in tries.rows if row["method"] == method]
        wanted = max(rows, key=lambda row: (row["top1"] >= 0.5, row["ma_mrr"]))
        assert best.loc[method, "setting"] == wanted["setting"]


def test_quick_scores_are_those_of_metrics(photos):
    answers = photos.ask(ALBA, "valid")
    row = metrics.score(answers, n_boot=1).iloc[0]
    assert scores_of(answers) == pytest.approx({m: row[m] for m in ("top1", "mrr", "ma_mrr")})


def test_components_are_learnt_from_train_alone():
    rng = np.random.default_rng(0)
    embeddings, learn = rng.normal(size=(30, 8)), np.arange(30) < 20
    vectors = principal_components(embeddings, learn, 5)
    assert vectors.shape == (30, 5) and vectors.dtype == np.float32
    assert vectors[learn].std() == pytest.approx(1, abs=1e-5)
    assert vectors[learn].mean(axis=0) == pytest.approx(np.zeros(5), abs=1e-5)
    embeddings[~learn] *= 9
    assert principal_components(embeddings, learn, 5)[learn] == pytest.approx(vectors[learn])
    assert principal_components(embeddings, learn, 400).shape == (30, 8), "no more than there are"


def test_judges_believe_what_trusted_photos_say_and_a_second_round_knows_better():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 240)
    seen = np.eye(3)[truth] * 2.2 + rng.normal(size=(240, 3))
    doubtful = np.arange(240) >= 30
    wrong = doubtful & (rng.random(240) < 0.4)
    labels = np.where(wrong, (truth + 1) % 3, truth)
    plants = np.arange(240)
    believed = {n: believe(seen, labels, 3, plants, doubtful, rounds=n) for n in (1, 2)}
    for each in believed.values():
        assert (each[~doubtful] == 1).all() and ((each >= 0) & (each <= 1)).all()
        assert roc_auc_score(~wrong[doubtful], each[doubtful]) > 0.85
    with pytest.raises(ValueError, match="rounds must be 1 or more; got 0"):
        believe(seen, labels, 3, plants, doubtful, rounds=0)
