"""Several answers to the same photos, side by side."""

from collections.abc import Mapping

import pandas as pd

from plantlab.predictions import metrics
from plantlab.predictions.predictions import Predictions


def score_each(answers: Mapping[str, Predictions], **options) -> pd.DataFrame:
    """Return metrics.score of each answer, one below the other; its name stands in `method`.

    Args:
        options: of metrics.score, such as `by` and `measures`.
    """
    scores = [
        metrics.score(answer, **options).assign(method=method) for method, answer in answers.items()
    ]
    return pd.concat(scores, ignore_index=True)


def gains(
    answers: Mapping[str, Predictions], baseline: Predictions, measure: str = "top1", **options
) -> pd.DataFrame:
    """Return score_each of the answers, and beside it what each gains on `baseline`.

    The same photos are asked of both, so what makes one hard cancels, and a gain is known better
    than a score: `gain`, `gain_low` and `gain_high` are those of metrics.difference.

    Args:
        measure: the score that is gained, such as "macro_top1".
        options: of metrics.score.
    """
    rows = score_each(answers, **options)
    columns = ["gain", "gain_low", "gain_high"]
    rows[columns] = [metrics.difference(each, baseline, measure) for each in answers.values()]
    return rows


def points(gain: float, low: float, high: float, measure: str = "") -> str:
    """Return a difference of two scores, as metrics.difference has it, in words.

    >>> points(0.012, -0.003, 0.027)
    '+1.2 points (-0.3 to +2.7)'
    >>> points(0.012, -0.003, 0.027, "top-1")
    '+1.2 points of top-1 (-0.3 to +2.7)'
    """
    of = f" of {measure}" if measure else ""
    return f"{100 * gain:+.1f} points{of} ({100 * low:+.1f} to {100 * high:+.1f})"


def detectable(low: float, high: float) -> float:
    """Return the smallest gain that as many plants would have shown, four times in five.

    Why: a gain that is lost in noise need not be absent. In the unit of the 95 % interval of a
    difference, whose standard error is a quarter of its width; 2.8 of them are needed to miss zero
    with a power of 80 %.

    >>> round(detectable(-0.01, 0.03), 4)
    0.0286

    Source: J. Cohen, Statistical power analysis for the behavioral sciences, 1988.
    """
    standard_error = (high - low) / (2 * 1.96)
    return (1.96 + 0.84) * standard_error


def seen_from(low: float, high: float) -> str:
    """Return `detectable` in words, for under a figure's title.

    >>> seen_from(-0.01, 0.03)
    'the smallest gain that this could show: 2.9 points'
    """
    return f"the smallest gain that this could show: {100 * detectable(low, high):.1f} points"
