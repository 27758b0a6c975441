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


def pooling(valid: Predictions) -> float:
    """Return how much surer several photos of a plant are than one, from 0 to 1.

    At 0 their mean is believed as one photo is, at 1 each photo counts as evidence of its own. What
    photos of one plant share, such as its colour, makes the truth lie between: of plants in `valid`
    with several photos, the value that makes the truth likeliest; 0 where they are under ten, or
    not known (no `obs_id`).
    """
    from scipy.optimize import minimize_scalar

    if "obs_id" not in valid.images:
        return 0.0
    fused = valid.by_observation("product")
    several = fused.select((fused.images["n_photos"] > 1).to_numpy() & (fused.targets >= 0))
    if len(several) < 10:
        return 0.0
    truth = several.targets

    def surprise(power: float) -> float:
        probs = pool(several, power).probs
        return -np.log(np.maximum(probs[np.arange(len(truth)), truth], LEAST)).mean()

    return float(minimize_scalar(surprise, bounds=(0, 1), method="bounded").x)


def pool(plants: Predictions, power: float) -> Predictions:
    """Return plants, fused by "product", as sure as their `n_photos` make them; see `pooling`."""
    n_photos = plants.images["n_photos"].to_numpy(float)[:, None]
    return temper(plants, n_photos**-power)


def temper(predictions: Predictions, temperature: float | np.ndarray) -> Predictions:
    """Return `predictions` with every probability raised to 1 / temperature: their order stays.

    Args:
        temperature: one for all, or one a row, (N, 1).
    """
    logits = np.log(np.maximum(predictions.probs, LEAST)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    return Predictions(predictions.images, predictions.species, probs)
