"""Networks: created, weighed, compiled; embeddings cached by weights, transform and content."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import timm
import torch
from PIL import Image

import plantlab
from plantlab.data.photos import open_photo
from plantlab.heads.linear import fit_linear, widen
from plantlab.heads.losses import class_balanced_weights
from plantlab.heads.posthoc import adjust, nearest_mean, normalise
from plantlab.networks import embeddings
from plantlab.networks.backbones import create_network
from plantlab.networks.compiled import compile_network
from plantlab.networks.embeddings import count_missing, embed

SMALL = "test_resnet"  # timm's own for tests: half a million parameters


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    paths = []
    for i in range(9):
        Image.fromarray(rng.integers(0, 255, (40, 50, 3), dtype=np.uint8)).save(
            path := tmp_path / f"{i}.png"
        )
        paths.append(str(path))
    return pd.DataFrame({"image_path": paths})


def test_embeddings_equal_timm_on_the_same_pixels(images):
    network = create_network(SMALL, weights="none", seed=1)
    got = embed(images, network, 32, cache=None)
    torch.manual_seed(1)
    model = timm.create_model(SMALL, num_classes=0).eval()
    mean, std = (torch.tensor(model.pretrained_cfg[k]).view(3, 1, 1) for k in ("mean", "std"))
    for row, path in zip(got, images["image_path"]):
        photo = open_photo(path).resize((40, 32), Image.Resampling.BILINEAR).crop((4, 0, 36, 32))
        x = torch.from_numpy(np.array(photo)).permute(2, 0, 1) / 255
        with torch.inference_mode():
            expected = model(((x - mean) / std)[None])[0].numpy()
        np.testing.assert_allclose(row, expected, atol=1e-4)


def test_the_compiled_network_computes_what_torch_computes():
    network = create_network(SMALL, n_species=4, weights="none").eval()
    photos = np.random.default_rng(0).integers(0, 255, (5, 3, 32, 32), dtype=np.uint8)
    with torch.inference_mode():
        expected = network.features(torch.from_numpy(photos)).numpy()
    run = compile_network(network, 32)
    np.testing.assert_allclose(run(photos), expected, atol=1e-4)
    np.testing.assert_allclose(run(photos[:1]), expected[:1], atol=1e-4)  # any batch size


def test_cache_computes_only_what_is_missing_and_follows_content(images, tmp_path, monkeypatch):
    network = create_network(SMALL, weights="none")
    asked = []
    real = embeddings.batches
    monkeypatch.setattr(
        embeddings,
        "batches",
        lambda paths, *a, **k: asked.append(len(paths)) or real(paths, *a, **k),
    )
    cache = tmp_path / "cache"
    first = embed(images[:6], network, 32, cache=cache)
    everything = embed(images, network, 32, cache=cache)
    assert asked == [6, 3] and np.array_equal(first, everything[:6])
    Image.new("RGB", (40, 40), "red").save(
        images["image_path"][0]
    )  # another photo under the same name
    changed = embed(images, network, 32, cache=cache)
    assert asked == [6, 3, 1] and not np.allclose(changed[0], everything[0])
    shuffled = images.sample(frac=1, random_state=0)
    assert (
        np.array_equal(embed(shuffled, network, 32, cache=cache), changed[shuffled.index])
        and len(asked) == 3
    )
    embed(images, network, 32, "flip", cache=cache)
    embed(images, create_network(SMALL, weights="none", seed=2), 32, cache=cache)
    assert asked == [6, 3, 1, 9, 9]


def test_what_is_missing_is_counted_before_it_is_computed_and_heads_do_not_count(images, tmp_path):
    network, both = create_network(SMALL, n_species=2, weights="none"), ("plain", "turn")
    assert count_missing(images, network, 32, both, tmp_path) == 18
    embed(images[:5], network, 32, "turn", cache=tmp_path)
    assert count_missing(images, network, 32, both, tmp_path) == 13
    embed(images, network, 32, "turn", cache=tmp_path)
    network.head = torch.nn.Linear(network.n_features, 7)
    assert count_missing(images, network, 32, ("turn",), tmp_path) == 0
    assert count_missing(images, network, 48, ("turn",), tmp_path) == 9
    with torch.no_grad():
        next(network.body.parameters())[0] += 1
    assert count_missing(images, network, 32, ("turn",), tmp_path) == 9


def test_weights_that_changed_in_place_are_compiled_anew():
    network, photos = (
        create_network(SMALL, weights="none"),
        np.full((2, 3, 32, 32), 90, dtype=np.uint8),
    )
    before = compile_network(network, 32)(photos)
    with torch.no_grad():
        for p in network.body.parameters():
            p *= 1.1
        expected = network.features(torch.from_numpy(photos)).numpy()
    after = compile_network(network, 32)(photos)
    np.testing.assert_allclose(after, expected, atol=1e-3)
    assert not np.allclose(before, after)


def test_a_killed_embedding_keeps_what_is_finished(images, tmp_path, monkeypatch):
    network, seen = create_network(SMALL, weights="none"), []
    monkeypatch.setattr(embeddings, "SAVE_EVERY", 4)
    real = embeddings.batches

    def dies(paths, *args, **options):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(len(paths))
        return real(paths, *args, **options)

    monkeypatch.setattr(embeddings, "batches", dies)
    with pytest.raises(KeyboardInterrupt):
        embed(images, network, 32, cache=tmp_path / "cache")
    monkeypatch.setattr(
        embeddings,
        "batches",
        lambda paths, *a, **k: seen.append(len(paths)) or real(paths, *a, **k),
    )
    assert len(embed(images, network, 32, cache=tmp_path / "cache")) == 9
    assert seen == [4, 4, 1]


def test_who_only_answers_loads_neither_pyplot_nor_captum_nor_fastai():
    code = (
        "import sys, plantlab.identify.store;"
        "heavy = {'matplotlib.pyplot', 'captum', 'fastai'} & set(sys.modules);"
        "sys.exit(str(heavy or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() == ""


def test_where_networks_compute_is_decided_in_one_place():
    package = Path(plantlab.__file__).parent
    files = [
        path
        for room in ("networks", "heads", "training", "identify")
        for path in (package / room).glob("*.py")
    ]
    assert [path.name for path in files if "is_available" in path.read_text()] == ["device.py"]


def test_messages(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="no backbone is called 'resnt18'; near: resnet18"):
        create_network("resnt18", weights="none")
    with pytest.raises(
        ValueError, match="plantlab/seedling is no longer shipped; choose tf_efficientnet_lite0"
    ):
        create_network("plantlab/seedling")
    with pytest.raises(
        ValueError, match="view must be one of plain, flip, zoom, turn, vivid; got 'rot'"
    ):
        embed(
            pd.DataFrame({"image_path": []}), create_network(SMALL, weights="none"), 32, view="rot"
        )


def test_fit_linear_solves_what_scikit_learn_solves():
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    x, y = load_iris(return_X_y=True)
    head = fit_linear(x.astype(np.float32), y, 3, penalty=1.0)
    scaled = StandardScaler().fit_transform(x)
    reference = (
        LogisticRegression(C=100 / len(x), max_iter=1000).fit(scaled, y).predict_proba(scaled)
    )
    with torch.inference_mode():
        probs = torch.softmax(head(torch.from_numpy(x).float()), 1).numpy()
    np.testing.assert_allclose(probs, reference, atol=0.02)
    two = fit_linear(x[:100], y[:100], 2)
    with torch.inference_mode():
        assert (two(torch.from_numpy(x[:100]).float()).argmax(1).numpy() == y[:100]).all()
    with pytest.raises(ValueError, match="species 3 of 4 has none"):
        fit_linear(x, y, 4)
    with pytest.raises(ValueError, match="150 embeddings, but 9 targets"):
        fit_linear(x, y[:9], 3)
    with pytest.raises(ValueError, match="penalty must be above 0"):
        fit_linear(x, y, 3, penalty=0)


def test_heads_for_a_long_tail():
    """The genus lends a species with one photo its weights; adjusting and normalising change what they say they do."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(m, 1, (n, 6)) for m, n in ((0, 60), (2, 60), (-2, 3))]).astype(
        np.float32
    )
    y, counts = np.repeat([0, 1, 2], [60, 60, 3]), np.array([60, 60, 3])
    head = fit_linear(x, y, 3)
    moved = adjust(head, counts, 1.0)
    assert torch.allclose(
        moved.bias - head.bias, -torch.log(torch.tensor(counts / counts.sum())).float(), atol=1e-5
    )
    assert torch.equal(adjust(head, counts, 0).bias, head.bias)
    assert torch.allclose(normalise(head, 1.0).weight.norm(dim=1), torch.ones(3), atol=1e-5)
    assert torch.allclose(normalise(head, 0.0).weight, head.weight, atol=1e-6)
    with torch.no_grad():
        named = nearest_mean(x, y, 3)(torch.from_numpy(x)).argmax(1).numpy()
    means = np.stack([x[y == k].mean(0) for k in range(3)])
    assert (named == np.square(x[:, None] - means).sum(2).argmin(1)).all()
    alone, shared = (
        fit_linear(x, y, 3, parents=parents) for parents in (None, np.array([0, 1, 0]))
    )
    near = [
        torch.cosine_similarity(h.weight[2], h.weight[0], dim=0).item() for h in (alone, shared)
    ]
    assert near[1] > near[0] + 0.05, (
        "species 2 shares a genus with species 0: their weights come closer"
    )
    wide = widen(fit_linear(x[y < 2], y[y < 2], 2), np.array([0, 2]), 3)
    with torch.no_grad():
        assert wide(torch.from_numpy(x)).softmax(1)[:, 1].max() < 1e-6


def test_steps_of_adam_come_to_the_same_end_and_balanced_weights_are_rows_said_twice():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(90, 5)).astype(np.float32), np.repeat([0, 1, 2], [60, 20, 10])
    x += np.eye(3, 5, dtype=np.float32)[y]
    solved, stepped = fit_linear(x, y, 3, penalty=10), fit_linear(x, y, 3, penalty=10, steps=2000)
    assert torch.allclose(solved.weight, stepped.weight, atol=2e-3)
    weights = class_balanced_weights([60, 20, 10], beta=1)
    weighted = fit_linear(x, y, 3, 10, torch.nn.CrossEntropyLoss(weights), scale=False)
    twice = np.concatenate(
        [np.flatnonzero(y == k).repeat(60 // n) for k, n in enumerate((60, 20, 10))]
    )
    repeated = fit_linear(x[twice], y[twice], 3, 10, scale=False)
    shift = weighted.weight - repeated.weight
    assert shift.abs().max() < 2e-3
