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

    def row(species: str, score: float) -> str:
        bar = f"<div style='background:#009E73;height:10px;border-radius:3px;width:{max(2, 160 * score):.0f}px'></div>"
        cells = f"<td><i>{html.escape(species)}</i></td><td>{bar}</td><td>{100 * score:.1f} %</td>"
        return f"<tr style='line-height:1.7'>{cells}</tr>"

    def card(name: str, content: bytes) -> widgets.Widget:
        try:
            open_photo(content)
            rows = "".join(row(r.species, r.score) for r in answer(content).itertuples())
        except PhotoError as error:
            return widgets.HTML(f"<p><b>{html.escape(name)}</b> was not read: {html.escape(str(error))}.</p>")
        photo = widgets.Image(value=content, layout=widgets.Layout(height="180px", margin="4px 16px 4px 0"))
        return widgets.HBox([photo, widgets.HTML(f"<b>{html.escape(name)}</b><table>{rows}</table>")])

    def show(change) -> None:
        cards = [card(file["name"], bytes(file["content"])) for file in change["new"]]
        note = widgets.HTML(f"<p><b>{html.escape(warning)}</b></p>") if warning else widgets.HTML()
        answers.children = [note, *cards]

    upload.observe(show, "value")
    return widgets.VBox([upload, answers])
