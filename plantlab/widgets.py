"""Small ipywidgets faces on the workbench."""

import html
from collections.abc import Callable

import ipywidgets as widgets
import pandas as pd

from plantlab.photos import PhotoError, open_photo


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
        table = table.format({"score": "{:.1%}"}, escape="html").set_properties("species", **{"font-style": "italic"})
        photo = widgets.Image(value=content, layout=widgets.Layout(height="180px", margin="4px 16px 4px 0"))
        return widgets.HBox([photo, widgets.HTML(f"<b>{name}</b>{table.hide().hide(axis='columns').to_html()}")])

    def show(change) -> None:
        note = widgets.HTML(f"<p><b>{html.escape(warning)}</b></p>" if warning else "")
        answers.children = [note, *(card(file["name"], bytes(file["content"])) for file in change["new"])]

    upload.observe(show, "value")
    return widgets.VBox([upload, answers])
