"""The service running: a model is loaded once, and asked until somebody stops it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import uvicorn

from plantlab.data.matching import match_names, read_names
from plantlab.identify import store
from plantlab.identify.model import Identifier
from plantlab.service.app import create_app
from plantlab.service.gate import DAILY, Quota
from plantlab.service.state import State


def serve(
    model: str,
    host: str = "127.0.0.1",
    port: int = 8877,
    floras: Sequence[str] = (),
    keys: Sequence[str] = (),
    daily: int = DAILY,
    keep: str | None = None,
    private: bool = False,
) -> int:
    """Serve a model until it is stopped; return 0.

    Args:
        model: its name or folder. floras: files of species names, each a project by its name.
        keys: that may ask; none lets everybody ask. daily: identifications of a key.
        keep: a folder for what is asked; None keeps nothing. private: see create_app.
    Raises:
        ValueError: no such model, a flora without a species that it knows.
    """
    loaded = store.load(model)
    lists = {Path(file).stem: _read_flora(file, loaded) for file in floras}
    side = loaded.image_size
    loaded.ready.embed(np.zeros((1, 3, side, side), np.uint8))  # the first to ask waits for nothing
    if keep is not None:
        Path(keep).mkdir(parents=True, exist_ok=True)
    state = State(loaded, lists, Quota(daily), keep, keys)
    print(_greeting(state, host, port, keys, keep), flush=True)
    app = create_app(state, private)
    uvicorn.run(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=5)
    return 0


def _read_flora(file: str, model: Identifier) -> list[str]:
    """Return those of the model's species that a file lists.

    Raises:
        ValueError: none of them.
    """
    listed = read_names(file)
    matched = match_names(listed, model.species)["match"].dropna()
    if matched.empty:
        raise ValueError(
            f"{file} lists {len(listed)} names, and none is among the {len(model.species)} species "
            f"of this model, such as {model.species[0]}."
        )
    return matched.drop_duplicates().tolist()


def _greeting(state: State, host: str, port: int, keys: Sequence[str], keep: str | None) -> str:
    """Return what is said when the service starts."""
    floras = ", ".join(state.projects) or "none"
    who = f"{len(keys)} keys" if keys else "no key is asked for"
    kept = f"questions are kept in {keep}" if keep else "nothing that is asked is kept"
    return (
        f"{state.model.knows}\n"
        f"http://{host}:{port}/v2/identify/all takes questions, as Pl@ntNet's API v2 does; "
        f"http://{host}:{port}/docs shows every route.\n"
        f"Floras beside all: {floras}; {who}; {kept}. Ctrl+C stops it."
    )
