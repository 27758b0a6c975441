"""A list of species held against another: the same names, other spellings, synonyms, slips."""

from collections import defaultdict
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from plantlab.data.layouts.tables import load
from plantlab.data.table import TableError, observations, require
from plantlab.data.taxa import canonical, read_checklist

STEPS = ("same letters", "other spelling", "synonym", "a slip")  # of the funnel, as they are tried
NONE = "not found"
ALIKE = 0.9  # of two names with a slip between them: twice the letters in common over all letters
COLUMNS = ("species", "scientificname", "taxon_name", "name")  # that hold names, the first there is
TABLES = (".csv", ".tsv", ".parquet")


def read_names(path: str | Path) -> list[str]:
    """Return the names of a list of species, each once: a name a line, or a table's column.

    Raises:
        TableError: no such file, a table without a column of names, or no name in it.
    """
    path = Path(path)
    if not path.is_file():
        raise TableError(f"there is no list of species {str(path)!r}; expected a name a line.")
    if path.suffix.lower() in TABLES:
        lines = _column_of_names(path)
    else:
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    names = list(dict.fromkeys(str(line).strip() for line in lines if str(line).strip()))
    if not names:
        raise TableError(f"the list {path.name!r} holds no name; expected a species a line.")
    return names


def _column_of_names(path: Path) -> pd.Series:
    table = load(path)
    columns = {str(column).lower(): column for column in table}
    for name in COLUMNS:
        if name in columns:
            return table[columns[name]].dropna()
    listed = ", ".join(list(map(str, table))[:12])
    raise TableError(f"{path.name} has no column of names, such as species; it has {listed}.")


def match_names(
    theirs: Iterable[str],
    ours: Iterable[str],
    checklist: str | Path | None = None,
    slips: bool = True,
) -> pd.DataFrame:
    """Return a row for each of `theirs`: name, match (one of `ours`, or none), how it was found.

    Tried in this order: the same letters; another spelling (authors, capitals, hybrids' ×, ranks);
    a synonym, where a checklist is given; a slip: one name alone that is almost the same, in the
    same genus or with the same epithet. Where several would do, none is taken.

    Args:
        checklist: a table of accepted names, see taxa.read_checklist.
        slips: False where another species must not pass for a slip, as in a score.

    >>> match_names(["Rosa canina L.", "Rosa cannina"], ["Rosa canina"])["how"].tolist()
    ['other spelling', 'a slip']
    """
    ours = list(dict.fromkeys(ours))
    same = {name: name for name in ours}
    spelled = _one_each((_key(name), name) for name in ours)
    accepted = pd.Series(dtype=object) if checklist is None else read_checklist(checklist)
    by_synonym = _one_each((_accepted(name, accepted), name) for name in ours)
    ways = (
        same.get,
        lambda name: spelled.get(_key(name)),
        lambda name: by_synonym.get(_accepted(name, accepted)),
        _Slips(spelled).find if slips else _find_none,
    )
    rows = []
    for name in dict.fromkeys(theirs):
        match, how = None, NONE
        for way, step in zip(ways, STEPS):
            match = way(name)
            if match is not None:
                how = step
                break
        rows.append((name, match, how))
    return pd.DataFrame(rows, columns=["name", "match", "how"])


def funnel(
    images: pd.DataFrame, ours: Iterable[str], checklist: str | Path | None = None
) -> pd.DataFrame:
    """Return how much of a data set a list of species holds: species, observations, photos.

    The first row is what was given; each further row adds a step of match_names. Of PlantCLEF
    2017's test photos, 130,000 of 285,000 observations were left when their names had been held
    against a list of the world.

    Raises:
        TableError: no `species`.
    """
    require(images, "species")
    matched = match_names(images["species"].dropna().unique(), ours, checklist)
    how = images["species"].map(matched.set_index("name")["how"])
    plants = pd.Series(observations(images), images.index)
    rows = []
    so_far = []
    for step in ("given", *STEPS):
        so_far.append(step)
        kept = images["species"].notna() if step == "given" else how.isin(so_far)
        rows.append((step, images["species"][kept].nunique(), plants[kept].nunique(), kept.sum()))
    return pd.DataFrame(rows, columns=["names by", "species", "observations", "photos"])


def _key(name: str) -> str:
    """Return a name as it is compared: canonical, in small letters."""
    return canonical(name).casefold()


def _accepted(name: str, accepted: pd.Series) -> str:
    """Return the accepted name's key, or the name's own."""
    key = _key(name)
    return accepted.get(key, key).casefold()


def _find_none(name: str) -> None:
    """Return no match."""


def _one_each(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the name of each key that only one name has."""
    names = defaultdict(list)
    for key, name in pairs:
        names[key].append(name)
    return {key: held[0] for key, held in names.items() if len(held) == 1}


class _Slips:
    """Names by their genus and by their epithet, to be searched for one that is almost the same."""

    def __init__(self, spelled: dict[str, str]):
        self.spelled = spelled
        self.beside = defaultdict(list)
        for key in spelled:
            for part in _parts(key):
                self.beside[part].append(key)

    def find(self, name: str) -> str | None:
        """Return the one name that is almost the same, None if there are none or several."""
        key = _key(name)
        near = {other for part in _parts(key) for other in self.beside.get(part, [])}
        alike = get_close_matches(key, sorted(near), n=2, cutoff=ALIKE)
        return self.spelled[alike[0]] if len(alike) == 1 else None


def _parts(key: str) -> list[tuple[str, str]]:
    """Return a name's genus and the rest of it, each marked as what it is."""
    genus, _, rest = key.removeprefix("× ").partition(" ")
    return [("genus", genus), ("epithet", rest)] if rest else []
