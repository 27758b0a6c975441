"""Small ipywidgets faces on the workbench."""

import base64
import html
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from pathlib import Path

import anywidget
import ipywidgets as widgets
import pandas as pd
from matplotlib import colormaps
from PIL import Image

from plantlab.data.photos import PhotoError, thumbnail
from plantlab.data.table import require
from plantlab.quality.decisions import decide_all, read_decisions
from plantlab.quality.votes import vote

ORGANS = ("flower", "leaf", "fruit", "habit", "bark")


def identify(model, votes: str | Path | None = None) -> widgets.VBox:
    """Return a desk: photos of a plant are uploaded or taken, and the model says what it is, or that it is not sure.

    Args:
        model: an identifier.Identifier; where it has `floras`, one may be chosen, then only its species are named.
        votes: a folder that keeps photos and what people say of them (votes.vote); None offers no vote.
    Introduced in notebook 02.
    """
    style = f"<style>{Path(__file__).with_name('identify.css').read_text(encoding='utf-8')}</style>"
    upload = widgets.FileUpload(
        accept="image/*,.heic,.heif", multiple=True, description="Choose or take photos"
    )
    one = widgets.Checkbox(
        True, description="they show one plant", indent=False, layout=widgets.Layout(width="auto")
    )
    lists = [
        (f"all {len(model.species)} species", ()),
        *((name, tuple(ls)) for name, ls in model.floras.items()),
    ]
    flora = widgets.Dropdown(
        options=lists, layout=widgets.Layout(display=None if model.floras else "none")
    )
    knows = f"<p class='pl-knows {model.card['kind']}'>{html.escape(model.knows)}</p>"
    above = (
        knows if model.card["kind"] == "generated" else ""
    )  # no answer about invented plants without a word of it
    answers = widgets.VBox()

    def show(_) -> None:
        photos, refused = [], []
        for file in upload.value:
            name, content = html.escape(file["name"]), bytes(file["content"])
            try:
                thumbnail(content, 64)
                photos.append((name, content))
            except PhotoError as error:
                refused.append(
                    widgets.HTML(f"<p><b>{name}</b> was not read: {html.escape(str(error))}.</p>")
                )
        plants = [photos] if one.value else [[photo] for photo in photos]
        if one.value and len(photos) > 5:
            refused.append(
                widgets.HTML(
                    "<p>An answer takes up to five photos of a plant: the first five were taken.</p>"
                )
            )
        cards = [_plant(model, plant[:5], flora, above, votes) for plant in plants if plant]
        answers.children = [*refused, *cards]

    for control in (upload, one):
        control.observe(show, "value")
    top = widgets.HTML(
        f"{style}<h2>What plant is this?</h2>{knows}<p>One to five photos of it; a flower says most.</p>"
    )
    desk = widgets.VBox([top, widgets.HBox([upload, one, flora]), answers])
    desk.children[1].add_class("pl-vote")
    desk.add_class("pl-desk")
    return desk


def _plant(
    model, photos: list[tuple[str, bytes]], flora: widgets.Dropdown, above: str, votes
) -> widgets.VBox:
    """Return the card of one plant: its photos with their organs, the answer, look-alikes, a vote."""
    told, contents = widgets.HTML(), [content for _, content in photos]
    organs = [
        widgets.Dropdown(options=("auto", *ORGANS, "other"), layout=widgets.Layout(width="128px"))
        for _ in photos
    ]
    species = widgets.Combobox(
        options=model.species, placeholder="species", layout=widgets.Layout(width="220px")
    )
    answered = {}

    def ask(_=None) -> None:
        answer = model.answer(contents, [organ.value for organ in organs], flora.value)
        first = answer.names["species"].iloc[0]
        answered["said"] = species.value = first
        for organ, menu in zip(answer.organs, organs):
            if menu.value == "auto" and organ != "auto":
                menu.options = [
                    (f"auto: {organ}", "auto"),
                    *((name, name) for name in (*ORGANS, "other")),
                ]
        told.value = (
            above + tell(answer, model.card["error"]) + _pictures(model, answer, contents[0], first)
        )

    def keep(_) -> None:
        try:
            vote(
                votes,
                contents,
                species.value,
                by.value,
                [organ.value for organ in organs],
                answered["said"],
            )
            status.value = f"Kept: {html.escape(species.value)}. Thank you."
        except (ValueError, OSError) as error:
            status.value = html.escape(str(error))

    for control in (*organs, flora):
        control.observe(ask, "value")
    place = widgets.Layout(width="132px", height="132px")
    pairs = [
        widgets.VBox([widgets.Image(value=thumbnail(c, 264), layout=place), o])
        for c, o in zip(contents, organs)
    ]
    strip = widgets.HBox(pairs)
    strip.add_class("pl-photos")
    ask()
    if votes is None:
        return widgets.VBox([strip, told])
    by = widgets.Text(placeholder="your name", layout=widgets.Layout(width="140px"))
    button, status = (
        widgets.Button(description="This is what it is", button_style="success"),
        widgets.HTML(),
    )
    button.on_click(keep)
    row = widgets.HBox([species, by, button, status])
    row.add_class("pl-vote")
    return widgets.VBox([strip, told, row])


def tell(answer, error: float) -> str:
    """Return an identifier.Answer as HTML: how sure it is in words, then the names with bars.

    `error` is the share of such answers that was wrong on valid, at most.
    """
    wrong = f"<small>At most {error:.0%} of such answers were wrong in a test.</small>"
    name = f"<i>{html.escape(answer.name)}</i>"
    said = {
        "species": name + wrong,
        "genus": f"Not sure of the species: genus {name}{wrong}",
        "family": f"Not sure of the genus: family {name}{wrong}",
    }.get(answer.rank, "Not sure. Most likely:")
    if answer.unlike:
        said = "Unlike anything this model has learnt.<small>Another plant, or no plant. If it is one of its own:</small>"
    bar = "<div class='pl-bar' style='width:{:.0%}'></div>"
    rows = [
        f"<tr><td>{html.escape(row.species)}</td><td>{bar.format(row.score)}</td><td>{row.score:.1%}</td></tr>"
        for row in answer.names.itertuples()
    ]
    return f"<div class='pl-said'>{said}</div><table class='pl-names'>{''.join(rows)}</table>"


def _pictures(model, answer, photo: bytes, species: str) -> str:
    """Return HTML of what in a photo spoke for `species`, and of a reference photo of each name, to compare with."""
    shown = []
    try:
        pixels, heat = model.look(photo, species)
        glow = 0.45 * pixels + 0.55 * 255 * colormaps["viridis"](heat)[..., :3]
        jpeg = thumbnail(Image.fromarray(glow.astype("uint8")), 264)
        shown.append((jpeg, f"bright: what spoke for <i>{html.escape(species)}</i>"))
    except ValueError:  # a network without maps
        pass
    for row in answer.alike.itertuples():
        if row.thumbnail is not None:
            shown.append(
                (row.thumbnail, f"<i>{html.escape(row.species)}</i><br>alike {row.similarity:.2f}")
            )
    figures = [
        f"<figure><img alt='' src='{_uri(jpeg)}'><figcaption>{text}</figcaption></figure>"
        for jpeg, text in shown
    ]
    names = ", ".join(
        f"<i>{html.escape(r.species)}</i> {r.similarity:.2f}" for r in answer.alike.itertuples()
    )
    plain = (
        "" if len(shown) > 1 else f"<p>Most alike of the photos learnt from (cosine): {names}.</p>"
    )
    return f"<div class='pl-row'>{''.join(figures)}</div>{plain}"


def _uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


class Review(anywidget.AnyWidget):
    """Photos with their labels, to be kept, changed or dropped one by one: what `review` returns."""

    _esm, _css = Path(__file__).with_name("review.js"), Path(__file__).with_name("review.css")

    def __init__(
        self, photos: list[dict], file: str | Path, species: list[str], page: int, by: str
    ):
        super().__init__()
        self.photos, self.file, self.species, self.page, self.by = (
            photos,
            Path(file).absolute(),
            species,
            page,
            by,
        )
        self.choices: list[
            str
        ] = []  # what the digits stand for; else each photo has its own suggestions
        self._pool, self._made = ThreadPoolExecutor(), {}  # (row, size): a JPEG, being made
        self.on_msg(lambda _, asked, __: self._answer(asked))

    def __repr__(self) -> str:  # what a stored notebook shows
        return f"{len(self.photos)} photos to review, when this cell is run in Jupyter"

    def states(self) -> list[dict | None]:
        """Return what the file holds about each photo, None where that is nothing."""
        held = (
            read_decisions(self.file)
            .set_index(["sha1", "label"])[["decision", "species"]]
            .to_dict("index")
        )
        return [held.get((photo["sha1"], photo["label"])) for photo in self.photos]

    def _answer(self, asked: dict) -> None:
        if asked["do"] == "open":
            shown = [
                {k: photo[k] for k in ("name", "label", "suggested", "why")}
                for photo in self.photos
            ]
            about = {"species": self.species, "choices": self.choices, "page": self.page}
            self.send(asked | about | {"photos": shown, "states": self.states()})
        elif asked["do"] == "photos":
            for row, size in (
                asked["want"] + asked["soon"]
            ):  # the pool goes on with `soon` while the person looks
                if (row, size) not in self._made:
                    self._made[row, size] = self._pool.submit(
                        _shrink, self.photos[row]["image_path"], size
                    )
            made = [self._made.pop((row, size)).result() for row, size in asked["want"]]
            self.send(
                asked | {"problems": [problem for _, problem in made]}, [jpeg for jpeg, _ in made]
            )
        else:
            self.send(
                asked | self._decide(**{k: asked[k] for k in ("rows", "decision", "species")})
            )

    def _decide(self, rows: list[int], decision: str, species: str) -> dict:
        about = [(photo["sha1"], photo["label"]) for photo in self.photos]
        decided = dict.fromkeys(about[row] for row in rows)  # each once
        try:
            if species and species not in self.species:
                near = get_close_matches(species, self.species, n=1)
                hint = f"; did you mean {near[0]}?" if near else "; name it in review(species=...)."
                raise ValueError(f"there is no species {species!r} here{hint}")
            decide_all(self.file, decided, decision, species, self.by)
        except (ValueError, OSError) as error:
            return {"do": "refused", "why": str(error)}
        state = None if decision == "undo" else {"decision": decision, "species": species}
        return {
            "do": "saved",
            "rows": [i for i, each in enumerate(about) if each in decided],
            "state": state,
        }


def _shrink(path: str, size: int) -> tuple[bytes, str]:
    """Return a JPEG of at most `size` pixels, and why there is none."""
    try:
        return thumbnail(path, size), ""
    except PhotoError as error:
        return b"", str(error)


def review(
    suspects: pd.DataFrame, file: str | Path, species=(), why=("score",), page=12, by=""
) -> Review:
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
        row["name"], row["label"] = (
            Path(row["image_path"]).name,
            label if isinstance(label, str) else "",
        )
        guess = (
            [guess] if isinstance(guess, str) else list(guess) if hasattr(guess, "__iter__") else []
        )
        row["suggested"] = [name for name in guess if name not in ("", label)]
        row["why"] = ", ".join(
            row[c] if isinstance(row[c], str) else f"{c} {round(row[c], 3):g}" for c in why
        )
        photos.append(row)
    names = {
        *species,
        *(p["label"] for p in photos),
        *(name for p in photos for name in p["suggested"]),
    } - {""}
    widget = Review(photos, file, sorted(names), page, by)
    widget.states()  # a file that is no file of decisions is said so here
    return widget


def annotate(images: pd.DataFrame, file: str | Path, organs=ORGANS, page=50, by="") -> Review:
    """Return photos sorted by the organ that a model sees, for `review`: digits correct one, A accepts the page's rest.

    A wrong photo stands out among its like, so that a person looks at pages and not at photos. A decision's label is
    the model's organ.

    Args:
        images: an image table with sha1, organ (as predicted) and confidence, in [0, 1].
        organs: what the digits 1, 2, ... stand for.
    Raises:
        TableError: a column is missing. ValueError: `file` holds something else.

    Introduced in notebook 06.
    """
    require(images, "organ", "confidence")
    shown = images.assign(species=images["organ"]).sort_values(
        ["organ", "confidence"], kind="stable"
    )
    widget = review(
        shown.drop(columns="suggested", errors="ignore"), file, organs, ["confidence"], page, by
    )
    widget.choices = list(organs)
    return widget
