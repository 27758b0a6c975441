import json
import os
import sys
from pathlib import Path

import bad_files
import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from plantlab.data import layouts
from plantlab.data.layouts import find_photos, read_images
from plantlab.data.layouts.found import Found
from plantlab.data.table import TableError
from plantlab.files import project_root


def photos(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        bad_files.picture(48, 40).save(folder / name, format="JPEG")
    return folder


def named(images, *columns):
    """The table by file name, so that a row is easily asked for."""
    return images.set_index(images["image_path"].map(os.path.basename))[list(columns)]


def test_class_folders(tmp_path):
    photos(
        tmp_path,
        "Bellis_perennis/b.jpg",
        "Bellis_perennis/a.JPG",
        "Rosa canina/deep/er/c.png",
        "Rosa canina/d",
    )
    (tmp_path / "LICENSE.txt").write_text("free")
    (tmp_path / "labels.csv").write_text("image,label\nBellis_perennis/b.jpg,0\n")
    (tmp_path / "Rosa canina" / ".hidden.jpg").write_text("")
    images = read_images(tmp_path)
    assert list(images["species"]) == ["Bellis perennis"] * 2 + ["Rosa canina"] * 2
    assert list(images["genus"]) == ["Bellis"] * 2 + ["Rosa"] * 2
    assert list(images.index) == [0, 1, 2, 3] and images["image_path"].map(os.path.isabs).all()
    assert images["obs_id"].is_unique and images.attrs["name"] == tmp_path.name
    assert images.attrs["notes"] == [
        "Other files, no photos: 2 (LICENSE.txt, labels.csv).",
        "Folders inside class folders, whose names were not used: 1.",
        "Photos that name no plant, each its own observation: 4 of 4.",
    ]


def test_class_folders_below_splits(tmp_path):
    photos(tmp_path, "train/a/1.jpg", "val/a/1.jpg", "Test/b/1.jpg", "Test/loose.jpg")
    images = read_images(tmp_path)
    assert sorted(zip(images["split"], images["species"])) == [
        ("test", "b"),
        ("train", "a"),
        ("valid", "a"),
    ]
    assert images["obs_id"].is_unique
    assert "Photos outside the class folders were left out: 1." in images.attrs["notes"]


@pytest.mark.parametrize("above", ["", "archive/", "archive/photos/"])
def test_a_folder_around_the_class_folders_is_no_class(tmp_path, above):
    images = read_images(photos(tmp_path, f"{above}a/1.jpg", f"{above}b/2.jpg"))
    assert list(images["species"]) == ["a", "b"]


def test_a_class_may_be_called_none_and_a_photo_have_blanks(tmp_path):
    images = read_images(photos(tmp_path, "None/ 1.jpg", "NA/2 .jpg"))
    assert (
        images["species"].tolist() == ["NA", "None"]
        and images["image_path"].map(os.path.isfile).all()
    )


def test_unlabelled_photos(tmp_path):
    images = read_images(photos(tmp_path, "2.jpg", "1.jpg"))
    assert "species" not in images and list(named(images).index) == ["1.jpg", "2.jpg"]


def test_find_photos_follows_links_once_and_looks_inside(tmp_path):
    photos(tmp_path, "a/1.jpg", "elsewhere/2")
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a" / "dangling").symlink_to("nothing")
    found, others = find_photos(tmp_path)
    assert sorted(map(os.path.basename, found)) == ["1.jpg", "2"] and list(
        map(os.path.basename, others)
    ) == ["dangling"]


@pytest.mark.parametrize(
    "suffix, separator", [(".csv", ","), (".csv", ";"), (".tsv", "\t"), (".parquet", None)]
)
def test_table_with_other_names(tmp_path, suffix, separator):
    photos(tmp_path, "jpg/1.jpg", "jpg/2.jpg")
    table = pd.DataFrame(
        {
            "image": ["jpg/1.jpg", "jpg/2.jpg"], "label": ["007", "12"], "label_name": ["daisy", "NaN"],
            "split": ["train", "val"], "lat": ["43.6", ""], "lng": ["3.9", ""], "votes": ["3", "NaN"], "rank": ["0", "0"], "remark": ["", "fine"],
            "noise": ["", ""], "Family": ["Asteraceae", ""],
        }
    )  # fmt: skip
    path = tmp_path / f"list{suffix}"
    table.to_parquet(path) if separator is None else table.to_csv(
        path, index=False, sep=separator, encoding="utf-8-sig"
    )
    images = read_images(path)
    assert list(images)[:6] == [
        "image_path",
        "obs_id",
        "species",
        "family",
        "species_id",
        "latitude",
    ]
    assert images["rank"].tolist() == [0, 0]
    assert list(images)[7:] == ["split", "votes", "rank", "remark", "noise"] and images[
        "family"
    ].isna().tolist() == [False, True]
    assert list(images["species_id"]) == ["007", "12"] and list(images["split"]) == [
        "train",
        "valid",
    ]
    assert images["species"].isna().tolist() == [False, True] and images[
        "latitude"
    ].isna().tolist() == [False, True]
    assert images["votes"].sum() == 3 and images["remark"].tolist() == ["", "fine"]
    assert (
        images["image_path"][0] == str(tmp_path / "jpg" / "1.jpg")
        and images.attrs["name"] == "list"
    )


def test_table_keeps_missing_photos_for_set_aside_and_leaves_nameless_rows(tmp_path):
    photos(tmp_path, "1.jpg")
    (tmp_path / "images.csv").write_text("image_path,species\n1.jpg,a\ngone.jpg,a\n,a\n")
    images = read_images(tmp_path)  # a folder with its own images.csv
    assert (
        len(images) == 2
        and "Rows of images.csv that name no photo were left out: 1." in images.attrs["notes"]
    )
    assert images.attrs["name"] == tmp_path.name


@pytest.mark.parametrize("names", ["auto", "dwc"])
def test_darwin_core(tmp_path, names):
    photos(tmp_path, "1.jpg", "2.jpg")
    (tmp_path / "occurrence.txt").write_text(
        "dwc:occurrenceID\tdwc:scientificName\tfamily\tclass\teventDate\tdecimalLatitude\tdecimalLongitude\t"
        "recordedBy\tbasisOfRecord\torganismQuantity\timagePath\n"
        "o1\tBellis perennis L.\tAsteraceae\tMagnoliopsida\t2020-05\t43.6\t3.9\tA. Bee\tPRESERVED_SPECIMEN\t1\t1.jpg\n"
        "o1\tBellis perennis L.\tAsteraceae\tMagnoliopsida\t2020-05\t43.6\t3.9\tA. Bee\tHUMAN_OBSERVATION\t1\t2.jpg\n"
    )
    images = read_images(tmp_path / "occurrence.txt", names=names)
    row = images.iloc[0]
    assert (row["species"], row["genus"], row["obs_id"], row["date"]) == (
        "Bellis perennis L.",
        "Bellis",
        "o1",
        "2020-05",
    )
    assert (row["latitude"], row["longitude"], row["author"]) == (43.6, 3.9, "A. Bee")
    assert images["source"].fillna("?").tolist() == ["herbarium", "?"]


def test_own_names(tmp_path):
    photos(tmp_path, "1.jpg")
    (tmp_path / "list.csv").write_text("foto,art\n1.jpg,daisy\n")
    images = read_images(tmp_path / "list.csv", names={"foto": "image_path", "art": "species"})
    assert images["species"].tolist() == ["daisy"]


def oxford(folder, names=True, n=6):
    photos(folder, *(f"jpg/image_{i:05}.jpg" for i in range(1, n)))  # the last one is missing
    savemat(
        folder / "imagelabels.mat", {"labels": np.array([[1, 1, 2, 2, 77, 77]], dtype=np.uint8)}
    )
    sets = {"trnid": [[1, 4]], "valid": [[2]], "tstid": [[3, 5, 6]]}
    savemat(folder / "setid.mat", {k: np.array(v, dtype=np.uint16) for k, v in sets.items()})
    if names:
        (folder / "cat_to_name.json").write_text(
            json.dumps({"1": "pink primrose", "2": "orchid", "77": "passion flower"})
        )
    return folder


@pytest.mark.parametrize("inside", ["", "flowers-102"])
def test_oxford_flowers(tmp_path, inside):
    oxford(tmp_path / inside)
    images = read_images(tmp_path)
    assert images["species_id"].tolist() == ["1", "1", "2", "2", "77"]
    assert images["split"].tolist() == [
        "train",
        "valid",
        "test",
        "train",
        "test",
    ]  # as published, not by size
    assert images["species"].tolist() == ["pink primrose"] * 2 + ["orchid"] * 2 + ["passion flower"]
    assert (
        images.attrs["notes"][0] == "Photos listed in imagelabels.mat that are not there: 1 of 6."
    )


def test_oxford_flowers_without_names(tmp_path):
    assert read_images(oxford(tmp_path, names=False))["species"].iloc[0] == "class 1"


def test_oxford_flowers_without_photos(tmp_path):
    with pytest.raises(
        TableError, match="none of the 6 photos listed in imagelabels.mat is there; unpack"
    ):
        read_images(oxford(tmp_path, n=1))


def plantclef_xml(folder, stem, fields, photo=True):
    if photo:
        photos(folder, f"{stem}.jpg")
    content = "".join(f"<{tag}>{text}</{tag}>" for tag, text in fields.items())
    folder.mkdir(exist_ok=True)
    (folder / f"{stem}.xml").write_text(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Image>{content}</Image>', "utf-8"
    )


def test_plantclef_2015_to_2017(tmp_path):
    first = {
        "ObservationId": 1001, "MediaId": 8, "Vote": 4, "Content": "Flower", "ClassId": 30001, "Family": "Asteraceae",
        "Genus": "Bellis", "Species": "Bellis perennis L.", "Author": "André", "Date": "2013-4-1",
        "Location": "Montpellier", "Latitude": 43.6, "Longitude": 3.9, "YearInCLEF": "PlantCLEF2015",
        "ObservationId2014": "", "ImageId2014": "", "LearnTag": "Train",
    }  # fmt: skip
    plantclef_xml(tmp_path / "train", "8", first)
    second = first | {
        "MediaId": 9,
        "Content": "LeafScan",
        "Latitude": "NaN",
        "Longitude": "",
        "Author": "null",
    }
    plantclef_xml(tmp_path / "train", "9", second)
    plantclef_xml(tmp_path / "train", "10", first, photo=False)
    plantclef_xml(
        tmp_path / "test", "11", {"ObservationId": "NaN", "MediaId": 11, "LearnTag": "Test"}
    )
    photos(tmp_path, "train/unlisted.jpg")
    (tmp_path / "train" / "broken.xml").write_text("<Image><ClassId>3")
    images = read_images(tmp_path)
    rows = named(images, *images.columns)
    row = rows.loc["8.jpg"]
    assert (row["obs_id"], row["species_id"], row["organ"], row["split"]) == (
        "1001",
        "30001",
        "flower",
        "train",
    )
    assert (row["author"], row["date"], row["latitude"], row["vote"]) == (
        "André",
        "2013-4-1",
        43.6,
        4,
    )
    assert rows.loc["9.jpg", ["latitude", "longitude", "author"]].isna().all()
    assert rows.loc["11.jpg", "split"] == "test" and rows.loc["11.jpg", "obs_id"] == "test/11.jpg"
    assert images.attrs["notes"] == [
        "Photos listed in the XML files that are not there: 1 of 4.",
        "Photos not listed in the XML files were left out: 1.",
        "XML files too damaged to read: 1.",
        "Photos that name no plant, each its own observation: 1 of 3.",
    ]


def test_plantclef_with_damaged_xml_only(tmp_path):
    photos(tmp_path, "1.jpg")
    (tmp_path / "1.xml").write_text("<Image><ClassId>3")
    with pytest.raises(
        TableError, match="none of the 1 XML files in .* can be read: all are damaged"
    ):
        read_images(tmp_path)


def test_plantclef_2017_both_sources(tmp_path):
    fields = {"ClassId": 5, "Species": "Bellis perennis L.", "ObservationId": 1, "MediaId": 1}
    plantclef_xml(tmp_path / "web", "1", fields)
    plantclef_xml(tmp_path / "eol", "2", fields)
    assert read_images(tmp_path)["source"].tolist() == ["trusted", "web"]


def test_plantclef_2024(tmp_path):
    photos(
        tmp_path,
        "train/1355868/ab.jpg",
        "val/1355868/cd.jpg",
        "test/1361703/ef.jpg",
        "train/1361703/unlisted.jpg",
    )
    columns = (
        "image_name;organ;species_id;obs_id;license;partner;author;altitude;latitude;longitude;gbif_species_id;species;"
        "genus;family;dataset;publisher;references;url;learn_tag;image_backup_url"
    )
    rows = [
        "ab.jpg;Flower;1355868;1008;cc-by;;Ann;120;43.6;3.9;2.0;Bellis perennis L.;Bellis;Asteraceae;pn;p;r;u;train;b",
        "cd.jpg;leaf;1355868;1009;cc-by;;Ann;;;;2.0;Bellis perennis L.;Bellis;Asteraceae;pn;p;r;u;val;b",
        "ef.jpg;leaf;1361703;1010;cc-by;;;;;;3.0;Rosa canina L.;Rosa;Rosaceae;gbif;p;r;u;test;b",
        "gone.jpg;leaf;1361703;1010;cc-by;;;;;;3.0;Rosa canina L.;Rosa;Rosaceae;gbif;p;r;u;test;b",
    ]
    (tmp_path / "PlantCLEF2024singleplanttrainingdata.csv").write_text("\n".join([columns, *rows]))
    (tmp_path / "species_ids.csv").write_text("species_id;species\n1355868;Bellis perennis L.\n")
    images = read_images(tmp_path)
    rows = named(images, *images.columns)
    assert rows["split"].to_dict() == {"ab.jpg": "train", "cd.jpg": "valid", "ef.jpg": "test"}
    row = rows.loc["ab.jpg"]
    assert (row["obs_id"], row["organ"], row["genus"], row["latitude"]) == (
        "1008",
        "flower",
        "Bellis",
        43.6,
    )
    assert (
        set(images["source"]) == {"trusted"}
        and rows.loc["ef.jpg", ["author", "latitude"]].isna().all()
    )
    assert images.attrs["notes"][0] == (
        "Photos listed in PlantCLEF2024singleplanttrainingdata.csv that are not there: 1 of 4."
    )


def test_plantclef_2022_trusted_and_web(tmp_path):
    photos(tmp_path, "trusted/images/17/a.jpg", "web/images/17/b.jpg")
    for source, name, occurrence in [("trusted", "a", "99"), ("web", "b", "")]:
        (tmp_path / source / f"PlantCLEF2022_{source}_training_metadata.csv").write_text(
            "classid;image_path;image_name;species;genus;family;source;gbif_occurrence_id\n"
            f"17;17/{name}.jpg;{name}.jpg;Bellis perennis L.;Bellis;Asteraceae;gbif;{occurrence}\n"
        )
    images = read_images(tmp_path)
    assert images["source"].tolist() == ["trusted", "web"] and images["species_id"].tolist() == [
        "17",
        "17",
    ]
    assert images["obs_id"].tolist() == ["99", "web/images/17/b.jpg"]


@pytest.mark.parametrize("inside", ["", "plantnet_300K"])
def test_plantnet_300k(tmp_path, inside):
    folder = photos(
        tmp_path / inside,
        "images_train/1355868/a1.jpg",
        "images_val/1355868/a2.jpg",
        "images_test/13/a3.jpg",
    )
    common = {"organ": "flower", "author": "Ann", "license": "cc-by-sa", "is_shareable": True}
    listed = {
        "a1": {"species_id": "1355868", "obs_id": "100", "split": "train", **common},
        "a2": {"species_id": "1355868", "obs_id": "101", "split": "val", **common},
        "a3": {"species_id": "13", "obs_id": "102", "split": "test", **common},
        "a4": {"species_id": "13", "obs_id": "102", "split": "test", **common},
    }
    (folder / "plantnet300K_metadata.json").write_text(json.dumps(listed))
    (folder / "plantnet300K_species_id_2_name.json").write_text(
        json.dumps({"1355868": "Lactuca virosa L."})
    )
    images = read_images(tmp_path)
    assert images["species"].tolist() == ["Lactuca virosa L."] * 2 + ["13"]
    assert images["split"].tolist() == ["train", "valid", "test"] and images["obs_id"].tolist() == [
        "100",
        "101",
        "102",
    ]
    assert images.attrs["notes"] == [
        "Photos listed in plantnet300K_metadata.json that are not there: 1 of 4."
    ]


def test_a_new_layout_is_a_reader_and_an_entry(tmp_path, monkeypatch):
    def read_lists(folder):
        listed = folder / "plants.txt"
        if not listed.is_file():
            return None
        rows = [line.split(" = ") for line in listed.read_text().splitlines()]
        rows = pd.DataFrame(rows, columns=["image_path", "species"])
        return Found(rows, ["Read from a list."])

    monkeypatch.setattr(layouts, "PUBLISHED", [*layouts.PUBLISHED, read_lists])
    (tmp_path / "plants.txt").write_text("/a/1.jpg = Bellis perennis\n/a/2.jpg = Rosa canina")
    images = layouts.read_images(tmp_path)
    assert images["genus"].tolist() == ["Bellis", "Rosa"]
    assert images["obs_id"].tolist() == ["1.jpg", "2.jpg"]
    assert images.attrs["notes"][0] == "Read from a list." and len(images.attrs["notes"]) == 2


def test_greenhouse(monkeypatch):
    class Flora:
        build = staticmethod(lambda seed: f"flora {seed}")

    import plantlab

    monkeypatch.setitem(sys.modules, "plantlab.greenhouse", Flora)
    monkeypatch.setattr(plantlab, "greenhouse", Flora, raising=False)
    assert read_images("greenhouse") == "flora 0"
    assert read_images("greenhouse-7") == "flora 7"
    with pytest.raises(TableError, match="there is no 'greenhouse-x'"):
        read_images("greenhouse-x")


def test_a_relative_folder_is_looked_for_in_the_project_too(tmp_path, monkeypatch):
    photos(tmp_path, "data/mine/a/1.jpg")
    (tmp_path / "pyproject.toml").write_text('name = "plantlab"')
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert project_root() == tmp_path and len(read_images("data/mine")) == 1


@pytest.mark.parametrize(
    "content, message",
    [
        (
            "species\ndaisy\n",
            "list.csv has no column that names the photos; it has species. Expected image_path",
        ),
        (
            "image\ngone.jpg\n",
            "none of the 1 photos that list.csv lists is there; the first should be at .*gone.jpg",
        ),
        ("image\n", "'list' holds no photos. Expected class folders"),
        (b"image\n\xff\xfe\xfa\n", "list.csv is no CSV table in UTF-8 and no Parquet"),
        ("", "list.csv is no CSV table in UTF-8 and no Parquet"),
    ],
)
def test_tables_that_cannot_be_read_say_why(tmp_path, content, message):
    photos(tmp_path, "1.jpg")
    (tmp_path / "list.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(TableError, match=message):
        read_images(tmp_path / "list.csv")


def test_what_is_not_there_or_not_known(tmp_path):
    with pytest.raises(TableError, match="there is no 'nowhere'; give a folder"):
        read_images("nowhere")
    with pytest.raises(TableError, match="holds no photos. Expected class folders"):
        read_images(tmp_path)
    with pytest.raises(ValueError, match="names must be 'auto', 'dwc' or a dict .*; got 'gbif'"):
        read_images(tmp_path, names="gbif")
    (tmp_path / "list.csv").write_text("image\n1.jpg\n")
    with pytest.raises(TableError, match="no Darwin Core column scientificName; it has image"):
        read_images(tmp_path / "list.csv", names="dwc")


def real(name):
    folder = (
        Path(os.environ.get("PLANTLAB_PHOTOS", Path(__file__).parents[2] / "shared" / "photos"))
        / name
    )
    return pytest.param(
        folder, marks=pytest.mark.skipif(not folder.is_dir(), reason=f"no photographs {name} here")
    )


@pytest.mark.photos
@pytest.mark.parametrize("folder", [real("oxford102")])
def test_the_real_oxford_flowers(folder):
    images = read_images(folder)
    assert images["split"].value_counts().to_dict() == {"test": 4110, "train": 728, "valid": 706}
    published = pd.read_csv(folder / "labels.csv", dtype=str).set_index("image")
    rows = published.loc["jpg/" + images["image_path"].map(os.path.basename)]
    assert (rows["label_name"].to_numpy() == images["species"]).all()
    assert (rows["split"].replace("val", "valid").to_numpy() == images["split"]).all()


@pytest.mark.photos
@pytest.mark.parametrize("folder", [real("flower_photos")])
def test_the_real_flower_photos(folder):
    images = read_images(folder)
    assert len(images) == 3670 and images["species"].nunique() == 5 and "split" not in images
    assert read_images(folder / "labels.csv")["split"].value_counts().to_dict() == {
        "train": 2934,
        "valid": 736,
    }
