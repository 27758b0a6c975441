"""Scientific names in one spelling, and the accepted name of each, from a checklist."""

import re
import unicodedata
from pathlib import Path

import pandas as pd

from plantlab.data.layouts.tables import load
from plantlab.data.table import TableError, add_note, require

RANKS = {  # below the species, and how they are written here
    "subsp": "subsp.",
    "ssp": "subsp.",
    "subspecies": "subsp.",
    "var": "var.",
    "varietas": "var.",
    "f": "f.",
    "forma": "f.",
}
DOUBT = ("cf", "aff", "sp", "spp")  # before a name, or in its place
HYBRID = ("×", "x", "X")
EPITHET = re.compile(r"[a-zß-ÿ][a-zß-ÿ-]+")
MOST = 5  # names that a note lists

# What the columns are called: a name, the name that is accepted for it; or numbers of rows.
BY_NAME = [("name", "accepted_name")]
BY_NUMBER = [
    ("taxon_name", "plant_name_id", "accepted_plant_name_id"),  # WCVP
    ("scientificname", "taxonid", "acceptednameusageid"),  # World Flora Online, Darwin Core
]


def canonical(name: str) -> str:
    """Return a scientific name without its authors, in one spelling; of another name, itself.

    Hybrids are written with × and a blank, ranks below the species as subsp., var. and f.

    >>> canonical("Rosa canina L."), canonical("Mentha x piperita"), canonical("ROSA CANINA")
    ('Rosa canina', 'Mentha × piperita', 'Rosa canina')
    >>> canonical("Thymus praecox ssp. polytrichus (Borbás) Jalas"), canonical("pink primrose")
    ('Thymus praecox subsp. polytrichus', 'pink primrose')
    """
    name = " ".join(unicodedata.normalize("NFC", str(name)).split())
    words = name.replace("×", "× ").split()
    words = [word.lower() if word.isupper() and len(word) > 2 else word for word in words]
    words = [word for word in words if word.rstrip(".") not in DOUBT]
    before = ["×"] if words and words[0] in HYBRID else []
    words = words[len(before) :]
    if not words or (name[:1].islower() and not before):
        return name
    said = [*before, words[0].capitalize()]
    return " ".join(said + _below_genus(words[1:]))


def _below_genus(words: list[str]) -> list[str]:
    """Return the epithets of a name, with their ranks, up to its authors."""
    said = []
    while words:
        rank = RANKS.get(words[0].rstrip("."))
        if words[0] in HYBRID:
            part = ["×", *words[1:2]]
        elif rank and said:
            part = [rank, *words[1:2]]
        else:
            part = words[:1]
        if not EPITHET.fullmatch(part[-1]):
            if said and len(words) > 1:  # authors, between a species and what is below it
                words = words[1:]
                continue
            break
        n_epithets = sum(word not in ("×", *RANKS.values()) for word in said)
        is_author = n_epithets and len(part) == 1  # de, ex, et
        said += [] if is_author else part
        words = words[len(part) :]
    return said


def read_checklist(path: str | Path) -> pd.Series:
    """Return the accepted name for each canonical name of a checklist, in small letters.

    A table with `name` and `accepted_name`, or with the columns of WCVP or World Flora Online.
    Names under which a list accepts several are left out: nobody can tell which is meant.

    Raises:
        TableError: other columns.
    """
    table = load(Path(path))
    columns = {str(column).lower(): column for column in table}
    for names in [*BY_NAME, *BY_NUMBER]:
        if set(names) <= set(columns):
            rows = table[[columns[name] for name in names]].set_axis(names, axis=1)
            break
    else:
        listed = ", ".join(list(map(str, table))[:12])
        raise TableError(
            f"{Path(path).name} is no checklist that is known; it has {listed}. Expected name and "
            "accepted_name, or the columns of WCVP or World Flora Online."
        )
    accepted = rows.iloc[:, 1] if len(names) == 2 else _by_number(*(rows[name] for name in names))
    of = pd.DataFrame({"name": rows.iloc[:, 0].map(canonical), "accepted": accepted})
    of = of[of["accepted"].fillna("") != ""]
    of["name"] = of["name"].str.casefold()
    of["accepted"] = of["accepted"].map(canonical)
    of = of.drop_duplicates()
    several = of["name"].duplicated(keep=False)
    itself = of["accepted"].str.casefold() == of["name"]  # an accepted name wins over a homonym
    of = of[~several | itself]
    return of.set_index("name")["accepted"]


def _by_number(names: pd.Series, numbers: pd.Series, accepted: pd.Series) -> pd.Series:
    """Return the accepted name of each row, whose number another column holds; else its own."""
    known = dict(zip(numbers, names))
    named = accepted.map(known)
    return named.where(named.notna(), names.where(accepted.fillna("") == ""))


def accept_names(images: pd.DataFrame, checklist: str | Path) -> pd.DataFrame:
    """Return `images` with each species under the name that a checklist accepts.

    Synonyms of one species become one before anything is counted. Notes say which names were
    joined or changed, and which the list does not know: they stay as they are.

    Raises:
        TableError: no `species`; or as read_checklist says.
    """
    require(images, "species")
    accepted = read_checklist(checklist)
    given = images["species"].dropna().drop_duplicates()
    found = pd.Series(given.map(canonical).str.casefold().map(accepted).to_numpy(), index=given)
    changed = found[found.notna() & (found != found.index)]
    images = images.assign(species=images["species"].map(found.dropna()).fillna(images["species"]))
    if "genus" in images:
        genus = images["species"].str.replace("× ", "").str.split().str[0]
        images["genus"] = genus.where(images["species"].isin(found.dropna()), images["genus"])
    n_before = len(given)
    n_after = images["species"].nunique()
    if len(changed):
        listed = [f"{theirs} is {name}" for theirs, name in changed.head(MOST).items()]
        more = ", ..." if len(changed) > MOST else ""
        said = f"Names changed to those accepted: {len(changed)} of {n_before}"
        add_note(images, f"{said}, which leaves {n_after} ({', '.join(listed)}{more}).")
    unknown = sorted(found.index[found.isna()])
    if unknown:
        more = ", ..." if len(unknown) > MOST else ""
        listed = ", ".join(unknown[:MOST]) + more
        add_note(images, f"Names that the checklist does not know: {len(unknown)} ({listed}).")
    return images
