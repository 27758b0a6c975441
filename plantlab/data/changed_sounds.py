"""Sounds changed as birders' programs do it: shifted in time and pitch, summed, set in noise."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from plantlab.data.sounds import noise_of

SEMITONES = 1.5  # the farthest that a pitch is shifted
Change = Callable[[np.ndarray, int, Generator], np.ndarray]


class Changes:
    """The four augmentations of bird songs, over the windows that are learnt from.

    Each takes a window and its number, and returns another window of the same length. They use no
    window but those given here: let these be of train alone.

    Source: Sprengel et al. 2016, "Audio based bird species identification using deep learning
    techniques", LifeCLEF 2016; Goeau et al. 2016 for the task.
    """

    def __init__(self, windows: list[np.ndarray], species: list[str]):
        self.windows = windows
        self.species = np.asarray(species)
        self.noises = [noise_of(window) for window in windows]
        self.four: dict[str, Change] = {
            "time shift": self.time_shift,
            "pitch shift": self.pitch_shift,
            "same species summed": self.same_species,
            "noise added": self.noise_added,
        }
        self.ways = self.four | {"all four": self.together}

    def time_shift(self, window: np.ndarray, number: int, rng: Generator) -> np.ndarray:
        """Return the window begun elsewhere; what leaves at the end comes in at the start."""
        return np.roll(window, int(rng.integers(len(window))))

    def pitch_shift(self, window: np.ndarray, number: int, rng: Generator) -> np.ndarray:
        """Return the window played faster and higher, or slower and lower."""
        speed = 2 ** (rng.uniform(-SEMITONES, SEMITONES) / 12)
        at = np.arange(len(window)) * speed
        played = np.interp(at % (len(window) - 1), np.arange(len(window)), window)
        return played.astype(np.float32)

    def same_species(self, window: np.ndarray, number: int, rng: Generator) -> np.ndarray:
        """Return the window and another one of its species, one over the other.

        A species' only window is laid over itself.
        """
        alike = np.flatnonzero(self.species == self.species[number])
        others = alike[alike != number]
        other = self.windows[int(rng.choice(others))] if len(others) else window
        return _scaled(window) + rng.uniform(0.3, 1.0) * _scaled(other)

    def noise_added(self, window: np.ndarray, number: int, rng: Generator) -> np.ndarray:
        """Return the window with what is no song of another window under it.

        Songs too faint to be found are part of that noise.
        """
        others = np.delete(np.arange(len(self.noises)), number)
        around = self.noises[int(rng.choice(others))]
        start = int(rng.integers(len(around)))
        filled = np.resize(np.roll(around, -start), len(window))
        return _scaled(window) + rng.uniform(0.2, 2.0) * _scaled(filled)

    def together(self, window: np.ndarray, number: int, rng: Generator) -> np.ndarray:
        """Return the window with each of the four, in this order, at even odds."""
        for change in self.four.values():
            if rng.random() < 0.5:
                window = change(window, number, rng)
        return window

    def examples(self, number: int, seed: int = 0) -> dict[str, np.ndarray]:
        """Return a window as it was and changed in each way, by name."""
        rng = np.random.default_rng(seed)
        window = self.windows[number]
        changed = {name: change(window, number, rng) for name, change in self.ways.items()}
        return {"as it was": window} | changed

    def copies(self, change: Change, n_copies: int, seed: int = 0) -> list[np.ndarray]:
        """Return `n_copies` changed ones of every window, all of the first copy first."""
        rng = np.random.default_rng(seed)
        numbered = list(enumerate(self.windows))
        made = []
        for _ in range(n_copies):
            made += [change(window, number, rng) for number, window in numbered]
        return made


def under_noise(window: np.ndarray, around: np.ndarray, decibels: float) -> np.ndarray:
    """Return a window with noise under it, so many decibels louder than the window as a whole."""
    filled = np.resize(around, len(window))
    ratio = np.mean(np.square(window)) / (np.mean(np.square(filled)) + 1e-12)
    return window + np.sqrt(10 ** (decibels / 10) * ratio) * filled


def _scaled(samples: np.ndarray) -> np.ndarray:
    """Return the samples with a mean square of 1."""
    return samples / (np.sqrt(np.mean(np.square(samples))) + 1e-9)
