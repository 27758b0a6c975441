"""A network trained: all layers or its head, resumed when killed."""

from plantlab.training.checkpoint import StopEarly
from plantlab.training.distil import Distil
from plantlab.training.joint import fit_and_ask, fit_joint, predict_joint
from plantlab.training.learner import fit, usual
from plantlab.training.recipe import METHODS, fit_head, predict, predict_views, train

__all__ = [
    "METHODS",
    "Distil",
    "StopEarly",
    "fit",
    "fit_and_ask",
    "fit_head",
    "fit_joint",
    "predict",
    "predict_joint",
    "predict_views",
    "train",
    "usual",
]
