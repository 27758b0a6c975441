"""Lists of species held against each other: by letters, spelling, synonym and slip."""

import bad_files
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plantlab.cli import main
from plantlab.data.matching import funnel, match_names, read_names
from plantlab.data.table import TableError

OURS = ["Rosa canina", "Bellis perennis", "Mentha × piperita", "Acer campestre", "Acer platanoides"]


@pytest.mark.parametrize(
    ("theirs", "match", "how"),
    [
        ("Rosa canina", "Rosa canina", "same letters"),
        ("ROSA CANINA L.", "Rosa canina", "other spelling"),
        ("Mentha x piperita L.", "Mentha × piperita", "other spelling"),
        ("Rosa cannina", "Rosa canina", "a slip"),
        ("Belis perennis", "Bellis perennis", "a slip"),
        ("Rosa alba", None, "not found"),
        ("Rosa", None, "not found"),
        ("Canina rosa", None, "not found"),
        ("", None, "not found"),
    ],
)
def test_how_a_name_is_found(theirs, match, how):
    row = match_names([theirs], OURS).iloc[0]
    assert (row["match"], row["how"]) == (match, how)


def test_of_two_names_that_would_do_none_is_taken():
    ours = ["Carex flacca", "Carex flava"]
    assert match_names(["Carex flaca"], ours[:1])["match"][0] == "Carex flacca"
    assert match_names(["Carex flaca"], ours)["how"][0] == "not found"
    doubled = ["Rosa canina L.", "Rosa canina Mill."]  # one spelling, two names of the list
    assert match_names(["Rosa canina"], doubled)["how"][0] == "not found"


def test_a_synonym_on_either_side(tmp_path):
    checklist = tmp_path / "checklist.csv"
    checklist.write_text("name,accepted_name\nRosa corymbifera,Rosa canina\nRosa canina,\n")
    row = match_names(["Rosa corymbifera Borkh."], OURS, checklist).iloc[0]
    assert (row["match"], row["how"]) == ("Rosa canina", "synonym")
    row = match_names(["Rosa canina"], ["Rosa corymbifera"], checklist).iloc[0]
    assert (row["match"], row["how"]) == ("Rosa corymbifera", "synonym")


@given(st.lists(st.sampled_from(OURS)), st.lists(st.sampled_from(OURS)))
def test_names_of_the_list_are_found_as_they_are(theirs, ours):
    matched = match_names(theirs, ours).set_index("name")["match"]
    for name in theirs:
        assert matched[name] == name if name in ours else pd.isna(matched[name])


def test_the_funnel_counts_species_plants_and_photos():
    images = pd.DataFrame(
        {
            "image_path": list("abcdefg"),
            "obs_id": [1, 1, 2, 3, 4, 5, 6],
            "species": ["Rosa canina"] * 3 + ["Rosa cannina", "ACER CAMPESTRE", "Poa annua", None],
        }
    )
    steps = funnel(images, OURS).set_index("names by")
    assert steps["photos"].tolist() == [6, 3, 4, 4, 5]
    assert steps["observations"].tolist() == [5, 2, 3, 3, 4]
    assert steps["species"].tolist() == [4, 1, 2, 2, 3]


@pytest.mark.parametrize("name", ["list.txt", "list.csv"])
def test_lists_are_read_from_lines_and_from_tables(tmp_path, name):
    head = "scientificName\n" if name.endswith(".csv") else ""
    (tmp_path / name).write_text(head + "Rosa canina\n\nRosa canina\nPoa annua\n", "utf-8-sig")
    assert read_names(tmp_path / name) == ["Rosa canina", "Poa annua"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("none.txt", None, "there is no list of species"),
        ("empty.txt", "\n \n", "holds no name; expected a species a line"),
        ("other.csv", "a,b\n1,2\n", "has no column of names, such as species; it has a, b"),
    ],
)
def test_what_is_no_list_is_said(tmp_path, name, text, said):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(TableError, match=said):
        read_names(tmp_path / name)


def test_a_look_holds_the_data_against_a_list(tmp_path, capsys):
    for species in ("Rosa canina L.", "Poa annua"):
        (tmp_path / "photos" / species).mkdir(parents=True)
        bad_files.picture(48, 40).save(tmp_path / "photos" / species / "1.jpg")
    (tmp_path / "list.txt").write_text("Rosa canina\n")
    assert main(["look", str(tmp_path / "photos"), "--list", str(tmp_path / "list.txt")]) == 0
    said = capsys.readouterr().out
    assert "Held against list.txt:" in said
    assert said.splitlines()[-3].split() == ["other", "spelling", "1", "1", "1"]
