"""Photos packed into shards: the same bytes, the same data set, from a disk or from far away."""

import hashlib
import http.server
import io
import threading
from contextlib import contextmanager
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from plantlab.cli import main
from plantlab.data import addresses, prepare, shards
from plantlab.data.addresses import content_of, file_of, is_part
from plantlab.data.layouts import read_images
from plantlab.data.photos import PhotoError, open_photo
from plantlab.data.shards import write_shards
from plantlab.data.table import TableError, data_hash
from plantlab.networks.batches import loaders
from plantlab.networks.embeddings import embed

SPECIES = ["Abies alba", "Bellis perennis", "Crocus vernus"]


def leaf(seed: int, size=(90, 60)) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 255, (6, 9, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize(size)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Return a folder of 24 photos of three species: JPEG, one PNG, one on its side, one tiny."""
    folder = tmp_path_factory.mktemp("photos")
    for i in range(24):
        place = folder / SPECIES[i % 3]
        place.mkdir(exist_ok=True)
        leaf(i).save(place / f"{i:02d}.jpg", quality=95)
    leaf(30).save(folder / SPECIES[0] / "30.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    leaf(31).save(folder / SPECIES[0] / "31.jpg", exif=exif)
    leaf(32, (48, 34)).save(folder / SPECIES[1] / "32.jpg", quality=95)
    return folder


@pytest.fixture(scope="module")
def images(photos):
    return prepare(photos, split=False)[0]


@pytest.fixture(scope="module")
def packed(images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed")
    write_shards(images, folder, per_shard=10)
    return folder


def test_every_byte_is_there_and_it_is_the_same_data_set(images, packed):
    again, bad = prepare(packed, split=False)
    assert bad.empty and len(again) == len(images) == 27
    assert again["name"].tolist() == ["/".join(Path(p).parts[-2:]) for p in images["image_path"]]
    for old, new in zip(images["image_path"], again["image_path"]):
        assert is_part(new) and content_of(new) == Path(old).read_bytes()
    columns = ["species", "genus", "obs_id", "sha1", "phash", "width", "height"]
    pd.testing.assert_frame_equal(again[columns], images[columns], check_dtype=False)
    assert data_hash(again) == data_hash(images)
    assert "Shards that plantlab packed" in read_images(packed).attrs["layout"]


def test_the_split_is_that_of_the_photos(photos, packed):
    first, _ = prepare(photos)
    second, _ = prepare(packed)
    assert first["split"].tolist() == second["split"].tolist()


def test_a_network_sees_the_same(images, packed):
    from plantlab.networks.backbones import create_network

    network = create_network("test_resnet", weights="none")
    again = read_images(packed).drop(columns="sha1")
    np.testing.assert_array_equal(
        embed(images, network, 32, cache=None), embed(again, network, 32, cache=None)
    )


@settings(max_examples=15, deadline=None)
@given(n=st.integers(1, 27), per_shard=st.integers(1, 40))
def test_files_are_few_and_shards_about_even(images, tmp_path_factory, n, per_shard):
    folder = tmp_path_factory.mktemp("few")
    files = write_shards(images[:n], folder, per_shard=per_shard)
    assert sorted(folder.iterdir()) == sorted(files)
    assert len(files) <= 1 + max(1, n / per_shard)
    counts = read_images(folder)["image_path"].map(file_of).value_counts()
    assert counts.sum() == n and counts.max() - counts.min() <= 1


def test_resized_photos_have_the_side_that_was_asked_for(images, tmp_path):
    write_shards(images, tmp_path, size=40)
    small = read_images(tmp_path)
    for row, before in zip(small.itertuples(), images.itertuples()):
        content = content_of(row.image_path)
        photo = open_photo(content)
        assert (row.width, row.height) == photo.size
        assert row.sha1 == hashlib.sha1(content).hexdigest()
        shorter = min(before.width, before.height)
        assert min(photo.size) == min(40, shorter)
        whole = open_photo(before.image_path).resize(photo.size)
        away = np.abs(np.asarray(photo, float) - np.asarray(whole, float)).mean()
        assert away < 6, "it is the same picture, upright"
    kept = small[small["name"].str.endswith("32.jpg")]["image_path"].iloc[0]
    own = images[images["image_path"].str.endswith("32.jpg")]["image_path"].iloc[0]
    assert content_of(kept) == Path(own).read_bytes(), "what is small is not compressed again"


def test_a_shard_is_what_the_hub_calls_a_dataset_of_images(packed, images):
    shard = pq.read_table(packed / "photos-00000.parquet").to_pandas()
    assert {"image", "species", "obs_id"} <= set(shard)
    first = shard["image"].iloc[0]
    assert Image.open(io.BytesIO(first["bytes"])).size == (90, 60)
    assert first["path"] == shard["name"].iloc[0]


def test_packing_that_was_killed_goes_on(images, tmp_path, monkeypatch):
    whole = tmp_path / "whole"
    write_shards(images, whole, per_shard=9)
    real, done = shards._packed, []

    def dies(address, size):
        done.append(address)
        if len(done) == 20:
            raise KeyboardInterrupt
        return real(address, size)

    folder = tmp_path / "killed"
    with monkeypatch.context() as patched:
        patched.setattr(shards, "_packed", dies)
        with pytest.raises(KeyboardInterrupt):
            write_shards(images, folder, per_shard=9)
    left = sorted(path.name for path in folder.iterdir())
    assert left == ["photos-00000.parquet", "photos-00001.parquet"], "no half file"
    with pytest.raises(TableError, match="packing was not finished"):
        read_images(folder)
    written = [path.stat().st_mtime_ns for path in sorted(folder.iterdir())]
    write_shards(images, folder, per_shard=9)
    assert [path.stat().st_mtime_ns for path in sorted(folder.glob("photos*"))][:2] == written
    for file in whole.iterdir():
        assert file.read_bytes() == (folder / file.name).read_bytes()


def test_other_photos_or_another_size_are_packed_anew(images, tmp_path):
    write_shards(images, tmp_path, per_shard=9)
    write_shards(images[:20], tmp_path, size=30, per_shard=10)
    assert len(list(tmp_path.iterdir())) == 3, "what was there before is gone"
    again = read_images(tmp_path)
    assert len(again) == 20 and again[["width", "height"]].min(axis=None) == 30
    write_shards(again, tmp_path / "more", per_shard=20)
    assert read_images(tmp_path / "more")["name"].tolist() == again["name"].tolist()


def test_a_shard_that_was_cut_off_is_said(images, tmp_path):
    write_shards(images, tmp_path)
    shard = tmp_path / "photos-00000.parquet"
    shard.write_bytes(shard.read_bytes()[:400])
    with pytest.raises(PhotoError, match="truncated"):
        open_photo(read_images(tmp_path)["image_path"].iloc[-1])
    shard.unlink()
    with pytest.raises(PhotoError, match="missing"):
        open_photo(read_images(tmp_path)["image_path"].iloc[0])


def test_what_cannot_be_packed_is_said(images, tmp_path):
    pd.DataFrame({"image_path": ["a.jpg"]}).to_parquet(tmp_path / "images.parquet")
    with pytest.raises(ValueError, match="is a table of yours; name another folder"):
        write_shards(images, tmp_path)
    for options in [{"size": 0}, {"per_shard": 0}]:
        with pytest.raises(ValueError, match="of at least 1; got 27"):
            write_shards(images, tmp_path / "new", **options)
    with pytest.raises(TableError, match="sha1"):
        write_shards(images.drop(columns="sha1"), tmp_path / "new")


def test_what_is_packed_is_not_packed_onto_itself(images, tmp_path):
    write_shards(images, tmp_path, per_shard=9)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="holds the photos that are to be packed"):
        write_shards(read_images(tmp_path), tmp_path, per_shard=5)
    assert before == {file: file.read_bytes() for file in tmp_path.iterdir()}


def test_an_old_table_does_not_stand_over_new_shards(images, tmp_path, monkeypatch):
    write_shards(images, tmp_path, per_shard=9)

    def dies(address, size):
        raise KeyboardInterrupt

    monkeypatch.setattr(shards, "_packed", dies)
    with pytest.raises(KeyboardInterrupt):
        write_shards(images, tmp_path, size=30, per_shard=9)
    with pytest.raises(TableError, match="packing was not finished"):
        read_images(tmp_path)


def test_a_persons_own_files_are_left_alone(images, tmp_path):
    own = tmp_path / "photos-2019.parquet"
    pd.DataFrame({"a": [1]}).to_parquet(own)
    with pytest.raises(ValueError, match="photos-2019.parquet is a table of yours"):
        write_shards(images, tmp_path)
    assert own.exists()
    with pytest.raises(ValueError, match="written to a disk, not to s3:"):
        write_shards(images, "s3://bucket/x")


def test_a_column_of_names_is_not_the_photos_names(images, tmp_path):
    write_shards(images.assign(name=7), tmp_path)
    assert read_images(tmp_path)["name"].str.endswith("g").all()


def test_shards_go_through_renaming(packed, tmp_path, monkeypatch):
    from plantlab.data.preparation import renamed

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    table = renamed(str(packed))
    again, bad = prepare(table, split=False)
    assert len(again) == 27 and bad.empty and is_part(again["image_path"][0])


# far away


def test_shards_in_memory_are_read_through_fsspec(packed, images):
    place = fsspec.filesystem("memory")
    place.put(str(packed), "/flora", recursive=True)
    again, bad = prepare("memory://flora", split=False)
    assert bad.empty and data_hash(again) == data_hash(images)
    assert again["image_path"].str.startswith("memory://flora/photos-").all()
    for old, new in zip(images["image_path"], again["image_path"]):
        assert content_of(new) == Path(old).read_bytes()


class Ranges(http.server.SimpleHTTPRequestHandler):
    """Sends parts of files, which the standard library's server does not."""

    parts = True
    fail = 0  # so many photos are answered with 500 first

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        asked = self.headers.get("Range")
        if not path.is_file():
            return self.send_error(404)
        if asked and type(self).fail > 0:
            type(self).fail -= 1
            return self.send_error(500)
        content = path.read_bytes()
        if asked and self.parts:
            first, last = map(int, asked.removeprefix("bytes=").split("-"))
            content = content[first : last + 1]
        self.send_response(206 if asked and self.parts else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def served(folder, **how):
    handler = type("Handler", (Ranges,), how)

    def answer(*args):
        return handler(*args, directory=str(folder))

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", handler
    finally:
        server.shutdown()
        server.server_close()


def test_shards_are_read_over_http_also_by_workers_of_a_loader(packed, photos):
    here, _ = prepare(photos)
    with served(packed) as (address, _):
        far, _ = prepare(address + "/")
        assert data_hash(far) == data_hash(here)
        content_of(far["image_path"][0])  # before workers are made
        batches = {}
        for name, table in {"here": here, "far": far}.items():
            dls = loaders(table, 32, 8, augment="none", n_workers=2)
            batches[name] = dls.valid.one_batch()
        assert (batches["here"][0] == batches["far"][0]).all()
        assert (batches["here"][1] == batches["far"][1]).all()


def test_a_server_that_stumbles_is_asked_again(packed, monkeypatch):
    monkeypatch.setattr(addresses, "PAUSES", (0.01, 0.01))
    with served(packed) as (address, handler):
        first = read_images(address)["image_path"][0]
        handler.fail = 2
        assert open_photo(first).size == (90, 60)
        handler.fail = 3
        with pytest.raises(PhotoError, match="500"):
            open_photo(first)


def test_a_server_without_parts_is_named_as_the_reason(packed):
    with (
        served(packed, parts=False) as (address, _),
        pytest.raises(PhotoError, match="whole files where a part was asked for"),
    ):
        open_photo(read_images(address)["image_path"][0])


def test_what_is_not_there_far_away_is_said(tmp_path, images):
    with served(tmp_path) as (address, _):
        with pytest.raises(TableError, match="found no shards at http.*Expected images.parquet"):
            read_images(address)
        images[["image_path", "species"]].to_parquet(tmp_path / "images.parquet")
        with pytest.raises(TableError, match="was not written by `plantlab shards`"):
            read_images(address)
    with pytest.raises(TableError, match="found no shards at nosuchplace://x"):
        read_images("nosuchplace://x")


def test_the_command_packs_and_says_what_it_did(photos, tmp_path, capsys):
    assert main(["shards", str(photos), str(tmp_path / "out"), "--size", "32"]) == 0
    said = capsys.readouterr().out
    assert "27 photos are in 2 files" in said and "a dataset like any other" in said
    assert main(["look", str(tmp_path / "out")]) == 0
    assert main(["shards", str(photos), str(tmp_path / "out"), "--size", "0"]) == 2
    assert "of at least 1" in capsys.readouterr().err
