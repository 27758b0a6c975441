"""Each notebook and each solution keeps to the house's template and runs from top to bottom, without a network.

They run on a copy, at the quick parameters below. At its defaults a notebook is run by `make notebooks`, which
writes the outputs that are committed; here a notebook without quick parameters is compared with those.
"""

import ast
import functools
import html
import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from papermill.parameterize import parameterize_notebook
from PIL import Image
from test_density import tokens_by_line
from test_wild import archive, coco, photos

from plantlab import greenhouse
from plantlab.notebook import course, told
from plantlab.notebook.cells import read_parameters
from plantlab.notebook.workshop import write_workshop

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
PATHS = sorted(NOTEBOOKS.rglob("[0-9][0-9]_*.ipynb"))
MAIN = [path for path in PATHS if path.parent == NOTEBOOKS]
QUICK = {  # by notebook; what a notebook or its solution does not have is left out
    "01_data_exploration": {},
    "02_transfer_learning": {"epochs": 1, "max_images": 6, "image_size": 32, "shots": [3], "k": 3},
    "03_data_augmentation": {
        "epochs": [1, 1],
        "image_size": 32,
        "shots": [2, 4],
        "augments": ["none", "mixup"],
        "k": 3,
    },
    "04_noisy_web_data": {"trusted": 5, "image_size": 48, "penalties": [1]},
    "05_long_tail": {"image_size": 48, "penalties": [1], "taus": [1]},
    "06_observations_and_organs": {"image_size": 48, "partners": [], "radii": [100], "months": [6]},
    "07_similarity_search": {"image_size": 48, "shots": [1], "sizes": [1000, 2000]},
    "08_identify": {"image_size": 32, "epochs": 0},
    "09_many_species": {"points": 300, "sizes": [300], "image_size": 48},
    "10_vegetation_plots": {"n_plots": 9, "image_size": 48, "tile_size": 256},
    "11_many_machines": {"image_size": 48, "batch_size": 4, "steps": 2},
    "12_herbarium_to_field": {
        "image_size": 48,
        "species": 12,
        "photos_each": 40,
        "other_flora": 6,
        "shots": [2, 4],
    },
    "13_bird_songs": {
        "species": 4,
        "n_recordings": 80,
        "n_places": 4,
        "copies": 1,
        "image_size": 48,
    },
    "14_published_figures": {},  # compared with its stored outputs
    "15_health_and_keys": {
        "dataset": "greenhouse",
        "species": 18,
        "photos_each": 8,
        "n_seedlings": 108,
        "ill_species": 9,
        "n_leaves": 180,
        "shots": [1, 2],
        "image_size": 48,
    },
}
SMALL = {"n_species": 8, "n_images": 700, "image_size": 48}  # the flora that they run on
MAX_BYTES, MAX_LINES, MAX_COLUMNS, MAX_IMPORTS = 600_000, 12, 100, 6

each = pytest.mark.parametrize(
    "path", PATHS, ids=lambda p: p.relative_to(NOTEBOOKS).with_suffix("").as_posix()
)
each_main = pytest.mark.parametrize("path", MAIN, ids=lambda p: p.stem)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def tagged(notebook, tag: str) -> list:
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def code_of(notebook) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def text_of(notebook) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def declared_of(quick: dict, notebook: nbformat.NotebookNode) -> dict:
    """Return those of the quick parameters that the notebook has."""
    declared = {
        p.name for cell in tagged(notebook, "parameters") for p in read_parameters(cell.source)
    }
    return {name: value for name, value in quick.items() if name in declared}


@functools.cache
def small_flora() -> str:
    """Return the table of a small flora, grown once, in the project's data."""
    images = greenhouse.build(**SMALL)
    return str(Path(images["image_path"][0]).parents[2] / "images.csv")


def quick_of(notebook: str) -> dict:
    """Return the quick parameters of a notebook; 01 is compared with its stored outputs."""
    quick = QUICK.get(notebook, {})
    return {"dataset": small_flora(), **quick} if quick else {}


def quick_copy(path: Path, quick: dict) -> nbformat.NotebookNode:
    """Return the notebook with quick parameters put in; other numbers come out then, so none is compared."""
    notebook = read(path)
    quick = declared_of(quick, notebook)
    if quick:
        notebook.metadata.papermill = {}
        for cell in notebook.cells:
            cell.metadata.setdefault("tags", [])  # as papermill's own reader leaves them
        notebook = parameterize_notebook(notebook, quick)
        for cell in tagged(notebook, "nbval-check-output"):
            cell.metadata.tags.remove("nbval-check-output")
    return notebook


def run_in_project(command: list[str], folder: Path, **more: str) -> subprocess.CompletedProcess:
    """Run a command in `folder`, a project of its own that shares the project's built data."""
    (folder / "pyproject.toml").write_text('[project]\nname = "plantlab"\n')
    data = NOTEBOOKS.parent / "data"
    if data.is_dir() and not (folder / "data").exists():
        (folder / "data").symlink_to(data)
    threads = max(1, (os.cpu_count() or 1) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1)))
    left_out = ("PYTEST_", "MPLBACKEND", "PLANTLAB_RUN")
    env = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    env |= {"OMP_NUM_THREADS": str(threads), **more}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)


def run_through(notebook, folder: Path) -> subprocess.CompletedProcess:
    """Execute a notebook with nbval in `folder`, a project of its own."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    nbformat.write(notebook, folder / "notebook.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    command += ["-p", "no:xdist", "--nbval-lax", "--nbval-current-env", "notebook.ipynb"]
    return run_in_project(command, folder, PLANTLAB_RUN="test")


# Each notebook is a group of its own: pytest -n 2 --dist loadgroup then runs two at a time.
@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [pytest.param(p, marks=pytest.mark.xdist_group(str(p.relative_to(NOTEBOOKS)))) for p in PATHS],
    ids=lambda p: p.relative_to(NOTEBOOKS).with_suffix("").as_posix(),
)
def test_it_runs_from_top_to_bottom(path, tmp_path):
    done = run_through(quick_copy(path, quick_of(path.stem)), tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.parametrize("notebook", ["01_data_exploration", "02_transfer_learning"])
@pytest.mark.parametrize("layout", ["archive", "coco"])
def test_published_layouts_go_through_by_one_parameter(layout, notebook, tmp_path):
    folder = tmp_path / "photographs"
    folder.mkdir()
    if layout == "archive":
        archive(folder, n=30)
    else:
        photos(folder, *(f"photos/{i}.jpg" for i in range(60)))
        coco(folder, "train_mini.json", list(range(40)))
        coco(folder, "val.json", list(range(40, 60)))
    quick = QUICK[notebook] | {"dataset": str(folder)}
    done = run_through(quick_copy(NOTEBOOKS / f"{notebook}.ipynb", quick), tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.xdist_group("02_transfer_learning.ipynb")
def test_papermill_runs_a_notebook_as_the_readme_says(tmp_path):
    readme = (NOTEBOOKS.parent / "README.md").read_text(encoding="utf-8")
    line = "papermill notebooks/02_transfer_learning.ipynb out.ipynb -p epochs 1"
    assert f"\n{line}" in readme
    (tmp_path / "notebooks").symlink_to(NOTEBOOKS)
    path = NOTEBOOKS / "02_transfer_learning.ipynb"
    quick = declared_of(quick_of(path.stem), read(path))
    command = [sys.executable, "-m", *line.split(), "-y", json.dumps(quick)]
    done = run_in_project(command, tmp_path)
    assert done.returncode == 0, done.stderr[-4000:]
    record = tmp_path / "results" / "02_transfer_learning" / "by-hand" / "record.json"
    params = json.loads(record.read_text(encoding="utf-8"))["params"]
    assert params["epochs"] == 1 and params["shots"] == [3]


def test_the_long_tail_takes_a_folder_of_class_folders(tmp_path):
    """It brings no split: one is made before its train part is thinned."""
    for k, name in enumerate(["Aster alba", "Aster nova", "Rosa vera"]):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for i in range(12):
            noise = np.random.default_rng([k, i]).integers(0, 256, (40, 40, 3), np.uint8)
            Image.fromarray(noise).save(tmp_path / "mine" / name / f"{i}.png")
    notebook = quick_copy(
        NOTEBOOKS / "05_long_tail.ipynb", {"dataset": str(tmp_path / "mine"), "imbalance": 3}
    )
    end = next(i for i, cell in enumerate(notebook.cells) if "splits.long_tail" in cell.source)
    notebook.cells = notebook.cells[: end + 1]
    done = run_through(notebook, tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


# the template


@each
def test_it_opens_with_a_title_and_a_question(path):
    first = read(path).cells[0]
    assert first.cell_type == "markdown"
    assert re.match(rf"# {path.stem[:2]}\. \S", first.source), "the first line is `# NN. Title`"
    assert "?" in first.source, "a notebook asks one question, in its first cell"


@each_main
def test_it_says_what_is_learnt_found_and_left_to_do(path):
    text = text_of(read(path))
    learnt = re.search(r"You will learn\W*\n((?:[-*] .*\n(?: +.*\n)*)+)", text)
    assert learnt and len(re.findall(r"^[-*] ", learnt[1], re.M)) == 3, "and three bullets"
    assert re.search(r"\bminutes?\b", text), "how many minutes, on what hardware"
    assert re.search(r"^## What we found", text, re.M)
    exercises = text.split("## Exercises")[1]
    assert 3 <= len(re.findall(r"^\d+\. ", exercises, re.M)) <= 5, (
        "three to five exercises, the last one open"
    )
    assert (NOTEBOOKS / "solutions" / path.name).exists(), "the exercises have solutions"


@each_main
def test_it_declares_parameters_and_saves_a_record(path):
    notebook = read(path)
    assert [len(tagged(notebook, tag)) for tag in ("parameters", "record")] == [1, 1]
    lines = tagged(notebook, "parameters")[0].source.splitlines()
    assert len(read_parameters("\n".join(lines))) == len(lines), (
        "one parameter a line and nothing else"
    )
    for line in lines:
        assert re.match(r"\w+: [\w\[\] |]+ = .+  # \S", line), (
            f"{line!r} is not `name: type = value  # help`"
        )
    assert "parameters(globals())" in "\n".join(code_of(notebook))
    assert f'"{path.stem}"' in tagged(notebook, "record")[0].source
    assert tagged(notebook, "figure"), (
        "the main figures are tagged `figure`: the index page shows them"
    )


@each
def test_its_cells_are_short_and_clean(path):
    notebook = read(path)
    for source in code_of(notebook):
        lines = [line for line in source.splitlines() if line.strip()]
        assert len(lines) <= MAX_LINES, (
            f"{len(lines)} lines in the cell that starts with {lines[0]!r}"
        )
        assert not re.search(r"^\s*[!%]\s*(pip|conda)|import \*", source, re.M)
        tree = ast.parse(re.sub(r"^\s*[%!].*$", "pass", source, flags=re.M))
        assert not [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef)], (
            "classes live in the package"
        )
    assert "nbval-skip" not in str([cell.metadata for cell in notebook.cells]), "every cell is run"
    assert notebook.metadata.kernelspec.name == "python3"


@each_main
def test_a_teacher_can_explain_each_cell_in_a_minute(path):
    notebook = read(path)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    cells = [cell.source for cell in cells if "parameters" not in cell.metadata.get("tags", [])]
    lines = [sum(bool(line.strip()) for line in source.splitlines()) for source in cells]
    tokens = [sum(tokens_by_line(without_magics(source)).values()) for source in cells]
    assert np.median(lines) <= 4 and np.quantile(lines, 0.9) <= 8
    assert np.quantile(tokens, 0.9) <= 90
    n_texts = sum(cell.cell_type == "markdown" for cell in notebook.cells)
    assert n_texts >= 0.8 * len(cells)


def without_magics(source: str) -> str:
    return "\n".join(line for line in source.splitlines() if not line.startswith(("%", "!")))


@each
def test_its_lines_fit_a_screen(path):
    lines = "\n".join(code_of(read(path))).splitlines()
    assert not [line for line in lines if len(line) > MAX_COLUMNS]


def is_ours(node: ast.AST) -> bool:
    """Return whether a statement imports from the package."""
    named = [node.module] if isinstance(node, ast.ImportFrom) else []
    named += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    return any(name.split(".")[0] == "plantlab" for name in named)


def bound_names(tree: ast.AST) -> set[str]:
    """Return what code gives a name to, imports aside: variables, functions and arguments."""
    names = {node.id for node in ast.walk(tree) if is_stored(node)}
    names |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return names | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


def is_stored(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


@each
def test_it_imports_in_six_lines_and_shadows_none_of_it(path):
    """A variable called `plants` hides the module `plants` from every cell below it."""
    tree = ast.parse("\n".join(code_of(read(path))))
    ours = [node for node in ast.walk(tree) if is_ours(node)]
    assert len(ours) <= MAX_IMPORTS, "import what belongs together in one line"
    imported = {alias.asname or alias.name for node in ours for alias in node.names}
    assert not imported & bound_names(tree)


@each
def test_it_names_no_place_on_a_disk(path):
    found = re.findall(
        r"(?:/(?:home|Users|root|tmp|opt|usr|work|mnt|var)/|\b[A-Z]:\\\\)[^\s\"']*",
        path.read_text(),
    )
    assert not found, f"absolute paths: {found[:3]}"


@each_main
def test_its_outputs_are_committed_and_tidy(path):
    notebook = read(path)
    assert path.stat().st_size <= MAX_BYTES, f"{path.stat().st_size:,} bytes"
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1)), (
        "run `make notebooks`: outputs of one run from top to bottom"
    )
    for cell in tagged(notebook, "figure"):
        kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
        assert kinds & {"image/png", "image/jpeg"}, f"no figure below {cell.source[:60]!r}"
    for output in (o for cell in notebook.cells for o in cell.get("outputs", [])):
        assert output.output_type != "error", output.get("evalue")
        text = str(output.get("text", "")) + str(output.get("data", {}).get("text/html", ""))
        assert not re.search(r"\d+%\|| \d+/\d+ \[|<progress|it/s\]", text), (
            "a progress bar in the stored output"
        )
        assert output.get("name") != "stderr", f"a warning in the stored output: {text[:200]}"
        assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})
    assert "widgets" not in notebook.metadata and "papermill" not in notebook.metadata


def test_readme_says_what_the_stored_outputs_say():
    """What the lessons found is written by `make notebooks`, and README stays short."""
    readme = (NOTEBOOKS.parent / "README.md").read_text(encoding="utf-8")
    assert readme == told.with_told(readme, told.told(NOTEBOOKS)), "run `make notebooks`"
    assert len(readme) <= 12_000


def test_the_page_of_results_says_what_its_records_say():
    root = NOTEBOOKS.parent
    page = (root / "results" / "README.md").read_text(encoding="utf-8")
    rows = told.results_told(root / "results")
    assert page == told.with_told(page, rows), "run `python -m plantlab.notebook.told`"
    assert "fastai fine_tune" in rows and rows.count("\n| 0") == len(told.GAINS)


def test_what_is_told_stands_between_its_marks():
    text = f"before\n{told.BEGIN}\nold\n{told.END}\nafter"
    assert told.with_told(text, "new") == f"before\n{told.BEGIN}\nnew\n{told.END}\nafter"
    with pytest.raises(ValueError, match="the page needs the two marks"):
        told.with_told("no marks", "new")


# the exercises


def closed_exercises(notebook) -> int:
    """Return how many exercises have one right answer: all but the last, which is open."""
    return len(re.findall(r"^\d+\. ", text_of(notebook).split("## Exercises")[1], re.M)) - 1


@each_main
def test_every_closed_exercise_has_a_stub_and_below_it_a_check(path):
    notebook = read(path)
    stubs, checks = tagged(notebook, "exercise"), tagged(notebook, "check")
    assert len(stubs) == len(checks) == closed_exercises(notebook), (
        "an `exercise` and a `check` cell for each"
    )
    for number, (stub, check) in enumerate(zip(stubs, checks), 1):
        left = ast.parse(stub.source).body
        assert len(left) == 1 and ast.unparse(left[0]).endswith(" = ..."), (
            "a stub is one line, `answer = ...`"
        )
        assert re.search(rf"# exercise {number}: \S", stub.source), (
            "its comment says what the answer is"
        )
        assert notebook.cells.index(check) == notebook.cells.index(stub) + 1
        answer = left[0].targets[0].id
        assert asks_the_package(check.source, f"{path.stem[:2]}.{number}", answer)


def asks_the_package(source: str, exercise: str, answer: str) -> bool:
    """Return whether a cell is one call of `check` that hands over names and reckons nothing."""
    (statement,) = ast.parse(source.rstrip(";")).body
    call = statement.value
    first = [ast.unparse(argument) for argument in call.args]
    named = (ast.Name, ast.Subscript)
    handed = all(isinstance(keyword.value, named) for keyword in call.keywords)
    return call.func.id == "check" and first == [repr(exercise), answer] and handed


@each_main
def test_what_is_right_is_said_by_the_package_with_a_hint(path):
    module = importlib.import_module(f"plantlab.notebook.exercises.lesson_{path.stem[:2]}")
    checks = {name: thing for name, thing in vars(module).items() if name.startswith("exercise_")}
    assert len(checks) == closed_exercises(read(path))
    assert all(len(check.__doc__.splitlines()) == 1 for check in checks.values())


@each_main
def test_a_stub_fails_its_check(path):
    for number, check in enumerate(tagged(read(path), "check"), 1):
        said = f"exercise {path.stem[:2]}.{number}: to do\n"
        assert [output.get("text") for output in check.outputs] == [said]


@each_main
def test_a_solution_asserts_the_same_checks(path):
    """It passes them, or test_it_runs_from_top_to_bottom stops at the assertion."""

    def plain(cell) -> str:
        source = re.sub(r"^assert (?=check\()", "", cell.source, flags=re.M)
        return ast.unparse(ast.parse(source.rstrip().rstrip(";")))

    checks, asserted = (
        tagged(read(p), "check") for p in (path, NOTEBOOKS / "solutions" / path.name)
    )
    assert [plain(cell) for cell in asserted] == [plain(cell) for cell in checks]
    assert all(re.search(r"^assert check\(", cell.source, re.M) for cell in asserted)


# the workshop


@pytest.fixture(scope="module")
def workshop(tmp_path_factory) -> Path:
    return write_workshop(tmp_path_factory.mktemp("students"))[0]


@each_main
def test_a_student_copy_holds_the_notebook_and_nothing_that_was_found_out(path, workshop):
    copy, notebook = read(workshop / path.name), read(path)
    nbformat.validate(copy)
    assert (
        code_of(copy) == code_of(notebook)
        and tagged(copy, "parameters")
        and tagged(copy, "exercise")
    )
    assert not [cell for cell in copy.cells if cell.get("outputs") or cell.get("execution_count")]
    assert "solutions/" not in (workshop / path.name).read_text(encoding="utf-8")


def test_the_copies_link_to_nothing_that_is_not_there(workshop):
    """In workshop/, that is: in a folder elsewhere only what links out of it is missing."""
    copies = sorted(path for path in workshop.iterdir() if path.is_file())
    assert [copy.name for copy in copies] == [*(path.name for path in MAIN), "WORKSHOP.md"]
    for copy in copies:
        text = text_of(read(copy)) if copy.suffix == ".ipynb" else copy.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!http)([^)#]+)", text):
            assert (workshop / target).exists() or Path(
                os.path.normpath(NOTEBOOKS / target)
            ).exists(), target


def test_the_workshop_tells_of_every_notebook():
    text = (NOTEBOOKS.parent / "WORKSHOP.md").read_text(encoding="utf-8")
    assert not [path.stem for path in MAIN if path.stem not in text]
    assert len(text.split()) <= 1700, "to be read in ten minutes"


MINUTES = {"a minute": 1, "two minutes": 2, "four minutes": 4}  # as a first cell says it


def test_the_timetables_add_up_and_leave_time_to_think():
    """Each row begins where the one before ends; a notebook has ten times what it computes."""
    text = (NOTEBOOKS.parent / "WORKSHOP.md").read_text(encoding="utf-8")
    tables = text.split("| start | minutes |")[1:]
    assert len(tables) == 3
    for table in tables:
        rows = re.findall(r"^\| (\d+):(\d\d) \| (\d+) \| (.*?) \|", table, re.MULTILINE)
        starts = [60 * int(hour) + int(minute) for hour, minute, _, _ in rows]
        lengths = [int(length) for _, _, length, _ in rows]
        assert starts[1:] == [start + length for start, length in zip(starts, lengths)][:-1]
        for (*_, what), length in zip(rows, lengths):
            named = re.search(r"`(\d\d_\w+)`", what)
            if named:
                first = read(NOTEBOOKS / f"{named[1]}.ipynb").cells[0].source
                said = re.search(rf"[Aa]bout ({'|'.join(MINUTES)})", " ".join(first.split()))
                assert length >= 10 * MINUTES[said[1]], what


def test_the_teacher_gets_slides_and_a_crib(workshop):
    slides = (workshop / "teacher" / "slides.html").read_text(encoding="utf-8")
    crib = (workshop / "teacher" / "crib.md").read_text(encoding="utf-8")
    assert slides.count("<section") > 5 * len(MAIN) and "http" not in slides.replace("xmlns", "")
    for path in MAIN:
        title = course.opening(read(path).cells)["title"]
        assert title in crib and html.escape(title) in slides
    assert crib.count("**Expected**") == len(MAIN) and crib.count("- *") >= 4 * len(MAIN)


# the tests' own tools, on a notebook of three cells


def tiny(check: str = "print(6 * 7)", stored: str = "42\n") -> nbformat.NotebookNode:
    v4 = nbformat.v4
    cell = v4.new_code_cell(check, metadata={"tags": ["nbval-check-output"]}, execution_count=2)
    cell.outputs = [v4.new_output("stream", text=stored)]
    parameters = v4.new_code_cell(
        "epochs: int = 9  # passes", metadata={"tags": ["parameters"]}, execution_count=1
    )
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return v4.new_notebook(cells=[parameters, cell], metadata={"kernelspec": kernel})


def test_quick_parameters_go_in_and_checks_come_off(tmp_path):
    nbformat.write(tiny(), tmp_path / "09_tiny.ipynb")
    quick = quick_copy(tmp_path / "09_tiny.ipynb", {"epochs": 1, "of_another_notebook": 2})
    assert "epochs = 1" in quick.cells[1].source and "another" not in quick.cells[1].source
    assert not tagged(quick, "nbval-check-output")
    assert tagged(quick_copy(tmp_path / "09_tiny.ipynb", {}), "nbval-check-output")


@pytest.mark.parametrize(
    "notebook, said",
    [
        (tiny(stored="41\n"), "mismatch 'stdout'"),
        (
            tiny("import urllib.request as u; u.urlopen('https://example.org')"),
            "tests run without a network",
        ),
    ],
    ids=["another output", "reaches for the network"],
)
def test_an_unsound_notebook_fails(notebook, said, tmp_path):
    done = run_through(notebook, tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert said in done.stdout and "1 passed" in done.stdout


def test_parameters_are_known_where_no_history_is_kept(tmp_path):
    """nbval keeps none; a notebook finds its defaults all the same."""
    ask = "from plantlab.notebook import parameters\nprint(parameters(globals()))"
    done = run_through(tiny(ask, stored="{'epochs': 9}\n"), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
