"""Training learns, resumes, and answers row by row."""

import multiprocessing
import random
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from fastai.callback.progress import ProgressCallback
from fastai.callback.training import GradientAccumulation, GradientClip
from PIL import Image

from plantlab import training
from plantlab.data.table import TableError
from plantlab.heads import losses
from plantlab.heads.many.small import Adaptive, low_rank
from plantlab.heads.many.tree import Tree
from plantlab.networks import embeddings
from plantlab.networks.backbones import create_network, fingerprint
from plantlab.networks.batches import PhotoDataset, loaders
from plantlab.networks.views import VIEWS
from plantlab.predictions import Predictions, fuse
from plantlab.training import StopEarly, checkpoint, learner, memory
from plantlab.training.learner import fit
from plantlab.training.recipe import fit_head, predict, train

SMALL = "test_resnet"


def stripes(folder: Path, n: int = 60) -> pd.DataFrame:
    """Return a table of generated photos of three kinds of stripes: across, along, and none."""
    rng, rows = np.random.default_rng(0), []
    for i in range(n):
        pixels = rng.integers(0, 120, (40, 40, 3), dtype=np.uint8)
        if i % 3 == 0:
            pixels[:: 4 + i % 2] += 120
        elif i % 3 == 1:
            pixels[:, :: 4 + i % 2] += 120
        Image.fromarray(pixels).save(folder / f"{i:03d}.png")
        rows.append(
            (
                str(folder / f"{i:03d}.png"),
                f"Stripes {i % 3}",
                "valid" if i >= n * 3 // 4 else "train",
                str(i),
            )
        )
    return pd.DataFrame(rows, columns=["image_path", "species", "split", "obs_id"])


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return stripes(tmp_path_factory.mktemp("stripes"))


def small(images: pd.DataFrame, augment: str = "crop", **options):
    """Return DataLoaders of photos of 32 pixels, 8 a batch."""
    options = {"image_size": 32, "batch_size": 8, "n_workers": 0} | options
    return loaders(images, augment=augment, **options)


def test_training_lowers_the_loss_and_knows_the_stripes(images):
    network = create_network(SMALL, weights="none")
    learn = fit(network, small(images, "none"), epochs=6, lr=4e-3)
    assert list(learn.history) == ["epoch", "train_loss", "valid_loss", "accuracy", "seconds"]
    assert len(learn.history) == 6
    assert learn.history["train_loss"].iloc[-1] < 0.6 * learn.history["train_loss"].iloc[0]
    valid = images[images["split"] == "valid"]
    answers = predict(network, learn.dls.vocab, valid, 32, views=("plain", "flip"))
    assert (answers.probs.argmax(1) == answers.targets).mean() == pytest.approx(
        learn.history["accuracy"].iloc[-1], abs=0.14
    )
    assert answers.images["image_path"].tolist() == valid["image_path"].tolist()


def test_predict_equals_the_network_in_torch_row_by_row(images):
    network = create_network(SMALL, n_species=3, weights="none").eval()
    some = images.sample(7, random_state=1)
    answers = predict(network, ["a", "b", "c"], some, 40, batch_size=3)
    for path, probs in zip(some["image_path"], answers.probs):
        photo = torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1)[None]
        with torch.inference_mode():
            np.testing.assert_allclose(
                probs, torch.softmax(network(photo), 1)[0].numpy(), atol=1e-4
            )


def test_300_outputs_are_computed_once_and_a_thirteenth_network_adds_its_own(
    images, tmp_path, monkeypatch
):
    """One plant: 5 photos x 5 views x 12 networks, counted where photos go into networks."""
    computed, real = [], embeddings.batches

    def counted(paths, *given, **options):
        computed.extend((path, given[1]) for path in paths)
        return real(paths, *given, **options)

    monkeypatch.setattr(embeddings, "batches", counted)

    def ask(networks):
        computed.clear()
        return fuse(
            predict(n, ["a", "b", "c"], images[:5], 32, VIEWS, cache=tmp_path) for n in networks
        )

    networks = [create_network(SMALL, n_species=3, weights="none", seed=i) for i in range(13)]
    assert len({fingerprint(n.body) for n in networks}) == 13
    first = ask(networks[:12])
    assert len(computed) == 300 and len(set(computed)) == 25
    again = ask(networks[:12])
    assert len(computed) == 0 and np.array_equal(first.probs, again.probs)
    ask(networks)
    assert len(computed) == 25
    alone = [
        predict(n, ["a", "b", "c"], images[:5], 32, (v,)).probs
        for n in networks[:12]
        for v in VIEWS
    ]
    np.testing.assert_allclose(first.probs, np.mean(alone, 0), atol=1e-5)
    networks[0].head = torch.nn.Linear(networks[0].n_features, 3)  # a head is no network
    other = ask(networks[:12])
    assert len(computed) == 0 and not np.allclose(other.probs, first.probs, atol=1e-4)


@contextmanager
def dying(monkeypatch, epoch: int):
    """Kill every training before that epoch."""
    before = checkpoint.Journal.before_epoch

    def dies(self):
        if self.epoch == epoch:
            raise KeyboardInterrupt
        before(self)

    with monkeypatch.context() as patched:
        patched.setattr(checkpoint.Journal, "before_epoch", dies)
        yield


@pytest.mark.parametrize("augment", ["mixup", "cutmix"])
def test_mixing_trains_resumes_and_leaves_validation_alone(images, augment, tmp_path, monkeypatch):
    options = {"epochs": 3, "lr": 4e-3}
    network = create_network(SMALL, weights="none", seed=4)
    history = fit(network, small(images, augment), **options).history
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0]
    valid = predict(
        network, ["Stripes 0", "Stripes 1", "Stripes 2"], images[images["split"] == "valid"], 32
    )
    assert (valid.probs.argmax(1) == valid.targets).mean() == pytest.approx(
        history["accuracy"].iloc[-1]
    )
    smooth = 0.9 * np.eye(3)[valid.targets] + 0.1 / 3
    assert -(smooth * np.log(valid.probs)).sum(1).mean() == pytest.approx(
        history["valid_loss"].iloc[-1], abs=1e-3
    )
    options["checkpoint"] = tmp_path / "a.ckpt"
    with dying(monkeypatch, epoch=2), pytest.raises(KeyboardInterrupt):
        fit(create_network(SMALL, weights="none", seed=4), small(images, augment), **options)
    resumed = create_network(SMALL, weights="none", seed=4)
    fit(resumed, small(images, augment), **options)
    assert fingerprint(resumed) == fingerprint(network)


def test_a_mixed_batch_has_the_loss_of_both_species_in_their_shares(images, monkeypatch):
    asked = []

    class Noted(losses.LogitAdjusted):
        def forward(self, logits, targets):
            asked.append((targets.tolist(), super().forward(logits, targets)))
            return asked[-1][1]

    seen, after = [], learner.Mix.after_loss
    monkeypatch.setattr(
        learner.Mix,
        "after_loss",
        lambda self: after(self) or seen.append((self.share, self.loss_grad.item())),
    )
    train_rows = images[images["split"] == "train"]
    network = create_network(SMALL, weights="none")
    fit(network, small(train_rows, "mixup"), 1, loss=Noted([15, 15, 15]))
    assert len(asked) == 2 * len(seen) == 10
    for i, (share, mixed) in enumerate(seen):
        (own, first), (other, second) = asked[2 * i : 2 * i + 2]
        assert other == [own[-1], *own[:-1]]
        assert mixed == pytest.approx((share * first + (1 - share) * second).item(), rel=1e-5)


def test_the_frozen_head_leaves_the_body_and_the_second_step_starts_from_it(images, tmp_path):
    network = create_network(SMALL, weights="none")
    before = fingerprint(network.body)
    species = fit_head(network, images, 32, cache=tmp_path)
    assert (
        species == ["Stripes 0", "Stripes 1", "Stripes 2"] and fingerprint(network.body) == before
    )
    first = predict(network, species, images, 32)
    rows = images["split"] == "train"
    assert (first.probs.argmax(1) == first.targets)[rows].mean() > 0.8
    solved = network.head.weight.detach().clone()
    fit(network, small(images, "none"), 1, lr=1e-6, loss=torch.nn.CrossEntropyLoss())
    assert fingerprint(network.body) != before
    torch.testing.assert_close(network.head.weight, solved, atol=1e-4, rtol=0)


def test_the_first_layers_train_at_their_share_of_the_rate(images):
    def moved(body_lr):
        network = create_network(SMALL, weights="none")
        start = [p.detach().clone() for p in network.body.parameters()]
        fit(network, small(images), 1, lr=1e-3, body_lr=body_lr)
        return (next(network.body.parameters()) - start[0]).abs().mean().item()

    assert moved(1.0) / moved(0.01) == pytest.approx(100, rel=0.5)


def test_accumulating_batches_makes_fewer_steps(images):
    def steps(accumulate):
        network = create_network(SMALL, weights="none")
        cbs = [GradientAccumulation(8 * accumulate), GradientClip(9.0)]
        learn = fit(network, small(images), 1, cbs=cbs)
        return learn.opt.state[network.head.bias]["step"]

    assert (steps(1), steps(5)) == (5, 1)


@pytest.mark.parametrize("kind", ["tree", "low rank", "adaptive"])
def test_a_head_for_many_species_stands_on_a_network_and_learns_with_it(kind, images):
    """As published: gradients of 32 photos together, clipped at 9."""
    network = create_network(SMALL, weights="none")
    n_features = network.n_features
    heads = {
        "tree": lambda: Tree(n_features, [np.array([0, 0, 1])], 8, sparse=False),
        "low rank": lambda: low_rank(n_features, 3, 8),
        "adaptive": lambda: Adaptive(n_features, np.array([9, 5, 1]), 8, (0.4,)),
    }
    network.head = heads[kind]()
    before = [weight.detach().clone() for weight in network.head.parameters()]
    fit(network, small(images), 2, cbs=[GradientAccumulation(32), GradientClip(9.0)])
    after = list(network.head.parameters())
    assert type(network.head) is type(heads[kind]()) and network.n_outputs == 3
    assert any((now != then).any() for now, then in zip(after, before))
    said = predict(network, None, images, 32)
    assert said.species == ("Stripes 0", "Stripes 1", "Stripes 2")


@pytest.fixture
def scripted(monkeypatch):
    """Return a function that scripts the validation losses; it gives the weights seen so far."""
    after = checkpoint.Journal.after_epoch

    def script(losses: list[float]) -> list[str]:
        seen = []

        def after_epoch(self):
            if self.epoch >= self.first:  # a resumed run skips the others
                self.recorder.log[2] = losses[self.epoch]
                seen.append(fingerprint(self.model))
            after(self)

        monkeypatch.setattr(checkpoint.Journal, "after_epoch", after_epoch)
        return seen

    return script


def test_early_stop_returns_the_best_epoch(images, scripted):
    seen = scripted([3.0, 1.0, 2.0, 2.5, 0.1])
    network = create_network(SMALL, weights="none")
    learn = fit(network, small(images), 9, cbs=[StopEarly(2)])
    assert len(learn.history) == 4 and fingerprint(network) == seen[1]


@pytest.mark.parametrize("epoch", [2, 3])
def test_early_stop_remembers_its_best_epoch_when_killed(
    epoch, images, scripted, tmp_path, monkeypatch
):
    options = {"epochs": 9, "checkpoint": tmp_path / "a.ckpt"}
    seen = scripted([3.0, 1.0, 2.0, 2.5, 0.1])
    network = create_network(SMALL, weights="none")
    with dying(monkeypatch, epoch), pytest.raises(KeyboardInterrupt):
        fit(network, small(images), **options, cbs=[StopEarly(2)])
    resumed = create_network(SMALL, weights="none")
    learn = fit(resumed, small(images), **options, cbs=[StopEarly(2)])
    assert len(learn.history) == 4 and fingerprint(resumed) == seen[1]


def test_a_run_killed_after_its_last_epoch_ends_as_it_would_have(
    images, scripted, tmp_path, monkeypatch
):
    options = {"epochs": 2, "checkpoint": tmp_path / "a.ckpt"}
    seen = scripted([1.0, 2.0])

    def dies(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(StopEarly, "after_fit", dies)
        fit(create_network(SMALL, weights="none"), small(images), **options, cbs=[StopEarly(5)])
    network = create_network(SMALL, weights="none")
    learn = fit(network, small(images), **options, cbs=[StopEarly(5)])
    assert len(learn.history) == 2 == len(seen) and fingerprint(network) == seen[0]


def test_a_checkpoint_that_is_kept_holds_the_whole_training(images, tmp_path, monkeypatch):
    file = tmp_path / "a.ckpt"
    options = {"epochs": 2, "lr": 4e-3}
    first = create_network(SMALL, weights="none")
    fit(first, small(images), **options, checkpoint=checkpoint.Checkpoint(file, keep=True))
    assert file.exists()
    with dying(monkeypatch, epoch=0):  # nothing is learnt again
        again = create_network(SMALL, weights="none")
        fit(again, small(images), **options, checkpoint=checkpoint.Checkpoint(file, keep=True))
    assert fingerprint(again) == fingerprint(first) and file.exists()


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"parts": 0}])
def test_a_batch_and_parts_are_at_least_one(images, wrong):
    with pytest.raises(ValueError, match="a batch and parts of at least 1; got"):
        small(images, **wrong)


def test_half_a_file_of_embeddings_is_passed_over(images, tmp_path):
    network = create_network(SMALL, weights="none")
    found = embeddings.embed(images[:5], network, 32, cache=tmp_path)
    folder = next(tmp_path.iterdir())
    (folder / ".half.safetensors").write_bytes(b"cut off")
    again = embeddings.embed(images[:5], network, 32, cache=tmp_path)
    np.testing.assert_array_equal(found, again)


def test_epochs_are_shown_where_that_is_asked_for(images, capsys):
    fit(create_network(SMALL, weights="none"), small(images), 1)
    assert capsys.readouterr().out == ""
    fit(create_network(SMALL, weights="none"), small(images), 1, cbs=[ProgressCallback()])
    assert "valid_loss" in capsys.readouterr().out


def attempt(images: pd.DataFrame, checkpoint: Path, out: Path) -> None:
    """Train with a checkpoint and leave the final scores and the fingerprint of the weights in `out`."""
    torch.set_num_threads(1)
    network = create_network(SMALL, weights="none", seed=5)
    learn = fit(network, small(images, "strong", seed=5), 5, checkpoint=checkpoint)
    out.write_text(f"{fingerprint(network)} {learn.history['valid_loss'].tolist()}")


def kill_five_times(folder: Path) -> None:
    """Run `attempt` undisturbed, then killed at five random moments and resumed; both must leave the same."""
    images, fork = stripes(folder), multiprocessing.get_context("fork")

    def run(name: str, seconds: float | None) -> int:
        child = fork.Process(target=attempt, args=(images, folder / f"{name}.ckpt", folder / name))
        child.start()
        child.join(seconds)
        child.kill()
        child.join()
        return child.exitcode

    import time

    started = time.perf_counter()
    assert run("undisturbed", None) == 0
    took, kills = time.perf_counter() - started, 0
    draw = random.Random(0)
    while kills < 5:
        kills += run("killed", draw.uniform(0.1, 0.6) * took) == -9
        (folder / "killed").unlink(missing_ok=True)
    assert run("killed", None) == 0
    assert (folder / "undisturbed").read_text() == (folder / "killed").read_text()
    assert not list(folder.glob("*.ckpt"))


@pytest.mark.slow
def test_killed_five_times_and_resumed_it_ends_the_same(tmp_path):
    code = (
        "import sys; from pathlib import Path; from tests.test_training import kill_five_times; "
        "kill_five_times(Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_another_run_s_checkpoint_is_refused_and_damage_is_said(images, tmp_path, monkeypatch):
    refused = "a.ckpt is the checkpoint of a run with other settings or data"
    options = {"checkpoint": tmp_path / "a.ckpt"}

    def start(epochs, batch_size=32, **more):
        network = create_network(SMALL, weights="none")
        fit(network, small(images, batch_size=batch_size), epochs, **options, **more)

    weighed = torch.nn.CrossEntropyLoss(weight=torch.tensor([1.5, 2, 3]))
    heavier = torch.nn.CrossEntropyLoss(weight=torch.tensor([1.5, 2, 3.00001]))
    with dying(monkeypatch, epoch=1), pytest.raises(KeyboardInterrupt):
        start(2)
    assert (tmp_path / "a.ckpt").is_file()
    for other in (
        {"epochs": 3},
        {"epochs": 2, "loss": weighed},
        {"epochs": 2, "batch_size": 16},
        {"epochs": 2, "cbs": [GradientClip(2.0)]},
    ):
        with pytest.raises(ValueError, match=refused):
            start(**other)
    (tmp_path / "a.ckpt").unlink()
    with dying(monkeypatch, epoch=1), pytest.raises(KeyboardInterrupt):
        start(2, loss=weighed)
    with pytest.raises(ValueError, match=refused):
        start(2, loss=heavier)
    start(2, loss=weighed)


def test_the_three_methods_train_and_tell_their_cost(images, project):
    for method in training.METHODS:
        options = {} if method == "frozen" else {"epochs": 1, "batch_size": 8, "n_workers": 0}
        network, species, cost = train(images, method, SMALL, "none", image_size=32, **options)
        assert len(species) == 3 and cost["seconds"] > 0 and cost["memory_mib"] > 0
        assert isinstance(predict(network, species, images[:4], 32), Predictions)


def test_a_network_carries_what_it_takes_to_ask_it(images, project):
    network = create_network(SMALL, weights="none")
    assert (network.species, network.image_size, network.views) == (None, None, None)
    network, species, _ = train(images, "frozen", SMALL, "none", 40, ("plain", "flip"))
    assert network.species == species == ["Stripes 0", "Stripes 1", "Stripes 2"]
    assert network.image_size == 40 and network.views == ("plain", "flip")
    told = predict(network, species, images[:6], 40, ("plain", "flip"))
    assert np.array_equal(predict(network, None, images[:6]).probs, told.probs)
    scratch = create_network(SMALL, weights="none")
    fit(scratch, small(images), 1)
    assert scratch.species == species
    assert scratch.image_size == 32 and scratch.views == ("plain",)


def test_any_module_with_an_output_a_species_is_a_head(images):
    network = create_network(SMALL, weights="none")
    assert network.n_outputs == 0
    torch.manual_seed(0)
    head = torch.nn.Sequential(
        torch.nn.Linear(network.n_features, 8), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 3)
    )
    network.head = head
    assert network.n_outputs == 3 and head.training
    fit(network, small(images), 1)
    assert network.head is head
    assert len(learner.halves(network)[2]) == 6
    answers = predict(network, None, images[:4])
    with torch.inference_mode():
        photos = PhotoDataset(images[:4], [], 32)
        expected = network(torch.stack([photos[i][0] for i in range(4)])).softmax(1).numpy()
    np.testing.assert_allclose(answers.probs, expected, atol=1e-4)


@pytest.mark.parametrize("method", training.METHODS)
def test_the_organ_is_learnt_as_the_species_is(method, images, project):
    """The stripes by another name, of which some photos are not known."""
    organs = images["species"].map({"Stripes 0": "leaf", "Stripes 1": "flower"})
    options = {} if method == "frozen" else {"epochs": 2, "batch_size": 8, "n_workers": 0}
    table = images.assign(organ=organs)
    network, names, _ = train(
        table, method, SMALL, "none", image_size=32, target="organ", **options
    )
    assert names == network.species == ["flower", "leaf"]
    known = images[organs.notna()].reset_index(drop=True)
    renamed = known.assign(species=organs.dropna().to_numpy())
    same, _, _ = train(renamed, method, SMALL, "none", image_size=32, **options)
    assert fingerprint(network) == fingerprint(same)


def test_memory_is_what_the_tensors_take():
    network = create_network(SMALL, n_species=3, weights="none")
    weights = 4 * sum(p.numel() for p in network.parameters()) / 2**20
    trained = [memory.memory_needed(network, 32, n) for n in (0, 8, 16)]
    assert trained[0] == pytest.approx(4 * weights) and trained[2] - trained[1] == pytest.approx(
        trained[1] - trained[0]
    )
    assert weights < memory.memory_needed(network, 32, 8, trained=False) < trained[1]


def test_messages(images):
    network = create_network(SMALL, n_species=3, weights="none")
    with pytest.raises(
        ValueError, match="method must be one of from scratch, frozen, two-step; got 'magic'"
    ):
        train(images, "magic", SMALL)
    with pytest.raises(ValueError, match="expected epochs >= 1, lr > 0 and body_lr in"):
        fit(network, small(images), 0)
    with pytest.raises(ValueError, match="patience watches the validation loss"):
        fit(network, small(images[images["split"] == "train"]), 1, cbs=[StopEarly(2)])
    with pytest.raises(ValueError, match="2 species, but the head has 3 outputs"):
        predict(network, ["a", "b"], images, 32)
    with pytest.raises(ValueError, match="0 species, but the head has 3 outputs"):
        predict(network, None, images, 32)
    with pytest.raises(TableError, match="no rows to train on"):
        fit_head(network, images.assign(split="test"), 32)


def test_the_bar_is_silent_about_a_valid_part_that_is_empty(images, recwarn):
    """A few photos of every species are all learnt from: notebook 02's curve."""
    few = images[images["split"] == "train"].head(12)
    network = create_network(SMALL, weights="none")
    fit(network, loaders(few, 32, batch_size=6), 1, cbs=[ProgressCallback()])
    assert not [each for each in recwarn.list if "generator" in str(each.message)]
