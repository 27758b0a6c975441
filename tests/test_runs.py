"""plantlab.notebook.runs on tiny notebooks; test_cli.py has the command line."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image

from plantlab.notebook import cells, outputs, report, runs, sweeps, workshop
from plantlab.notebook.cells import Parameter

PARAMETERS = """\
dataset: str = "greenhouse"  # a folder, or the built-in flora
epochs: int = 2  # passes over the photos
lr: float = 0.01  # step
fast: bool = False  # skip the slow part
shots: list[int] = [1, 2]  # photos per species
weights: str | None = None  # a file
seed: int = 0  # starts every generator"""
SETUP = """\
import json, os, sys
from pathlib import Path
given = dict(dataset=dataset, epochs=epochs, lr=lr, fast=fast)
given |= dict(shots=shots, weights=weights, seed=seed)
run, threads = os.environ.get("PLANTLAB_RUN"), os.environ.get("OMP_NUM_THREADS")
print(f"{run} in {Path.cwd().name}, {threads} threads")
print(sys.executable)"""
FIGURE = """\
import base64
from IPython.display import Image, display
png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhf"
png += "DwAChwGA60e6kgAAAABJRU5ErkJggg=="
display(Image(base64.b64decode(png)))"""
STEP = """\
if epochs == 3:
    raise ValueError("no thirds")"""
RECORD = """\
score = {"method": "frozen", "split": "test", "n": 1234}
score |= {"top1": 0.78, "top1_low": 0.74, "top1_high": 0.81}
claims = [{"text": "a <leaf> is green", "holds": epochs != 4}]
data = {"name": "tiny", "kind": "generated", "hash": "0" * 12, "n_images": 2400, "n_species": 30}
made = dict(notebook=NAME, run=os.environ["PLANTLAB_RUN"], data=data, params=given)
made |= dict(scores=[score], claims=claims)
folder = Path("results", NAME, made["run"])
folder.mkdir(parents=True, exist_ok=True)
_ = (folder / "record.json").write_text(json.dumps(made | {"seconds": 150.0}))"""


def write_notebook(path: Path, step: str = STEP, setup: str = SETUP) -> Path:
    """Write a notebook of the house's template, so small that its kernel is all that takes time."""
    cells = [
        new_markdown_cell("# 01. Leaves\n\nHow *green* is a leaf?\n\nYou will learn\n- to look"),
        new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        new_code_cell(setup),
        new_code_cell(step),
        new_code_cell(FIGURE, metadata={"tags": ["figure"]}),
        new_markdown_cell("One **green** pixel.\n\nMore follows."),
        new_code_cell(f"NAME = {path.stem!r}\n" + RECORD, metadata={"tags": ["record"]}),
    ]
    for i, cell in enumerate(cells):
        cell.id = f"cell-{i}"
    kernel = {"name": "of-another-machine", "display_name": "Elsewhere", "language": "python"}
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


@pytest.fixture
def leaves(project):
    return write_notebook(project / "notebooks" / "01_leaves.ipynb")


def record_of(project: Path, run: str) -> dict:
    return json.loads((project / "results" / "01_leaves" / run / "record.json").read_text())


# what may be asked


@pytest.mark.parametrize(
    "name", ["01_leaves", "01", "notebooks/01_leaves.ipynb", "01_leaves.ipynb"]
)
def test_a_notebook_is_found_by_name_start_or_path(leaves, name):
    assert runs.find_notebook(name) == leaves


def test_a_solution_is_found_and_kept_apart(leaves):
    solution = write_notebook(leaves.parent / "solutions" / "01_leaves.ipynb")
    assert runs.find_notebook("solutions/01") == solution
    assert runs.results_folder("01", "default").parent.name == "01_leaves"
    assert runs.results_folder(solution, "default").parent.name == "solution_01_leaves"


def test_an_unknown_notebook_is_refused_with_the_near_name(leaves):
    with pytest.raises(
        ValueError,
        match=r"no notebook '01_leavs'; did you mean '01_leaves'\? There are: 01_leaves\.",
    ):
        runs.find_notebook("01_leavs")


def test_no_notebooks_at_all(project):
    with pytest.raises(ValueError, match="There are: none"):
        runs.find_notebook("01")
    with pytest.raises(ValueError, match="no notebooks in .*notebooks; work inside a clone"):
        runs.run_all()
    with pytest.raises(ValueError, match="no notebooks in .*notebooks; work inside a clone"):
        workshop.write_workshop()
    assert report.write_index().exists(), "a notebook that lies elsewhere has its page, too"


def test_an_unknown_parameter_is_refused_with_the_near_name(leaves):
    with pytest.raises(
        ValueError,
        match=r"01_leaves has no parameter 'epoch'; did you mean 'epochs'\? There are: dat",
    ):
        runs.changed_parameters("01", {"epoch": "5"})
    with pytest.raises(ValueError, match=r"has no parameter 'zzz'\. There are: dataset, epochs"):
        runs.run_notebook("01", {"zzz": "5"})
    assert not Path("results").exists()


@pytest.mark.parametrize(
    "kind, text, value",
    [
        ("int", "5", 5),
        ("int", 5, 5),
        ("float", "1e-3", 0.001),
        ("float", 1, 1.0),
        ("bool", "True", True),
        ("bool", "no", False),
        ("bool", True, True),
        ("str", "resnet18", "resnet18"),
        ("str", "5", "5"),
        ("list[int]", "1,5, 10", [1, 5, 10]),
        ("list[int]", "[1, 5]", [1, 5]),
        ("list[int]", (1, 5), [1, 5]),
        ("list[str]", "['a', 'b']", ["a", "b"]),
        ("list", "a,b", ["a", "b"]),
        ("list[float]", "", []),
        ("str | None", "none", None),
        ("int | None", "7", 7),
        ("dict", {"a": 1}, {"a": 1}),
    ],
)
def test_values_take_the_type_of_the_annotation(project, kind, text, value):
    found = cells.parse_value(Parameter("x", kind, None, ""), text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "kind, value",
    [
        ("int", "many"),
        ("int", "2.5"),
        ("int", True),
        ("int", 2.0),
        ("float", "wide"),
        ("float", True),
        ("bool", "maybe"),
        ("bool", 1),
        ("str", 5),
        ("list[int]", "1,two"),
        ("list[int]", 5),
        ("int", None),
    ],
)
def test_a_value_of_another_type_is_refused(project, kind, value):
    with pytest.raises(ValueError, match=r"parameter 'x' is .*, such as .*; got"):
        cells.parse_value(Parameter("x", kind, 1, ""), value)


def test_a_name_stays_a_name_where_a_folder_is_called_like_it(leaves):
    """A bug: `-p backbone timm/resnet18` became a path where such a folder lay in the project."""
    Path("timm/resnet18").mkdir(parents=True)
    backbone = Parameter("backbone", "str", "resnet18", "a name from timm.list_models()")
    assert cells.parse_value(backbone, "timm/resnet18") == "timm/resnet18"


def test_paths_become_absolute_but_a_default_stays(leaves):
    Path("my photos").mkdir()
    Path("greenhouse").mkdir()
    assert runs.changed_parameters("01", {"dataset": "my photos"}) == {
        "dataset": str(Path("my photos").resolve())
    }
    assert (
        runs.changed_parameters("01", {"dataset": "greenhouse", "epochs": "2", "lr": "0.010"}) == {}
    )


def test_runs_are_named_after_what_differs():
    assert runs.run_name({}) == "default"
    assert (
        runs.run_name({"dataset": "/home/ada/my photos/", "fast": True})
        == "dataset=my-photos,fast=True"
    )
    assert runs.run_name({"dataset": r"C:\Users\ada\photos"}) == "dataset=photos", (
        "no path, on Windows neither"
    )
    assert (
        runs.run_name({"backbone": "hf_hub:timm/resnet18", "shots": [1, 5]})
        == "backbone=resnet18,shots=1+5"
    )
    long = [runs.run_name({"dataset": "x" * 100 + end}) for end in "ab"]
    assert long[0] != long[1]
    assert max(map(len, long)) <= 80


# runs


of_one_project = pytest.mark.xdist_group("ran")  # what these look at is run once, by one worker


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Return a project whose notebook has run at its defaults and with others, and failed once."""
    project = tmp_path_factory.mktemp("ran")
    (project / "pyproject.toml").write_text('[project]\nname = "plantlab"\n')
    write_notebook(project / "notebooks" / "01_leaves.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        patch.setenv("MPLBACKEND", "agg")
        runs.run_notebook("01", {"epochs": "5", "shots": "1,5"})
        with pytest.raises(runs.RunError) as stopped:
            runs.run_notebook("01", {"epochs": 3}, run="third")
        (project / "stopped.txt").write_text(str(stopped.value))
        assert list(runs.run_all(store=True)) == [("01_leaves", "")]
    return project


@of_one_project
def test_a_run_leaves_copy_page_and_record(ran):
    folder = ran / "results" / "01_leaves" / "epochs=5,shots=1+5"
    assert sorted(p.name for p in folder.iterdir()) == [
        "01_leaves.html",
        "01_leaves.ipynb",
        "record.json",
    ]
    assert record_of(ran, folder.name)["params"]["shots"] == [1, 5]
    text = nbformat.read(folder / "01_leaves.ipynb", as_version=4).cells[3].outputs[0].text
    assert text.startswith(f"epochs=5,shots=1+5 in {ran.name}, ")
    assert (
        text.splitlines()[1] == sys.executable
    )  # the notebook names a kernel that this machine does not have
    page = (folder / "01_leaves.html").read_text()
    assert "One <strong>green</strong> pixel" in page and '<a href="../../index.html">' in page
    assert "require" not in page.split("<body")[0].split("<style")[0]
    assert "PLANTLAB_RUN" not in os.environ


@of_one_project
def test_a_run_that_fails_says_where_and_keeps_its_copy(ran):
    message = (ran / "stopped.txt").read_text()
    assert message.startswith("01_leaves stopped in code cell 4 of 6: ValueError: no thirds")
    assert '----> 2     raise ValueError("no thirds")' in message
    copy = ran / "results" / "01_leaves" / "third" / "01_leaves.ipynb"
    assert message.endswith(f"The executed copy is kept: {copy}")
    assert (
        copy.exists()
        and copy.with_suffix(".html").exists()
        and not (copy.parent / "record.json").exists()
    )


def test_a_kernel_that_dies_is_told_with_its_cell(project):
    write_notebook(project / "notebooks" / "01_leaves.ipynb", step="import os\nos._exit(9)")
    with pytest.raises(
        runs.RunError, match=r"(?s)cell 3 of 5: .*died.*os._exit\(9\).*copy is kept"
    ):
        runs.run_notebook("01")


def test_the_time_of_the_last_run_is_said_first(leaves, capsys, monkeypatch):
    monkeypatch.setattr("papermill.execute_notebook", lambda *args, **options: None)
    monkeypatch.setattr(runs, "_write_html", lambda copy: None)
    record = Path("results/01_leaves/default/record.json")
    record.parent.mkdir(parents=True)
    for text, said in [
        ("{", ""),
        ('{"seconds": 150.0}', ": about 2.5 min"),
        ('{"seconds": null}', ""),
    ]:
        record.write_text(text)
        runs.run_notebook("01")
        assert capsys.readouterr().err == f"01_leaves, run default{said}\n"


# storing, all, sweeps


@of_one_project
def test_stored_outputs_are_the_only_change_and_a_rerun_changes_nothing(ran, leaves):
    stored = ran / "notebooks" / "01_leaves.ipynb"
    text, before, after = stored.read_text(), nbformat.read(leaves, 4), nbformat.read(stored, 4)
    assert after.cells[2].execution_count == 2
    assert after.cells[4].outputs[0].data["image/png"]
    assert "papermill" not in text
    for cell in (c for c in after.cells if c.cell_type == "code"):
        cell.outputs, cell.execution_count = [], None
    assert after == before
    os.chdir(ran)
    runs.run_notebook("01", store=True)
    assert stored.read_text() == text


def test_a_progress_bar_is_not_stored(leaves):
    notebook = nbformat.read(leaves, 4)
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    texts = ["growing the flora:   0%|          | 0/2400 [00:00<?, ?it/s]", "12%|88 in all"]
    cell.outputs = [nbformat.v4.new_output("display_data", {"text/plain": text}) for text in texts]
    nbformat.write(notebook, copy := leaves.with_name("executed.ipynb"))
    outputs.store_outputs(leaves, copy)
    kept = next(cell for cell in nbformat.read(leaves, 4).cells if cell.cell_type == "code").outputs
    assert [output.data["text/plain"] for output in kept] == ["12%|88 in all"], (
        "a second run has no bar"
    )


def test_widgets_leave_no_trace_in_stored_outputs(leaves):
    copy = leaves.with_name("executed.ipynb")
    ran = nbformat.read(leaves, as_version=4)
    view = {
        "application/vnd.jupyter.widget-view+json": {"model_id": "a1"},
        "text/plain": "FileUpload()",
    }
    box = view | {"text/plain": "VBox(children=(HTML(value='<style>...'),))"}
    ran.cells[2].outputs = [nbformat.v4.new_output("display_data", each) for each in (view, box)]
    nbformat.write(ran, copy)
    outputs.store_outputs(leaves, copy)
    stored = [output.data for output in nbformat.read(leaves, as_version=4).cells[2].outputs]
    assert stored == [
        {"text/plain": "FileUpload()"},
        {"text/plain": "A widget: run this cell in Jupyter to see it"},
    ]


def test_all_goes_on_after_a_failure(leaves, monkeypatch):
    write_notebook(leaves.with_name("00_broken.ipynb"))

    def run_notebook(notebook, *args, **options):
        if notebook.stem == "00_broken":
            raise runs.RunError("stopped in code cell 3")
        return Path("results/01_leaves/default/01_leaves.ipynb")

    monkeypatch.setattr(runs, "run_notebook", run_notebook)
    found = runs.run_all()
    assert next(found) == ("00_broken", "stopped in code cell 3"), (
        "told when it is done, not at the end"
    )
    assert list(found) == [("01_leaves", "")]


def test_the_course_is_the_lessons_and_all_is_every_notebook(leaves, monkeypatch):
    for name in ("08_desk", "09_last", "90_appendix"):
        write_notebook(leaves.with_name(f"{name}.ipynb"))
    given = []

    def pretend(path, params, store):
        given.append(params)
        return "default", ""

    monkeypatch.setattr(runs, "try_notebook", pretend)
    lessons = ["01_leaves", "08_desk"]  # 09 and on are for whoever wants more
    assert [name for name, _ in runs.run_all(lessons=True)] == lessons
    assert [name for name, _ in runs.run_all()] == [*lessons, "09_last", "90_appendix"]
    assert set(given) == {None}
    assert len(list(runs.run_all(lessons=True, params={"dataset": "mine"}))) == 2
    assert given[-2:] == [{"dataset": "mine"}] * 2


@pytest.mark.slow
def test_a_killed_sweep_keeps_what_is_finished_and_lists_what_fails(leaves, capsys):
    write_notebook(leaves, step="import time\ntime.sleep(600 if epochs == 5 else 0)")
    grid = {"epochs": ["1", "5"]}
    call = f"sweeps.sweep('01', {grid}, {{'fast': 'yes'}}, n_jobs=2)"
    command = [sys.executable, "-c", f"from plantlab.notebook import sweeps; {call}"]
    sweep = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    first, killed = (Path(f"results/01_leaves/epochs={n},fast=True") for n in (1, 5))
    end = time.monotonic() + 120
    while not ((first / "01_leaves.html").exists() and (killed / "01_leaves.ipynb").exists()):
        assert time.monotonic() < end and sweep.poll() is None, "the sweep did not get going"
        time.sleep(0.1)
    sweep.kill()
    sweep.wait()
    share = max(1, (os.cpu_count() or 1) // 2)
    assert (
        f"{share} threads"
        in nbformat.read(first / "01_leaves.ipynb", as_version=4).cells[3].outputs[0].text
    )
    stamp = (first / "record.json").stat().st_mtime_ns
    write_notebook(leaves, step="raise ValueError('no fifths')")
    done = sweeps.sweep("01", grid, {"fast": True}, n_jobs=1)
    assert list(done) == ["epochs=1,fast=True", "epochs=5,fast=True"]
    assert done["epochs=1,fast=True"] == "" and "no fifths" in done["epochs=5,fast=True"]
    assert "2 points, 1 of them finished before" in capsys.readouterr().err
    assert (first / "record.json").stat().st_mtime_ns == stamp


def test_a_point_made_with_other_parameters_is_not_finished(leaves):
    folder = Path("results/01_leaves/epochs=5")
    folder.mkdir(parents=True)
    given = {
        "dataset": "greenhouse",
        "epochs": 5,
        "lr": 0.01,
        "fast": False,
        "shots": [1, 2],
        "weights": None,
        "seed": 0,
    }
    for kept, finished in [(given, True), (given | {"lr": 0.1}, False), ({"epochs": 5}, False)]:
        (folder / "record.json").write_text(json.dumps({"params": kept}))
        assert sweeps._finished("01", {"epochs": 5}, "epochs=5") is finished
    (folder / "record.json").write_text("{")  # cut off
    assert not sweeps._finished("01", {"epochs": 5}, "epochs=5")


def test_two_points_of_one_name_are_refused(leaves):
    for place in ("here", "there"):
        Path(place, "photos").mkdir(parents=True)
    with pytest.raises(
        ValueError, match="two points of the sweep would both be run 'dataset=photos'"
    ):
        sweeps.sweep("01", {"dataset": ["here/photos", "there/photos"]})


def papermill(notebook: Path, *words: str) -> subprocess.CompletedProcess:
    """Run a notebook by papermill's own command, into out.ipynb."""
    command = [sys.executable, "-m", "papermill", str(notebook), "out.ipynb", *words]
    env = os.environ | {"PLANTLAB_RUN": "by-hand"}
    return subprocess.run(command, capture_output=True, text=True, env=env)


def test_plain_papermill_works_too_and_in_this_environment(leaves):
    done = papermill(leaves, "-p", "epochs", "4", "-k", "python3")
    assert done.returncode == 0, done.stderr
    assert record_of(Path.cwd(), "by-hand")["params"]["epochs"] == 4
    told = "".join(
        output.get("text", "") for output in nbformat.read("out.ipynb", 4).cells[3].outputs
    )
    assert told.splitlines()[-1] == sys.executable


@pytest.mark.parametrize(
    "words, said",
    [
        ("-p epoch 4", "this notebook has no parameter 'epoch'; did you mean epochs?"),
        ("-p shots 3", "parameter 'shots' is list[int], such as [1, 2]; got 3. With papermill: -y"),
    ],
)
def test_the_notebook_refuses_what_papermill_lets_pass(leaves, words, said):
    setup = "from plantlab.notebook import parameters\nparams = parameters(globals())"
    done = papermill(write_notebook(leaves, setup=setup), *words.split(), "-k", "python3")
    assert done.returncode == 1
    assert said in done.stderr


# the workshop


@pytest.fixture
def solved(leaves):
    """Return a notebook with an output and a link to its solutions, in a project with timetable."""
    notebook = nbformat.read(leaves, as_version=4)
    solutions = "[solutions/01_leaves.ipynb](solutions/01_leaves.ipynb)"
    links = f"Solutions: {solutions}.\nNext: [02](02_roots.ipynb)"
    notebook.cells.append(new_markdown_cell(links, id="links"))
    notebook.cells[2].outputs, notebook.cells[2].execution_count = (
        [nbformat.v4.new_output("stream", text="1\n")],
        1,
    )
    nbformat.write(notebook, leaves)
    Path("WORKSHOP.md").write_text("# Workshop, füße\n", encoding="utf-8")
    write_notebook(leaves.parent / "solutions" / "01_leaves.ipynb")
    return leaves


def test_students_get_copies_without_outputs_and_solutions(solved):
    before = solved.read_bytes()
    folder, kept = workshop.write_workshop()
    assert (folder, kept) == (Path("workshop").resolve(), [])
    assert sorted(p.name for p in folder.iterdir()) == ["01_leaves.ipynb", "WORKSHOP.md", "teacher"]
    copy = nbformat.read(folder / "01_leaves.ipynb", as_version=4)
    assert copy.cells[2].outputs == [] and copy.cells[2].execution_count is None
    assert copy.cells[2].source == SETUP and copy.cells[1].metadata.tags == ["parameters"]
    assert copy.cells[-1].source == "Next: [02](02_roots.ipynb)"
    assert (folder / "WORKSHOP.md").read_bytes() == Path("WORKSHOP.md").read_bytes()
    assert solved.read_bytes() == before


def test_solutions_are_run_and_stored_where_they_lie(solved, monkeypatch):
    asked = []
    monkeypatch.setattr(
        runs,
        "run_notebook",
        lambda path, *_, **options: asked.append((path, options)) or Path("a/b/c"),
    )
    assert list(runs.run_all(store=True, solutions=True)) == [("01_leaves", "")]
    ((path, options),) = asked
    assert path == solved.parent / "solutions" / "01_leaves.ipynb" and options["store"]


def test_a_changed_copy_is_kept_and_a_deleted_one_comes_back(solved):
    write_notebook(solved.with_name("02_roots.ipynb"))
    folder, _ = workshop.write_workshop("given")
    first, second = (folder / solved.name, folder / "02_roots.ipynb")
    fresh = first.read_bytes()
    first.write_bytes(b"a student's work")
    second.unlink()
    assert workshop.write_workshop("given") == (folder, [solved.name])
    assert first.read_bytes() == b"a student's work" and second.exists()
    assert workshop.write_workshop("given", force=True) == (folder, [])
    assert first.read_bytes() == fresh


def test_the_notebooks_themselves_are_never_written_over(solved):
    Path("given").touch()
    for folder in ("notebooks", "notebooks/solutions", "notebooks/../notebooks", "given"):
        with pytest.raises(
            ValueError, match="is a file or holds the notebooks themselves; name another folder"
        ):
            workshop.write_workshop(folder, force=True)
    assert nbformat.read(solved, as_version=4).cells[2].outputs


# the page


@of_one_project
def test_the_index_page_shows_question_figures_scores_and_claims(ran, monkeypatch):
    monkeypatch.chdir(ran)
    page = report.write_index().read_text()
    assert "01. Leaves" in page and "How green is a leaf?" in page
    assert 'alt="One green pixel."' in page and "data:image/png;base64,iVBOR" in page
    assert '<span class="badge generated">generated</span>' in page
    assert "2,400 images, 30 species" in page and "2.5 min" in page
    assert "0.780" in page and "0.740&ndash;0.810" in page and "1,234" in page
    assert "a &lt;leaf&gt; is green" in page and "holds" in page
    assert 'href="01_leaves/default/01_leaves.html"' in page
    assert "third" in page and "This run stopped with an error" in page
    assert "Recorded on photographs" not in page
    for outside in ('src="http', 'href="http', "@import", "<script src"):
        assert outside not in page


def test_a_map_keeps_its_colours_and_a_chart_few():
    """A scale of colours in a palette of 64 says numbers that are not there."""
    shades = np.tile(np.linspace(0, 255, 256), (64, 1)).astype(np.uint8)
    scale = np.stack([shades, shades[::-1, ::-1], np.full_like(shades, 90)], -1)
    page = np.full((200, 256, 3), 255, np.uint8)
    page[:64] = scale
    kept = np.asarray(outputs._in_few_colours(Image.fromarray(page)).convert("RGB"), int)
    assert np.abs(kept - page).max(axis=2).mean() < 2
    plain = np.full((200, 256, 3), 255, np.uint8)
    plain[50:60] = (0, 114, 178)
    assert len(outputs._in_few_colours(Image.fromarray(plain)).getcolors()) <= 64
