"""Birds that sing: synthesis, recordings as data, pictures of sounds, and changes to them."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.metrics import roc_auc_score

from plantlab import aviary
from plantlab.aviary import places, song
from plantlab.data import mel, sounds, splits
from plantlab.data.changed_sounds import SEMITONES, Changes, under_noise
from plantlab.data.sounds import RATE, SoundError
from plantlab.data.table import TableError, data_kind
from plantlab.networks import spectrograms
from plantlab.notebook.exercises import lesson_13
from plantlab.predictions import Predictions
from plantlab.predictions.auc import auc_gains

building = import_module("plantlab.aviary.build")  # beside the function of that name
FEW = {"n_species": 3, "n_recordings": 9, "n_places": 3, "seconds": 2.0}


def tone(hertz: float, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate).astype(np.float32)


def loudest_hertz(samples: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(samples))
    return float(np.fft.rfftfreq(len(samples), 1 / RATE)[power.argmax()])


# birds and their songs


def test_birds_have_names_of_their_own_and_come_again_from_their_seed():
    birds = aviary.hatch(40, 3)
    assert len({bird.species for bird in birds}) == 40
    assert birds == aviary.hatch(40, 3) and birds != aviary.hatch(40, 4)
    for wrong in (1, 141):
        with pytest.raises(ValueError, match="n_species must be from 2 to 140"):
            aviary.hatch(wrong)


def test_an_individual_keeps_its_pitch_and_each_song_is_another():
    bird = aviary.hatch(2)[0]
    first = song.sing(bird, 1, np.random.default_rng(0))
    assert np.array_equal(first, song.sing(bird, 1, np.random.default_rng(0)))
    assert not np.array_equal(first, song.sing(bird, 1, np.random.default_rng(1)))
    assert not np.array_equal(first, song.sing(bird, 2, np.random.default_rng(0)))
    assert len(first) == 6 * song.RATE and 0.1 < np.abs(first).max() < 3


@pytest.mark.parametrize("slope", [0.0, -1.0, -2.0])
def test_noise_has_the_slope_that_it_was_asked_for(slope):
    made = places.noise(2**16, slope, np.random.default_rng(0))
    assert np.mean(np.square(made)) == pytest.approx(1)
    power = np.square(np.abs(np.fft.rfft(made)))
    hertz = np.fft.rfftfreq(2**16, 1 / RATE)
    low, high = (power[(hertz > f / 1.1) & (hertz < f * 1.1)].mean() for f in (500, 4000))
    assert np.log(high / low) / np.log(8) == pytest.approx(slope, abs=0.15)


def test_a_recording_has_the_loudness_over_all_else_that_its_row_says():
    wanted = aviary.Parameters(**FEW)
    birds = {bird.species: bird for bird in aviary.hatch(3)}
    row = building.plan(wanted).iloc[0].to_dict() | {"second_bird": ""}
    near, far = (building.record(row | {"snr": snr}, birds, wanted) for snr in (15.0, -21.0))
    assert sounds.song_over_noise(near) > sounds.song_over_noise(far) + 12
    assert max(np.abs(near).max(), np.abs(far).max()) < 1


def test_recordings_are_made_once_whole_or_not_at_all(tmp_path, monkeypatch):
    table = aviary.build(tmp_path / "birds", **FEW)
    assert len(table) == 9 and table["species"].nunique() == 3
    before = [Path(path).read_bytes() for path in table["sound_path"]]
    again = aviary.build(tmp_path / "others", **FEW)
    assert before == [Path(path).read_bytes() for path in again["sound_path"]]

    def broken(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(building, "record", broken)
    aviary.build(tmp_path / "birds", **FEW)  # from the disk
    with pytest.raises(KeyboardInterrupt):
        aviary.build(tmp_path / "new", **FEW)
    assert not (tmp_path / "new").exists()
    with pytest.raises(ValueError, match="2 recordings of 3 species at 3 places"):
        aviary.build(tmp_path / "none", **FEW | {"n_recordings": 2})


# recordings of any origin


def test_folders_by_species_and_tables_are_read(tmp_path):
    for name, suffix in (("Turdus_merula", "wav"), ("Parus_major", "flac"), ("Parus_major", "ogg")):
        (tmp_path / name).mkdir(exist_ok=True)
        soundfile.write(tmp_path / name / f"one.{suffix}", tone(2000), RATE)
    found = sounds.read_recordings(tmp_path)
    assert found["species"].tolist() == ["Parus major", "Parus major", "Turdus merula"]
    assert found["place"].nunique() == 3 and "its own" in found.attrs["notes"][0]
    assert data_kind(found) == "recordings"
    cut, images = sounds.cut_recordings(found, 0.5)
    assert len(cut) == len(images) == 6 and images["obs_id"].nunique() == 3
    assert "estimated" in images.attrs["notes"][-1]

    paths = ["Parus_major/one.ogg", "Turdus_merula/one.wav", "Parus_major/one.flac"]
    table = pd.DataFrame({"sound_path": paths, "species": ["P", "T", ""], "place": ["x", "", "y"]})
    table.assign(snr=["", "7", "1"]).to_csv(tmp_path / "songs.csv", index=False)
    read = sounds.read_recordings(tmp_path / "songs.csv")
    assert read["place"].tolist() == ["x", "recording 1"]
    assert "without a species were left out: 1" in read.attrs["notes"][0]
    _, images = sounds.cut_recordings(read, 1.0)
    assert images["snr"].iloc[1] == 7 and images["snr"].notna().all()


def test_files_that_cannot_be_read_are_left_out_and_told(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name / "2021").mkdir(parents=True)
        soundfile.write(tmp_path / name / "2021" / "one.wav", tone(2000), RATE)
    (tmp_path / "a" / "._one.wav").write_bytes(b"what a Mac leaves behind")
    (tmp_path / "a" / "two.wav").write_bytes(b"no sound")
    found = sounds.read_recordings(tmp_path)
    assert found["species"].tolist() == ["a", "a", "b"]  # the folder's, not the year's
    cut, images = sounds.cut_recordings(found, 1.0)
    assert len(cut) == len(images) == 2
    assert "cannot be read, left out: 1; " in images.attrs["notes"][1]
    with pytest.raises(SoundError, match="none of the 1 recordings can be read: .*two.wav"):
        sounds.cut_recordings(found[1:2])
    with pytest.raises(TableError, match="all 1 recordings have the species '2021'; two or more"):
        sounds.read_recordings(tmp_path / "b")


def test_what_is_no_recording_is_said_so(tmp_path):
    with pytest.raises(TableError, match="there is no 'nowhere'; give a folder"):
        sounds.read_recordings("nowhere")
    with pytest.raises(TableError, match=r"no recordings \(.aif, .aiff, .flac"):
        sounds.read_recordings(tmp_path)
    pd.DataFrame({"file": ["a.wav"]}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(TableError, match="a.csv has no column 'sound_path'; it has file"):
        sounds.read_recordings(tmp_path / "a.csv")
    table = pd.DataFrame({"sound_path": ["a.wav"], "species": ["A"]})
    table.to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(TableError, match="1 of 1 recordings that b.csv names are not there"):
        sounds.read_recordings(tmp_path / "b.csv")
    (tmp_path / "c.wav").write_bytes(b"no sound")
    with pytest.raises(SoundError, match="c.wav cannot be read as a recording"):
        sounds.open_sound(tmp_path / "c.wav")
    soundfile.write(tmp_path / "d.wav", np.zeros(0), RATE)
    with pytest.raises(SoundError, match="d.wav holds no samples"):
        sounds.open_sound(tmp_path / "d.wav")


@pytest.mark.parametrize("rate", [8000, 22_050, 44_100, 48_000])
def test_other_rates_and_two_channels_keep_their_pitch(rate, tmp_path):
    both = np.stack([tone(1000, rate=rate), tone(1000, rate=rate)], axis=1)
    soundfile.write(tmp_path / "a.wav", both, rate)
    opened = sounds.open_sound(tmp_path / "a.wav")
    assert opened.shape == (RATE,) and opened.dtype == np.float32
    assert loudest_hertz(opened) == pytest.approx(1000, abs=2)


@given(st.integers(1, 5 * RATE))
def test_windows_are_equal_and_none_is_lost_but_a_short_rest(n_samples):
    cut = sounds.windows(np.arange(n_samples, dtype=np.float32), 1.0)
    assert {len(window) for window in cut} == {RATE}
    assert len(cut) == max(1, n_samples // RATE)
    assert cut[0][0] == 0


def test_a_song_is_told_from_the_noise_around_it():
    rng = np.random.default_rng(0)
    sound = 0.05 * rng.normal(size=3 * RATE).astype(np.float32)
    sound[RATE : 2 * RATE] += tone(3000)
    is_song = sounds.song_columns(sound)
    at = (np.arange(len(is_song)) + 0.5) * sounds.FRAME / RATE
    inside = (at > 1.1) & (at < 1.9)
    outside = (at < 0.9) | (at > 2.1)
    assert is_song[inside].mean() > 0.95 and is_song[outside].mean() < 0.1
    assert np.abs(sounds.noise_of(sound)).max() < 0.5
    assert sounds.song_over_noise(sound) == pytest.approx(10 * np.log10(0.5 / 0.0025), abs=2)
    assert sounds.song_over_noise(sound[: RATE // 2]) < 3


def test_a_song_without_a_pause_is_louder_than_its_quietest_quarter():
    rng = np.random.default_rng(0)
    swelling = np.abs(np.sin(np.pi * np.arange(3 * RATE) / RATE))
    sound = swelling * tone(3000, 3.0) + 0.001 * rng.normal(size=3 * RATE)
    assert sounds.song_over_noise(sound.astype(np.float32)) > 5


# pictures


def test_mel_rows_turn_back_into_hertz_and_filters_share_out_what_they_hear():
    hertz = mel.row_hertz()
    assert (np.diff(hertz) < 0).all() and hertz[0] < 8000 and hertz[-1] > 300
    steps = np.diff(mel.mel(hertz))
    assert steps == pytest.approx(np.full(len(steps), steps[0]))
    filters = mel.mel_filters()
    at = np.linspace(0, RATE / 2, filters.shape[1])
    middle = (at > hertz[-1]) & (at < hertz[0])
    assert filters[:, middle].sum(axis=0) == pytest.approx(np.ones(middle.sum()), abs=1e-5)


@pytest.mark.parametrize("hertz", [500, 1500, 3000, 6000])
def test_a_tone_is_bright_in_the_row_of_its_pitch(hertz):
    picture = spectrograms.pictures(tone(hertz)[None])[0]
    assert picture.shape == (mel.N_MELS, mel.N_MELS)
    row = picture[:, 10:-10].mean(axis=1).argmax()
    nearest = np.abs(mel.row_hertz() - hertz).argmin()
    assert abs(row - nearest) <= 1


def test_a_spectrogram_is_the_sum_that_numpy_makes_of_one_frame():
    sound = tone(2000) + 0.1 * np.random.default_rng(0).normal(size=RATE).astype(np.float32)
    column = 64
    hop = RATE // mel.N_MELS
    centre = column * hop
    frame = sound[centre - 512 : centre + 512]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    power = np.square(np.abs(np.fft.rfft(frame * hann)))
    by_hand = 10 * np.log10(mel.mel_filters() @ power + 1e-10)
    drawn = spectrograms.log_mel(sound[None])[0, :, column]
    kept = drawn > -mel.RANGE + 1
    shift = (drawn - by_hand)[kept]  # each picture is brought to its own loudest spot
    assert kept.sum() > 20 and np.ptp(shift) < 0.05


def test_loudness_tells_nothing_and_a_picture_is_drawn_once(tmp_path, monkeypatch):
    monkeypatch.setattr(spectrograms, "cache_folder", lambda: tmp_path)
    assert np.array_equal(*(spectrograms.pictures(gain * tone(900)[None]) for gain in (1.0, 0.25)))
    paths = spectrograms.draw_spectrograms([tone(900), tone(1800), tone(900)])
    assert paths[0] == paths[2] != paths[1]
    with Image.open(paths[1]) as image:
        shades = np.asarray(image.convert("L"))
    assert np.array_equal(shades, spectrograms.pictures(tone(1800)[None])[0])
    monkeypatch.setattr(spectrograms, "pictures", None)  # would fail if it drew again
    assert spectrograms.draw_spectrograms([tone(900)]) == paths[:1]


# changes


@pytest.fixture(scope="module")
def changes() -> Changes:
    rng = np.random.default_rng(0)
    made = []
    for hertz in (1000, 1000, 3000):
        window = 0.02 * rng.normal(size=2 * RATE)
        window[RATE // 2 : RATE] += tone(hertz, 0.5)
        made.append(window.astype(np.float32))
    return Changes(made, ["Aa a", "Aa a", "Bb b"])


def test_a_shift_in_time_keeps_every_sample(changes):
    window = changes.windows[0]
    moved = changes.time_shift(window, 0, np.random.default_rng(1))
    assert np.array_equal(np.sort(moved), np.sort(window)) and not np.array_equal(moved, window)


def test_a_shift_in_pitch_stays_within_its_semitones(changes):
    rng = np.random.default_rng(0)
    heard = [loudest_hertz(changes.pitch_shift(changes.windows[0], 0, rng)) for _ in range(30)]
    furthest = 1000 * 2 ** (SEMITONES / 12)
    assert 1e6 / furthest - 5 < min(heard) < 975 and 1025 < max(heard) < furthest + 5


def test_only_songs_of_the_same_species_are_summed(changes):
    rng = np.random.default_rng(0)
    for number, stranger in ((0, 3000), (2, 1000)):
        summed = changes.same_species(changes.windows[number], number, rng)
        power = np.abs(np.fft.rfft(summed))
        hertz = np.fft.rfftfreq(len(summed), 1 / RATE)
        near = power[np.abs(hertz - stranger) < 20].max()
        assert near < 0.05 * power.max()


def test_added_noise_holds_no_song_of_another_recording(changes):
    rng = np.random.default_rng(0)
    for _ in range(5):
        noisy = changes.noise_added(changes.windows[0], 0, rng)
        power = np.abs(np.fft.rfft(noisy))
        hertz = np.fft.rfftfreq(len(noisy), 1 / RATE)
        assert loudest_hertz(noisy) == pytest.approx(1000, abs=3)
        assert power[np.abs(hertz - 3000) < 20].max() < 0.3 * power.max()
        assert not np.allclose(noisy / np.abs(noisy).max(), changes.windows[0])


def test_copies_come_in_order_and_again_from_their_seed(changes):
    made = changes.copies(changes.together, 2, seed=1)
    assert len(made) == 6 and {len(window) for window in made} == {2 * RATE}
    again = changes.copies(changes.together, 2, seed=1)
    assert all(np.array_equal(one, two) for one, two in zip(made, again))
    same = changes.copies(lambda window, number, rng: window, 2)
    assert [loudest_hertz(window) for window in same] == [1000, 1000, 3000] * 2


def test_examples_show_each_way_and_noise_is_as_loud_as_it_is_said(changes):
    shown = changes.examples(0)
    assert list(shown) == ["as it was", *changes.ways] and len(changes.ways) == 5
    assert np.array_equal(shown["as it was"], changes.windows[0])
    mixed = under_noise(changes.windows[0], changes.noises[2], 6.0)
    added = np.mean(np.square(mixed - changes.windows[0]))
    assert 10 * np.log10(added / np.mean(np.square(changes.windows[0]))) == pytest.approx(
        6, abs=0.1
    )


def test_near_and_far_show_the_same_species():
    images = pd.DataFrame({"species": list("aabbcc"), "snr": [1.0, 9, 4, 2, 3, 3]})
    shown = sounds.near_and_far(images, 2)
    assert shown["label"].tolist() == ["a, 9 dB", "b, 4 dB", "a, 1 dB", "b, 2 dB"]


# splits and scores


@given(st.lists(st.sampled_from("abcdef"), min_size=2, max_size=40), st.floats(0.05, 0.95))
def test_groups_are_held_out_whole_and_some_stay(names, share):
    groups = pd.Series(names)
    if groups.nunique() < 2:
        with pytest.raises(ValueError, match="two of them"):
            splits.hold_out_groups(groups, share)
        return
    held = splits.hold_out_groups(groups, share)
    assert not set(groups[held]) & set(groups[~held])
    assert 0 < held.sum() < len(groups)


def answer(probs: np.ndarray, names: list[str], species: list[str]) -> Predictions:
    images = pd.DataFrame({"image_path": [f"{i}.png" for i in range(len(names))], "species": names})
    return Predictions(images, species, probs)


def test_the_area_is_scikit_learns_macro_one_against_the_rest():
    rng = np.random.default_rng(0)
    species = ["Aa a", "Bb b", "Cc c"]
    targets = rng.integers(0, 3, 120)
    logits = rng.normal(size=(120, 3)) + 1.5 * np.eye(3)[targets]
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    names = [species[k] for k in targets]
    said = answer(probs, names, species)
    even = answer(np.full((120, 3), 1 / 3), names, species)
    rows = auc_gains({"none": even, "better": said}, "none").set_index("method")
    oracle = roc_auc_score(targets, said.probs, multi_class="ovr", average="macro")
    assert rows.loc["better", "auc"] == pytest.approx(oracle, abs=1e-6)
    assert rows.loc["none", "auc"] == 0.5 and rows.loc["none", "gain_high"] == 0
    assert rows.loc["better", "gain"] == pytest.approx(oracle - 0.5, abs=1e-6)
    assert rows.loc["better", "auc_low"] < oracle < rows.loc["better", "auc_high"]


def test_groups_are_scored_apart_and_a_species_without_others_is_left_out():
    probs = [[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.3, 0.7], [0.1, 0.9]]
    names = ["Aa a", "Aa a", "Bb b", "Bb b", "Bb b"]
    said = answer(np.array(probs), names, ["Aa a", "Bb b"])
    groups = pd.Series(["one"] * 5)
    rows = auc_gains({"it": said}, "it", groups)
    assert rows["auc"].item() == pytest.approx(5 / 6)
    lone = auc_gains({"it": said}, "it", pd.Series(["x", "y", "y", "y", "y"]))
    assert np.isnan(lone.set_index("group").loc["x", "auc"])
    assert lone.set_index("group").loc["y", "auc"] == pytest.approx(2 / 3)


def test_exercises_of_notebook_13_worked_by_hand():
    assert lesson_13.exercise_1(12.04) and not lesson_13.exercise_1(6.02)
    assert lesson_13.exercise_2(0.8333) and not lesson_13.exercise_2(0.75)
    images = pd.DataFrame({"obs_id": list("abcd"), "individual": [1, 1, 2, 3]})
    held = splits.hold_out_groups(images["obs_id"], 0.35, 0)
    known = set(images.loc[~held, "individual"])
    right = np.mean([each in known for each in images.loc[held, "individual"]])
    assert lesson_13.exercise_3(right, images, 0) and not lesson_13.exercise_3(
        right + 0.2, images, 0
    )
