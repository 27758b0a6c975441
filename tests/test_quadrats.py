"""Vegetation plots: grown from seeds of their own, and what is written about them is what is seen."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from plantlab import greenhouse, plots
from plantlab.data import table, vegetation
from plantlab.data.table import TableError
from plantlab.greenhouse.quadrats import LEAST, photograph_plot, plan_plots, present
from plantlab.identify import store, tiles
from plantlab.predictions import Predictions
from plantlab.predictions.prior import Prior
from plantlab.predictions.quadrats import (
    by_share_seen,
    by_threshold,
    choose_for_lists,
    score_ways,
    spoke,
    stand_in_tiles,
)

FLORA = greenhouse.grow_flora(12, 0)
SPECIES = ["Aa a", "Bb b"]


def test_a_plan_has_three_to_fifteen_species_a_plot_and_every_split():
    plan = plan_plots(FLORA, 30)
    sizes = plan["members"].map(len)
    assert sizes.min() >= 3 and sizes.max() <= 12  # no more than the flora has
    assert (plan["members"].map(lambda members: len(set(members))) == sizes).all()
    assert plan["split"].value_counts().tolist() == [10, 10, 10]
    assert plan.equals(plan_plots(FLORA, 30)) and not plan.equals(plan_plots(FLORA, 30, seed=1))
    for wrong in ((FLORA, 2), (FLORA.head(2), 10)):
        with pytest.raises(ValueError, match="plots take 3 or more"):
            plan_plots(*wrong)


def test_species_whose_home_is_near_are_likelier():
    plan = plan_plots(greenhouse.grow_flora(60, 0), 200)
    flora = greenhouse.grow_flora(60, 0)
    homes = flora[["latitude", "longitude"]].to_numpy()
    place = plan[["latitude", "longitude"]].to_numpy()
    away = np.linalg.norm(place[:, None] - homes, axis=2)  # (plots, species)
    member = np.array([np.isin(range(60), members) for members in plan["members"]])
    assert away[member].mean() < 0.8 * away[~member].mean()


def test_the_same_seed_gives_the_same_photo_and_the_truth_is_what_is_seen():
    plot = plan_plots(FLORA, 3).iloc[0]
    photo, individuals = photograph_plot(FLORA, plot, 256)
    again, _ = photograph_plot(FLORA, plot, 256)
    assert photo.size == (256, 256) and photo.tobytes() == again.tobytes()
    assert set(individuals["species"]) == set(FLORA["species"].iloc[plot["members"]])
    assert individuals["visible"].between(0, 1).all() and 0 < individuals["visible"].sum() < 1
    seen = individuals.groupby("species")["visible"].sum()
    assert present(individuals) == sorted(seen.index[seen >= LEAST])
    hidden = individuals.assign(visible=0.0)
    assert present(hidden) == []


def test_the_last_to_be_laid_hides_the_others():
    plot = plan_plots(FLORA, 3).iloc[0]
    _, individuals = photograph_plot(FLORA, plot, 256)
    top = individuals.iloc[-1]
    fills = individuals["visible"] / (individuals["side"] / 256) ** 2
    assert top["visible"] > 0 and fills.iloc[-1] >= fills.quantile(0.2)


def test_plots_are_built_once_and_the_flora_keeps_its_bytes(project):
    field = greenhouse.build_plots(3, n_species=8, size=128, n_jobs=1)
    assert list(field.plots["split"]) == ["train", "valid", "test"]
    for path in field.plots["image_path"]:
        assert Image.open(path).size == (128, 128)
    standing = greenhouse.standing_in(field)
    assert [len(names) > 0 for names in standing] == [True] * 3
    changed = [path for path in (project / "data" / "greenhouse").rglob("*") if path.is_file()]
    times = [path.stat().st_mtime_ns for path in changed]
    again = greenhouse.build_plots(3, n_species=8, size=128, n_jobs=1)
    assert times == [path.stat().st_mtime_ns for path in changed]
    assert again.individuals.equals(field.individuals)


def test_plants_cut_out_of_generated_plots_are_called_generated(project):
    field = greenhouse.build_plots(3, n_species=8, size=128, n_jobs=1)
    model = store.load("five-flowers")
    said, found = tiles.name_individuals(model, field.plots, field.individuals)
    assert len(said) == len(found) == len(field.individuals)
    assert table.data_kind(said.images) == "generated"
    assert said.images["species"].tolist() == field.individuals["species"].tolist()


def test_a_table_of_plots_is_read(tmp_path):
    listed = tmp_path / "plots.csv"
    rows = [["a.jpg", "Aa a; Cc c"], ["b.jpg", ""], ["c.jpg", "Bb b;Aa a"], ["d.jpg", "Bb b"]]
    pd.DataFrame(rows, columns=["image_path", "species"]).to_csv(listed, index=False)
    read, here = vegetation.read_quadrats(listed, SPECIES)
    assert here.tolist() == [[True, False], [False, False], [True, True], [False, True]]
    assert sorted(read["split"]) == ["test", "test", "valid", "valid"]
    assert read["image_path"].iloc[0] == str(tmp_path / "a.jpg") and read["obs_id"].is_unique
    with pytest.raises(ValueError, match="none is among the 1 that were learnt"):
        vegetation.read_quadrats(listed, ["Zz z"])
    pd.DataFrame({"image_path": ["a.jpg"]}).to_csv(listed, index=False)
    with pytest.raises(TableError, match="species"):
        vegetation.read_quadrats(listed, SPECIES)


# scores of ways


def tiles_of(probs, obs_ids, **columns) -> Predictions:
    square = {"left": range(len(probs)), "top": 0, "side": 10, "image_path": "a"}
    return Predictions(pd.DataFrame(square | {"obs_id": obs_ids, **columns}), SPECIES, probs)


def test_ways_are_scored_on_test_with_thresholds_of_valid():
    truth = np.array([[True, False], [False, True]] * 4)
    is_valid = np.array([True] * 4 + [False] * 4)
    good = np.where(truth, 0.8, 0.2)
    scored = score_ways({"bad": 1 - good, "good": good}, truth, is_valid, "generated")
    assert scored["n"].tolist() == [4, 4] and scored["f1"].iloc[1] == 1
    assert np.isnan(scored["gain"].iloc[0])
    assert scored["gain"].iloc[1] == pytest.approx(1 - scored["f1"].iloc[0])
    assert 0.2 < scored["threshold"].iloc[1] <= 0.8
    turned = by_threshold(good, truth, chosen=0.333)
    assert 0.333 in turned["threshold"].to_numpy()
    assert turned["precision"].isna().sum() == (turned["threshold"] > 0.8).sum() > 0
    fine = turned[(turned["threshold"] > 0.21) & (turned["threshold"] < 0.79)]
    assert (fine[["f1", "precision", "recall"]] == 1).all(axis=None)
    assert turned["recall"].is_monotonic_decreasing


def test_the_tile_that_spoke_is_the_one_with_the_largest_score():
    said = tiles_of([[0.9, 0.1], [0.3, 0.7], [0.6, 0.4]], ["p"] * 3)
    spoken = spoke(said, np.array([0.9, 0.7]), 0.5)
    assert spoken["species"].tolist() == SPECIES and spoken["left"].tolist() == [0, 1]
    assert spoke(said, np.array([0.9, 0.7]), 0.8)["species"].tolist() == ["Aa a"]
    ax = plots.plot_tiles(Image.new("RGB", (50, 50)), spoken, {"Aa a", "Cc c"}, "one plot")
    assert len(ax.patches) == 2
    title = ax.get_title() or ax.get_title(loc="left")
    assert "1 of the 2 species" in title and "1 of elsewhere" in title
    plants = pd.DataFrame({"species": SPECIES, "left": [5, 100], "top": 0, "side": 20})
    assert stand_in_tiles(spoken, plants)["in_tile"].tolist() == [True, False]
    lines = plots.plot_tiles(
        Image.new("RGB", (50, 50)), stand_in_tiles(spoken, plants), set(SPECIES), "one plot"
    ).patches
    assert [each.get_linestyle() for each in lines[-2:]] == ["-", ":"]


def test_plants_are_counted_by_how_much_is_seen():
    said = tiles_of([[0.9, 0.1], [0.3, 0.7], [0.6, 0.4], [0.2, 0.8]], list("ppqq"), species="Aa a")
    counted = by_share_seen(said, np.array([0.05, 0.05, 0.3, 0.9]))
    assert counted["seen of its square"].tolist() == ["under a tenth", "over a quarter"]
    assert counted["n"].tolist() == [2, 2] and counted["top1"].tolist() == [0.5, 0.5]


def test_a_prior_for_lists_is_chosen_where_places_tell():
    rng = np.random.default_rng(0)
    n = 40
    north = rng.random(n) < 0.5
    place = {"latitude": np.where(north, 50.0, 42.0), "longitude": 5.0, "date": "2024-06-01"}
    probs = rng.dirichlet([5, 5], n)
    said = tiles_of(probs, [f"p{i}" for i in range(n)], **place)
    truth = np.stack([north, ~north], axis=1)
    seen = pd.DataFrame({"species": SPECIES * 50, "latitude": [50.0, 42.0] * 50, "longitude": 5.0})
    seen = seen.assign(date="2024-06-01", obs_id=range(100))
    settings = choose_for_lists(Prior(seen, SPECIES), said, truth, np.arange(n) < 20)
    assert settings.weight > 0
    json.dumps(settings.to_dict())
