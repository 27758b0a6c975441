"""What a notebook needs around its lesson: parameters, claims, a record; and how it is run."""

from plantlab.notebook.cells import parameters
from plantlab.notebook.claims import Claims, check
from plantlab.notebook.questions import questions

__all__ = ["Claims", "check", "parameters", "questions"]
