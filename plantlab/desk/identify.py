"""The identify desk: photos of a plant are uploaded, and a model says what it is."""

import html
from pathlib import Path
from typing import TYPE_CHECKING

import ipywidgets as widgets
from ipywidgets import Layout

from plantlab.data.photos import PhotoError, thumbnail
from plantlab.desk import tell
from plantlab.desk.review import ORGANS
from plantlab.desk.upload import Upload
from plantlab.identify.answer import MAX_PHOTOS
from plantlab.identify.where import Where, read_where, where_of
from plantlab.quality.votes import vote

if TYPE_CHECKING:  # a visitor of the page loads no torch
    from plantlab.desk.shared import Visitor
    from plantlab.identify.model import Identifier

CSS = Path(__file__).with_name("identify.css")
MENU = ("auto", *ORGANS, "other")
N_NAMES = 5  # of an answer
TOO_MANY = "<p>An answer takes up to five photos of a plant: the first five were taken.</p>"


def identify(model: "Identifier | Visitor", votes: str | Path | None = None) -> widgets.VBox:
    """Return a desk: photos of a plant are uploaded or taken, and the model says what it is.

    Or it says that it is not sure.

    Args:
        model: where it has `floras`, one may be chosen, then only its species are named.
        votes: a folder that keeps photos and what people say of them (votes.vote); None offers no
            vote.
    Introduced in notebook 02.
    """
    upload = Upload()
    one = widgets.Checkbox(
        True, description="they show one plant", indent=False, layout=Layout(width="auto")
    )
    flora = _choose_flora(model)
    place = Place(model)
    answers = widgets.VBox()

    def show(_) -> None:
        photos, refused = _read_uploads(upload.value)
        if one.value and len(photos) > MAX_PHOTOS:
            refused.append(widgets.HTML(TOO_MANY))
        plants = [photos] if one.value else [[photo] for photo in photos]
        cards = [_card(model, plant[:MAX_PHOTOS], flora, place, votes) for plant in plants if plant]
        answers.children = [*refused, *cards]

    for control in (upload, one):
        control.observe(show, "value")
    choices = widgets.HBox([upload, one, flora, place.use, place.field])
    choices.add_class("pl-vote")
    desk = widgets.VBox([_heading(model), choices, answers])
    desk.add_class("pl-desk")
    return desk


def _heading(model: "Identifier | Visitor") -> widgets.HTML:
    return widgets.HTML(
        f"<style>{CSS.read_text(encoding='utf-8')}</style><h2>What plant is this?</h2>"
        f"{_knows(model)}<p>One to five photos of it; a flower says most.</p>"
    )


def _knows(model: "Identifier | Visitor") -> str:
    return f"<p class='pl-knows {model.card['kind']}'>{html.escape(model.knows)}</p>"


def _choose_flora(model: "Identifier | Visitor") -> widgets.Dropdown:
    """Return a menu of species lists, not to be seen where the model has none."""
    options = [(f"all {len(model.species)} species", ())]
    for name, species in model.floras.items():
        options.append((name, tuple(species)))
    display = None if model.floras else "none"
    return widgets.Dropdown(options=options, layout=Layout(display=display))


class Place:
    """Where a plant was met: a field, and a switch; not to be seen where no place is known.

    Attributes:
        use: whether a place shall count.
        field: what is written; empty asks the photos.
    """

    def __init__(self, model: "Identifier | Visitor"):
        self.is_known = model.knows_places
        display = None if self.is_known else "none"
        words = "weigh with the place"
        self.use = widgets.Checkbox(
            True, description=words, indent=False, layout=Layout(width="auto", display=display)
        )
        self.field = widgets.Text(
            placeholder="latitude, longitude; else the photo's",
            continuous_update=False,
            layout=Layout(width="260px", display=display),
        )

    def where(self, photos: list[bytes]) -> Where | None:
        """Return where the plant was met, None where nobody says so, or it shall not count.

        Raises:
            ValueError: what is written is no place.
        """
        if not (self.is_known and self.use.value):
            return None
        said = self.field.value.strip()
        return read_where(said) if said else where_of(photos)


def _read_uploads(files: tuple[dict, ...]) -> tuple[list[bytes], list[widgets.HTML]]:
    """Return the photos among uploaded files, and a sentence about each file that is none."""
    photos = []
    refused = []
    for file in files:
        content = bytes(file["content"])
        try:
            thumbnail(content, 64)
            photos.append(content)
        except PhotoError as error:
            name = html.escape(file["name"])
            why = html.escape(str(error))
            refused.append(widgets.HTML(f"<p><b>{name}</b> was not read: {why}.</p>"))
    return photos, refused


def _card(
    model: "Identifier | Visitor",
    photos: list[bytes],
    flora: widgets.Dropdown,
    place: Place,
    votes: str | Path | None,
) -> widgets.VBox:
    """Return what the desk shows of one plant: photos, organs, answer, look-alikes, a vote."""
    plant = Plant(model, photos, flora, place)
    plant.ask()
    parts = [plant.strip(), plant.told]
    if votes is not None:
        parts.append(_vote_row(plant, votes))
    return widgets.VBox(parts)


class Plant:
    """One plant on the desk; the model is asked anew when a photo's organ or the flora changes.

    Attributes:
        organs: a menu for each photo.
        told: the answer.
        answered: its first name.
        species: the same, until a person writes another.
    """

    def __init__(
        self,
        model: "Identifier | Visitor",
        photos: list[bytes],
        flora: widgets.Dropdown,
        place: Place,
    ):
        self.model = model
        self.photos = photos
        self.flora = flora
        self.place = place
        self.answered = ""
        self.told = widgets.HTML()
        self.organs = [widgets.Dropdown(options=MENU, layout=Layout(width="128px")) for _ in photos]
        self.species = widgets.Combobox(
            options=model.species,
            placeholder="species",
            continuous_update=False,  # so that a vote finds all of the name
            layout=Layout(width="220px"),
        )
        for control in (*self.organs, flora, place.use, place.field):
            control.observe(self.ask, "value")

    def said_organs(self) -> list[str]:
        """Return what the menus say that each photo shows."""
        return [menu.value for menu in self.organs]

    def ask(self, _: object = None) -> None:
        """Ask the model, and show what it says."""
        try:
            where = self.place.where(self.photos)
        except ValueError as error:
            self.told.value = f"<p>{html.escape(str(error))}</p>"
            return
        organs = self.said_organs()
        answer = self.model.answer(self.photos, organs, self.flora.value, N_NAMES, where)
        self.answered = answer.names["species"].iloc[0]
        self.species.value = self.answered
        for organ, menu in zip(answer.organs, self.organs):
            if menu.value == "auto" and organ != "auto":
                menu.options = [(f"auto: {organ}", "auto"), *zip(MENU[1:], MENU[1:])]
        invented = self.model.card["kind"] == "generated"
        warning = _knows(self.model) if invented else ""  # no answer without a word of it
        names = tell.tell(answer, self.model.card["error"])
        self.told.value = warning + names + tell.pictures(answer, self._seen())

    def _seen(self) -> tuple | None:
        """Return the first photo and where it spoke for the answer, None where there is no map."""
        try:
            return self.model.look(self.photos[0], self.answered)
        except ValueError:  # a network without maps
            return None

    def strip(self) -> widgets.HBox:
        """Return the photos, each above the menu of its organ."""
        side = Layout(width="132px", height="132px")
        pairs = []
        for photo, menu in zip(self.photos, self.organs):
            picture = widgets.Image(value=thumbnail(photo, tell.PICTURE), layout=side)
            pairs.append(widgets.VBox([picture, menu]))
        strip = widgets.HBox(pairs)
        strip.add_class("pl-photos")
        return strip


def _vote_row(plant: Plant, votes: str | Path) -> widgets.HBox:
    """Return a row in which a person says what the plant is; the folder `votes` keeps it."""
    narrow = Layout(width="140px")
    by = widgets.Text(placeholder="your name", continuous_update=False, layout=narrow)
    button = widgets.Button(description="This is what it is", button_style="success")
    status = widgets.HTML()

    def keep(_) -> None:
        species = plant.species.value
        organs = plant.said_organs()
        try:
            vote(votes, plant.photos, species, by.value, organs, plant.answered)
            status.value = f"Kept: {html.escape(species)}. Thank you."
        except (ValueError, OSError) as error:
            status.value = html.escape(str(error))

    button.on_click(keep)
    row = widgets.HBox([plant.species, by, button, status])
    row.add_class("pl-vote")
    return row
