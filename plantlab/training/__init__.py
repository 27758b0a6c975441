"""A network trained: all layers or its head, resumed when killed."""

from plantlab.training.learner import fit
from plantlab.training.recipe import METHODS, fit_head, predict, train

__all__ = ["METHODS", "fit", "fit_head", "predict", "train"]
