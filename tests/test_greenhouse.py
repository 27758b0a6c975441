"""The built-in flora: same seed, same bytes; traits inherited; the truth about every photo kept."""

import hashlib
import importlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from plantlab.greenhouse import build, grow_flora, plan_photos, take_photo
from plantlab.greenhouse.flora import CATEGORIES, SHAPE
from plantlab.greenhouse.shapes import gielis, vogel

SMALL = {"n_species": 6, "n_images": 12, "image_size": 48, "n_jobs": 1}


@pytest.fixture(scope="module")
def flora():
    return grow_flora(30)


@pytest.fixture(scope="module")
def plan(flora):
    return plan_photos(flora, 1500, web_share=0.5)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build(tmp_path_factory.mktemp("data") / "flora", **SMALL)


def test_the_same_seed_gives_the_same_flora_and_plan(flora, plan):
    pd.testing.assert_frame_equal(flora, grow_flora(30))
    pd.testing.assert_frame_equal(plan, plan_photos(grow_flora(30), 1500, web_share=0.5))
    assert not flora.equals(grow_flora(30, seed=1))


def test_names_are_unique_and_taxonomy_is_a_tree(flora):
    assert flora["species"].is_unique and flora["species_id"].is_unique
    assert (flora["species"].str.split().str[0] == flora["genus"]).all()
    assert flora.groupby("genus")["family"].nunique().eq(1).all()
    assert (flora.groupby("genus").size() >= 2).all()  # taxonomic noise needs a sister
    assert grow_flora(1000)["species"].is_unique


def test_traits_are_inherited(flora):
    traits = flora[CATEGORIES].to_numpy(dtype=str)
    apart = (traits[:, None] != traits[None]).mean(-1)  # (N, N) share of traits that differ
    genus, family = (
        flora[c].to_numpy()[:, None] == flora[c].to_numpy() for c in ("genus", "family")
    )
    other = ~np.eye(len(flora), dtype=bool)
    assert apart[genus & other].mean() < apart[family & ~genus].mean() < apart[~family].mean()


def test_sister_species_differ_in_shape_more_than_in_colour(flora):
    shapes = flora[SHAPE].to_numpy(dtype=str)
    for _, rows in flora.groupby("genus").indices.items():
        different = (shapes[rows][:, None] != shapes[rows][None]).sum(-1)[
            np.triu_indices(len(rows), 1)
        ]
        assert (different >= 4).all()
    assert len(flora.groupby(["genus", "flower_colour"])) < 2 * flora["genus"].nunique()


def test_flora_size_is_checked():
    with pytest.raises(ValueError, match="n_species must be from 2 to 1000, such as 30; got 1"):
        grow_flora(1)


def test_superformula_and_spiral_against_cases_worked_by_hand():
    phi = np.linspace(0, 6, 7)
    np.testing.assert_allclose(gielis(phi, 0, 1, 1, 1), 1)  # m = 0: a circle
    np.testing.assert_allclose(gielis(phi, 4, 2, 2, 2), 1)  # cos^2 + sin^2: a circle too
    assert gielis(np.pi / 4, 4, 1, 1, 1) == pytest.approx(
        2**-0.5
    )  # |x| + |y| = 1: a square on its corner
    angle, radius = vogel(100)
    assert np.diff(angle) == pytest.approx(np.radians(137.50776)) and radius.max() < 1
    assert np.histogram(radius**2, 4, (0, 1))[0].tolist() == [
        25,
        25,
        25,
        25,
    ]  # as many florets on equal areas


@pytest.mark.parametrize("imbalance", [1, 10, 100])
def test_imbalance_is_the_ratio_of_most_to_fewest(flora, imbalance):
    counts = plan_photos(flora, 6000, imbalance)["species"].value_counts()
    assert counts.sum() == 6000 and len(counts) == 30
    assert counts.max() / counts.min() == pytest.approx(imbalance, rel=0.1)


def test_plan_arguments_are_checked(flora):
    with pytest.raises(
        ValueError,
        match="imbalance is the most images of a species over the fewest, 1 or more; got 0",
    ):
        plan_photos(flora, imbalance=0)
    with pytest.raises(ValueError, match=r"n_images must be at least one a species \(30\); got 29"):
        plan_photos(flora, 29)
    with pytest.raises(ValueError, match="web_noise must be from 0 to 1, such as 0.1; got 2"):
        plan_photos(flora, web_noise=2)


def test_truth_about_noise(flora, plan):
    genus = flora.set_index("species")["genus"]
    by = dict(iter(plan.groupby("noise")))
    assert set(by) == {"", "non_plant", "irrelevant_plant", "taxonomic", "duplicate"}
    assert (by[""]["species"] == by[""]["true_species"]).all()
    assert (by["non_plant"]["true_species"] == "").all()
    taxonomic, irrelevant, copies = by["taxonomic"], by["irrelevant_plant"], by["duplicate"]
    assert (taxonomic["species"] != taxonomic["true_species"]).all()
    assert (taxonomic["genus"].to_numpy() == genus[taxonomic["true_species"]].to_numpy()).all()
    assert (irrelevant["genus"].to_numpy() != genus[irrelevant["true_species"]].to_numpy()).all()
    originals = plan.set_index("image_path").loc[copies["copy_of"]]
    assert (originals["photo_seed"].to_numpy() == copies["photo_seed"].to_numpy()).all()
    web = plan[plan["source"] == "web"]
    assert set(plan.loc[plan["noise"] != "", "source"]) == {"web"}
    assert 0.35 < (web["noise"] != "").mean() < 0.55  # 0.45 asked for
    assert (plan_photos(flora, 600, web_noise=0)["noise"] == "").all()
    all_web = plan_photos(flora, 600, web_share=1, web_noise=1, herbarium_share=0, held_share=0)
    assert (all_web["noise"] != "").all()


def test_the_flora_of_the_course_has_plants_enough_to_score_on(flora):
    plan = plan_photos(grow_flora(20))
    held_out = plan[plan["split"] != "train"]
    assert set(held_out["source"]) == {"trusted"} and (held_out["noise"] == "").all()
    test = plan[plan["split"] == "test"].groupby("species")["obs_id"].nunique()
    assert len(test) == 20 and test.mean() > 55 and test.min() >= 15
    n_photos = plan[plan["split"] == "test"].groupby("obs_id").size()
    assert 0.7 < (n_photos == 1).mean() < 0.8 and (n_photos > 2).sum() > 240
    assert (plan["noise"] == "non_plant").sum() > 120


def test_no_web_photo_copies_one_that_is_held_out(plan):
    copied = plan.loc[plan["noise"] == "duplicate", "copy_of"]
    assert len(copied) and (plan.set_index("image_path").loc[copied, "split"] == "train").all()


def test_every_species_has_a_plant_to_learn_from(flora):
    learnt = plan_photos(flora, 60, held_share=0.9, web_share=0.02)
    learnt = learnt[(learnt["split"] == "train") & (learnt["source"] == "trusted")]
    assert learnt["species"].nunique() == 30


def test_observations_hold_one_plant(plan):
    for column in ("species", "author", "date", "latitude", "longitude", "source", "split"):
        assert plan.groupby("obs_id")[column].nunique().eq(1).all(), column
    assert plan.groupby("obs_id").size().between(1, 5).all()
    assert plan["kind"].eq("generated").all()


def test_dates_lie_in_season_and_places_in_the_range(flora, plan):
    honest = plan[plan["noise"] == ""].merge(flora, on="species", suffixes=("", "_of"))
    day = pd.to_datetime(honest["date"]).dt.dayofyear
    flowers, fruits = honest["organ"] == "flower", honest["organ"] == "fruit"
    end = honest["first_flower"] + 7 * honest["weeks"]
    assert day[flowers].between(honest["first_flower"][flowers], end[flowers] + 1).all()
    assert (day[fruits] > end[fruits]).all()
    north = (honest["latitude"] - honest["latitude_of"]) * 111.2
    east = (
        (honest["longitude"] - honest["longitude_of"])
        * 111.2
        * np.cos(np.radians(honest["latitude"]))
    )
    assert (np.hypot(north, east) <= honest["range_km"] + 0.1).all()


def test_built_table_and_photos(built):
    assert len(built) == 12 and built["species"].nunique() == 6
    assert built["species_id"].map(type).eq(str).all() and built.attrs["name"] == "flora"
    assert Image.open(built["image_path"][0]).size == (48, 48)


def test_a_photo_made_alone_equals_the_built_one(built):
    flora, plan = grow_flora(6), plan_photos(grow_flora(6), 12)
    for i in (0, 5, 11):
        alone = np.asarray(take_photo(flora, plan.iloc[i], 48))
        np.testing.assert_array_equal(
            alone, np.asarray(Image.open(built["image_path"][i]).convert("RGB"))
        )


def test_every_organ_and_kind_of_noise_is_drawn_at_another_size(flora, plan):
    rows = plan.drop_duplicates(["organ", "noise"]).drop_duplicates("organ").iloc[:7]
    for row in rows.itertuples():
        assert np.asarray(take_photo(flora, row, 40)).std() > 4, row.organ
    assert {"leaf", "flower", "fruit", "habit", "bark", "herbarium", ""} == set(plan["organ"])


def test_a_near_copy_differs_from_its_original_but_looks_like_it(flora, plan):
    copies = plan[plan["copy_seed"] > 0].iloc[0]
    original = plan[plan["image_path"] == copies["copy_of"]].iloc[0]
    a, b = (
        np.asarray(take_photo(flora, r, 64).resize((16, 16)), float) for r in (copies, original)
    )
    assert 0 < np.abs(a - b).mean() < 40


def test_a_second_build_reads_the_first(built):
    folder = built["image_path"][0].split("/images/")[0]
    pd.testing.assert_frame_equal(built, build(folder, **SMALL))
    with pytest.raises(ValueError, match="a flora of other parameters"):
        build(folder, **SMALL | {"seed": 5})


def test_parameters_go_by_name(tmp_path):
    with pytest.raises(TypeError, match="n_plants"):
        build(tmp_path / "flora", n_plants=6)
    with pytest.raises(TypeError, match="positional"):
        build(None, 6, 12)


def test_two_processes_may_build_at_once(tmp_path, built):
    with ProcessPoolExecutor(2) as pool:
        first, second = pool.map(_build, [tmp_path / "flora"] * 2)
    pd.testing.assert_frame_equal(first, second)
    assert [p.name for p in tmp_path.iterdir()] == ["flora"]  # no half-built folder stays
    assert _bytes(first) == _bytes(built)


def _build(folder):
    return build(folder, **SMALL)


def _bytes(images):
    return [open(p, "rb").read() for p in images["image_path"]]


def test_a_killed_build_leaves_no_folder_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(
        importlib.import_module("plantlab.greenhouse.build"), "jpeg_bytes", lambda *_: 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        build(tmp_path / "flora", **SMALL)
    assert not list(tmp_path.iterdir())


def test_version_2_is_frozen(flora, plan):
    """One photo of every kind, pixel by pixel: so a change is found, and another processor's rounding is not."""
    rows = plan.drop_duplicates("organ").sort_values("organ")
    table = plan_photos(grow_flora(20))[
        ["image_path", "obs_id", "species", "organ", "split", "noise"]
    ]
    digest = hashlib.sha1(table.to_csv(index=False).encode()).hexdigest()
    assert digest == "9280c165f512af4de7b14ed71891b5097710387a", (
        "the plan of the course's flora has changed: that is a new version"
    )
    now = np.concatenate(
        [np.asarray(take_photo(flora, row, 64)) for row in rows.itertuples()], axis=1
    ).astype(int)
    then = np.asarray(Image.open(Path(__file__).with_name("frozen_flora.png"))).astype(int)
    off = np.abs(now - then)
    assert (off > 3).mean() < 0.002 and off.reshape(4, 16, -1, 16, 3).mean(
        (1, 3)
    ).max() <= 3  # and by squares of 16
