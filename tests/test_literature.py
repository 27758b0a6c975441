"""The tables of the literature: whole, sourced, and as the documents print them."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from plantlab.data import literature, published

FOLDER = Path(__file__).resolve().parents[1] / "data" / "published"
NAMES = sorted(path.stem for path in FOLDER.glob("*.csv"))
CLOSING = ["metric", "value", "unit", "printed", "flag", "correct", "source", "page"]
DOCUMENTS = {
    "A": "Pl@ntNet: towards the recognition of the world's flora",
    "B": "Pl@ntNet: the world's flora on the CINES clusters",
    "C": "Goëau",
    "D": "Lostal and Sanz",
    "E": "BioMachina",
}
each = pytest.mark.parametrize("name", NAMES)


@each
def test_a_table_is_tidy_and_every_row_has_its_source_and_page(name):
    table = published(name)
    assert list(table.columns[-8:]) == CLOSING
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", column) for column in table.columns)
    assert table[["metric", "value", "unit", "printed", "source", "page"]].notna().all().all()
    assert pd.api.types.is_numeric_dtype(table["value"])
    sources = table["source"].str.split("; ")
    assert sources.explode().str.startswith(tuple(DOCUMENTS.values())).all()
    assert (sources.str.len() == table["page"].str.split("; ").str.len()).all()


@each
def test_a_figure_stands_once_unless_its_flag_says_that_sources_differ(name):
    table = published(name)
    assert not table.duplicated().any()
    what = list(table.columns[: table.columns.get_loc("metric") + 1])
    assert table.loc[table.duplicated(what, keep=False), "flag"].notna().all()


@each
def test_a_right_value_comes_with_the_reason_and_differs_from_what_was_printed(name):
    corrected = published(name).dropna(subset="correct")
    assert corrected["flag"].notna().all()
    misread = corrected["printed"] == "23 35"  # one number in two halves: 235
    assert (misread | (corrected["value"] != corrected["correct"])).all()


@each
def test_the_value_is_the_number_that_was_printed(name):
    """Where no more than a number and its unit stand there; French slides write 0,703."""
    plain = r"(0,\d+|\d+(?:\.\d+)?|\d{1,3}(?:,\d{3})+)\s?(?:%|MiB|MB|GB|W|img/s|img/s/node)?"
    for value, printed in zip(*published(name)[["value", "printed"]].to_numpy().T):
        found = re.fullmatch(plain, printed)
        if found:
            decimal = "." if found[1].startswith("0,") else ""
            assert value == float(found[1].replace(",", decimal)), printed


def test_readme_lists_every_table_with_its_rows():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)\.csv` \| .* \| ([A-E, ]+) \| (\d+) \|$", text, re.M)
    listed = {name: (set(letters.split(", ")), int(n)) for name, letters, n in rows}
    found = {}
    for name in NAMES:
        sources = set(published(name)["source"].str.split("; ").explode())
        letters = {
            key
            for key, title in DOCUMENTS.items()
            if any(source.startswith(title) for source in sources)
        }
        found[name] = letters, len(published(name))
    assert listed == found


BY_HAND = [  # read in the documents a second time, not copied from the tables
    ("C", "transfer_learning", {"task": "Flower species", "training": "from scratch"}, 59.5),
    ("C", "transfer_learning", {"task": "Flower species", "training": "pretrained"}, 89.5),
    ("C", "transfer_learning", {"task": "Bird species", "training": "from scratch"}, 24.4),
    ("A", "plantclef_years", {"year": 2015, "metric": "best_score"}, 0.652),
    ("C", "plantclef_years", {"year": 2015, "metric": "best_score"}, 0.667),
    ("A", "plantclef_years", {"year": 2014, "metric": "images"}, 60962),
    ("C", "plantclef2017_teams", {"team": "Mario TSA Berlin"}, 0.92),
    ("C", "plantclef2017_teams", {"training": "web"}, 0.799),
    ("C", "plantclef2017_data", {"metric": "images", "data_set": "Trusted (EOL), curated"}, 256287),
    ("C", "plantclef2017_test_set", {"step": 3, "metric": "observations"}, 17886),
    ("B", "long_tail", {"group": "Orchids", "photos": "several", "metric": "top5"}, 0.22),
    ("A", "long_tail", {"group": "Grasses", "photos": "one"}, 0.37),
    ("A", "world_models", {"nodes": 512, "metric": "top1"}, 0.375),
    ("B", "world_models", {"cluster": "Occigen", "metric": "top5"}, 0.449),
    ("B", "world_models", {"cluster": "Ouessant", "metric": "top1"}, 0.336),
    ("B", "scaling", {"batch_size": 4096, "metric": "images_per_second"}, 1606),
    ("E", "biomachina_runs", {"pretraining": "web", "model": "ResNet50", "metric": "ma_mrr"}, 0.46),
    ("E", "biomachina_runs", {"head": "hierarchical", "metric": "head_parameters"}, 10.4),
    ("E", "collections", {"collection": "PlantCLEF 2022, web", "metric": "images"}, 1065129),
    ("D", "egi_benchmark", {"network": "VGG_S", "metric": "accuracy", "iterations": 4000}, 0.72),
    ("D", "egi_benchmark", {"unit": "MiB", "data_set": "RJB orchids", "network": "AlexNet"}, 1588),
    ("D", "egi_data", {"metric": "genera"}, 63),
    ("E", "head_sizes", {"metric": "top_nodes_followed"}, 1),
    ("A", "statements", {"about": "synchronous SGD"}, 100),
    ("C", "herbarium", {"task": "Costa Rica via France"}, 0.745),
    ("C", "organ_classifier", {"step": "fine-tuning", "metric": "images"}, 59000),
    ("C", "test_time_ensembles", {"metric": "combined_outputs"}, 300),
    ("A", "plantnet_users", {"sessions": "more than 25", "period": "2018"}, 735666),
    ("A", "plantnet_countries", {"country": "Belgium", "metric": "users"}, 79050),
]


@pytest.mark.parametrize("letter, name, row, value", BY_HAND)
def test_figures_read_by_hand(letter, name, row, value):
    table = published(name)
    of_document = table["source"].str.contains(DOCUMENTS[letter], regex=False)
    wanted = of_document & (table[list(row)] == pd.Series(row)).all(axis=1)
    assert table.loc[wanted, "value"].to_list() == [value]


def test_what_the_source_got_wrong_says_so():
    runs = published("biomachina_runs").set_index("metric")
    gain = runs.loc["ma_mrr_gain_by_web"]
    assert (gain["value"], gain["correct"]) == (0.22, 0.022) and "0.460 - 0.438" in gain["flag"]
    chance = published("long_tail").query("group == 'Random' and metric == 'top5'").iloc[0]
    assert chance["correct"] == pytest.approx(5 / 294_000, rel=0.01)
    heads = published("head_sizes").query("metric == 'head_weights'").iloc[0]
    assert heads["correct"] == 1792 * 80_000


def test_an_unknown_table_is_answered_with_those_there_are():
    with pytest.raises(ValueError, match=r"no published table 'organs'; there are .*long_tail"):
        published("organs")


def test_a_copy_without_the_tables_says_where_they_come_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(literature, "__file__", str(tmp_path / "plantlab" / "data" / "x.py"))
    with pytest.raises(ValueError, match="they come with plantlab's repository"):
        published("long_tail")


def test_the_tables_are_found_from_any_folder(tmp_path):
    """Plantlab is installed from its repository, and asked from a folder elsewhere."""
    code = f"""import sys; sys.path.insert(0, {str(FOLDER.parents[1])!r})
from plantlab.data import published
sys.exit(len(published("long_tail")) != 15)"""
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path).returncode == 0
