"""Steps fitted to what is printed, hours and costs: by hand, against scipy, and measured for real."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_training import stripes

from plantlab import plots
from plantlab.notebook import check
from plantlab.training import machines, speed


def test_a_model_of_two_steps_goes_through_both():
    model = machines.fit_steps([1, 2], [2.0, 2.5])
    assert (model.first, model.doubling) == pytest.approx((2.0, 0.5))
    seconds = model.seconds([1, 2, 8])
    np.testing.assert_allclose(seconds[:, 0], [2, 2.5, 3.5])
    assert np.isnan(seconds[:, 1:]).all(), "nothing is known of how far it may be wrong"
    np.testing.assert_allclose(model.efficiency([8])[0, 0], 2 / 3.5)
    with pytest.raises(ValueError, match="at least two numbers of machines; got \\[4, 4\\]"):
        machines.fit_steps([4, 4], [1.0, 1.1])


def test_the_fit_and_its_interval_are_those_of_a_regression():
    rng = np.random.default_rng(0)
    nodes = np.array([1, 2, 4, 8, 16, 64])
    seconds = 2 + 0.3 * np.log2(nodes) + rng.normal(0, 0.05, 6)
    model = machines.fit_steps(nodes, seconds)
    line = stats.linregress(np.log2(nodes), seconds)
    assert (model.first, model.doubling) == pytest.approx((line.intercept, line.slope))
    assert np.sqrt(model.covariance[1, 1]) == pytest.approx(line.stderr)
    assert np.sqrt(model.covariance[0, 0]) == pytest.approx(line.intercept_stderr)
    x = np.log2(nodes)
    far = 10.0
    left = seconds - line.intercept - line.slope * x
    spread = np.sqrt((left**2).sum() / 4)
    reach = stats.t.ppf(0.975, 4) * spread
    reach *= np.sqrt(1 + 1 / 6 + (far - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum())
    value, low, high = model.seconds([2**far])[0]
    assert (high - value, value - low) == pytest.approx((reach, reach))


def test_intervals_hold_as_often_as_they_promise():
    rng = np.random.default_rng(1)
    nodes = np.array([2, 4, 8, 16, 32, 64])
    held = []
    for _ in range(400):
        model = machines.fit_steps(nodes, 1 + 0.1 * np.log2(nodes) + rng.normal(0, 0.03, 6))
        _, low, high = model.seconds([256])[0]
        held.append(low < 1 + 0.8 + rng.normal(0, 0.03) < high)
    assert 0.92 < np.mean(held) < 0.98


def test_latency_and_bandwidth_are_found_again():
    n_bytes = np.repeat(2.0 ** np.arange(10, 25, 2), 3)
    noise = np.random.default_rng(0).normal(1, 0.05, len(n_bytes))
    messages = pd.DataFrame({"bytes": n_bytes, "seconds": (4e-4 + 8e-10 * n_bytes) * noise})
    alpha, beta = machines.fit_messages(messages)
    assert alpha == pytest.approx(4e-4, rel=0.1) and beta == pytest.approx(8e-10, rel=0.1)


def test_the_printed_efficiencies_come_out_again():
    printed = machines.published_steps().set_index(["series", "nodes"])["efficiency"]
    assert printed["Broadwell (BDW28)", 128] == pytest.approx(0.865, abs=5e-4)
    assert printed["Lustre test, striping none", 32] == pytest.approx(0.399, abs=5e-4)
    assert printed["Lustre test, striping 64 stripes of 32M", 32] == pytest.approx(0.905, abs=5e-4)
    assert np.isnan(printed["Haswell (HSW24)", 128]), "its two nodes were not printed"


def test_costs_by_hand():
    cost = machines.spent([24.0], [250.0], 0.30, [1000.0], years=4).iloc[0]
    assert cost["kwh"] == pytest.approx(6) and cost["energy"] == pytest.approx(1.8)
    assert cost["machine"] == pytest.approx(1000 * 24 / (4 * 365.25 * 24))
    teams = machines.published_teams().set_index("team")
    assert teams.loc["CMP", ["networks", "hours", "hardware"]].tolist() == [17, 1440, 1300]
    assert teams.loc["KDE TUT", "mrr"] == 0.853
    world = machines.published_world()
    assert world["node_hours"].tolist() == [60, 1480, 3584, 5120, 11880]


def test_machines_share_the_hours_but_for_what_they_lose():
    model = machines.fit_steps([1, 2], [1.0, 1.25])
    table = machines.hours_needed(3_600_000, 2, 100, [1, 2, 4], model)
    np.testing.assert_allclose(table["hours"], [20, 20 / 2 * 1.25, 20 / 4 * 1.5])
    np.testing.assert_allclose(table["machine_hours"], [20, 25, 30])


def test_the_exercises_know_what_is_right():
    assert check("11.1", 303 / 760) and not check("11.1", 0.401)
    given = {"alpha": 4e-4, "beta": 8e-10}
    assert check("11.2", 5e5, **given) and not check("11.2", 2e-6, **given)
    model = machines.fit_steps([1, 2], [1.0, 1.1])
    hours = machines.hours_needed(5e6, 10, 40, range(1, 2049), model)
    right = int(hours.loc[hours["hours"] <= 48, "machines"].iloc[0])
    given = {"rate": 40, "epochs": 10, "model": model}
    assert check("11.3", right, **given) and not check("11.3", right - 1, **given)


def title_of(ax) -> str:
    """Return the title, wherever the style of the test before has put it."""
    return ax.get_title(loc="left") or ax.get_title()


def test_figures_say_what_they_show():
    model = machines.fit_steps([2, 32, 64, 128], [2.25, 2.5, 2.55, 2.6])
    needed = machines.hours_needed(12e6, 10, 40, range(1, 2049), model)
    enough = needed.loc[needed["hours"] <= 24, "machines"].iloc[0]
    ax = plots.plot_hours(needed, 24, "made")
    assert title_of(ax).startswith(f"{enough} machines do it in 24 hours")
    never = plots.plot_hours(needed.head(4), 24, "made", ax)
    assert "No number of these machines" in title_of(never)
    messages = pd.DataFrame({"bytes": [1e3, 1e6], "seconds": [1e-3, 2e-3]})
    ax = plots.plot_messages(messages, 1e-3, 1e-9, "made", ax)
    assert "A sum costs 1.00 ms, and 1.0 GB" in title_of(ax)


@pytest.mark.slow
def test_what_two_processes_do_is_measured(tmp_path):
    images = stripes(tmp_path)
    options = {"backbone": "test_resnet", "image_size": 32, "batch_size": 4, "steps": 3}
    steps, messages = speed.measure(images, [speed.TOGETHER, speed.HALVES], **options)
    counts = steps.groupby("way", sort=False)["process"].agg(["size", "nunique"])
    ways = [speed.FREE, speed.TOGETHER, speed.HALVES]
    assert counts.loc[ways, "size"].tolist() == [6, 6, 6]
    assert counts.loc[ways, "nunique"].tolist() == [2, 2, 2]
    assert (steps["seconds"] > steps["waited"]).all() and (steps["waited"] > 0).all()
    assert set(steps.loc[steps["way"].str.contains("half"), "photos"]) == {2}
    assert set(messages["bytes"]) == set(speed.MESSAGES)
    assert len(messages) == 4 * len(speed.MESSAGES), "of two runs with two processes"
    rates = speed.steps_a_second(steps).set_index("way")
    by_hand = steps.groupby(["way", "process"]).apply(
        lambda own: own["photos"].iloc[0] / own["seconds"].mean(), include_groups=False
    )
    np.testing.assert_allclose(
        rates["photos_a_second"], by_hand.groupby("way", sort=False).sum()[rates.index]
    )
    assert (rates["low"] <= rates["photos_a_second"]).all()
    embedded, _ = speed.measure(images, ["one process"], task="embedding", **options)
    assert len(embedded) == 3


@pytest.mark.slow
def test_a_process_that_fails_says_why(tmp_path):
    images = stripes(tmp_path)
    with pytest.raises(RuntimeError, match="no backbone is called 'nosuch'"):
        speed.measure(images, ["two together"], backbone="nosuch")
