"""What a classifier says of photos: probabilities, scores with intervals, how sure it is."""

from plantlab.predictions.predictions import Predictions, concat, fuse
from plantlab.predictions.rules import RULES

__all__ = ["RULES", "Predictions", "concat", "fuse"]
