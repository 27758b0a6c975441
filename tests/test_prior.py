"""A prior of place and season: by hand, never a filter, whole cells held out, off to the bit."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plantlab.data.table import TableError
from plantlab.predictions import Predictions
from plantlab.predictions.prior import Prior, Settings, choose_prior, gains_of, log_loss

SPECIES = ["Aa a", "Bb b", "Cc c"]


def seen(*rows) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["species", "latitude", "longitude", "date"])
    return table.assign(obs_id=[str(i) for i in range(len(rows))])


def asked(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["latitude", "longitude", "date"])


def test_the_ratio_is_that_worked_by_hand():
    """Two plants, one at the spot and one 111.19 km north of it; kernels 1 and exp(-0.5)."""
    table = seen(["Aa a", 45.0, 5.0, "2024-06-01"], ["Bb b", 46.0, 5.0, "2024-06-01"])
    prior = Prior(table, SPECIES)
    assert prior.shares.tolist() == pytest.approx([2 / 5, 2 / 5, 1 / 5])
    settings = Settings(kilometres=111.195, days=30, pseudo=1)
    (ratios,) = prior.log_ratios(asked([45.0, 5.0, "2025-06-01"]), settings)
    near = np.array([1 + 0.4, np.exp(-0.5) + 0.4, 0.2])
    whole = 1 + np.exp(-0.5) + 1
    assert ratios == pytest.approx(np.log(near / whole / [0.4, 0.4, 0.2]), abs=1e-3)


def test_seasons_go_round_the_year():
    prior = Prior(
        seen(["Aa a", 45.0, 5.0, "2023-12-28"], ["Bb b", 45.0, 5.0, "2023-06-28"]), SPECIES
    )
    january, none = prior.log_ratios(
        asked([45.0, 5.0, "2024-01-05"], [45.0, 5.0, None]), Settings(50, 20, 1)
    )
    assert january[0] > 0 > january[1]
    assert none[0] == pytest.approx(none[1])  # without a date the season says nothing


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(1, 1000), st.floats(0.1, 10))
def test_no_species_is_ever_ruled_out(latitude, longitude, kilometres, pseudo):
    prior = Prior(seen(["Aa a", 45.0, 5.0, "2024-06-01"]), SPECIES)
    ratios = prior.log_ratios(
        asked([latitude, longitude, "2024-06-01"]), Settings(kilometres, 30, pseudo)
    )
    assert np.isfinite(ratios).all()
    said = Predictions(asked([latitude, longitude, None]), SPECIES, [[0.2, 0.3, 0.5]])
    weighed = prior.weigh(said, Settings(kilometres, 30, pseudo, 2))
    assert (weighed.probs > 0).all()


def test_an_unknown_or_far_place_changes_nothing():
    prior = Prior(seen(["Aa a", 45.0, 5.0, "2024-06-01"]), SPECIES)
    for place in ([np.nan, np.nan, "2024-06-01"], [-45.0, 100.0, "2024-06-01"]):
        assert prior.log_ratios(asked(place), Settings()) == pytest.approx(
            np.zeros((1, 3)), abs=1e-9
        )


def test_weight_zero_changes_nothing_to_the_bit():
    prior = Prior(seen(["Aa a", 45.0, 5.0, "2024-06-01"]), SPECIES)
    said = Predictions(asked([45.0, 5.0, None]), SPECIES, [[0.2, 0.3, 0.5]])
    assert prior.weigh(said, Settings(weight=0)).probs.tobytes() == said.probs.tobytes()


def test_a_cell_that_is_held_out_says_nothing_of_itself():
    table = seen(["Aa a", 45.2, 5.2, "2024-06-01"], ["Bb b", 45.9, 6.1, "2024-06-01"])
    prior = Prior(table, SPECIES)
    place = asked([45.3, 5.3, "2024-06-01"])
    with_all = prior.log_ratios(place, Settings())[0]
    without = prior.log_ratios(place, Settings(), cell=1.0)[0]
    alone = Prior(table[1:], SPECIES)
    kernel = np.exp(-0.5 * (alone_distance() / 100) ** 2)
    near = np.array([0, kernel, 0]) + 5 * prior.shares
    assert without == pytest.approx(np.log(near / (kernel + 5)) - np.log(prior.shares), abs=1e-3)
    assert with_all[0] > without[0]
    assert len(alone.columns) == 1


def alone_distance() -> float:
    """Return the kilometres from 45.3, 5.3 to 45.9, 6.1, by the spherical law of cosines."""
    a, b, apart = np.radians([45.3, 45.9, 0.8])
    return 6371 * np.arccos(np.sin(a) * np.sin(b) + np.cos(a) * np.cos(b) * np.cos(apart))


def test_photos_of_one_plant_count_once():
    table = seen(["Aa a", 45.0, 5.0, "2024-06-01"], ["Aa a", 45.0, 5.0, "2024-06-01"])
    once = Prior(table.assign(obs_id="one"), SPECIES)
    assert len(once.columns) == 1 and len(Prior(table, SPECIES).columns) == 2


def test_it_is_chosen_where_it_helps_and_switched_off_where_not():
    rng = np.random.default_rng(0)
    names = rng.choice(SPECIES[:2], 400)
    north = np.where(names == "Aa a", 50.0, 44.0) + rng.normal(0, 0.8, 400)
    columns = {"species": names, "latitude": north, "longitude": rng.normal(5, 1, 400)}
    table = pd.DataFrame(columns | {"date": "2024-06-01", "obs_id": range(400)})
    even = np.full((200, 3), 1 / 3)
    helped = Predictions(table[200:], SPECIES, even)
    settings = choose_prior(Prior(table[:200], SPECIES), helped)
    assert settings.weight > 0
    prior = Prior(table[:200], SPECIES)
    assert log_loss(prior.weigh(helped, settings, 1.0)) < log_loss(helped) - 0.3
    shuffled = table.assign(latitude=rng.permutation(table["latitude"]))
    two = SPECIES[:2]
    sure = np.where(np.array(two) == shuffled["species"].to_numpy()[200:, None], 0.98, 0.02)
    none = choose_prior(Prior(shuffled[:200], two), Predictions(shuffled[200:], two, sure))
    assert none.weight <= 0.25


def test_gains_are_told_group_by_group():
    before = pd.Series(0.5, [str(i) for i in range(30)])
    groups = pd.Series(["many"] * 20 + ["few"] * 10, before.index)
    now = before + np.where(groups == "many", 0.2, 0.0)
    table = gains_of(now, before, groups)
    assert table["method"].tolist() == ["many", "few"] and table["n"].tolist() == [20, 10]
    assert table["gain"].tolist() == pytest.approx([0.2, 0])
    assert gains_of(now, before, groups, least=15)["method"].tolist() == ["many"]


def test_what_it_needs_is_asked_for():
    with pytest.raises(TableError, match="latitude"):
        Prior(pd.DataFrame({"species": ["Aa a"]}), SPECIES)
