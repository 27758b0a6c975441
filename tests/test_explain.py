"""Grad-CAM points at what spoke for the answer, on maps that are fine enough to show it."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

from plantlab.networks import backbones, explain, shown
from plantlab.predictions import Predictions


@pytest.fixture
def two_squares(tmp_path):
    """Return a black photo with a red square at its top left and a blue one at its bottom right."""
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[8:24, 8:24, 0] = pixels[40:56, 40:56, 2] = 255
    Image.fromarray(pixels).save(tmp_path / "squares.png")
    return str(tmp_path / "squares.png")


def colour_network() -> backbones.Classifier:
    """Return a network whose first species is red and whose second is blue."""
    mix = nn.Conv2d(3, 3, 1, bias=False)
    body = nn.Sequential(mix, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network = backbones.Classifier(body, 3, 2, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    with torch.no_grad():
        mix.weight.copy_(torch.eye(3).view(3, 3, 1, 1))
        network.head.weight.copy_(torch.tensor([[1.0, 0, 0], [0, 0, 1.0]]))
    return network


@pytest.mark.parametrize("target, middle", [(0, 16), (1, 48)])
def test_the_heat_lies_on_the_colour_that_was_asked_for(two_squares, target, middle):
    photo, heat = explain.grad_cam(colour_network(), two_squares, target, 64)
    assert photo.shape == (64, 64, 3) and heat.shape == (64, 64)
    assert heat.max() == pytest.approx(1) and heat.min() >= 0
    rows, columns = np.nonzero(heat > 0.5)
    assert abs(rows.mean() - middle) < 1.5 and abs(columns.mean() - middle) < 1.5


@pytest.mark.parametrize("size", [64, 128])
def test_the_map_is_the_last_that_shows_something(size):
    network = backbones.create_network("resnet10t", weights="none")
    sides = []
    explain.last_map(network, size).register_forward_hook(
        lambda *call: sides.append(min(call[2].shape[2:]))
    )
    network(torch.zeros(1, 3, size, size))
    assert sides == [4]


def test_a_network_without_maps_is_refused():
    with pytest.raises(
        ValueError, match="keeps no feature map for Grad-CAM; choose a convolutional one"
    ):
        explain.last_map(
            backbones.Classifier(
                nn.Sequential(nn.Flatten(), nn.Linear(48, 4)), 4, 2, (0,) * 3, (1,) * 3
            ),
            4,
        )


def test_looks_show_wrong_answers_first_and_say_what_they_are(two_squares):
    images = pd.DataFrame(
        {"image_path": [two_squares] * 4, "species": ["red", "blue", "red", "red"]}
    )
    answers = Predictions(images, ["red", "blue"], [[0.9, 0.1]] * 4)
    ax = shown.plot_looks(answers, colour_network(), 64, n=2)
    assert [t.get_text() for t in ax.texts if "\n" in t.get_text()] == [
        "blue\ntaken for\nred",
        "red\n(right)",
    ]
    assert "25 %" in (ax.get_title() or ax.get_title("left"))


def test_one_photo_is_drawn_in_every_view_and_under_every_augmentation(two_squares, tmp_path):
    Image.new("RGB", (64, 64), "white").save(tmp_path / "white.png")
    pair = pd.DataFrame({"image_path": [two_squares, str(tmp_path / "white.png")]})
    ax = shown.plot_guises(pair, 32, ["none", "flip", "mixup", "cutmix"], n=5)
    pictures = ax.images[0].get_array()
    assert pictures.shape == (5 * 32, 5 * 32, 3)
    told = [t.get_text() for t in ax.texts]
    assert told[:2] == ["on test", "none  0%"] and told[5:10] == [
        "plain",
        "flip",
        "zoom",
        "turn",
        "vivid",
    ]
    none, mixup = pictures[32:64], pictures[96:128]
    assert (
        none[:, :32] == pictures[:32, :32]
    ).all() and mixup.mean() > none.mean() + 20  # white shines through
    assert re.match(
        r"On average a pixel changes by \d+ % \(flip\) to \d+ % \((mixup|cutmix)\)",
        (ax.get_title() or ax.get_title("left")),
    )


def test_what_is_shown_is_mixed_where_training_mixes(two_squares, tmp_path):
    Image.new("RGB", (64, 64), "white").save(tmp_path / "white.png")
    pair = pd.DataFrame({"image_path": [two_squares, str(tmp_path / "white.png")]})
    ax = shown.plot_shown(pair, 32, "mixup", n=2, epochs=2)
    assert ax.images[0].get_array()[32:].min() > 0
    assert "make 4 pictures of 2 photos" in (ax.get_title() or ax.get_title("left"))
