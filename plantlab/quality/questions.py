"""Questions that a service was asked, kept so that people may say what the plants are."""

from collections.abc import Iterable
from pathlib import Path

from plantlab.data.layouts.questions import COLUMNS, JOURNAL
from plantlab.files import append_lines
from plantlab.quality.votes import keep_photos


def keep_question(
    folder: str | Path,
    photos: Iterable[bytes],
    organs: Iterable[str],
    project: str,
    answered: str,
    score: float,
) -> str:
    """Keep the photos of one plant and what a model said of it, and return the plant's obs_id.

    They are on the disk when this returns. layouts.read_images reads the folder as an image table;
    people vote on its plants in a class herbarium, where the folder is data/votes/NAME.

    Args:
        answered: the first name, "" where none was given. score: of that name.
    """
    obs_id, names = keep_photos(folder, photos)
    values = [obs_id, names, list(organs), project, answered, round(float(score), 5)]
    append_lines(Path(folder, JOURNAL), COLUMNS, [values])
    return obs_id
