"""Leaves that are ill and seedlings: from seeds of their own, of a known severity, and split by plant."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from plantlab import greenhouse, plots
from plantlab.data import prepare
from plantlab.greenhouse import close_ups, leaves
from plantlab.greenhouse.camera import photograph
from plantlab.greenhouse.health import DISEASES, Ailment, areas, photograph_leaf
from plantlab.greenhouse.individual import individual
from plantlab.greenhouse.seedlings import photograph_seedling

FLORA = greenhouse.grow_flora(12, 0)
PHOTO = pd.Series(
    {"plant_seed": 5, "photo_seed": 7, "date": "2020-06-20", "disease": "healthy", "severity": 0.0}
)
ILL = DISEASES[1:]


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Let what is built go into a folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("project")
        patch.setattr(close_ups, "project_root", lambda: root)
        yield root


# the photos


@pytest.mark.parametrize("row", range(0, 12, 3))
def test_a_healthy_leaf_is_the_floras_own_photo_to_the_byte(row):
    own, quality = photograph(FLORA.iloc[row], pd.Series({**PHOTO, "organ": "leaf"}), 48)
    image, same = photograph_leaf(FLORA.iloc[row], PHOTO, 48)
    assert image.tobytes() == own.tobytes() and quality == same


@pytest.mark.parametrize("disease", ILL)
def test_a_disease_changes_the_leaf_and_little_around_it(disease):
    healthy, _ = photograph_leaf(FLORA.iloc[0], PHOTO, 96)
    ill, _ = photograph_leaf(
        FLORA.iloc[0], pd.Series({**PHOTO} | {"disease": disease, "severity": 0.3}), 96
    )
    again, _ = photograph_leaf(
        FLORA.iloc[0], pd.Series({**PHOTO} | {"disease": disease, "severity": 0.3}), 96
    )
    apart = np.abs(np.asarray(healthy, int) - np.asarray(ill, int)).max(-1)
    assert ill.tobytes() == again.tobytes()
    assert (apart > 25).mean() > 0.02  # it is seen
    assert np.median(apart) <= 8  # exposure may shift a little; most of the photo is as it was


def blade_of(row: int) -> tuple[leaves.Blade, np.ndarray, np.ndarray, np.ndarray]:
    """Return a blade of a species, its veins, its height and its colours."""
    plant = individual(FLORA.iloc[row], 1, 170)
    broad = plant.leaf_shape not in leaves.SLENDER
    outline = (leaves._broad if broad else leaves._slender)(plant, 90)
    veins = (leaves._broad_veins if broad else leaves._slender_veins)(plant, outline)
    green = np.broadcast_to(np.float32([0.3, 0.6, 0.2]), (*veins.shape, 3))
    return outline, veins, np.zeros(veins.shape), green


@pytest.mark.parametrize("disease", ILL)
@pytest.mark.parametrize("severity", [0.02, 0.1, 0.4])
def test_the_severity_is_the_share_of_the_blade_that_is_covered(disease, severity):
    for row in range(0, 12, 4):
        outline, veins, height, green = blade_of(row)
        ailment = Ailment(disease, severity, np.random.default_rng(row))
        near, _ = ailment._spots(outline, veins)
        covered = areas(outline)[near < 1].sum()
        one_more = 0.14 if disease == "mildew" else 0.06  # the last spot may reach beyond
        assert severity <= covered <= severity + one_more


@pytest.mark.parametrize("disease", ILL)
def test_more_severe_is_more_changed_and_only_galls_rise(disease):
    outline, veins, height, green = blade_of(0)
    changed = []
    for severity in (0.02, 0.1, 0.4):
        ailment = Ailment(disease, severity, np.random.default_rng(0))
        up, colours = ailment.lie_on(outline, veins, height, green)
        changed.append((areas(outline) * np.abs(colours - green).sum(-1)).sum())
        assert (np.ptp(up) > 0) == (disease == "gall")
    assert changed == sorted(changed) and changed[0] > 0


def test_areas_of_a_blade_sum_to_one():
    for row in range(12):
        outline, _, _, _ = blade_of(row)
        assert areas(outline).sum() == pytest.approx(1)


def test_a_seedling_is_a_little_plant_on_the_ground_from_its_seed_alone():
    photo = pd.Series({"plant_seed": 3, "photo_seed": 4, "date": "2021-04-01", "n_nodes": 0})
    for row in range(12):
        image, quality = photograph_seedling(FLORA.iloc[row], photo, 64)
        same, _ = photograph_seedling(FLORA.iloc[row], photo, 64)
        older, _ = photograph_seedling(FLORA.iloc[row], photo.replace(0, 2), 64)
        assert image.size == (64, 64) and 45 <= quality <= 96
        assert image.tobytes() == same.tobytes() != older.tobytes()
        red, green, blue = np.asarray(image, int).reshape(-1, 3).T
        is_plant = (green > red + 12) & (green > blue + 12)
        assert 0.005 < is_plant.mean() < 0.6


# the tables


def test_every_species_has_every_state_and_a_plant_one_and_one_split():
    plan = close_ups.plan_leaves(FLORA, 600, seed=3)
    assert len(plan) == 600 and plan.equals(close_ups.plan_leaves(FLORA, 600, seed=3))
    assert not plan.equals(close_ups.plan_leaves(FLORA, 600, seed=4))
    plants = plan.drop_duplicates("obs_id")
    counts = pd.crosstab(plants["species"], plants["disease"])
    assert counts.shape == (12, 4) and np.ptp(counts.to_numpy()) <= 1
    for column in ("species", "disease", "severity", "split"):
        assert plan.groupby("obs_id")[column].nunique().eq(1).all()
    by_split = plants["split"].value_counts(normalize=True)
    assert by_split["train"] == pytest.approx(0.6, abs=0.06) and by_split["test"] > 0.15
    ill = plan[plan["disease"] != "healthy"]
    assert ill["severity"].between(0.01, 0.5).all()
    assert (plan.loc[plan["disease"] == "healthy", "severity"] == 0).all()


def test_too_few_photos_are_refused():
    with pytest.raises(ValueError, match="at least 48, one for each of 12 species and 4 states"):
        close_ups.plan_leaves(FLORA, 47)
    with pytest.raises(ValueError, match=r"at least one a species \(12\); got 11"):
        close_ups.plan_seedlings(FLORA, 11)


def test_leaves_are_built_once_and_read_as_an_image_table(places):
    asked = {"n_species": 4, "n_images": 20, "size": 48, "n_jobs": 1}
    built = greenhouse.build_leaves(**asked)
    first = [Path(path).read_bytes() for path in built["image_path"]]
    assert Image.open(built["image_path"][0]).size == (48, 48)
    images, bad = prepare(built, 0)
    assert bad.empty and len(images) == 20 and set(images["disease"]) == set(DISEASES)
    folder = next((places / "data" / "greenhouse").iterdir())
    assert (folder / "flora.csv").exists()
    (folder / "mark").touch()
    greenhouse.build_leaves(**asked)
    assert (folder / "mark").exists()  # not built again
    greenhouse.build_leaves(**asked | {"seed": 1})
    assert len(list((places / "data" / "greenhouse").iterdir())) == 2
    again = close_ups._draw(greenhouse.grow_flora(4, 0), built, 48)
    assert again == first


def test_seedlings_are_built_with_their_nodes(places):
    built = greenhouse.build_seedlings(4, 24, size=48, n_jobs=1)
    assert (built["organ"] == "seedling").all() and built["n_nodes"].between(0, 3).all()
    assert built["obs_id"].is_unique and built["species"].nunique() == 4
    assert set(built["split"]) == {"train", "valid", "test"}
    assert (built["kind"] == "generated").all()


def test_the_curve_over_severity_has_a_dot_for_each_band():
    rows = pd.DataFrame({"method": ["a", "a", "b", "b"], "severity": [0.1, 0.02, 0.02, 0.1]})
    rows = rows.assign(top1=0.5, top1_low=0.4, top1_high=0.6, n=10, kind="generated")
    _, own = plt.subplots()
    ax = plots.plot_severity(rows, 0.25, "Seen from 2 % on", ax=own)
    plt.close()
    first = ax.lines[0].get_xdata()
    assert first.tolist() == [0.02, 0.1] and ax.get_xscale() == "log"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["2 %", "10 %"]
