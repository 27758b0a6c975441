"""The widgets' side in Python, with the messages that their side in the browser sends; the browser is in test_browser."""

import io
import time

import pandas as pd
import pytest
from PIL import Image

from plantlab import widgets
from plantlab.decisions import decide, read_decisions
from plantlab.photos import PhotoError
from plantlab.table import TableError


@pytest.fixture
def suspects(tmp_path):
    rows = []
    for i, label in enumerate(["daisy", "rose", "<b>tulip</b>", None]):
        Image.new("RGB", (1200, 800), (60 * i, 120, 80)).save(tmp_path / f"{i}.jpg")
        rows.append({"image_path": str(tmp_path / f"{i}.jpg"), "sha1": f"s{i}", "species": label, "score": 0.01234 * i})
    return pd.DataFrame(rows).assign(suggested=["rose", ["daisy", "rose", "iris"], None, "daisy"])


class Browser:
    """What the browser would do: send a message, look at what comes back."""

    def __init__(self, widget, monkeypatch):
        self.widget, self.heard = widget, []
        monkeypatch.setattr(widget, "send", lambda content, buffers=None: self.heard.append((content, buffers)))

    def ask(self, **content):
        self.widget._handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})
        return self.heard[-1]

    def decide(self, row, decision, species=""):
        return self.ask(do="decide", id="1", row=row, decision=decision, species=species)[0]


@pytest.fixture
def open_review(monkeypatch):
    return lambda *args, **options: Browser(widgets.review(*args, **options), monkeypatch)


def test_review_opens_with_labels_suggestions_and_reasons(suspects, tmp_path, open_review):
    decide(tmp_path / "d.jsonl", "s1", "rose", "relabel", "iris")
    page, _ = open_review(suspects, tmp_path / "d.jsonl", ["lily"], page=3).ask(do="open")
    assert [photo["label"] for photo in page["photos"]] == ["daisy", "rose", "<b>tulip</b>", ""]
    assert [photo["suggested"] for photo in page["photos"]] == [["rose"], ["daisy", "iris"], [], ["daisy"]]
    assert [photo["why"] for photo in page["photos"]][1] == "score 0.012"
    assert page["species"] == ["<b>tulip</b>", "daisy", "iris", "lily", "rose"] and page["page"] == 3
    assert page["states"] == [None, {"decision": "relabel", "species": "iris"}, None, None]
    assert str(tmp_path) not in str(page), "the browser has no need of paths"


def test_reasons_may_be_sentences(suspects, tmp_path, open_review):
    suspects = suspects.assign(reason="two labels")
    page, _ = open_review(suspects, tmp_path / "d.jsonl", why=["reason", "score"]).ask(do="open")
    assert page["photos"][2]["why"] == "two labels, score 0.025"
    page, _ = open_review(suspects.drop(columns=["score", "suggested"]), tmp_path / "d.jsonl", why=()).ask(do="open")
    assert page["photos"][2]["why"] == "" and page["photos"][0]["suggested"] == []


def test_a_decision_is_saved_before_it_is_answered_and_survives_a_restart(suspects, tmp_path, open_review):
    browser = open_review(suspects, tmp_path / "d.jsonl", by="Ann")
    answer = browser.decide(0, "relabel", "rose")
    assert answer["do"] == "saved" and answer["id"] == "1" and answer["rows"] == [0]
    assert read_decisions(tmp_path / "d.jsonl")[["sha1", "label", "decision", "species", "by"]].to_numpy().tolist() == [
        ["s0", "daisy", "relabel", "rose", "Ann"]
    ]
    browser.decide(1, "drop")
    browser.decide(2, "confirm")
    browser.decide(1, "undo")
    again, _ = open_review(suspects, tmp_path / "d.jsonl").ask(do="open")
    assert [state and state["decision"] for state in again["states"]] == ["relabel", None, "confirm", None]


def test_copies_of_a_photo_under_one_label_are_decided_together(suspects, tmp_path, open_review):
    twice = pd.concat([suspects, suspects.iloc[[0]], suspects.iloc[[0]].assign(species="rose")], ignore_index=True)
    assert open_review(twice, tmp_path / "d.jsonl").decide(0, "drop")["rows"] == [0, 4]


@pytest.mark.parametrize(
    "row, decision, species, said",
    [
        (0, "relabel", "ros", "there is no species 'ros' here; did you mean rose?"),
        (0, "relabel", "xxxxxx", "there is no species 'xxxxxx' here; name it in review(species=...)."),
        (3, "confirm", "", "a photo without a label cannot be confirmed"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(suspects, tmp_path, open_review, row, decision, species, said):
    answer = open_review(suspects, tmp_path / "d.jsonl").decide(row, decision, species)
    assert answer["do"] == "refused" and said in answer["why"] and not (tmp_path / "d.jsonl").exists()


def test_a_disk_that_refuses_is_told(suspects, tmp_path, open_review):
    browser = open_review(suspects, tmp_path / "folder" / "d.jsonl")
    (tmp_path / "folder").write_text("a file where the folder should be")
    answer = browser.decide(0, "drop")
    assert answer["do"] == "refused" and "folder" in answer["why"]


def test_photos_come_small_and_what_cannot_be_read_says_why(suspects, tmp_path, open_review):
    (tmp_path / "1.jpg").write_bytes(b"no photo")
    (tmp_path / "2.jpg").unlink()
    want = [[0, 160], [0, 640], [1, 160], [2, 160]]
    answer, jpegs = open_review(suspects, tmp_path / "d.jsonl").ask(do="photos", id="7", want=want, soon=[[3, 160]])
    assert answer["problems"] == ["", "", "not an image that Pillow reads", "missing"] and answer["id"] == "7"
    assert [Image.open(io.BytesIO(jpeg)).size for jpeg in jpegs[:2]] == [(160, 107), (640, 427)]
    assert jpegs[2:] == [b"", b""] and len(jpegs[0]) < 10_000


def test_a_page_of_50_comes_in_a_second_and_a_key_in_a_tenth(tmp_path, open_review):
    Image.effect_noise((2048, 1536), 60).convert("RGB").save(tmp_path / "a.jpg")
    many = pd.DataFrame(
        {"image_path": str(tmp_path / "a.jpg"), "sha1": [f"s{i}" for i in range(200)], "species": "daisy"}
    )
    browser = open_review(many, tmp_path / "d.jsonl", why=(), page=50)
    start = time.perf_counter()
    browser.ask(do="open")
    for first in range(0, 50, 6):
        browser.ask(do="photos", id="1", want=[[i, 160] for i in range(first, min(first + 6, 50))], soon=[])
    loaded = time.perf_counter()
    for row in range(20):
        browser.decide(row, "confirm")
    saved = time.perf_counter()
    assert loaded - start < 3 and (saved - loaded) / 20 < 0.1, (loaded - start, saved - loaded)  # a busy machine: 3


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
    shown = {name: value for name, value in review.get_state().items() if name not in ("_esm", "_css")}
    assert len(str(shown)) < 2000, "photos and labels must not be part of the state, which notebooks may store"


def test_identify_shows_answers_and_escapes_names(monkeypatch):
    def answer(content):
        if content == b"bad":
            raise PhotoError("truncated")
        return pd.DataFrame({"species": ["Rosa <i>", "Acer"], "score": [0.9, 0.1], "rank": [1, 2]})

    monkeypatch.setattr(widgets, "open_photo", lambda content: None)
    box = widgets.identify(answer, "Only <roses>")
    files = [{"name": "<a>.jpg", "content": memoryview(b"good")}, {"name": "b.jpg", "content": memoryview(b"bad")}]
    upload, answers = box.children
    upload.notify_change({"name": "value", "type": "change", "new": files, "old": (), "owner": upload})
    note, card, refused = answers.children
    assert "Only &lt;roses&gt;" in note.value
    assert (
        "&lt;a&gt;.jpg" in card.children[1].value
        and "Rosa &lt;i&gt;" in card.children[1].value
        and "90.0%" in card.children[1].value
    )
    assert "b.jpg</b> was not read: truncated" in refused.value
