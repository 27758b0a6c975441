"""Some species apart: gains on them, the rarest by name, promises kept, a curve that is turned."""

import numpy as np
import pandas as pd
import pytest

from plantlab import plots
from plantlab.data import splits
from plantlab.predictions import Predictions, confidence, groups

SPECIES = ["Bellis minor", "Rosa alba"]


def answers(*roses: float) -> Predictions:
    """Return what is said of two roses and two daisies: the probability of a rose."""
    truth = ["Rosa alba", "Rosa alba", "Bellis minor", "Bellis minor"]
    images = pd.DataFrame({"image_path": list("abcd"), "obs_id": list("abcd"), "species": truth})
    return Predictions(images, SPECIES, [[1 - rose, rose] for rose in roses])


def test_a_gain_of_some_species_is_not_hidden_by_a_loss_of_others():
    better, worse = answers(0.9, 0.9, 0.9, 0.9), answers(0.1, 0.1, 0.1, 0.1)
    assert groups.gain_within(better, worse, SPECIES)["gain"] == 0
    roses = groups.gain_within(better, worse, ["Rosa alba"])
    assert roses["gain"] == 1 and roses["n"] == 2
    assert groups.gain_within(better, worse, ["Bellis minor"])["gain"] == -1


def test_a_gain_on_no_photo_is_refused():
    with pytest.raises(ValueError, match="no photo is of the species asked"):
        groups.gain_within(answers(0, 0, 0, 0), answers(0, 0, 0, 0), ["Malus nova"])


def test_the_rarest_are_named_with_what_each_answer_has_right():
    asked = {"before": answers(0.1, 0.1, 0.1, 0.1), "after": answers(0.9, 0.1, 0.1, 0.1)}
    table = groups.rarest(asked, pd.Series({"Bellis minor": 9, "Rosa alba": 2}), n=1)
    assert table.to_dict("index") == {
        "Rosa alba": {"train photos": 2, "test plants": 2, "before": 0, "after": 0.5}
    }


def test_a_rank_tells_how_often_it_was_right():
    told = pd.DataFrame({"rank": ["species", "species", "not sure", "not sure"]})
    told["right"] = [True, False, False, False]
    (row,) = confidence.kept(told, answers(0, 0, 0, 0)).to_dict("records")
    assert row["rank"] == "species" and row["n"] == 2 and row["right"] == 0.5
    assert row["low"] <= 0.5 <= row["high"]


def test_every_species_is_in_one_group_by_its_photos():
    counts = pd.Series(np.r_[[1] * 7, 2, 2, 3], [f"S{i}" for i in range(10)])
    parts = splits.count_bins(counts)
    assert sorted(sum(parts.values(), [])) == sorted(counts.index)


def test_a_turned_curve_reads_its_values_in_its_title():
    plots.use_style()
    rows = pd.DataFrame({"tau": [0.0, 0.5, 1.0], "top1": [0.5, 0.6, 0.4]})
    ax = plots.plot_turned(rows, "tau", {"top1": "micro"}, 0.5, "4 plants")
    assert ax.get_title(loc="left") == "tau = 0.5: micro 60.0 %"


def test_coverage_counts_names_and_how_many_are_right():
    told = pd.DataFrame(
        {"rank": ["species", "species", "genus", "unlike"], "right": [True, False, True, False]}
    )
    row = confidence.coverage(told, "generated")
    assert (row["n"], row["named"], row["right_of_named"], row["unlike"]) == (4, 0.5, 0.5, 0.25)
    assert row["named_low"] <= 0.5 <= row["named_high"]
    nothing = confidence.coverage(told.head(0), "photographs")  # no plant has several photos
    assert nothing["n"] == 0 and np.isnan([nothing["named"], nothing["named_low"]]).all()
    nobody = confidence.coverage(told.assign(rank="not sure"), "generated")
    assert nobody["named"] == 0 and np.isnan(nobody["right_of_named"])
