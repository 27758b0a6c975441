"""Which photos of doubtful origin to leave out."""

import numpy as np
import pandas as pd

from plantlab.data.table import require


def odd_ones(doubt: pd.DataFrame, doubtful: np.ndarray, quantile: float = 0.99) -> np.ndarray:
    """Return which doubtful photos are odd, (N,): copies, or stranger than most trusted ones.

    Both can be seen without knowing species apart. Trusted photos are never odd.

    Args:
        doubt: of suspicion.suspicion, with its columns `strange` and `copy`.
        doubtful: (N,) bool, such as photos from the web.
        quantile: of the trusted photos' strangeness, in (0, 1).
    Raises:
        ValueError: no photo is trusted, or a bad quantile.
    """
    require(doubt, "strange", "copy")
    if not 0 < quantile < 1:
        raise ValueError(f"quantile must be in (0, 1), such as 0.99; got {quantile}")
    if doubtful.all():
        raise ValueError("every photo is in doubt; expected some trusted ones to compare with")
    limit = doubt["strange"][~doubtful].quantile(quantile)
    is_strange = (doubt["strange"] > limit).to_numpy()
    is_copy = (doubt["copy"] > 0).to_numpy()
    return doubtful & (is_strange | is_copy)


def least_believed(believed: np.ndarray, doubtful: np.ndarray, share: float) -> np.ndarray:
    """Return which photos are the `share` of the doubtful ones that is believed least, (N,).

    Args:
        believed: (N,) how far each label is believed, such as of heads.belief.
        doubtful: (N,) bool.
        share: of the doubtful photos, in [0, 1].
    Raises:
        ValueError: share outside its range.

    >>> least_believed(np.array([0.9, 0.1, 0.5, 0.0]), np.array([True, True, True, False]), 0.3)
    array([False,  True, False, False])
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share must be in [0, 1], such as 0.2; got {share}")
    doubt = pd.Series(-believed[doubtful])
    place = doubt.rank(pct=True).to_numpy()  # 1 is believed least
    chosen = np.zeros(len(believed), bool)
    chosen[doubtful] = place > 1 - share
    return chosen
