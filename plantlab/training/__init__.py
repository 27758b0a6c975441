"""A network trained: all layers or its head, resumed when killed."""

from plantlab.training.checkpoint import StopEarly
from plantlab.training.learner import fit, usual
from plantlab.training.recipe import METHODS, fit_head, predict, predict_views, train

__all__ = ["METHODS", "StopEarly", "fit", "fit_head", "predict", "predict_views", "train", "usual"]
