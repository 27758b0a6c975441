"""Predictions: shapes, the views, and a save that comes back the same."""

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import plantlab
from plantlab.data.table import TableError
from plantlab.predictions import RULES, Predictions, concat, fuse

SPECIES = ["Rosa alba", "Rosa nigra", "Bellis minor"]
GENUS = {"Rosa alba": "Rosa", "Rosa nigra": "Rosa", "Bellis minor": "Bellis", "Carex vana": "Carex"}


def make(probs, truth=None, plants=None):
    probs = np.asarray(probs, dtype=float)
    truth = ["Rosa alba"] * len(probs) if truth is None else truth
    images = pd.DataFrame({"image_path": [f"{i}.jpg" for i in range(len(probs))], "species": truth})
    images["genus"] = images["species"].map(GENUS)
    if plants is not None:
        images["obs_id"] = plants
    return Predictions(images, SPECIES[: probs.shape[1]], probs)


@st.composite
def random_predictions(draw):
    n, k, seed = draw(st.integers(1, 12)), draw(st.integers(1, 6)), draw(st.integers(0, 999))
    rng = np.random.default_rng(seed)
    species = [f"Planta {'abcdef'[i]}" for i in range(k)]
    images = pd.DataFrame(
        {"image_path": np.arange(n).astype(str), "species": rng.choice(species, n)}
    )
    images = images.assign(obs_id=rng.integers(0, 4, n).astype(str), genus="Planta")
    return Predictions(images, species, rng.dirichlet(np.ones(k), n))


def test_fields_are_put_in_order():
    p = Predictions(pd.DataFrame({"image_path": ["a"]}, index=[7]), ["x", "y"], [[0.25, 0.75]])
    assert list(p.images.index) == [0] and p.species == ("x", "y") and p.probs.dtype == np.float32
    assert len(p) == 1 and repr(p) == "Predictions(1 images, 2 species)"


def test_who_reads_the_whole_matrix_is_few():
    """All others ask for answers, so that a form that keeps the k best alone can stand in its place."""
    package = Path(plantlab.__file__).parent
    readers = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr == "probs":
                readers.add(path.relative_to(package).parts[0])
    assert readers <= {"predictions", "heads"}


def test_targets_are_columns_and_minus_one_for_a_truth_it_does_not_know():
    assert list(make(np.eye(3), ["Bellis minor", "Carex vana", None]).targets) == [2, -1, -1]


def test_top_is_a_long_table_best_first():
    top = make([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]]).top(2)
    assert list(top) == ["image_path", "rank", "species", "score"]
    assert list(top["species"]) == ["Rosa nigra", "Bellis minor", "Rosa alba", "Bellis minor"]
    assert list(top["rank"]) == [1, 2, 1, 2] and top["score"][0] == pytest.approx(0.5)
    assert len(make([[0.2, 0.5, 0.3]]).top(99)) == 3


def test_the_best_come_with_their_probabilities_and_of_a_tie_the_first():
    columns, scores = make([[0.25, 0.5, 0.25], [0.4, 0.2, 0.4]]).best(2)
    assert columns.tolist() == [[1, 0], [0, 2]]
    assert scores.dtype == np.float32 and scores == pytest.approx(
        np.array([[0.5, 0.25], [0.4] * 2])
    )
    assert make([[0.25, 0.5, 0.25]]).best(99)[0].shape == (1, 3)


def test_a_tie_is_a_first_answer_that_may_be_right_and_a_rank_that_is_lost():
    p = make([[0.5, 0.5, 0], [0.2, 0.5, 0.3], [1, 0, 0]], ["Rosa alba", "Rosa alba", "Carex vana"])
    assert p.named().tolist() == ["Rosa alba", "Rosa nigra", "Rosa alba"]
    assert p.right().tolist() == [True, False, False]
    assert p.ranks().tolist() == [2, 3, np.inf]
    assert p.confidence() == pytest.approx([0.5, 0.5, 1])
    assert not make([[1.0]], [None]).right().any()


@given(random_predictions())
@settings(max_examples=30, deadline=None)
def test_what_is_said_of_an_answer_fits_its_best_species(p):
    columns, scores = p.best()
    assert (scores[:, 0] == p.confidence()).all()
    assert p.named().tolist() == [p.species[k] for k in columns[:, 0]]
    assert (p.right() == (columns[:, 0] == p.targets)).all()
    known = p.targets >= 0
    assert p.right()[p.ranks() == 1].all() and np.isfinite(p.ranks()[known]).all()


@given(random_predictions(), st.randoms())
@settings(max_examples=30, deadline=None)
def test_parts_put_together_are_the_whole(p, random):
    mask = pd.Series([random.random() < 0.5 for _ in range(len(p))], dtype=bool)
    parts = [p.select(mask), p.select(np.flatnonzero(~mask))]
    assert [len(part) for part in parts] == [mask.sum(), (~mask).sum()]
    order = [*np.flatnonzero(mask), *np.flatnonzero(~mask)]
    whole = concat(iter(parts))
    assert np.array_equal(whole.probs, p.probs[order]) and whole.species == p.species
    assert whole.images["image_path"].tolist() == p.images["image_path"].iloc[order].tolist()
    assert whole.images.index.tolist() == list(range(len(p)))


def test_photos_of_a_plant_are_joined():
    joined = make([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5]], plants=["p", "p", "q"]).by_observation()
    assert joined.probs == pytest.approx(np.array([[0.65, 0.35], [0.5, 0.5]]))
    assert list(joined.images["obs_id"]) == ["p", "q"] and list(joined.images["n_photos"]) == [2, 1]


@pytest.mark.parametrize(
    "how, weights, probs",
    [
        ("mean", [3, 1, 1], [0.775, 0.225]),  # (3 x 0.9 + 0.4) / 4
        (
            "product",
            None,
            [0.710102, 0.289898],
        ),  # sqrt(0.9 x 0.4) to sqrt(0.1 x 0.6): 0.6 to 0.2449
        ("product", [1, 0, 1], [0.9, 0.1]),
        ("max", None, [0.6, 0.4]),  # 0.9 to 0.6
        ("max", [1, 3, 1], [0.4, 0.6]),  # 3 x 0.4 to 3 x 0.6
        ("borda", None, [0.5, 0.5]),  # 2 + 1 points each
        ("borda", [2, 1, 1], [5 / 9, 4 / 9]),
        ("mean", [0, 0, 0], [0.65, 0.35]),  # no weight at all: alike
    ],
)
def test_photos_of_a_plant_are_joined_by_each_rule(how, weights, probs):
    p = make([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5]], plants=["p", "p", "q"])
    joined = p.by_observation(how, weights).probs
    assert joined == pytest.approx(np.array([probs, [0.5, 0.5]]), abs=1e-6)


@given(random_predictions(), st.sampled_from(RULES), st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_order_of_photos_does_not_matter(p, how, random):
    weights = np.array([random.choice([0, 1, 2.5]) for _ in range(len(p))])
    order = random.sample(range(len(p)), len(p))
    other = Predictions(p.images.iloc[order], p.species, p.probs[order])
    a, b = (
        each.by_observation(how, w).probs[each.by_observation().images["obs_id"].argsort()]
        for each, w in ((p, weights), (other, weights[order]))
    )
    assert a == pytest.approx(b, abs=1e-6) and a.sum(axis=1) == pytest.approx(1, abs=1e-5)


@given(random_predictions(), st.sampled_from(RULES))
@settings(max_examples=40, deadline=None)
def test_one_photo_a_plant_keeps_its_answer(p, how):
    alone = Predictions(p.images.assign(obs_id=range(len(p))), p.species, p.probs)
    weights = np.arange(1, len(p) + 1)  # against nothing, a weight says nothing
    joined = alone.by_observation(how, weights)
    assert (joined.top(1)["species"] == p.top(1)["species"]).all()
    if how != "borda":  # which keeps the order alone
        assert joined.probs == pytest.approx(p.probs, abs=1e-5)


@given(random_predictions())
@settings(max_examples=20, deadline=None)
def test_the_mean_is_pandas_own_bit_by_bit(p):
    expected = (
        pd.DataFrame(p.probs).groupby(p.images["obs_id"], sort=False).mean().to_numpy(np.float32)
    )
    assert np.array_equal(p.by_observation().probs, expected)


def test_only_species_of_a_flora_are_named():
    p = make([[0.2, 0.5, 0.3], [0, 1, 0]])
    left = p.within(["Bellis minor", "Rosa alba", "Carex vana"])
    assert left.species == p.species and left.probs == pytest.approx(
        np.array([[0.4, 0, 0.6], [0.5, 0, 0.5]])
    )
    each = p.within(np.array([[True, True, False], [False, True, True]]))
    assert each.probs == pytest.approx(np.array([[2 / 7, 5 / 7, 0], [0, 1, 0]]))


@given(random_predictions(), st.sets(st.integers(0, 5), min_size=1))
@settings(max_examples=40, deadline=None)
def test_a_flora_keeps_its_order_and_all_of_them_keep_the_answer(p, chosen):
    assert p.within(p.species).probs == pytest.approx(p.probs, abs=1e-5)
    names = [name for i, name in enumerate(p.species) if i in chosen]
    if names:
        left = p.within(names)
        assert not left.probs[:, ~np.isin(p.species, names)].any()
        assert left.within(names).probs == pytest.approx(left.probs, abs=1e-6)


def test_a_photo_without_obs_id_stays_alone():
    assert len(make([[1, 0], [1, 0], [0, 1]], plants=["p", None, None]).by_observation()) == 3


def test_a_genus_has_its_species_probabilities_together():
    p = make([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]], ["Rosa alba", "Carex vana"])
    taxonomy = pd.DataFrame({"species": SPECIES, "genus": ["Rosa", "Rosa", "Bellis"]})
    genus = p.by_rank("genus", taxonomy)
    assert genus.species == ("Bellis", "Rosa") and list(genus.targets) == [1, -1]
    assert genus.probs == pytest.approx(np.array([[0.3, 0.7], [0.8, 0.2]]))


@given(random_predictions())
@settings(max_examples=30, deadline=None)
def test_every_view_holds_probabilities(p):
    assert (p.top(1)["score"].to_numpy() == p.probs.max(axis=1)).all()
    assert len(p.by_observation()) == p.images["obs_id"].nunique()
    genus = p.by_rank("genus", pd.DataFrame({"species": p.species, "genus": "Planta"}))
    assert genus.probs == pytest.approx(np.ones((len(p), 1)), abs=1e-4)


def test_saved_and_loaded_it_is_the_same(tmp_path):
    p = make([[0.2, 0.5, 0.3]], plants=["p"])
    back = Predictions.load(p.save(tmp_path / "run"))
    assert back.species == p.species and (back.probs == p.probs).all()
    pd.testing.assert_frame_equal(back.images, p.images)
    assert sorted(f.name for f in (tmp_path / "run").iterdir()) == ["images.parquet", "probs.npz"]


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (
            lambda: Predictions(pd.DataFrame({"image_path": ["a"]}), ["x"], [[0.5, 0.5]]),
            ValueError,
            "make it .1, 1.",
        ),
        (
            lambda: Predictions(pd.DataFrame({"image_path": ["a"]}), ["x", "x"], [[0.5, 0.5]]),
            ValueError,
            "named twice",
        ),
        (lambda: make([[0.5, 0.9]]), ValueError, "row 0 of probs sums to 1.4"),
        (lambda: make([[1.5, -0.5]]), ValueError, "softmax"),
        (lambda: make([[np.nan, 1]]), ValueError, "sums to nan"),
        (lambda: make([[1.0]]).top(0), ValueError, "k must be at least 1"),
        (lambda: make([[1.0]]).best(0), ValueError, "k must be at least 1, such as 5; got 0"),
        (lambda: concat([]), ValueError, "nothing to join: got no answers"),
        (
            lambda: concat([make([[0.9, 0.1]]), make([[0.9, 0.1, 0]])]),
            ValueError,
            "2 species.*3 species.* have other species, or another order; make both",
        ),
        (lambda: make([[1.0]]).by_observation(), TableError, "obs_id"),
        (
            lambda: make([[1.0]], plants=["p"]).by_observation("median"),
            ValueError,
            "one of mean.*got 'median'",
        ),
        (
            lambda: make([[1.0]], plants=["p"]).by_observation(weights=[1, 2]),
            ValueError,
            "1 numbers, 0 or more; got 2",
        ),
        (
            lambda: make([[1.0]], plants=["p"]).by_observation(weights=[-1]),
            ValueError,
            "got 1, least -1.0",
        ),
        (
            lambda: make([[1.0]]).within(["Carex vana"]),
            ValueError,
            "none of the species asked for is among the 1 ",
        ),
        (
            lambda: make([[0.2, 0.5, 0.3]]).by_rank("genus"),
            ValueError,
            "2 of 3 species have no genus.*taxonomy=",
        ),
        (lambda: make([[1.0]]).by_rank("family"), TableError, "family"),
        (lambda: Predictions.load("nowhere"), ValueError, "no probs.npz in nowhere"),
    ],
)
def test_messages(act, error, message):
    with pytest.raises(error, match=message):
        act()


def test_fused_answers_are_their_mean():
    a, b = make([[0.9, 0.1], [0.2, 0.8]], plants=["p", "q"]), make([[0.5, 0.5], [0.6, 0.4]])
    assert fuse([a, b]).probs == pytest.approx(np.array([[0.7, 0.3], [0.4, 0.6]]))
    assert list(fuse(iter([a, b])).images["obs_id"]) == ["p", "q"]  # the first one's table
    assert np.array_equal(fuse([a]).probs, a.probs)


@settings(deadline=None, max_examples=30)
@given(random_predictions(), st.integers(2, 6))
def test_fusing_an_answer_with_itself_changes_nothing(p, times):
    np.testing.assert_allclose(fuse([p] * times).probs, p.probs, atol=1e-6)


def test_what_cannot_be_fused_is_said():
    a = make([[0.9, 0.1], [0.2, 0.8]])
    with pytest.raises(ValueError, match="nothing to fuse: got no answers"):
        fuse([])
    other = Predictions(a.images[::-1], a.species, a.probs)
    with pytest.raises(
        ValueError, match="have other images, or another order; predict the same table"
    ):
        fuse([a, other])
    with pytest.raises(ValueError, match="2 images, 3 species.* have other species"):
        fuse([a, make([[0.9, 0.1, 0], [0.2, 0.8, 0]])])


def test_answers_gathered_by_name_add_up_and_keep_their_photos():
    said = make([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]])
    both = said.gathered(["rose", "rose", "other"])
    np.testing.assert_allclose(both.probs, [[0.3, 0.7], [0.4, 0.6]], atol=1e-6)
    assert list(both.species) == ["other", "rose"] and both.images.equals(said.images)
    others = said.images.assign(species="x")
    assert list(said.about(others).images["species"]) == ["x", "x"]
