"""From birds to recordings on disk: WAV files, and a table of who sings where, how near."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from numpy import ndarray
from numpy.random import Generator

from plantlab.aviary.birds import Bird, hatch
from plantlab.aviary.places import background, carried, loudness, place_of
from plantlab.aviary.song import RATE, sing
from plantlab.files import project_root

VERSION = "1"  # raised whenever a recording changes, and part of the name of a built folder
FARTHEST = -21.0  # decibels of the song over the background, at the edge of hearing
NEAREST = 15.0


@dataclass(frozen=True)
class Parameters:
    """What recordings are made from, and named by."""

    n_species: int = 16
    n_recordings: int = 1280
    n_places: int = 12
    seconds: float = 6.0
    seed: int = 0

    def describe(self) -> dict:
        """Return what `build.json` says of the recordings."""
        return {"version": VERSION} | asdict(self)


def build(folder: str | Path | None = None, **parameters: float) -> pd.DataFrame:
    """Return the table of recordings of invented birds; those not on disk yet are made.

    A row a recording: sound_path, obs_id, species, genus, place, individual, snr (decibels of the
    song over all else), second_bird (a species that sings behind it, or ""), kind. The songs are
    **synthetic**. `folder` appears whole or not at all.

    Args:
        folder: else one under `data/aviary`, named by the parameters.
        parameters: those of `Parameters`, by name, such as `n_species=8`.
    Raises:
        ValueError: too few or too many species, or fewer recordings than species; fewer than three
            places. TypeError: a name that `Parameters` has not.
    """
    wanted = Parameters(**parameters)
    if wanted.n_recordings < wanted.n_species or wanted.n_places < 3:
        raise ValueError(
            "every species needs a recording, and there must be three places or more; got "
            f"{wanted.n_recordings} recordings of {wanted.n_species} species at "
            f"{wanted.n_places} places"
        )
    digest = hashlib.sha1(json.dumps(wanted.describe()).encode()).hexdigest()[:8]
    name = f"{wanted.n_species}-birds-{wanted.n_recordings}-recordings-{digest}"
    folder = Path(folder or project_root() / "data" / "aviary" / name).absolute()
    if not (folder / "build.json").exists():
        _write(folder, wanted)
    recordings = pd.read_csv(folder / "recordings.csv", keep_default_na=False)
    recordings["sound_path"] = [str(folder / path) for path in recordings["sound_path"]]
    recordings.attrs |= {"name": folder.name, "layout": "synthetic songs"}
    return recordings


def plan(wanted: Parameters) -> pd.DataFrame:
    """Return a row a recording: who is to sing where, how near, before what.

    Each species has places where it is common and others where it is rare, as birds have.
    """
    rng = np.random.default_rng([wanted.seed, 13])
    birds = hatch(wanted.n_species, wanted.seed)
    homes = rng.dirichlet(np.full(wanted.n_places, 0.35), len(birds))  # (birds, places)
    rows = []
    for number in range(wanted.n_recordings):
        k = number % len(birds)
        place = int(rng.choice(wanted.n_places, p=homes[k]))
        individual = 1000 * k + 10 * place + int(rng.integers(3))  # three of a kind at a place
        other = birds[int(rng.integers(len(birds)))].species
        has_second = rng.random() < 0.35 and other != birds[k].species
        species = birds[k].species
        rows.append(
            {
                "sound_path": f"{species.replace(' ', '_')}/{number:05d}.wav",
                "obs_id": f"rec{number:05d}",
                "species": species,
                "genus": birds[k].genus,
                "place": f"place {place + 1}",
                "individual": individual,
                "snr": round(float(rng.uniform(FARTHEST, NEAREST)), 1),
                "second_bird": other if has_second else "",
                "kind": "generated",
                "sound_seed": int(rng.integers(2**31)),
            }
        )
    return pd.DataFrame(rows)


def record(row: pd.Series, birds: dict[str, Bird], wanted: Parameters) -> ndarray:
    """Return the recording of a row of `plan`, (samples,), its loudest sample below 1."""
    rng = np.random.default_rng(row["sound_seed"])
    place = place_of(int(row["place"].split()[1]) - 1, wanted.seed)
    song = sing(birds[row["species"]], row["individual"], rng, wanted.seconds)
    distance = (NEAREST - row["snr"]) / (NEAREST - FARTHEST)
    song = carried(song, place, distance, rng)
    around = background(place, len(song), rng)
    if row["second_bird"]:
        around = around + _behind(birds[row["second_bird"]], len(song), wanted, rng)
    around = around / np.sqrt(np.mean(np.square(around)))
    gain = np.sqrt(10 ** (row["snr"] / 10) / loudness(song))
    sound = gain * song + around
    return rng.uniform(0.3, 0.95) * sound / np.abs(sound).max()


def _behind(bird: Bird, n_samples: int, wanted: Parameters, rng: Generator) -> ndarray:
    """Return another bird's song, softer than what is around."""
    song = sing(bird, int(rng.integers(10**6)), rng, wanted.seconds)[:n_samples]
    return song * np.sqrt(rng.uniform(0.1, 0.7) / loudness(song))


def _write(folder: Path, wanted: Parameters) -> None:
    """Write recordings and table into a folder beside `folder`, then move it there."""
    import soundfile
    from tqdm.auto import tqdm

    planned = plan(wanted)
    birds = {bird.species: bird for bird in hatch(wanted.n_species, wanted.seed)}
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as beside:
        new = Path(beside) / folder.name
        for _, row in tqdm(planned.iterrows(), "singing", len(planned), leave=False):
            path = new / row["sound_path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, record(row, birds, wanted), RATE, subtype="PCM_16")
        planned.to_csv(new / "recordings.csv", index=False)
        (new / "build.json").write_text(json.dumps(wanted.describe()))
        try:
            new.rename(folder)
        except OSError:  # somebody else was quicker; theirs has the same bytes
            if not (folder / "build.json").exists():
                raise
