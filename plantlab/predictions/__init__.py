"""What a classifier says of photos: probabilities, scores with intervals, how sure it is."""

from plantlab.predictions import compare, confidence, metrics, several
from plantlab.predictions.duel import told_apart
from plantlab.predictions.ladder import Ladder
from plantlab.predictions.listed import TopK, cut
from plantlab.predictions.predictions import Predictions, concat, fuse
from plantlab.predictions.rules import RULES

__all__ = [
    "RULES",
    "Ladder",
    "Predictions",
    "TopK",
    "compare",
    "concat",
    "confidence",
    "cut",
    "fuse",
    "metrics",
    "several",
    "told_apart",
]
