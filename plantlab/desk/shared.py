"""One model for all visitors of a page: a process holds it, and their kernels ask it without loading torch."""

import os
from multiprocessing.managers import BaseManager, BaseProxy
from threading import Lock

PLACE = "PLANTLAB_DESK"  # in the environment of a page's kernels: the key to that process, and its address


class Desk:
    """What the process does for a visitor: ask a model, loaded for the first of them, one after the other."""

    turn, loaded = Lock(), {}  # of all visitors

    def __init__(self, model: str):
        self.model = model

    def ask(self, name: str, args: tuple | None = None) -> object:
        """Return an attribute of the identifier.Identifier; with `args`, what that method answers."""
        from plantlab.identify import store

        with self.turn:
            model = self.loaded[self.model] = self.loaded.get(self.model) or store.load(self.model)
            return getattr(model, name) if args is None else getattr(model, name)(*args)


class Visitor(BaseProxy):
    """A model in another process, for widgets.identify to ask as it asks an identifier.Identifier."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):  # Jupyter looks for such, and no model has them
            raise AttributeError(name)
        if name in ("answer", "look", "see"):
            return lambda *args: self._callmethod("ask", (name, args))
        return self._callmethod("ask", (name,))


class Desks(BaseManager):
    """That process: started by the page, found by the kernels."""


def load(model: str) -> object:
    """Return a model by its name or folder: in a page's kernel the one that all visitors share, else its own."""
    if PLACE not in os.environ:
        from plantlab.identify import store

        return store.load(model)
    key, address = os.environ[PLACE].split(" ", 1)
    desks = Desks(address, bytes.fromhex(key))
    desks.connect()
    return desks.desk(model)


Desks.register("desk", Desk, Visitor, exposed=["ask"])
