"""Batches stay aligned with the table; augmentation depends on seed, epoch and row alone."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from plantlab.images import PhotoDataset, batches, loaders, seen_whole, set_epoch, train_transform
from plantlab.table import TableError


@pytest.fixture
def colours(tmp_path):
    """24 photos of one colour each, so that a batch tells which row it came from."""
    rows = []
    for i in range(24):
        path = tmp_path / f"{i:02d}.png"
        Image.new("RGB", (40 + i, 50), (10 * i, 0, 100)).save(path)
        species, split = f"Species {i % 3}", "valid" if i >= 18 else "train"
        rows.append({"image_path": str(path), "species": species, "split": split, "obs_id": str(i)})
    return pd.DataFrame(rows)


def test_rows_and_targets_stay_aligned_under_shuffling(colours):
    dls = loaders(colours, 32, 4, augment="crop", seed=3, n_workers=0, device="cpu")
    set_epoch(dls, 0)
    reds = {10 * i: i % 3 for i in range(24)}
    seen = [(int(x[0, 5, 5]), int(y)) for xs, ys in dls.train for x, y in zip(xs, ys)]
    assert len(seen) == 16 and all(reds[red] == target for red, target in seen)  # the last, partial batch is dropped
    assert [int(x[0, 5, 5]) for xs, _ in dls.valid for x in xs] == [10 * i for i in range(18, 24)]
    assert dls.vocab == ["Species 0", "Species 1", "Species 2"]


def test_workers_and_resuming_do_not_change_what_an_epoch_shows(colours):
    def epoch(n_workers, number):
        dls = loaders(colours, 32, 4, augment="strong", seed=1, n_workers=n_workers, device="cpu")
        set_epoch(dls, number)
        return torch.cat([x for x, _ in dls.train])

    assert torch.equal(epoch(0, 2), epoch(2, 2))
    assert not torch.equal(epoch(0, 2), epoch(0, 3))


def test_seen_whole_centre_crops_the_shorter_side_and_mirrors():
    photo = Image.fromarray(np.tile(np.linspace(0, 255, 200, dtype=np.uint8)[None, :, None], (100, 1, 3)))
    plain, flipped = seen_whole(photo, 50), seen_whole(photo, 50, "flip")
    assert plain.shape == (50, 50, 3)
    assert np.array_equal(plain[:, ::-1], flipped)
    assert 55 < plain[0, 0, 0] < 75 and 180 < plain[0, -1, 0] < 200  # the middle half of the gradient


def test_batches_come_in_order_and_whole(colours):
    got = np.concatenate(list(batches(colours["image_path"].tolist(), 16, batch_size=5)))
    assert got.shape == (24, 3, 16, 16) and got.dtype == np.uint8
    assert got[:, 0, 8, 8].tolist() == [10 * i for i in range(24)]
    assert list(batches([], 16)) == []


def test_messages(colours):
    with pytest.raises(TableError, match="holds valid, not 'train'. Use table.complete_splits"):
        loaders(colours.assign(split="valid"), 32)
    with pytest.raises(ValueError, match="augment must be one of none, flip, crop, strong; got 'jitter'"):
        train_transform("jitter", 32)


def test_a_species_that_is_not_known_has_target_minus_one(colours):
    assert PhotoDataset(colours, ["Species 1"], 32).targets[:3].tolist() == [-1, 0, -1]
