"""What would stop a job is said before it starts: each fault is made, and must be found."""

import shutil
from collections import namedtuple

import pytest
from PIL import Image

from plantlab.cli import main
from plantlab.training import doctor
from plantlab.training.doctor import Job, examine


@pytest.fixture
def photos(tmp_path):
    for species in ("Abies alba", "Bellis perennis"):
        place = tmp_path / "photos" / species
        place.mkdir(parents=True)
        for i in range(3):
            Image.new("RGB", (60, 50), (40 * i, 90, 20)).save(place / f"{i}.jpg")
    return tmp_path / "photos"


def found(job: Job, what: str):
    """Return the verdict and the sentence about one thing."""
    row = examine(job).set_index("what").loc[what]
    return row["verdict"], row["found"]


def job(photos, **options):
    options = {"folder": str(photos.parent), "backbone": "test_resnet", "weights": "none"} | options
    return Job(str(photos), **options)


def test_a_job_that_would_run_has_nothing_that_stops(photos):
    findings = examine(job(photos))
    assert findings["what"].tolist() == list(doctor.CHECKS)
    assert not (findings["verdict"] == "stops").any(), findings["found"].tolist()


def test_a_library_of_another_version_stops(photos, monkeypatch):
    real = doctor.importlib.metadata.version
    old = {"timm": "0.4.12"}
    monkeypatch.setattr(doctor.importlib.metadata, "version", lambda n: old.get(n) or real(n))
    verdict, said = found(job(photos), "versions")
    assert verdict == "stops" and said.startswith("timm 0.4.12 (needs >=1.0.15)")


def test_weights_that_are_not_here_stop_where_there_is_no_internet(photos, monkeypatch):
    monkeypatch.setattr(doctor, "HUB", ("127.0.0.1", 1))
    verdict, said = found(job(photos, backbone="resnet18", weights="auto"), "weights")
    assert verdict == "stops" and "127.0.0.1 does not answer" in said and "--weights" in said
    verdict, said = found(job(photos, weights="gone.safetensors"), "weights")
    assert verdict == "stops" and "gone.safetensors" in said
    assert (
        found(job(photos, backbone="tf_efficientnet_lite0", weights="auto"), "weights")[0] == "ok"
    )


def test_photos_that_cannot_be_read_are_counted_and_none_at_all_stops(photos):
    broken = sorted(photos.rglob("*.jpg"))
    broken[0].write_bytes(b"no photo")
    verdict, said = found(job(photos), "photos")
    assert verdict == "ok" and "1 of 6 will be set aside (0.jpg: not an image" in said
    for file in broken:
        file.write_bytes(b"")
    assert found(job(photos), "photos")[0] == "stops"
    shutil.rmtree(photos)
    verdict, said = found(job(photos), "photos")
    assert verdict == "stops" and "there is no" in said


def test_photos_without_a_name_stop(tmp_path):
    Image.new("RGB", (60, 50)).save(tmp_path / "a.jpg")
    verdict, said = found(job(tmp_path), "photos")
    assert verdict == "stops" and "no species" in said


def test_more_threads_than_cores_are_slow(photos, monkeypatch):
    monkeypatch.setattr(doctor, "n_threads", lambda: 64)
    verdict, said = found(job(photos), "threads")
    assert verdict == "slow" and "OMP_NUM_THREADS" in said


@pytest.mark.parametrize("written, cores", [("max 100000", float("inf")), ("150000 100000", 1.5)])
def test_what_a_container_grants_is_read(tmp_path, monkeypatch, written, cores):
    (tmp_path / "cpu.max").write_text(written)
    monkeypatch.setattr(doctor, "CGROUP", tmp_path)
    assert doctor._allowed_cores() == cores


def test_a_batch_that_does_not_fit_stops(photos, tmp_path, monkeypatch):
    (tmp_path / "memory.max").write_text(str(2**20))
    monkeypatch.setattr(doctor, "CGROUP", tmp_path)
    verdict, said = found(job(photos), "memory")
    assert verdict == "stops" and "lower --batch-size" in said


def test_a_full_disk_and_one_that_cannot_be_written_stop(photos, monkeypatch):
    Usage = namedtuple("Usage", "total used free")
    with monkeypatch.context() as patched:
        patched.setattr(doctor.shutil, "disk_usage", lambda place: Usage(9, 9, 0))
        verdict, said = found(job(photos), "disk")
    assert verdict == "stops" and "0.0 GiB free" in said
    file = photos.parent / "a file"
    file.write_text("")
    verdict, said = found(job(photos, folder=str(file)), "disk")
    assert verdict == "stops" and "a file" in said


def test_little_shared_memory_stops_where_workers_need_it(photos, monkeypatch):
    Usage = namedtuple("Usage", "total used free")
    monkeypatch.setattr(doctor, "default_workers", lambda: 4)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda place: Usage(9, 9, 64 * 2**10))
    verdict, said = found(job(photos), "shared memory")
    assert verdict == "stops" and "--shm-size" in said


def test_the_command_says_whether_the_job_would_run(photos, capsys):
    options = ["--backbone", "test_resnet", "--weights", "none"]
    assert main(["doctor", str(photos), str(photos.parent), *options]) == 0
    assert "Nothing would stop the job." in capsys.readouterr().out
    assert main(["doctor", str(photos / "gone"), str(photos.parent), *options]) == 2
    said = capsys.readouterr().out
    assert "stops  photos: there is no" in said and "The job would not run." in said
