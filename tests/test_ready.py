"""A model that was loaded before answers without torch: the same, and never as an older one."""

import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file

from plantlab.files import cache_folder
from plantlab.heads.linear import probabilities
from plantlab.identify import ready, store
from plantlab.identify.files import identify_files
from plantlab.identify.model import Identifier
from plantlab.identify.ready import Ready
from plantlab.identify.store import SHIPPED, load
from plantlab.networks import compiled, device
from plantlab.networks.backbones import create_network, fingerprint

SPECIES = ["Rosa alba", "Rosa canina", "Viola odorata"]
SIZE = 32


@pytest.fixture(autouse=True)
def without_a_gpu(monkeypatch):
    """Also on a machine that has one."""
    monkeypatch.setattr(ready, "may_be_gpu", lambda: False)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for i in range(6):
        coarse = rng.integers(0, 256, (3 + i, 4, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((90 + 7 * i, 80)).save(folder / f"{i}.png")
    return [str(path) for path in sorted(folder.iterdir())]


@pytest.fixture
def folder(project):
    """Return the folder of a small model, of which nothing is kept yet."""
    card = json.loads((SHIPPED / "five-flowers" / "config.json").read_text(encoding="utf-8"))
    card |= {"backbone": "test_resnet", "image_size": SIZE, "relu6": False}
    network = create_network("test_resnet", len(SPECIES), weights="none", seed=1)
    for parameter in network.head.parameters():  # or it finds all species alike
        parameter.data *= 20
    taxonomy = pd.DataFrame({"species": SPECIES, "genus": ["Rosa", "Rosa", "Viola"]})
    references = pd.DataFrame({"species": SPECIES * 2, "thumbnail": None})
    rng = np.random.default_rng(2)
    learnt = {"embeddings": rng.random((6, network.n_features)).astype(np.float16)}
    return store.save(Identifier(network, card, taxonomy, references, learnt), project / "model")


def kept_files() -> list[Path]:
    return sorted((cache_folder() / "compiled").glob("*"))


def was_kept(model: Identifier) -> bool:
    """Return whether the model answers by what was kept, and torch has not made its network."""
    return isinstance(model._network, Ready)


def same(model: Identifier, other: Identifier, photos: list[str]) -> None:
    """Assert that two models give the same names and ranks, and scores to 1e-5."""
    for plant in (photos[:1], photos[1:4]):
        told, expected = model.answer(plant, k=3).to_dict(), other.answer(plant, k=3).to_dict()
        for name, wanted in zip(told["names"], expected["names"], strict=True):
            assert name.pop("score") == pytest.approx(wanted.pop("score"), abs=1e-5)
            assert name == wanted
        assert [told["rank"], told["name"], told["unlike"]] == [
            expected["rank"],
            expected["name"],
            expected["unlike"],
        ]
    pd.testing.assert_frame_equal(
        pd.concat(model.stream(photos)), pd.concat(other.stream(photos)), atol=1e-5
    )


def in_a_process(code: str, **env: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=os.environ | env, capture_output=True, text=True)


@pytest.mark.skipif(device.may_be_gpu(), reason="torch decides where there may be a GPU")
def test_a_model_that_was_loaded_before_answers_without_torch(project, photos):
    before = load("five-flowers").answer(photos[:1])
    code = f"""if True:
        import json, sys
        from plantlab import cli
        from plantlab.identify import store
        answer = store.load("five-flowers").answer({photos[:1]!r})
        assert cli.main(["identify", {photos[1]!r}]) == 0
        heavy = "torch torchvision timm fastai captum matplotlib.pyplot".split()
        print(json.dumps([answer.to_dict(), [name for name in heavy if name in sys.modules]]))"""
    done = in_a_process(code)
    assert done.returncode == 0, done.stderr
    told, loaded = json.loads(done.stdout.splitlines()[-1])
    assert loaded == []
    expected = before.to_dict()
    for name, wanted in zip(told["names"], expected["names"], strict=True):
        assert name.pop("score") == pytest.approx(wanted.pop("score"), abs=1e-5)
        assert name == wanted
    assert told["rank"] == expected["rank"]


def test_what_is_kept_answers_as_torch_does(folder, photos):
    first = load(folder)
    assert not was_kept(first) and len(kept_files()) == 1
    again = load(folder)
    assert was_kept(again)
    same(again, first, photos)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 3, SIZE, SIZE), dtype=np.uint8)
    with torch.inference_mode():
        embeddings = first.network.features(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(again.ready.embed(pixels), embeddings, atol=1e-4)
    expected = probabilities(first.network.head, embeddings)
    said = again.ready.say(embeddings)
    np.testing.assert_allclose(said, expected, atol=1e-5)
    assert said.dtype == expected.dtype and expected.max() > 0.5
    assert again.see([])[1].shape == (0, first.network.n_features)


def test_the_network_is_made_when_it_is_asked_for(folder, photos, tmp_path):
    first, again = load(folder), load(folder)
    assert again.ready.fingerprint == fingerprint(first.network) == fingerprint(again.network)
    assert again.network is again.network and not again.network.training
    assert again.network.weights == first.network.weights
    for told, expected in zip(again.look(photos[0], SPECIES[0]), first.look(photos[0], SPECIES[0])):
        np.testing.assert_allclose(told, expected, atol=1e-5)
    copied = store.save(load(folder), tmp_path / "copy")
    content = (folder / "model.safetensors").read_bytes()
    assert (copied / "model.safetensors").read_bytes() == content


def test_a_table_of_answers_is_gone_on_with(folder, photos, project):
    out = project / "answers.csv"
    assert identify_files(photos[:3], out, load(folder)).startswith("3 photos named, 0 kept")
    assert identify_files(photos, out, load(folder)).startswith("3 photos named, 3 kept")
    assert len(set(pd.read_csv(out)["model"])) == 1


@pytest.mark.parametrize("damage", ["none left", "half", "one bit", "another's"])
def test_what_is_damaged_is_made_anew(damage, folder, photos):
    first = load(folder)
    (place,) = kept_files()
    whole = place.read_bytes()
    middle = len(whole) // 2
    place.write_bytes(
        {
            "none left": b"",
            "half": whole[:middle],
            "one bit": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
            "another's": (folder / "model.safetensors").read_bytes(),
        }[damage]
    )
    second = load(folder)
    assert not was_kept(second)
    same(second, first, photos)
    assert kept_files() == [place] and was_kept(load(folder))


def test_where_nothing_can_be_kept_it_answers_and_says_nothing(folder, photos, project):
    expected = load(folder)
    shutil.rmtree(project / "data" / "cache")
    (project / "data" / "cache").write_text("a file where the folder would be")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for _ in range(2):
            model = load(folder)
            assert not was_kept(model)
            same(model, expected, photos)


@pytest.mark.filterwarnings("ignore:ONNX export failed")
def test_a_network_that_cannot_be_compiled_answers_by_torch(folder, photos, monkeypatch):
    expected = load(folder)
    kept_files()[0].unlink()

    def fails(*_, **__):
        raise RuntimeError("an operator that ONNX lacks")

    compiled.export_body.cache_clear()
    monkeypatch.setattr(compiled, "export_onnx", fails)
    same(load(folder), expected, photos)
    assert kept_files() == []


@pytest.mark.parametrize("part", ["body", "head"])
def test_other_weights_are_never_answered_by_what_was_kept_of_these(part, folder, photos):
    before = load(folder).see(photos)[0].probs
    file = folder / "model.safetensors"
    weights = load_file(file)
    name = next(name for name in weights if name.startswith(part) and weights[name].ndim > 1)
    weights[name] = weights[name][::-1].copy()  # as many bytes, under the same name
    save_file(weights, file)
    model = load(folder)
    assert not was_kept(model) and len(kept_files()) == 2
    after = model.see(photos)[0].probs
    assert np.abs(after - before).max() > 0.01
    again = load(folder)
    assert was_kept(again)
    np.testing.assert_allclose(again.see(photos)[0].probs, after, atol=1e-5)


def test_another_size_or_another_torch_is_another_network(folder, monkeypatch):
    load(folder)
    card = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(card | {"image_size": 48}))
    assert not was_kept(load(folder)) and len(kept_files()) == 2
    real = ready.importlib.metadata.version
    monkeypatch.setattr(ready.importlib.metadata, "version", lambda name: real(name) + "1")
    assert not was_kept(load(folder)) and len(kept_files()) == 3


def test_a_folder_that_is_no_model_is_said_though_its_network_is_kept(folder):
    load(folder)
    names = pd.read_csv(folder / "species.csv")
    names.head(2).to_csv(folder / "species.csv", index=False)
    with pytest.raises(ValueError, match="holds no model that can be read"):
        load(folder)
    names.to_csv(folder / "species.csv", index=False)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ValueError, match="holds no model that can be read"):
        load(folder)


def test_where_there_may_be_a_gpu_torch_decides(folder, photos, monkeypatch):
    expected = load(folder)
    monkeypatch.setattr(ready, "may_be_gpu", lambda: True)
    model = load(folder)
    assert not was_kept(model)
    same(model, expected, photos)


def test_a_driver_of_graphics_cards_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(device, "DRIVERS", [str(tmp_path / "driver")])
    assert not device.may_be_gpu()
    (tmp_path / "driver").touch()
    assert device.may_be_gpu()
    if torch.cuda.is_available():
        monkeypatch.undo()
        assert device.may_be_gpu()


def test_as_many_threads_as_torch_has_or_would_have():
    for env in ({}, {"OMP_NUM_THREADS": "1"}):
        code = """if True:
            from plantlab.networks.device import n_threads
            before = n_threads()
            import torch
            print(before, n_threads(), torch.get_num_threads())"""
        told = in_a_process(code, **env).stdout.split()
        assert len(set(told)) == 1 and len(told) == 3, told
    code = "import torch; from plantlab.networks.device import n_threads; torch.set_num_threads(5); print(n_threads())"
    assert in_a_process(code).stdout.split() == ["5"]


def test_outside_of_a_project_it_is_kept_in_the_users_own_cache(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own" / "plantlab"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "plantlab"
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "plantlab"\n')
    assert cache_folder() == tmp_path / "data" / "cache"
