import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plantlab.data.table import TableError
from plantlab.quality.decisions import (
    COLUMNS,
    apply_decisions,
    decide_all,
    decisions_file,
    read_decisions,
)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "new folder" / "flowers.jsonl"


def table(*rows, **columns):
    return pd.DataFrame(rows, columns=["sha1", "species"]).assign(image_path="photo.jpg", **columns)


def decide(file, sha1, label, *rest, **by):
    return decide_all(file, [(sha1, label)], *rest, **by)


def held(file):
    return list(
        read_decisions(file)[["sha1", "label", "decision", "species"]].itertuples(
            index=False, name=None
        )
    )


def test_without_a_file_nothing_is_decided(file):
    assert read_decisions(file).columns.tolist() == COLUMNS and read_decisions(file).empty
    assert apply_decisions(table(("x", "daisy")), read_decisions(file))["species"].tolist() == [
        "daisy"
    ]


def test_the_latest_decision_wins_and_undo_takes_it_back(file):
    decide(file, "x", "daisy", "confirm")
    decide(file, "y", "Röschen, weiß", "relabel", 'tulip\n"2"', by="Ann")
    decide(file, "x", "daisy", "drop")
    assert held(file) == [
        ("y", "Röschen, weiß", "relabel", 'tulip\n"2"'),
        ("x", "daisy", "drop", ""),
    ]
    assert read_decisions(file)["by"].tolist() == ["Ann", ""]
    decide(file, "x", "daisy", "undo")
    assert [row[0] for row in held(file)] == ["y"]
    decide(file, "x", "daisy", "confirm")
    assert held(file)[1] == ("x", "daisy", "confirm", "")
    assert len(file.read_text().splitlines()) == 5, "lines are only ever added"


def test_a_photo_filed_under_two_species_is_decided_under_each(file):
    images = table(("x", "tulip"), ("x", "rose"), ("z", "rose"), split=["train", "test", "train"])
    decide(file, "x", "tulip", "drop")
    decide(file, "x", "rose", "confirm")
    decided = apply_decisions(images, read_decisions(file))
    assert decided["species"].tolist() == ["rose", "rose"] and decided["split"].tolist() == [
        "test",
        "train",
    ]
    assert decided["decision"].tolist() == ["confirm", ""] and decided.index.tolist() == [0, 1]
    assert decided.attrs["notes"] == [
        "Decided by a person, of 3 photos: 1 confirmed, 0 relabelled, 1 dropped."
    ]
    assert "decision" not in images and "notes" not in images.attrs


def test_lineage_follows_the_new_species(file):
    images = table(("x", "Rosa alba"), ("y", "Acer rubrum"), ("z", "Rosa alba"), ("n", None))
    images = images.assign(genus=["Rosa", "Acer", "Rosa", None], species_id=["1", "2", "1", None])
    for sha1, label, species in [
        ("x", "Rosa alba", "Acer rubrum"),
        ("z", "Rosa alba", "Ilex nova"),
        ("n", "", "Rosa alba"),
    ]:
        decide(file, sha1, label, "relabel", species)
    decided = apply_decisions(images, read_decisions(file))
    assert decided["species"].tolist() == ["Acer rubrum", "Acer rubrum", "Ilex nova", "Rosa alba"]
    assert decided["genus"].fillna("?").tolist() == ["Acer", "Acer", "?", "Rosa"]
    assert decided["species_id"].fillna("?").tolist() == ["2", "2", "?", "1"]


def test_a_second_round_starts_from_the_labels_of_the_first(file):
    images = table(("x", "a"), ("y", "a"))
    decide(file, "x", "a", "relabel", "b")
    again = apply_decisions(images, read_decisions(file))
    assert again["species"].tolist() == ["b", "a"]
    decide(file, "x", again["species"][0], "relabel", "c")
    assert apply_decisions(images, read_decisions(file))["species"].tolist() == ["c", "a"]
    decide(
        file, "x", "c", "relabel", "a"
    )  # and back to where it began, without going round for ever
    assert apply_decisions(images, read_decisions(file))["species"].tolist() == ["a", "a"]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from("xy"), st.sampled_from(["a", "ü"]), st.sampled_from("crdu")),
        max_size=6,
    ),
    st.data(),
)
def test_a_file_cut_anywhere_holds_its_whole_lines_and_takes_new_ones(steps, data):
    names = {"c": ("confirm", ""), "r": ("relabel", "ñ"), "d": ("drop", ""), "u": ("undo", "")}
    with tempfile.TemporaryDirectory() as folder:
        file, latest, sizes = Path(folder) / "cut.jsonl", {}, [0]
        for sha1, label, step in steps:
            decide(file, sha1, label, *names[step])
            sizes.append(file.stat().st_size)
        if steps:
            cut = data.draw(st.integers(0, sizes[-1]))
            file.write_bytes(file.read_bytes()[:cut])
            steps = steps[
                : sum(size - 1 <= cut for size in sizes[1:])
            ]  # all of a line but its end is a whole line
        decide(file, "z", "a", "drop")
        for sha1, label, step in [*steps, ("z", "a", "d")]:
            latest.pop((sha1, label), None)
            latest[sha1, label] = names[step]
        expected = [(*key, *value) for key, value in latest.items() if value[0] != "undo"]
        assert held(file) == expected


WRITER = """
import sys
from plantlab.quality.decisions import decide_all
for i in range(100_000):
    decide_all(sys.argv[1], [(str(i), "a" * 3000)], "relabel", "b" * 3000)
    print(i, flush=True)
"""


@pytest.mark.parametrize("after", [1, 7, 23])
def test_a_killed_process_loses_nothing_that_it_called_saved(file, after):
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, text=True
    ) as writer:
        told = [writer.stdout.readline() for _ in range(after)]
        time.sleep(0.001 * after)
        writer.kill()
        told += writer.stdout.readlines()
    saved = read_decisions(file)["sha1"].tolist()
    assert saved == [str(i) for i in range(len(saved))] and len(told) <= len(saved) <= len(told) + 1
    decide(file, "new", "a", "drop")
    assert read_decisions(file)["sha1"].tolist() == [*saved, "new"]


PAGES = WRITER.replace(
    'decide_all(sys.argv[1], [(str(i), "a" * 3000)], "relabel", "b" * 3000)',
    'decide_all(sys.argv[1], [(str(50 * i + k), "a" * 300) for k in range(50)], "confirm")',
)


@pytest.mark.parametrize("after", [1, 5])
def test_a_killed_process_loses_no_page_that_it_called_saved(file, after):
    with subprocess.Popen(
        [sys.executable, "-c", PAGES, str(file)], stdout=subprocess.PIPE, text=True
    ) as writer:
        told = [writer.stdout.readline() for _ in range(after)]
        writer.kill()
        told += writer.stdout.readlines()
    saved = read_decisions(file)["sha1"].tolist()
    assert (
        saved == [str(i) for i in range(len(saved))]
        and 50 * len(told) <= len(saved) <= 50 * len(told) + 50
    )


def test_two_processes_write_into_one_file(file):
    code = "import sys; from plantlab.quality.decisions import decide_all\nfor i in range(40): decide_all(sys.argv[1], [(f'{sys.argv[2]}{i}', 'a')], 'drop')"
    both = [subprocess.Popen([sys.executable, "-c", code, str(file), name]) for name in "xy"]
    assert [each.wait(60) for each in both] == [0, 0]
    assert set(read_decisions(file)["sha1"]) == {f"{name}{i}" for name in "xy" for i in range(40)}


def test_a_decision_is_on_the_disk_before_it_is_returned(file, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append(os.fstat(number).st_size))
    decide(file, "x", "a", "drop")
    assert synced == [file.stat().st_size] and file.stat().st_size > 0
    decide_all(file, [(str(i), "a") for i in range(50)], "confirm")
    assert synced[1:] == [file.stat().st_size] and len(held(file)) == 51


def test_a_page_with_one_bad_decision_is_not_written_at_all(file):
    with pytest.raises(ValueError, match="without a label cannot be confirmed"):
        decide_all(file, [("x", "a"), ("y", "")], "confirm")
    assert not file.exists()


def test_zeros_left_by_a_power_cut_are_passed_over(file):
    decide(file, "x", "a", "drop")
    file.write_bytes(file.read_bytes() + b"\0" * 40)
    decide(file, "y", "a", "drop")
    assert [row[0] for row in held(file)] == ["x", "y"]


@pytest.mark.parametrize(
    "content", ["sha1,label\nx,daisy\n", '{"sha1": "x"}\n', "[1]\n", '{"decision": "keep"}\n']
)
def test_another_file_is_not_taken_for_decisions(tmp_path, content):
    (tmp_path / "labels.csv").write_text(content)
    with pytest.raises(
        ValueError, match=r"labels.csv, line 1: .* is no decision; expected JSON with sha1, label"
    ):
        read_decisions(tmp_path / "labels.csv")


@pytest.mark.parametrize(
    "decision, said",
    [
        (("x", "daisy", "confrim"), "decision is 'confrim'; did you mean confirm?"),
        (("x", "daisy", "?"), "did you mean confirm or relabel or drop or undo?"),
        (
            ("", "daisy", "drop"),
            "no sha1; take it from the tables that inspection.set_aside returns",
        ),
        (("x", "daisy", "relabel"), "relabel of 'daisy' to ''; relabel needs another species"),
        (
            ("x", "daisy", "relabel", "daisy"),
            "relabel of 'daisy' to 'daisy'; relabel needs another species",
        ),
        (
            ("x", "daisy", "drop", "tulip"),
            "drop of 'daisy' to 'tulip'; relabel needs another species, the rest none",
        ),
        (
            ("x", "", "confirm"),
            "a photo without a label cannot be confirmed; relabel it, or drop it",
        ),
    ],
)
def test_what_is_no_decision_is_refused_and_not_written(file, decision, said):
    with pytest.raises(ValueError) as error:
        decide(file, *decision)
    assert said in str(error.value) and not file.exists()


def test_decisions_apply_to_photos_that_were_looked_at():
    with pytest.raises(TableError, match="no column 'sha1'"):
        apply_decisions(
            pd.DataFrame({"image_path": ["a.jpg"], "species": ["a"]}), read_decisions("none")
        )


def test_a_data_set_has_its_file(project):
    images = table(("x", "a"))
    images.attrs["name"] = "my flowers/2024"
    assert decisions_file(images) == project / "data" / "decisions" / "my_flowers_2024.jsonl"
    assert decisions_file(table(("x", "a"))).name == "images.jsonl"
