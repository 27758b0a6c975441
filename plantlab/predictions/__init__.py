"""What a classifier says of photos: probabilities, scores with intervals, how sure it is."""

from plantlab.predictions.predictions import RULES, Predictions, fuse

__all__ = ["RULES", "Predictions", "fuse"]
