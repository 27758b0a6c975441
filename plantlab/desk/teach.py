"""The page on which people teach the desk: photos in, a verdict, a training, and its answers."""

import html
from pathlib import Path

import ipywidgets as widgets
from ipywidgets import Layout

from plantlab.data.table import TableError
from plantlab.desk.identify import CSS
from plantlab.desk.learning import SAID, Learning
from plantlab.desk.taught import Collection
from plantlab.desk.upload import Upload

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
        self.learning: Learning | None = None
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
            self.note.value = html.escape(str(error))
            return
        if is_new and collection.exists():
            self.note.value = (
                "There are photos under this name. If they are yours, go on with them."
            )
            return
        if not is_new and not collection.exists():
            self.note.value = "There are no photos under this name yet. Begin with them."
            return
        if self.learning:
            self.learning.leave()
        self.collection = collection
        self.note.value = ""
        self.upload = Upload(keep=collection.keep, known=collection.known, folders=True)
        self.upload.observe(self._arrived, "choices")
        self.holds = widgets.HTML()
        self.verdict = widgets.VBox()
        self.photos.children = [widgets.HTML(HOW), self.upload, self.holds]
        self.learning = Learning(collection, self._judge)
        self.training.children = [self.verdict, self.learning.page]
        self.learning.show()

    def _arrived(self, _: object) -> None:
        """Say what was not taken, and judge the photos that have come."""
        passed = [f"{name}: {why}" for name, why in list(self.upload.passed.items())[:5]]
        self.note.value = "<br>".join(map(html.escape, passed))
        self._judge(self.learning.step)

    def _judge(self, step: str) -> None:
        """Show what notebook 01 says of the photos, unless they are being learnt from."""
        shows = self.collection.exists() and step not in SAID
        self.verdict.children = self._judged() if shows else []

    def _judged(self) -> list[widgets.Widget]:
        """Return the verdict, and the button that trains, if it can be."""
        try:
            verdict, images = self.collection.verdict()
        except TableError as error:
            return [widgets.HTML(f"<p>{html.escape(str(error))}</p>")]
        counts = images["species"].value_counts()
        listed = ", ".join(f"<i>{html.escape(name)}</i> {n}" for name, n in counts.head(20).items())
        more = f" and {len(counts) - 20} more" if len(counts) > 20 else ""
        self.holds.value = f"<p>{len(images)} photos: {listed}{more}.</p>"
        first, *reasons = str(verdict).splitlines()
        items = "".join(f"<li>{html.escape(reason.removeprefix('- '))}</li>" for reason in reasons)
        said = widgets.HTML(f"<p><b>{html.escape(first)}</b></p><ul>{items}</ul>")
        again = "Train again" if self.collection.found() else "Train"
        train = widgets.Button(description=again, button_style="success")
        train.on_click(self._train)
        return [said, train] if len(counts) > 1 else [said]

    def _train(self, _: object) -> None:
        self.collection.begin()
        self.learning.show()
