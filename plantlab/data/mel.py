"""The mel scale: which pitch each row of a spectrogram stands for."""

import numpy as np

from plantlab.data.sounds import RATE

N_MELS = 128  # rows of a picture
N_FFT = 1024  # samples under a window of the transform
LOWEST = 300.0  # hertz; below it is wind
HIGHEST = RATE / 2
RANGE = 60.0  # decibels from the loudest spot to black


def mel(hertz: np.ndarray) -> np.ndarray:
    """Return frequencies on the mel scale, on which equal steps sound equal.

    Source: O'Shaughnessy 1987, "Speech communication"; 1,000 hertz are 1,000 mel.

    >>> round(float(mel(1000)))
    1000
    """
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)


def mel_filters() -> np.ndarray:
    """Return the weights of triangles that overlap by half on the mel scale, (N_MELS, hertz)."""
    edges = np.linspace(mel(LOWEST), mel(HIGHEST), N_MELS + 2)
    at = mel(np.linspace(0, RATE / 2, N_FFT // 2 + 1))
    widths = np.diff(edges)
    rising = (at - edges[:-2, None]) / widths[:-1, None]
    falling = (edges[2:, None] - at) / widths[1:, None]
    return np.clip(np.minimum(rising, falling), 0, None).astype(np.float32)


def row_hertz() -> np.ndarray:
    """Return the frequency in the middle of each row of a picture, (N_MELS,), from the top."""
    edges = np.linspace(mel(LOWEST), mel(HIGHEST), N_MELS + 2)
    middles = edges[1:-1][::-1]
    return 700 * (10 ** (middles / 2595) - 1)
