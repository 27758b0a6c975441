"""Small ipywidgets faces on the workbench."""

import html
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from pathlib import Path

import anywidget
import ipywidgets as widgets
import pandas as pd

from plantlab.decisions import decide, read_decisions
from plantlab.photos import PhotoError, open_photo
from plantlab.table import require


def identify(answer: Callable[[bytes], pd.DataFrame], warning: str = "") -> widgets.VBox:
    """Return an upload button that shows each photo with its five most likely species.

    Args:
        answer: takes the bytes of a photo, returns `Predictions.top(5)`: columns species, score.
        warning: one sentence that stands above every answer, such as which plants the model knows.

    Introduced in notebook 02.
    """
    upload = widgets.FileUpload(accept="image/*", multiple=True, description="Choose photos")
    answers = widgets.VBox()

    def card(name: str, content: bytes) -> widgets.Widget:
        name = html.escape(name)
        try:
            open_photo(content)
            table = answer(content)[["species", "score"]].style.bar("score", vmin=0, vmax=1, color="#8FD6BD")
        except PhotoError as error:
            return widgets.HTML(f"<p><b>{name}</b> was not read: {html.escape(str(error))}.</p>")
        table = table.format({"score": "{:.1%}"}, escape="html").set_properties("score", **{"min-width": "140px"})
        table = table.set_properties("species", **{"font-style": "italic", "padding-right": "16px"})
        place = widgets.Layout(width="240px", height="180px", margin="4px 16px 8px 0", object_fit="contain")
        photo = widgets.Image(value=content, layout=place)
        return widgets.HBox([photo, widgets.HTML(f"<b>{name}</b>{table.hide().hide(axis='columns').to_html()}")])

    def show(change) -> None:
        note = widgets.HTML(f"<p><b>{html.escape(warning)}</b></p>" if warning else "")
        answers.children = [note, *(card(file["name"], bytes(file["content"])) for file in change["new"])]

    upload.observe(show, "value")
    return widgets.VBox([upload, answers])


class Review(anywidget.AnyWidget):
    """Photos with their labels, to be kept, changed or dropped one by one: what `review` returns."""

    _esm, _css = Path(__file__).with_name("review.js"), Path(__file__).with_name("review.css")

    def __init__(self, photos: list[dict], file: str | Path, species: list[str], page: int, by: str):
        super().__init__()
        self.photos, self.file, self.species, self.page, self.by = photos, Path(file).absolute(), species, page, by
        self._pool, self._made = ThreadPoolExecutor(), {}  # (row, size): a JPEG, being made
        self.on_msg(lambda _, asked, __: self._answer(asked))

    def __repr__(self) -> str:  # what a stored notebook shows
        return f"{len(self.photos)} photos to review, when this cell is run in Jupyter"

    def states(self) -> list[dict | None]:
        """Return what the file holds about each photo, None where that is nothing."""
        held = read_decisions(self.file).set_index(["sha1", "label"])[["decision", "species"]].to_dict("index")
        return [held.get((photo["sha1"], photo["label"])) for photo in self.photos]

    def _answer(self, asked: dict) -> None:
        if asked["do"] == "open":
            shown = [{k: photo[k] for k in ("name", "label", "suggested", "why")} for photo in self.photos]
            self.send(asked | {"photos": shown, "species": self.species, "states": self.states(), "page": self.page})
        elif asked["do"] == "photos":
            for row, size in asked["want"] + asked["soon"]:  # the pool goes on with `soon` while the person looks
                if (row, size) not in self._made:
                    self._made[row, size] = self._pool.submit(_shrink, self.photos[row]["image_path"], size)
            made = [self._made.pop((row, size)).result() for row, size in asked["want"]]
            self.send(asked | {"problems": [problem for _, problem in made]}, [jpeg for jpeg, _ in made])
        else:
            self.send(asked | self._decide(**{k: asked[k] for k in ("row", "decision", "species")}))

    def _decide(self, row: int, decision: str, species: str) -> dict:
        photo = self.photos[row]
        try:
            if species and species not in self.species:
                near = get_close_matches(species, self.species, n=1)
                hint = f"; did you mean {near[0]}?" if near else "; name it in review(species=...)."
                raise ValueError(f"there is no species {species!r} here{hint}")
            decide(self.file, photo["sha1"], photo["label"], decision, species, self.by)
        except (ValueError, OSError) as error:
            return {"do": "refused", "why": str(error)}
        same = [i for i, p in enumerate(self.photos) if (p["sha1"], p["label"]) == (photo["sha1"], photo["label"])]
        state = None if decision == "undo" else {"decision": decision, "species": species}
        return {"do": "saved", "rows": same, "state": state}


def _shrink(path: str, size: int) -> tuple[bytes, str]:
    """Return a JPEG of at most `size` pixels, and why there is none."""
    jpeg = io.BytesIO()
    try:
        photo = open_photo(path, size)
    except PhotoError as error:
        return b"", str(error)
    photo.thumbnail((size, size))
    photo.save(jpeg, "JPEG", quality=85)
    return jpeg.getvalue(), ""


def review(suspects: pd.DataFrame, file: str | Path, species=(), why=("score",), page=12, by="") -> Review:
    """Return photos, in the order of `suspects`, to confirm, relabel or drop by key, click or touch.

    A decision is on the disk before it is shown as made, and is there again after a restart.

    Args:
        suspects: an image table with sha1, the most doubtful first; where it has `suggested`, a species or a list of
            them, a key takes it.
        file: where decisions are kept, such as decisions.decisions_file(images).
        species: names that a photo may get, besides those of the table.
        why: columns that say what makes a photo doubtful, shown beside it.
        page: thumbnails on a page.
        by: who decides; kept with every decision.
    Raises:
        TableError: a column is missing. ValueError: `file` holds something else.

    Introduced in notebook 04.
    """
    require(suspects, "image_path", "sha1", "species", *why)
    photos = []
    for row in suspects.to_dict("records"):
        label, guess = row["species"], row.get("suggested")
        row["name"], row["label"] = Path(row["image_path"]).name, label if isinstance(label, str) else ""
        guess = [guess] if isinstance(guess, str) else list(guess) if hasattr(guess, "__iter__") else []
        row["suggested"] = [name for name in guess if name not in ("", label)]
        row["why"] = ", ".join(row[c] if isinstance(row[c], str) else f"{c} {round(row[c], 3):g}" for c in why)
        photos.append(row)
    names = {*species, *(p["label"] for p in photos), *(name for p in photos for name in p["suggested"])} - {""}
    widget = Review(photos, file, sorted(names), page, by)
    widget.states()  # a file that is no file of decisions is said so here
    return widget
