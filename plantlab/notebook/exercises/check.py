"""How an answer to an exercise stands."""

import importlib
import inspect

import pandas as pd

from plantlab.predictions import Predictions


def check(exercise: str, answer: object, **given: object) -> bool:
    """Print how the answer to an exercise, such as "01.2", stands; return whether it is right.

    What is right is a function of the package, so that the cell below an exercise does not give
    it away. A wrong answer never stops the notebook: what the function raises, for an answer of
    another type, is told as the reason.

    Args:
        answer: `...` where nothing was answered yet.
        given: what the notebook knows and the answer is held against.
    """
    if answer is ...:
        print(f"exercise {exercise}: to do")
        return False
    lesson, number = exercise.split(".")
    module = importlib.import_module(f"plantlab.notebook.exercises.lesson_{lesson}")
    is_right = getattr(module, f"exercise_{number}")
    hint = inspect.getdoc(is_right)
    try:
        right = bool(is_right(answer, **given))
        said = "right" if right else f"not yet. {hint}"
    except Exception as error:  # an answer of another type fails in its own way
        right = False
        said = f"not yet ({type(error).__name__}: {error}). {hint}"
    print(f"exercise {exercise}: {said}".replace("\n", " "))
    return right


def near(answer: object, wanted: float, within: float = 0.005) -> bool:
    """Return whether a number is as wanted, but for its rounding."""
    return abs(float(answer) - wanted) <= within


def all_scores(answers: Predictions) -> pd.Series:
    """Return the score of every species for every image, by `image_path` and `species`."""
    table = answers.top(len(answers.species))
    return table.set_index(["image_path", "species"])["score"].sort_index()
