"""A button for photos. The browser makes them small before they travel."""

from collections.abc import Callable
from pathlib import Path

import anywidget
import traitlets

MOST = 5000  # photos in one choice


class Upload(anywidget.AnyWidget):
    """Buttons to choose photos, or class folders of photos; what `value` holds when all are here.

    A photo comes as a JPEG of at most 1,280 pixels with the EXIF of its file; what the browser
    cannot read comes as it is.

    Attributes:
        label: of the button.
        folders: a zip or a folder may be chosen, instead of photos.
        value: of the last choice, a dict for each photo: its name (a path where folders were
            chosen), and content, its bytes; where `keep` is given it stays empty.
        choices: how many have arrived.
        passed: what was not taken, and why, by name.
    """

    _esm = Path(__file__).with_name("upload.js")
    _css = Path(__file__).with_name("upload.css")
    label = traitlets.Unicode("Choose or take photos").tag(sync=True)
    folders = traitlets.Bool(False).tag(sync=True)
    value = traitlets.Tuple()
    choices = traitlets.Int(0)

    def __init__(
        self,
        keep: Callable[[str, bytes], str] | None = None,
        known: Callable[[list[str]], tuple[list[int], str]] | None = None,
        **options: object,
    ):
        """Make the buttons.

        Args:
            keep: takes a photo's name and bytes at once, and returns "", or why it was not taken.
            known: takes all names and returns which rows to send, and a sentence about the rest.
        """
        super().__init__(**options)
        self._keep = keep
        self._known = known
        self._coming: list[dict] = []
        self.passed: dict[str, str] = {}
        self.on_msg(self._hear)

    def __repr__(self) -> str:  # what a stored notebook shows
        return f"a button, {self.label!r}, when this cell is run in Jupyter"

    def _hear(self, _widget: object, asked: dict, buffers: list) -> None:
        """Answer a message of the browser's side."""
        answer = {}
        if asked["do"] == "offer":
            answer = self._offered(asked["paths"])
        elif asked["do"] == "photo":
            answer["problem"] = self._take(asked["path"], bytes(buffers[0]))
        elif asked["do"] == "passed":
            self.passed[asked["path"]] = asked["why"]
        elif asked["do"] == "done":
            self.value = tuple(self._coming)
            self.choices += 1
        self.send({"id": asked["id"]} | answer)

    def _offered(self, paths: list[str]) -> dict:
        """Return which photos are wanted, and why the others are not."""
        self._coming = []
        self.passed = {}
        if len(paths) > MOST:
            return {"want": [], "why": f"{len(paths)} photos; at most {MOST} at a time."}
        if not paths:
            return {"want": [], "why": "No photo in it."}
        want, why = self._known(paths) if self._known else (list(range(len(paths))), "")
        return {"want": want, "why": why}

    def _take(self, name: str, content: bytes) -> str:
        """Keep a photo; return "", or why it was not taken."""
        if self._keep is None:
            self._coming.append({"name": name, "content": content})
            return ""
        problem = self._keep(name, content)
        if problem:
            self.passed[name] = problem
        return problem
