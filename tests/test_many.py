"""Heads for many species: exact where they say so, small as published, and learnt."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import label_ranking_average_precision_score, top_k_accuracy_score
from torch import nn
from torch.nn import functional as F

from plantlab.data import literature
from plantlab.heads.many import trees, world
from plantlab.heads.many.ask import ask
from plantlab.heads.many.learn import (
    class_means,
    clip_gradients,
    from_means,
    learn,
    loss_of,
    optimizers_of,
    step,
)
from plantlab.heads.many.small import Adaptive, Sampled, low_rank
from plantlab.heads.many.tree import Tree
from plantlab.predictions import Predictions, metrics

N_FEATURES, N_SPECIES = 16, 60
NAMES = [f"Genus{i // 7} species{i}" for i in range(N_SPECIES)]
GENUS = trees.by_genus(NAMES)
FAMILY = GENUS // 3
COUNTS = np.arange(N_SPECIES, 0, -1)
MIXED = np.random.default_rng(3).permutation(GENUS)  # groups that do not stand side by side

EXACT = {
    "even tree": lambda: Tree(N_FEATURES, [trees.by_number(N_SPECIES, 6)], 8),
    "tree of genera": lambda: Tree(N_FEATURES, [GENUS], 8),
    "tree of mixed groups": lambda: Tree(N_FEATURES, [MIXED], 8),
    "tree of three levels": lambda: Tree(N_FEATURES, [FAMILY, GENUS], 0),
    "adaptive": lambda: Adaptive(N_FEATURES, COUNTS, 8, (0.1, 0.5)),
}
ALL = EXACT | {
    "dense": lambda: nn.Linear(N_FEATURES, N_SPECIES),
    "low rank": lambda: low_rank(N_FEATURES, N_SPECIES, 8),
    "sampled": lambda: Sampled(N_FEATURES, COUNTS, 8, 30),
}


def made(name):
    torch.manual_seed(0)
    return ALL[name]()


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    embeddings = torch.randn(50, N_FEATURES, generator=generator)
    return embeddings, torch.randint(0, N_SPECIES, (50,), generator=generator)


@pytest.mark.parametrize("name", EXACT)
def test_probabilities_of_an_exact_head_sum_to_one(name, batch):
    probs = made(name)(batch[0]).exp()
    assert probs.shape == (50, N_SPECIES)
    assert (probs.sum(1) - 1).abs().max() < 1e-5


@pytest.mark.parametrize("name", EXACT)
def test_the_loss_of_few_nodes_is_that_of_all_species(name, batch):
    head = made(name)
    whole = F.cross_entropy(head(batch[0]), batch[1])
    assert head.loss(*batch).item() == pytest.approx(whole.item(), rel=1e-5)


def test_a_two_level_softmax_is_worked_by_hand():
    """Groups {a, b} and {c}: P(a) = P(group 0) P(a | group 0)."""
    head = Tree(1, [np.array([0, 0, 1])], width=0)
    with torch.no_grad():
        head.weights[0].weight.copy_(torch.tensor([[1.0], [0.0]]))
        head.weights[1].weight.copy_(torch.tensor([[2.0], [0.0], [5.0]]))
    first = np.exp(1) / (np.exp(1) + 1)
    a = first * np.exp(2) / (np.exp(2) + 1)
    found = head(torch.ones(1, 1)).exp()[0].tolist()
    assert found == pytest.approx([a, first - a, 1 - first])


def test_routing_leaves_no_way_to_a_species_of_another_group(batch):
    head = made("tree of mixed groups")
    routed, exact = head.routed(batch[0]), head(batch[0])
    reachable = ~torch.isinf(routed)
    assert (routed[reachable] == exact[reachable]).all()
    for row, open_species in enumerate(reachable):
        assert len(set(MIXED[open_species])) == 1, row


def test_a_sample_of_all_species_is_the_full_softmax(batch):
    head = Sampled(N_FEATURES, COUNTS, 8, n_drawn=20_000)  # each is in it, common or rare
    whole = F.cross_entropy(head(batch[0]), batch[1])
    assert head.loss(*batch).item() == pytest.approx(whole.item(), rel=1e-4)


def test_what_is_drawn_follows_its_shares():
    """Common species come more often than rare ones, and each comes."""
    head = Sampled(N_FEATURES, COUNTS, 8, 40)
    torch.manual_seed(0)
    drawn = torch.cat([head._draw() for _ in range(2000)])
    often = torch.bincount(drawn, minlength=N_SPECIES)
    assert often[:10].sum() > 1.5 * often[-10:].sum() and (often > 0).all()


@pytest.mark.parametrize("name", ALL)
def test_a_head_learns(name):
    """Clouds of five species: after some epochs most are named."""
    grown = world.World(4 * np.eye(N_SPECIES, N_FEATURES, dtype=np.float32)[:, ::-1].copy())
    targets = np.repeat(np.arange(5) * 3, 40)
    embeddings = grown.draw(targets, 0)
    head = learn(made(name), embeddings, targets, epochs=20, lr=0.02, batch_size=50)
    with torch.no_grad():
        loss = loss_of(head, torch.from_numpy(embeddings), torch.from_numpy(targets))
        named = head(torch.from_numpy(embeddings)).argmax(1).numpy()
    assert np.isfinite(loss) and (named == targets).mean() > 0.9


@pytest.mark.parametrize("name", ["dense", "tree of genera", "sampled"])
def test_gradients_are_clipped_as_torch_clips_them(name, batch):
    head = made(name)
    loss = 1000 * loss_of(head, *batch)
    loss.backward()
    dense = [weight.grad.to_dense().clone() for weight in head.parameters()]
    wanted = torch.sqrt(sum(grad.square().sum() for grad in dense))
    assert clip_gradients(head, 9.0) == pytest.approx(wanted.item(), rel=1e-5)
    length = torch.sqrt(sum(w.grad.to_dense().square().sum() for w in head.parameters()))
    assert length.item() == pytest.approx(9.0, rel=1e-5)


def test_thirty_two_batches_are_one_large_one():
    rng = np.random.default_rng(0)
    embeddings = rng.standard_normal((320, N_FEATURES)).astype(np.float32)
    targets = rng.integers(0, N_SPECIES, 320)
    heads = []
    for batch_size, accumulate in ((10, 32), (320, 1)):
        head = made("dense")
        torch.manual_seed(5)
        heads.append(learn(head, embeddings, targets, 1, 0.01, batch_size, accumulate))
    torch.testing.assert_close(heads[0].weight, heads[1].weight, atol=1e-5, rtol=1e-4)


def test_a_step_changes_only_the_rows_that_a_batch_touched(batch):
    head = made("sampled")
    before = head.weight.weight.detach().clone()
    head.n_drawn = 5
    head.loss(batch[0], torch.zeros_like(batch[1])).backward()
    step(head, optimizers_of(head, 0.1))
    changed = (head.weight.weight != before).any(1)
    assert 1 <= changed.sum() <= 6 and changed[0]


# table 1 of the PlantCLEF 2022 paper


def n_weights(module):
    """Return the numbers of a module's tables; biases, which the paper leaves out, aside."""
    return sum(
        weight.numel()
        for weight in module.parameters()
        if weight.shape[-1:] != (1,) and weight.dim() == 2
    )


def test_the_published_numbers_of_parameters_come_from_the_heads_themselves():
    import timm

    with torch.device("meta"):
        body = timm.create_model("efficientnet_b4", num_classes=0)
        dense = nn.Linear(body.num_features, 80_000)
        tree = Tree(body.num_features, [trees.by_number(80_000, 1000)])
    n_body = sum(weight.numel() for weight in body.parameters())
    assert n_weights(dense) == 143_360_000 == 1792 * 80_000
    assert n_weights(tree) == 10_597_376 and n_weights(tree.narrow) == 229_376
    assert n_weights(tree.weights) == 10_368_000
    printed = literature.published("head_sizes").set_index("metric")["value"]
    assert printed["top_weights"] == n_weights(tree.weights[0])
    assert printed["bottom_weights"] == n_weights(tree.weights[1])
    # 160 M and 28.2 M, as printed, are 5.67 times apart
    sizes = n_body + n_weights(dense), n_body + n_weights(tree)
    assert round(sizes[0] / 1e6, -1) == 160 and abs(sizes[1] / 1e6 - 28.2) < 0.1
    assert pytest.approx(printed["parameters_reduced"], abs=0.005) == 160 / 28.2
    assert sizes[0] / sizes[1] == pytest.approx(5.67, abs=0.06)


# asked batch by batch


def test_ranks_asked_in_batches_are_those_of_the_full_answers():
    rng = np.random.default_rng(0)
    embeddings = rng.standard_normal((101, N_FEATURES)).astype(np.float32)
    images = pd.DataFrame({"image_path": [f"{i}" for i in range(101)]})
    images["species"] = rng.choice([*NAMES, "Genus unknown"], 101)
    head = made("tree of genera")
    listed = ask(head, embeddings, images, NAMES, k=7, batch_size=13)
    with torch.no_grad():
        probs = head(torch.from_numpy(embeddings)).exp().numpy()
    full = Predictions(images, NAMES, probs)
    assert (listed.ranks() == full.ranks()).all()
    pd.testing.assert_frame_equal(listed.top(7), full.top(7), atol=1e-6)
    measures = ("top1", "top30", "mrr", "ma_mrr")
    ours, theirs = (metrics.score(each, n_boot=10, measures=measures) for each in (listed, full))
    pd.testing.assert_frame_equal(ours, theirs, atol=1e-6)
    part = listed.select(images["species"] != "Genus unknown")
    known = full.select(images["species"] != "Genus unknown")
    truth = np.eye(N_SPECIES)[known.targets]
    assert (1 / part.ranks()).mean() == pytest.approx(
        label_ranking_average_precision_score(truth, known.probs)
    )
    top = top_k_accuracy_score(known.targets, known.probs, k=5, labels=np.arange(N_SPECIES))
    assert (part.ranks() <= 5).mean() == pytest.approx(top)
    with pytest.raises(ValueError, match="the head has 60 outputs, not 3"):
        ask(head, embeddings, images, NAMES[:3])


def test_a_truth_that_routing_cannot_reach_has_no_rank():
    head = made("tree of mixed groups")
    embeddings = np.random.default_rng(0).standard_normal((30, N_FEATURES)).astype(np.float32)
    images = pd.DataFrame({"image_path": map(str, range(30)), "species": NAMES[:30]})
    routed = ask(head.routed, embeddings, images, NAMES).ranks()
    exact = ask(head, embeddings, images, NAMES).ranks()
    assert np.isinf(routed).any() and np.isfinite(exact).all() and (routed >= 1).all()


# from the means


def test_means_are_those_of_pandas():
    rng = np.random.default_rng(0)
    embeddings = rng.standard_normal((40, 3)).astype(np.float32)
    targets = rng.integers(0, 9, 40)
    means, counts = class_means(embeddings, targets, 10)
    wanted = pd.DataFrame(embeddings).groupby(targets).mean()
    np.testing.assert_allclose(means[wanted.index], wanted, rtol=1e-5)
    assert counts.sum() == 40 and (means[9] == 0).all()


def test_the_likeliest_mean_is_found_without_a_step_and_narrow_heads_keep_the_order():
    rng = np.random.default_rng(0)
    targets = np.repeat(np.arange(N_SPECIES), 30)
    grown = world.grow_world(GENUS, N_FEATURES, spread=60, seed=1)
    embeddings = grown.draw(targets, 2) * np.linspace(0.5, 2, N_FEATURES).astype(np.float32)
    whole = from_means(embeddings, targets, N_SPECIES)
    means, _ = class_means(embeddings, targets, N_SPECIES)
    width = np.sqrt(np.square(embeddings - means[targets]).sum(0) / (len(targets) - N_SPECIES))
    asked = rng.permutation(len(targets))[:50]
    distance = np.square((embeddings[asked, None] - means) / width).sum(2)
    with torch.no_grad():
        logits = whole(torch.from_numpy(embeddings[asked])).numpy()
        narrow = from_means(embeddings, targets, N_SPECIES, width=N_FEATURES)
        same = narrow(torch.from_numpy(embeddings[asked])).numpy()
    assert (logits.argmax(1) == distance.argmin(1)).all()
    shifted = same - same.mean(1, keepdims=True)
    np.testing.assert_allclose(shifted, logits - logits.mean(1, keepdims=True), atol=2e-2)
    assert n_weights(from_means(embeddings, targets, N_SPECIES, width=4)) == 4 * (16 + 60)


def test_one_photo_is_a_better_mean_when_it_is_drawn_to_its_genus_and_none_beats_bayes():
    grown = world.grow_world(GENUS, 32, spread=30, alike=0.7, seed=0)
    counts = world.long_tail(N_SPECIES, seed=1)
    targets = np.repeat(np.arange(N_SPECIES), counts)
    embeddings = grown.draw(targets, 2)
    asked = np.repeat(np.arange(N_SPECIES), 40)
    images = pd.DataFrame({"image_path": map(str, range(len(asked)))})
    images["species"] = np.array(NAMES)[asked]
    test = grown.draw(asked, 3)
    heads = {
        "best": grown.best_head(),
        "means": from_means(embeddings, targets, N_SPECIES),
        "drawn": from_means(embeddings, targets, N_SPECIES, GENUS),
    }
    scores = {
        name: (1 / ask(head, test, images, NAMES).ranks()).mean() for name, head in heads.items()
    }
    assert scores["best"] > scores["drawn"] > scores["means"] + 0.01


def test_the_best_head_is_the_likeliest_cloud():
    grown = world.grow_world(GENUS, 8, seed=0)
    points = grown.draw(np.arange(20), 1)
    distance = np.square(points[:, None] - grown.means).sum(2)
    with torch.no_grad():
        named = grown.best_head()(torch.from_numpy(points)).argmax(1).numpy()
    assert (named == distance.argmin(1)).all()


def test_a_tail_has_half_of_its_species_in_one_photo():
    counts = world.long_tail(20_000, 100, seed=0)
    assert 0.45 < (counts == 1).mean() < 0.55 and counts.min() == 1 and counts.max() == 100
    assert 4 < counts.mean() < 6 and 0.05 < (counts > 10).mean() < 0.15


def test_groups_are_genera_numbers_or_look_alikes():
    assert trees.by_number(7, 3).tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert trees.by_genus(["× Rosa b", "Rosa a", "Aster x"]).tolist() == [1, 1, 0]
    means = np.array([[0, 0], [0.1, 0], [9, 9], [9, 9.1]], np.float32)
    found = trees.learnt(means, 2)
    assert found[0] == found[1] != found[2] == found[3]
