"""Data as people really keep it: every photo is read, or counted in a note that says why not."""

import json
import os
import re
import unicodedata
from pathlib import Path

import bad_files
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from plantlab import plots
from plantlab.cli import main
from plantlab.data import prepare
from plantlab.data.dates import months_of
from plantlab.data.inspection import set_aside
from plantlab.data.layouts import read_images
from plantlab.data.layouts.names import split_of
from plantlab.data.table import TableError
from plantlab.quality.verdict import fit_to_train


def photos(folder: Path, *names: str) -> Path:
    """Write pictures that differ, so that none is a duplicate."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        small = np.random.default_rng(number).integers(0, 255, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(small).resize((64, 48)).save(path, format="JPEG")
    return folder


def table(folder: Path, text: str, name: str = "list.csv") -> pd.DataFrame:
    (folder / name).write_text(text, encoding="utf-8")
    return read_images(folder / name)


# tables


@pytest.mark.parametrize("separator", ["\t", ";"])
def test_a_mark_that_quotes_nothing_swallows_no_row(tmp_path, separator):
    photos(tmp_path, *(f"{i}.jpg" for i in range(6)))
    rows = [f'{i}.jpg{separator}Rosa alba{separator}"near {i}' for i in range(6)]
    header = separator.join(["image", "species", "locality"])
    images = table(tmp_path, "\n".join([header, *rows]))
    assert len(images) == 6 and images["locality"].str.startswith('"near').all()


def test_a_quoted_line_break_stays_in_its_cell(tmp_path):
    photos(tmp_path, "0.jpg", "1.jpg")
    images = table(tmp_path, 'image,species,note\n0.jpg,a,"two\nlines"\n1.jpg,b,one\n')
    assert images["note"].tolist() == ["two\nlines", "one"]


def test_separators_at_the_end_of_lines_shift_no_column(tmp_path):
    photos(tmp_path, "0.jpg", "1.jpg")
    images = table(tmp_path, "image,species\n0.jpg,a,\n1.jpg,b,,\n")
    assert images["species"].tolist() == ["a", "b"]


def test_quotes_and_separators_at_the_end_go_together(tmp_path):
    photos(tmp_path, "0.jpg", "1.jpg")
    images = table(tmp_path, 'image,species,note\n0.jpg,a,"b, c",\n1.jpg,b\n')
    assert images["species"].tolist() == ["a", "b"] and images["note"].tolist() == ["b, c", ""]
    with pytest.raises(TableError, match="line 2: 4 cells where the header has 3"):
        table(tmp_path, 'image,species,note\n0.jpg,a,"b, c",d\n')


def test_an_unquoted_separator_is_said_with_its_line(tmp_path):
    photos(tmp_path, "0.jpg")
    said = (
        r"list.csv, line 3: 4 cells where the header has 3. Put a cell that holds \",\" in quotes"
    )
    with pytest.raises(TableError, match=said):
        table(tmp_path, "image,species,place\n0.jpg,a,here\n1.jpg,b,there, too\n")


def test_an_empty_column_hides_no_other_name_of_it(tmp_path):
    photos(tmp_path, "0.jpg", "1.jpg")
    text = "file,species,scientificName,set,observed_on\n"
    images = table(tmp_path, f"{text}0.jpg,,Rosa alba,train,2021-05-01\n1.jpg,,Rosa nova,test,\n")
    assert images["species"].tolist() == ["Rosa alba", "Rosa nova"]
    assert images["split"].tolist() == ["train", "test"] and images["date"][0] == "2021-05-01"


def test_the_class_of_botanists_is_no_species(tmp_path):
    photos(tmp_path, "0.jpg", "1.jpg")
    images = table(tmp_path, "file,class\n0.jpg,Magnoliopsida\n1.jpg,Liliopsida\n")
    assert "species" not in images
    images = table(tmp_path, "file,class\n0.jpg,rose\n1.jpg,tulip\n")
    assert images["species"].tolist() == ["rose", "tulip"]


def test_decimal_commas_are_read_and_places_off_the_globe_counted(tmp_path):
    photos(tmp_path, *(f"{i}.jpg" for i in range(4)))
    rows = ['0.jpg;a;"48,17";16', "1.jpg;a;4810;16", "2.jpg;a;;16", "3.jpg;a;-33.5;151.2"]
    images = table(tmp_path, "\n".join(["file;species;lat;lon", *rows]))
    assert images["latitude"].tolist()[::3] == [48.17, -33.5]
    assert images[["latitude", "longitude"]].isna().sum().tolist() == [2, 2]
    notes = images.attrs["notes"]
    assert "Places of which only one coordinate is known were left out: 1." in notes
    assert "Places that lie off the globe were left out: 1." in notes


def test_a_latitude_alone_is_no_place(tmp_path):
    photos(tmp_path, "0.jpg")
    images = table(tmp_path, "file,species,decimalLatitude,decimalLong\n0.jpg,a,48.1,16\n")
    assert "latitude" not in images
    assert any("only the latitude is known" in note for note in images.attrs["notes"])


def test_names_that_look_the_same_are_one(tmp_path):
    photos(tmp_path, *(f"{i}.jpg" for i in range(5)))
    composed, parted = (unicodedata.normalize(form, "Étoile") for form in ("NFC", "NFD"))
    names = [composed, parted, f"{composed} ", "Étoile", "étoile"]
    rows = [f"{i}.jpg,{name}" for i, name in enumerate(names)]
    images = table(tmp_path, "\n".join(["file,species", *rows]))
    assert images["species"].unique().tolist() == [composed]
    said = "Names of a species that differ in blanks, accents or capitals alone, joined: 2."
    assert said in images.attrs["notes"]


@pytest.mark.parametrize("inside", [{"bytes": b"\xff\xd8", "path": None}, b"\xff\xd8"])
def test_photos_inside_a_table_are_refused_in_a_sentence(tmp_path, inside):
    path = tmp_path / "train.parquet"
    pd.DataFrame({"image": [inside], "label": [0]}).to_parquet(path)
    with pytest.raises(TableError, match="the photos stand inside train.parquet") as error:
        read_images(path)
    assert len(str(error.value)) < 300


def test_a_message_lists_few_columns(tmp_path):
    header = ",".join(f"column{i}" * 20 for i in range(500))
    (tmp_path / "wide.csv").write_text(f"{header}\n")
    with pytest.raises(TableError, match="and 488 more") as error:
        read_images(tmp_path / "wide.csv")
    assert len(str(error.value)) < 800


# dates


@pytest.mark.parametrize(
    ("dates", "months"),
    [
        (["2021-05-03T08:00:00+02:00", "2021-12-03T08:00:00+01:00", "2021-06-01Z"], [5, 12, 6]),
        (["1999", "2001", "2002.0"], [None, None, None]),
        (["2021-05", "2021", "20210731", "2021:08:09 10:11:12"], [5, None, 7, 8]),
        (["03.05.2021", "08.05.2021"], [5, 5]),
        (["03/05/2021", "25/05/2021"], [5, 5]),
        (["03/05/2021", "05/25/2021"], [3, 5]),
        (["3 May 2021", "June 4, 2020", "no idea", None, ""], [5, 6, None, None, None]),
        (["2021-00-00", "2021-13-01", "0000"], [None, None, None]),
        (["2016-05-01/2016-07-02"], [5]),
    ],
)
def test_months(dates, months):
    read = months_of(pd.Series(dates, dtype=object))
    assert read.astype(object).where(read.notna(), None).tolist() == months


def test_months_of_times_are_theirs():
    when = pd.to_datetime(pd.Series(["2021-05-03", None]))
    assert months_of(when)[0] == 5 and np.isnan(months_of(when)[1])


def test_a_year_alone_is_of_no_season():
    images = pd.DataFrame({"image_path": list("abc"), "date": ["1999", "2001", "2001-07-01"]})
    ax = plots.plot_season(images)
    assert "July" in ax.get_title("left") + ax.get_title()


# folders


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train_mini", "train"),
        ("train-images", "train"),
        ("public_test", "test"),
        ("val", "valid"),
        ("dev", "valid"),
        ("TEST 2", "test"),
        ("trainer", ""),
        ("Rosa", ""),
        ("images", ""),
    ],
)
def test_what_others_call_a_split(name, split):
    assert split_of(name) == split


def test_splits_of_inaturalist_with_lineages_for_names(tmp_path):
    name = "00001_Plantae_Tracheophyta_Magnoliopsida_Asterales_Asteraceae_Bellis_perennis"
    photos(tmp_path, f"train_mini/{name}/1.jpg", f"val/{name}/2.jpg", "public_test/3.jpg")
    images = read_images(tmp_path)
    assert images["species"].unique().tolist() == ["Bellis perennis"]
    assert images["family"].unique().tolist() == ["Asteraceae"]
    assert sorted(images["split"]) == ["train", "valid"]
    assert "Photos outside the class folders were left out: 1." in images.attrs["notes"]


def test_folders_of_images_and_labels_are_no_classes(tmp_path):
    photos(tmp_path, "train/images/1.jpg", "test/images/2.jpg")
    images = read_images(tmp_path)
    assert "species" not in images and sorted(images["split"]) == ["test", "train"]


def test_a_split_inside_itself_is_no_class(tmp_path):
    photos(tmp_path, "train/a/1.jpg", "train/b/2.jpg", "test/test/3.jpg", "test/test/4.jpg")
    images = read_images(tmp_path)
    assert sorted(images["species"]) == ["a", "b"] and set(images["split"]) == {"train"}
    assert "Photos outside the class folders were left out: 2." in images.attrs["notes"]


def test_species_below_families(tmp_path):
    photos(tmp_path, "Rosaceae/Rosa canina/1.jpg", "Asteraceae/Bellis_perennis/2.jpg")
    images = read_images(tmp_path)
    assert sorted(images["species"]) == ["Bellis perennis", "Rosa canina"]
    assert sorted(images["family"]) == ["Asteraceae", "Rosaceae"]


def test_splits_below_species(tmp_path):
    photos(tmp_path, *(f"{name}/{split}/1.jpg" for name in "ab" for split in ("train", "test")))
    images = read_images(tmp_path)
    assert sorted(zip(images["species"], images["split"])) == [
        ("a", "test"),
        ("a", "train"),
        ("b", "test"),
        ("b", "train"),
    ]


def test_classes_without_a_photo_are_named(tmp_path):
    photos(tmp_path, "a/1.jpg", "b/1.jpg")
    (tmp_path / "c").mkdir()
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "1.jpg").write_text("<html>")
    images = read_images(tmp_path)
    assert "Class folders without a photo: 1 (c)." in images.attrs["notes"]
    good, _ = set_aside(images, tmp_path / "cache.parquet")
    assert "Species of which no photo can be read: 1 (d)." in good.attrs["notes"]


def test_an_empty_class_is_named_though_another_begins_like_it(tmp_path):
    photos(tmp_path, "Rosa alba/1.jpg", "Bellis/1.jpg")
    (tmp_path / "Rosa").mkdir()
    assert "Class folders without a photo: 1 (Rosa)." in read_images(tmp_path).attrs["notes"]


def test_a_link_between_class_folders_renames_none(tmp_path):
    photos(tmp_path, "rose/1.jpg", "tulip/2.jpg")
    (tmp_path / "alias").symlink_to(tmp_path / "rose", target_is_directory=True)
    images = read_images(tmp_path)
    assert sorted(images["species"]) == ["rose", "tulip"]


def test_one_name_that_is_not_utf8_stops_no_other(tmp_path):
    photos(tmp_path, "a/1.jpg", "b/1.jpg")
    strange = os.fsencode(tmp_path / "b") + b"/ros\xe9.jpg"
    try:
        Path(os.fsdecode(strange)).write_bytes((tmp_path / "b" / "1.jpg").read_bytes())
    except OSError:
        pytest.skip("this file system takes names in UTF-8 alone")
    images = read_images(tmp_path)
    assert len(images) == 2
    said = r"Files left out, for their names are not UTF-8; rename them: 1 (ros\xe9.jpg)."
    assert said in images.attrs["notes"]


def test_a_cameras_raw_file_is_set_aside_with_its_reason(tmp_path):
    photos(tmp_path, "a/1.jpg", "b/1.jpg")
    Image.new("RGB", (64, 64)).save(tmp_path / "a" / "2.nef", format="TIFF")
    _, bad = set_aside(read_images(tmp_path), tmp_path / "cache.parquet")
    assert bad["problem"].tolist() == ["a camera's raw file; save it as JPEG"]


# labels, leaks, EXIF


def test_photos_without_a_label_are_left_out_with_a_note(tmp_path):
    photos(tmp_path, *(f"{i}.jpg" for i in range(24)))
    rows = [f"{i}.jpg,{'' if i >= 18 else 'ab'[i % 2]}" for i in range(24)]
    (tmp_path / "list.csv").write_text("\n".join(["image,species", *rows]))
    images, _ = prepare(tmp_path / "list.csv")
    assert (
        len(images) == 18
        and "Photos without a species were left out: 6 of 24." in (images.attrs["notes"])
    )
    unlabelled, _ = prepare(tmp_path / "list.csv", split=False)
    ax = plots.plot_photos(unlabelled, n=24)
    assert "no name" in [text.get_text() for text in ax.texts]
    assert ax.figure.get_size_inches().max() < 40


def test_no_label_at_all_is_a_sentence(tmp_path):
    photos(tmp_path, "0.jpg", "1.jpg")
    (tmp_path / "list.csv").write_text("image,species\n0.jpg,\n1.jpg,\n")
    with pytest.raises(TableError, match="species"):
        prepare(tmp_path / "list.csv")


def test_species_that_train_does_not_show_are_said(tmp_path):
    names = [
        f"{split}/{name}/{i}.jpg" for split in ("train", "val") for name in "ab" for i in "123"
    ]
    photos(tmp_path, *names, "test/a/1.jpg", "test/c/1.jpg", "test/c/2.jpg")
    images, _ = prepare(tmp_path)
    said = "Species without a train photo: 1; their 2 photos in valid or test count as wrong."
    assert said in images.attrs["notes"]


def test_a_leak_is_counted_once(tmp_path):
    names = [
        f"{split}/{name}/{i}.jpg" for split in ("train", "test") for name in "ab" for i in "12"
    ]
    photos(tmp_path, *names)
    (tmp_path / "test/a/again.jpg").write_bytes((tmp_path / "train/a/1.jpg").read_bytes())
    images, _ = prepare(tmp_path, split=False)
    reasons = fit_to_train(images).reasons
    assert "Photos of valid or test whose plant, or copy, is in train: 1." in reasons


@pytest.mark.parametrize(
    ("latitude", "half", "placed"),
    [((48, 10, 0), "N", True), ((48, 10, 0), "", False), ((4810, 0, 0), "N", False)],
)
def test_places_of_cameras(tmp_path, latitude, half, placed):
    exif = Image.Exif()
    exif[0x8825] = {1: half, 2: latitude, 3: "E", 4: (16, 0, 0)}
    path = tmp_path / "a.jpg"
    Image.new("RGB", (64, 48)).save(path, exif=exif)
    good, _ = set_aside(pd.DataFrame({"image_path": [str(path)]}), tmp_path / "cache.parquet")
    assert ("latitude" in good) == placed


# COCO


def coco(folder: Path, name: str, numbers: list[int]) -> None:
    """Write annotations as iNaturalist 2021's val.json has them."""
    kinds = ["Bellis perennis", "Rosa canina"]
    categories = []
    for number, kind in enumerate(kinds):
        genus, epithet = kind.split()
        row = {"id": number, "name": kind, "genus": genus, "specific_epithet": epithet}
        row |= {"kingdom": "Plantae", "class": "Magnoliopsida", "family": f"F{number}aceae"}
        categories.append(row | {"supercategory": "Plants", "common_name": "", "order": "O"})
    images = []
    for i in numbers:
        row = {"id": i, "file_name": f"photos/{i}.jpg", "width": 64, "height": 48, "license": 0}
        row |= {"date": "2019-05-03 10:00:00+00:00", "latitude": 43.6, "longitude": 3.9}
        images.append(row | {"rights_holder": "A. Bee", "location_uncertainty": None})
    labels = [{"id": i, "image_id": i, "category_id": i % 2} for i in numbers]
    held = {"info": {}, "images": images, "annotations": labels, "categories": categories}
    (folder / name).write_text(json.dumps(held))


def test_coco_files_side_by_side_are_splits(tmp_path):
    photos(tmp_path, *(f"photos/{i}.jpg" for i in range(10)))
    coco(tmp_path, "train_mini.json", list(range(6)))
    coco(tmp_path, "val.json", list(range(6, 10)))
    images = read_images(tmp_path)
    assert images["split"].tolist() == ["train"] * 6 + ["valid"] * 4
    assert images["species"].value_counts().to_dict() == {"Bellis perennis": 5, "Rosa canina": 5}
    row = images.iloc[0]
    assert (row["family"], row["author"], row["latitude"]) == ("F0aceae", "A. Bee", 43.6)
    assert months_of(images["date"]).eq(5).all()
    assert len(read_images(tmp_path / "val.json")) == 4


@pytest.mark.parametrize("text", ["{}", "[1, 2]", '{"a": 1}', "no json"])
def test_another_json_is_refused_in_a_sentence(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(TableError, match="x.json is JSON without") as error:
        read_images(tmp_path / "x.json")
    assert len(str(error.value)) < 300


# whatever comes


CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(CELLS, st.booleans()), min_size=1, max_size=8), st.sampled_from(",;\t"))
def test_of_any_table_rows_read_and_rows_noted_are_the_rows_given(tmp_path, rows, separator):
    """Cells of any letters, unquoted, some rows without a photo: a sentence, or all are there."""
    photos(tmp_path, "0.jpg")
    lines = [separator.join(["file", "species", "note"])]
    for said, has_photo in rows:
        lines.append(separator.join(["0.jpg" if has_photo else "", "a", said]))
    (tmp_path / "any.csv").write_text("\n".join(lines), encoding="utf-8")
    try:
        images = read_images(tmp_path / "any.csv")
    except TableError as error:
        assert len(str(error)) < 600
        return
    nameless = [note for note in images.attrs["notes"] if "name no photo" in note]
    n_nameless = int(nameless[0].rstrip(".").split()[-1]) if nameless else 0
    assert len(images) + n_nameless == len(rows)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_of_any_tree_photos_read_and_photos_noted_are_the_photos_given(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("tree")
    name = st.sampled_from(["train", "val", "Rosa alba", "Rosaceae", "images", "b", "None", "x_y"])
    places = data.draw(st.lists(st.lists(name, max_size=3), min_size=1, max_size=8))
    paths = {"/".join([*place, f"{i}.jpg"]) for i, place in enumerate(places)}
    for path in sorted(paths):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        bad_files.picture(48, 40).save(folder / path, format="JPEG")
    images = read_images_or_none(folder)
    n_read = 0 if images is None else len(images)
    notes = [] if images is None else images.attrs["notes"]
    outside = [note for note in notes if "outside the class folders" in note]
    n_outside = int(outside[0].rstrip(".").split()[-1]) if outside else 0
    assert images is None or n_read + n_outside == len(paths)


def read_images_or_none(folder: Path) -> pd.DataFrame | None:
    try:
        return read_images(folder)
    except TableError as error:
        assert len(str(error)) < 600
        return None


# lists and archives


def test_lists_of_photos_and_labels_with_names(tmp_path):
    photos(tmp_path, "jpg/1.jpg", "jpg/2 b.jpg", "jpg/3.jpg")
    (tmp_path / "train.txt").write_text("jpg/1.jpg 0\njpg/2 b.jpg 1\n\n")
    (tmp_path / "test.txt").write_text("/home/somebody/jpg/3.jpg 1\nno photo\n")
    (tmp_path / "synset_words.txt").write_text("n01440764 pink primrose\nn01443537 hard-leaved\n")
    images = read_images(tmp_path)
    assert images["species"].tolist() == ["hard-leaved", "pink primrose", "hard-leaved"]
    assert images["split"].tolist() == ["test", "train", "train"]
    assert images["image_path"].map(os.path.exists).all()
    said = "Lines of test.txt, train.txt that name no photo and label: 1."
    assert said in images.attrs["notes"]


def test_lists_whose_photos_are_elsewhere_say_so(tmp_path):
    (tmp_path / "train.txt").write_text("gone/1.jpg rose\n")
    with pytest.raises(TableError, match=r"none of the 1 photos listed in train\.txt is there"):
        read_images(tmp_path)


META = """<archive xmlns="http://rs.tdwg.org/dwc/text/">
 <core encoding="UTF-8" fieldsTerminatedBy="\\t" fieldsEnclosedBy="" ignoreHeaderLines="1"
  rowType="http://rs.tdwg.org/dwc/terms/Occurrence">
  <files><location>occurrence.txt</location></files><id index="0"/>
  <field index="1" term="http://rs.tdwg.org/dwc/terms/scientificName"/>
  <field index="2" term="http://rs.tdwg.org/dwc/terms/eventDate"/>
  <field index="3" term="http://rs.tdwg.org/dwc/terms/locality"/>
  <field default="HUMAN_OBSERVATION" term="http://rs.tdwg.org/dwc/terms/basisOfRecord"/>
 </core>
 <extension encoding="UTF-8" fieldsTerminatedBy="\\t" fieldsEnclosedBy="" ignoreHeaderLines="1"
  rowType="http://rs.gbif.org/terms/1.0/Multimedia">
  <files><location>multimedia.txt</location></files><coreid index="0"/>
  <field index="1" term="http://purl.org/dc/terms/identifier"/>
  <field index="2" term="http://purl.org/dc/terms/creator"/>
  <field index="3" term="http://purl.org/dc/terms/license"/>
 </extension>
</archive>"""


def archive(folder: Path, n: int = 2) -> Path:
    """Write an archive: occurrences with two photos each, one photo of the last not there."""
    head = "id\tscientificName\teventDate\tlocality\n"
    names = ["Rosa canina", "Bellis perennis"]
    rows = [f'{i}\t{names[i % 2]}\t2020-05-0{1 + i % 9}\t"by the road\n' for i in range(n)]
    (folder / "meta.xml").write_text(META)
    (folder / "occurrence.txt").write_text(head + "".join(rows))
    media = []
    for i in range(2 * n):
        at = f"https://static.inaturalist.org/photos/{i}/original.jpg"
        media.append(f"{i // 2}\t{at}\tA. Bee {i % 2}\tCC-BY\n")
    (folder / "multimedia.txt").write_text(
        "coreid\tidentifier\tcreator\tlicense\n" + "".join(media)
    )
    return photos(folder, *(f"media/{i}.jpg" for i in range(2 * n - 1)))


def test_a_darwin_core_archive_has_several_photos_an_occurrence(tmp_path):
    images = read_images(archive(tmp_path))
    assert images["species"].tolist() == ["Rosa canina"] * 2 + ["Bellis perennis"]
    assert images["obs_id"].nunique() == 2 and images["author"].tolist()[:2] == [
        "A. Bee 0",
        "A. Bee 1",
    ]
    assert images["locality"].str.startswith('"by').all() and images["license"].eq("CC-BY").all()
    assert "Photos of the archive that are not there: 1 of 4." in images.attrs["notes"]


@pytest.mark.parametrize("damage", ["<archive", META.replace("occurrence.txt", "gone.txt")])
def test_a_damaged_archive_is_a_sentence(tmp_path, damage):
    archive(tmp_path)
    (tmp_path / "meta.xml").write_text(damage)
    with pytest.raises(TableError, match="cannot be read"):
        read_images(tmp_path)


# the other layouts, whatever comes


SOME = settings(max_examples=25, deadline=None)
NUMBERS = st.lists(st.integers(0, 9), min_size=1, max_size=8)  # of photos; 0 to 4 are there
HERE = [f"{i}.jpg" for i in range(5)]


def counted(notes: list[str], about: str) -> int:
    """Return how many rows the note counts that is about this, 0 where there is none."""
    found = [note for note in notes if about in note]
    return int(re.search(r": (\d+)", found[0])[1]) if found else 0


@SOME
@given(named=NUMBERS, labelled=st.lists(st.integers(0, 9), max_size=8))
def test_of_any_coco_file_photos_read_and_set_aside_are_the_photos_named(
    tmp_path_factory, named, labelled
):
    folder = photos(tmp_path_factory.mktemp("coco"), *HERE)
    named = list(dict.fromkeys(named))
    content = {
        "images": [{"id": i, "file_name": f"{i}.jpg"} for i in named],
        "annotations": [{"image_id": i, "category_id": i % 3} for i in dict.fromkeys(labelled)],
        "categories": [{"id": 0, "name": "Rosa alba"}, {"id": 1, "name": "Poa annua"}],
    }
    (folder / "train.json").write_text(json.dumps(content))
    images = read_images_or_none(folder / "train.json")
    if images is None:
        return
    good, bad = set_aside(images, folder / "cache.parquet")
    assert len(good) + len(bad) == len(named)
    has_name = [i for i in named if i in labelled and i % 3 < 2]
    assert images["species"].notna().sum() == len(has_name) if "species" in images else not has_name


@SOME
@given(
    named=NUMBERS, broken=st.lists(st.sampled_from(["", "word", "# said", "a b c d"]), max_size=3)
)
def test_of_any_list_photos_read_set_aside_and_noted_are_the_lines_given(
    tmp_path_factory, named, broken
):
    folder = photos(tmp_path_factory.mktemp("lists"), *HERE)
    lines = [f"{i}.jpg {i % 2}" for i in dict.fromkeys(named)]
    (folder / "train.txt").write_text("\n".join([*lines, *broken]))
    images = read_images_or_none(folder)
    if images is None or "lists" not in images.attrs["layout"].lower():
        return
    good, bad = set_aside(images, folder / "cache.parquet")
    n_noted = counted(images.attrs["notes"], "that name no photo and label")
    assert len(good) + len(bad) + n_noted == len(lines) + sum(map(bool, broken))


@SOME
@given(media=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=8))
def test_of_any_archive_photos_read_and_photos_noted_are_the_photos_named(tmp_path_factory, media):
    """Photos of occurrences that are there (0 to 2) or not (3), some files missing."""
    folder = photos(tmp_path_factory.mktemp("archive"), *HERE)
    (folder / "meta.xml").write_text(META)
    core = [f"{i}\tRosa alba\t2020\tx" for i in range(3)]
    (folder / "occurrence.txt").write_text("\n".join(["id\ta\tb\tc", *core]))
    rows = [f"{of}\thttps://a.org/{photo}.jpg\tBee\tCC-BY" for of, photo in media]
    (folder / "multimedia.txt").write_text("\n".join(["coreid\ta\tb\tc", *rows]))
    images = read_images_or_none(folder)
    if images is None:
        assert all(photo > 4 for _, photo in media)
        return
    assert len(images) + counted(images.attrs["notes"], "that are not there") == len(media)


# a first look


def test_a_look_says_layout_counts_notes_and_rows(tmp_path, capsys):
    photos(tmp_path, "train/a/1.jpg", "train/b/2.jpg", "val/a/3.jpg", "val/loose.jpg")
    assert main(["look", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "read as: Photos in class folders" in said and "train 2, valid 1" in said
    assert "- Photos outside the class folders were left out: 1." in said
    assert "train/a/1.jpg" in said and max(map(len, said.splitlines())) < 150


def test_a_look_takes_names(tmp_path, capsys):
    photos(tmp_path, "1.jpg")
    (tmp_path / "list.csv").write_text("foto,art\n1.jpg,daisy\n")
    names = ["--names", "foto=image_path", "--names", "art=species"]
    assert main(["look", str(tmp_path / "list.csv"), *names]) == 0
    assert "daisy" in capsys.readouterr().out
    assert main(["look", str(tmp_path / "list.csv"), "--names", "foto"]) == 2
    assert "--names takes theirs=ours" in capsys.readouterr().err


def test_bad_input_is_a_sentence_on_the_command_line(tmp_path, capsys):
    (tmp_path / "bad.csv").write_bytes(b"\xff\xfe\x00\x01")
    for command in (["look"], ["export", "--epochs", "0"]):
        more = [str(tmp_path / "model")] if command[0] == "export" else []
        assert main([*command, str(tmp_path / "bad.csv"), *more]) == 2
        said = capsys.readouterr().err
        assert "bad.csv is no CSV table" in said and "Traceback" not in said
