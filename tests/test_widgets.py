"""The widgets' side in Python, with the messages that their side in the browser sends; the browser is in test_browser."""

import io
import time
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from PIL import Image

from plantlab.data.table import TableError
from plantlab.desk import widgets
from plantlab.identify.where import Where
from plantlab.quality.decisions import decide_all, read_decisions
from plantlab.quality.votes import read_votes


@pytest.fixture
def suspects(tmp_path):
    rows = []
    for i, label in enumerate(["daisy", "rose", "<b>tulip</b>", None]):
        Image.new("RGB", (1200, 800), (60 * i, 120, 80)).save(tmp_path / f"{i}.jpg")
        rows.append(
            {
                "image_path": str(tmp_path / f"{i}.jpg"),
                "sha1": f"s{i}",
                "species": label,
                "score": 0.01234 * i,
            }
        )
    return pd.DataFrame(rows).assign(suggested=["rose", ["daisy", "rose", "iris"], None, "daisy"])


class Browser:
    """What the browser would do: send a message, look at what comes back."""

    def __init__(self, widget, monkeypatch):
        self.widget, self.heard = widget, []
        monkeypatch.setattr(
            widget, "send", lambda content, buffers=None: self.heard.append((content, buffers))
        )

    def ask(self, **content):
        self.widget._handle_msg(
            {"content": {"data": {"method": "custom", "content": content}}, "buffers": []}
        )
        return self.heard[-1]

    def decide(self, row, decision, species=""):
        rows = row if isinstance(row, list) else [row]
        return self.ask(do="decide", id="1", rows=rows, decision=decision, species=species)[0]


@pytest.fixture
def open_review(monkeypatch):
    return lambda *args, **options: Browser(widgets.review(*args, **options), monkeypatch)


def test_review_opens_with_labels_suggestions_and_reasons(suspects, tmp_path, open_review):
    decide_all(tmp_path / "d.jsonl", [("s1", "rose")], "relabel", "iris")
    page, _ = open_review(suspects, tmp_path / "d.jsonl", ["lily"], page=3).ask(do="open")
    assert [photo["label"] for photo in page["photos"]] == ["daisy", "rose", "<b>tulip</b>", ""]
    assert [photo["suggested"] for photo in page["photos"]] == [
        ["rose"],
        ["daisy", "iris"],
        [],
        ["daisy"],
    ]
    assert [photo["why"] for photo in page["photos"]][1] == "score 0.012"
    assert (
        page["species"] == ["<b>tulip</b>", "daisy", "iris", "lily", "rose"] and page["page"] == 3
    )
    assert page["states"] == [None, {"decision": "relabel", "species": "iris"}, None, None]
    assert str(tmp_path) not in str(page), "the browser has no need of paths"


def test_reasons_may_be_sentences(suspects, tmp_path, open_review):
    suspects = suspects.assign(reason="two labels")
    page, _ = open_review(suspects, tmp_path / "d.jsonl", why=["reason", "score"]).ask(do="open")
    assert page["photos"][2]["why"] == "two labels, score 0.025"
    page, _ = open_review(
        suspects.drop(columns=["score", "suggested"]), tmp_path / "d.jsonl", why=()
    ).ask(do="open")
    assert page["photos"][2]["why"] == "" and page["photos"][0]["suggested"] == []


def test_a_decision_is_saved_before_it_is_answered_and_survives_a_restart(
    suspects, tmp_path, open_review
):
    browser = open_review(suspects, tmp_path / "d.jsonl", by="Ann")
    answer = browser.decide(0, "relabel", "rose")
    assert answer["do"] == "saved" and answer["id"] == "1" and answer["rows"] == [0]
    assert read_decisions(tmp_path / "d.jsonl")[
        ["sha1", "label", "decision", "species", "by"]
    ].to_numpy().tolist() == [["s0", "daisy", "relabel", "rose", "Ann"]]
    browser.decide(1, "drop")
    browser.decide(2, "confirm")
    browser.decide(1, "undo")
    again, _ = open_review(suspects, tmp_path / "d.jsonl").ask(do="open")
    assert [state and state["decision"] for state in again["states"]] == [
        "relabel",
        None,
        "confirm",
        None,
    ]


def test_a_page_is_accepted_and_taken_back_in_one_write_each(
    suspects, tmp_path, open_review, monkeypatch
):
    synced = []
    monkeypatch.setattr("plantlab.files.os.fsync", synced.append)
    browser = open_review(suspects, tmp_path / "d.jsonl")
    assert browser.decide([0, 1, 2], "confirm")["rows"] == [0, 1, 2]
    assert len(read_decisions(tmp_path / "d.jsonl")) == 3 and len(synced) == 1
    assert browser.decide([0, 3], "confirm")["do"] == "refused", "the fourth has no label"
    browser.decide([0, 2], "undo")
    assert read_decisions(tmp_path / "d.jsonl")["sha1"].tolist() == ["s1"] and len(synced) == 2


def test_annotation_shows_like_with_like_and_keys_for_organs(
    suspects, tmp_path, open_review, monkeypatch
):
    found = suspects.assign(
        organ=["leaf", "flower", "leaf", "flower"], confidence=[0.9, 0.8, 0.3, 0.4]
    )
    browser = Browser(
        widgets.annotate(found, tmp_path / "o.jsonl", ["flower", "leaf", "bark"], page=2),
        monkeypatch,
    )
    page, _ = browser.ask(do="open")
    assert [photo["name"] for photo in page["photos"]] == ["3.jpg", "1.jpg", "2.jpg", "0.jpg"], (
        "the unsure first"
    )
    assert page["choices"] == ["flower", "leaf", "bark"] and page["page"] == 2
    assert [photo["label"] for photo in page["photos"]] == ["flower", "flower", "leaf", "leaf"]
    browser.decide(2, "relabel", "bark")
    browser.decide([0, 1], "confirm")
    held = (
        read_decisions(tmp_path / "o.jsonl")[["sha1", "label", "decision", "species"]]
        .to_numpy()
        .tolist()
    )
    assert held == [
        ["s2", "leaf", "relabel", "bark"],
        ["s3", "flower", "confirm", ""],
        ["s1", "flower", "confirm", ""],
    ]
    assert "no species 'root' here" in browser.decide(3, "relabel", "root")["why"]
    for column in ("organ", "confidence"):
        with pytest.raises(TableError, match=f"no column '{column}'"):
            widgets.annotate(found.drop(columns=column), tmp_path / "o.jsonl")


def test_copies_of_a_photo_under_one_label_are_decided_together(suspects, tmp_path, open_review):
    twice = pd.concat(
        [suspects, suspects.iloc[[0]], suspects.iloc[[0]].assign(species="rose")], ignore_index=True
    )
    assert open_review(twice, tmp_path / "d.jsonl").decide(0, "drop")["rows"] == [0, 4]


@pytest.mark.parametrize(
    "row, decision, species, said",
    [
        (0, "relabel", "ros", "there is no species 'ros' here; did you mean rose?"),
        (
            0,
            "relabel",
            "xxxxxx",
            "there is no species 'xxxxxx' here; name it in review(species=...).",
        ),
        (3, "confirm", "", "a photo without a label cannot be confirmed"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    suspects, tmp_path, open_review, row, decision, species, said
):
    answer = open_review(suspects, tmp_path / "d.jsonl").decide(row, decision, species)
    assert (
        answer["do"] == "refused" and said in answer["why"] and not (tmp_path / "d.jsonl").exists()
    )


def test_a_disk_that_refuses_is_told(suspects, tmp_path, open_review):
    browser = open_review(suspects, tmp_path / "folder" / "d.jsonl")
    (tmp_path / "folder").write_text("a file where the folder should be")
    answer = browser.decide(0, "drop")
    assert answer["do"] == "refused" and "folder" in answer["why"]


def test_photos_come_small_and_what_cannot_be_read_says_why(suspects, tmp_path, open_review):
    (tmp_path / "1.jpg").write_bytes(b"no photo")
    (tmp_path / "2.jpg").unlink()
    want = [[0, 160], [0, 640], [1, 160], [2, 160]]
    answer, jpegs = open_review(suspects, tmp_path / "d.jsonl").ask(
        do="photos", id="7", want=want, soon=[[3, 160]]
    )
    assert (
        answer["problems"] == ["", "", "not an image that Pillow reads", "missing"]
        and answer["id"] == "7"
    )
    assert [Image.open(io.BytesIO(jpeg)).size for jpeg in jpegs[:2]] == [(160, 107), (640, 427)]
    assert jpegs[2:] == [b"", b""] and len(jpegs[0]) < 10_000


def test_a_page_of_50_comes_in_a_second_and_a_key_in_a_tenth(tmp_path, open_review):
    Image.effect_noise((2048, 1536), 60).convert("RGB").save(tmp_path / "a.jpg")
    many = pd.DataFrame(
        {
            "image_path": str(tmp_path / "a.jpg"),
            "sha1": [f"s{i}" for i in range(200)],
            "species": "daisy",
        }
    )
    browser = open_review(many, tmp_path / "d.jsonl", why=(), page=50)
    start = time.perf_counter()
    browser.ask(do="open")
    for first in range(0, 50, 6):
        browser.ask(
            do="photos", id="1", want=[[i, 160] for i in range(first, min(first + 6, 50))], soon=[]
        )
    loaded = time.perf_counter()
    for row in range(20):
        browser.decide(row, "confirm")
    saved = time.perf_counter()
    assert loaded - start < 3 and (saved - loaded) / 20 < 0.1, (
        loaded - start,
        saved - loaded,
    )  # a busy machine: 3


def test_review_needs_its_columns_and_its_file(suspects, tmp_path):
    for column in ["image_path", "sha1", "species", "score"]:
        with pytest.raises(TableError, match=f"no column '{column}'"):
            widgets.review(suspects.drop(columns=column), tmp_path / "d.jsonl")
    (tmp_path / "labels.csv").write_text("image,label\n")
    with pytest.raises(ValueError, match="labels.csv, line 1"):
        widgets.review(suspects, tmp_path / "labels.csv")


def test_a_stored_notebook_shows_a_sentence(suspects, tmp_path, open_review):
    review = widgets.review(suspects, tmp_path / "d.jsonl")
    assert repr(review) == "4 photos to review, when this cell is run in Jupyter"
    assert review._repr_mimebundle_()[0]["text/plain"] == repr(review)
    shown = {
        name: value for name, value in review.get_state().items() if name not in ("_esm", "_css")
    }
    assert len(str(shown)) < 2000, (
        "photos and labels must not be part of the state, which notebooks may store"
    )


class Model:
    """What widgets.identify asks of an identifier."""

    species, floras, knows = ["Rosa <i>", "Acer"], {"maples": ["Acer"]}, "Only <roses>."

    knows_places = False

    def __init__(self, kind="generated", rank="genus", unlike=False):
        self.card, self.rank, self.unlike, self.asked = (
            {"kind": kind, "error": 0.1},
            rank,
            unlike,
            [],
        )

    def answer(self, photos, organs, within, k=5, where=None):
        self.asked.append((len(photos), list(organs), list(within)))
        self.where = where
        names = pd.DataFrame({"rank": [1, 2], "species": self.species, "score": [0.9, 0.1]})
        alike = pd.DataFrame({"species": ["Acer"], "similarity": [0.5], "thumbnail": [None]})
        return SimpleNamespace(
            names=names,
            rank=self.rank,
            name="Rosa",
            unlike=self.unlike,
            alike=alike,
            organs=["leaf"] * len(photos),
            place="" if where is None else str(where),
        )

    def look(self, photo, species):
        raise ValueError("no map")


def upload(desk, *contents):
    files = [{"name": f"<{i}>.jpg", "content": content} for i, content in enumerate(contents)]
    desk.children[1].children[0].value = tuple(files)
    return desk.children[2].children


def test_identify_fuses_photos_warns_and_escapes(suspects):
    photos, model = [Path(path).read_bytes() for path in suspects["image_path"]], Model()
    desk = widgets.identify(model)
    refused, card = upload(desk, photos[0], b"bad", photos[1])
    assert "&lt;1&gt;.jpg</b> was not read" in refused.value and model.asked == [
        (2, ["auto"] * 2, [])
    ]
    told = card.children[1].value
    assert (
        "Only &lt;roses&gt;." in told
        and "Rosa &lt;i&gt;" in told
        and "90.0%" in told
        and "<i>Acer</i> 0.50" in told
    )
    assert "Not sure of the species: genus <i>Rosa</i>" in told and "At most 10%" in told
    organs = [pair.children[1] for pair in card.children[0].children]
    assert [organ.label for organ in organs] == ["auto: leaf"] * 2, "what it was taken for"
    organs[1].value = "bark"
    desk.children[1].children[2].value = ("Acer",)
    assert model.asked[1:] == [(2, ["auto", "bark"], []), (2, ["auto", "bark"], ["Acer"])]
    desk.children[1].children[1].value = False
    assert len(desk.children[2].children) == 3, "the refusal, and a card for each photo"


def test_a_place_is_asked_for_where_the_model_knows_places_and_can_be_switched_off(suspects):
    model = Model()
    model.knows_places = True
    desk = widgets.identify(model)
    photo = Path(suspects["image_path"][0]).read_bytes()
    (card,) = upload(desk, photo)
    assert model.where is None  # the photo says nothing
    use, place = desk.children[1].children[3:]
    assert place.layout.display is None is use.layout.display
    place.value = "45.2, 3.1"
    assert model.where == Where(45.2, 3.1)
    assert "Weighed with what grows at 45.200, 3.100." in card.children[1].value
    place.value = "over <there>"
    assert (
        "such as 45.2, 3.1" in card.children[1].value and "&lt;there&gt;" in card.children[1].value
    )
    place.value = "45.2, 3.1"
    use.value = False  # a garden
    assert model.where is None and "Weighed" not in card.children[1].value
    assert widgets.identify(Model()).children[1].children[3].layout.display == "none"


def test_identify_says_when_it_is_not_sure():
    for model, words in {
        Model(rank="not sure"): "Not sure. Most likely:",
        Model(unlike=True): "Unlike anything this model has learnt.",
    }.items():
        assert words in widgets.tell(model.answer([b""], [], []), 0.1)
    assert "of such answers" not in widgets.tell(Model(rank="not sure").answer([b""], [], []), 0.1)


def test_identify_warns_above_every_answer_about_invented_plants_only(suspects):
    photo = Path(suspects["image_path"][0]).read_bytes()
    for kind, times in {"generated": 1, "photographs": 0}.items():
        (card,) = upload(widgets.identify(Model(kind)), photo)
        assert card.children[1].value.count("Only &lt;roses&gt;.") == times


def test_identify_keeps_a_vote(suspects, tmp_path):
    photo = Path(suspects["image_path"][0]).read_bytes()
    (card,) = upload(widgets.identify(Model(), tmp_path / "votes"), photo)
    species, by, button, status = card.children[2].children
    assert species.value == "Rosa <i>", "the first name, to be confirmed"
    button.click()
    assert "name of who votes" in status.value and read_votes(tmp_path / "votes").empty
    species.value, by.value = "Acer", "Ada"
    button.click()
    kept = read_votes(tmp_path / "votes").iloc[0]
    assert [kept["species"], kept["by"], kept["answered"]] == [
        "Acer",
        "Ada",
        "Rosa <i>",
    ] and "Kept" in status.value


def test_a_slider_has_a_stand_in_where_nobody_reads(monkeypatch, capsys):
    from plantlab import plots

    drawn = []
    monkeypatch.setenv("PLANTLAB_RUN", "default")
    plots.turn(drawn.append, tau=(0, 2, 0.5))
    assert "A slider for tau stands here" in capsys.readouterr().out and not drawn
    monkeypatch.delenv("PLANTLAB_RUN")
    plots.turn(lambda tau: drawn.append(tau), tau=(0, 2, 0.5))
    assert drawn == [1.0], "drawn at the middle until it is turned"
