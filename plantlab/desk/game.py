"""You against the machine: twenty plants, four names each, and what that tells."""

import html
from pathlib import Path

import ipywidgets as widgets
import pandas as pd
from ipywidgets import Layout

from plantlab.desk import rounds
from plantlab.desk.identify import CSS
from plantlab.predictions.duel import LEVEL, Duel, duel

TITLE = "<h2>You against the machine</h2>"
HOW = (
    "<p>{n} {kind} that the machine has not seen either. Which of the four species is it? Beside "
    "each name stands a photo to compare with. You are told at the end.</p>"
)
KINDS = {"generated": "<b>invented</b> plants, drawn by a program,", "photographs": "plants"}


def game(folder: str | Path) -> widgets.VBox:
    """Return the game: one photo after the other, four species each, the scores at the end.

    Each answer is kept at once; under the same name one goes on where one was.

    Args:
        folder: of rounds.deal.
    Introduced in notebook 08.
    """
    return _Player(Path(folder)).page


class _Player:
    """The page's parts, and who plays."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.questions = rounds.questions(folder)
        self.by = ""
        style = f"<style>{CSS.read_text(encoding='utf-8')}</style>"
        how = HOW.format(n=len(self.questions), kind=KINDS[rounds.kind(folder)])
        self.name = widgets.Text(
            placeholder="your name", continuous_update=False, layout=Layout(width="180px")
        )
        play = widgets.Button(description="Play", button_style="primary")
        play.on_click(self._begin)
        who = widgets.HBox([self.name, play])
        who.add_class("pl-vote")
        self.board = widgets.VBox()
        self.page = widgets.VBox([widgets.HTML(style + TITLE + how), who, self.board])
        self.page.add_class("pl-desk")

    def _begin(self, _: object) -> None:
        by = self.name.value.strip()
        taken = (rounds.MACHINE, *rounds.SIMULATED)
        if not by or by in taken:
            self.board.children = [widgets.HTML("<p>Give a name of your own first.</p>")]
            return
        self.by = by
        self._next()

    def _next(self) -> None:
        """Show the first question without an answer, or the scores."""
        said = rounds.answers(self.folder, self.by)
        open_rows = [row for row in range(len(self.questions)) if row not in said]
        self.board.children = self._ask(open_rows[0]) if open_rows else self._scores()

    def _ask(self, row: int) -> list[widgets.Widget]:
        """Return a question: its photo, and the four species with a photo each."""
        asked = self.questions[row]
        cards = []
        for number, choice in enumerate(asked["choices"]):
            button = widgets.Button(description=choice["species"], layout=Layout(width="100%"))
            button.on_click(lambda _, number=number: self._answer(row, number))
            cards.append(widgets.VBox([self._picture(choice["photo"]), button]))
        choices = widgets.HBox(cards)
        choices.add_class("pl-choices")
        head = widgets.HTML(f"<p><b>{row + 1} of {len(self.questions)}</b>: which is it?</p>")
        photo = self._picture(asked["photo"])
        photo.add_class("pl-asked")
        return [head, photo, choices]

    def _picture(self, name: str) -> widgets.Image:
        return widgets.Image(value=(self.folder / name).read_bytes())

    def _answer(self, row: int, number: int) -> None:
        if row not in rounds.answers(self.folder, self.by):
            rounds.answer(self.folder, self.by, row, number)
        self._next()

    def _scores(self) -> list[widgets.Widget]:
        """Return everybody's scores, what they tell of you, and what you got wrong."""
        mine = rounds.right(self.folder, self.by)
        machine = rounds.right(self.folder, rounds.MACHINE)
        told = _told_apart(duel(mine, machine), len(mine))
        again = widgets.Button(description="Look again")
        again.on_click(lambda _: self._next())
        table = _standings(rounds.standings(self.folder), self.by)
        said = f"<h3>You: {mine.sum()} of {len(mine)}, the machine: {machine.sum()}</h3>"
        return [widgets.HTML(f"{said}<p>{told}</p>{table}"), again, *self._mistakes(mine)]

    def _mistakes(self, mine: list[bool]) -> list[widgets.Widget]:
        """Return the photos that were named wrong, and what they are."""
        said = rounds.answers(self.folder, self.by)
        shown = []
        for row, asked in enumerate(self.questions):
            if not mine[row]:
                names = [choice["species"] for choice in asked["choices"]]
                truth = html.escape(names[asked["truth"]])
                taken = html.escape(names[said[row]])
                words = f"<i>{truth}</i><br>you said <i>{taken}</i>"
                shown.append(widgets.VBox([self._picture(asked["photo"]), widgets.HTML(words)]))
        row = widgets.HBox(shown)
        row.add_class("pl-choices")
        return [widgets.HTML("<h3>What you got wrong</h3>"), row] if shown else []


def _told_apart(told: Duel, n: int) -> str:
    """Return in words whether so many plants tell a person from the machine."""
    said = (
        f"You alone were right about {told.first}, the machine alone about {told.second}. "
        f"Equals would differ by as much in {told.chance:.0%} of such games: "
    )
    if told.chance < LEVEL:
        return said + "that is hardly chance."
    return said + f"{n} plants do not tell which of you is better."


def _standings(table: pd.DataFrame, by: str) -> str:
    """Return everybody's scores as HTML: a bar with its interval each."""
    rows = []
    for row in table.itertuples():
        name = html.escape(row.by)
        name = f"<b>{name}</b>" if row.by == by else name
        share = row.right / row.n
        spread = f"left:{row.low:.1%};width:{row.high - row.low:.1%}"
        bar = f"<div class='pl-bar' style='width:{share:.1%}'></div>"
        bar = f"<div class='pl-track'>{bar}<span style='{spread}'></span></div>"
        count = f"{row.right} of {row.n}"
        rows.append(f"<tr><td>{name}</td><td>{bar}</td><td>{count}</td></tr>")
    note = "<p>Lines: 95 % intervals. Who has not come to the end is not shown.</p>"
    return f"<table class='pl-names pl-standings'>{''.join(rows)}</table>{note}"
