"""Exercises: what is right, checked against cases worked by hand; and going on after a broken cell."""

import importlib
import json
import sys
import types

import numpy as np
import pandas as pd
import pytest

from plantlab.notebook import catch_up, check, course
from plantlab.predictions import Predictions


def answered(true, said, scores=None):
    """Return Predictions that name `said` for plants of the species `true`."""
    species = sorted({*true, *said})
    images = pd.DataFrame({"image_path": [f"{i}.jpg" for i in range(len(true))], "species": true})
    columns = [species.index(name) for name in said]
    probs = np.full((len(true), len(species)), 0.1)
    probs[np.arange(len(true)), columns] = scores or 0.9
    return Predictions(images, species, probs / probs.sum(axis=1, keepdims=True))


@pytest.fixture
def lesson(monkeypatch):
    """Return a function that makes one the only exercise of lesson 99."""

    def of(is_right):
        is_right.__doc__ = "Count again."
        made = types.SimpleNamespace(exercise_1=is_right)
        monkeypatch.setitem(sys.modules, "plantlab.notebook.exercises.lesson_99", made)

    return of


@pytest.mark.parametrize(
    "answer, right, said",
    [
        (..., lambda n: 1 / 0, "to do"),
        (4, lambda n: n == 4, "right"),
        (4, lambda n: np.bool_(True), "right"),
        (5, lambda n: n == 4, "not yet. Count again."),
        (None, lambda n: n, "not yet. Count again."),
        (
            "four",
            lambda n: abs(n - 4) < 1,
            "not yet (TypeError: unsupported operand type(s) for -: 'str' and 'int').",
        ),
        (
            "Rosa",
            lambda s: pd.Series({"Bellis": 1}).loc[s] == 1,
            "not yet (KeyError: 'Rosa'). Count again.",
        ),
        (np.arange(3), lambda n: n == 1, "not yet (ValueError: The truth value of an array"),
        (4, lambda n: pd.NA, "not yet (TypeError: boolean value of NA is ambiguous). Count again."),
        (4, lambda n: int("two\nlines"), "not yet (ValueError: invalid literal"),
    ],
)
def test_an_answer_is_to_do_right_or_not_yet_and_never_an_error(
    answer, right, said, lesson, capsys
):
    lesson(right)
    assert check("99.1", answer) is (said == "right")
    printed = capsys.readouterr().out
    assert printed.startswith(f"exercise 99.1: {said}") and printed.count("\n") == 1


def test_an_interrupt_is_no_wrong_answer(lesson):
    def interrupted(answer):
        raise KeyboardInterrupt

    lesson(interrupted)
    with pytest.raises(KeyboardInterrupt):
        check("99.1", 4)


# what is right, by hand

FOUR = ["Rosa alba", "Rosa nova", "Salix alba", "Malus vera"]
IMAGES = pd.DataFrame(
    {
        "species": ["Rosa alba"] * 4 + ["Malus vera"] * 4,
        "obs_id": list("aabbccdd"),
        "author": list("xxxyyzzz"),
    }
)
BY_AUTHOR = IMAGES["author"].map({"x": "train", "y": "test", "z": "train"})
BY_PLANT = IMAGES["obs_id"].map({"a": "train", "b": "test", "c": "train", "d": "train"})
MISTAKEN = answered(
    FOUR + ["Rosa alba"], ["Rosa nova", "Malus vera", "Salix alba", *FOUR[3:], "Rosa nova"]
)
TAIL = answered(["a", "a", "a", "b", "c", "c"], ["a", "b", "a", "b", "a", "b"])
COUNTS = np.array([9, 4, 2])  # train photos of a, b, c
SIX = {f"{i}": i for i in range(6)}
RISEN = pd.Series([0.5, 0.5, 1.0], index=list("pqr"))
AFTER = pd.Series([1.0, 0.25, 0.5], index=list("pqr"))
DOUBTED = np.arange(100) < 60  # rows that are wrong, all of them from the web
GIVEN = {"web": np.ones(100, bool), "wrong": DOUBTED}
KEPT = ~np.isin(np.arange(100), np.arange(20, 80))  # 40 wrong and 20 honest photos go
NAMED = pd.Series(["a"] * 50 + ["b"] * 10 + ["a"] * 40)  # a: 50 of 90 wrong; b: 10 of 10
SURE = pd.DataFrame(
    {"sure": [0.9, 0.8, 0.7], "rank": ["species"] * 3, "right": [True, True, False]}
)


@pytest.mark.parametrize(
    "exercise, right, wrong, given",
    [
        ("01.2", BY_AUTHOR, BY_PLANT, {"images": IMAGES}),
        ("01.3", 1000, 100, {}),
        # three wrong names, two of them of the right genus; each has one of three others there,
        # but Rosa alba and nova: 1/3, 1/3 and 1/3
        ("02.1", (2 / 3, 1 / 3), (1 / 3, 1 / 3), {"answers": MISTAKEN}),
        ("03.3", (180_000, 15_000), (60_000, 15_000), {}),
        ("04.1", np.arange(50), np.arange(50, 100), GIVEN),
        ("04.2", 0.5, 2, GIVEN | {"kept": KEPT}),
        ("04.3", ("a", "b"), ("a", "a"), GIVEN | {"named": NAMED}),
        # of the plants of c one is called a, one b: both more often photographed
        ("05.3", 1.0, 0.5, {"answers": TAIL, "counts": COUNTS, "few": ["c"]}),
        ("06.2", 2 / 3, 1 / 3, {"one": RISEN, "together": AFTER, "n_photos": RISEN * 0 + 3}),
        ("07.1", 0.5, 0.4, {"same": {"species": np.eye(6, 10, dtype=bool)[[0, 5]]}}),
        ("07.3", 0.5, 0.4, {"valid": pd.Series([0.1] * 50), "test": pd.Series([0.0, 0.2])}),
        ("08.2", 3, 2, {}),
        ("08.3", 2, 3, {"told": SURE}),
    ],
)
def test_what_is_right_is_right_and_what_is_wrong_is_not(exercise, right, wrong, given):
    assert check(exercise, right, **given)
    assert not check(exercise, wrong, **given)


def test_the_lazy_botanist_is_strong_in_micro_and_weak_in_macro():
    """Six species in test, the five commonest have nine of ten plants."""
    true = [*"aaabbbccd", "e", "f"][:10] + ["f"]
    answers = answered(true, true)
    counts = np.array([60, 50, 40, 30, 20, 10])
    assert check("05.1", (10 / 11, 5 / 6), answers=answers, counts=counts)
    assert not check("05.1", (5 / 6, 10 / 11), answers=answers, counts=counts)


# joining the room


def text_cell(source):
    return {"cell_type": "markdown", "metadata": {}, "source": [source]}


def code_cell(source, *tags):
    return {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": [source]}


@pytest.fixture
def lessons(tmp_path, monkeypatch):
    """Return the folder of a project with one lesson, in an IPython of its own."""
    from IPython.core.interactiveshell import InteractiveShell

    cells = [
        text_cell("# 01. Leaves?"),
        code_cell("n: int = 3  # leaves", "parameters"),
        code_cell("leaves = [*range(n)]\nprint(leaves)"),
        code_cell("answer = ...", "exercise"),
        text_cell("More.\n\n## Colours"),
        code_cell("colours = leaves + 1"),
        text_cell("## The end"),
    ]
    (tmp_path / "notebooks").mkdir()
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "notebooks" / "01_leaves.ipynb").write_text(json.dumps(notebook))
    monkeypatch.setattr(course, "project_root", lambda: tmp_path)
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    yield shell
    InteractiveShell.clear_instance()


def test_catching_up_makes_what_the_cells_above_a_section_make(lessons, capsys):
    lessons.user_ns.update(n=2, answer="mine")
    catch_up("01", "Colours")
    assert lessons.user_ns["leaves"] == [0, 1], "by the reader's own parameter"
    assert lessons.user_ns["answer"] == "mine"
    said = capsys.readouterr().out
    assert said == "2 cells of notebook 01 ran in 0 s; go on at 'Colours'.\n"


def test_catching_up_in_a_fresh_kernel_takes_the_defaults(lessons):
    catch_up("01", "Colours")
    assert lessons.user_ns["leaves"] == [0, 1, 2]


def test_catching_up_says_what_is_not_there_and_what_failed(lessons):
    with pytest.raises(ValueError, match="no section 'Colors'; there is 'Colours'"):
        catch_up("01", "Colors")
    with pytest.raises(ValueError, match="no notebook '02'; there are 01"):
        catch_up("02", "Colours")
    lessons.user_ns["n"] = 2
    with pytest.raises(RuntimeError, match="begins with 'colours = leaves \\+ 1' failed: can only"):
        catch_up("01", "The end")


def test_catching_up_belongs_in_jupyter(lessons):
    importlib.import_module("IPython.core.interactiveshell").InteractiveShell.clear_instance()
    with pytest.raises(RuntimeError, match="call it in a cell, in Jupyter"):
        catch_up("01", "Colours")
