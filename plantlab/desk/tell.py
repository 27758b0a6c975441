"""An answer about a plant as HTML: how sure it is in words, names with bars, photos to compare."""

import base64
import html

import numpy as np
from PIL import Image

from plantlab.data.photos import thumbnail
from plantlab.identify.answer import Answer

PICTURE = 264  # pixels
UNLIKE = (
    "Unlike anything this model has learnt."
    "<small>Another plant, or no plant. If it is one of its own:</small>"
)


def tell(answer: Answer, error: float) -> str:
    """Return an Answer as HTML: how sure it is in words, then the names with bars.

    Args:
        error: the share of such answers that was wrong on valid, at most.
    """
    rows = []
    for row in answer.names.itertuples():
        name = html.escape(row.species)
        bar = f"<div class='pl-bar' style='width:{row.score:.0%}'></div>"
        rows.append(f"<tr><td>{name}</td><td>{bar}</td><td>{row.score:.1%}</td></tr>")
    said = UNLIKE if answer.unlike else _how_sure(answer, error)
    table = f"<table class='pl-names'>{''.join(rows)}</table>"
    return f"<div class='pl-said'>{said}</div>{table}{_placed(answer.place)}"


def _placed(place: str) -> str:
    """Return a line that says which place was taken into account, "" where none was."""
    return f"<p><small>Weighed with what grows at {html.escape(place)}.</small></p>" * bool(place)


def _how_sure(answer: Answer, error: float) -> str:
    wrong = f"<small>At most {error:.0%} of such answers were wrong in a test.</small>"
    name = in_italics(answer.name)
    if answer.rank == "species":
        return f"{name}{wrong}"
    if answer.rank == "genus":
        return f"Not sure of the species: genus {name}{wrong}"
    if answer.rank == "family":
        return f"Not sure of the genus: family {name}{wrong}"
    return "Not sure. Most likely:"


def pictures(answer: Answer, seen: tuple[np.ndarray, np.ndarray] | None) -> str:
    """Return HTML of where a photo spoke for the first name, and of a look-alike of each name.

    Args:
        seen: the photo and where it spoke, as Identifier.look returns it; None where the network
            keeps no map.
    """
    figures = []
    if seen is not None:
        first = in_italics(answer.names["species"].iloc[0])
        figures.append(_figure(_glowing(*seen), f"bright: what spoke for {first}"))
    cosines = []
    for row in answer.alike.itertuples():
        name = in_italics(row.species)
        cosines.append(f"{name} {row.similarity:.2f}")
        if row.thumbnail is not None:
            figures.append(_figure(row.thumbnail, f"{name}<br>alike {row.similarity:.2f}"))
    shown = f"<div class='pl-row'>{''.join(figures)}</div>"
    if len(figures) > 1:
        return shown
    return f"{shown}<p>Most alike of the photos learnt from (cosine): {', '.join(cosines)}.</p>"


def in_italics(name: str) -> str:
    """Return a species' name as HTML."""
    return f"<i>{html.escape(name)}</i>"


def _glowing(photo: np.ndarray, heat: np.ndarray) -> bytes:
    """Return a JPEG of a photo, (S, S, 3), under where it spoke, (S, S) in [0, 1]."""
    from matplotlib import colormaps

    colours = 255 * colormaps["viridis"](heat)[..., :3]
    mixed = 0.45 * photo + 0.55 * colours
    return thumbnail(Image.fromarray(mixed.astype("uint8")), PICTURE)


def _figure(jpeg: bytes, caption: str) -> str:
    uri = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
    return f"<figure><img alt='' src='{uri}'><figcaption>{caption}</figcaption></figure>"
