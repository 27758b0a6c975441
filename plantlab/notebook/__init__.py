"""What a notebook needs around its lesson: parameters, claims, a record; and how it is run."""

from plantlab.notebook.catching_up import catch_up
from plantlab.notebook.cells import parameters
from plantlab.notebook.claims import Claims
from plantlab.notebook.exercises import check
from plantlab.notebook.questions import questions

__all__ = ["Claims", "catch_up", "check", "parameters", "questions"]
