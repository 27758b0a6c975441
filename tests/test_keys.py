"""Keys: every species is named from its own characters, couplets read well, mistakes are counted."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from plantlab import greenhouse, plots
from plantlab.data.table import TableError
from plantlab.notebook.exercises import lesson_15
from plantlab.predictions import Predictions, keys, mistaken, reading

FOUR = pd.DataFrame(  # one character halves them, and one more parts each half
    {"colour": ["red", "red", "blue", "blue"], "length": [1.0, 5.0, 1.0, 5.0]},
    index=["Aa a", "Aa b", "Bb c", "Bb d"],
)


# grown and asked


def test_four_species_take_two_questions_each_and_the_couplets_say_which():
    key = keys.grow_key(FOUR)
    led = keys.ask_all(key)
    assert led["named"].tolist() == list(FOUR.index) and led["n_questions"].tolist() == [2] * 4
    assert keys.count_asked(key).to_dict() == {"colour": 0.5, "length": 0.5}
    lines = keys.couplets(key).split("  \n")
    assert len(lines) == 6 and repr(key) == "Key(4 species, 3 couplets)"
    assert {line.split()[0] for line in lines} == {"1a", "1b", "2a", "2b", "3a", "3b"}
    text = "\n".join(lines)
    for species in FOUR.index:
        assert text.count(f"..... *{species}*") == 1


def test_a_couplet_lists_the_words_that_its_other_side_leaves():
    fruit = ["berry", "nut", "pod"]
    traits = pd.DataFrame({"fruit": fruit}, index=["Aa a", "Bb b", "Cc c"])
    first = keys.couplets(keys.grow_key(traits)).split("  \n")[:2]
    asked = next(word for word in fruit if first[0].startswith(f"1a Fruit {word} "))
    left = " or ".join(word for word in fruit if word != asked)
    assert first[1].startswith(f"1b Fruit {left} ")
    question = keys.Question("fruit", "nut")
    assert question.words(False, ("a", "b", "c", "d")) == "Fruit other than nut"
    number = keys.Question("breadth", 0.5)
    assert number.words(True) == "Breadth at most 0.5"
    assert number.words(False) == "Breadth more than 0.5"


words = st.sampled_from(["a", "b", "c"])
numbers = st.floats(-1e3, 1e3, allow_nan=False, width=32)
rows = st.tuples(words, words, numbers, st.integers(0, 4))


@settings(max_examples=60, deadline=None)
@given(table=st.lists(rows, min_size=2, max_size=25, unique=True))
def test_every_species_is_named_from_its_true_characters(table):
    traits = pd.DataFrame(table, columns=["one", "two", "size", "count"])
    traits.index = [f"Aa s{i}" for i in range(len(traits))]
    led = keys.ask_all(keys.grow_key(traits))
    assert (led["named"] == led.index).all()


@pytest.mark.parametrize("n_species", [2, 5, 20, 60, 200])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_key_of_a_flora_is_always_right_and_at_most_three_questions_too_long(n_species, seed):
    traits = greenhouse.characters(greenhouse.grow_flora(n_species, seed))
    led = keys.ask_all(keys.grow_key(traits, seed))
    assert (led["named"] == led.index).all()
    assert led["n_questions"].mean() <= np.log2(n_species) + 3


def test_species_that_lie_close_are_parted_only_in_need():
    traits = pd.DataFrame({"size": [0.0, 0.01, 1.0], "form": ["x", "y", "x"]}, index=list("abc"))
    asked = set(keys.ask_all(keys.grow_key(traits))["characters"].explode())
    assert asked == {"size", "form"}
    close = traits[["size"]]
    questions = {node.question for node in keys.grow_key(close).nodes if node.question}
    assert {question.value for question in questions} >= {0.0}  # between 0 and 0.01
    assert (keys.ask_all(keys.grow_key(close))["named"] == close.index).all()


@given(low=st.floats(-1e6, 1e6), gap=st.floats(1e-6, 1e6))
def test_a_threshold_lies_between_the_species_it_parts(low, gap):
    high = low + gap
    if high > low:
        assert low <= keys.plain_between(low, high) < high


# refused


def test_species_that_nothing_parts_are_named():
    double = pd.concat([FOUR, FOUR.head(1).rename(index={"Aa a": "Cc e"})])
    with pytest.raises(TableError, match=r"no character parts Aa a and Cc e; .*2 of 5 species"):
        keys.grow_key(double)
    with pytest.raises(TableError, match="'Aa a' has several rows"):
        keys.grow_key(pd.concat([FOUR, FOUR.head(1)]))
    with pytest.raises(TableError, match="two species or more and a character or more; got 1"):
        keys.grow_key(FOUR.head(1))


def test_what_is_not_known_is_told():
    holes = FOUR.copy()
    holes.loc["Aa b", "colour"] = None
    with pytest.raises(TableError, match="1 cells are empty, such as 'colour' of 'Aa b'"):
        keys.grow_key(holes)
    key = keys.grow_key(FOUR)
    first = key.nodes[0].question.character
    with pytest.raises(ValueError, match=f"the key asks for '{first}', which is not known"):
        keys.ask(key, {})


def test_a_csv_of_ones_own_becomes_a_key(tmp_path):
    path = tmp_path / "street.csv"
    FOUR.rename_axis("species").to_csv(path)
    traits = keys.read_traits(path)
    pd.testing.assert_frame_equal(traits, FOUR, check_names=False)
    assert keys.ask(keys.grow_key(traits), {"colour": "blue", "length": 7}).species == "Bb d"
    path.write_text("name,colour\nAa a,red\n")
    with pytest.raises(TableError, match="has the columns name, colour; .* needs `species`"):
        keys.read_traits(path)


# mistaken


def test_a_key_survives_as_often_as_all_answers_are_right():
    key = keys.grow_key(FOUR)
    assert mistaken.key_survives(key, 0.1) == pytest.approx(0.81)
    assert mistaken.key_survives(key, 0) == 1


def test_the_exact_share_is_what_asking_with_wrong_answers_comes_to():
    traits = greenhouse.characters(greenhouse.grow_flora(16))
    key = keys.grow_key(traits)
    rng = np.random.default_rng(0)
    right = []
    for species, row in list(traits.iterrows()) * 100:
        node = key.nodes[0]
        while node.question is not None:
            holds = node.question.holds(row[node.question.character]) != (rng.random() < 0.1)
            node = key.nodes[node.yes if holds else node.no]
        right.append(node.species == species)
    assert np.mean(right) == pytest.approx(mistaken.key_survives(key, 0.1), abs=0.04)


def test_similarity_is_gowers():
    noted = pd.DataFrame({"colour": ["red", None], "length": [2.0, 5.0]})
    alike = mistaken.similarities(FOUR, noted)
    expected = [[(1 + 0.75) / 2, (1 + 0.25) / 2, 0.75 / 2, 0.25 / 2], [0, 1, 0, 1]]
    np.testing.assert_allclose(alike, expected)


def test_misread_takes_another_state_as_often_as_asked():
    traits = greenhouse.characters(greenhouse.grow_flora(60))
    rng = np.random.default_rng(0)
    noted = mistaken.misread(traits, 0.2, rng)
    assert (noted != traits).to_numpy().mean() == pytest.approx(0.2, abs=0.04)
    assert mistaken.misread(traits, 0, rng).equals(traits)
    assert all(set(noted[name]) <= set(traits[name]) for name in traits)


def test_all_characters_forgive_what_one_way_does_not():
    traits = greenhouse.characters(greenhouse.grow_flora(30))
    rows = mistaken.by_slip(keys.grow_key(traits), [0, 0.2], n_times=5)
    none, some = rows.to_dict("records")
    assert none["key"] == none["table"] == none["table_3"] == 1
    assert some["key"] < 0.5 < some["table"] <= some["table_3"]
    same = pd.DataFrame({"colour": ["red", "red"], "length": [1.0, 1.0]}, index=["a", "b"])
    assert mistaken.rank_species(same, same).tolist() == [2, 2]  # ties count against it


# read by a network


def readable_photos(n: int = 240) -> tuple[np.ndarray, pd.DataFrame, pd.DataFrame]:
    """Return embeddings in which one character can be read and another cannot."""
    rng = np.random.default_rng(0)
    species = [f"G{i % 12} s{i}" for i in range(24)]
    traits = pd.DataFrame({"seen": rng.permutation(24) / 24, "hidden": ["a", "b"] * 12}, species)
    shown = rng.choice(species, n)
    images = pd.DataFrame({"image_path": "x", "species": shown, "kind": "generated"})
    images["genus"] = images["species"].str.split().str[0]
    found = rng.normal(0, 1, (n, 6))
    found[:, 0] += 6 * traits.loc[shown, "seen"].to_numpy()
    return found.astype(np.float32), images, traits


def test_a_character_that_the_embedding_holds_is_read_and_no_other():
    rows = reading.read_characters(*readable_photos()).set_index("character")
    assert rows.loc["seen", "auroc"] > 0.85 > 0.65 > rows.loc["hidden", "auroc"]
    assert (rows["auroc_low"] <= rows["auroc"]).all() and (rows["n"] == 240).all()


def test_area_under_the_curve_is_scikit_learns_with_weights():
    rng = np.random.default_rng(0)
    scores, true, weights = rng.random(50), rng.random(50) < 0.4, rng.integers(0, 3, (4, 50))
    expected = [roc_auc_score(true, scores, sample_weight=row) for row in weights]
    np.testing.assert_allclose(reading.area_under(scores, true, weights), expected)
    assert np.isnan(reading.area_under(scores, np.ones(50), weights)).all()


def test_photos_of_species_without_characters_are_refused():
    found, images, traits = readable_photos()
    with pytest.raises(TableError, match="lacks 1 of the species that are shown, such as 'G0 s0'"):
        reading.read_characters(found, images, traits.drop(index="G0 s0"))
    with pytest.raises(TableError, match="no character parts 1 genera"):
        reading.read_characters(found, images.assign(genus="G"), traits)


def test_the_figure_shows_every_character_twice():
    rows = reading.read_characters(*readable_photos()).assign(share=0.5)
    figure = plots.plot_rests_on(rows, "Read best: seen", "240 generated images")
    left, right = figure.axes
    plt.close(figure)
    assert len(left.patches) == len(rows) and len(right.lines[0].get_xdata()) == len(rows)


# the exercises


def test_what_is_right_in_the_exercises():
    assert lesson_15.exercise_1(0.656) and not lesson_15.exercise_1(0.9)
    traits = pd.concat([FOUR, FOUR["colour"].rename("again")], axis=1)
    assert lesson_15.exercise_2("length", traits, 0)  # the only one that parts two of them
    assert not lesson_15.exercise_2("colour", traits, 0)
    asked = pd.DataFrame({"disease": ["rust", "gall", "healthy"], "image_path": list("abc")})
    said = [[0.9, 0.1, 0], [0.1, 0.9, 0], [1, 0, 0]]
    answers = Predictions(asked, ["healthy", "gall", "rust"], said)
    assert lesson_15.exercise_3("rust", asked, answers)
    assert not lesson_15.exercise_3("gall", asked, answers)
