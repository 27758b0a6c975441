"""What the service has: floras, species, and photos that were learnt from."""

from plantlab.service.contract import taxon
from plantlab.service.refusals import Refusal
from plantlab.service.state import State


def projects(state: State) -> list[dict]:
    """Return the floras: everything that the model knows, then each list."""
    model = state.model
    rows = [_project("all", model.card["data"], model.knows, len(model.species))]
    for name, names in state.projects.items():
        known = f"{len(names)} of the model's {len(model.species)} species"
        rows.append(_project(name, name.replace("-", " ").replace("_", " "), known, len(names)))
    return rows


def _project(name: str, title: str, description: str, n_species: int) -> dict:
    told = {"id": name, "title": title, "description": description}
    return told | {"speciesCount": n_species}


def species(
    state: State, project: str, prefix: str, page: int | None, page_size: int | None
) -> list[dict]:
    """Return the species of a flora by name, all or one page of them.

    Raises:
        Refusal: 400, a page without its size, or the other way round. 404, no such flora.
    """
    if (page is None) != (page_size is None):
        raise Refusal(400, '"page" and "pageSize" go together; give both, or neither.')
    names = state.species_of(project) or state.model.species
    begins = prefix.casefold()
    names = sorted(name for name in names if name.casefold().startswith(begins))
    if page is not None:
        first = (page - 1) * page_size
        names = names[first : first + page_size]
    numbers = {name: number for number, name in enumerate(state.model.species)}
    unknown = {"commonNames": [], "gbifId": None, "powoId": None, "iucnCategory": None}
    return [{"id": str(numbers[name])} | taxon(name) | unknown for name in names]


def related(state: State, name: str) -> bytes:
    """Return the JPEG of a photo that was learnt from.

    Args:
        name: its SHA-1.
    Raises:
        Refusal: 404, there is none.
    """
    references = state.model.references
    if "sha1" in references:
        found = references.loc[references["sha1"] == name, "thumbnail"]
        if len(found) and isinstance(found.iloc[0], bytes):
            return found.iloc[0]
    raise Refusal(404, "no such image.")
