"""Recordings: a folder of them becomes a table, a file becomes samples, samples become windows."""

from pathlib import Path

import numpy as np
import pandas as pd

from plantlab.data.table import TableError, add_note
from plantlab.files import project_root

SOUNDS = {".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif"}
RATE = 16_000  # samples a second that everything is brought to
LOUDER = 4.0  # times the median of its row and column: then a spot of a spectrogram is song
FRAME = 512  # samples a column of that spectrogram
SILENCE = 1e-10


class SoundError(ValueError):
    """A file that should be a recording cannot be read as one."""


def read_recordings(source: str | Path) -> pd.DataFrame:
    """Return the table of recordings: sound_path, obs_id, species, place and what else is known.

    Every recording is an observation. Without a `place` each recording is its own.

    Args:
        source: a folder with a folder of recordings (wav, flac, ogg, mp3) for each species, or a
            CSV with the columns `sound_path` and `species`, and `place` where it is known.
    Raises:
        TableError: nothing there; no recordings; a column is missing; a file is not there; one
            species or one place alone.
    """
    path = Path(source).expanduser()
    if not path.exists():
        path = project_root() / path
    if path.is_file():
        recordings = _read_table(path)
    elif path.is_dir():
        recordings = _read_folders(path)
    else:
        raise TableError(
            f"there is no {str(source)!r}; give a folder with a folder of recordings for each "
            "species, or a CSV with sound_path and species."
        )
    recordings = _with_species(recordings)
    recordings.attrs["name"] = path.stem
    names = pd.Series([f"recording {number}" for number in range(len(recordings))])
    for column in ("obs_id", "place"):
        recordings[column] = _filled(recordings, column, names)
    recordings["kind"] = "recordings"
    for column in ("species", "place"):
        if recordings[column].nunique() < 2:
            raise TableError(
                f"all {len(recordings)} recordings have the {column} "
                f"{recordings[column].iloc[0]!r}; two or more are needed to learn and to test."
            )
    return recordings


def _with_species(recordings: pd.DataFrame) -> pd.DataFrame:
    """Return the recordings whose species is known; a note counts the others."""
    known = recordings["species"].str.strip() != ""
    if not known.any():
        raise TableError(f"none of the {len(recordings)} recordings has a species.")
    kept = recordings[known].reset_index(drop=True)
    if not known.all():
        add_note(kept, f"Recordings without a species were left out: {(~known).sum()}.")
    return kept


def _filled(recordings: pd.DataFrame, column: str, names: pd.Series) -> pd.Series:
    """Return a column; where it is not known, each recording is its own."""
    if column not in recordings:
        if column == "place":
            add_note(recordings, "No place is known: each recording counts as its own.")
        return names
    return recordings[column].astype(str).where(recordings[column].astype(str) != "", names)


def _read_folders(folder: Path) -> pd.DataFrame:
    found = sorted(path for path in folder.rglob("*") if _is_sound(path))
    if not found:
        kinds = ", ".join(sorted(SOUNDS))
        raise TableError(f"no recordings ({kinds}) in {folder} or its folders.")
    inside = [path.relative_to(folder).parts[:-1] for path in found]
    species = [parts[0].replace("_", " ") if parts else "" for parts in inside]
    return pd.DataFrame({"sound_path": [str(path) for path in found], "species": species})


def _is_sound(path: Path) -> bool:
    return path.suffix.lower() in SOUNDS and not path.name.startswith(".")


def _read_table(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path, keep_default_na=False)
    missing = [column for column in ("sound_path", "species") if column not in table]
    if missing:
        present = ", ".join(map(str, table))
        raise TableError(f"{path.name} has no column {missing[0]!r}; it has {present}.")
    below = [str(path.parent / each) for each in table["sound_path"]]
    absent = [each for each in below if not Path(each).is_file()]
    if absent:
        raise TableError(
            f"{len(absent)} of {len(below)} recordings that {path.name} names are not there; the "
            f"first is {absent[0]}. Paths start at the table's folder."
        )
    return table.assign(sound_path=below)


def open_sound(path: str | Path) -> np.ndarray:
    """Return a recording as float32 (samples,), one channel at `RATE` samples a second.

    Raises:
        SoundError: a file that is none, or holds no samples.
    """
    import soundfile

    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise SoundError(
            f"{path} cannot be read as a recording ({error}); expected wav, flac, ogg or mp3."
        ) from error
    if not len(samples):
        raise SoundError(f"{path} holds no samples; record it again or leave it out.")
    mono = samples.mean(axis=1)
    return mono if rate == RATE else _resampled(mono, rate)


def _resampled(samples: np.ndarray, rate: int) -> np.ndarray:
    from math import gcd

    from scipy.signal import resample_poly

    common = gcd(rate, RATE)
    return resample_poly(samples, RATE // common, rate // common).astype(np.float32)


def windows(samples: np.ndarray, seconds: float = 3.0) -> list[np.ndarray]:
    """Return a recording cut into windows of equal length; a short rest is left out.

    A recording shorter than a window is repeated until it fills one.

    >>> [len(window) / RATE for window in windows(np.zeros(7 * RATE))]
    [3.0, 3.0]
    """
    length = round(seconds * RATE)
    if len(samples) < length:
        return [np.resize(samples, length)]
    n_windows = len(samples) // length
    return np.split(samples[: n_windows * length], n_windows)


def cut_recordings(
    recordings: pd.DataFrame, seconds: float = 3.0
) -> tuple[list[np.ndarray], pd.DataFrame]:
    """Return the windows of recordings, and a table with a row for each; `obs_id` stays.

    `snr`, decibels of the song over the noise, is that of the recording where the table knows it;
    else it is estimated from each window, see song_over_noise.

    A recording that cannot be read is left out, and a note says which.

    Raises:
        SoundError: none can be read.
    """
    cut = []
    rows = []
    unread = []
    for number, path in enumerate(recordings["sound_path"]):
        try:
            pieces = windows(open_sound(path), seconds)
        except SoundError as error:
            unread.append(str(error))
            continue
        cut += pieces
        rows += [number] * len(pieces)
    if not cut:
        raise SoundError(f"none of the {len(recordings)} recordings can be read: {unread[0]}")
    table = recordings.iloc[rows].reset_index(drop=True)
    if unread:
        add_note(table, f"Recordings that cannot be read, left out: {len(unread)}; {unread[0]}")
    table["snr"] = _loudness(table, cut)
    return cut, table


def _loudness(table: pd.DataFrame, cut: list[np.ndarray]) -> pd.Series:
    """Return `snr` where the table knows it, else as it is estimated; then a note says so."""
    known = pd.Series(np.nan, table.index)
    if "snr" in table:
        known = pd.to_numeric(table["snr"], errors="coerce")
    missing = known.isna()
    if missing.any():
        known[missing] = [song_over_noise(cut[row]) for row in np.flatnonzero(missing)]
        add_note(table, "How loud songs are over the noise was estimated from the recordings.")
    return known


def near_and_far(images: pd.DataFrame, n_species: int = 3) -> pd.DataFrame:
    """Return rows to show: of some species the loudest window, then of each of them a faint one.

    Faint is, of the windows of that species, the one a tenth from the faintest end.
    """
    loudest_first = images.sort_values("snr", ascending=False, kind="stable")
    by_species = list(loudest_first.groupby("species"))[:n_species]
    near = [rows.iloc[0] for _, rows in by_species]
    far = [rows.iloc[int(0.9 * len(rows))] for _, rows in by_species]
    shown = pd.DataFrame([*near, *far])
    decibels = shown["snr"].map("{:.0f} dB".format)
    return shown.assign(label=shown["species"] + ", " + decibels)


def song_columns(samples: np.ndarray) -> np.ndarray:
    """Return which frames of a recording hold a song, bool (samples // 512,).

    A spot of the spectrogram is song where it is four times as loud as the median of its row and
    of its column; a frame where it has two such spots, or one beside it has. The paper has three
    times, and erodes what lies alone; without that, four keeps noise from being taken for song.

    Source: Sprengel et al. 2016, "Audio based bird species identification using deep learning
    techniques", LifeCLEF 2016, section 2.
    """
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    loud = np.abs(np.fft.rfft(frames * np.hanning(FRAME), axis=1)) + SILENCE  # (frames, hertz)
    of_row = np.median(loud, axis=0, keepdims=True)
    of_column = np.median(loud, axis=1, keepdims=True)
    is_song = (loud > LOUDER * of_row) & (loud > LOUDER * of_column)
    spots = is_song.sum(axis=1) >= 2
    beside = np.convolve(spots, [1, 1, 1], "same") > 0
    return beside


def noise_of(samples: np.ndarray) -> np.ndarray:
    """Return what of a recording is no song, (samples,), for want of any its quietest quarter."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    quiet = ~song_columns(samples)
    if quiet.sum() < 4:
        power = np.square(frames).mean(axis=1)
        quiet = power <= np.quantile(power, 0.25)
    return frames[quiet].ravel()


def song_over_noise(samples: np.ndarray) -> float:
    """Return by how many decibels the song of a recording is louder than its noise, estimated.

    What is louder is song and noise together; so it never falls far below 0, however faint a song.
    Where no song is found, or nothing else, the loudest quarter of the frames is held against the
    quietest; a sound without any pause is then about 0, as noise is.
    """
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    power = np.square(frames).mean(axis=1) + SILENCE
    is_song = song_columns(samples)
    if is_song.all() or not is_song.any():
        ranked = np.sort(power)
        quarter = max(1, len(power) // 4)
        return float(10 * np.log10(ranked[-quarter:].mean() / ranked[:quarter].mean()))
    return float(10 * np.log10(power[is_song].mean() / power[~is_song].mean()))


def as_mp3(samples: np.ndarray) -> bytes:
    """Return a sound as an MP3 file, a tenth of a WAV's size, to be heard in a notebook."""
    import io

    import soundfile

    file = io.BytesIO()
    loudest = np.abs(samples).max() + 1e-9
    soundfile.write(file, 0.9 * samples / loudest, RATE, format="MP3")
    return file.getvalue()
