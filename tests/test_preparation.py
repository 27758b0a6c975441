import bad_files
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from plantlab import data
from plantlab.data.look import lacks
from plantlab.data.preparation import renamed
from plantlab.data.splits import SPLITS, hold_out_trusted
from plantlab.data.table import TableError


@pytest.fixture
def folder(project):
    """Eight photos of each of two species, one of them twice, and a file that is cut off."""
    rng = np.random.default_rng(0)
    for species in ("Bellis perennis", "Rosa canina"):
        (project / "photos" / species).mkdir(parents=True)
        for number in range(8):
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            photo = Image.fromarray(pixels).resize((64, 64), Image.Resampling.NEAREST)
            photo.save(project / "photos" / species / f"{number}.png")
    original = project / "photos" / "Rosa canina" / "0.png"
    (original.parent / "copy.png").write_bytes(original.read_bytes())
    (original.parent / "cut.png").write_bytes(original.read_bytes()[:200])
    return project / "photos"


def test_one_call_reads_sets_aside_groups_and_splits(folder):
    images, bad = data.prepare(folder, seed=1)
    assert len(images) == 17 and images["obs_id"].nunique() == 16
    assert set(images["split"]) == set(SPLITS) and {"sha1", "phash"} <= set(images)
    assert bad["problem"].tolist() == ["truncated"]
    assert images.attrs["notes"] == [
        "Photos that name no plant, each its own observation: 18 of 18.",
        "Files set aside: 1 of 18 (1 truncated).",
        "17 observations became 16: near-duplicate photos share one.",
        "No held-out split was published: 60/20/20 by observation, stratified by species.",
    ]
    assert images["split"].equals(data.prepare(folder, seed=1)[0]["split"])
    assert not images["split"].equals(data.prepare(folder, seed=2)[0]["split"])


def test_a_table_will_do_and_needs_no_more_than_its_paths(folder):
    paths = sorted(map(str, folder.rglob("*.png")))
    images, bad = data.prepare(pd.DataFrame({"image_path": paths}), split=False)
    assert len(images) == 17 and len(bad) == 1 and images["obs_id"].nunique() == 16
    assert "split" not in images and "species" not in images
    with pytest.raises(TableError, match="no column 'species'"):
        data.prepare(pd.DataFrame({"image_path": paths}))


def test_a_split_that_was_made_beforehand_stays(folder):
    images, _ = data.prepare(folder, split=False)
    assert "split" not in images
    images["split"] = np.resize(SPLITS, len(images))
    again, _ = data.prepare(images)
    assert again["split"].equals(images["split"])


def test_a_project_s_cache_knows_the_photos(folder, project):
    data.prepare(folder)
    known = pd.read_parquet(project / "data" / "cache" / "photos.parquet")
    assert len(known) == 18


def web_and_trusted(n=40):
    """Return `n` plants, two trusted photos each, and as many web photos, one of them a copy."""
    plants = [f"plant {number}" for number in range(n)]
    images = pd.DataFrame({"obs_id": [*plants, *plants, *(f"web {i}" for i in range(n))]})
    images["source"] = ["trusted"] * (2 * n) + ["web"] * n
    images["species"] = np.resize(["Bellis perennis", "Rosa canina"], 3 * n)
    return images.assign(image_path=images.index.astype(str))


def test_only_trusted_plants_are_held_out_and_their_copies_on_the_web_are_no_lesson():
    images = web_and_trusted()
    split = hold_out_trusted(images, 0.2, 0.3, seed=3)
    plants = split[split["source"] == "trusted"].drop_duplicates("obs_id")
    assert plants["split"].value_counts().to_dict() == {"train": 20, "test": 12, "valid": 8}
    assert (split.loc[split["source"] == "web", "split"] == "train").all()
    assert len(split) == len(images) and split.attrs == {} and "split" not in images
    held = plants.loc[plants["split"] == "test", "obs_id"].iloc[0]
    learnt = plants.loc[plants["split"] == "train", "obs_id"].iloc[0]
    images.loc[[90, 100], "obs_id"] = [held, learnt]
    cut = hold_out_trusted(images, 0.2, 0.3, seed=3)
    assert "90" not in set(cut["image_path"]) and "100" in set(cut["image_path"])
    assert cut.index.tolist() == list(range(119))
    assert cut.attrs["notes"] == ["Photos of held-out plants that are not trusted, left out: 1."]


def test_what_is_trusted_must_be_known():
    with pytest.raises(TableError, match="no column 'source'"):
        hold_out_trusted(web_and_trusted().drop(columns="source"))
    with pytest.raises(ValueError, match=r"valid_frac \+ test_frac must be in \(0, 1\)"):
        hold_out_trusted(web_and_trusted(), 0.5, 0.5)


def test_bad_files_are_all_told_of(project):
    (project / "bad").mkdir()
    bad_files.make(project / "bad")
    images, bad = data.prepare(project / "bad", split=False)
    assert len(images) + len(bad) == len(bad_files.PROBLEMS)


def test_a_data_set_is_kept_under_our_names(project, folder, capsys):
    """So that a notebook, which takes a data set and no names, reads columns of other names."""
    paths = [path.relative_to(project) for path in sorted(folder.rglob("*.png"))]
    foreign = pd.DataFrame({"foto": map(str, paths), "art": [path.parent.name for path in paths]})
    foreign.to_csv(project / "foreign.csv", index=False)
    (project / "accepted.csv").write_text("name,accepted_name\nRosa canina,Rosa corymbifera\n")
    names = {"foto": "image_path", "art": "species"}
    table = renamed("foreign.csv", names, "accepted.csv")
    assert "Rosa canina is Rosa corymbifera" in capsys.readouterr().out
    images, bad = data.prepare(str(table))
    assert (len(images), len(bad), images.attrs["name"]) == (17, 1, "foreign")
    assert set(images["species"]) == {"Bellis perennis", "Rosa corymbifera"}
    assert renamed("foreign.csv", names, "accepted.csv") == table != renamed("foreign.csv", names)


def test_what_a_lesson_misses_is_one_sentence(folder):
    images, _ = data.prepare(folder)
    asked = ("several photos of a plant", "organs", "places")
    assert lacks(images, *asked) == (
        "These data lack organs and places; what rests on that is passed over."
    )
    images[["organ", "latitude"]] = ["leaf", 48.0]
    assert lacks(images, *asked) == (
        "These data have what this lesson asks for: several photos of a plant, organs and places."
    )
