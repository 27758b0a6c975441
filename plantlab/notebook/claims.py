"""What a notebook states, checked."""

import os

from plantlab.notebook.cells import Params


class Claims:
    """What a notebook's text states, checked.

    With `params` at their defaults a claim that fails stops the notebook. Not so in a notebook
    opened in Jupyter by hand: there its parameter cell may have been edited.

    >>> claims = Claims(Params({}))
    >>> claims.check("half of the photographs show five species", 5 < 7)
    holds: half of the photographs show five species
    """

    def __init__(self, params: Params):
        self.binding = params.at_defaults and "JPY_SESSION_NAME" not in os.environ
        self.rows: list[dict] = []

    def check(self, text: str, holds: bool) -> None:
        """Print whether the claim holds and keep it for the record."""
        self.rows.append({"text": text, "holds": bool(holds)})
        print("holds:" if holds else "does not hold:", text)
        if self.binding and not holds:
            must = "at its defaults this must hold. Mend text or code."
            raise AssertionError(f"the text says {text!r}; {must}")
