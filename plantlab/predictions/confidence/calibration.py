"""Probabilities that say how often an answer is right."""

import numpy as np

from plantlab.predictions.predictions import Predictions

LEAST = 1e-12  # a probability of 0 has no logarithm


def temperature(valid: Predictions) -> float:
    """Return the T at which probabilities raised to 1 / T make the truth of `valid` likeliest.

    Source: Guo et al. 2017, "On calibration of modern neural networks", section 4.2.
    """
    from scipy.optimize import minimize_scalar

    known = np.flatnonzero(valid.targets >= 0)
    truth = valid.targets[known]

    def surprise(log_t: float) -> float:
        probs = temper(valid, np.exp(log_t)).probs
        likelihoods = np.maximum(probs[known, truth], LEAST)
        return -np.log(likelihoods).mean()

    found = minimize_scalar(surprise, bounds=(-3, 3), method="bounded")
    return float(np.exp(found.x))


def temper(predictions: Predictions, temperature: float) -> Predictions:
    """Return `predictions` with every probability raised to 1 / temperature: their order stays."""
    logits = np.log(np.maximum(predictions.probs, LEAST)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    return Predictions(predictions.images, predictions.species, probs)
