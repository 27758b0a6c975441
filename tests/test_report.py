"""The index page, from executed copies and records that lie there; test_runs.py has what runs."""

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from plantlab.notebook import course, report

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = """--headless=new --no-sandbox --disable-gpu --disable-background-networking --no-first-run
--disable-component-update --disable-sync --disable-dev-shm-usage""".split()
TITLES = {"01_leaves": "01. Leaves", "02_roots": "02. Roots", "90_seeds": "90. Seeds"}
BULLETS = "- Of 238 plants <half> are named; 26.5% (20.1 to 33.0).\n- More.\nholds: a claim\n"


def picture(width: int = 1200, height: int = 500, colour: str = "seagreen") -> str:
    """Return a figure as a notebook keeps it."""
    Image.new("RGB", (width, height), colour).save(file := io.BytesIO(), "png")
    return base64.b64encode(file.getvalue()).decode()


def figure_cell(png: str, *tags: str):
    shown = [new_output("display_data", {"image/png": png})] if png else []
    return new_code_cell("plot()", outputs=shown, metadata={"tags": ["figure", *tags]})


def write_lesson(path: Path, title: str, ran=False, bullets=BULLETS, png="") -> Path:
    """Write a notebook that asks, shows and finds, as stored (`ran` false) or as executed."""
    text = [new_output("stream", name="stdout", text=bullets)] if bullets else []
    cells = [
        new_markdown_cell(f"# {title}\n\n**What is {title}?**\n\nYou will learn"),
        figure_cell(png),
        new_code_cell("tell()", outputs=text, metadata={"tags": ["findings"]}),
    ]
    for cell in cells[1:]:
        cell.metadata |= {"papermill": {"status": "completed"}} if ran else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)
    return path


def execute(name: str, title: str, run: str = "default", **options) -> Path:
    """Write an executed copy, as a run leaves it."""
    return write_lesson(Path("results", name, run, f"{name}.ipynb"), title, ran=True, **options)


@pytest.fixture
def two(project):
    """Return a project of two lessons and an appendix, whose stored outputs are of another day."""
    for name, title in TITLES.items():
        path = project / "notebooks" / f"{name}.ipynb"
        write_lesson(path, title, bullets="- Stored elsewhere.\n")
    return project


def page() -> str:
    return report.write_index().read_text(encoding="utf-8")


def card_of(name: str, text: str) -> str:
    """Return one card of the course at a glance."""
    cards = re.findall(r'<li class="card.*?</li>', text, flags=re.S)
    return next(card for card in cards if f'data-notebook="{name}"' in card)


def fold_of(name: str, text: str) -> str:
    return text.split(f'<details class="fold" id="{name}"')[1].split("<!-- end of the fold -->")[0]


# at a glance


def test_a_card_has_title_figure_finding_and_links(two):
    execute("01_leaves", "01. Leaves", png=picture())
    text = page()
    card = card_of("01_leaves", text)
    assert "Leaves" in card and "data:image/webp;base64," in card
    assert "Of 238 plants &lt;half&gt; are named; 26.5% (20.1 to 33.0)." in card
    assert "More." not in card and "holds" not in card, "one sentence, the rest is folded"
    assert 'href="#01_leaves"' in card and 'href="01_leaves/default/01_leaves.ipynb"' in card
    assert "1 of 2 notebooks have run here" in text


def test_what_has_not_run_waits_with_its_question_and_no_stored_finding(two):
    execute("01_leaves", "01. Leaves")
    text = page()
    card = card_of("02_roots", text)
    assert "Roots" in card and "What is 02. Roots?" in card and "not run here yet" in card
    assert "Stored" not in text and "<img" not in card and 'id="02_roots"' not in text


def test_the_course_shows_before_anything_ran(two):
    text = page()
    assert text.count("not run here yet") == 2 and "0 of 2 notebooks have run here" in text


def test_an_appendix_has_a_card_once_it_ran(two):
    assert "90_seeds" not in page()
    execute("90_seeds", "90. Seeds")
    assert "Of 238 plants" in card_of("90_seeds", page())
    assert "0 of 2 notebooks have run here" in page(), "an appendix is no lesson"


def test_badge_and_minutes_come_from_the_record(two):
    copy = execute("01_leaves", "01. Leaves")
    made = {"data": {"kind": "generated"}, "scores": [], "claims": [], "seconds": 150}
    copy.with_name("record.json").write_text(json.dumps(made))
    card = card_of("01_leaves", page())
    assert '<span class="badge generated">generated</span>' in card and "2.5 min" in card


def test_the_card_shows_the_defaults_where_other_runs_are_newer(two):
    execute("01_leaves", "01. Leaves", bullets="- At the defaults.\n")
    newer = execute("01_leaves", "01. Leaves", run="epochs=5", bullets="- At five.\n")
    os.utime(newer, (time.time() + 60,) * 2)
    text = page()
    card = card_of("01_leaves", text)
    assert "At the defaults." in card and "At five." not in card
    assert "At five." in fold_of("01_leaves", text)


def test_a_run_that_is_not_of_the_defaults_says_so(two):
    execute("01_leaves", "01. Leaves", run="dataset=garden")
    assert "run dataset=garden" in card_of("01_leaves", page())


# which figure


def test_the_cover_is_the_tagged_figure_or_else_the_first():
    red, blue = (picture(40, 20, colour) for colour in ("red", "blue"))
    cells = [figure_cell(""), figure_cell(red), figure_cell(blue, "cover")]
    assert colour_of(course.cover(cells)) == "blue"
    assert colour_of(course.cover(cells[:2])) == "red", "one that drew nothing is none"
    assert course.cover(cells[:1]) == "" and course.cover([]) == ""


def colour_of(source: str) -> str:
    shown = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).convert("RGB")
    red, _, blue = shown.getpixel((shown.width // 2, shown.height // 2))
    return "red" if red > blue else "blue"


SIZES = [((1200, 500), (480, 200)), ((800, 420), (480, 252)), ((800, 1100), (480, 216))]


@pytest.mark.parametrize("size, shown", SIZES)
def test_a_cover_is_small_and_of_a_tall_figure_the_top(size, shown):
    source = course.cover([figure_cell(picture(*size))])
    small = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2])))
    assert small.size == shown


# folds


@pytest.mark.slow
@pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Chromium and chromedriver")
def test_a_link_opens_its_fold_and_printing_opens_all(two):
    webdriver = pytest.importorskip("selenium.webdriver")
    for name in ("01_leaves", "02_roots"):
        execute(name, name)
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in FLAGS:
        options.add_argument(flag)
    browser = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    opened = "return [...document.querySelectorAll('details[open]')].map(fold => fold.id)"
    try:
        browser.get(report.write_index().as_uri() + "#01_leaves")
        assert browser.execute_script(opened) == ["01_leaves"]
        browser.execute_script("document.getElementById('01_leaves').open = false")
        browser.execute_script("document.querySelector('.card a').click()")
        assert browser.execute_script(opened) == ["01_leaves"], "the address is the same"
        browser.execute_script("document.querySelectorAll('.card h2 a')[1].click()")
        time.sleep(0.3)  # hashchange is told a little later
        assert browser.execute_script(opened) == ["01_leaves", "02_roots"]
        browser.execute_script("document.getElementById('01_leaves').open = false")
        browser.execute_script("dispatchEvent(new Event('beforeprint'))")
        assert browser.execute_script(opened) == ["01_leaves", "02_roots"]
        browser.execute_script("dispatchEvent(new Event('afterprint'))")
        assert browser.execute_script(opened) == ["02_roots"], "as it was before"
        wide = "return document.documentElement.scrollWidth"
        browser.set_window_size(500, 900)
        assert browser.execute_script(wide) <= 500
    finally:
        browser.quit()


def test_what_is_more_than_a_sentence_folds_and_the_script_opens_it(two):
    copy = execute("01_leaves", "01. Leaves", png=picture())
    claims = [{"text": "a leaf is green", "holds": True}, {"text": "a leaf is red", "holds": False}]
    copy.with_name("record.json").write_text(json.dumps({"claims": claims, "scores": []}))
    text = page()
    fold = fold_of("01_leaves", text)
    assert "a leaf is green" in fold and "More." in fold and 'loading="lazy"' in fold
    assert "1 of 2 claims hold" in fold
    assert "<details open" not in text
    assert "hashchange" in text and "beforeprint" in text
    for outside in ('src="http', 'href="http', "@import", "<script src", "url(http"):
        assert outside not in text


def test_records_on_photographs_fold_by_notebook(two):
    data = {"name": "oxford102", "kind": "photographs", "n_images": 6149}
    row = {"method": "two-step", "split": "test", "n": 4110, "top1": 0.912}
    for name, run in [("01_leaves", "a"), ("01_leaves", "b"), ("02_roots", "a")]:
        folder = Path("results", name, run)
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(json.dumps({"data": data, "scores": [row]}))
    text = page()
    leaves, roots = (fold_of(f"photographs-{name}", text) for name in ("01_leaves", "02_roots"))
    assert leaves.count("0.912") == 2 and roots.count("0.912") == 1
    assert "2 records" in leaves and "Roots" in roots


# what was killed


def test_a_copy_that_was_killed_or_cut_off_is_told_and_hides_nothing(two):
    execute("01_leaves", "01. Leaves")
    killed = execute("02_roots", "02. Roots", bullets="")
    cells = json.loads(killed.read_text())
    cells["cells"][2]["metadata"]["papermill"]["status"] = "running"
    killed.write_text(json.dumps(cells))
    card = card_of("02_roots", page())
    assert "did not reach its end" in card and "What is 02. Roots?" in card
    killed.write_text('{"cells": [{"cell')
    text = page()
    assert "did not reach its end" in card_of("02_roots", text)
    assert "Of 238 plants" in card_of("01_leaves", text)


def test_a_run_that_failed_is_told_on_its_card(two):
    copy = execute("01_leaves", "01. Leaves", bullets="")
    notebook = nbformat.read(copy, 4)
    notebook.cells[2].outputs = [new_output("error", ename="ValueError", evalue="no", traceback=[])]
    nbformat.write(notebook, copy)
    made = {"data": {"kind": "generated"}, "claims": [{"text": "of yesterday", "holds": True}]}
    copy.with_name("record.json").write_text(json.dumps(made | {"scores": [], "seconds": 150}))
    text = page()
    assert "stopped with an error" in card_of("01_leaves", text)
    assert "stopped with an error" in fold_of("01_leaves", text)
    assert "of yesterday" not in text and "2.5 min" not in text, "the record is of a run before"


KILLED_WHILE_WRITING = """
import os
from plantlab import files
from plantlab.notebook import report
files.os.replace = lambda *paths: os._exit(9)
report.write_index()
"""


def test_a_run_that_is_killed_while_it_writes_leaves_the_last_page_whole(two):
    before = page()
    execute("01_leaves", "01. Leaves")
    assert subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING]).returncode == 9
    assert Path("results/index.html").read_text(encoding="utf-8") == before
    assert before.rstrip().endswith("</html>")


# the rest of the page


def test_committed_records_on_photographs_stand_apart(project):
    folder = project / "results" / "02_transfer" / "dataset=flowers"
    folder.mkdir(parents=True)
    row = {"method": "two-step", "split": "test", "n": 4110, "top1": 0.912}
    row |= {"top1_low": None, "top1_high": None}
    data = {"name": "oxford102", "kind": "photographs", "n_images": 6149, "n_species": 102}
    made = {"data": data, "scores": [row], "claims": [], "seconds": 60}
    (folder / "record.json").write_text(json.dumps(made))
    text = page()
    assert "Recorded on photographs" in text and "oxford102" in text and "6,149 images" in text
    assert "0.912" in text and "4,110" in text and "&ndash;" not in text.split("</header>")[1]


def test_a_record_that_is_cut_off_is_named(project):
    record = project / "results" / "01_leaves" / "default" / "record.json"
    record.parent.mkdir(parents=True)
    record.write_text('{"notebook": ')
    with pytest.raises(ValueError, match=r"record\.json is cut off or no JSON file; delete it"):
        report.write_index()


def test_the_page_is_whole_even_with_nothing_to_show(project):
    assert "plantlab" in page()
