"""Heads weighed and drawn: what grows with the number of species, and by which power."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from plantlab import plots
from plantlab.heads.many import contest, field, world
from plantlab.heads.many.trees import by_genus

ROWS = pd.DataFrame(
    {
        "method": ["dense"] * 3 + ["sampled"] * 3,
        "n_species": [1000, 10_000, 100_000] * 2,
        "step_s": [0.01, 0.1, 1.0, 0.02, 0.02, 0.02],
    }
)


@pytest.fixture(autouse=True)
def no_figure_left():
    yield
    plt.close("all")


def title_of(ax):
    """Return an Axes' title on one line, wherever the style in force puts it."""
    return (ax.get_title(loc="left") or ax.get_title()).replace("\n", " ")


def test_the_power_of_growth_is_the_slope_on_log_axes():
    assert plots.growth(ROWS, "step_s").to_dict() == {"dense": 1.0, "sampled": 0.0}
    without = ROWS[(ROWS["method"] != "dense") | (ROWS["n_species"] < 100_000)]
    assert plots.growth(without, "step_s")["dense"] == 1.0, "to the largest that all reach"


def test_growth_is_drawn_on_log_axes_with_its_slopes():
    ax = plots.plot_growth(ROWS, "step_s", "seconds a step", "batches of 256")
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert "power 1.00 (dense), 0.00 (sampled)" in title_of(ax)
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["dense, slope 1.00", "sampled, slope 0.00"]


def test_costs_between_two_measured_numbers_are_reckoned_along_a_line_on_log_axes():
    costs = field.reckon(ROWS, 31_623, n_photos=256 * 60).set_index("method")
    assert costs.loc["dense", "minutes"] == pytest.approx(10**0.5 * 0.1, rel=1e-3)
    assert costs.loc["sampled", "minutes"] == pytest.approx(0.02)
    assert np.isnan(costs.loc["tree", "minutes"]), "it was not measured"
    assert field.reckon(ROWS, 1_000_000)["minutes"].isna().all(), "beyond what was measured"
    assert costs.loc["dense", "MB, float32"] == pytest.approx(31_623 * 1281 * 4 / 1e6)


def test_costs_are_drawn_as_how_many_times_one_takes_what_another_takes():
    costs = pd.DataFrame({"method": ["dense", "tree", "unknown"], "minutes": [300, 3, np.nan]})
    ax = plots.plot_costs(costs, "minutes", "minutes", "a million photos")
    assert title_of(ax) == "Dense takes 100 times what tree takes"
    assert [label.get_text() for label in ax.get_yticklabels()] == ["dense", "tree"]


def test_shares_are_drawn_over_the_number_of_species():
    curve = pd.DataFrame({"n_species": [10, 100], "top1": [0.8, 0.4]})
    curve = curve.assign(top1_low=0.3, top1_high=0.9)
    ax = plots.plot_by_species(curve, "top1", "plants named right", "n = 9")
    assert title_of(ax) == "Among 10 species 80 % are named right, among 100 40 %"


def test_heads_are_weighed_in_processes_of_their_own_and_what_is_too_large_is_not_built():
    small = field.weigh(["dense", "tree"], [300], n_features=32, batch_size=8)
    large = field.weigh(["dense"], [10_000_000], n_features=1280)
    assert list(large) == ["method", "n_species", "parameters", "megabytes"]
    small = small.set_index("method")
    assert small.loc["dense", "parameters"] == 300 * 33
    assert (small[["step_s", "ask_s"]] > 0).all().all() and (small["peak_mb"] >= 0).all()


def test_no_head_of_a_contest_beats_the_best_and_small_ones_hold_fewer_numbers():
    genus = by_genus([f"Genus{k // 6} species{k}" for k in range(150)])
    lesson = contest.Lesson(
        world.grow_world(genus, 64, seed=1), genus, world.long_tail(150, seed=1), 20, epochs=2
    )
    rows = contest.contest(lesson, n_test=400).set_index("method")
    assert (rows["ma_mrr"] <= rows.loc["best possible", "ma_mrr"] + 0.02).all()
    assert rows.loc["low rank, means", "parameters"] < rows.loc["dense, means", "parameters"] / 2
    genera = rows.loc[["tree of genera", "tree of genera, routed"], "ma_mrr"]
    assert genera.iloc[0] >= genera.iloc[1]
    assert set(contest.HEADS) <= set(rows.index)
    assert rows[list(contest.FREQUENCY)].notna().any().all()
