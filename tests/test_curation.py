import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plantlab.data import table
from plantlab.data.duplicates import find_duplicates, leakage
from plantlab.data.inspection import set_aside
from plantlab.data.layouts import read_images
from plantlab.data.plants import assign_observations
from plantlab.data.table import TableError
from plantlab.quality import suspicion
from plantlab.quality.verdict import fit_to_train


def inspected(phash, sha1=None, species=None, **columns):
    n = len(phash)
    return pd.DataFrame(
        {
            "image_path": [f"/data/{i}.jpg" for i in range(n)], "obs_id": [f"o{i}" for i in range(n)],
            "species": species or ["a"] * n, "sha1": sha1 or [f"{i}" for i in range(n)], "phash": phash,
        }
    ).assign(**columns)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**64 - 1)), min_size=1, max_size=30),
    st.integers(0, 30),
)
def test_duplicates_match_a_plain_loop(photos, max_distance):
    # The content decides the hash: the same sha1 has the same phash.
    photos = [
        (content, sum(hash_ for c, hash_ in photos if c == content) % 2**64)
        for content, _ in photos
    ]
    images = inspected([f"{h:016x}" for _, h in photos], [str(c) for c, _ in photos])
    found = find_duplicates(images, max_distance)
    first = {c: [content for content, _ in photos].index(c) for c, _ in photos}
    exact = {(first[c], i, 0) for i, (c, _) in enumerate(photos) if first[c] != i}
    near = {
        (i, j, (photos[i][1] ^ photos[j][1]).bit_count())
        for i in first.values() for j in first.values() if i < j
    }  # fmt: skip
    near = {pair for pair in near if pair[2] <= max_distance}
    for kind, expected in (("exact", exact), ("near", near)):
        assert (
            set(
                found[found["kind"] == kind][["first", "second", "distance"]].itertuples(
                    index=False, name=None
                )
            )
            == expected
        )


def test_many_photos_are_compared_in_a_moment():
    rng = np.random.default_rng(0)
    images = inspected([f"{h:016x}" for h in rng.integers(0, 2**63, 5000)])
    images.loc[4999, "phash"] = images.loc[0, "phash"]
    assert find_duplicates(images)[["first", "second"]].to_numpy().tolist() == [[0, 4999]]


def test_duplicates_need_inspected_photos():
    with pytest.raises(TableError, match="no column 'sha1'"):
        find_duplicates(inspected(["0" * 16]).drop(columns="sha1"))


def test_duplicates_share_an_observation():
    images = inspected(["0" * 16, "0" * 15 + "1", "0" * 15 + "f", "f" * 16], species=list("aabb"))
    together = assign_observations(images)
    assert together["obs_id"].tolist() == ["o0", "o0", "o0", "o3"]
    assert together.attrs["notes"] == ["4 observations became 2: near-duplicate photos share one."]
    assert (
        images["obs_id"].is_unique
        and "notes" not in assign_observations(images[3:].reset_index(drop=True)).attrs
    )


def test_a_burst_of_one_species_is_one_plant_unless_the_table_knows_the_plants():
    codes = [f"{h:016x}" for h in np.random.default_rng(0).integers(0, 2**63, 6)]
    images = inspected(codes, species=["a", "a", "a", "b", "a", "a"])
    images["taken"] = [
        f"2016-05-31 10:{at}" for at in ("00:00", "02:30", "00:59", "01:10", "01:58")
    ] + [None]
    assert assign_observations(images)["obs_id"].tolist() == images["obs_id"].tolist(), (
        "o0, o1, ... are known plants"
    )
    images["obs_id"] = table.relative_names(images)
    together = assign_observations(images)
    assert together["obs_id"].tolist() == ["0.jpg"] * 3 + [
        "3.jpg",
        "0.jpg",
        "5.jpg",
    ]  # 59, 59 and 32 seconds apart
    assert together.attrs["notes"] == [
        "6 observations became 3: near-duplicate photos, and those taken of a species within a minute, share one."
    ]


def test_leakage_counts_what_splits_share():
    images = inspected(["0" * 16, "0" * 16, "0" * 15 + "1", "f" * 16], ["x", "x", "y", "z"])
    images["split"], images["obs_id"] = ["train", "test", "valid", "valid"], ["p", "q", "r", "p"]
    shared = leakage(images, find_duplicates(images))
    assert shared.loc["train and valid"].tolist() == [1, 0, 1]
    assert shared.loc["train and test"].tolist() == [0, 1, 0]
    assert shared.loc["valid and test"].tolist() == [0, 0, 0]


def good_data(n=40, **columns):
    rng = np.random.default_rng(0)
    return inspected(
        [f"{h:016x}" for h in rng.integers(0, 2**63, 2 * n)],
        species=["a", "b"] * n,
        width=200,
        height=300,
        **columns,
    )


def test_good_data_are_fit():
    verdict = fit_to_train(good_data(split=(["train"] * 8 + ["valid", "test"]) * 8))
    assert (
        verdict.verdict == "yes"
        and verdict.reasons == []
        and str(verdict) == "Fit to train on? Yes."
    )


def copies(*of):
    """Return sha1 for 80 photos, the first of them `of` these files."""
    return [*of, *map(str, range(len(of), 80))]


@pytest.mark.parametrize(
    "change, verdict, reason",
    [
        ({"species": "a"}, "no", "80 photos carry 1 species; at least 2 are needed."),
        (
            {"species": list("abcdefgh") + ["z"] * 72},
            "with care",
            "Half of the photos show only 1 of 9 species.",
        ),
        (
            {"species": ["a", "b", None, "b"] * 20},
            "with care",
            "Photos without a species: 20 of 80.",
        ),
        (
            {"width": 90},
            "with care",
            "The shorter side is 90 pixels in the median; under 128 shows little.",
        ),
        ({"width": 31}, "no", "The shorter side is 31 pixels"),
        (
            {"obs_id": ["o", "p"] * 40},
            "with care",
            "Species with a single observation, so none to test on: 2 of 2.",
        ),
        ({"organ": list("defghijk") * 10}, "yes", None),
        (
            {"organ": [str(i) for i in range(40)] * 2},
            "with care",
            "40 organs are mixed; a species has 2 photos of one.",
        ),
        ({"source": list("wwtt") * 20}, "yes", None),
        (
            {"source": ["web", "trusted"] * 40},
            "with care",
            "Photos from web searches, where labels are often wrong: 40 of 80.",
        ),
        (
            {"sha1": copies("x", "y", "x", "y")},
            "with care",
            "Photos that duplicate another, exactly or nearly: 2 of 80.",
        ),
        (
            {"sha1": copies("x", "x")},
            "with care",
            "Pairs that look the same under two species; look whether a label is wrong: 1.",
        ),
        (
            {"split": ["train", "test"] * 40},
            "with care",
            "Species missing from train, whose photos will count as wrong: 1.",
        ),
        (
            {
                "sha1": copies("x", "y", "x", "y"),
                "split": ["train"] * 2 + ["test"] * 2 + ["train"] * 76,
            },
            "no",
            "Photos of valid or test whose plant, or copy, is in train: 2.",
        ),
    ],
)
def test_verdicts(change, verdict, reason):
    found = fit_to_train(good_data().assign(**change))
    assert found.verdict == verdict, str(found)
    assert reason is None or any(text.startswith(reason) for text in found.reasons), str(found)
    assert len(found.reasons) == len(found.severity) and found.severity == sorted(
        found.severity, reverse=True
    )


def test_few_photos_and_no_labels():
    assert fit_to_train(good_data().drop(columns="species")).reasons == [
        "80 photos carry 0 species; at least 2 are needed."
    ]
    few = fit_to_train(good_data(20))
    assert (few.verdict, few.reasons) == (
        "with care",
        ["Species with under 30 photos, which EGI drops: 2 of 2."],
    )
    few = fit_to_train(good_data(4))
    assert (
        few.verdict == "no"
        and few.reasons[0] == "A species has 4.0 photos on average; under 10 is little."
    )


def test_bad_files_count_in_the_verdict():
    images = good_data()
    assert fit_to_train(images, bad=images[:2]).reasons == [
        "Files that cannot be read or are too small: 2 of 82."
    ]
    assert str(fit_to_train(images, bad=images[:40])).startswith(
        "Fit to train on? No.\n- serious: Files that cannot be read or are too small: 40 of 120."
    )


@pytest.mark.photos
def test_the_real_flower_photos_hold_three_pairs_of_files_one_under_two_classes(tmp_path):
    folder = (
        Path(os.environ.get("PLANTLAB_PHOTOS", Path(__file__).parents[2] / "shared" / "photos"))
        / "flower_photos"
    )
    if not folder.is_dir():
        pytest.skip("no photographs flower_photos here; PLANTLAB_PHOTOS names their folder")
    images = read_images(folder)
    size = images["image_path"].map(os.path.getsize)
    images = images[
        size.duplicated(keep=False)
    ]  # identical files are of one size; the others cost seconds
    images, bad = set_aside(images, cache=tmp_path / "cache.parquet")
    duplicates = find_duplicates(images)
    exact = duplicates[duplicates["kind"] == "exact"]
    assert (len(bad), len(exact), int((~exact["same_species"]).sum())) == (0, 3, 1)
    assert fit_to_train(images, bad, duplicates).verdict == "with care"


def noisy(n: int = 300, seed: int = 0):
    """Return photos of three well separated species, a tenth of whose labels are wrong, and 20 that are like none."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    vectors = 6 * np.eye(3)[truth] @ rng.normal(size=(3, 12)) + rng.normal(size=(n, 12))
    wrong = rng.random(n) < 0.1
    vectors[:20], wrong[:20] = 25 * rng.normal(size=(20, 12)), False
    label = np.where(wrong, (truth + 1) % 3, truth)
    images = pd.DataFrame(
        {"image_path": np.arange(n).astype(str), "species": np.array(list("abc"))[label]}
    )
    images = images.assign(
        source=np.where(np.arange(n) < 200, "web", "trusted"), obs_id=images["image_path"]
    )
    return images, vectors.astype(np.float32), wrong


def test_suspicion_finds_wrong_labels_and_strangers_and_agrees_with_cleanlab():
    from cleanlab.rank import get_label_quality_scores
    from sklearn.metrics import roc_auc_score

    from plantlab.heads.linear import out_of_fold

    images, vectors, wrong = noisy()
    labels = pd.factorize(images["species"], sort=True)[0]
    probs = out_of_fold(vectors, labels, 3, images["obs_id"].to_numpy())
    assert probs.shape == (300, 3) and np.allclose(probs.sum(1), 1, atol=1e-5)
    doubt = suspicion.suspicion(images, probs, vectors)
    known = np.arange(300) >= 20
    assert roc_auc_score(wrong[known], doubt["label"][known]) > 0.95
    assert roc_auc_score(wrong[known], doubt["neighbours"][known]) > 0.95
    assert roc_auc_score(~known, doubt["strange"]) > 0.99
    honest = (
        np.random.default_rng(1).normal(size=(300, 40)).astype(np.float32)
    )  # web and trusted of one kind, in 40 numbers
    strange = suspicion.suspicion(images, probs, honest)["strange"]
    web = images["source"] == "web"
    assert (strange[web] > strange[~web].quantile(0.95)).mean() < 0.15, (
        "trusted photos are measured by others' fits"
    )
    theirs = get_label_quality_scores(labels, probs, method="self_confidence")
    assert np.allclose(1 - doubt["label"], theirs, atol=1e-6)
    assert np.allclose(theirs, probs[np.arange(300), labels]), "which is the label's probability"
    with pytest.raises(
        ValueError, match=r"expected probs \(300, 3\) and as many embeddings; got probs \(300, 2\)"
    ):
        suspicion.suspicion(images, probs[:, :2], vectors)


def test_weighed_labels_are_bayes_rule_and_know_which_species_are_confused():
    probs = np.array([[0.8, 0.2, 0], [0.6, 0.4, 0], [0.1, 0.9, 0], [0.5, 0.5, 0]])
    targets, asked = np.array([0, 1, 1, 2]), np.array([True, True, True, False])
    # photos of species 0 under labels 0, 1, 2: 0.8, 0.6 + 0.1, 0, and the photo that is added: 0.8, 0.1, 0.1
    of_0, of_1 = np.array([1.6, 0.8, 0.1]) / 2.5, np.array([0.3, 0.4 + 0.9 + 0.8, 0.1]) / 2.5
    right = suspicion.weigh_labels(probs, targets, asked)
    assert right[0] == pytest.approx(0.8 * of_0[0] / (0.8 * of_0[0] + 0.2 * of_1[0]))
    assert right[1] == pytest.approx(0.4 * of_1[1] / (0.6 * of_0[1] + 0.4 * of_1[1]))
    assert right[3] == 1, "the judge knows nothing of species 2"
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)  # a weak judge of twenty species, under labels that mix up pairs
    truth, swapped = rng.integers(0, 20, 2000), rng.random(2000) < 0.3
    targets = np.where(swapped, truth ^ 1, truth)
    logits = 1.5 * rng.normal(size=(2000, 20)) + 2.5 * np.eye(20)[truth]
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    right = suspicion.weigh_labels(probs, targets, np.ones(2000, bool))
    assert (
        roc_auc_score(swapped, -right)
        > roc_auc_score(swapped, -probs[np.arange(2000), targets]) + 0.01
    )


def test_swapped_labels_know_their_truth():
    images, vectors, _ = noisy(600)
    images["split"] = np.where(np.arange(600) < 500, "train", "test")
    for alike in (True, False):
        swapped = suspicion.swap_labels(images, 0.4, vectors, alike, trusted_share=0.25)
        train, wrong = swapped["split"] == "train", swapped["noise"] == "swapped"
        assert (swapped["true_species"] == images["species"]).all()
        assert (wrong == (swapped["species"] != swapped["true_species"])).all()
        assert not wrong[~train].any() and not wrong[swapped["source"] == "trusted"].any()
        assert wrong[swapped["source"] == "web"].mean() == pytest.approx(0.4, abs=0.06)
        assert (swapped.loc[train, "source"] == "trusted").mean() == pytest.approx(0.25, abs=0.01)
        pairs = swapped[wrong].groupby("true_species")["species"].nunique()
        assert (pairs == (1 if alike else 2)).all()
    with pytest.raises(ValueError, match=r"share must be in \[0, 1\]"):
        suspicion.swap_labels(images, 1.5, vectors)
