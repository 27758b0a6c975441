"""Sheets and living plants: the task as PlantCLEF set it, and what brings the two together."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plantlab.data.herbarium import BOTH, SHEETS, herbarium_task
from plantlab.data.table import TableError
from plantlab.heads import domains, vectors
from plantlab.heads.linear import fit_linear
from plantlab.notebook.exercises import lesson_12
from plantlab.predictions import Predictions
from plantlab.predictions.groups import side_by_side

SPECIES = ["Aa a", "Bb b", "Cc c", "Dd d"]


def task_table() -> pd.DataFrame:
    """Of each species a sheet, and a field photo for train, valid and test."""
    rows = []
    for name in [*SPECIES, "Ee e", "Ff f"]:
        rows.append({"species": name, "source": "herbarium", "split": "train"})
        for split in ("train", "valid", "test"):
            rows.append({"species": name, "source": "trusted", "split": split})
    images = pd.DataFrame(rows)
    paths = [f"{i}.jpg" for i in range(len(images))]
    return images.assign(image_path=paths, obs_id=paths)


def test_half_of_the_species_keep_the_names_of_their_field_photos():
    task = herbarium_task(task_table(), 0.5)
    known = task[task["known_from"] == BOTH]
    other = task[task["known_from"] == SHEETS]
    assert known["species"].nunique() == other["species"].nunique() == 3
    assert (known["named"] == (known["split"] == "train")).all()
    assert (other["named"] == other["is_sheet"]).all()
    assert task["is_sheet"].sum() == 6


@given(st.floats(0.34, 0.66), st.floats(0.34, 0.66), st.integers(0, 5))
def test_a_larger_share_holds_a_smaller_one(one, two, seed):
    images = task_table()
    smaller, larger = (herbarium_task(images, share, seed) for share in sorted([one, two]))
    assert set(smaller.loc[smaller["known_from"] == BOTH, "species"]) <= set(
        larger.loc[larger["known_from"] == BOTH, "species"]
    )


def test_every_sheet_is_learnt_from_but_one_of_a_plant_that_is_asked_about():
    images = task_table()
    images.loc[0, "split"] = "test"  # a sheet that a split by chance held out
    task = herbarium_task(images, 0.5)
    assert len(task) == len(images) and (task.loc[task["is_sheet"], "split"] == "train").all()
    assert "notes" not in task.attrs
    images.loc[0, "obs_id"] = images.loc[3, "obs_id"]  # pressed after the photo was taken
    task = herbarium_task(images, 0.5)
    assert set(task["species"]) == set(images["species"]) - {"Aa a"}
    (note,) = task.attrs["notes"]
    assert "1 sheets of held-out plants, 4 images of species without another sheet" in note


def test_what_is_no_task_is_refused():
    images = task_table()
    living = images[images["source"] == "trusted"]
    with pytest.raises(TableError, match="no herbarium sheets: its column source holds trusted"):
        herbarium_task(living)
    few = images[images["species"].eq("Aa a") | images["source"].eq("herbarium")]
    with pytest.raises(TableError, match="no species known from sheets"):
        herbarium_task(few)
    for share in (0, 1, 1.5):
        with pytest.raises(ValueError, match="between 0 and 1; got"):
            herbarium_task(images, share)
    with pytest.raises(TableError, match="no column 'source'"):
        herbarium_task(images.drop(columns="source"))


def two_domains(shift: float = 4.0, n_each: int = 30, n_species: int = 6, seed: int = 0):
    """Species as clouds of points; the asked kind is shifted and stretched as a whole."""
    rng = np.random.default_rng(seed)
    middles = 3 * rng.normal(size=(n_species, 8))
    targets = np.tile(np.repeat(np.arange(n_species), n_each), 2)
    is_source = np.arange(len(targets)) < n_species * n_each
    found = middles[targets] + rng.normal(size=(len(targets), 8))
    found[~is_source] = 2 * found[~is_source] + shift
    return found.astype(np.float32), targets, is_source


def test_levelling_undoes_what_shifts_all_alike_without_a_name():
    found, targets, is_source = two_domains()
    everything = np.ones(len(found), bool)
    levelled = domains.level(found, is_source, everything)
    for kind in (is_source, ~is_source):
        assert levelled[kind].mean(0) == pytest.approx(np.zeros(8), abs=1e-5)
        assert levelled[kind].std(0) == pytest.approx(np.ones(8), abs=1e-3)

    def right(vectors):
        head = fit_linear(vectors[is_source], targets[is_source], 6)
        said = vectors[~is_source] @ head.weight.detach().numpy().T + head.bias.detach().numpy()
        return (said.argmax(1) == targets[~is_source]).mean()

    assert right(levelled) > 0.9 > right(found)


def test_levelling_learns_from_the_rows_it_is_given_alone():
    found, _, is_source = two_domains()
    learn = np.arange(len(found)) % 2 == 0
    changed = found.copy()
    changed[~learn] += 100
    before = domains.level(found, is_source, learn)
    after = domains.level(changed, is_source, learn)
    assert np.array_equal(before[learn], after[learn])


def test_coral_gives_the_source_the_covariance_of_the_other_kind():
    rng = np.random.default_rng(0)
    n = 40_000
    turned = rng.normal(size=(n, 3)) @ np.array([[2, 0, 0], [1, 1, 0], [0, 1, 0.5]])
    found = np.concatenate([rng.normal(size=(n, 3)), turned])
    is_source = np.arange(2 * n) < n
    aligned = domains.coral(found, is_source, np.ones(2 * n, bool))
    assert np.array_equal(aligned[~is_source], found[~is_source])
    loaded = np.cov(turned.T) + domains.RIDGE * np.eye(3)  # what algorithm 1 aims at
    wanted = loaded / (1 + domains.RIDGE)  # the source had 1, and was granted as much more
    assert np.cov(aligned[is_source].T) == pytest.approx(wanted, rel=0.05, abs=0.05)


def test_the_dictionary_ranks_by_the_cosine_to_the_mean_of_the_sheets():
    sheets = np.array([[1.0, 0], [3, 0], [0, 2.0]])
    head = domains.dictionary(sheets, np.array([0, 0, 1]), 2)
    assert head.weight.tolist() == [[domains.SHARPNESS, 0], [0, domains.SHARPNESS]]
    images = pd.DataFrame({"image_path": ["x"], "species": ["Bb b"], "split": ["test"]})
    said = vectors.probabilities(head, domains.unit(np.array([[0.6, 0.8]])))
    cosines = np.array([0.6, 0.8])
    wanted = np.exp(domains.SHARPNESS * cosines)
    assert said[0] == pytest.approx(wanted / wanted.sum(), rel=1e-5)
    assert Predictions(images, SPECIES[:2], said).named().tolist() == ["Bb b"]


def test_a_map_learnt_from_some_species_moves_the_sheets_of_the_others():
    found, targets, is_source = two_domains(0, n_species=12)
    flip = np.diag([-1.0, 1, -1, 1, -1, 1, -1, 1])
    found[is_source] = found[is_source] @ flip  # each species is changed by the same law
    named = is_source | (targets < 10)
    moved = domains.mapped(found, targets, is_source, named, strength=1.0)
    assert np.array_equal(moved[~is_source], found[~is_source])
    for species in (10, 11):  # of which no living plant was named
        rows = targets == species
        alive = found[rows & ~is_source].mean(0)
        before = np.linalg.norm(found[rows & is_source].mean(0) - alive)
        after = np.linalg.norm(moved[rows & is_source].mean(0) - alive)
        assert after < 0.5 * before
    with pytest.raises(ValueError, match="0 species are named in both kinds"):
        domains.mapped(found, targets, is_source, is_source)


def test_a_shared_space_is_scikit_learns_and_forgets_how_pressed_differs_from_living():
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    found, targets, is_source = two_domains(n_species=12)
    learn = targets < 10
    space = domains.shared_space(found, targets, learn, 0.5)
    peer = LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.5).fit(
        found[learn], targets[learn]
    )
    assert space == pytest.approx(peer.transform(found), abs=1e-3)
    assert space.shape == (len(found), 8)  # fewer numbers than the nine that ten species allow

    def between_kinds(vectors):
        """How far the kinds of a species lie apart, in units of how far species do."""
        gaps, middles = [], []
        for species in (10, 11):
            rows = targets == species
            ends = [vectors[rows & kind].mean(0) for kind in (is_source, ~is_source)]
            gaps.append(np.linalg.norm(ends[0] - ends[1]))
            middles.append((ends[0] + ends[1]) / 2)
        return np.mean(gaps) / np.linalg.norm(middles[0] - middles[1])

    assert between_kinds(space) < between_kinds(found)


def test_groups_stand_side_by_side_with_their_scores():
    images = pd.DataFrame({"image_path": list("abcd"), "species": ["Aa a", "Bb b"] * 2})
    images["known_from"] = [BOTH, SHEETS, BOTH, SHEETS]
    probs = [[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.1, 0.9]]
    table = side_by_side(
        {"a way": Predictions(images, SPECIES[:2], probs)}, "known_from", {BOTH: "b", SHEETS: "s"}
    )
    row = table.iloc[0]
    assert (row["method"], row["n"], row["b"], row["s"]) == ("a way", 4, 1.0, 0.75)
    assert row["s_low"] < 0.75 < row["s_high"]


def test_exercises_of_notebook_12_worked_by_hand():
    assert lesson_12.exercise_1(0.2622) and not lesson_12.exercise_1(0.5)
    images = pd.DataFrame({"image_path": list("abc"), "species": ["Aa a", "Bb b", "Bb b"]})
    said = Predictions(images, SPECIES[:2], [[0.1, 0.9], [0.9, 0.1], [0.1, 0.9]])
    assert lesson_12.exercise_2(0.5, said, {"Bb b"}) and not lesson_12.exercise_2(1, said, {"Bb b"})
