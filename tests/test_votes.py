"""Votes are kept, weighed as published, and become rows to learn from."""

import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from plantlab.data.photos import PhotoError
from plantlab.quality.votes import read_votes, trusted_images, vote, votes_folder, weigh

NEW = np.log(2.1)


def jpeg(colour: int) -> bytes:
    Image.new("RGB", (40, 40), (colour, 90, 30)).save(content := io.BytesIO(), "JPEG")
    return content.getvalue()


def said(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["obs_id", "species", "by"])


def test_newcomers_by_hand():
    two = weigh(said(("a", "Rosa", "Ada"), ("a", "Rosa", "Bob"))).iloc[0]
    assert two["weight"] == pytest.approx(2 * NEW) and not two["trusted"]
    three = weigh(said(("a", "Rosa", "Ada"), ("a", "Rosa", "Bob"), ("a", "Rosa", "Cem"))).iloc[0]
    # trusted, so that Ada, whose plant it is, is right about one species; that leaves her weight as it was: 1 - 1 + log(2.1)
    assert three["weight"] == pytest.approx(3 * NEW) and three["trusted"] and three["share"] == 1
    split = weigh(
        said(
            ("a", "Rosa", "Ada"),
            ("a", "Rosa", "Bob"),
            ("a", "Rosa", "Cem"),
            ("a", "Acer", "Dan"),
            ("a", "Acer", "Eve"),
        )
    )
    assert split.loc[0, "share"] == pytest.approx(0.6) and not split.loc[0, "trusted"]


def test_an_expert_is_enough_and_outvotes_newcomers():
    alone = weigh(said(("a", "Rosa", "Ada")), {"Ada": 100}).iloc[0]
    assert alone["weight"] == pytest.approx(100**0.5 - 100**0.2 + NEW) and alone["trusted"]
    votes = said(
        ("a", "Acer", "Bob"), ("a", "Acer", "Cem"), ("a", "Acer", "Dan"), ("a", "Rosa", "Ada")
    )
    assert weigh(votes, {"Ada": 100}).iloc[0][["species", "trusted"]].tolist() == ["Rosa", True]
    assert weigh(votes).iloc[0]["species"] == "Acer"


def test_being_right_often_earns_weight():
    rows = [(f"p{i}", f"species {i}", by) for i in range(9) for by in ("Ada", "Bob", "Cem")]
    told = weigh(said(*rows, ("x", "Rosa", "Ada"), ("x", "Acer", "Zoe"))).set_index("obs_id")
    assert told.loc["x", "species"] == "Rosa", "Ada has nine species of her own"
    # nine make her vote weigh 2.19, three quarters of the two votes: her Rosa is trusted, too, and is her tenth
    assert told.loc["x", "trusted"] and told.loc["x", "weight"] == pytest.approx(
        10**0.5 - 10**0.2 + NEW
    )


def reference(votes: pd.DataFrame, n_rounds: int = 50) -> dict:
    """Return weigh's answer, counted plant by plant and vote by vote as the paper tells it."""
    rows = list(votes.itertuples(index=False))
    skill = dict.fromkeys(votes["by"], 0.0)
    for _ in range(n_rounds):
        weight = {by: n**0.5 - n**0.2 + NEW for by, n in skill.items()}
        told = {}
        for plant in dict.fromkeys(votes["obs_id"]):
            sums = {}
            for row in rows:
                if row.obs_id == plant:
                    sums[row.species] = sums.get(row.species, 0) + weight[row.by]
            best = max(sums, key=lambda name: round(sums[name], 9))
            told[plant] = (best, sums[best], sums[best] / sum(sums.values()))
        found = {}
        for by in skill:
            own, others = set(), set()
            for row in rows:
                first = next(r.by for r in rows if r.obs_id == row.obs_id)
                best, total, share = told[row.obs_id]
                if row.by == by and row.species == best:
                    (own if first == by and total > 2 and share > 0.7 else others).add(best)
            found[by] = len(own) + round(len(others - own) / 10)
        if found == skill:
            break
        skill = found
    return {plant: (total > 2 and share > 0.7, total) for plant, (_, total, share) in told.items()}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(0, 4)), min_size=1, max_size=40
    )
)
def test_it_equals_a_reference_counted_by_hand(rows):
    votes = said(*[(f"p{p}", f"s{s}", f"v{v}") for p, s, v in rows]).drop_duplicates(
        ["obs_id", "by"], keep="last"
    )
    mine, theirs = weigh(votes).set_index("obs_id"), reference(votes)
    clear = [
        p for p in theirs if mine.loc[p, "share"] > 0.5
    ]  # where two species tie, either may lead
    if len(clear) == len(theirs):
        assert {p: bool(mine.loc[p, "trusted"]) for p in clear} == {p: theirs[p][0] for p in clear}
        assert mine.loc[clear, "weight"].to_numpy() == pytest.approx([theirs[p][1] for p in clear])


def test_votes_are_kept_and_flow_back_as_rows(tmp_path):
    photos = [jpeg(10), jpeg(200)]
    first = vote(tmp_path, photos, "Rosa alba", "Ada", ["flower", "leaf"], "Acer")
    assert vote(tmp_path, photos[::-1], " Rosa alba ", "Bob") == first, (
        "the same photos are the same plant"
    )
    vote(tmp_path, photos, "Acer", "Cem")
    assert len(read_votes(tmp_path)) == 3 and trusted_images(tmp_path).empty
    vote(tmp_path, photos, "Rosa alba", "Cem")  # thinks again
    votes, rows = read_votes(tmp_path), trusted_images(tmp_path)
    assert len(votes) == 3 and votes["answered"].tolist()[0] == "Acer"
    assert rows["species"].tolist() == ["Rosa alba"] * 2 and rows["organ"].tolist() == [
        "flower",
        "leaf",
    ]
    assert rows["obs_id"].tolist() == [first] * 2 and set(rows["author"]) == {"Ada"}
    assert [Image.open(path).size for path in rows["image_path"]] == [(40, 40)] * 2


def test_an_observer_who_thinks_again_stays_the_observer(tmp_path):
    plant = vote(tmp_path, [jpeg(10)], "Acer", "Ada")
    vote(tmp_path, [jpeg(10)], "Rosa", "Bob")
    vote(tmp_path, [jpeg(10)], "Rosa", "Cem")
    vote(tmp_path, [jpeg(10)], "Rosa", "Ada")
    votes = read_votes(tmp_path)
    assert votes[["obs_id", "by", "species"]].to_numpy().tolist() == [
        [plant, by, "Rosa"] for by in ("Ada", "Bob", "Cem")
    ]
    assert trusted_images(tmp_path)["author"].tolist() == ["Ada"]


def test_no_vote_is_lost_and_none_is_made_up(tmp_path):
    assert read_votes(tmp_path).empty and trusted_images(tmp_path).empty
    with pytest.raises(ValueError, match="needs a species and the name of who votes"):
        vote(tmp_path, [jpeg(1)], "Rosa", " ")
    with pytest.raises(PhotoError):
        vote(tmp_path, [b"no photo"], "Rosa", "Ada")
    code = f"import os; from plantlab.quality.votes import vote; vote({str(tmp_path)!r}, [{jpeg(1)!r}], 'Rosa', 'Ada'); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code])
    assert read_votes(tmp_path)["species"].tolist() == ["Rosa"]
    with open(tmp_path / "votes.jsonl", "a") as file:
        file.write('{"obs_id": "cut of')
    assert len(read_votes(tmp_path)) == 1


def test_votes_stay_in_the_project_wherever_the_model_lies(project):
    assert (
        votes_folder("mine")
        == votes_folder(project / "elsewhere" / "mine")
        == project / "data" / "votes" / "mine"
    )
