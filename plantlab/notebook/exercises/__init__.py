"""What is right in the exercises: a module a lesson, a function an exercise.

A function's first line is the hint that a wrong answer gets.
"""

from plantlab.notebook.exercises.check import check

__all__ = ["check"]
