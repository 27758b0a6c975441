"""The review desk: photos with their labels, kept, changed or dropped one by one or by the page."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from pathlib import Path

import anywidget
import pandas as pd

from plantlab.data.photos import PhotoError, thumbnail
from plantlab.data.table import require
from plantlab.quality.decisions import decide_all, read_decisions

ORGANS = ("flower", "leaf", "fruit", "habit", "bark")
SENT = ("name", "label", "suggested", "why")  # of a photo to the browser, which needs no path


class Review(anywidget.AnyWidget):
    """Photos with their labels, to be kept, changed or dropped: what `review` returns.

    Attributes:
        photos: of each image_path, sha1, name, label, suggested and why.
        file: where decisions are kept.
        species: names that a photo may get.
        page: thumbnails on a page.
        by: who decides.
        choices: what the digits stand for; where it is empty each photo has its own suggestions.
    """

    _esm = Path(__file__).with_name("review.js")
    _css = Path(__file__).with_name("review.css")

    def __init__(
        self, photos: list[dict], file: str | Path, species: list[str], page: int, by: str
    ):
        super().__init__()
        self.photos = photos
        self.file = Path(file).absolute()
        self.species = species
        self.page = page
        self.by = by
        self.choices: list[str] = []
        self._pool = ThreadPoolExecutor()
        self._made = {}  # (row, size): a JPEG, being made
        self.on_msg(self._hear)

    def __repr__(self) -> str:  # what a stored notebook shows
        return f"{len(self.photos)} photos to review, when this cell is run in Jupyter"

    def states(self) -> list[dict | None]:
        """Return what the file holds about each photo, None where that is nothing."""
        decisions = read_decisions(self.file).set_index(["sha1", "label"])
        held = decisions[["decision", "species"]].to_dict("index")
        return [held.get(_key(photo)) for photo in self.photos]

    def _hear(self, _widget: object, asked: dict, _buffers: list) -> None:
        """Answer a message of the browser's side."""
        jpegs = None
        if asked["do"] == "open":
            told = self._open()
        elif asked["do"] == "photos":
            told, jpegs = self._show(asked["want"], asked["soon"])
        else:
            told = self._decide(asked["rows"], asked["decision"], asked["species"])
        self.send(asked | told, jpegs)

    def _open(self) -> dict:
        """Return all that is known of the photos, less the pictures."""
        return {
            "species": self.species,
            "choices": self.choices,
            "page": self.page,
            "photos": [_for_browser(photo) for photo in self.photos],
            "states": self.states(),
        }

    def _show(self, want: list[list[int]], soon: list[list[int]]) -> tuple[dict, list[bytes]]:
        """Return JPEGs of the pairs (row, size) in `want`, and why there is none.

        The pool goes on with `soon` while the person looks.
        """
        for row, size in want + soon:
            if (row, size) not in self._made:
                path = self.photos[row]["image_path"]
                self._made[row, size] = self._pool.submit(_shrink, path, size)
        jpegs = []
        problems = []
        for row, size in want:
            jpeg, problem = self._made.pop((row, size)).result()
            jpegs.append(jpeg)
            problems.append(problem)
        return {"problems": problems}, jpegs

    def _decide(self, rows: list[int], decision: str, species: str) -> dict:
        """Keep a decision on the photos of `rows`, and say so: also copies of them are decided."""
        keys = [_key(photo) for photo in self.photos]
        decided = dict.fromkeys(keys[row] for row in rows)  # each once
        try:
            self._check_species(species)
            decide_all(self.file, decided, decision, species, self.by)
        except (ValueError, OSError) as error:
            return {"do": "refused", "why": str(error)}
        state = {"decision": decision, "species": species}
        return {
            "do": "saved",
            "rows": [row for row, key in enumerate(keys) if key in decided],
            "state": None if decision == "undo" else state,
        }

    def _check_species(self, species: str) -> None:
        if not species or species in self.species:
            return
        near = get_close_matches(species, self.species, n=1)
        hint = f"; did you mean {near[0]}?" if near else "; name it in review(species=...)."
        raise ValueError(f"there is no species {species!r} here{hint}")


def review(
    suspects: pd.DataFrame,
    file: str | Path,
    species: Iterable[str] = (),
    why: Sequence[str] = ("score",),
    page: int = 12,
    by: str = "",
) -> Review:
    """Return photos to confirm, relabel or drop by key, click or touch, in the order of `suspects`.

    A decision is on the disk before it is shown as made, and is there again after a restart.

    Args:
        suspects: an image table with sha1, the most doubtful first; where it has `suggested`, a
            species or a list of them, a key takes it.
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
    photos = [_photo(row, why) for row in suspects.to_dict("records")]
    names = set(species)
    for photo in photos:
        names |= {photo["label"], *photo["suggested"]}
    widget = Review(photos, file, sorted(names - {""}), page, by)
    widget.states()  # a file that is no file of decisions is said so here
    return widget


def annotate(
    images: pd.DataFrame,
    file: str | Path,
    organs: Sequence[str] = ORGANS,
    page: int = 50,
    by: str = "",
) -> Review:
    """Return photos sorted by the organ that a model sees, for `review`.

    Digits correct one, A accepts the page's rest. A wrong photo stands out among its like, so that
    a person looks at pages and not at photos. A decision's label is the model's organ.

    Args:
        images: an image table with sha1, organ (as predicted) and confidence, in [0, 1].
        organs: what the digits 1, 2, ... stand for.
    Raises:
        TableError: a column is missing. ValueError: `file` holds something else.

    Introduced in notebook 06.
    """
    require(images, "organ", "confidence")
    labelled = images.assign(species=images["organ"]).drop(columns="suggested", errors="ignore")
    shown = labelled.sort_values(["organ", "confidence"], kind="stable")
    widget = review(shown, file, organs, ["confidence"], page, by)
    widget.choices = list(organs)
    return widget


def _photo(row: dict, why: Sequence[str]) -> dict:
    """Return what Review holds of a photo, from its row of the table."""
    label = row["species"] if isinstance(row["species"], str) else ""
    reasons = [_reason(column, row[column]) for column in why]
    return {
        "image_path": row["image_path"],
        "sha1": row["sha1"],
        "name": Path(row["image_path"]).name,
        "label": label,
        "suggested": [name for name in _as_list(row.get("suggested")) if name not in ("", label)],
        "why": ", ".join(reasons),
    }


def _reason(column: str, value: object) -> str:
    return value if isinstance(value, str) else f"{column} {round(value, 3):g}"


def _as_list(names: object) -> list[str]:
    """Return the names of a cell that holds one, a list of them, or nothing."""
    if isinstance(names, str):
        return [names]
    return list(names) if hasattr(names, "__iter__") else []


def _key(photo: dict) -> tuple[str, str]:
    """Return what a decision is about: a photo under a label."""
    return photo["sha1"], photo["label"]


def _for_browser(photo: dict) -> dict:
    return {name: photo[name] for name in SENT}


def _shrink(path: str, size: int) -> tuple[bytes, str]:
    """Return a JPEG of at most `size` pixels, and why there is none."""
    try:
        return thumbnail(path, size), ""
    except PhotoError as error:
        return b"", str(error)
