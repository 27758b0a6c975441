"""Collections that people teach the desk: photos kept, trainings that go on, pages that say so."""

import io
import subprocess
import sys
import time

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from plantlab.data.table import TableError
from plantlab.desk import learning, taught, upload
from plantlab.desk.herbarium import herbarium
from plantlab.desk.taught import Collection
from plantlab.desk.teach import teach
from plantlab.quality import votes


def jpeg(seed: int, tint: int = 0) -> bytes:
    small = np.random.default_rng(seed).integers(0, 120, (6, 8, 3), dtype=np.uint8)
    small[..., 0] += np.uint8(tint)
    content = io.BytesIO()
    photo = Image.fromarray(small).resize((64, 48), Image.Resampling.NEAREST)
    photo.save(content, "JPEG")
    return content.getvalue()


@pytest.fixture
def meadow(project):
    """Return a collection of two species with twelve photos each."""
    collection = Collection("meadow")
    paths = [f"mine/{name}/{i}.jpg" for name in ("red", "dark") for i in range(12)]
    rows, said = collection.known(paths)
    assert rows == list(range(24)) and said == ""
    for row in rows:
        tint = 130 if "red" in paths[row] else 0
        assert collection.keep(paths[row], jpeg(row, tint)) == ""
    return collection


def test_photos_are_kept_under_their_class_without_the_folder_above(meadow):
    assert sorted(path.name for path in meadow.photos.iterdir()) == ["dark", "red"]
    paths = ["mine/red/0.jpg", "mine/red/new.jpg", "mine/dark/1.jpg"]
    assert meadow.known(paths) == ([1], "2 are here already")


@pytest.mark.parametrize(
    "path", ["../red/1.jpg", "/red/../../1.jpg", "red/../../../1.jpg", "loose.jpg", "red/1.NEF"]
)
def test_what_lies_in_no_class_or_leads_out_is_not_kept(meadow, path):
    assert meadow.known([path, "red/2.jpg"])[0] == []
    before = sorted(meadow.folder.rglob("*"))
    assert meadow.keep(path, jpeg(0)) == "in no class folder"
    assert sorted(meadow.folder.rglob("*")) == before


def test_a_file_that_is_no_photo_is_said(meadow):
    assert "not an image" in meadow.keep("red/99.jpg", b"text")
    assert not (meadow.photos / "red" / "99.jpg").exists()


def test_there_is_a_most_of_photos(meadow, monkeypatch):
    monkeypatch.setattr(taught, "MOST", 30)
    rows, said = meadow.known([f"red/{i}.jpg" for i in range(40)])
    assert rows == [] and said == "28 photos; a collection takes at most 30."


@pytest.mark.parametrize("name", ["", " ", "../x", "a/b", ".hidden", "x" * 41, "end."])
def test_a_name_that_is_no_folder_is_refused(project, name):
    with pytest.raises(ValueError, match="a collection's name has 1 to 40 letters"):
        Collection(name)


def test_the_verdict_is_that_of_notebook_01_and_too_few_photos_are_a_sentence(meadow, project):
    verdict, images = meadow.verdict()
    assert verdict.verdict == "with care" and len(images) == 24
    few = Collection("few")
    few.known(["a/1.jpg", "b/1.jpg"])
    few.keep("a/1.jpg", jpeg(1))
    with pytest.raises(TableError):
        few.verdict()


def test_a_training_is_asked_for_runs_and_says_what_it_found(meadow, monkeypatch):
    started = []
    monkeypatch.setattr(taught.subprocess, "Popen", lambda command, **_: started.append(command))
    assert meadow.state() == {"step": "photos"}
    meadow.begin()
    assert started == [[sys.executable, "-m", "plantlab.desk.taught", str(meadow.folder)]]
    assert meadow.state() == {"step": "begins"}
    meadow.go_on()
    assert len(started) == 1, "it is still beginning"
    meadow._began -= 60
    assert meadow.state() == {"step": "stopped"}
    meadow.go_on()
    assert len(started) == 2, "it was killed, and goes on"
    with FileLock(meadow.folder / "lock"):
        meadow.tell("learns", share=0.5, seconds_left=20)
        assert meadow.state() == {"step": "learns", "share": 0.5, "seconds_left": 20}
        taught.main(str(meadow.folder))  # a second process leaves at once
        assert meadow.state()["step"] == "learns"


def test_why_a_training_failed_is_said(meadow, monkeypatch):
    (meadow.folder / "asked.json").write_text("{}")

    def fails(_):
        raise TableError("no plants")

    monkeypatch.setattr(taught, "_train", fails)
    taught.main(str(meadow.folder))
    assert meadow.state() == {"step": "failed", "why": "no plants"}
    (meadow.folder / "asked.json").write_text("{}")
    monkeypatch.setattr(taught, "_train", lambda _: 1 / 0)
    taught.main(str(meadow.folder))
    assert "log.txt" in meadow.state()["why"]


@pytest.mark.slow
def test_a_training_that_is_killed_goes_on_and_ends(meadow):
    meadow.begin()

    def step() -> str:
        return meadow.state()["step"]

    def until(steps: set[str]) -> None:
        ends = time.monotonic() + 240
        while step() not in steps:
            assert time.monotonic() < ends, (step(), (meadow.folder / "log.txt").read_text())
            time.sleep(0.1)

    until({"looks", "learns"})
    subprocess.run(["pkill", "-9", "-f", f"plantlab.desk.taught {meadow.folder}"], check=True)
    meadow._began = -1e9
    until({"stopped"})
    meadow.go_on()
    until({"done", "failed"})
    found = meadow.found()
    assert step() == "done" and found["scores"]["n"] > 0, meadow.state()
    page = teach(meadow.root)
    name, _, again = page.children[1].children
    name.value = "meadow"
    again.click()
    verdict, found = page.children[4].children
    assert [part.description for part in verdict.children[1:]] == ["Train again"]
    assert "It names" in found.children[0].value and "95 % interval" in found.children[0].value


# the page


def test_two_people_do_not_share_a_name_unless_they_say_so(meadow):
    page = teach(meadow.root)
    name, begin, again = page.children[1].children
    note = page.children[2]
    name.value = "meadow"
    begin.click()
    assert "If they are yours, go on with them" in note.value and not page.children[3].children
    again.click()
    assert note.value == "" and "24 photos: <i>" in page.children[3].children[2].value
    name.value = "garden"
    again.click()
    assert "no photos under this name yet" in note.value
    begin.click()
    verdict, found = page.children[4].children
    assert note.value == "" and verdict.children == found.children == ()


def test_photos_that_arrive_are_counted_and_those_refused_are_named(meadow):
    page = teach(meadow.root)
    name, _, again = page.children[1].children
    name.value = "meadow"
    again.click()
    button = page.children[3].children[1]
    told = []
    button.send = lambda message, *_: told.append(message)
    button._hear(button, {"do": "offer", "id": 1, "paths": ["red/new.jpg", "red/<b>.jpg"]}, [])
    button._hear(button, {"do": "photo", "id": 2, "path": "red/new.jpg"}, [jpeg(99, 130)])
    button._hear(button, {"do": "photo", "id": 3, "path": "red/<b>.jpg"}, [b"none"])
    button._hear(button, {"do": "done", "id": 4}, [])
    assert told[0] == {"id": 1, "want": [0, 1], "why": ""} and told[1]["problem"] == ""
    assert "red/&lt;b&gt;.jpg: not an image" in page.children[2].value
    assert "25 photos" in page.children[3].children[2].value


def test_what_was_found_is_told():
    pairs = [{"truth": "a<b", "answer": "c", "n": 2, "of": 8}]
    assert "2 of 8 <i>a&lt;b</i> taken for <i>c</i>" in learning._confused(pairs)
    scores = {"top1": 0.825, "top1_low": 0.7, "top1_high": 0.92, "n": 40}
    assert "names 82% right" in learning._score(scores)
    assert "no photos to examine it with" in learning._score({"n": 0})


# a class


@pytest.fixture
def class_page(project):
    """Return a page before which Ada, Bob and Cem stand in turn, and its parts by name."""
    page = herbarium("class", project / "data")
    names = "who note mine theirs standing learn learning".split()
    return dict(zip(names, page.children[1:]))


def stands(parts, name):
    parts["who"].children[0].value = name


def press(box, species):
    row = box.children[-1]
    row.children[0].value = species
    row.children[1].click()


def test_three_who_agree_make_a_plant_trusted_and_each_is_asked_once(class_page, project):
    parts = class_page
    stands(parts, "Ada")
    assert "Bring another" in parts["theirs"].children[0].value
    photos = [{"name": f"{i}.jpg", "content": jpeg(i)} for i in (1, 2)]
    bad = {"name": "<b>.txt", "content": b"none"}
    parts["who"].children[1].value = (*photos, bad)
    assert "&lt;b&gt;.txt: not an image" in parts["note"].value
    press(parts["mine"], "rosa  canina ")
    assert parts["mine"].children == () and "Plants: 1, trusted: 0" in parts["standing"].value
    assert "Bring another" in parts["theirs"].children[0].value, "one's own is not asked again"
    for name in ("Bob", "Cem"):
        stands(parts, name)
        assert len(parts["theirs"].children[1].children) == 2, "both photos of the plant"
        press(parts["theirs"], "Rosa canina")
        assert "Bring another" in parts["theirs"].children[0].value
    assert "Plants: 1, trusted: 1</b>: <i>Rosa canina</i> 1" in parts["standing"].value
    parts["learn"].click()
    assert "Two species with three trusted plants each" in parts["note"].value


def test_a_class_learns_from_trusted_plants_and_not_across_them(class_page, project, monkeypatch):
    begun = []
    monkeypatch.setattr(taught.Collection, "_start", lambda self: begun.append(self.name))
    folder = project / "data" / "votes" / "class"
    for i in range(8):
        photos = [jpeg(10 * i + k, 130 * (i % 2)) for k in range(2)]
        for by in ("Ada", "Bob", "Cem"):
            votes.vote(folder, photos, "Rosa alba" if i % 2 else "Poa annua", by)
    class_page["learn"].click()
    assert set(begun) == {"class"}
    images, bad = taught.Collection("class").images()
    assert len(images) == 16 and bad.empty
    assert images.groupby("obs_id")["split"].nunique().eq(1).all()
    assert images["obs_id"].nunique() == 8 and set(images["species"]) == {"Rosa alba", "Poa annua"}


# the button


def test_an_upload_holds_what_came_and_refuses_too_many(monkeypatch):
    button = upload.Upload()
    seen = []
    button.observe(lambda change: seen.append(change["new"]), "value")
    button.send = lambda *_: None
    for asked, buffers in [
        ({"do": "offer", "paths": ["1.jpg"]}, []),
        ({"do": "photo", "path": "1.jpg"}, [memoryview(b"x")]),
        ({"do": "done"}, []),
    ]:
        button._hear(button, asked | {"id": 0}, buffers)
    assert seen == [({"name": "1.jpg", "content": b"x"},)]
    monkeypatch.setattr(upload, "MOST", 1)
    assert button._offered(["1", "2"]) == {"want": [], "why": "2 photos; at most 1 at a time."}
    assert button._offered([]) == {"want": [], "why": "No photo in it."}
    assert "when this cell is run in Jupyter" in repr(button)
