"""What a model says of one plant."""

import base64
from dataclasses import dataclass

import pandas as pd

MAX_PHOTOS = 5  # of one plant, as in PlantCLEF and in Pl@ntNet's API
NAMES = ["species", "genus", "family", "rank", "score"]  # of each name in `Answer.to_dict`


@dataclass
class Answer:
    """What is said of one plant, photographed once or several times.

    `names`: the best species, a row each: rank, species, score, and genus and family where known.
    `rank` and `name`: how deep the answer may go, "species", "genus", "family" or "not sure".
    `unlike`: it resembles nothing that was learnt: another kind of plant, or none. `alike`: of each
    name the reference photo that is most like any of these, to compare with; `similarity` is the
    cosine. `organs`: what each photo shows, as told or as predicted. `place`: where and when it was
    met, if that was taken into account.
    """

    names: pd.DataFrame
    rank: str
    name: str
    unlike: bool
    alike: pd.DataFrame
    organs: list[str]
    place: str = ""

    def to_dict(self, pictures: bool = False) -> dict:
        """Return the answer as JSON holds it; what is not known is None.

        Args:
            pictures: also each look-alike's thumbnail, a JPEG in base64.
        """
        alike = self.alike.drop(columns="thumbnail")
        if pictures:
            alike = alike.assign(thumbnail=self.alike["thumbnail"].map(_in_base64))
        return {
            "names": _plain(self.names.reindex(columns=NAMES)),
            "rank": self.rank,
            "name": self.name,
            "unlike": self.unlike,
            "alike": _plain(alike),
            "organs": list(self.organs),
            "place": self.place,
        }


def _plain(table: pd.DataFrame) -> list[dict]:
    """Return the rows with Python's own numbers, and None where a table has NaN."""
    values = table.astype(object)
    return values.where(table.notna(), None).to_dict("records")


def _in_base64(jpeg: bytes | None) -> str | None:
    return base64.b64encode(jpeg).decode() if isinstance(jpeg, bytes) else None
