"""Several photos of a plant: gains by plant, organs on the same plants, the ladder, floras."""

import numpy as np
import pandas as pd
import pytest

from plantlab import plots
from plantlab.data import places
from plantlab.data.table import TableError
from plantlab.predictions import Ladder, Predictions, several

ROWS = [  # obs_id, organ, split, species, probabilities of Aster and Rosa and Viola
    ("a", "flower", "test", "Aster", (0.8, 0.1, 0.1)),
    ("a", "leaf", "test", "Aster", (0.2, 0.5, 0.3)),
    ("b", "flower", "test", "Rosa", (0.3, 0.6, 0.1)),
    ("b", "leaf", "test", "Rosa", (0.1, 0.2, 0.7)),
    ("c", "flower", "valid", "Viola", (0.4, 0.5, 0.1)),
    ("d", "leaf", "valid", "Viola", (0.1, 0.2, 0.7)),
    ("d", "leaf", "valid", "Viola", (0.1, 0.2, 0.7)),
]


@pytest.fixture
def answers() -> Predictions:
    images = pd.DataFrame(
        [row[:4] for row in ROWS], columns=["obs_id", "organ", "split", "species"]
    )
    return Predictions(images, ["Aster", "Rosa", "Viola"], [row[4] for row in ROWS])


def test_a_photo_of_a_plant_is_worth_their_mean(answers):
    found = several.by_plant(answers)
    assert found.round(4).to_dict() == {"a": 0.6667, "b": 0.75, "c": 0.3333, "d": 1.0}
    assert several.some_photos(answers, 1).equals(found)


def test_all_photos_are_a_choice_of_as_many(answers):
    together = several.by_plant(answers.by_observation("product"))
    pd.testing.assert_series_equal(
        several.some_photos(answers, 2, "product"), together, check_names=False
    )


def test_a_gain_is_paired_and_none_is_as_likely_a_loss(answers):
    one = several.by_plant(answers)
    gain, low, high = several.gained(one + 0.1, one)
    assert gain == pytest.approx(0.1) and low == pytest.approx(high)
    gain, low, high = several.gained(one, one)
    assert gain == 0 and low == -high < 0
    groups = pd.Series(["x", "y", "y", "y"], list("abcd"))
    values = pd.Series([1.0, 0, 0, 0], list("abcd"))
    assert several.gained(values, groups=groups)[0] == 0.5, "the mean of the species' means"


def test_organs_are_weighed_on_the_plants_that_show_both(answers):
    pairs = several.organ_pairs(answers)
    assert pairs["organs"].tolist() == ["flower + leaf", "flower + leaf", "leaf + leaf"]
    assert pairs["first"].tolist() == [1, 1, 1]
    assert pairs["second"].round(4).tolist() == [0.3333, 0.5, 1]
    duels = several.compare_organs(pairs, least=2)
    assert duels[["winner", "loser", "n", "n_species"]].to_numpy().tolist() == [
        ["flower", "leaf", 2, 2]
    ]
    assert duels["gain"].iloc[0] == pytest.approx(7 / 12)
    seconds = several.second_photos(pairs, least=2)
    assert seconds[["organs", "better", "n"]].to_numpy().tolist() == [
        ["flower + leaf", "flower", 2]
    ]
    assert seconds["gain"].iloc[0] == pytest.approx(seconds["together"].iloc[0] - 1)


def test_a_loser_is_named_second_with_its_interval_turned(answers):
    pairs = several.organ_pairs(answers)
    turned = pairs.assign(first=pairs["second"], second=pairs["first"])
    assert several.compare_organs(turned, 2)["winner"].tolist() == ["leaf"]
    assert several.compare_organs(turned, 2)["low"].iloc[0] > 0


def test_a_handful_of_plants_is_not_shown(answers):
    pairs = several.organ_pairs(answers)
    assert several.compare_organs(pairs).empty and several.second_photos(pairs).empty
    lone = answers.select([0, 2, 4])
    assert several.organ_pairs(lone).empty, "no plant has two photos"
    assert several.compare_organs(several.organ_pairs(lone)).empty


def test_photos_of_no_known_organ_make_no_pair(answers):
    unknown = answers.images.assign(organ=[None, "leaf", "", *["leaf"] * 4])
    pairs = several.organ_pairs(Predictions(unknown, answers.species, answers.probs))
    assert pairs["organs"].tolist() == ["leaf + leaf"]
    with pytest.raises(TableError, match="'organ'"):
        several.organ_pairs(
            Predictions(unknown.drop(columns="organ"), answers.species, answers.probs)
        )


def test_a_ladder_keeps_what_valid_wants(answers):
    ladder = Ladder(answers)
    assert not ladder.climb("worse", answers.select([0, 3, 4, 5]).by_observation().within(["Rosa"]))
    better = answers.by_observation().within(np.eye(3, dtype=bool)[[0, 1, 2, 2]])
    assert ladder.climb("told", better, "by the truth")
    assert not ladder.climb("no change", better)
    assert ladder.climb("no change", better, always=True)
    table = ladder.table
    assert table["kept"].tolist() == [True, False, True, False, True]
    assert table["mrr"].iloc[[0, 2]].tolist() == [pytest.approx(17 / 24), 1]
    assert table["n"].eq(2).all() and table["gain"].isna().tolist() == [True] + [False] * 4
    assert table["total"].iloc[-1] == pytest.approx(7 / 24) and table["gain"].iloc[-1] == 0


def test_a_mask_of_floras_is_flora_of_for_each_place():
    rng = np.random.default_rng(0)
    n = 60
    seen = pd.DataFrame(
        {
            "obs_id": rng.integers(0, 40, n).astype(str),
            "species": rng.choice(["Aster", "Rosa", "Viola", "Carex"], n, p=[0.5, 0.3, 0.15, 0.05]),
            "latitude": rng.uniform(44, 48, n),
            "longitude": rng.uniform(0, 6, n),
            "date": [f"2024-{month:02}-15" for month in rng.integers(1, 13, n)],
        }
    )
    seen["species"] = seen.groupby("obs_id")["species"].transform("first")
    seen.loc[:3, "latitude"] = np.nan
    seen.loc[4, "date"] = None
    asked = seen.iloc[:20]
    names = ["Aster", "Carex", "Nymphaea", "Rosa", "Viola"]
    for radius, months in [(60, 1), (150, 6), (0, 0)]:
        mask = places.flora_mask(seen, asked, names, radius, months)
        for row, place in zip(mask, asked.itertuples()):
            where = place.latitude, place.longitude, place.date
            flora = places.flora_of(seen, *where, radius, months)
            assert [name for name, here in zip(names, row) if here] == flora


def test_floras_are_tried_with_what_they_leave_and_lose(answers):
    placed = answers.images.assign(
        latitude=45.0, longitude=[0, 0, 5, 5, 0, 0, 0], date="2024-05-01"
    )
    plants = Predictions(placed, answers.species, answers.probs).by_observation()
    crowd = pd.concat([placed] * 3, ignore_index=True)
    learnt = crowd.assign(obs_id=range(len(crowd)))
    tried = several.try_floras(plants, learnt, [1, 1000], [6])
    assert tried["n_left"].tolist() == [1.75, 3] and tried["kept"].tolist() == [1, 1]
    assert tried["mrr"].iloc[0] > tried["mrr"].iloc[1]


def test_gains_are_drawn_beside_none_and_say_their_plants():
    rows = pd.DataFrame({"method": ["flower"], "n": [1200], "gain": 0.1, "low": 0.05, "high": 0.2})
    ax = plots.plot_same_plants(rows, "It gains", "2 plants (generated)")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["flower  (1,200 plants)"]
    assert any(text.get_text() == "+10.0 (+5.0 to +20.0)" for text in ax.texts)
    assert "It gains" in (ax.get_title(), ax.get_title(loc="left"))
