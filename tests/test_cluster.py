"""A Dask cluster of two workers on this machine does what one process does, though one is killed."""

import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from test_runs import write_notebook

from plantlab import cluster
from plantlab.cli import main
from plantlab.identify import files, store
from plantlab.identify.files import identify_files, survey_files
from plantlab.identify.tiles import Tiling
from plantlab.notebook import runs, sweeps

distributed = pytest.importorskip("distributed", reason="Dask: pip install -e '.[cluster]'")
pytestmark = pytest.mark.slow


@pytest.fixture
def workers(project):
    """Yield a cluster of two workers in the project's folder."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=str(project)
    ) as local:
        yield local


def kill_one(address: str, when) -> threading.Thread:
    """Kill one of the workers as soon as `when` returns true."""

    def wait_and_kill():
        end = time.monotonic() + 120
        while not when() and time.monotonic() < end:
            time.sleep(0.02)
        with distributed.Client(address) as client:
            victim = min(client.run(os.getpid).values())
        os.kill(victim, signal.SIGKILL)
        killed.append(victim)

    killed = []
    thread = threading.Thread(target=wait_and_kill)
    thread.killed = killed
    thread.start()
    return thread


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for i in range(299):
        colour = (37 * i % 256, 101 * i % 256, 11 * i % 256)
        Image.new("RGB", (120, 100), colour).save(folder / f"{i:03d}.jpg")
    (folder / "299.jpg").write_bytes(b"no photo")
    return folder


def test_300_photos_are_named_as_one_process_names_them(workers, photos, monkeypatch, tmp_path):
    monkeypatch.setattr(files, "AT_ONCE", 16)
    model = store.load("five-flowers")
    monkeypatch.chdir(photos.parent)
    place = [photos.name]  # a relative path, which workers could not find
    said = identify_files(place, tmp_path / "here.csv", model)
    out = tmp_path / "there.csv"
    killer = kill_one(workers.scheduler_address, lambda: out.exists() and out.stat().st_size > 999)
    assert identify_files(place, out, model, dask=workers.scheduler_address) == said
    killer.join()
    assert killer.killed and "299 photos named, 0 kept, 1 could not be read" in said
    here, there = pd.read_csv(tmp_path / "here.csv"), pd.read_csv(out)
    pd.testing.assert_frame_equal(here, there, atol=1e-3)
    assert (here["image_path"] == there["image_path"]).all()


def test_plots_are_surveyed_as_one_process_surveys_them(workers, photos, project):
    model = store.load("five-flowers")
    some = [str(photos / f"{i:03d}.jpg") for i in (1, 2, 299)]
    tiling = Tiling(60, 30)
    survey_files(some, "here.csv", model, tiling, 0.2)
    survey_files(some, "there.csv", model, tiling, 0.2, dask=workers.scheduler_address)
    pd.testing.assert_frame_equal(pd.read_csv("here.csv"), pd.read_csv("there.csv"), atol=1e-3)


def test_a_sweep_ends_as_it_would_here_and_goes_on_where_it_was(workers, project, capsys):
    step = "import time\ntime.sleep(3)\nif epochs == 3:\n    raise ValueError('no thirds')"
    write_notebook(project / "notebooks" / "01_leaves.ipynb", step)
    grid = {"epochs": ["1", "3", "4", "5"]}
    here = sweeps.sweep("01", grid, n_jobs=2)
    kept = {run: runs.kept_record(runs.results_folder("01", run)) for run in here}
    shutil.rmtree("results")
    started = Path("results/01_leaves/epochs=1")
    killer = kill_one(workers.scheduler_address, started.exists)
    words = ["run", "01", "--sweep", "epochs", "1,3,4,5", "--dask", workers.scheduler_address]
    assert main(words) == 1
    killer.join()
    assert killer.killed
    said = capsys.readouterr()
    assert "3 of 4 runs finished" in said.out and "no thirds" in said.err
    for run, failure in here.items():
        again = runs.kept_record(runs.results_folder("01", run))
        assert again.get("params") == kept[run].get("params"), failure
        assert again.get("scores") == kept[run].get("scores")
    assert main(words) == 1
    assert "4 points, 3 of them finished before" in capsys.readouterr().err


def test_what_is_wrong_with_a_cluster_is_said(
    workers, project, monkeypatch, capsys, tmp_path_factory
):
    monkeypatch.setattr(cluster, "WAIT", 2)
    write_notebook(project / "notebooks" / "01_leaves.ipynb")
    sweep = ["run", "01", "--sweep", "epochs", "1,4", "--dask"]
    assert main([*sweep, str(tmp_path_factory.mktemp("no") / "scheduler.json")]) == 2
    assert "no Dask scheduler has written" in capsys.readouterr().err
    assert main([*sweep, "tcp://127.0.0.1:1"]) == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in capsys.readouterr().err
    assert main(["run", "01", "--dask", "x"]) == 2
    assert "--dask runs the points of a --sweep" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    with (
        pytest.raises(ValueError, match="start workers in the same folder"),
        cluster.connected(workers.scheduler_address, in_project=True),
    ):
        pass
    workers.scale(0)
    with pytest.raises(ValueError, match="has no worker; start some"):
        time.sleep(1)
        with cluster.connected(workers.scheduler_address):
            pass
