"""Formula-made images are seeded and varied; pretraining resumes; the shipped file is the one of its card."""

import hashlib
import inspect
import math
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import load_file

from plantlab import backbones, nursery
from plantlab.nursery import formulas, pretrain

HERE = Path(nursery.__file__).parent


def test_the_same_seed_gives_the_same_pictures():
    first, again, other = (
        formulas.render_group(3, 2, 48),
        formulas.render_group(3, 2, 48),
        formulas.render_group(4, 2, 48),
    )
    assert first.shape == (formulas.GROUP, 2, 48, 48, 3) and first.dtype == np.uint8
    assert (first == again).all() and (first != other).any()


def test_no_two_renderings_are_alike_and_none_is_flat():
    for seed in range(6):
        pictures = formulas.render_group(seed, 3, 48).reshape(-1, 48 * 48 * 3)
        assert len({p.tobytes() for p in pictures}) == len(pictures)
        assert pictures.std(axis=1).min() > 3


def test_a_group_shares_its_palette():
    rng = np.random.default_rng(0)
    colours = formulas.palette(rng)
    for formula in (formulas.draw_formula(rng, colours) for _ in range(5)):
        distance = abs(formula["palette"][:, None] - colours[None]).max(-1).min(1)  # (5,) to the nearest
        assert distance.max() < 0.15


@pytest.mark.parametrize("fold", [1, 3, 7])
def test_a_contour_without_waves_has_its_symmetry(fold):
    formula = formulas.draw_formula(np.random.default_rng(1)) | {"fold": fold, "waves": np.zeros(4), "lobes": 0.6}
    radius = formulas.contour(formula)
    spectrum = abs(np.fft.rfft(radius[:-1] - radius[:-1].mean()))  # the last angle is the first
    assert spectrum.argmax() == fold


def test_the_loss_of_pairs_that_agree_is_known():
    z = torch.eye(4)[[0, 0, 1, 1]]  # partners are equal, others at right angles
    loss, right = pretrain.contrast(z, temperature=0.5)
    assert loss.item() == pytest.approx(math.log(math.exp(2) + 2) - 2, abs=1e-5)
    assert right == 1
    assert pretrain.contrast(torch.eye(4)[[0, 1, 0, 1]], 0.5)[1] == 0


def test_every_augmentation_is_another():
    photos = 255 * torch.rand(6, 3, 40, 40)
    out = pretrain.augment(photos, 32, 0.35)
    assert out.shape == (6, 3, 32, 32) and torch.isfinite(out).all()
    assert not torch.equal(out, pretrain.augment(photos, 32, 0.35))


TINY = {"architecture": "lcnet_050", "n_groups": 2, "images": 10 * 16, "image_size": 32, "groups": 2}


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(pretrain, "SHARD", 2)
    monkeypatch.setattr(pretrain, "SAVE_EVERY", 1)


def test_a_killed_pretraining_goes_on_to_the_same_weights(small, tmp_path, monkeypatch):
    whole = pretrain.pretrain(tmp_path / "whole", **TINY)
    steps, contrast = [], pretrain.contrast

    def killed(*args):
        steps.append(1)
        if len(steps) == 4:
            raise KeyboardInterrupt
        return contrast(*args)

    monkeypatch.setattr(pretrain, "contrast", killed)
    with pytest.raises(KeyboardInterrupt):
        pretrain.pretrain(tmp_path / "killed", **TINY)
    again = pretrain.pretrain(tmp_path / "killed", **TINY)
    assert len(steps) == 4 + 7, "three steps were kept"
    assert again.read_bytes() == whole.read_bytes()


def test_a_checkpoint_of_another_run_is_refused(small, tmp_path):
    pretrain.pretrain(tmp_path, **TINY)
    with pytest.raises(ValueError, match="run with other settings; delete it or name another folder"):
        pretrain.pretrain(tmp_path, **TINY | {"lr": 1e-4})


def test_pictures_of_another_seed_are_not_taken(small, tmp_path):
    """A bug: a folder whose checkpoint was deleted, as its message says, gave its old pictures to a run of any seed."""
    here = pretrain.pretrain(tmp_path / "here", **TINY)
    (here.parent / "checkpoint.pt").unlink()
    again = pretrain.pretrain(tmp_path / "here", **TINY, seed=1)
    assert again.read_bytes() == pretrain.pretrain(tmp_path / "fresh", **TINY, seed=1).read_bytes()


@pytest.mark.parametrize("few", [{"groups": 3}, {"images": 159}])
def test_too_few_pictures_are_refused(small, tmp_path, few):
    with pytest.raises(ValueError, match=r"are too few for batches of \d groups: at least"):
        pretrain.pretrain(tmp_path, **TINY | few)
    assert not list(tmp_path.iterdir())


def test_the_shipped_weights_are_those_of_the_card():
    file, known = HERE / "seedling.safetensors", backbones.KNOWN_FILES["plantlab/seedling"]
    assert file.stat().st_size <= 12_000_000
    assert hashlib.sha256(file.read_bytes()).hexdigest() == known["sha256"]
    assert known["sha256"][:12] in (HERE / "README.md").read_text(encoding="utf-8")
    run = nursery.shipped_run()
    assert run["settings"]["architecture"] == known["architecture"]
    assert set(run["settings"]) == set(inspect.signature(pretrain.pretrain).parameters) - {"out"}
    n = len(run["curve"])
    assert n * run["crops_a_point"] <= run["settings"]["images"] < (n + 1) * run["crops_a_point"], "the whole curve"
    losses = [loss for loss, _ in run["curve"]]
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])


def test_the_shipped_backbone_loads_like_any_other():
    network = backbones.create_network("plantlab/seedling", n_species=3)
    random = backbones.create_network("plantlab/seedling", n_species=3, weights="none")
    photos = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        assert network(photos).shape == (2, 3)
        assert not torch.allclose(network.features(photos), random.features(photos))


def test_the_shipped_file_is_a_plain_timm_state_dict():
    body = timm.create_model("resnet10t", num_classes=0)
    weights = load_file(HERE / "seedling.safetensors")
    body.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in weights.items()})
