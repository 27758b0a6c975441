"""Are the labels right, and the photos fit to train on?

What machines doubt (`suspicion`, `verdict`) and what people say (`decisions`, `votes`).
"""

from plantlab.quality import decisions, suspicion, verdict, votes

__all__ = ["decisions", "suspicion", "verdict", "votes"]
