"""Batches stay aligned with the table; augmentation depends on seed, epoch and row alone."""

import threading
import traceback

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from plantlab.data.photos import open_photo
from plantlab.data.table import TableError
from plantlab.networks.augment import AUGMENTATIONS, mix, train_transform
from plantlab.networks.batches import PhotoDataset, loaders, set_epoch
from plantlab.networks.decoded import batches
from plantlab.networks.views import VIEWS, decoded_size, seen_whole


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
    dls = loaders(colours, 32, 4, augment="crop", seed=3, n_workers=0)
    set_epoch(dls, 0)
    reds = {10 * i: i % 3 for i in range(24)}
    seen = [(int(x[0, 5, 5]), int(y)) for xs, ys in dls.train for x, y in zip(xs, ys)]
    assert len(seen) == 16 and all(
        reds[red] == target for red, target in seen
    )  # the last, partial batch is dropped
    assert [int(x[0, 5, 5]) for xs, _ in dls.valid for x in xs] == [10 * i for i in range(18, 24)]
    assert dls.vocab == ["Species 0", "Species 1", "Species 2"]


def test_workers_and_resuming_do_not_change_what_an_epoch_shows(colours):
    def epoch(n_workers, number):
        dls = loaders(colours, 32, 4, augment="strong", seed=1, n_workers=n_workers)
        set_epoch(dls, number)
        return torch.cat([x for x, _ in dls.train])

    assert torch.equal(epoch(0, 2), epoch(2, 2))
    assert not torch.equal(epoch(0, 2), epoch(0, 3))


def test_seen_whole_centre_crops_the_shorter_side_and_mirrors():
    photo = Image.fromarray(
        np.tile(np.linspace(0, 255, 200, dtype=np.uint8)[None, :, None], (100, 1, 3))
    )
    plain, flipped = seen_whole(photo, 50), seen_whole(photo, 50, "flip")
    assert plain.shape == (50, 50, 3)
    assert np.array_equal(plain[:, ::-1], flipped)
    assert (
        55 < plain[0, 0, 0] < 75 and 180 < plain[0, -1, 0] < 200
    )  # the middle half of the gradient


def slopes():
    """Return a photo, 120 x 120: red grows by 2 a pixel to the right, green by 2 a pixel downwards; blue is 60."""
    y, x = np.mgrid[:120, :120]
    return Image.fromarray(np.dstack([2 * x, 2 * y, np.full_like(x, 60)]).astype(np.uint8))


def test_zoom_turn_and_vivid_show_what_they_say():
    plain, flip, zoom, turn, vivid = (
        seen_whole(slopes(), 60, view).astype(float) for view in VIEWS
    )
    assert np.ptp(zoom[30, :, 0]) == pytest.approx(
        np.ptp(plain[30, :, 0]) * 3 / 4, abs=3
    )  # the middle, larger
    assert abs(zoom.mean() - plain.mean()) < 2
    white = Image.new("RGB", (90, 70), "white")
    assert (seen_whole(white, 50, "turn") == 255).all()  # nothing of the empty corners
    to_the_right, downwards = (turn[30, 40, i] - turn[30, 20, i] for i in (0, 1))
    assert np.degrees(np.arctan2(downwards, to_the_right)) == pytest.approx(15, abs=3)
    dull = Image.new("RGB", (50, 50), (120, 100, 100))
    before, after = (seen_whole(dull, 40, view)[0, 0].astype(int) for view in ("plain", "vivid"))
    assert after.mean() > 1.1 * before.mean() and np.ptp(after) > 1.3 * np.ptp(before)


def in_torchvision(photo, size, view):
    """Return what seen_whole shows, by torchvision alone."""
    shorter = decoded_size(size, view)
    photo = v2.functional.resize(photo, shorter, antialias=True)
    if view == "turn":
        photo = v2.functional.rotate(photo, 15, v2.InterpolationMode.BILINEAR)
    if view == "vivid":
        photo = v2.functional.adjust_saturation(photo, 1.4)
        photo = v2.functional.adjust_brightness(photo, 1.2)
    pixels = np.array(v2.functional.center_crop(photo, size))
    return pixels[:, ::-1] if view == "flip" else pixels


SIDES = [1, 2, 31, 32, 33, 47, 64, 77, 128, 191, 400]


@pytest.mark.parametrize("size", [32, 33, 192])
def test_the_pixels_are_those_of_torchvision(size):
    rng = np.random.default_rng(size)
    shapes = [(height, width) for height in SIDES for width in SIDES]
    shapes += [(20, 3000), (3000, 20), (1201, 1600), (1600, 1201)]
    for height, width in shapes:
        photo = Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
        for view in VIEWS if height % 2 else VIEWS[:1]:
            expected = in_torchvision(photo, size, view)
            assert np.array_equal(seen_whole(photo, size, view), expected), (height, width, view)


def test_the_pixels_of_files_are_those_of_torchvision(tmp_path):
    rng = np.random.default_rng(0)
    colours = Image.fromarray(rng.integers(0, 256, (7, 9, 4), dtype=np.uint8), "RGBA")
    for number, mode in enumerate(["RGB", "CMYK", "L", "RGBA", "P", "LA", "1"]):
        kind = "jpg" if mode in ("RGB", "CMYK", "L") else "png"
        picture = colours.resize((301 + number, 204)).convert("RGB")
        if mode in ("RGBA", "LA"):
            picture = colours.resize((301, 204))
        exif = Image.Exif()
        exif[0x0112] = 1 + number  # turned or mirrored
        path = tmp_path / f"{mode}.{kind}"
        picture.convert(mode).save(path, exif=exif)
        for size in (32, 128, 192):
            photo = open_photo(path, size)
            assert np.array_equal(seen_whole(photo, size), in_torchvision(photo, size, "plain"))


def test_the_first_four_augmentations_draw_as_the_records_were_made():
    whole = [v2.Resize(32, antialias=True), v2.CenterCrop(32)]
    crop = [v2.RandomResizedCrop(32, scale=(0.3, 1.0), antialias=True), v2.RandomHorizontalFlip()]
    colour = v2.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.02)
    recorded = {"none": whole, "flip": [*whole, v2.RandomHorizontalFlip()], "crop": crop}
    recorded["strong"] = [*crop, colour, v2.PILToTensor(), v2.RandomErasing(0.25)]
    for augment, steps in recorded.items():
        for seed in range(6):
            torch.manual_seed(seed)
            expected = v2.Compose([*steps, *([] if augment == "strong" else [v2.PILToTensor()])])(
                slopes()
            )
            torch.manual_seed(seed)
            assert torch.equal(train_transform(augment, 32)(slopes()), expected), augment


def test_the_aspect_ratio_is_kept_or_squashed():
    def ratios(augment):
        found = []
        for seed in range(40):
            torch.manual_seed(seed)
            photo = train_transform(augment, 48)(slopes()).float()
            to_the_right = (photo[0, 24, 40] - photo[0, 24, 8]).abs() / 32
            found.append(float(to_the_right / ((photo[1, 40, 24] - photo[1, 8, 24]) / 32)))
        return np.array(found)

    assert abs(ratios("kept") - 1).max() < 0.08
    assert 1.15 < abs(ratios("crop")).max() < 1.45
    assert ratios("squash").min() < 0.65 and ratios("squash").max() > 1.6


@pytest.mark.parametrize("augment", AUGMENTATIONS[1:])
def test_each_augmentation_changes_the_photo_and_repeats_itself(augment, colours):
    photo = PhotoDataset(colours, [], 32, augment, seed=3)

    def shown(epoch):
        photo.epoch = epoch
        return photo[7][0]

    assert shown(0).shape == (3, 32, 32) and shown(0).dtype == torch.uint8
    assert torch.equal(shown(1), shown(1))
    torch.manual_seed(0)
    guises = {train_transform(augment, 32)(slopes()).numpy().tobytes() for _ in range(12)}
    assert len(guises) == 2 if augment == "flip" else len(guises) > 9


def test_each_name_changes_what_it_says():
    def many(augment, n=30):
        torch.manual_seed(1)
        return torch.stack(
            [
                train_transform(augment, 32)(Image.new("RGB", (50, 50), (90, 120, 60)))
                for _ in range(n)
            ]
        )

    assert len({tuple(p) for p in many("colour")[:, :, 16, 16].tolist()}) > 20
    assert len({tuple(p) for p in many("crop")[:, :, 16, 16].tolist()}) == 1
    black = (
        (many("erase") == 0).all(1).flatten(1).float().mean(1)
    )  # the share of a photo that is erased
    assert 5 < (black > 0).sum() < 25 and 0.02 < black[black > 0].mean() < 0.34


@pytest.mark.parametrize("augment", ["mixup", "cutmix"])
def test_a_mixed_batch_keeps_the_share_it_tells(augment):
    photos = torch.arange(4, dtype=torch.uint8).mul(60)[:, None, None, None].expand(4, 3, 20, 20)
    own, before = photos.float().mean((1, 2, 3)), photos.float().mean((1, 2, 3)).roll(1)
    shares = []
    for seed in range(20):
        torch.manual_seed(seed)
        mixed, share = mix(photos, augment)
        torch.testing.assert_close(
            mixed.mean((1, 2, 3)), share * own + (1 - share) * before, atol=1e-3, rtol=0
        )
        assert len(mixed[1].unique()) <= (1 if augment == "mixup" else 2)
        shares.append(share)
    assert min(shares) < 0.5 and max(shares) > 0.7


def test_batches_come_in_order_and_whole(colours):
    got = np.concatenate(list(batches(colours["image_path"].tolist(), 16, batch_size=5)))
    assert got.shape == (24, 3, 16, 16) and got.dtype == np.uint8
    assert got[:, 0, 8, 8].tolist() == [10 * i for i in range(24)]
    assert list(batches([], 16)) == []


def test_batches_are_run_side_by_side_and_still_come_in_order(colours, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    both = threading.Barrier(4, timeout=20)  # passes only when four run at once

    def run(batch):
        both.wait()
        return batch[:, 0, 8, 8]

    got = batches(colours["image_path"].tolist(), 16, batch_size=6, run=run)
    assert np.concatenate(list(got)).tolist() == [10 * i for i in range(24)]


def test_seeding_a_photo_formats_no_stack(colours, monkeypatch):
    """torch.manual_seed does, once for every kind of graphics card it might meet: 3 ms a photo."""
    monkeypatch.setattr(
        traceback, "format_stack", lambda *a, **k: pytest.fail("a stack was formatted")
    )
    PhotoDataset(colours, sorted(set(colours["species"])), 16, "flip")[0]


def test_messages(colours):
    with pytest.raises(TableError, match="holds valid, not 'train'. Use splits.complete_splits"):
        loaders(colours.assign(split="valid"), 32)
    with pytest.raises(
        ValueError, match="augment must be one of none, flip, crop, .*, strong; got 'jitter'"
    ):
        train_transform("jitter", 32)


def test_a_species_that_is_not_known_has_target_minus_one(colours):
    assert PhotoDataset(colours, ["Species 1"], 32).targets[:3].tolist() == [-1, 0, -1]


def test_any_column_is_learnt_and_rows_without_it_are_left_out(colours):
    organs = (["flower", "leaf", None] * 8)[:24]
    dls = loaders(colours.assign(organ=organs), 32, 4, n_workers=0, target="organ")
    assert dls.vocab == ["flower", "leaf"]
    assert dls.train.dataset.targets.tolist() == [0, 1] * 6
    assert dls.valid.dataset.targets.tolist() == [0, 1] * 2
    with pytest.raises(TableError, match="no column 'organ'"):
        loaders(colours, 32, target="organ")
    with pytest.raises(TableError, match="no train row names its organ; fill that column in"):
        loaders(colours.assign(organ=None), 32, target="organ")
