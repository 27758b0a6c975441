import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plantlab.networks import neighbours
from plantlab.networks.neighbours import Neighbours, knn
from plantlab.predictions import metrics


def clustered(n, dim=160, n_clusters=40, seed=0):
    """Return rows as photos of plants give them: round a few centres, their spread in a few directions."""
    rng = np.random.default_rng(seed)
    centres, directions = rng.standard_normal((n_clusters, dim)), rng.standard_normal((20, dim))
    return (
        centres[rng.integers(0, n_clusters, n)] + 0.3 * rng.standard_normal((n, 20)) @ directions
    ).astype("float32")


def cosines(queries, rows):
    return (
        queries @ rows.T / np.linalg.norm(queries, axis=1)[:, None] / np.linalg.norm(rows, axis=1)
    )


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 60), st.integers(0, 9), st.integers(1, 8), st.integers(0, 1000), st.data())
def test_exact_search_is_the_sorted_matrix_of_cosines(n, n_queries, dim, seed, data):
    k = data.draw(st.integers(1, n))
    rng = np.random.default_rng(seed)
    rows, queries = rng.standard_normal((n, dim)), rng.standard_normal((n_queries, dim))
    similarity, found = Neighbours(rows).search(queries, k)
    assert similarity.shape == found.shape == (n_queries, k)
    assert similarity.dtype == np.float32 and found.dtype == np.int64
    every = cosines(queries, rows)
    np.testing.assert_allclose(similarity, -np.sort(-every, axis=1)[:, :k], atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(every, found, axis=1), similarity, atol=1e-5)
    assert all(len(set(each)) == k for each in found)


def test_blocks_of_rows_and_queries_join_without_a_seam():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((45_000, 4)).astype("float32")
    asked = rng.permutation(45_000)[:600]
    similarity, found = Neighbours(rows).search(rows[asked] * 7, 3)  # lengths do not matter
    assert (found[:, 0] == asked).all()
    np.testing.assert_allclose(similarity[:, 0], 1, atol=1e-5)
    best = np.argsort(-cosines(rows[asked], rows), axis=1)[:, :3]
    assert (found == best).mean() > 0.999  # float32 ties


@pytest.mark.parametrize("n", [1, 49, 100, 1000, 1033])
@pytest.mark.parametrize("k", [1, 5, 19, 20, 40])
def test_the_largest_are_found_chunk_by_chunk(n, k):
    values = np.random.default_rng(n).standard_normal((7, n)).astype("float32")
    columns = neighbours._largest(values, k)
    assert columns.shape == (7, min(n, k))
    expected = np.sort(np.argsort(values, axis=1)[:, -k:], axis=1)
    np.testing.assert_array_equal(np.sort(columns, axis=1), expected)


def test_many_rows_are_filed_and_few_are_not():
    assert Neighbours(clustered(2000)).index is None
    assert Neighbours(clustered(2000), exact=False).index is not None


@pytest.mark.parametrize("dim", [32, 160])
def test_the_index_finds_what_the_exact_search_finds(dim):
    rows, queries = clustered(6000, dim), clustered(200, dim, seed=0)
    every, filed = Neighbours(rows, exact=True), Neighbours(rows, exact=False)
    similarity, right = every.search(queries, 10)
    close, found = filed.search(queries, 10)
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(right, found)]) >= 0.95
    assert np.mean(np.abs(close[:, 0] - similarity[:, 0]) < 1e-3) > 0.95
    assert (np.diff(close, axis=1) <= 0).all()
    if dim > neighbours.COMPONENTS:
        assert filed.nbytes < 0.9 * every.nbytes == 0.9 * rows.nbytes


def test_the_index_answers_in_full_where_its_lists_hold_too_few(monkeypatch):
    monkeypatch.setattr(neighbours, "LISTS_READ", 1)
    rows = clustered(8000, n_clusters=500)
    filed = Neighbours(rows, exact=False)
    for k in (300, 8000):
        similarity, found = filed.search(rows[:3], k)
        np.testing.assert_allclose(similarity, Neighbours(rows).search(rows[:3], k)[0], atol=2e-3)
        assert found.min() >= 0


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: Neighbours(np.zeros((0, 3))), r"shape \(0, 3\); expected one row"),
        (lambda: Neighbours(np.ones(3)), r"shape \(3,\)"),
        (
            lambda: Neighbours(np.eye(3)).search(np.eye(4), 1),
            r"queries have shape \(4, 4\); expected \(Q, 3\)",
        ),
        (
            lambda: Neighbours(np.eye(3)).search(np.eye(3), 4),
            "k must be from 1 to 3, the number of known rows; got 4",
        ),
        (lambda: Neighbours(np.eye(3)).search(np.eye(3), 0), "got 0"),
        (
            lambda: knn(Neighbours(np.eye(3)), ["a"], pd.DataFrame(), np.eye(3)),
            "1 labels, but 3 known rows",
        ),
        (
            lambda: knn(Neighbours(np.eye(1)), ["a"], pd.DataFrame(), np.eye(1), temperature=0),
            "temperature must be",
        ),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_votes_by_hand():
    known = Neighbours(np.array([[1, 0], [0.8, 0.6], [0, 1]]))
    asked = pd.DataFrame({"image_path": ["q.jpg"], "species": ["Rosa alba"]})
    answer = knn(
        known,
        ["Rosa alba", "Bellis minor", "Bellis minor"],
        asked,
        np.array([[2.0, 0]]),
        3,
        temperature=0.5,
    )
    weight = np.exp([1 / 0.5, 0.8 / 0.5, 0])  # cosines 1, 0.8 and 0
    assert answer.species == ("Bellis minor", "Rosa alba")
    np.testing.assert_allclose(
        answer.probs[0], [weight[1:].sum() / weight.sum(), weight[0] / weight.sum()], rtol=1e-5
    )
    assert knn(known, list("abb"), asked, np.array([[2.0, 0]]), 1).probs.tolist() == [[1, 0]]
    assert metrics.score(answer, n_boot=10)["n"].item() == 1


def test_a_species_is_known_from_its_first_photo_on():
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((5, 20))
    labels = list("abcde")
    asked = pd.DataFrame({"image_path": [f"{i}.jpg" for i in range(50)], "species": labels * 10})
    answer = knn(
        Neighbours(centres),
        labels,
        asked,
        np.tile(centres, (10, 1)) + 0.1 * rng.standard_normal((50, 20)),
    )
    assert metrics.score(answer, n_boot=10)["top1"].item() == 1


def test_what_lies_elsewhere_is_stranger():
    rows = clustered(500)
    known = Neighbours(rows[:400])
    elsewhere = np.random.default_rng(5).standard_normal((50, 160))
    assert known.strangeness(rows[400:]).max() < known.strangeness(elsewhere).min()
    assert known.strangeness(rows[:5], k=1) == pytest.approx(0, abs=1e-5)
    assert Neighbours(rows[:2]).strangeness(rows[:9]).shape == (9,)  # fewer known than k


def test_the_known_rows_can_be_kept_and_read_again(tmp_path):
    known = Neighbours(clustered(300))
    np.save(tmp_path / "known.npy", known.embeddings)
    again = Neighbours(np.load(tmp_path / "known.npy"))
    np.testing.assert_allclose(
        again.strangeness(clustered(9)), known.strangeness(clustered(9)), atol=1e-6
    )
