"""Scientific names in one spelling, synonyms under the accepted name."""

import json
from pathlib import Path

import bad_files
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plantlab.cli import main
from plantlab.data.table import TableError
from plantlab.data.taxa import accept_names, canonical, read_checklist

NAMES = Path(__file__).resolve().parents[2] / "shared" / "tables" / "plantnet300k"


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Rosa canina L.", "Rosa canina"),
        ("Rosa  canina", "Rosa canina"),
        ("ROSA CANINA", "Rosa canina"),
        ("Mentha x piperita L.", "Mentha × piperita"),
        ("Mentha ×piperita", "Mentha × piperita"),
        ("× Cuprocyparis leylandii (A.B.Jacks. & Dallim.) Farjon", "× Cuprocyparis leylandii"),
        (
            "Thymus praecox subsp. polytrichus (A.Kern. ex Borbás) Jalas",
            "Thymus praecox subsp. polytrichus",
        ),
        ("Thymus praecox Opiz ssp. polytrichus", "Thymus praecox subsp. polytrichus"),
        ("Acer negundo var. violaceum", "Acer negundo var. violaceum"),
        ("Quercus robur f. fastigiata", "Quercus robur f. fastigiata"),
        ("Salvia rosmarinus Spenn. f.", "Salvia rosmarinus"),
        ("Hebe cf. salicifolia", "Hebe salicifolia"),
        ("Rosa sp.", "Rosa"),
        ("Aster novi-belgii de Candolle", "Aster novi-belgii"),
        ("pink primrose", "pink primrose"),
        ("None", "None"),
    ],
)
def test_canonical(written, plain):
    assert canonical(written) == plain


@given(st.text(max_size=40))
def test_canonical_of_canonical_is_itself(name):
    once = canonical(name)
    assert canonical(once) == once


def checklist(folder: Path, text: str) -> Path:
    path = folder / "checklist.csv"
    path.write_text(text, encoding="utf-8")
    return path


PLAIN = "name,accepted_name\nRosa alba,Rosa canina\nRosa canina L.,Rosa canina L.\n"
WCVP = """plant_name_id|taxon_status|taxon_name|accepted_plant_name_id
1|Accepted|Rosa canina|1
2|Synonym|Rosa alba|1
3|Unplaced|Rosa nova|
"""
FLORA = "taxonID\tscientificName\tacceptedNameUsageID\nw1\tRosa canina\t\nw2\tRosa alba\tw1\n"


@pytest.mark.parametrize("text", [PLAIN, WCVP, FLORA])
def test_checklists_in_three_forms(tmp_path, text):
    accepted = read_checklist(checklist(tmp_path, text))
    assert accepted["rosa alba"] == "Rosa canina" and accepted["rosa canina"] == "Rosa canina"


def test_a_name_of_two_species_is_nobodys_unless_it_is_accepted(tmp_path):
    rows = ["a one,A two", "A one,A three", "B one,B one", "B one,B two"]
    rows = [row[0].upper() + row[1:] for row in rows]
    accepted = read_checklist(checklist(tmp_path, "\n".join(["name,accepted_name", *rows])))
    assert "a one" not in accepted and accepted["b one"] == "B one"


def test_synonyms_are_joined_and_what_is_not_known_is_said(tmp_path):
    species = ["Rosa alba", "Rosa canina L.", "Rosa canina", "Bellis perennis", None]
    images = pd.DataFrame({"image_path": list("abcde"), "species": species, "genus": "?"})
    joined = accept_names(images, checklist(tmp_path, PLAIN))
    assert joined["species"].tolist()[:4] == ["Rosa canina"] * 3 + ["Bellis perennis"]
    assert joined["genus"].tolist()[:4] == ["Rosa"] * 3 + ["?"] and joined["species"].isna()[4]
    changed, unknown = joined.attrs["notes"]
    assert changed.startswith(
        "Names changed to those accepted: 2 of 4, which leaves 2 (Rosa alba is"
    )
    assert unknown == "Names that the checklist does not know: 1 (Bellis perennis)."


def test_another_table_is_no_checklist(tmp_path):
    with pytest.raises(TableError, match="is no checklist that is known; it has a, b"):
        read_checklist(checklist(tmp_path, "a,b\n1,2\n"))


def test_a_look_counts_accepted_names(tmp_path, capsys):
    for name in ("Rosa alba", "Rosa canina"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        bad_files.picture(48, 40).save(tmp_path / "photos" / name / "1.jpg")
    path = checklist(tmp_path, PLAIN)
    assert main(["look", str(tmp_path / "photos"), "--checklist", str(path)]) == 0
    said = capsys.readouterr().out
    assert "Names changed to those accepted: 1 of 2, which leaves 1" in said


@pytest.mark.skipif(not NAMES.is_dir(), reason="the list of Pl@ntNet-300K's names is not here")
def test_the_names_of_plantnet300k_lose_their_authors_and_nothing_else():
    held = json.loads((NAMES / "plantnet300K_species_id_2_name.json").read_text())
    for name in held.values():
        given = name.replace("_", " ").split()
        words = canonical(" ".join(given)).split()
        has_epithet = all(word.islower() and word.isalpha() for word in given[1:2] or ["-"])
        assert words[0] == given[0] and len(words) >= 1 + has_epithet
