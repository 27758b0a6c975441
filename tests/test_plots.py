"""Plots: each draws on given Axes, states its finding, and says of how many images, generated or photographed."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import pytest  # noqa: E402
from PIL import Image  # noqa: E402

from plantlab import plots
from plantlab.data.table import TableError
from plantlab.predictions import Predictions, metrics

SPECIES = ["Rosa alba", "Rosa uva-ursi", "Bellis minor", "Carex vana"]


@pytest.fixture(autouse=True)
def closed():
    plots.use_style()
    yield
    plt.close("all")


def table(n=80, kind=None):
    rng = np.random.default_rng(0)
    images = pd.DataFrame(
        {
            "image_path": np.arange(n).astype(str),
            "species": rng.choice(SPECIES, n, p=[0.6, 0.2, 0.1, 0.1]),
        }
    )
    images = images.assign(
        organ=rng.choice(["flower", "leaf"], n, p=[0.75, 0.25]),
        date=[f"2016-{m:02d}-11" for m in rng.choice([12, 1, 2, 6], n)],
        latitude=rng.uniform(40, 50, n),
        longitude=rng.uniform(-5, 10, n),
    )
    return images.assign(kind=kind) if kind else images


def predictions(seed=0, kind=None):
    images = table(kind=kind)
    rng = np.random.default_rng(seed)
    truth = images["species"].map(SPECIES.index)
    return Predictions(
        images, SPECIES, 0.4 * np.eye(4)[truth] + 0.6 * rng.dirichlet(np.ones(4), 80)
    )


def scores(kind=None):
    rows = [
        metrics.score(predictions(s, kind), n_boot=30).assign(method=m)
        for s, m in enumerate(["probe", "scratch"])
    ]
    rows = pd.concat(rows, ignore_index=True).assign(split="test")
    return pd.concat(
        [rows.assign(images_per_species=k, top1=rows["top1"] * k / 10) for k in (2, 5, 10)]
    )


def words(ax):
    texts = [ax.get_title(loc="left"), *(t.get_text() for t in ax.texts)]
    return "\n".join(texts)


DRAWN = {
    "species_counts": lambda kind, ax: plots.plot_species_counts(table(kind=kind), ax=ax),
    "counts_by": lambda kind, ax: plots.plot_counts_by(table(kind=kind), "organ", ax=ax),
    "season": lambda kind, ax: plots.plot_season(table(kind=kind), ax=ax),
    "map": lambda kind, ax: plots.plot_map(table(kind=kind), ax=ax),
    "scores": lambda kind, ax: plots.plot_scores(scores(kind)[:2], ax=ax),
    "learning_curve": lambda kind, ax: plots.plot_learning_curve(scores(kind), ax=ax),
    "confusions": lambda kind, ax: plots.plot_confusions(predictions(kind=kind), ax=ax),
}


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_says_how_many_of_what(name):
    _, given = plt.subplots()
    for kind, said in ((None, "80 photographs"), ("generated", "80 generated images")):
        ax = DRAWN[name](kind, given)
        assert ax is given and said in words(ax) and ax.get_title(loc="left")
        ax.clear()
    plt.close("all")
    ax = DRAWN[name](None, None)
    assert ax is plt.gca()  # without ax: the current one
    ax.figure.canvas.draw()


def test_titles_state_the_finding():
    images = table()
    assert "1 of 4 species hold half" in words(plots.plot_species_counts(images))
    assert (
        plots.plot_counts_by(images, "organ")
        .get_title(loc="left")
        .startswith("Most frequent organ: flower, 65 % of")
    )
    assert "from December to January" in words(
        plots.plot_season(
            images.assign(date=["2016-12-01", "2017-01-05", "2017-06-05", "2017-04-01"] * 20)
        )
    )
    assert "from June" in words(plots.plot_season(images.assign(date="2016-06-01")))


def test_two_methods_whose_intervals_overlap_are_not_ranked():
    rows = pd.DataFrame(
        {
            "method": ["a", "b"],
            "top1": [0.8, 0.9],
            "top1_low": [0.7, 0.85],
            "top1_high": [0.86, 0.95],
        }
    )
    ax = plots.plot_scores(rows.assign(n=50, kind="photographs"))
    assert ax.get_title(loc="left") == "b 90.0 %, a 80.0 %: intervals overlap"
    plt.close("all")
    apart = plots.plot_scores(rows.assign(n=[50, 20], kind="photographs", top1_high=[0.84, 0.95]))
    assert apart.get_title(loc="left") == "b 90.0 %, a 80.0 %"
    assert [t.get_text() for t in apart.get_yticklabels()] == ["b  (n = 20)", "a  (n = 50)"]


def test_species_stand_in_italics_with_their_hyphen():
    ax = plots.plot_species_counts(table())
    assert {t.get_style() for t in ax.get_yticklabels()} == {"italic"}
    assert plots.italic("Rosa uva-ursi") == r"$\mathbfit{Rosa\ uva" + "\u2010" + "ursi}$"
    plt.figure().text(0, 0, plots.italic("R. & S. #1_a 50% 'Alba' \"x\" {$} \\ ~^ × é"))
    plt.gcf().canvas.draw()  # no mathtext error


def test_many_species_make_a_ranked_curve():
    images = pd.DataFrame(
        {"species": np.repeat([f"Planta {i}" for i in range(50)], np.arange(1, 51))}
    )
    ax = plots.plot_species_counts(images)
    assert (
        ax.get_yscale() == "log"
        and "15 of 50 species" in words(ax)
        and "1 species with one image" in words(ax)
    )


def test_lines_differ_by_marker_too_and_seeds_are_averaged():
    rows = scores()
    ax = plots.plot_learning_curve(pd.concat([rows, rows.assign(top1=rows["top1"] / 2)]))
    lines = {line.get_label(): line for line in ax.lines}
    assert len({line.get_marker() for line in lines.values()}) == 2
    assert max(lines["probe"].get_ydata()) == pytest.approx(0.75 * rows["top1"][0].max())


def test_a_classifier_without_mistakes_is_said_to_have_none():
    images = table()
    probs = np.eye(4)[images["species"].map(SPECIES.index)]
    assert "No image is named wrong" in words(
        plots.plot_confusions(Predictions(images, SPECIES, probs))
    )


def test_a_contact_sheet_shows_each_species_once_before_any_again(tmp_path):
    images = table(20)
    for i in range(20):
        Image.new("RGB", (40 + i, 30), (10 * i, 99, 0)).save(tmp_path / f"{i}.jpg")
    images["image_path"] = [str(tmp_path / f"{i}.jpg") for i in range(20)]
    ax = plots.plot_photos(images, n=4)
    assert {t.get_text() for t in ax.texts} >= set(
        images["species"].unique()
    ) and "of 20 photographs" in words(ax)
    plt.close("all")
    labels = [f"photo {i}\nsecond line" for i in range(20)]
    ax = plots.plot_photos(
        images.assign(note=labels), n=3, label="note", seed=None, title="Three mistakes"
    )
    assert [t.get_text() for t in ax.texts][:3] == labels[:3] and "Three mistakes" in words(ax)


def test_words_under_a_photo_are_nine_points_and_fit_its_width(tmp_path):
    path = str(tmp_path / "a.jpg")
    Image.new("RGB", (40, 30)).save(path)
    long = ["Chrysanthemum coronarium", f"{'a' * 90}.jpg", "one\ntwo"]
    images = pd.DataFrame({"image_path": [path] * 3, "words": long})
    ax = plots.plot_photos(images, n=3, columns=6, label="words", seed=None)
    ax.figure.draw_without_rendering()
    photo, *_ = ax.get_images()
    width = photo.get_window_extent().width / 3
    for text in ax.texts[:3]:
        assert text.get_size() == 9 and text.get_window_extent().width <= 1.05 * width
    assert ax.texts[1].get_text().endswith("aaa.jpg")  # a path keeps its end


def test_the_organs_of_one_species_stand_side_by_side(tmp_path):
    path = str(tmp_path / "a.jpg")
    Image.new("RGB", (40, 30)).save(path)
    organs = {"Rosa alba": ["flower", "leaf", "bark"], "Bellis minor": ["flower", ""]}
    rows = [(name, organ) for name, of in organs.items() for organ in of]
    images = pd.DataFrame(rows, columns=["species", "organ"]).assign(image_path=path)
    ax = plots.plot_organs(images)
    assert [t.get_text() for t in ax.texts][:3] == ["bark", "flower", "leaf"]
    assert "3 kinds of photo" in words(ax)


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (
            lambda: plots.plot_season(table().assign(date="some day")),
            ValueError,
            "none of 80 images has a readable date",
        ),
        (
            lambda: plots.plot_map(table().assign(latitude=np.nan)),
            ValueError,
            "none of 80 images has a latitude",
        ),
        (lambda: plots.plot_counts_by(table(), "colour"), TableError, "colour"),
        (lambda: plots.plot_scores(scores().drop(columns="top1_low")), TableError, "top1_low"),
    ],
)
def test_messages(act, error, message):
    with pytest.raises(error, match=message):
        act()


@pytest.mark.parametrize(
    "low, high, said", [(44.1, 48.4, "44° and 48°"), (48.01, 48.42, "48.0° and 48.4°")]
)
def test_a_map_of_a_garden_is_told_more_finely_than_one_of_a_continent(low, high, said):
    placed = table().assign(
        latitude=np.linspace(low - (high - low) / 18, high + (high - low) / 18, 80), longitude=9.0
    )
    assert said in plots.plot_map(placed, ax=plt.subplots()[1]).get_title(loc="left")
    plt.close("all")


def test_a_title_parts_number_and_per_cent_alike():
    ax = plots.titled(plt.subplots()[1], "41.8% and 51 %", "9 plants")
    assert ax.get_title(loc="left") == "41.8 % and 51 %"
    plt.close("all")


def test_pairs_and_reliability_say_what_they_are_given():
    scores = pd.DataFrame(
        {"method": ["a", "b"], "top1": [0.5, 0.7], "macro_top1": [0.2, 0.3], "n": 9}
    )
    ax = plots.plot_pairs(scores, {"top1": "micro", "macro_top1": "macro"}, "b leads", "9 plants")
    assert ax.get_title(loc="left") == "b leads" and [
        t.get_text() for t in ax.get_yticklabels()
    ] == ["a", "b"]
    assert [list(line.get_xdata()) for line in ax.lines] == [[0.5, 0.7], [0.2, 0.3]]
    plt.close("all")
    images = pd.DataFrame(
        {"image_path": np.arange(100).astype(str), "species": ["x"] * 60 + ["y"] * 40}
    )
    ax = plots.plot_reliability(
        {"flat": Predictions(images, ["x", "y"], np.tile([0.8, 0.2], (100, 1)))}, n_bins=1
    )
    assert "flat 20.0 points" in ax.get_title(loc="left"), "80 % sure, 60 % right"
    line = ax.lines[1]
    assert (line.get_xdata()[0], line.get_ydata()[0]) == (pytest.approx(0.8), 0.6)


def test_a_ladder_keeps_its_order_and_says_what_each_step_adds():
    steps = pd.DataFrame(
        {
            "method": ["one", "several"],
            "mrr": [0.5, 0.62],
            "mrr_low": [0.4, 0.5],
            "mrr_high": [0.6, 0.7],
        }
    )
    steps = steps.assign(
        gain=[np.nan, 0.12], gain_low=[np.nan, 0.1], gain_high=[np.nan, 0.14], n=9, kind="generated"
    )
    ax = plots.plot_ladder(steps)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["one", "several"]
    assert [t.get_text() for t in ax.texts][:2] == ["0.500", "0.620   +12.0 (+10.0 to +14.0)"]
    assert (
        ax.get_title(loc="left") == "one 0.500, several 0.620"
        and "9 plants (generated)" in ax.texts[-1].get_text()
    )


def test_gains_stand_beside_zero_and_say_what_could_have_been_seen():
    rows = pd.DataFrame(
        {
            "method": ["both", "on test"],
            "gain": [0.05, 0.01],
            "gain_low": [0.03, -0.01],
            "gain_high": [0.07, 0.03],
            "n": 400,
            "kind": "generated",
        }
    )
    ax = plots.plot_gains(rows)
    assert ax.get_title(loc="left") == "both: +5.0 points (+3.0 to +7.0)"
    told = [text.get_text() for text in ax.texts]
    assert any(
        "400 generated images" in text and "could show: 2.9" in text.replace("\n", " ")
        for text in told
    )
    assert plots.plot_gains(rows, title="Better").get_title(loc="left") == "Better"


def test_a_figure_that_is_titled_again_keeps_one_line_below_its_title():
    ax = plots.titled(plt.figure().gca(), "First", "of 10")
    plots.titled(ax, "Second", "of 20")
    assert [text.get_text() for text in ax.texts] == ["of 20"]


def test_a_guess_is_drawn_where_it_lies_and_no_guess_draws_nothing():
    ax = plt.figure().gca()
    assert not plots.mark_guess(ax, ...).lines
    plots.mark_guess(ax, 0.6)
    assert list(ax.lines[0].get_xdata()) == [0.6, 0.6]
    plots.mark_guess(ax, 0.2, across=False)
    assert list(ax.lines[1].get_ydata()) == [0.2, 0.2]
    with pytest.raises(ValueError, match="guess must be a number, such as 0.6"):
        plots.mark_guess(ax, "many")
