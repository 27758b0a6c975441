"""The page on which people teach the desk: photos in, a verdict, a training, and its answers."""

import asyncio
import html
from pathlib import Path

import ipywidgets as widgets
import pandas as pd
from ipywidgets import Layout

from plantlab.data.table import TableError
from plantlab.desk.identify import CSS, identify
from plantlab.desk.review import review
from plantlab.desk.taught import Collection
from plantlab.desk.upload import Upload

EVERY = 1.0  # seconds between two looks at a training
SAID = {  # what a step is called
    "begins": "The training begins.",
    "waits": "Another training is under way on this machine; yours is next in line.",
    "looks": "It looks at the photos.",
    "learns": "It learns.",
    "examines": "It is examined on photos that it has not seen.",
    "stopped": "The training was stopped; it goes on where it was.",
}
TITLE = "<h2>Teach it your plants</h2>"
HOW = (
    "<p>A folder, or a zip of it, with a folder for each species, named after it, and at least ten "
    "photos of each. Your browser makes them small before they travel.</p>"
)


def teach(root: str | Path | None = None) -> widgets.VBox:
    """Return a page: class folders are uploaded, judged and trained on; then it can be asked.

    A collection has a name, under which its owner finds it again; the training goes on when the
    page is left.

    Args:
        root: the folder of all collections; else data/taught in the project.
    Introduced in notebook 08.
    """
    return _Teacher(root).page


class _Teacher:
    """The page's parts, and the collection that is open on it."""

    def __init__(self, root: str | Path | None):
        self.root = root
        self.collection: Collection | None = None
        self.shown = ""  # the step that the page shows
        style = f"<style>{CSS.read_text(encoding='utf-8')}</style>"
        self.name = widgets.Text(
            placeholder="a name for your photos",
            continuous_update=False,  # so that a press finds all of it
            layout=Layout(width="220px"),
        )
        begin = widgets.Button(description="Begin", button_style="primary")
        again = widgets.Button(description="Go on with mine")
        begin.on_click(lambda _: self._open(is_new=True))
        again.on_click(lambda _: self._open(is_new=False))
        self.note = widgets.HTML()
        self.photos = widgets.VBox()
        self.training = widgets.VBox()
        who = widgets.HBox([self.name, begin, again])
        who.add_class("pl-vote")
        parts = [widgets.HTML(style + TITLE), who, self.note, self.photos, self.training]
        self.page = widgets.VBox(parts)
        self.page.add_class("pl-desk")

    # a collection

    def _open(self, is_new: bool) -> None:
        """Open a collection: a new one whose name is free, or one that is there."""
        try:
            collection = Collection(self.name.value, self.root)
        except ValueError as error:
            self.note.value = _escaped(error)
            return
        if is_new and collection.exists():
            self.note.value = (
                "There are photos under this name. If they are yours, go on with them."
            )
            return
        if not is_new and not collection.exists():
            self.note.value = "There are no photos under this name yet. Begin with them."
            return
        self.collection = collection
        self.shown = ""
        self.note.value = ""
        upload = Upload(keep=collection.keep, known=collection.known, folders=True)
        upload.observe(self._arrived, "choices")
        self.upload = upload
        self.holds = widgets.HTML()
        self.photos.children = [widgets.HTML(HOW), upload, self.holds]
        collection.go_on()
        self._show()

    def _arrived(self, _: object) -> None:
        """Say what was not taken, and show the collection with the photos that have come."""
        passed = [f"{name}: {why}" for name, why in list(self.upload.passed.items())[:5]]
        self.note.value = "<br>".join(map(_escaped, passed))
        self.shown = ""
        self._show()

    # what the page shows of it

    def _show(self) -> None:
        """Show the step that the collection is at, and look again while it is trained on."""
        state = self.collection.state()
        step = state["step"]
        if step != self.shown:
            self.training.children = self._parts(state)
            self.shown = step
        if step in SAID:
            self._tell(state)
            self._look_again()

    def _parts(self, state: dict) -> list[widgets.Widget]:
        """Return what stands below the photos at a step."""
        if not self.collection.exists():
            return []
        if state["step"] in SAID:
            self.bar = widgets.FloatProgress(max=1.0, layout=Layout(width="100%"))
            self.told = widgets.HTML()
            return [self.told, self.bar]
        verdict = self._verdict()
        if state["step"] == "failed":
            return [*verdict, widgets.HTML(f"<p>It did not learn: {_escaped(state['why'])}</p>")]
        return [*verdict, *(self._results() if state["step"] == "done" else [])]

    def _verdict(self) -> list[widgets.Widget]:
        """Return what notebook 01 says of the photos, and the button that trains, if it can be."""
        try:
            verdict, images = self.collection.verdict()
        except TableError as error:
            return [widgets.HTML(f"<p>{_escaped(error)}</p>")]
        counts = images["species"].value_counts()
        listed = ", ".join(f"<i>{_escaped(name)}</i> {n}" for name, n in counts.head(20).items())
        more = f" and {len(counts) - 20} more" if len(counts) > 20 else ""
        self.holds.value = f"<p>{len(images)} photos: {listed}{more}.</p>"
        first, *reasons = str(verdict).splitlines()
        items = "".join(f"<li>{_escaped(reason.removeprefix('- '))}</li>" for reason in reasons)
        said = widgets.HTML(f"<p><b>{_escaped(first)}</b></p><ul>{items}</ul>")
        again = "Train again" if self.collection.found() else "Train"
        train = widgets.Button(description=again, button_style="success")
        train.on_click(self._train)
        return [said, train] if len(counts) > 1 else [said]

    def _train(self, _: object) -> None:
        self.collection.begin()
        self._show()

    def _tell(self, state: dict) -> None:
        """Say how far the training is."""
        left = state.get("seconds_left")
        time = "" if left is None else f" {_minutes(left)} left; you may close the page meanwhile."
        self.told.value = f"<p>{SAID[state['step']]}{time}</p>"
        self.bar.value = state.get("share", 1.0 if state["step"] == "examines" else 0.0)
        if state["step"] == "stopped":
            self.collection.go_on()

    def _look_again(self) -> None:
        """Look at the training again in a second, as long as this collection is open."""
        collection = self.collection

        async def later() -> None:
            await asyncio.sleep(EVERY)
            if self.collection is collection:
                self._show()

        try:
            self.later = asyncio.get_running_loop().create_task(later())
        except RuntimeError:  # outside of a kernel nobody looks
            return

    # what came of it

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


def _escaped(said: object) -> str:
    return html.escape(str(said))


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
        f"<li>{row['n']} of {row['of']} <i>{_escaped(row['truth'])}</i> "
        f"taken for <i>{_escaped(row['answer'])}</i></li>"
        for row in pairs
    ]
    return f"<p>What it confused (plants of the test):</p><ul>{''.join(items)}</ul>"
