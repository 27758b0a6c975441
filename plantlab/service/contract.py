"""Answers in the words of Pl@ntNet's API v2, its misspellings too."""

import numpy as np
import pandas as pd

from plantlab import __version__
from plantlab.data.taxa import canonical
from plantlab.identify.answer import Answer
from plantlab.identify.model import Identifier

WHOLE = ("all", "best", "k-world-flora")  # what clients call everything that a model knows
BINOMIAL = r"^(?:[×xX] )?([A-Z][a-zß-ÿ-]+) (?:[×xX] )?[a-zß-ÿ-]+"  # its first part: the genus
LEAST = 0.001  # a score below is no result, but for the best
MOST = 100  # results, where no number is asked for
LANGUAGES = """
    en fr es pt de it ar cs da el et eu fa fi gl he hi hr hu hy id ja ka ko lt lv mk ms nb nl pl ro
    ru sk sl sq sr sv th tr uk ur vi zh ca bg zh-hant
""".split()


def taxon(name: str | None) -> dict:
    """Return a name with and without its authors; "" for what is not known.

    >>> taxon("Hibiscus rosa-sinensis L.")["scientificNameAuthorship"]
    'L.'
    """
    full = name if isinstance(name, str) else ""
    bare = canonical(full)
    authors = full.removeprefix(bare).strip() if full.startswith(bare) else ""
    return {
        "scientificNameWithoutAuthor": bare,
        "scientificNameAuthorship": authors,
        "scientificName": full,
    }


def genera(taxonomy: pd.DataFrame) -> pd.Series:
    """Return the genus of each species, "" where none is known or can be read off its name.

    >>> names = ["Rosa canina L.", "× Cuprocyparis leylandii", "pink primrose"]
    >>> genera(pd.DataFrame({"species": names})).tolist()
    ['Rosa', 'Cuprocyparis', '']
    """
    read = taxonomy["species"].str.extract(BINOMIAL, expand=False)
    known = taxonomy.get("genus", pd.Series(index=taxonomy.index, dtype=object))
    return known.fillna(read).fillna("")


def species(row: pd.Series) -> dict:
    """Return a species of a model's taxonomy: its names, genus and family."""
    genus = genera(row.to_frame().T).iloc[0]
    names = taxon(row["species"])
    return names | {"genus": taxon(genus), "family": taxon(row.get("family")), "commonNames": []}


def version(model: Identifier) -> str:
    """Return which model answers, and by which plantlab."""
    return f"{model.card['date']} ({__version__})"


def results(names: pd.DataFrame, most: int | None) -> list[dict]:
    """Return the results of an answer, best first.

    Args:
        names: of Answer. most: how many; None takes up to 100 of at least 0.001.
    """
    shown = names.head(most or MOST)
    if most is None:
        shown = shown[(shown["score"] >= LEAST) | (shown["rank"] == 1)]
    rows = []
    for _, row in shown.iterrows():
        rows.append({"score": round(float(row["score"]), 5), "species": species(row)})
    return rows


def other_results(names: pd.DataFrame) -> dict:
    """Return the scores of genera and families: the sums of those of their species."""
    names = names.assign(genus=genera(names))
    told = {}
    for rank in ("genus", "family"):
        told[rank] = []
        if rank not in names:
            continue
        names = names[names[rank].fillna("") != ""]
        sums = names.groupby(rank)["score"].sum().sort_values(ascending=False)
        for name, score in sums[sums >= LEAST].items():
            told[rank].append({"score": round(float(score), 5), rank: taxon(name)})
    return told


def predicted_organs(
    images: list[tuple[str, str]], asked: list[str], scores: np.ndarray, organs: list[str]
) -> list[dict]:
    """Return what the model sees on the images for which "auto" was said; [] where it cannot tell.

    Args:
        images: sha1 and filename of each, N. asked: the organs asked for, N. scores: (N, organs).
    """
    told = []
    if not organs:
        return told
    for (sha1, filename), said, row in zip(images, asked, scores):
        if said != "auto":
            continue
        best = int(row.argmax())
        score = round(float(row[best]), 5)
        told.append({"image": sha1, "filename": filename, "organ": organs[best], "score": score})
    return told


def related_images(answer: Answer, base: str, model: Identifier) -> dict[str, list[dict]]:
    """Return the photos learnt from that are most alike, of each species.

    Args:
        base: address of the service, at which it serves them.
    """
    found: dict[str, list[dict]] = {}
    for _, row in answer.alike.iterrows():
        if not isinstance(row["thumbnail"], bytes):
            continue
        found.setdefault(row["species"], []).append(_related(row, base, model))
    return found


def _related(row: pd.Series, base: str, model: Identifier) -> dict:
    address = f"{base}v2/related/{row['sha1']}.jpg"
    author = _text(row.get("author"))
    license = _text(row.get("license")) or model.card["licence"]
    cited = [part for part in (author, model.card["data"], license) if part]
    return {
        "organ": _text(row.get("organ")),
        "author": author,
        "license": license,
        "date": _date(row.get("date")),
        "url": {"o": address, "m": address, "s": address},
        "citation": " / ".join(cited),
    }


def _date(value: object) -> dict:
    """Return a day as clients read it: milliseconds since 1970, and words; null where unknown."""
    day = pd.to_datetime(value, errors="coerce") if isinstance(value, str) else pd.NaT
    if pd.isna(day):
        return {"timestamp": None, "string": None}
    return {"timestamp": int(day.timestamp() * 1000), "string": f"{day:%B} {day.day}, {day.year}"}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
