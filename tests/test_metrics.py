"""Scores against scikit-learn, torchmetrics, cases worked by hand, and properties."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    label_ranking_average_precision_score,
    recall_score,
    top_k_accuracy_score,
)

from plantlab.data.table import TableError
from plantlab.predictions import Predictions, metrics

SPECIES = [f"Planta {c}" for c in "abcdefghij"]


def make(n=300, k=10, seed=0, noise=1.0, kind=None):
    """Return predictions of a middling classifier, several photos a plant, species of unequal frequency."""
    rng = np.random.default_rng(seed)
    targets = rng.choice(k, n, p=np.arange(k, 0, -1) / np.arange(k + 1).sum())
    logits = noise * rng.normal(size=(n, k)) + 1.5 * np.eye(k)[targets]
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    images = pd.DataFrame(
        {"image_path": np.arange(n).astype(str), "species": np.array(SPECIES)[targets]}
    )
    images = images.assign(
        obs_id=rng.integers(0, n // 2, n).astype(str), organ=rng.choice(["leaf", "flower"], n)
    )
    return Predictions(images.assign(kind=kind) if kind else images, SPECIES[:k], probs)


def two(truths, probs, **columns):
    images = pd.DataFrame(
        {"image_path": np.arange(len(truths)).astype(str), "species": truths, **columns}
    )
    return Predictions(images, ["a", "b"], probs)


def test_top_k_and_macro_top1_agree_with_scikit_learn():
    p = make()
    row = metrics.score(p, n_boot=10, measures=["top1", "top3", "top5", "macro_top1"]).iloc[0]
    for k in (1, 3, 5):
        assert row[f"top{k}"] == pytest.approx(top_k_accuracy_score(p.targets, p.probs, k=k))
    named = np.array(p.species)[p.probs.argmax(axis=1)]
    assert row["macro_top1"] == pytest.approx(
        recall_score(p.images["species"], named, average="macro")
    )


def test_mrr_agrees_with_scikit_learn():
    p = (
        make()
    )  # with one true label an image, label ranking average precision is the reciprocal rank
    row, truth = metrics.score(p, n_boot=10).iloc[0], np.eye(10)[p.targets]
    by_hand = [
        label_ranking_average_precision_score(t[None], s[None]) for t, s in zip(truth, p.probs)
    ]
    assert row["mrr"] == pytest.approx(np.mean(by_hand))
    means = [np.mean(np.array(by_hand)[p.targets == t]) for t in np.unique(p.targets)]
    assert row["ma_mrr"] == pytest.approx(np.mean(means))


@pytest.mark.filterwarnings("ignore")
def test_calibration_and_macro_accuracy_agree_with_torchmetrics():
    import torch
    from torchmetrics.functional.classification import (
        multiclass_accuracy,
        multiclass_calibration_error,
    )

    p = make(n=400)
    probs, targets = torch.tensor(p.probs), torch.tensor(p.targets)
    row = metrics.score(p, n_boot=10).iloc[0]
    for bins in (10, 15):
        expected = multiclass_calibration_error(
            probs, targets, num_classes=10, n_bins=bins, norm="l1"
        )
        ours = metrics.expected_calibration_error(p.probs.max(axis=1), metrics.ranks(p) == 1, bins)
        assert ours == pytest.approx(float(expected), abs=1e-6)
    assert row["ece"] == pytest.approx(ours)
    for name, average, k in (
        ("macro_top1", "macro", 1),
        ("top1", "micro", 1),
        ("top5", "micro", 5),
    ):
        expected = multiclass_accuracy(probs, targets, num_classes=10, average=average, top_k=k)
        assert row[name] == pytest.approx(float(expected), abs=1e-6)


def test_ma_mrr_leaves_out_species_without_a_test_image():
    images = pd.DataFrame({"image_path": list("1234"), "species": list("aaab")})
    probs = [[0.8, 0.1, 0.1]] * 3 + [[0.6, 0.3, 0.1]]  # ranks 1, 1, 1 and 2: (1 + 1/2) / 2
    assert (
        metrics.score(Predictions(images, list("abc"), probs), n_boot=10)["ma_mrr"].item() == 0.75
    )


def test_ties_count_against_the_classifier_and_an_unknown_truth_is_wrong():
    p = two(["a", "b", "z"], [[0.5, 0.5], [0.2, 0.8], [1, 0]])
    assert list(metrics.ranks(p)) == [2, 1, np.inf]
    row = metrics.score(p, n_boot=10).iloc[0]
    assert row["top1"] == pytest.approx(1 / 3) and row["top5"] == pytest.approx(2 / 3)
    assert row["mrr"] == pytest.approx((0.5 + 1 + 0) / 3) and row["n_species"] == 3


@given(st.integers(0, 999), st.integers(1, 40), st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_properties(seed, n, k):
    rng = np.random.default_rng(seed)
    images = pd.DataFrame(
        {"image_path": np.arange(n).astype(str), "species": rng.choice(SPECIES, n)}
    )
    p = Predictions(images, SPECIES[:k], rng.dirichlet(np.ones(k), n))
    row = metrics.score(p, n_boot=20).iloc[0]
    assert (
        row["top1"] <= row["mrr"] <= 1 and row["top1"] <= row["top5"] <= 1 and 0 <= row["ece"] <= 1
    )
    for name in metrics.SCORES:
        assert 0 <= row[f"{name}_low"] <= row[f"{name}_high"] <= 1
    shuffled = rng.permutation(k)  # the order of the species is of no importance, ties included
    q = Predictions(images, np.array(p.species)[shuffled], p.probs[:, shuffled])
    assert (metrics.ranks(p) == metrics.ranks(q)).all()


def test_resampling_plants_gives_wider_intervals_than_photos():
    values = np.repeat(
        np.random.default_rng(0).integers(0, 2, 60), 10
    )  # ten photos a plant, all alike
    plants = metrics.bootstrap_interval(values, np.repeat(np.arange(60), 10))
    photos = metrics.bootstrap_interval(values, np.arange(600))
    assert np.diff(plants) > 2.5 * np.diff(photos)


def test_interval_agrees_with_scipy_and_covers():
    from scipy.stats import bootstrap

    values = np.random.default_rng(1).random(80)
    theirs = bootstrap(
        (values,), np.mean, method="percentile", n_resamples=4000, rng=0
    ).confidence_interval
    assert metrics.bootstrap_interval(values, range(80), n_boot=4000) == pytest.approx(
        tuple(theirs), abs=0.006
    )
    rng, inside = np.random.default_rng(2), 0
    for _ in range(200):
        low, high = metrics.bootstrap_interval(rng.random(60) < 0.7, range(60), n_boot=200)
        inside += low <= 0.7 <= high
    assert 0.9 <= inside / 200 <= 0.98


def test_macro_interval_weighs_species_alike():
    rng = np.random.default_rng(0)
    right = np.concatenate([np.ones(900), rng.random(30) < 0.5])  # a common species, a rare one
    low, high = metrics.bootstrap_interval(right, np.arange(930), ["a"] * 900 + ["b"] * 30)
    assert low < (right[:900].mean() + right[900:].mean()) / 2 < high and high - low > 0.1


def test_all_right_still_leaves_doubt():
    assert metrics.bootstrap_interval(np.ones(10), range(10)) == (
        pytest.approx(0.6915, abs=1e-3),
        1,
    )
    assert metrics.bootstrap_interval(np.zeros(10), range(10)) == (
        0,
        pytest.approx(0.3085, abs=1e-3),
    )


def test_a_thousand_draws_of_a_real_test_set_take_under_a_second():
    rng = np.random.default_rng(0)
    right, plants = rng.random(4110) < 0.9, np.arange(4110)
    start = time.process_time()  # its own: other work on the machine does not count
    low, high = metrics.bootstrap_interval(right, plants, n_boot=1000)
    assert time.process_time() - start < 1 and 0.87 < low < 0.9 < high < 0.93


def test_score_has_a_row_a_column_value_or_named_group():
    p = make(kind="generated")
    whole, organs = metrics.score(p, n_boot=20), metrics.score(p, by="organ", n_boot=20)
    assert list(organs["organ"]) == ["flower", "leaf"] and organs["n"].sum() == 300
    assert np.average(organs["top1"], weights=organs["n"]) == pytest.approx(whole["top1"].item())
    groups = metrics.score(
        p, by={"first": SPECIES[:2], "rest": SPECIES[2:], "none": ["Rosa alba"]}, n_boot=20
    )
    assert list(groups["group"]) == ["first", "rest", "none"] and list(groups["n_species"]) == [
        2,
        8,
        0,
    ]
    assert (
        groups["n"].iloc[2] == 0
        and np.isnan(groups["top1"].iloc[2])
        and set(groups["kind"]) == {"generated"}
    )
    assert "group" not in whole and metrics.score(p, n_boot=20).equals(
        whole
    )  # the same seed, the same interval


def test_readable_scores_carry_their_interval():
    scores = pd.DataFrame(
        {"n": [10, 5, 0], "top1": [0.9123, 0.5, np.nan], "top1_low": [0.9, np.nan, np.nan]}
    )
    table = metrics.readable(scores.assign(top1_high=[0.925, np.nan, np.nan]))
    assert list(table) == ["n", "top1"] and table["top1"].tolist() == [
        "0.912 (0.90-0.93)",
        "0.500",
        "",
    ]


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (
            lambda: metrics.ranks(two(["a", None], [[1, 0], [1, 0]])),
            ValueError,
            "1 of 2 images have no species",
        ),
        (lambda: metrics.score(make(), by="colour"), TableError, "colour"),
        (
            lambda: metrics.score(make(), measures=["accuracy"]),
            ValueError,
            "must be top<k> or mrr, .*got 'accuracy'",
        ),
        (lambda: metrics.bootstrap_interval([], []), ValueError, "at least one"),
    ],
)
def test_messages(act, error, message):
    with pytest.raises(error, match=message):
        act()


def test_macro_interval_holds_its_mean_where_rare_species_fail():
    """Drawn from all plants together, a rare species that is always wrong was often missing: too high an interval."""
    right = np.concatenate([np.ones(200), np.zeros(10)])
    species = ["common"] * 200 + [f"rare {i}" for i in range(10)]
    low, high = metrics.bootstrap_interval(right, np.arange(210), species)
    assert low <= 1 / 11 <= high


def test_a_paired_difference_is_surer_than_two_intervals():
    images = pd.DataFrame({"image_path": np.arange(400).astype(str), "species": ["a", "b"] * 200})
    rng = np.random.default_rng(0)
    truth = np.tile([0, 1], 200)
    worse = np.where(rng.random(400) < 0.6, truth, 1 - truth)
    better = np.where(
        (worse != truth) & (rng.random(400) < 0.2), truth, worse
    )  # mends a fifth of the mistakes
    p, q = (Predictions(images, "ab", 0.8 * np.eye(2)[named] + 0.1) for named in (better, worse))
    gain, low, high = metrics.difference(p, q)
    assert (
        gain == pytest.approx((better == truth).mean() - (worse == truth).mean())
        and 0 < low < gain < high
    )
    row = metrics.score(p).iloc[0]
    assert high - low < 0.6 * (row["top1_high"] - row["top1_low"])
    bound = 1 - 0.025 ** (1 / 400)
    assert metrics.difference(p, p, "macro_top1") == (0, -bound, bound), "as likely worse as better"
    other = Predictions(images[::-1], "ab", q.probs)
    with pytest.raises(ValueError, match="other photos"):
        metrics.difference(p, other)


def test_macro_interval_of_species_with_one_plant_each_is_no_false_certainty():
    """Drawn within its species, a lone plant never varies; drawn from one another, ten of them do as ten plants do."""
    right = np.repeat([1.0, 0.0], 5)
    alone = metrics.bootstrap_interval(right, np.arange(10), np.arange(10))
    assert alone == pytest.approx(metrics.bootstrap_interval(right, np.arange(10)), abs=0.11)
    assert alone[1] - alone[0] > 0.4
