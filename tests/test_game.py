"""You against the machine: questions dealt, answers kept, scores with what they can tell."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from plantlab.data.table import TableError
from plantlab.desk import rounds
from plantlab.desk.game import game
from plantlab.predictions import Predictions
from plantlab.predictions.duel import duel, share_interval, told_apart

NAMES = [f"{genus} {i}" for genus in ("Rosa", "Poa") for i in range(4)]


class Machine:
    """A model that is sure of the first species always, whatever it sees."""

    species = NAMES
    arrays = {"embeddings": np.zeros((2, 2))}
    knows = "This model knows 8 species."

    def see(self, photos):
        probs = np.full((len(photos), len(NAMES)), 0.05)
        probs[:, 0] = 1 - 0.05 * (len(NAMES) - 1)
        images = pd.DataFrame({"image_path": photos, "species": None})
        return Predictions(images, NAMES, probs), None


@pytest.fixture
def images(project):
    rows = []
    for number, name in enumerate(NAMES):
        for i in range(8):
            path = project / f"{number}_{i}.png"
            Image.new("RGB", (50, 40), (30 * number, 20 * i, 90)).save(path)
            organ = ("flower", "leaf")[i % 2]
            split = "test" if i < 4 else "train"
            rows.append((str(path), name, name.split()[0], organ, split, f"{number} {i}"))
    columns = "image_path species genus organ split obs_id".split()
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def folder(images):
    return rounds.deal(images, Machine(), "flora")


def test_questions_are_spread_over_species_with_relatives_to_choose_from(folder):
    asked = rounds.questions(folder)
    truths = [each["choices"][each["truth"]]["species"] for each in asked]
    assert len(asked) == 20 and pd.Series(truths).value_counts().between(2, 3).all()
    for each, truth in zip(asked, truths):
        names = {choice["species"] for choice in each["choices"]}
        assert len(names) == 4 and {name.split()[0] for name in names} == {truth.split()[0]}
        assert (folder / each["photo"]).exists()
        first = [choice["species"] for choice in each["choices"]].index
        assert each["machine"] == first("Rosa 0") if truth.startswith("Rosa") else True


def test_pictures_to_compare_with_show_the_same_organ_and_no_test_plant(folder, images):
    colours = {}
    for row in images.itertuples():
        pixel = np.array(Image.open(row.image_path))[0, 0].astype(int)
        colours[tuple(pixel // 8)] = row
    for each in rounds.questions(folder):
        seen = [
            np.array(Image.open(folder / c["photo"]))[9, 9].astype(int) for c in each["choices"]
        ]
        asked = np.array(Image.open(folder / each["photo"]))[9, 9].astype(int)
        even = {round(pixel[1] / 20) % 2 for pixel in [asked, *seen]}
        assert len(even) == 1, "flowers beside flowers, leaves beside leaves"
        assert all(round(pixel[1] / 20) >= 4 for pixel in seen) and round(asked[1] / 20) < 4


def test_what_was_dealt_stays(folder, images):
    before = rounds.questions(folder)
    assert rounds.deal(images.iloc[:0], Machine(), "flora") == folder
    assert rounds.questions(folder) == before


def test_too_few_plants_are_a_sentence(images):
    with pytest.raises(TableError, match="a game needs 20 test plants .* there are 12 plants"):
        rounds.deal(images[images["species"].isin(NAMES[:3])], Machine(), "few")


def test_the_first_word_counts_and_scores_stand_beside_the_machine_s(folder):
    truths = [each["truth"] for each in rounds.questions(folder)]
    for row, truth in enumerate(truths):
        rounds.answer(folder, "Ada", row, truth)
        rounds.answer(folder, "Ada", row, (truth + 1) % 4)
        if row < 19:
            rounds.answer(folder, "Bob", row, truth)
    table = rounds.standings(folder).set_index("by")
    assert table.loc["Ada", "right"] == 20 and "Bob" not in table.index, "he is not at the end"
    assert {by for by in table.index if "simulated" in by} == set(rounds.SIMULATED)
    assert table.loc["the machine", "right"] == rounds.right(folder, "the machine").sum()
    rounds.answer(folder, "Bob", 19, 0)
    assert not any("simulated" in by for by in rounds.standings(folder)["by"])


def test_a_game_is_played_to_its_end_and_gone_on_with(folder):
    page = game(folder)
    name, play = page.children[1].children
    board = page.children[2]
    play.click()
    assert "Give a name" in board.children[0].value
    name.value = "<Ada>"
    play.click()
    for turn in range(20):
        if turn == 7:  # the phone slept
            page = game(folder)
            name, play = page.children[1].children
            board = page.children[2]
            name.value = "<Ada>"
            play.click()
        assert f"{turn + 1} of 20" in board.children[0].value
        board.children[2].children[0].children[1].click()
    right = int(rounds.right(folder, "<Ada>").sum())
    said = board.children[0].value
    assert f"You: {right} of 20" in said and "<b>&lt;Ada&gt;</b>" in said and "simulated" in said
    assert "plants do not tell which of you is better" in said or "hardly chance" in said
    assert len(board.children[3].children) == 20 - right


# what a game can tell


def test_a_duel_is_the_exact_test_of_mcnemar():
    first = np.array([True] * 8 + [False] * 1 + [True] * 11)
    second = np.array([False] * 8 + [True] * 1 + [True] * 11)
    told = duel(first, second)
    assert (told.first, told.second) == (8, 1)
    assert told.chance == pytest.approx(2 * (1 + 9) / 2**9), "0 or 1 of 9, on either side"
    assert duel(first, first).chance == 1.0


def test_the_interval_of_a_share_is_wilson_s():
    low, high = share_interval(13, 20)
    z = 1.959964
    centre = (13 / 20 + z**2 / 40) / (1 + z**2 / 20)
    half = z / (1 + z**2 / 20) * np.sqrt(0.65 * 0.35 / 20 + z**2 / 1600)
    assert (low, high) == pytest.approx((centre - half, centre + half), abs=1e-5)


def test_more_experts_and_more_plants_tell_more_and_equals_are_told_apart_by_chance():
    assert told_apart(0.8, 0.8, n_experts=9) < 0.1
    one, nine = (told_apart(0.85, 0.75, n_experts=n) for n in (1, 9))
    assert one < nine and told_apart(0.85, 0.75, 1000) > one
    assert told_apart(0.99, 0.2, 20) > 0.99


def test_the_answers_are_lines_on_the_disk(folder):
    rounds.answer(folder, "Ada", 3, 1)
    line = json.loads((folder / "answers.jsonl").read_text())
    assert (line["by"], line["row"], line["answer"]) == ("Ada", 3, 1)
