"""One model for all visitors of a page: a process holds it, and their kernels ask it.

So a visitor's kernel loads no torch.
"""

import os
from multiprocessing.managers import BaseManager, BaseProxy
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # loaded where it is used
    from plantlab.identify.model import Identifier

METHODS = ("answer", "look", "see")  # of an Identifier that a visitor calls
PLACE = "PLANTLAB_DESK"  # in the environment of a page's kernels: that process's key and address


class Desk:
    """What the process does for a visitor: ask a model, one visitor after the other.

    The first of them waits while it is loaded.
    """

    turn = Lock()  # of all visitors
    loaded: "dict[str, Identifier]" = {}

    def __init__(self, model: str):
        self.model = model

    def ask(self, name: str, args: tuple | None = None) -> object:
        """Return an attribute of the Identifier; with `args`, what that method answers."""
        from plantlab.identify import store

        with self.turn:
            if self.model not in self.loaded:
                self.loaded[self.model] = store.load(self.model)
            found = getattr(self.loaded[self.model], name)
            return found if args is None else found(*args)


class Visitor(BaseProxy):
    """A model in another process, for widgets.identify to ask as it asks an Identifier."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):  # Jupyter looks for such, and no model has them
            raise AttributeError(name)
        if name not in METHODS:
            return self._callmethod("ask", (name,))

        def method(*args: object) -> object:
            return self._callmethod("ask", (name, args))

        return method


class Desks(BaseManager):
    """That process: started by the page, found by the kernels."""


Desks.register("desk", Desk, Visitor, exposed=["ask"])


def load(model: str) -> "Identifier | Visitor":
    """Return a model by its name or folder.

    In a page's kernel it is the one that all visitors share, else one's own.
    """
    if PLACE not in os.environ:
        from plantlab.identify import store

        return store.load(model)
    key, address = os.environ[PLACE].split(" ", 1)
    desks = Desks(address, bytes.fromhex(key))
    desks.connect()
    return desks.desk(model)
