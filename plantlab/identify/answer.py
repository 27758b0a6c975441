"""What a model says of one plant."""

from dataclasses import dataclass

import pandas as pd


@dataclass
class Answer:
    """What is said of one plant, photographed once or several times.

    `names`: the best species, a row each: rank, species, score, and genus and family where known. `rank` and `name`:
    how deep the answer may go, "species", "genus", "family" or "not sure". `unlike`: it resembles nothing that was
    learnt: another kind of plant, or none. `alike`: of each name the reference photo that is most like any of these, to
    compare with; `similarity` is the cosine.
    `organs`: what each photo shows, as told or as predicted.
    """

    names: pd.DataFrame
    rank: str
    name: str
    unlike: bool
    alike: pd.DataFrame
    organs: list[str]
