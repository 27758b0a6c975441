"""The command line: what it asks of plantlab.notebook.runs, its messages and exit codes."""

import socket
import subprocess
import sys
from pathlib import Path

import bad_files
import pytest
from test_runs import write_notebook

from plantlab import cli
from plantlab.data.layouts import read_images
from plantlab.notebook import cells, record, runs, sweeps


@pytest.fixture
def leaves(project):
    return write_notebook(project / "notebooks" / "01_leaves.ipynb")


@pytest.fixture
def asked(monkeypatch):
    """Return the list of runs that were asked for, none of which is executed."""
    calls = []

    def run_notebook(notebook, params=None, run=None, **options):
        changed = runs.changed_parameters(notebook, params or {})
        calls.append((run or runs.run_name(changed), changed, options))
        if changed.get("epochs") == 3:
            raise runs.RunError("01_leaves stopped in code cell 4 of 6: ValueError: no thirds")
        return Path("results/01_leaves", calls[-1][0], "01_leaves.ipynb")

    monkeypatch.setattr(runs, "run_notebook", run_notebook)
    return calls


def test_run_sets_parameters_and_says_where_to_look(leaves, asked, capsys):
    assert cli.main(["run", "01", "-p", "epochs", "5", "-p", "lr", "-1"]) == 0
    assert asked == [("epochs=5,lr=-1.0", {"epochs": 5, "lr": -1.0}, {"store": False})]
    page = Path("results/index.html").resolve()
    assert page.exists()
    assert capsys.readouterr().out == f"1 of 1 runs finished. Open {page} in a browser.\n"


def test_run_gives_a_notebook_a_table_of_our_names(leaves, monkeypatch):
    bad_files.picture(48, 40).save("1.jpg")
    Path("list.csv").write_text("foto,art\n1.jpg,daisy\n")
    asked = []
    monkeypatch.setattr(runs, "try_notebook", lambda *args, **_: asked.append(args) or ("x", ""))
    names = ["--names", "foto=image_path", "--names", "art=species"]
    assert cli.main(["run", "01", "-p", "dataset", "list.csv", *names]) == 0
    images = read_images(asked[0][1]["dataset"])
    assert images["species"].tolist() == ["daisy"] and images.attrs["name"] == "list"


def test_run_takes_a_name(leaves, asked):
    assert cli.main(["run", "01_leaves", "--run", "mine"]) == 0
    assert asked == [("mine", {}, {"store": False})]


def test_all_and_store(leaves, asked):
    assert cli.main(["run", "--all", "--store"]) == 0
    assert asked == [("default", {}, {"store": True})]


@pytest.fixture
def begun(leaves, monkeypatch, capsys):
    """Return, of each notebook as it begins: its name, the page so far, and what was said.

    Said since the one before began. Two lessons and an appendix; the first lesson fails.
    """
    for name in ("02_roots", "90_seeds"):
        write_notebook(leaves.with_name(f"{name}.ipynb"))
    begun = []

    def run_notebook(notebook, *args, **options):
        index = Path("results/index.html")
        begun.append(
            (notebook.stem, index.read_text() if index.exists() else "", capsys.readouterr())
        )
        copy = Path("results", notebook.stem, "default", notebook.name)
        copy.parent.mkdir(parents=True)
        copy.write_bytes(notebook.read_bytes())
        if notebook.stem == "01_leaves":
            raise runs.RunError("01_leaves stopped in code cell 4 of 6")
        return copy

    monkeypatch.setattr(runs, "run_notebook", run_notebook)
    return begun


def test_the_course_names_its_page_after_the_first_notebook_and_lets_it_grow(begun, capsys):
    assert cli.main(["run", "--course"]) == 1
    page = Path("results/index.html").resolve()
    (first, before, nothing), (second, between, said) = begun
    assert (first, second) == ("01_leaves", "02_roots"), "an appendix is not the course"
    assert before == "" and nothing == ("", "")
    assert said.out == f"The page is {page}: open it in a browser; it grows with each notebook.\n"
    assert said.err == "plantlab: 01_leaves failed. 01_leaves stopped in code cell 4 of 6\n"
    assert 'id="01_leaves"' in between and 'id="02_roots"' not in between
    assert 'id="02_roots"' in page.read_text()
    assert capsys.readouterr() == (f"1 of 2 runs finished. Open {page} in a browser.\n", "")


def test_all_runs_the_appendices_too_and_later_pages_are_silent(begun):
    assert cli.main(["run", "--all"]) == 1
    assert [name for name, _, _ in begun] == ["01_leaves", "02_roots", "90_seeds"]
    assert begun[2][2] == ("", "")


def test_a_page_that_cannot_be_written_yet_does_not_stop_the_course(begun, capsys):
    """A record that is cut off may be one that a later notebook writes anew."""
    record = Path("results/08_desk/mine/record.json")
    record.parent.mkdir(parents=True)
    record.write_text("{")
    assert cli.main(["run", "--course"]) == 2
    assert [name for name, _, _ in begun] == ["01_leaves", "02_roots"]
    assert (
        "record.json is cut off" in begun[1][2].err
        and "record.json is cut off" in capsys.readouterr().err
    )


def test_a_failed_run_exits_with_1(leaves, asked, capsys):
    assert cli.main(["run", "01", "-p", "epochs", "3"]) == 1
    out, err = capsys.readouterr()
    reason = "01_leaves stopped in code cell 4 of 6: ValueError: no thirds"
    assert err == f"plantlab: 01_leaves failed. {reason}\n"
    assert out.startswith("0 of 1 runs finished.")


def test_sweep_over_a_grid(leaves, monkeypatch, capsys):
    calls = []

    def sweep(*args):
        calls.append(args)
        return {"epochs=1": "", "epochs=3": "no thirds"}

    monkeypatch.setattr(sweeps, "sweep", sweep)
    words = "run 01 -p fast true --sweep epochs 1,3 --sweep shots 1,5;1 --jobs 4".split()
    assert cli.main(words) == 1
    assert calls == [("01", {"epochs": ["1", "3"], "shots": ["1,5", "1"]}, {"fast": "true"}, 4, "")]
    out, err = capsys.readouterr()
    assert err == "plantlab: epochs=3 failed. no thirds\n"
    assert out.startswith("1 of 2 runs finished.")


@pytest.mark.parametrize(
    "words, message",
    [
        ("run", "name one notebook, such as 01_data_exploration, or say --course or --all."),
        ("run 01 --all", "name one notebook"),
        ("run 01 --course", "name one notebook"),
        ("run --course --all", "name one notebook"),
        ("run --course --run x", "--course and --all take -p dataset alone"),
        ("run 01 --names foto=image_path", "add -p dataset FOLDER."),
        ("run 01 --checklist list.csv", "--names and --checklist are about photographs of yours"),
        ("run 09", "no notebook '09'. There are: 01_leaves"),
        ("run 01 -p epoch 5", "01_leaves has no parameter 'epoch'; did you mean 'epochs'?"),
        ("run 01 -p epochs many", "parameter 'epochs' is int, such as 2; got 'many'."),
        ("run --all -p epochs 5", "--course and --all take -p dataset alone"),
        ("run 01 --store --run x", "--store runs at the defaults"),
        ("run 01 --sweep epochs 1,2 --run x", "a sweep names its runs itself"),
        ("run 01 --sweep epochs 1,2 --jobs 0", "needs --jobs 1 or more"),
        ("run 01 --sweep epochs 1,two", "parameter 'epochs' is int, such as 2; got 'two'."),
        ("run 01 --sweep epochs 1,1", "two points of the sweep would both be run 'epochs=1'"),
        ("compare --price 0.3", "--price needs --watts: what the machine draws at work"),
        ("compare", "results (not there); run a notebook first"),
        ("workshop pyproject.toml/x", "plantlab: [Errno "),
        (
            "compare nowhere/at/all",
            "no record.json in nowhere/at/all (not there); run a notebook first",
        ),
        ("run 01 -p shots a,b", "parameter 'shots' is list[int], such as 1,2; got 'a,b'."),
        ("workshop notebooks", "holds the notebooks themselves; name another folder."),
    ],
)
def test_what_is_wrong_is_one_sentence_and_exit_code_2(leaves, asked, capsys, words, message):
    assert cli.main(words.split()) == 2
    out, err = capsys.readouterr()
    assert err.startswith("plantlab: ") and message in err
    assert err.count("\n") == 1 and out == "" and asked == []


def test_workshop_says_where_it_is_and_what_it_kept(leaves, capsys):
    Path("WORKSHOP.md").write_text("# Workshop\n")
    said = f"The workshop is in {Path('room').resolve()}; its timetable is WORKSHOP.md.\n"
    assert cli.main(["workshop", "room"]) == 0
    assert capsys.readouterr().out == said
    Path("room/01_leaves.ipynb").write_text("my work")
    assert cli.main(["workshop", "room"]) == 0
    kept = "Kept, for they were changed: 01_leaves.ipynb."
    advice = "Delete one to get it anew; --force renews all."
    assert capsys.readouterr().out == f"{said}{kept} {advice}\n"
    assert cli.main(["workshop", "room", "--force"]) == 0
    assert capsys.readouterr().out == said


def test_an_interrupt_is_no_traceback(leaves, monkeypatch, capsys):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "run_notebook", interrupted)
    assert cli.main(["run", "01"]) == 130
    assert "stopped; finished runs are kept" in capsys.readouterr().err


def test_compare_prints_the_records_one_row_a_score(project, capsys, monkeypatch):
    import pandas as pd

    images = pd.DataFrame({"image_path": ["/far/away/a.jpg"], "species": ["a"], "split": ["test"]})
    score = {
        "method": "frozen",
        "split": "test",
        "n": 1,
        "top1": 0.5,
        "top1_low": 0.4,
        "top1_high": 0.6,
    }
    for run in ("one", "two"):
        monkeypatch.setenv("PLANTLAB_RUN", run)
        record.save("01_leaves", cells.Params({"epochs": len(run)}), images, [score])
    assert cli.main(["compare"]) == 0
    table = capsys.readouterr().out
    assert "0.500 (0.40-0.60)" in table and table.count("frozen") == 2
    assert cli.main(["compare", "results/01_leaves/one"]) == 0
    assert capsys.readouterr().out.count("frozen") == 1
    record.save("02_empty", cells.Params({}), images)
    assert cli.main(["compare", "results/02_empty"]) == 0
    assert capsys.readouterr().out == "These records hold no scores.\n"


def test_a_page_says_what_is_missing_before_it_opens(capsys):
    assert cli.main(["page", "--model", "roses", "--no-browser"]) == 2
    assert "no model 'roses'" in capsys.readouterr().err
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert cli.main(["page", "--no-browser", "--port", str(port)]) == 2
    assert f"port {port} is in use" in capsys.readouterr().err


def test_the_package_runs_as_the_command_does(leaves):
    """Where the environment's scripts are not on the path: `python -m plantlab`."""

    def run(*words: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "plantlab", *words]
        return subprocess.run(command, capture_output=True, text=True)

    assert run("--help").stdout.startswith("usage: plantlab [-h]")
    done = run("workshop", "room")
    assert (
        done.returncode == 2
        and done.stderr.startswith("plantlab: ")
        and "WORKSHOP.md" in done.stderr
    )
    Path("WORKSHOP.md").write_text("# Workshop\n")
    done = run("workshop", "room")
    assert done.returncode == 0 and "The workshop is in" in done.stdout
    assert Path("room/01_leaves.ipynb").exists()
