"""Are the labels right, and the photos fit to train on?

What machines doubt (`suspicion`, `verdict`) and leave out (`filters`), and what people say
(`decisions`, `votes`).
"""

from plantlab.quality import decisions, filters, suspicion, verdict, votes

__all__ = ["decisions", "filters", "suspicion", "verdict", "votes"]
