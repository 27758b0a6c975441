"""Sounds as pictures: log-mel spectrograms, kept as PNG files that any network is asked about."""

import hashlib
import io

import numpy as np
import torch
from PIL import Image

from plantlab.data.mel import HIGHEST, LOWEST, N_FFT, N_MELS, RANGE, mel_filters
from plantlab.files import cache_folder, write_whole


def log_mel(windows: np.ndarray, n_columns: int = N_MELS) -> np.ndarray:
    """Return spectrograms, float32 (N, N_MELS, n_columns), in decibels below each one's loudest.

    Rows run from low to high. Each picture is brought to its own loudest spot, so that how loud a
    recording is tells nothing.

    Args:
        windows: (N, samples), all of one length.
    """
    sounds = torch.from_numpy(np.asarray(windows, np.float32))
    hop = max(1, sounds.shape[1] // n_columns)
    shape = torch.hann_window(N_FFT)
    transformed = torch.stft(sounds, N_FFT, hop, window=shape, return_complex=True)
    power = transformed.abs().square()[..., :n_columns]  # (N, hertz, columns)
    energy = torch.from_numpy(mel_filters()) @ power
    decibels = 10 * torch.log10(energy + 1e-10)
    loudest = decibels.amax(dim=(1, 2), keepdim=True)
    return (decibels - loudest).clamp(min=-RANGE).numpy()


def pictures(windows: np.ndarray) -> np.ndarray:
    """Return pictures, uint8 (N, N_MELS, columns): white is loud, low sounds are below."""
    shades = 255 * (1 + log_mel(windows) / RANGE)
    return shades[:, ::-1].round().astype(np.uint8)


def draw_spectrograms(windows: list[np.ndarray]) -> list[str]:
    """Return the paths of the spectrograms of windows, drawn once, named by their content."""
    folder = cache_folder() / "spectrograms"
    paths = [folder / f"{_digest(window)}.png" for window in windows]
    missing = [i for i, path in enumerate(paths) if not path.exists()]
    for start in range(0, len(missing), 64):
        part = missing[start : start + 64]
        drawn = pictures(np.stack([windows[i] for i in part]))
        for i, picture in zip(part, drawn):
            write_whole(paths[i], _png(picture))
    return [str(path) for path in paths]


def _digest(window: np.ndarray) -> str:
    settings = f"{N_MELS} {N_FFT} {LOWEST} {HIGHEST} {RANGE}"
    content = np.asarray(window, np.float32).tobytes()
    return hashlib.sha1(settings.encode() + content).hexdigest()[:20]


def _png(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).convert("RGB").save(file, "PNG", compress_level=1)
    return file.getvalue()
