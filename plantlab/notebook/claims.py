"""What a notebook states, checked; and what its reader answers to an exercise."""

import os
from collections.abc import Callable

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


def check(exercise: int, answer: object, right: bool | Callable[[object], bool], hint: str) -> bool:
    """Print how an exercise stands and return whether its answer is right.

    A wrong answer never stops the notebook. `right` may be a function of the answer: not called
    while that is `...`, and what it raises is told as the reason.

    >>> check(1, 5, lambda petals: petals == 4, "Count the sepals, too.")
    exercise 1: not yet. Count the sepals, too.
    False
    """
    holds = False
    if answer is ...:
        said = "to do"
    else:
        try:
            holds = bool(right(answer) if callable(right) else right)
            said = "right" if holds else f"not yet. {hint}"
        except Exception as error:  # an answer of another type fails in its own way
            reason = f"{type(error).__name__}: {error}"
            said = f"not yet ({reason}). {hint}".replace("\n", " ")
    print(f"exercise {exercise}: {said}")
    return holds
