"""A class herbarium: phones bring plants, people vote on them, and the desk learns from that."""

import html
from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets
import pandas as pd
from ipywidgets import Layout

from plantlab.data.layouts.questions import journal_of
from plantlab.data.photos import PhotoError, thumbnail
from plantlab.desk.identify import CSS
from plantlab.desk.learning import Learning
from plantlab.desk.taught import Collection
from plantlab.desk.upload import Upload
from plantlab.files import project_root, write_whole
from plantlab.quality import votes

PICTURE = 264  # pixels
TITLE = "<h2>Our herbarium</h2>"
HOW = (
    "<p>Bring a plant: one to five photos of it, no faces, and what it is. Then say what the "
    "plants of others are. Where three agree, a plant is trusted, and is learnt from.</p>"
)
TOLD = ["obs_id", "species", "n_votes", "trusted"]  # of each plant, as votes.weigh tells
UNSAID = "<p>Every plant has your word. Bring another one.</p>"


def herbarium(name: str, root: str | Path | None = None) -> widgets.VBox:
    """Return the page of a class: plants are brought, voted on, and learnt from.

    Photos and votes lie in data/votes/NAME, what is learnt from in data/taught/NAME. Plants that a
    service was asked about are there to be voted on, too (`plantlab serve --keep data/votes/NAME`).

    Args:
        root: the folder of both, else data in the project.
    Introduced in notebook 08.
    """
    return _Herbarium(name, Path(root or project_root() / "data")).page


class _Herbarium:
    """The page's parts, and who stands before it."""

    def __init__(self, name: str, root: Path):
        self.folder = root / "votes" / name
        self.collection = Collection(name, root / "taught")
        self.photos: list[bytes] = []
        self.plant: pd.Series | None = None
        narrow = Layout(width="220px")
        self.by = widgets.Text(placeholder="your name", continuous_update=False, layout=narrow)
        self.by.observe(lambda _: self._show(), "value")
        self.upload = Upload(label="Bring a plant")
        self.upload.observe(self._brought, "value")
        self.note = widgets.HTML()
        self.mine = widgets.VBox()
        self.theirs = widgets.VBox()
        self.standing = widgets.HTML()
        learn = widgets.Button(description="Learn from the trusted plants", button_style="success")
        learn.on_click(self._learn)
        self.learning = Learning(self.collection)
        style = f"<style>{CSS.read_text(encoding='utf-8')}</style>"
        who = widgets.HBox([self.by, self.upload])
        who.add_class("pl-vote")
        parts = [widgets.HTML(style + TITLE + HOW), who, self.note, self.mine, self.theirs]
        self.page = widgets.VBox([*parts, self.standing, learn, self.learning.page])
        self.page.add_class("pl-desk")
        self._show()
        self.learning.show()

    # a plant of one's own

    def _brought(self, _: object) -> None:
        """Show the photos that came, and ask what they show."""
        self.photos = []
        for file in self.upload.value[:5]:
            try:
                thumbnail(file["content"], 64)
                self.photos.append(file["content"])
            except PhotoError as error:
                self.note.value = f"{html.escape(file['name'])}: {html.escape(str(error))}"
        if self.photos:
            pictures = [_picture(thumbnail(photo, PICTURE)) for photo in self.photos]
            self.mine.children = [_row(pictures), self._ask("This is it", self._keep_mine)]

    def _keep_mine(self, species: str) -> None:
        self._vote(self.photos, species)
        self.mine.children = []

    # plants of others

    def _show(self) -> None:
        """Show a plant that this person has not spoken about, and how things stand."""
        held = votes.read_votes(self.folder)
        told = votes.weigh(held) if len(held) else pd.DataFrame(columns=TOLD)
        trusted = told[told["trusted"].astype(bool)]
        counts = trusted["species"].value_counts()
        listed = ", ".join(f"<i>{html.escape(name)}</i> {n}" for name, n in counts.items())
        counted = f"Plants: {len(told)}, trusted: {len(trusted)}"
        self.standing.value = f"<p><b>{counted}</b>{': ' * bool(listed)}{listed}</p>"
        by = self.by.value.strip()
        spoken = held.loc[held["by"] == by, "obs_id"]
        plants = pd.concat([held, journal_of(self.folder)])  # what a service was asked, too
        open_plants = plants[~plants["obs_id"].isin(spoken)].drop_duplicates("obs_id")
        self.theirs.children = self._plant(open_plants, told) if by else []

    def _plant(self, open_plants: pd.DataFrame, told: pd.DataFrame) -> list[widgets.Widget]:
        """Return the plant with the fewest votes, and the question what it is."""
        if open_plants.empty:
            return [widgets.HTML(UNSAID)]
        n_votes = told.set_index("obs_id")["n_votes"]
        fewest = open_plants["obs_id"].map(n_votes).fillna(0).to_numpy().argmin()
        self.plant = open_plants.iloc[fewest]
        files = [self.folder / "photos" / name for name in self.plant["photos"]]
        pictures = [_picture(thumbnail(path, PICTURE)) for path in files]
        head = widgets.HTML("<h3>What is this?</h3>")
        return [head, _row(pictures), self._ask("Say so", self._keep_theirs)]

    def _keep_theirs(self, species: str) -> None:
        files = [self.folder / "photos" / name for name in self.plant["photos"]]
        self._vote([path.read_bytes() for path in files], species)

    # what both need

    def _ask(self, label: str, keep: Callable[[str], None]) -> widgets.HBox:
        """Return a field for a name, and a button that hands it on."""
        held = votes.read_votes(self.folder)
        names = sorted(held["species"].unique()) if len(held) else []
        species = widgets.Combobox(
            options=names,
            placeholder="species",
            continuous_update=False,  # else half a name may be what the button finds
            layout=Layout(width="220px"),
        )
        button = widgets.Button(description=label, button_style="primary")

        def press(_: object) -> None:
            try:
                keep(species.value)
                self.note.value = f"Kept: {html.escape(species.value)}. Thank you."
            except (ValueError, OSError) as error:
                self.note.value = html.escape(str(error))
                return
            self._show()

        button.on_click(press)
        row = widgets.HBox([species, button])
        row.add_class("pl-vote")
        return row

    def _vote(self, photos: list[bytes], species: str) -> None:
        name = " ".join(species.split())
        votes.vote(self.folder, photos, name[:1].upper() + name[1:], self.by.value)

    # learning

    def _learn(self, _: object) -> None:
        """Hand the trusted plants to a training, and show how it goes."""
        self._show()  # others may have voted meanwhile
        trusted = votes.trusted_images(self.folder)
        self._hand_over(trusted)
        plants = trusted.drop_duplicates("obs_id")["species"].value_counts()
        if (plants >= 3).sum() < 2:
            self.note.value = (
                "Two species with three trusted plants each are the least to learn from."
            )
            return
        self.note.value = ""
        self.collection.begin()
        self.learning.show()

    def _hand_over(self, trusted: pd.DataFrame) -> None:
        """List the trusted photos in the collection, with the plant that each shows."""
        write_whole(self.collection.photos / "images.csv", trusted.to_csv(index=False))


def _picture(jpeg: bytes) -> widgets.Image:
    return widgets.Image(value=jpeg)


def _row(pictures: list[widgets.Image]) -> widgets.HBox:
    row = widgets.HBox(pictures)
    row.add_class("pl-choices")
    return row
