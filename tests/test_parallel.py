"""Processes that train one network together do what one does: by torchrun and gloo, two on this machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_training import stripes

from plantlab.identify import store
from plantlab.networks.backbones import create_network
from plantlab.networks.embeddings import embed
from plantlab.networks.shares import SharedLoader

SCRIPT = Path(__file__).with_name("in_step.py")
long = pytest.mark.skipif(
    not os.environ.get("PLANTLAB_LONG"), reason="takes minutes: PLANTLAB_LONG=1"
)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Return 107 photos: 80 to learn from, 27 to validate on, so that shares are uneven."""
    images = stripes(tmp_path_factory.mktemp("stripes"), 107)
    images["split"] = ["train"] * 80 + ["valid"] * 27
    return images


@pytest.fixture(scope="module")
def table(images, tmp_path_factory):
    file = tmp_path_factory.mktemp("table") / "images.csv"
    images.to_csv(file, index=False)
    return file


def command(n: int) -> list[str]:
    """Return how a program is started in `n` processes."""
    if n == 1:
        return [sys.executable]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    return [*torchrun, f"--nproc-per-node={n}"]


def start(n: int, table: Path, out: Path, **how) -> subprocess.CompletedProcess:
    out.mkdir(exist_ok=True)
    return subprocess.run(
        [*command(n), str(SCRIPT), str(table), str(out), json.dumps(how)],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        timeout=300,
    )


def run(n: int, table: Path, out: Path, **how) -> list[dict]:
    """Return what each process wrote."""
    done = start(n, table, out, **how)
    assert done.returncode == 0, done.stderr[-3000:]
    return [results(out, rank) for rank in range(n)]


def results(out: Path, rank: int) -> dict:
    return {
        "weights": dict(np.load(out / f"weights{rank}.npz")),
        "history": pd.read_csv(out / f"history{rank}.csv"),
        "rates": np.load(out / f"rates{rank}.npy"),
    }


def apart(first: dict, second: dict) -> float:
    """Return the largest difference of any weight."""
    ours, theirs = first["weights"], second["weights"]
    assert ours.keys() == theirs.keys()
    return max(np.abs(ours[name] - theirs[name]).max() for name in ours)


def test_shares_make_the_batches_of_one_process(images, monkeypatch):
    def loader(rank, n, parts=1):
        monkeypatch.setenv("WORLD_SIZE", str(n))
        monkeypatch.setenv("RANK", str(rank))
        loader = SharedLoader(list(range(50)), bs=4, shuffle=True, parts=parts)
        loader.dataset = Rows(range(50))
        loader.go_to(3, seed=1)
        return loader

    class Rows(list):
        epoch = 0

    whole = loader(0, 1)
    whole.bs = 12
    one = np.reshape(whole.get_idxs(), (-1, 12))
    three = [np.reshape(loader(rank, 3).get_idxs(), (-1, 4)) for rank in range(3)]
    np.testing.assert_array_equal(np.concatenate(three, 1), one)
    halves = []
    for epoch in (6, 7):
        half = loader(0, 1, parts=2)
        half.go_to(epoch, seed=1)
        halves += half.get_idxs()
    assert len(set(halves)) == len(halves) == 48 and half.dataset.epoch == 3
    seen = []
    for rank in range(3):
        loader(rank, 3)
        seen.append(SharedLoader(list(range(50)), bs=4).get_idxs())
    assert sorted(sum(seen, [])) == list(range(50)), "validated to the last photo"
    with pytest.raises(ValueError, match="50 photos to learn from are fewer than the 51 processes"):
        loader(0, 51)


@pytest.mark.slow
@pytest.mark.parametrize("sgd", [True, pytest.param(False, marks=long)], ids=["SGD", "Adam"])
def test_two_processes_take_the_steps_of_one(table, tmp_path, sgd):
    """Batch norm frozen, no augmentation, float64, the same global batch: ten steps."""
    (one,) = run(1, table, tmp_path / "1", task="train", epochs=1, bs=8, lr=0.02, sgd=sgd)
    two = run(2, table, tmp_path / "2", task="train", epochs=1, bs=4, lr=0.01, sgd=sgd)
    assert len(one["rates"]) == 10
    np.testing.assert_allclose(two[0]["rates"], one["rates"], rtol=1e-12)
    assert apart(two[0], two[1]) == 0
    losses = one["history"]["train_loss"]
    assert 0 < losses[0] < 2, "there were steps to take"
    assert apart(one, two[0]) < 1e-8
    for name in ("train_loss", "valid_loss", "accuracy"):
        np.testing.assert_allclose(two[0]["history"][name], one["history"][name], atol=1e-6)
        np.testing.assert_allclose(two[1]["history"][name], two[0]["history"][name], atol=1e-12)


@pytest.mark.slow
def test_two_processes_learn_as_well_as_one(table, tmp_path):
    """As people train: float32, batch norm, crops; and every process ends with the same network."""
    how = {"task": "train", "plain": True, "augment": "crop", "epochs": 10, "lr": 4e-3}
    (one,) = run(1, table, tmp_path / "1", bs=8, **how)
    two = run(2, table, tmp_path / "2", bs=4, **how | {"lr": 2e-3})
    assert apart(two[0], two[1]) < 1e-6
    best = [each["history"]["accuracy"].iloc[-1] for each in (one, two[0])]
    spread = 2 * np.sqrt(0.5 / 27)  # two standard errors of a difference, at most
    assert min(best) > 0.7 and abs(best[0] - best[1]) < spread, best


MOMENTS = [(2, 0, 13, 2), (2, 1, 24, 1)]
MORE = [(2, 1, 7, 2), (1, 0, 31, 2), (2, 0, 38, 3), (3, 2, 17, 1), (2, 1, 29, 2)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "n, victim, steps, later",
    [MOMENTS[0], *(pytest.param(*m, marks=long) for m in MOMENTS[1:] + MORE)],
)
def test_killed_it_goes_on_with_as_many_processes_or_others(
    table, tmp_path, n, victim, steps, later
):
    how = {"task": "train", "epochs": 4, "bs": 4, "lr": 0.01, "augment": "crop"}
    file = tmp_path / "training.pt"
    killed = start(n, table, tmp_path / "killed", die=[victim, steps], checkpoint=str(file), **how)
    assert killed.returncode != 0 and "SIGKILL" in killed.stderr or killed.returncode == -9
    assert file.exists() == (steps > 80 // (4 * n))
    resumed = run(later, table, tmp_path / "killed", checkpoint=str(file), **how)
    assert not file.exists()
    assert resumed[0]["history"]["epoch"].tolist() == [0, 1, 2, 3]
    if later == n:
        whole = run(n, table, tmp_path / "whole", **how)
        assert apart(resumed[0], whole[0]) < 1e-12
        columns = ["valid_loss", "accuracy"]
        np.testing.assert_allclose(resumed[0]["history"][columns], whole[0]["history"][columns])
    else:
        losses = resumed[0]["history"]["valid_loss"]
        assert losses.iloc[-1] < losses.iloc[0]


@pytest.mark.slow
def test_an_epoch_in_parts_is_saved_at_each(table, tmp_path):
    how = {"task": "train", "epochs": 1, "parts": 4, "bs": 4, "lr": 0.01}
    file = tmp_path / "training.pt"
    killed = start(1, table, tmp_path / "1", die=[0, 12], checkpoint=str(file), **how)
    assert killed.returncode == -9 and file.exists()
    (resumed,) = run(1, table, tmp_path / "1", checkpoint=str(file), **how)
    (whole,) = run(1, table, tmp_path / "whole", **how)
    assert len(whole["rates"]) == 20 and len(resumed["rates"]) == 10
    assert len(whole["history"]) == len(resumed["history"]) == 4
    assert apart(resumed, whole) == 0


@pytest.mark.slow
@pytest.mark.parametrize("own_disks", [pytest.param(False, marks=long), True])
def test_each_process_embeds_its_share_and_has_all(images, table, tmp_path, own_disks):
    how = {"task": "ask", "cache": str(tmp_path / "cache"), "apart": own_disks}
    done = start(2, table, tmp_path / "out", **how)
    assert done.returncode == 0, done.stderr[-3000:]
    alone = embed(images, create_network("test_resnet", weights="none"), 32, cache=None)
    for name in ("found0", "found1", "again0", "again1"):
        np.testing.assert_allclose(np.load(tmp_path / "out" / f"{name}.npy"), alone, atol=1e-5)
    if not own_disks:
        assert len(list((tmp_path / "cache").rglob("*.safetensors"))) == 2


@pytest.mark.slow
def test_export_is_the_same_command(images, tmp_path):
    for row in images.itertuples():
        place = tmp_path / "photos" / row.species.replace(" ", "_")
        place.mkdir(parents=True, exist_ok=True)
        (place / Path(row.image_path).name).write_bytes(Path(row.image_path).read_bytes())
    options = "--backbone test_resnet --weights none --image-size 32 --epochs 2 --batch-size 8"
    done = subprocess.run(
        [*command(2), "-m", "plantlab", "export", "photos", "model", *options.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("The model is in model") == 1, "one of them speaks"
    assert not (tmp_path / "model" / "training.pt").exists()
    model = store.load(tmp_path / "model")
    assert len(model.species) == 3 and model.card["scores"]["n"] > 10
