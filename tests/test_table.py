import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plantlab import files
from plantlab.data import places, splits, table
from plantlab.data.splits import SPLITS
from plantlab.data.table import TableError


def plants(sizes, photos=2):
    """A table with `sizes[i]` observations of species i, each of `photos` photos."""
    rows = [
        (f"s{i}", f"o{i}-{j}")
        for i, size in enumerate(sizes)
        for j in range(size)
        for _ in range(photos)
    ]
    images = pd.DataFrame(rows, columns=["species", "obs_id"])
    return images.assign(image_path=[f"/data/{s}/{n}.jpg" for n, s in enumerate(images["species"])])


sizes = st.lists(st.integers(1, 12), min_size=1, max_size=12)


@settings(deadline=None, max_examples=60)
@given(sizes, st.floats(0.05, 0.6), st.floats(0, 0.35), st.integers(0, 99))
def test_split_by_observation(sizes, valid_frac, test_frac, seed):
    images = plants(sizes)
    split = splits.split_by_observation(images, valid_frac, test_frac, seed)
    assert split.index.equals(images.index) and set(split) <= set(SPLITS) and split.name == "split"
    assert split.groupby(images["obs_id"]).nunique().max() == 1  # a plant is on one side
    assert set(images["species"][split == "train"]) == set(images["species"])
    assert split.equals(splits.split_by_observation(images, valid_frac, test_frac, seed))
    several = images["species"].map(images.groupby("species")["obs_id"].nunique()) > 1
    assert (split[~several] == "train").all()
    n = images[several].groupby("species")["obs_id"].nunique()
    held = (
        images[split != "train"]
        .groupby("species")["obs_id"]
        .nunique()
        .reindex(n.index, fill_value=0)
    )
    assert ((abs(held - n * (valid_frac + test_frac)) < 1 + 1e-6) | (held == n - 1)).all()
    if len(n):
        assert "valid" in set(split)
        assert abs((split == "test").sum() / 2 - test_frac * n.sum()) <= 1 + len(n) * (
            valid_frac + test_frac > 0.5
        )


def test_split_does_not_hang_on_row_order():
    images = plants([5, 7, 3, 9])
    shuffled = images.sample(frac=1, random_state=1)
    assert splits.split_by_observation(images).equals(
        splits.split_by_observation(shuffled).sort_index()
    )
    assert not splits.split_by_observation(images).equals(
        splits.split_by_observation(images, seed=1)
    )


def test_split_without_species():
    split = splits.split_by_observation(plants([50]).drop(columns="species"), 0.2, 0.2)
    assert split.value_counts().to_dict() == {"train": 60, "valid": 20, "test": 20}


@pytest.mark.parametrize("fractions", [(0, 0), (0.6, 0.4), (-0.1, 0.3), (1, 0)])
def test_bad_fractions(fractions):
    with pytest.raises(
        ValueError, match=r"valid_frac \+ test_frac must be in \(0, 1\), such as .*; got"
    ):
        splits.split_by_observation(plants([3]), *fractions)


def test_missing_column():
    with pytest.raises(
        TableError,
        match="no column 'obs_id'; it has species, image_path. Photos need a folder for each species",
    ):
        splits.split_by_observation(plants([3]).drop(columns="obs_id"))


@pytest.mark.parametrize(
    "published, note",
    [([], "60/20/20"), (["train"], "60/20/20"), (["train", "valid"], "valid split is the test set"),
     (["train", "test"], "test split is the test set"), (["train", "valid", "test"], None)],
)  # fmt: skip
def test_complete_splits(published, note):
    images = plants([10, 10])
    if published:
        images["split"] = [published[i % len(published)] for i in images["obs_id"].factorize()[0]]
    whole = splits.complete_splits(images)
    assert (
        set(whole["split"]) == set(SPLITS) and whole.groupby("obs_id")["split"].nunique().max() == 1
    )
    assert [note in text for text in whole.attrs.get("notes", [])] == ([True] if note else [])
    assert images.attrs == {}
    if len(published) == 2:
        assert ((whole["split"] == "test") == (images["split"] == published[1])).all()
    if len(published) == 3:
        assert whole["split"].equals(images["split"])


@pytest.mark.parametrize(
    "split, message",
    [
        (
            ["train", "holdout", "test", "test"],
            "split is 'holdout' for 1 of 4 images; give each train, valid or test",
        ),
        (
            ["train", None, "test", "test"],
            "split is .* for 1 of 4 images; give each train, valid or test, or leave the column out",
        ),
        ([None] * 4, "the test split is empty: 2 observations are too few. 3 are needed"),
        (["test"] * 4, "the train split is empty"),
    ],
)
def test_splits_that_cannot_be_completed(split, message):
    with pytest.raises(TableError, match=message):
        splits.complete_splits(plants([2]).assign(split=split))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(1, 4), st.integers(3, 30))
def test_equal_thirds(sizes, photos, min_images):
    images = plants(sizes, photos)
    counts = images["species"].value_counts()
    if counts.max() < min_images:
        with pytest.raises(
            TableError, match=f"no species has {min_images} photos; the largest has {counts.max()}"
        ):
            splits.equal_thirds(images, min_images)
        return
    thirds = splits.equal_thirds(images, min_images)
    assert set(thirds["species"]) == set(counts.index[counts >= min_images])
    size = thirds.groupby(["species", "split"]).size()
    assert (size == min_images // 3).all() and len(size) == 3 * len(set(thirds["species"]))
    assert thirds["image_path"].is_unique and list(thirds.index) == list(range(len(thirds)))
    parted = thirds.groupby("obs_id")["split"].nunique().max() > 1
    assert parted == bool(thirds.attrs.get("notes"))
    if photos == 1:
        assert not parted


def test_equal_thirds_keeps_plants_whole_where_there_are_enough():
    thirds = splits.equal_thirds(plants([30], photos=3), 30)
    assert thirds.groupby("obs_id")["split"].nunique().max() == 1
    with pytest.raises(ValueError, match="min_images must be 3 or more, such as 30; got 2"):
        splits.equal_thirds(plants([30]), 2)


def test_equal_thirds_shuffles():
    thirds = splits.equal_thirds(plants([30, 30]), 30)
    assert (
        not thirds["species"].is_monotonic_increasing
        and not thirds["split"].is_monotonic_decreasing
    )


def test_k_shot_is_nested_and_leaves_the_rest():
    images = splits.complete_splits(plants([10, 20, 4]))
    five, two = splits.k_shot(images, 5), splits.k_shot(images, 2)
    assert set(two["image_path"]) < set(five["image_path"]) < set(images["image_path"])
    assert (two[two["split"] == "train"]["species"].value_counts() == 2).all()
    assert (two["split"] == "test").sum() == (images["split"] == "test").sum()
    assert (
        list(two.index) == list(range(len(two)))
        and two["image_path"].isin(images["image_path"]).all()
    )
    assert not splits.k_shot(images, 2, seed=1).equals(two)
    with pytest.raises(ValueError, match="k must be 1 or more; got 0"):
        splits.k_shot(images, 0)


def test_describe():
    images = plants([1, 6, 6], photos=1).assign(
        organ="flower", source=["web"] * 3 + ["trusted"] * 10
    )
    facts = table.describe(images)
    assert facts["n_images"] == 13 and facts["n_species"] == 3 and facts["n_observations"] == 13
    assert (
        facts["images_per_species_median"] == 6
        and facts["share_of_species_with_one_image"] == 0.333
    )
    assert facts["share_of_species_with_over_10_images"] == 0 and facts["kind"] == "photographs"
    assert facts["organs"] == "flower 13" and facts["sources"] == "trusted 10, web 3"
    assert "n_species" not in table.describe(images[["image_path"]])


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=30))
def test_gini_is_the_mean_difference(counts):
    x = np.array(counts)
    assert table.gini(counts) == pytest.approx(abs(x[:, None] - x).mean() / (2 * x.mean()))


def test_data_kind():
    images = plants([2])
    assert table.data_kind(images) == "photographs"
    assert table.data_kind(images.assign(kind=["generated", None, None, None])) == "generated"


def test_data_hash_knows_content_and_labels_but_no_folder_and_no_order():
    images = plants([3, 3])
    there = images.assign(image_path=images["image_path"].str.replace("/data", "/home/ann/data"))
    assert table.data_hash(images) == table.data_hash(there) == table.data_hash(images[::-1])
    assert len(table.data_hash(images)) == 12
    assert table.data_hash(images.assign(species="x")) != table.data_hash(images)
    assert table.data_hash(images.assign(split="train")) != table.data_hash(images)
    known = images.assign(sha1=[str(n) for n in range(12)])
    assert table.data_hash(known) == table.data_hash(known.assign(image_path="/elsewhere/x.jpg"))


def test_project_root_is_the_working_folder_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert files.project_root() == tmp_path


def test_importing_the_table_loads_nothing_heavy():
    heavy = "{'torch', 'scipy', 'sklearn', 'matplotlib', 'pyarrow', 'imagehash'}"
    code = "import pandas, sys; before = set(sys.modules); import plantlab.data.table, plantlab.data.photos, plantlab.data.layouts, "
    code += f"plantlab.quality.suspicion; print(sorted({heavy} & (set(sys.modules) - before)))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip()
        == "[]"
    )


def test_a_long_tail_is_cut_from_the_train_part_alone():
    names = np.repeat([f"Rosa {c}" for c in "abcde"], [100, 90, 80, 70, 60])
    images = pd.DataFrame(
        {
            "image_path": np.arange(400).astype(str),
            "species": names,
            "obs_id": np.arange(400).astype(str),
        }
    )
    images["split"] = np.where(np.arange(400) % 10 == 0, "test", "train")
    cut = splits.long_tail(images, imbalance=90, seed=1)
    assert (cut["split"] == "test").sum() == 40
    train = cut[cut["split"] == "train"]
    assert train["species"].value_counts().tolist() == [90, 29, 9, 3, 1], (
        "geometric: 90, 90 ** 3/4, 90 ** 1/2, ..."
    )
    groups = splits.count_groups(cut, few=5, many=50)
    assert list(groups.values()) == [["Rosa a"], ["Rosa b", "Rosa c"], ["Rosa d", "Rosa e"]]
    with pytest.raises(
        ValueError, match="imbalance is the most images of a species over the fewest"
    ):
        splits.long_tail(images, 0.5)


@pytest.fixture
def seen():
    """Six lilies in Paris in May, six roses in Lyon (392 km) in May, six asters in Paris in December, one rare fern."""
    names = ["lily"] * 6 + ["rose"] * 6 + ["aster"] * 6 + ["fern"]
    seen = pd.DataFrame(
        {"image_path": np.arange(19).astype(str), "species": names, "date": "2019-05-20"}
    )
    seen["latitude"], seen["longitude"] = (
        np.where(seen["species"] == "rose", *at) for at in ((45.76, 48.86), (4.84, 2.35))
    )
    seen.loc[seen["species"] == "aster", "date"] = "2021-12-03"
    seen.loc[18, ["latitude", "longitude"]] = [-33.9, 151.2]
    return seen


@pytest.mark.parametrize(
    "where, when, radius, few, expected",
    [
        ((48.86, 2.35), "2024-06-30", 100, 1, ["lily"]),
        (
            (48.86, 2.35),
            "2024-06-30",
            100,
            2,
            ["fern", "lily"],
        ),  # one fern: that it was not seen here says little
        ((48.86, 2.35), None, 100, 1, ["aster", "lily"]),
        ((48.86, 2.35), "2024-01-31", 100, 1, ["aster"]),  # January is next to December
        ((48.86, 2.35), "2024-06-30", 391, 1, ["lily"]),
        ((48.86, 2.35), "2024-06-30", 393, 1, ["lily", "rose"]),
        ((0, 0), "2024-06-30", 100, 1, ["aster", "fern", "lily", "rose"]),  # nobody was there
        ((np.nan, np.nan), "2024-06-30", 100, 1, ["fern", "lily", "rose"]),
        ((48.86, 2.35), np.nan, 100, 1, ["aster", "lily"]),
    ],
)
def test_a_flora_is_what_was_seen_near_and_in_season(seen, where, when, radius, few, expected):
    assert places.flora_of(seen, *where, when, radius, few=few) == expected


def test_what_was_seen_who_knows_where_may_be_near(seen):
    somewhere = seen.assign(
        latitude=seen["latitude"].where(seen["species"] != "rose"),
        date=seen["date"].replace("2021-12-03", ""),
    )
    assert places.flora_of(somewhere, 48.86, 2.35, "2024-06-30", few=1) == ["aster", "lily", "rose"]
    with pytest.raises(TableError, match="no column 'longitude'"):
        places.flora_of(seen.drop(columns="longitude"), 48.86, 2.35)
