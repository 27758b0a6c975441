"""Questions with answers to choose from: two a notebook, each choice says why."""

import html
import re

import pytest

from plantlab.notebook import course, questions
from plantlab.notebook.questions import of_notebook

LESSONS = [path.name[:2] for path in course.notebooks() if course.is_lesson(path)]


@pytest.mark.parametrize("lesson", LESSONS)
def test_each_lesson_asks_two_questions_whose_choices_all_say_why(lesson):
    asked = of_notebook(lesson)
    assert len(asked) == 2
    for question in asked:
        answers = [choice for choice, _ in question["choices"]]
        assert len(answers) == len(set(answers)) == 3 and question["asked"].endswith("?")
        assert all(len(why) > 30 for _, why in question["choices"])
        assert max(map(len, answers)) < 70, "a button holds no more"


def test_a_press_says_whether_and_why():
    page = questions("01")
    first = page.children[0]
    right, why = of_notebook("01")[0]["choices"][0]
    for button in first.children[1:-1]:
        button.click()
        said = first.children[-1].value
        assert ("✓ Yes." in said) == (button.description == right)
        assert (html.escape(why) in said) == (button.description == right)


def test_the_right_answer_is_not_always_in_the_same_place():
    places = set()
    for lesson in LESSONS:
        for asked, shown in zip(of_notebook(lesson), questions(lesson).children):
            names = [button.description for button in shown.children[1:-1]]
            places.add(names.index(asked["choices"][0][0]))
    assert places == {0, 1, 2}


def test_a_notebook_without_questions_is_a_sentence():
    with pytest.raises(
        ValueError, match=re.escape("no questions to notebook '99'; there are to 01")
    ):
        questions("99")
