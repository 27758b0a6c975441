"""What else is to be heard where a bird sings: wind, water, insects, a road, and distance."""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray, pi
from numpy.random import Generator

from plantlab.aviary.song import RATE

FRAME = 512  # samples over which loudness is measured


@dataclass(frozen=True)
class Place:
    """A place: how loud each of its sounds is, in amplitude, and its echo."""

    wind: float
    water: float
    insects: float
    insect_hertz: float
    road: float
    echo: float  # share of the sound that comes back from trunks and walls


def place_of(number: int, seed: int = 0) -> Place:
    """Return a place by its number: in each one, one sound leads."""
    rng = np.random.default_rng([seed, 11, number])
    loudness = 0.15 * rng.random(4)
    loudness[rng.integers(4)] += 0.8
    wind, water, insects, road = loudness.tolist()
    return Place(
        wind=wind,
        water=water,
        insects=insects,
        insect_hertz=float(rng.uniform(4500, 7500)),
        road=road,
        echo=float(rng.uniform(0.0, 0.35)),
    )


def background(place: Place, n_samples: int, rng: Generator) -> ndarray:
    """Return what is heard at a place without a bird, (samples,), with a mean square of 1."""
    seconds = np.arange(n_samples) / RATE
    gusts = 1 + 0.6 * np.sin(2 * pi * rng.uniform(0.1, 0.5) * seconds + rng.uniform(0, 6))
    sound = place.wind * gusts * noise(n_samples, -2.0, rng)
    sound += place.water * noise(n_samples, -0.3, rng)
    sound += place.road * noise(n_samples, -1.2, rng)
    pulse = np.sin(2 * pi * rng.uniform(8, 20) * seconds + rng.uniform(0, 6)) > 0
    shrill = np.sin(2 * pi * place.insect_hertz * rng.uniform(0.97, 1.03) * seconds)
    sound += place.insects * 1.4 * pulse * shrill
    sound += 0.1 * noise(n_samples, 0.0, rng)  # the recorder's own hiss
    return sound / np.sqrt(np.mean(np.square(sound)))


def noise(n_samples: int, slope: float, rng: Generator) -> ndarray:
    """Return noise whose power falls as frequency ** slope, with a mean square of 1.

    0 is white, -1 pink, -2 brown.
    """
    spectrum = np.fft.rfft(rng.normal(size=n_samples))
    hertz = np.fft.rfftfreq(n_samples, 1 / RATE)
    weight = np.maximum(hertz, 40.0) ** (slope / 2)  # nothing below 40 Hz grows further
    sound = np.fft.irfft(spectrum * weight, n_samples)
    return sound / np.sqrt(np.mean(np.square(sound)))


def carried(song: ndarray, place: Place, distance: float, rng: Generator) -> ndarray:
    """Return a song as it arrives: duller from afar, and with its echo.

    Args:
        distance: from 0, beside the microphone, to 1, at the edge of hearing.
    """
    spectrum = np.fft.rfft(song)
    hertz = np.fft.rfftfreq(len(song), 1 / RATE)
    dulled = spectrum * np.exp(-1.5 * distance * hertz / 8000)
    sound = np.fft.irfft(dulled, len(song))
    late = np.zeros_like(sound)
    for _ in range(6):
        delay = round(rng.uniform(0.01, 0.12) * RATE)
        late[delay:] += rng.normal(0, 1) * sound[:-delay]
    return sound + place.echo * (0.5 + distance) * 0.4 * late


def loudness(song: ndarray) -> float:
    """Return the mean square of a song where it sounds: of the louder half of its frames."""
    frames = song[: len(song) // FRAME * FRAME].reshape(-1, FRAME)
    power = np.sort(np.square(frames).mean(axis=1))
    return float(power[len(power) // 2 :].mean())
