"""A network that learns from teachers: the loss by hand, names in any order, and what is refused."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import entropy
from test_training import SMALL, dying, small, stripes

from plantlab.networks.backbones import create_network, fingerprint
from plantlab.training import Distil, fit, predict

SPECIES = ["Stripes 0", "Stripes 1", "Stripes 2"]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return stripes(tmp_path_factory.mktemp("stripes"))


@pytest.fixture(scope="module")
def teacher(images):
    network = create_network(SMALL, weights="none")
    fit(network, small(images, "none"), epochs=8, lr=4e-3)
    return network


def pupil(images, *callbacks, epochs=1, augment="none", **options):
    network = create_network(SMALL, weights="none", seed=7)
    learn = fit(network, small(images, augment), epochs, 4e-3, cbs=callbacks, **options)
    return network, learn


def saying(network, columns):
    """Return a network that says the same under other names in another order."""
    head = torch.nn.Linear(network.n_features, len(columns))
    with torch.no_grad():
        head.weight.copy_(network.head.weight[columns])
        head.bias.copy_(network.head.bias[columns])
    other = create_network(SMALL, weights="none")
    other.body.load_state_dict(network.body.state_dict())
    other.head = head
    other.species = [f"{SPECIES[column]}" for column in columns]
    return other.eval()


class Seen(Distil):
    """Keeps what a batch's loss was made of."""

    def after_loss(self):
        usual = self.loss_grad.item()
        super().after_loss()
        teachers = [network(self.x).detach().numpy() for network in self.networks]
        self.kept = (usual, self.loss.item(), self.pred.detach().numpy(), teachers)


@pytest.mark.parametrize("share, temperature", [(0.3, 2.0), (1.0, 1.0), (0.5, 4.0)])
def test_the_loss_is_the_label_s_and_the_teachers_in_their_shares(
    images, teacher, share, temperature
):
    second = create_network(SMALL, n_species=3, weights="none", seed=3)
    second.species = SPECIES
    callback = Seen([teacher, second], temperature, share)
    pupil(images, callback)
    usual, whole, said, teachers = callback.kept
    taught = np.mean([softmax(logits / temperature, 1) for logits in teachers], 0)
    apart = entropy(taught, softmax(said / temperature, 1), axis=1).mean()
    expected = (1 - share) * usual + share * temperature**2 * apart
    assert whole == pytest.approx(expected, rel=1e-4)


def test_a_share_of_nothing_changes_nothing(images, teacher):
    alone, _ = pupil(images, epochs=2)
    beside, _ = pupil(images, Distil([teacher], share=0.0), epochs=2)
    assert fingerprint(alone) == fingerprint(beside)


def test_who_says_the_same_as_the_teacher_has_nothing_to_learn(images, teacher):
    callback = Seen([teacher], share=1.0)
    same = saying(teacher, [0, 1, 2])
    same.eval().train = lambda mode=True: same  # batch norm as the teacher has it
    fit(same, small(images, "none"), 1, 1e-9, cbs=[callback])
    assert callback.kept[1] == pytest.approx(0, abs=1e-4)


def test_a_teacher_teaches_where_every_label_is_wrong(images, teacher):
    """So it is the teacher that is learnt from, under its own names."""
    wrong = images.assign(species=images["species"].map(dict(zip(SPECIES, np.roll(SPECIES, 1)))))
    other_order = saying(teacher, [2, 0, 1])
    taught, _ = pupil(wrong, Distil([other_order], share=1.0), epochs=8)
    valid = images[images["split"] == "valid"]
    said = predict(taught, SPECIES, valid, 32)
    asked = predict(teacher, SPECIES, valid, 32)
    assert (said.probs.argmax(1) == asked.probs.argmax(1)).mean() >= 0.8
    assert (said.probs.argmax(1) == said.targets).mean() >= 0.8


def test_it_mixes_resumes_and_is_told_from_another_teacher_s_pupil(
    images, teacher, tmp_path, monkeypatch
):
    file = tmp_path / "a.ckpt"
    options = {"epochs": 3, "augment": "mixup"}
    whole, _ = pupil(images, Distil([teacher]), **options)
    with dying(monkeypatch, epoch=2), pytest.raises(KeyboardInterrupt):
        pupil(images, Distil([teacher]), checkpoint=file, **options)
    other = create_network(SMALL, n_species=3, weights="none", seed=9)
    other.species = SPECIES
    with pytest.raises(ValueError, match="run with other settings or data"):
        pupil(images, Distil([other]), checkpoint=file, **options)
    resumed, _ = pupil(images, Distil([teacher]), checkpoint=file, **options)
    assert fingerprint(resumed) == fingerprint(whole)


def test_what_is_refused(images, teacher):
    stranger = saying(teacher, [0, 2])
    with pytest.raises(ValueError, match="does not know Stripes 1; train it on the same species"):
        pupil(images, Distil([stranger]))
    for bad in [{"teachers": []}, {"temperature": 0}, {"share": 1.5}]:
        with pytest.raises(ValueError, match="a share in"):
            Distil(**{"teachers": [teacher]} | bad)
