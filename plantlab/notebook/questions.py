"""Questions with answers to choose from, each of which says why it is right or wrong."""

import html
import random
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the command line loads no widgets
    from ipywidgets import HTML, VBox

FILE = Path(__file__).with_name("questions.toml")
RIGHT = "<b style='color:#00704f'>✓ Yes.</b>"
WRONG = "<b style='color:#b34700'>✗ No.</b>"


def read_questions(notebook: str = "") -> list[dict]:
    """Return the questions of the file: all, or those of one notebook, which may be none."""
    everything = tomllib.loads(FILE.read_text(encoding="utf-8"))["question"]
    return [question for question in everything if notebook in ("", question["notebook"])]


def of_notebook(notebook: str) -> list[dict]:
    """Return what is asked in a notebook: asked, choices (answer, why), the right one first.

    Raises:
        ValueError: no such notebook.
    """
    found = read_questions(notebook)
    if not found:
        known = ", ".join(dict.fromkeys(question["notebook"] for question in read_questions()))
        raise ValueError(f"there are no questions to notebook {notebook!r}; there are to {known}.")
    return found


def questions(notebook: str) -> "VBox":
    """Return the questions of a notebook, such as "02", to be answered by a click.

    Introduced in notebook 01.
    """
    from ipywidgets import VBox

    return VBox([_question(question) for question in of_notebook(notebook)])


def _question(question: dict) -> "VBox":
    """Return a question: its choices as buttons, and below them why the pressed one is right."""
    from ipywidgets import HTML, Button, Layout, VBox

    said = HTML()
    choices = question["choices"]
    right, _ = choices[0]
    mixed = random.Random(question["asked"]).sample(choices, len(choices))
    wide = Layout(width="auto", max_width="560px")
    buttons = []
    for choice, why in mixed:
        button = Button(description=choice, layout=wide)
        button.on_click(lambda _, choice=choice, why=why: _tell(said, choice == right, why))
        buttons.append(button)
    head = HTML(f"<b>{html.escape(question['asked'])}</b>")
    return VBox([head, *buttons, said])


def _tell(said: "HTML", is_right: bool, why: str) -> None:
    said.value = f"{RIGHT if is_right else WRONG} {html.escape(why)}"
