"""Sets of answers keep their promise; calibration keeps the order; a back-off is as deep as it may be."""

import numpy as np
import pandas as pd
import pytest

from plantlab.predictions import Predictions
from plantlab.predictions.confidence import (
    back_off,
    pool,
    pooling,
    prediction_sets,
    score_sets,
    temper,
    temperature,
)
from plantlab.predictions.metrics import expected_calibration_error, ranks

SPECIES = [f"Rosa {letter}" for letter in "abcd"]


def world(n: int, seed: int, sharpness: float = 1.0, tail: float = 8.0) -> Predictions:
    """Return answers that are right as often as they say (at sharpness 1), of species with a long tail."""
    rng = np.random.default_rng(seed)
    share = tail ** -np.linspace(0, 1, 4)
    logits = rng.normal(0, 2, (n, 4)) + np.log(share / share.sum())
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    truth = [rng.choice(4, p=p) for p in probs]
    said = np.exp(sharpness * logits) / np.exp(sharpness * logits).sum(1, keepdims=True)
    images = pd.DataFrame(
        {"image_path": [f"{i}.jpg" for i in range(n)], "species": np.array(SPECIES)[truth]}
    )
    images = images.assign(obs_id=images["image_path"], genus="Rosa", family="Rosaceae")
    return Predictions(images, SPECIES, said)


def test_calibration_undoes_overconfidence_and_keeps_the_order():
    loud, valid = world(4000, 1, sharpness=3), world(4000, 2, sharpness=3)
    calm = temper(loud, temperature(valid))
    assert (ranks(calm) == ranks(loud)).all()
    gap = [expected_calibration_error(p.probs.max(1), ranks(p) == 1) for p in (loud, calm)]
    assert gap[0] > 0.15 and gap[1] < 0.03
    honest = world(4000, 3)
    assert np.abs(temper(honest, temperature(world(4000, 4))).probs - honest.probs).max() < 0.05


@pytest.mark.parametrize("method", ["standard", "classwise", "PAS"])
@pytest.mark.parametrize("alpha", [0.1, 0.3])
def test_sets_cover_what_they_promise(method, alpha):
    """Mean over twenty draws: the guarantee is for the draw of valid and photos together."""
    counts = 8.0 ** -np.linspace(0, 1, 4)
    scored = []
    for seed in range(20):
        valid, asked = world(300, seed), world(500, 1000 + seed)
        scored.append(score_sets(prediction_sets(asked, valid, method, alpha, counts), asked))
    coverage = pd.DataFrame(scored).mean()
    assert (
        1 - alpha - 0.01
        <= coverage["coverage"]
        <= 1 - alpha + (0.03 if method != "classwise" else 0.1)
    )
    if method == "classwise":
        assert coverage["macro_coverage"] >= 1 - alpha - 0.015


def test_pas_leaves_out_fewer_rare_species():
    valid, asked = world(3000, 1, tail=50), world(3000, 2, tail=50)
    counts = np.array([(valid.targets == k).sum() for k in range(4)])
    standard, pas = (
        score_sets(prediction_sets(asked, valid, m, 0.1, counts), asked)
        for m in ("standard", "PAS")
    )
    assert pas["macro_coverage"] > standard["macro_coverage"] + 0.02


def test_a_set_worked_by_hand():
    """Four valid truths have 0.9, 0.8, 0.6 and 0.3; at alpha 0.4 three of (4 + 1) 0.6 must stay: the limit is 0.6."""
    images = pd.DataFrame({"image_path": list("abcd"), "species": ["A"] * 4})
    valid = Predictions(images, ["A", "B"], [[p, 1 - p] for p in (0.9, 0.8, 0.6, 0.3)])
    asked = Predictions(images[:3], ["A", "B"], [[0.61, 0.39], [0.5, 0.5], [0.3, 0.7]])
    assert prediction_sets(asked, valid, alpha=0.4).tolist() == [
        [True, False],
        [False, False],
        [False, True],
    ]
    assert prediction_sets(asked, valid, alpha=0.1).all(), (
        "four photos cannot promise 90 %: nothing is ruled out"
    )
    assert prediction_sets(asked, valid, "classwise", 0.4)[:, 1].all(), (
        "B has no valid photo: never ruled out"
    )


@pytest.mark.parametrize("wrong", [{"method": "magic"}, {"alpha": 1}, {"method": "PAS"}])
def test_sets_refuse_what_they_cannot_do(wrong):
    with pytest.raises(ValueError, match="expected one of standard, classwise, PAS, alpha in"):
        prediction_sets(world(9, 0), world(9, 1), **wrong)
    other = Predictions(world(9, 1).images, SPECIES[::-1], world(9, 1).probs)
    with pytest.raises(ValueError, match="different species"):
        prediction_sets(world(9, 0), other)


def test_back_off_keeps_its_error_and_goes_as_deep_as_it_may():
    valid, asked = world(4000, 1), world(4000, 2)
    told = back_off(asked, valid, asked.images, error=0.1)
    by = told.groupby("rank")["right"].agg(["mean", "size"])
    assert by.loc["species", "mean"] == pytest.approx(0.9, abs=0.03)
    assert by.loc["genus", "mean"] == 1 and by["size"].sum() == 4000, (
        "one genus: what is left is named by it"
    )
    sure = asked.probs.max(1)
    assert sure[told["rank"] == "species"].min() >= sure[told["rank"] == "genus"].max()
    free = back_off(asked, valid, asked.images, error=1)
    named = free[free["rank"] == "species"]
    assert len(named) >= 3990, "only photos less sure than every valid one are left to the genus"
    assert named["name"].tolist() == [SPECIES[k] for k in asked.probs.argmax(1)[named.index]]


def test_back_off_says_not_sure_where_nothing_is_good_enough():
    valid = world(50, 1)
    images = valid.images.assign(genus=valid.images["species"], family=valid.images["species"])
    wrong = Predictions(images, SPECIES, np.roll(np.eye(4)[valid.targets], 1, axis=1))
    told = back_off(wrong, wrong, images, error=0.1)
    assert (
        set(told["rank"]) == {"not sure"} and not told["right"].any() and set(told["name"]) == {""}
    )


def of_plants(shared: float, n_plants: int = 600) -> Predictions:
    """Return answers to three photos of each plant that err together by `shared`, 0 to 1."""
    rng = np.random.default_rng(1)
    truth = np.repeat(rng.integers(0, 4, n_plants), 3)
    plant = np.repeat(np.arange(n_plants), 3)
    own = rng.normal(size=(3 * n_plants, 4))
    together = rng.normal(size=(n_plants, 4))[plant]
    noise = np.sqrt(shared) * together + np.sqrt(1 - shared) * own
    logits = np.eye(4)[truth] + noise  # of unit variance: honest for one photo
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    names = list("abcd")
    images = pd.DataFrame({"obs_id": plant.astype(str), "species": np.array(names)[truth]})
    return Predictions(images, names, probs)


def test_several_photos_make_surer_the_less_they_err_together():
    alone, alike = pooling(of_plants(shared=0)), pooling(of_plants(shared=1))
    assert alone > 0.8 and alike < 0.1
    assert alike < pooling(of_plants(shared=0.5)) < alone


def test_pooled_plants_say_how_often_they_are_right():
    said = of_plants(shared=0.3)
    fused = said.by_observation("product")
    pooled = pool(fused, pooling(said))
    assert (pooled.named() == fused.named()).all(), "no name changes"
    right = pooled.right().mean()
    assert abs(pooled.confidence().mean() - right) < abs(fused.confidence().mean() - right)
    assert pooling(said.select(np.arange(3))) == 0, "one plant teaches nothing"
