"""How a training stands that goes on beside the page, and what came of it."""

import asyncio
import html
from collections.abc import Callable

import ipywidgets as widgets
import pandas as pd
from ipywidgets import Layout

from plantlab.desk.identify import identify
from plantlab.desk.review import review
from plantlab.desk.taught import Collection

EVERY = 1.0  # seconds between two looks at a training
SAID = {  # what a step is called
    "begins": "The training begins.",
    "waits": "Another training is under way on this machine; yours is next in line.",
    "looks": "It looks at the photos.",
    "learns": "It learns.",
    "examines": "It is examined on photos that it has not seen.",
    "stopped": "The training was stopped; it goes on where it was.",
}


class Learning:
    """A collection's training on a page: how far it is, then scores, doubts, and the desk to ask.

    Attributes:
        page: what is shown; empty where no training was asked for.
    """

    def __init__(self, collection: Collection, changed: Callable[[str], None] | None = None):
        """Follow a collection.

        Args:
            changed: called with the step, as Collection.state names it, when it is another one.
        """
        self.collection = collection
        self.changed = changed
        self.step = ""
        self.told = widgets.HTML()
        self.bar = widgets.FloatProgress(max=1.0, layout=Layout(width="100%"))
        self.page = widgets.VBox()
        self.followed = True

    def show(self) -> None:
        """Show the step that the collection is at, and look again while it is trained on."""
        state = self.collection.state()
        step = state["step"]
        if step in SAID:
            self._tell(state)
        if step != self.step:
            self.step = step
            self.page.children = self._parts(state)
            if self.changed:
                self.changed(step)
        if step in SAID:
            self._look_again()

    def leave(self) -> None:
        """Look no longer; the training goes on."""
        self.followed = False

    def _parts(self, state: dict) -> list[widgets.Widget]:
        """Return what is shown at a step."""
        if state["step"] in SAID:
            return [self.told, self.bar]
        if state["step"] == "failed":
            return [widgets.HTML(f"<p>It did not learn: {html.escape(state['why'])}</p>")]
        return self._results() if state["step"] == "done" else []

    def _tell(self, state: dict) -> None:
        """Say how far the training is; one that was killed is started again."""
        left = state.get("seconds_left")
        time = "" if left is None else f" {_minutes(left)} left; you may close the page meanwhile."
        self.told.value = f"<p>{SAID[state['step']]}{time}</p>"
        self.bar.value = state.get("share", 1.0 if state["step"] == "examines" else 0.0)
        if state["step"] == "stopped":
            self.collection.go_on()

    def _look_again(self) -> None:
        """Look at the training again in a second, as long as somebody follows it."""

        async def later() -> None:
            await asyncio.sleep(EVERY)
            if self.followed:
                self.show()

        try:
            self.later = asyncio.get_running_loop().create_task(later())
        except RuntimeError:  # outside of a kernel nobody looks
            return

    def _results(self) -> list[widgets.Widget]:
        """Return the score, what was confused, doubtful labels, and the desk to ask."""
        from plantlab.identify import store

        found = self.collection.found()
        model = store.load(self.collection.folder / "model")
        return [
            widgets.HTML(_score(found["scores"]) + _confused(found["confusions"])),
            *self._doubts(found["doubts"]),
            identify(model),
        ]

    def _doubts(self, doubts: list[dict]) -> list[widgets.Widget]:
        """Return photos whose labels may be wrong, to be decided about."""
        if not doubts:
            return [widgets.HTML("<p>No label stands out as doubtful.</p>")]
        said = (
            f"<h3>Are these labels right?</h3><p>{len(doubts)} photos that it would name otherwise "
            "when it has not learnt from them. Decide, and train again: nothing is lost.</p>"
        )
        table = pd.DataFrame(doubts)
        species = sorted({*table["species"], *table["suggested"]})
        desk = review(table, self.collection.decisions, species, by=self.collection.name)
        return [widgets.HTML(said), desk]


def _minutes(seconds: float) -> str:
    """Return a time as people say it.

    >>> _minutes(40), _minutes(200)
    ('About 40 seconds', 'About 3 minutes')
    """
    if seconds < 90:
        return f"About {max(5, 5 * round(seconds / 5))} seconds"
    return f"About {round(seconds / 60)} minutes"


def _score(scores: dict) -> str:
    """Return how many test photos were named right, as HTML."""
    if "top1" not in scores:
        return "<p>There were no photos to examine it with.</p>"
    low = scores["top1_low"]
    high = scores["top1_high"]
    return (
        f"<h3>It names {scores['top1']:.0%} right</h3><p>of {scores['n']} photos that it had not "
        f"seen (95 % interval: {low:.0%} to {high:.0%}).</p>"
    )


def _confused(pairs: list[dict]) -> str:
    """Return the pairs that were confused most, as HTML."""
    if not pairs:
        return "<p>It confused no two species.</p>"
    items = [
        f"<li>{row['n']} of {row['of']} <i>{html.escape(row['truth'])}</i> "
        f"taken for <i>{html.escape(row['answer'])}</i></li>"
        for row in pairs
    ]
    return f"<p>What it confused (plants of the test):</p><ul>{''.join(items)}</ul>"
