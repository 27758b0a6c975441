"""How sure a prediction is: calibration, sets of species, the genus where a species is a guess."""

from plantlab.predictions.confidence.calibration import pool, pooling, temper, temperature
from plantlab.predictions.confidence.depth import back_off, back_off_limits
from plantlab.predictions.confidence.kept import coverage, kept
from plantlab.predictions.confidence.sets import SETS, prediction_sets, score_sets, try_sets

__all__ = [
    "SETS",
    "back_off",
    "back_off_limits",
    "coverage",
    "kept",
    "pool",
    "pooling",
    "prediction_sets",
    "score_sets",
    "temper",
    "temperature",
    "try_sets",
]
