"""A head of organ and species learns their pairs, and adds up to either."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from plantlab.data.table import TableError
from plantlab.networks.backbones import create_network
from plantlab.training import fit_head, joint, predict


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> pd.DataFrame:
    """Return bright and dark photos of two species, in two organs and one unknown."""
    folder = tmp_path_factory.mktemp("looks")
    rng = np.random.default_rng(0)
    rows = []
    for i in range(24):
        pixels = rng.integers(0, 90, (32, 32, 3), np.uint8)
        pixels[..., i % 2] += 120
        path = folder / f"{i}.png"
        Image.fromarray(pixels).save(path)
        species = "Rosa alba" if i % 2 else "Aster | novi"
        rows.append(
            (str(path), species, ["flower", "leaf", ""][i % 3], "train" if i < 18 else "test")
        )
    return pd.DataFrame(rows, columns=["image_path", "species", "organ", "split"])


def test_looks_are_the_pairs_and_an_unknown_organ_is_one(images):
    looks = joint.with_looks(images)["look"]
    assert looks.iloc[:3].tolist() == [
        "Aster | novi | flower",
        "Rosa alba | leaf",
        "Aster | novi | unknown",
    ]
    with pytest.raises(TableError, match="'organ'"):
        joint.with_looks(images.drop(columns="organ"))


def test_a_joint_head_adds_up_to_species_and_to_organs(images, tmp_path):
    network = create_network("test_resnet", weights="none")
    looks = joint.fit_joint(network, images, 32, cache=tmp_path)
    assert len(looks) == 6
    asked = images[images["split"] == "test"]
    each = predict(network, looks, asked, 32, cache=tmp_path)
    species = joint.predict_joint(network, asked, cache=tmp_path)
    assert species.species == ("Aster | novi", "Rosa alba")
    np.testing.assert_allclose(species.probs[:, 0], each.probs[:, :3].sum(1), rtol=1e-5)
    assert species.images["species"].tolist() == asked["species"].tolist()
    organs = joint.predict_joint(network, asked, "organ", cache=tmp_path)
    assert organs.species == ("flower", "leaf", "unknown")
    np.testing.assert_allclose(organs.probs[:, 1], each.probs[:, [1, 4]].sum(1), rtol=1e-5)


def test_it_says_what_it_cannot_do(images, tmp_path):
    network = create_network("test_resnet", weights="none")
    fit_head(network, images, 32, cache=tmp_path, target="organ", penalty=1)
    with pytest.raises(ValueError, match="fit it by fit_joint"):
        joint.predict_joint(network, images, cache=tmp_path)
    with pytest.raises(ValueError, match="species or organ; got 'genus'"):
        joint.predict_joint(network, images, "genus")
