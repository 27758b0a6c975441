import io
import os
import time

import bad_files
import numpy as np
import pandas as pd
import pytest
from PIL import ExifTags, Image

from plantlab.data.inspection import set_aside
from plantlab.data.layouts import read_images
from plantlab.data.photos import PhotoError, open_photo, thumbnail
from plantlab.files import write_whole


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    bad_files.make(folder)
    return folder


@pytest.mark.parametrize(
    "name", [name for name, problem in bad_files.PROBLEMS.items() if not problem]
)
def test_odd_files_are_read_correctly(folder, name):
    expected, photo = bad_files.picture(), open_photo(folder / name)
    assert photo.mode == "RGB" and photo.size == expected.size
    if name == "grey_16_bit.png":
        expected = expected.convert("L").convert("RGB")
    difference = np.abs(np.asarray(photo, float) - np.asarray(expected, float))[
        :, 70:
    ]  # away from the blue edge
    assert difference.mean() < {
        "cmyk.jpg": 8,
        "palette_transparent.png": 12,
        "animated.gif": 12,
    }.get(name, 4)


def test_an_upload_is_read_too(folder):
    assert open_photo(memoryview((folder / "cmyk.jpg").read_bytes())).size == (160, 120)
    with pytest.raises(PhotoError, match="^zero bytes$"):
        open_photo(b"")


def test_transparent_is_white(folder):
    assert open_photo(folder / "palette_transparent.png").getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize(
    "name, problem", [(n, p) for n, p in bad_files.PROBLEMS.items() if p and n != "tiny.png"]
)
def test_damaged_files_say_why(folder, name, problem):
    with pytest.raises(PhotoError, match=f"^{problem}$"):
        open_photo(folder / name)


@pytest.mark.parametrize("mode, dtype, top", [("I", np.int32, 10**6), ("F", np.float32, 1.0)])
def test_32_bit_pixels_are_stretched(tmp_path, mode, dtype, top):
    pixels = (np.linspace(0, 1, 64 * 64).reshape(64, 64) * top).astype(dtype)
    Image.fromarray(pixels).save(tmp_path / "deep.tif")
    assert open_photo(tmp_path / "deep.tif").getextrema() == ((0, 255),) * 3


def test_any_cut_is_reported_and_any_noise_survived(tmp_path):
    bad_files.picture().save(tmp_path / "whole.jpg")
    whole = (tmp_path / "whole.jpg").read_bytes()
    rng = np.random.default_rng(0)
    for n in range(0, len(whole) - 2, 97):
        with pytest.raises(PhotoError):
            open_photo(whole[:n])
        broken = bytearray(whole)
        broken[n] = rng.integers(256)
        try:
            open_photo(bytes(broken))
        except PhotoError as error:
            assert str(error)


def test_size_decodes_a_jpeg_smaller_but_never_below(tmp_path):
    bad_files.picture(1600, 1200).save(tmp_path / "large.jpg")
    assert open_photo(tmp_path / "large.jpg", size=150).size == (200, 150)
    assert min(open_photo(tmp_path / "large.jpg", size=160).size) >= 160


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_large_honest_photo_is_read(tmp_path):
    Image.new("L", (12_000, 9_000), 128).save(tmp_path / "large.jpg", quality=20)
    assert open_photo(tmp_path / "large.jpg", size=64).size == (1500, 1125)


def test_set_aside_keeps_every_row_and_says_why(folder, tmp_path):
    images = read_images(folder)
    assert len(images) == len(bad_files.PROBLEMS)
    good, bad = set_aside(images, cache=tmp_path / "cache.parquet")
    found = dict.fromkeys(good["image_path"], "") | dict(zip(bad["image_path"], bad["problem"]))
    assert {
        os.path.basename(path): problem for path, problem in found.items()
    } == bad_files.PROBLEMS
    assert list(good.index) == list(range(len(good))) and (good["phash"].str.len() == 16).all()
    turned = good.set_index(good["image_path"].map(os.path.basename)).loc["rotated_by_exif.jpg"]
    assert (turned["width"], turned["height"]) == (160, 120)
    assert "Files set aside: 9 of 18 (3 truncated; " in good.attrs["notes"][-1]


def test_a_photo_without_problems_gives_an_empty_bad_table(tmp_path):
    bad_files.picture().save(tmp_path / "a.jpg")
    good, bad = set_aside(read_images(tmp_path), cache=tmp_path / "cache.parquet")
    assert (len(good), len(bad)) == (1, 0) and "problem" in bad and good["width"].dtype.kind == "i"


def test_inspection_is_cached_until_the_file_changes(tmp_path):
    path, cache = tmp_path / "a.png", tmp_path / "cache.parquet"
    bad_files.picture().save(path)
    images = pd.DataFrame({"image_path": [str(path), str(path)]}, index=[7, 3])
    first, _ = set_aside(images, cache)
    assert len(first) == 2 and len(set(first["sha1"])) == 1
    cache.touch()
    written = cache.stat().st_mtime_ns
    pd.testing.assert_frame_equal(set_aside(images, cache)[0], first)
    assert cache.stat().st_mtime_ns == written
    time.sleep(0.01)
    bad_files.picture(200, 100).save(path)
    assert list(set_aside(images, cache)[0]["width"]) == [200, 200]


def test_write_whole_leaves_no_half_file(tmp_path):
    path = tmp_path / "new" / "a.txt"
    assert write_whole(path, "one").read_text() == "one"
    write_whole(path, lambda part: part.write_bytes(b"two"))

    def fail(part):
        part.write_bytes(b"half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_whole(path, fail)
    assert path.read_text() == "two" and os.listdir(path.parent) == ["a.txt"]


def camera_says(**tags) -> Image.Exif:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {ExifTags.Base.DateTimeOriginal: tags.get("date", "2016:05:31 10:20:30")}
    )
    place = {
        "GPSLatitudeRef": "S",
        "GPSLatitude": (48.0, 30.0, 36.0),
        "GPSLongitudeRef": "E",
        "GPSLongitude": (2, 15, 0),
    }
    numbers = {
        ExifTags.GPS[name].value: value for name, value in (place | tags.get("place", {})).items()
    }
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(numbers)
    return exif


def test_what_the_camera_wrote_stands_in_where_the_table_says_nothing(tmp_path):
    photo = bad_files.picture()
    for name in ("a.jpg", "b.png", "c.heic", "told.jpg"):
        photo.save(tmp_path / name, exif=camera_says().tobytes())
    photo.save(tmp_path / "none.jpg")
    photo.save(
        tmp_path / "unset.jpg",
        exif=camera_says(date="0000:00:00 00:00:00", place={"GPSLatitude": ()}).tobytes(),
    )
    photo.save(tmp_path / "broken.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff")
    images = read_images(tmp_path)
    told = images["image_path"].str.endswith("told.jpg")
    images.loc[told, "date"], images.loc[told, "latitude"] = "2001-02-03", 7.0
    good, bad = set_aside(images, tmp_path / "cache.parquet")
    assert bad.empty
    good = good.set_index(good["image_path"].map(os.path.basename))
    read = good.loc[["a.jpg", "b.png", "c.heic"]]
    assert (read["date"] == "2016-05-31 10:20:30").all() and (read["taken"] == read["date"]).all()
    assert (
        good["latitude"].dtype == float
        and np.allclose(read["latitude"], -48.51)
        and np.allclose(read["longitude"], 2.25)
    )
    assert good.loc["told.jpg", ["date", "latitude", "longitude"]].tolist() == [
        "2001-02-03",
        7.0,
        2.25,
    ]
    assert (
        good.loc[
            ["none.jpg", "unset.jpg", "broken.jpg"], ["date", "taken", "latitude", "longitude"]
        ]
        .isna()
        .all(axis=None)
    )


def test_a_cache_from_before_cameras_were_asked_is_made_anew_and_no_empty_column_is_added(tmp_path):
    bad_files.picture().save(tmp_path / "a.jpg")
    images, cache = read_images(tmp_path), tmp_path / "cache.parquet"
    good, _ = set_aside(images, cache)
    assert not {"date", "taken", "latitude", "longitude"} & set(good)
    pd.read_parquet(cache).drop(columns=["date", "latitude", "longitude"]).to_parquet(cache)
    pd.testing.assert_frame_equal(set_aside(images, cache)[0], good)


@pytest.mark.parametrize("suffix", ["jpg", "heic"])
def test_a_thumbnail_does_not_say_where_it_was_taken(tmp_path, suffix):
    bad_files.picture().save(tmp_path / f"a.{suffix}", exif=camera_says().tobytes())
    assert Image.open(tmp_path / f"a.{suffix}").getexif()
    assert not Image.open(io.BytesIO(thumbnail(tmp_path / f"a.{suffix}", 64))).getexif()
