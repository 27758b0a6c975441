"""Answers that are lists: hand-worked files of five tools, and lists cut from full answers."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plantlab import plots
from plantlab.cli import main
from plantlab.data.table import TableError
from plantlab.predictions import Predictions, cut, fuse, judging, metrics, several
from plantlab.predictions.listed import from_table
from plantlab.predictions.runfiles import read_answers

# Three photos of two plants. The tool's lists: the truth of photo 1 is first, of photo 2 second, of
# photo 3 not listed. So top-1 = 1/3, top-2 = 2/3, MRR = (1 + 1/2 + 0) / 3 = 1/2; by species
# Rosa alba (1 + 1/2) / 2 and Poa annua 0, so MA-MRR = 3/8 and macro top-1 = 1/4.
TRUTH = """image_path,obs_id,species,species_id,organ
photos/one.jpg,a,Rosa alba,11,flower
photos/two.jpg,a,Rosa alba,11,leaf
photos/three.jpg,b,Poa annua,12,flower
"""
LISTS = {
    "one": [("Rosa alba", 0.6), ("Poa annua", 0.3)],
    "two": [("Bellis perennis", 0.5), ("Rosa alba", 0.4)],
    "three": [("Bellis perennis", 0.7), ("Rosa alba", 0.2)],
}
IDS = {"Rosa alba": 11, "Poa annua": 12, "Bellis perennis": 13}


def plantclef(folder):
    lines = []
    for photo, named in LISTS.items():
        for rank, (species, score) in enumerate(named, 1):
            lines.append(f"{photo};{IDS[species]};{score};{rank}")
    return write(folder / "run.csv", "\n".join(lines))


def plantnet_answer(named, photo=None):
    results = []
    for species, score in named:
        full = {"scientificNameWithoutAuthor": species, "scientificName": f"{species} L."}
        results.append({"score": score, "species": full})
    organs = [{"image": "hash", "filename": photo, "organ": "leaf"}] if photo else []
    return {"query": {"images": ["hash"]}, "predictedOrgans": organs, "results": results}


def plantnet_folder(folder):
    (folder / "answers").mkdir()
    for photo, named in LISTS.items():
        write(folder / "answers" / f"{photo}.json", json.dumps(plantnet_answer(named)))
    return folder / "answers"


def plantnet_lines(folder):
    answers = [plantnet_answer(named, f"{photo}.jpg") for photo, named in LISTS.items()]
    return write(folder / "answers.jsonl", "\n".join(map(json.dumps, answers)))


def plantnet_list(folder):
    answers = [plantnet_answer(named, f"{photo}.jpg") for photo, named in LISTS.items()]
    return write(folder / "answers.json", json.dumps(answers))


def bioclip(folder):
    lines = ["file_name,kingdom,family,genus,species_epithet,species,common_name,score"]
    for photo, named in LISTS.items():
        for species, score in named:
            genus, epithet = species.split()
            lines.append(f"here/{photo}.jpg,Plantae,x,{genus},{epithet},{species},,{score}")
    return write(folder / "bioclip.csv", "\n".join(lines))


def identify(folder):
    lines = ["image_path,rank,name,score,species_1,score_1,species_2,score_2,problem,model"]
    for photo, named in LISTS.items():
        (first, p), (second, q) = named
        lines.append(f"{photo}.jpg,species,{first},{p},{first},{p},{second},{q},,mine")
    lines.append("broken.jpg,,,,,,,,not an image,mine")
    return write(folder / "answers.csv", "\n".join(lines))


def plain(folder):
    lines = ["photo\tlabel\tprobability"]
    for photo, named in LISTS.items():
        for species, score in named[::-1]:  # in no order: the score decides
            lines.append(f"{photo}.jpg\t{species} L.\t{score}")
    return write(folder / "table.tsv", "\n".join(lines))


FORMATS = [plantclef, plantnet_folder, plantnet_lines, plantnet_list, bioclip, identify, plain]


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def truth(tmp_path):
    return judging.read_truth(write(tmp_path / "truth.csv", TRUTH))


@pytest.mark.parametrize("make", FORMATS, ids=lambda make: make.__name__)
def test_the_sums_done_by_hand_come_out_of_every_format(make, tmp_path, truth):
    answers = judging.align(read_answers(make(tmp_path)), truth)
    assert answers.ranks().tolist() == [1, 2, np.inf]
    measures = ("top1", "top2", "top5", "mrr", "macro_top1", "ma_mrr")
    row = metrics.score(answers, measures=measures).iloc[0]
    assert row[["top1", "top2", "mrr", "macro_top1", "ma_mrr"]].tolist() == pytest.approx(
        [1 / 3, 2 / 3, 1 / 2, 1 / 4, 3 / 8]
    )
    assert np.isnan(row["top5"]), "no list holds five names"
    assert row["n_observations"] == 2


def test_photos_of_a_plant_are_joined_by_the_mean_of_what_each_lists(tmp_path, truth):
    """Plant a: Rosa alba (0.6 + 0.4) / 2, Bellis 0.25, Poa 0.15; plant b: Poa is not listed."""
    answers = judging.align(read_answers(bioclip(tmp_path)), truth)
    plants = answers.by_observation()
    assert plants.top(2).query("image_path == 'photos/one.jpg'")["score"].tolist() == pytest.approx(
        [0.5, 0.25]
    )
    assert plants.ranks().tolist() == [1, np.inf] and plants.images["n_photos"].tolist() == [2, 1]
    assert answers.by_observation("max").ranks().tolist() == [1, np.inf]
    # points: Rosa 2 + 1, Bellis 2, Poa 1
    assert answers.by_observation("borda").listed()["score"][:3].tolist() == [3, 2, 1]
    with pytest.raises(ValueError, match="lists are joined by one of mean, max, borda"):
        answers.by_observation("product")


def test_the_command_scores_by_organ_by_group_and_by_plant(tmp_path, capsys):
    answers = str(bioclip(tmp_path))
    table = write(tmp_path / "truth.csv", TRUTH)
    groups = write(tmp_path / "groups.csv", "group,species\nroses,Rosa alba\ngrasses,Poa annua\n")
    out = tmp_path / "scores.csv"
    asked = ["score", answers, "--truth", str(table), "--groups", str(groups), "--out", str(out)]
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "Where a list lacks the truth, its reciprocal rank is 0." in said
    assert "No list holds five names (at most 2): top-5 is unknown." in said
    scores = pd.read_csv(out).set_index(["asked", "group"])["top1"]
    assert scores["one photo"].to_dict() == {"roses": 0.5, "grasses": 0}
    assert scores["all photos of a plant"].to_dict() == {"roses": 1, "grasses": 0}
    assert main(["score", answers, "--truth", str(table), "--by", "organ"]) == 0
    assert "flower" in capsys.readouterr().out
    assert main([*asked, "--by", "organ"]) == 2
    assert "leave one out" in capsys.readouterr().err


def test_synonyms_count_by_a_checklist_and_slips_never(tmp_path, truth):
    lines = (
        "file,species,score\none.jpg,Rosa candida,0.9\ntwo.jpg,Rosa albo,0.9\nthree.jpg,poa annua,1"
    )
    answers = read_answers(write(tmp_path / "table.csv", lines))
    listed = write(tmp_path / "names.csv", "name,accepted_name\nRosa candida,Rosa alba\n")
    assert judging.align(answers, truth).ranks().tolist() == [np.inf, np.inf, 1]
    by_synonym = judging.align(answers, truth, listed)
    assert by_synonym.ranks().tolist() == [1, np.inf, 1]
    assert (
        "2 names are the truth's in another spelling, or a synonym."
        in (by_synonym.images.attrs["notes"])
    )


def test_what_is_missing_counts_as_wrong_and_is_said(tmp_path, truth):
    lines = "file,species,score\none.jpg,Rosa alba,70\nfour.jpg,Rosa alba,90"
    answers = judging.align(read_answers(write(tmp_path / "table.csv", lines)), truth)
    assert answers.ranks().tolist() == [1, np.inf, np.inf] and answers.named().tolist()[1:] == [
        "",
        "",
    ]
    notes = " ".join(answers.images.attrs["notes"])
    assert "2 of the truth's photos have no answer: they count as wrong." in notes
    assert "1 photos that were answered are not in the truth." in notes
    assert "no probabilities" in notes and np.isnan(metrics.score(answers)["ece"].item())


def test_an_answer_about_observations_is_scored_once_a_plant(tmp_path, truth):
    lines = "b;Poa annua;0.9;1\na;Poa annua;0.5;1\na;Rosa alba;0.5;2"
    answers = judging.align(read_answers(write(tmp_path / "run.csv", lines)), truth)
    assert answers.images["obs_id"].tolist() == ["a", "b"] and answers.ranks().tolist() == [2, 1]


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "is no CSV table"),
        ("file,score\na,1", "expected a photo or an observation"),
        ("file,species,score\none.jpg,Rosa alba,high", "the score 'high' is no number"),
        ("file,species,score\none.jpg,,1", "holds no answer"),
        ("file,species,score\nfive.jpg,Rosa alba,1", "the answers are of other photos: 'five.jpg'"),
        ("file,species,score\none.jpg,Quercus robur,1", "name no species of the truth"),
    ],
)
def test_what_is_wrong_with_answers_is_one_sentence(text, said, tmp_path, truth):
    path = write(tmp_path / "table.csv", text)
    with pytest.raises(TableError, match=said):
        judging.align(read_answers(path), truth)


def test_answers_of_no_kind_are_refused(tmp_path, truth):
    with pytest.raises(TableError, match="there are no answers at"):
        read_answers(tmp_path / "nowhere.csv")
    with pytest.raises(TableError, match=r"no \.json in"):
        read_answers(tmp_path)
    with pytest.raises(TableError, match="has results and names its photos; got statusCode"):
        read_answers(write(tmp_path / "a.json", json.dumps([{"statusCode": 404}])))
    with pytest.raises(TableError, match="is no JSON"):
        read_answers(write(tmp_path / "b.json", "{"))
    with pytest.raises(TableError, match="there is no table"):
        judging.read_truth(tmp_path / "nowhere.csv")
    with pytest.raises(TableError, match="has no species; it has image_path"):
        judging.read_truth(write(tmp_path / "c.csv", "file,organ\na.jpg,leaf"))
    with pytest.raises(TableError, match="no table with the columns group and species"):
        judging.read_groups(tmp_path / "c.csv")


# lists cut from full answers


def full_answers(rng, n=60, k=40):
    probs = rng.dirichlet(np.full(k, 0.1), n).astype(np.float32)
    probs = np.round(probs, 3) + 1e-4  # with ties
    species = [f"Genus{i % 7} species{i}" for i in range(k)]
    images = pd.DataFrame(
        {
            "image_path": [f"{i}.jpg" for i in range(n)],
            "obs_id": rng.integers(0, 20, n).astype(str),
            "species": rng.choice([*species, "Genus unknown"], n),
        }
    )
    return Predictions(images, species, probs / probs.sum(axis=1, keepdims=True))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_lists_cut_at_thirty_score_as_the_full_answers_wherever_that_is_defined(seed):
    full = full_answers(np.random.default_rng(seed))
    listed = cut(full, 30)
    measures = ("top1", "top5", "top30", "macro_top1", "macro_top5")
    theirs = metrics.score(full, n_boot=20, measures=measures)
    ours = metrics.score(listed, n_boot=20, measures=measures)
    pd.testing.assert_frame_equal(ours, theirs)
    ranks = full.ranks()
    assert (listed.ranks()[ranks <= 30] == ranks[ranks <= 30]).all()
    assert (np.isinf(listed.ranks()) | (listed.ranks() == ranks)).all()
    assert listed.named().tolist() == full.named().tolist()
    assert (listed.confidence() == full.confidence()).all()
    assert (listed.right() == full.right()).all()
    pd.testing.assert_frame_equal(listed.top(5), full.top(5))


def test_lists_of_all_names_are_joined_and_fused_as_full_answers_are():
    rng = np.random.default_rng(1)
    full = full_answers(rng)
    others = full_answers(rng).about(full.images)
    listed, more = cut(full, 40), cut(others, 40)
    for how in ("mean", "max"):
        joined, wanted = listed.by_observation(how), full.by_observation(how)
        assert (joined.named() == wanted.named()).all()
        assert joined.images["n_photos"].tolist() == wanted.images["n_photos"].tolist()
    assert (fuse([listed, more]).named() == fuse([full, others]).named()).all()
    few = full.species[:9]
    assert (listed.within(few).named() == full.within(few).named()).all()
    part = listed.select([3, 1])
    assert part.named().tolist() == full.named()[[3, 1]].tolist() and len(part) == 2
    with pytest.raises(ValueError, match="are of other images"):
        fuse([listed, more.select([0])])


def test_lists_that_do_not_fit_are_refused():
    images = pd.DataFrame({"image_path": ["a.jpg"], "species": ["x"]})
    listed = pd.DataFrame({"row": [0, 0], "species": ["x", "y"], "score": [np.nan, np.nan]})
    unscored = from_table(images, listed.assign(rank=[2, 1]))
    assert unscored.ranks().tolist() == [2] and not unscored.are_probabilities
    with pytest.raises(ValueError, match="must all be"):
        type(unscored)(images, ["x"], np.zeros((1, 2), int), np.zeros((1, 1)), np.zeros((1, 2)))
    with pytest.raises(ValueError, match="2 images, but 1 lists"):
        unscored.about(pd.concat([images, images]))
    with pytest.raises(ValueError, match="have no species to score"):
        unscored.about(images.assign(species=None)).ranks()


def test_scores_gains_and_figures_take_lists_as_they_take_full_answers():
    rng = np.random.default_rng(2)
    full = full_answers(rng)
    other = full_answers(rng).about(full.images)
    lists = cut(full, 30), cut(other, 30)
    for measure in ("top1", "macro_top5"):
        ours = metrics.difference(*lists, measure)
        assert ours == pytest.approx(metrics.difference(full, other, measure))
    assert several.by_plant(lists[0]).between(0, 1).all()
    titles = []
    for each in (lists[0], full):
        ax = plots.plot_confusions(each, plt.figure().gca())
        titles.append((ax.get_title(loc="left"), ax.get_title()))
    assert titles[0] == titles[1]
    ax = plots.plot_reliability({"listed": lists[0]}, ax=plt.figure().gca())
    assert "(ECE)" in ax.get_title(loc="left") + ax.get_title()
    plt.close("all")
