"""Photos of many plants: cut evenly, named tile by tile, summed and scored as done by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.metrics import f1_score

from plantlab import cli
from plantlab.identify import store
from plantlab.identify.tiles import WHOLE, Tiling, cut, name_tiles
from plantlab.predictions import Predictions
from plantlab.predictions.quadrats import (
    choose_threshold,
    covered_pixels,
    f1_by_plot,
    pool_tiles,
    sum_tiles,
)

SPECIES = ["Aa a", "Aa b", "Bb c"]


def said_of(probs, **columns) -> Predictions:
    probs = np.array(probs)
    images = pd.DataFrame({"image_path": range(len(probs)), **columns})
    return Predictions(images, SPECIES, probs)


# cutting


@given(st.integers(1, 900), st.integers(1, 900), st.integers(60, 400), st.integers(60, 300))
def test_tiles_lie_in_the_photo_and_reach_its_edges(width, height, size, stride):
    tiles = cut(width, height, Tiling(size, stride))
    assert (tiles[["left", "top"]] >= 0).all(axis=None)
    assert (tiles["left"] + tiles["side"] <= width).all()
    assert (tiles["top"] + tiles["side"] <= height).all()
    for _, scale in tiles.groupby("scale"):
        right = width - (scale["left"] + scale["side"]).max()
        assert abs(right - scale["left"].min()) <= 1  # as much is left on either side
        if len(set(scale["left"])) > 1:
            assert scale["left"].min() == 0 == right


def test_each_scale_is_larger_by_the_factor_up_to_the_shorter_side():
    tiles = cut(1000, 600, Tiling(100, 50, size_factor=2))
    assert tiles.drop_duplicates("scale")["side"].tolist() == [100, 200, 400]
    assert tiles["scale"].value_counts().sort_index().tolist() == [19 * 11, 9 * 5, 4 * 2]
    assert set(cut(1000, 600, Tiling(100, 50, multi_scale=False))["scale"]) == {0}


def test_a_long_photo_is_covered_without_gaps_and_no_photo_has_no_tiles():
    tiles = cut(2000, 100, Tiling())
    assert set(tiles["side"]) == {100} and tiles["left"].diff().dropna().max() <= 55
    assert len(cut(300, 900, WHOLE)) == 1
    with pytest.raises(ValueError, match="0 x 5"):
        cut(0, 5, Tiling())


@pytest.mark.parametrize("wrong", [{"tile_size": 0}, {"tile_stride": 0.5}, {"size_factor": 1}])
def test_a_cut_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="tiles need"):
        Tiling(**wrong)
    with pytest.raises(ValueError, match="more than 1000 tiles"):
        cut(4000, 3000, Tiling(50, 10))


# naming


def test_a_tile_is_named_as_the_same_piece_saved_alone(tmp_path):
    model = store.load("five-flowers")
    photo = Image.effect_noise((500, 400), 90).convert("RGB")
    tiles = cut(500, 400, Tiling(200, 150))
    said, found = name_tiles(model, photo, tiles)
    assert len(said) == len(found) == len(tiles)
    assert {"left", "top", "side", "unlike"} <= set(said.images)
    pieces = []
    for number, tile in tiles.iterrows():
        corner = (tile["left"], tile["top"])
        far = (tile["left"] + tile["side"], tile["top"] + tile["side"])
        photo.crop((*corner, *far)).save(tmp_path / f"{number}.png")
        pieces.append(str(tmp_path / f"{number}.png"))
    alone, _ = model.see(pieces)
    assert np.allclose(alone.confidence(), said.confidence(), atol=1e-5)
    assert (alone.named() == said.named()).all()


# pooling


def test_tiles_are_pooled_by_their_maximum_or_mean():
    said = said_of([[0.6, 0.4, 0], [0.2, 0, 0.8], [0, 1, 0]], obs_id=["p", "p", "q"])
    assert pool_tiles(said).tolist() == pytest.approx(np.array([[0.6, 0.4, 0.8], [0, 1, 0]]))
    assert pool_tiles(said, "mean")[0].tolist() == pytest.approx([0.4, 0.2, 0.4])
    with pytest.raises(ValueError, match="max or mean"):
        pool_tiles(said, "sum")


def test_f1_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    listed = rng.random((50, 8)) < 0.3
    present = rng.random((50, 8)) < 0.3
    ours = f1_by_plot(listed, present)
    assert ours.mean() == pytest.approx(
        f1_score(present, listed, average="samples", zero_division=1)
    )
    assert f1_by_plot(np.zeros((1, 3), bool), np.zeros((1, 3), bool)) == 1


def test_the_threshold_is_the_best_on_the_plots_it_is_chosen_on():
    scores = np.array([[0.9, 0.8, 0.3], [0.2, 0.7, 0.1]])
    present = np.array([[True, True, False], [False, True, False]])
    threshold = choose_threshold(scores, present)
    assert 0.3 < threshold <= 0.7
    assert f1_by_plot(scores >= threshold, present).mean() == 1


# sums


def test_names_of_a_photo_are_summed_as_by_hand():
    probs = [[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.1, 0.1, 0.8], [0.9, 0.1, 0]]
    square = {"left": [0, 50, 0, 50], "top": [0, 0, 50, 50], "side": 50}
    said = said_of(probs, **square, unlike=[False, False, False, True])
    table = sum_tiles(said, None, 0.3, 3, 10_000).set_index("name")
    assert table["count"].to_dict() == {"Bb c": 1, "Aa a": 2, "Aa b": 1}
    assert table["max_score"].to_dict() == pytest.approx({"Bb c": 0.8, "Aa a": 0.7, "Aa b": 0.4})
    assert table["coverage"].to_dict() == {"Bb c": 0.25, "Aa a": 0.5, "Aa b": 0.25}
    assert table.loc["Aa a", "tiles"].tolist() == [0, 1]
    first = sum_tiles(said, None, 0.3, 1, 10_000)
    assert set(first["name"]) == {"Aa a", "Bb c"}
    genera = sum_tiles(said, ["Aa", "Aa", "Bb"], 0.3, 3, 10_000).set_index("name")
    assert genera["count"].to_dict() == {"Aa": 2, "Bb": 1}
    assert genera.loc["Aa", "max_score"] == pytest.approx(0.9)
    assert sum_tiles(said, None, 0.95, 3, 10_000).empty


@given(st.lists(st.tuples(*[st.integers(0, 30)] * 2, st.integers(1, 20)), max_size=8))
def test_pixels_under_tiles_are_those_of_a_mask(corners):
    tiles = pd.DataFrame(corners, columns=["left", "top", "side"])
    mask = np.zeros((60, 60), bool)
    for left, top, side in corners:
        mask[top : top + side, left : left + side] = True
    assert covered_pixels(tiles) == mask.sum()


# the command


def test_the_command_lists_species_and_goes_on(tmp_path, capsys):
    for seed in range(2):
        Image.effect_noise((300, 200), 50 + seed).convert("RGB").save(tmp_path / f"{seed}.png")
    (tmp_path / "half.jpg").write_bytes(b"\xff\xd8\xff\xe0half")
    out = tmp_path / "species.csv"
    command = ["identify", str(tmp_path), "--tiles", "--tile-size", "100", "--out", str(out)]
    assert cli.main([*command, "--min-score", "0"]) == 0
    table = pd.read_csv(out)
    assert (table["n_tiles"].dropna() > 0).any() and table["image_path"].nunique() == 3
    assert table.loc[table["image_path"].str.endswith("half.jpg"), "problem"].notna().all()
    before = out.read_bytes()
    assert cli.main([*command, "--min-score", "0"]) == 0
    assert "0 photos surveyed, 3 kept" in capsys.readouterr().out
    assert out.read_bytes() == before
    assert cli.main([*command, "--min-score", "0.5"]) == 2  # another question, another table
    assert "another model" in capsys.readouterr().err
