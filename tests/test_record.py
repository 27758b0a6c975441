"""Records: parameters from a real kernel, claims, and a record without a path of the machine."""

import json
import os
import random
import time

import numpy as np
import pandas as pd
import pytest

from plantlab.notebook import Claims, cells, parameters, record, records
from plantlab.predictions import Predictions

CELL = """# what to look at
dataset: str = "greenhouse"  # "greenhouse" or a folder of photographs
image_size: int = 128       # side in pixels, square
learning_rate: float = 1e-3  # größer: schneller # und gröber
organs: list = ["leaf", "flower"]
seed: int = 0  # starts every generator
"""
CALL = "from plantlab.notebook import parameters\nparams = parameters(globals())"


@pytest.fixture
def shell():
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    yield shell
    InteractiveShell.clear_instance()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return an empty project in which to keep records."""
    for module in (record, records):
        monkeypatch.setattr(module, "project_root", lambda: tmp_path)
    monkeypatch.delenv("PLANTLAB_RUN", raising=False)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    return tmp_path


def run(shell, *cells):
    for cell in cells:
        shell.run_cell(cell, store_history=True).raise_error()
    return shell.user_ns["params"]


def table(folder, n=4):
    images = pd.DataFrame(
        {"image_path": [str(folder / f"{i}.jpg") for i in range(n)], "species": ["Rosa alba"] * n}
    )
    images.attrs["name"] = "my photos"
    return images


def save(project, notebook="02_x", run=None, **changes):
    params = cells.Params({"dataset": "greenhouse", "seed": 3, **changes.pop("params", {})})
    row = {
        "method": "probe",
        "split": "test",
        "n": 4,
        "top1": 0.75,
        "top1_low": 0.5,
        "top1_high": 1.0,
    }
    fields = {"images": table(project / "photos"), "scores": [row], **changes}
    return record.save(notebook, params, **fields)


def test_the_parameter_cell_is_read_with_types_and_help():
    found = cells.read_parameters(CELL)
    assert [p.name for p in found] == ["dataset", "image_size", "learning_rate", "organs", "seed"]
    assert found[0] == ("dataset", "str", "greenhouse", '"greenhouse" or a folder of photographs')
    assert found[1].help == "side in pixels, square" and found[2].value == 0.001
    assert found[2].help == "größer: schneller # und gröber" and found[3].help == ""


@pytest.mark.parametrize(
    "cell", ["", "import os", "%matplotlib inline", "x = 1", "x: int = 1\nprint(x)", "x: int"]
)
def test_other_cells_hold_no_parameters(cell):
    assert cells.read_parameters(cell) == []


def test_parameters_in_a_notebook_at_their_defaults(shell):
    params = run(shell, "import os", CELL, "x = 1", CALL)
    assert params["image_size"] == 128 and list(params)[0] == "dataset" and params.at_defaults
    assert time.time() - params.started < 60


def test_values_put_in_after_the_cell_override_and_say_so(shell):
    params = run(shell, CELL, "# Parameters\nimage_size = 64\n", CALL)
    assert params["image_size"] == 64 and not params.at_defaults


def test_the_cell_edited_and_run_again_is_off_its_defaults(shell):
    assert not run(shell, CELL, CELL.replace("128", "96"), CALL).at_defaults


def test_every_generator_starts_from_the_seed(shell):
    run(shell, CELL, CALL)
    first = random.random(), np.random.rand()  # noqa: NPY002
    run(shell, CALL)
    assert first == (random.random(), np.random.rand())  # noqa: NPY002


def test_papermill_puts_values_in(tmp_path, monkeypatch):
    import nbformat
    import papermill

    monkeypatch.chdir(tmp_path)
    print_it = CALL + "\nimport json\nprint(json.dumps([dict(params), params.at_defaults]))"
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(c) for c in (CELL, print_it)]
    )
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "language": "python",
        "display_name": "Python 3",
    }
    notebook.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(notebook, "in.ipynb")
    given = {"image_size": 32, "dataset": "roses"}
    done = papermill.execute_notebook("in.ipynb", "out.ipynb", parameters=given, progress_bar=False)
    params, at_defaults = json.loads(done.cells[-1].outputs[-1]["text"])
    assert not at_defaults and params["seed"] == 0 and {k: params[k] for k in given} == given


def test_a_parameter_the_notebook_does_not_have_is_named(shell):
    with pytest.raises(ValueError, match="no parameter 'image_sise'; did you mean image_size"):
        run(shell, CELL, "# Parameters\nimage_sise = 64\n", CALL)


@pytest.mark.parametrize(
    "put_in, said",
    [
        ("image_size = 'big'", r"parameter 'image_size' is int, such as 128; got 'big'\.$"),
        ("image_size = True", "parameter 'image_size' is int, such as 128; got True"),
        ("learning_rate = None", "parameter 'learning_rate' is float, such as 0.001; got None"),
        (
            "organs = 'leaf'",
            r"""is list, .*got 'leaf'\. With papermill: -y "organs: \['leaf', 'flower'\]"\.$""",
        ),
    ],
)
def test_a_value_of_another_type_is_named(shell, put_in, said):
    with pytest.raises(ValueError, match=said):
        run(shell, CELL, f"# Parameters\n{put_in}\n", CALL)


def test_a_value_that_fits_is_taken(shell):
    cell = "rate: float = 0.5\nweights: str | None = None\nsize: int | None = 3"
    params = run(shell, cell, "# Parameters\nrate = 1\nweights = 'mine'\nsize = None\n", CALL)
    assert params == {"rate": 1, "weights": "mine", "size": None}


def test_claims_bind_at_the_defaults_only(shell, capsys, monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    claims = Claims(run(shell, CELL, CALL))
    claims.check("one is less than two", np.bool_(True))
    with pytest.raises(AssertionError, match="text says 'two is less than one'"):
        claims.check("two is less than one", np.False_)
    assert claims.rows == [
        {"text": "one is less than two", "holds": True},
        {"text": "two is less than one", "holds": False},
    ]
    Claims(run(shell, "seed = 1", CALL)).check("three is even", False)
    monkeypatch.setenv(
        "JPY_SESSION_NAME", "02.ipynb"
    )  # opened by hand: the cell may have been edited
    Claims(run(shell, "seed = 0", CALL)).check("five is even", False)
    printed = capsys.readouterr().out
    assert (
        "holds: one is less" in printed
        and "does not hold: three is even" in printed
        and "five" in printed
    )


def test_a_record_is_whole_and_has_the_format(project):
    claims = Claims(cells.Params({}))
    claims.check("it runs", True)
    path = save(project, claims=claims)
    assert path == project / "results" / "02_x" / "by-hand" / "record.json"
    assert [f.name for f in path.parent.iterdir()] == ["record.json"]
    kept = json.loads(path.read_text())
    assert kept["data"]["name"] == "my photos" and kept["data"]["kind"] == "photographs"
    assert (kept["data"]["n_images"], kept["data"]["n_species"], len(kept["data"]["hash"])) == (
        4,
        1,
        12,
    )
    assert kept["scores"][0]["seed"] == 3 and kept["scores"][0]["top1_high"] == 1
    assert kept["claims"] == [{"text": "it runs", "holds": True}]
    assert {"python", "numpy", "torch"} <= set(kept["versions"]) and kept["device"]
    assert 0 <= kept["seconds"] < 60 and pd.Timestamp(kept["date"]).tz is not None


def test_no_path_of_the_machine_gets_in(project, monkeypatch):
    weights = project / "weights" / "mobilenet.safetensors"
    weights.parent.mkdir()
    weights.touch()
    claims = Claims(cells.Params({}))
    claims.check("1/2 are daisies, see https://example.org/a/b", True)
    monkeypatch.chdir(project)
    params = {
        "dataset": f"{project}/my photos/",
        "weights": weights,
        "other": "weights/mobilenet.safetensors",
    }
    params |= {
        "backbone": "timm/resnet18",
        "both": [r"C:\photos\roses", "../up/there"],
        "home": "~/photos/a",
    }
    text = save(project, params=params, claims=claims).read_text()
    kept = json.loads(text)
    assert str(project) not in text and str(project.parent) not in text
    assert kept["params"] == {
        "dataset": "my photos",
        "seed": 3,
        "weights": "mobilenet.safetensors",
        "other": "mobilenet.safetensors",
        "backbone": "timm/resnet18",
        "both": ["roses", "there"],
        "home": "a",
    }
    assert kept["claims"][0]["text"] == "1/2 are daisies, see https://example.org/a/b"


def test_scores_may_be_a_table_with_columns_of_ones_own(project):
    scores = pd.DataFrame(
        {"method": ["a", "b"], "split": "test", "n": 4, "top1": [0.5, np.nan], "minutes": [1.5, 2]}
    )
    kept = json.loads(save(project, scores=scores).read_text())["scores"]
    assert kept[0]["minutes"] == 1.5 and kept[1]["top1"] is None and kept[0]["n"] == 4


def test_predictions_lie_beside_the_record_and_the_run_has_its_name(project, monkeypatch):
    monkeypatch.setenv("PLANTLAB_RUN", "seed-3")
    p = Predictions(table(project, 1), ["Rosa alba"], [[1.0]])
    folder = save(project, predictions={"two steps": p}).parent
    assert (
        folder.name == "seed-3" and len(Predictions.load(folder / "predictions" / "two_steps")) == 1
    )
    save(project, predictions=p)
    assert len(Predictions.load(folder / "predictions")) == 1


def test_records_are_read_and_compared(project, monkeypatch):
    save(project, "01_look", scores=[])
    for size in (64, 128):
        monkeypatch.setenv("PLANTLAB_RUN", f"size-{size}")
        save(project, params={"image_size": size})
    read = records.read_records()
    assert list(read["run"]) == ["by-hand", "size-128", "size-64"] and read["holds"][0] == "0/0"
    assert read["param_image_size"].tolist()[1:] == [128, 64] and read["data"][0] == "my photos"
    shown = records.compare(read)
    assert (
        list(shown["image_size"]) == [128, 64] and list(shown["top1"]) == ["0.750 (0.50-1.00)"] * 2
    )
    assert (
        "dataset" not in shown and len(shown) == 2
    )  # it is the same in both, and 01 scored nothing
    assert list(records.recorded("02_x")["run"]) == list(shown["run"])
    assert records.recorded("02_x", "generated").empty and records.recorded("03_y").empty
    one = project / "results" / "02_x" / "size-64" / "record.json"
    assert len(records.read_records(one)) == 1 and len(records.read_records([one, one.parent])) == 2


def test_messages(project, tmp_path, shell):
    with pytest.raises(ValueError, match="no parameter cell has run"):
        parameters({"In": ["", "x = 1"]})
    with pytest.raises(ValueError, match=r"parameter 'x' is '1 / 3'; expected a plain value"):
        cells.read_parameters("x: float = 1 / 3")
    with pytest.raises(ValueError, match="has method, n; each needs method, split and n"):
        save(project, scores=[{"method": "b", "split": "test", "n": 2}, {"method": "a", "n": 1}])
    with pytest.raises(
        ValueError, match=r"no record.json in .*results \(not there\); run a notebook first"
    ):
        records.read_records()
    (tmp_path / "record.json").write_text('{"notebook": "x"}')
    with pytest.raises(ValueError, match="is not a run record"):
        records.read_records(tmp_path)


# the method chosen on valid


def recorded_rows(gain: float, valid: float) -> list[dict]:
    """Return the scores of one seed: cross-entropy, and another that gains on test."""
    base = {"method": "cross-entropy", "n": 4, "top1": 0.6, "ma_mrr": 0.4}
    other = {"method": "other", "n": 4, "top1": valid, "ma_mrr": 0.5}
    ends = {"gain": gain, "gain_low": gain - 0.03, "gain_high": gain + 0.03}
    return [
        {**base, "split": "test", "gain": 0.0, "gain_low": 0.0, "gain_high": 0.0},
        {**other, "split": "test", **ends},
        {**base, "split": "valid"},
        {**other, "split": "valid"},
    ]


@pytest.fixture
def three_seeds(project, monkeypatch):
    """Return a function that records three seeds of notebook 05 on data of a kind."""

    def record_them(kind: str, names: list[str]) -> None:
        images = table(project).assign(kind=kind)
        for seed, (name, gain) in enumerate(zip(names, (0.04, 0.08, 0.06))):
            images.attrs["name"] = name
            monkeypatch.setenv("PLANTLAB_RUN", f"{kind}-{seed}")
            rows = recorded_rows(gain, valid=0.59)
            save(project, "05_x", images=images, scores=rows, params={"seed": seed, "noise": 0.4})

    return record_them


FLORAS = [f"9-species-4-images-{seed:08x}" for seed in range(3)]


def test_recorded_means_are_over_seeds_and_leave_the_defaults_out(
    project, three_seeds, monkeypatch
):
    assert records.recorded_means("05_x", "gain").empty
    three_seeds("generated", FLORAS)
    monkeypatch.setenv("PLANTLAB_RUN", "default")
    save(project, "05_x", scores=recorded_rows(0.9, 0.59))
    means = records.recorded_means("05_x", "gain", by=["noise"]).set_index("method")
    assert means["gain"].tolist() == [0, 0.06] and means["seeds"].tolist() == [3, 3]
    assert set(means["data"]) == {"flora, 9-species-4-images"} and set(means["noise"]) == {0.4}


def test_the_best_on_valid_is_told_if_it_loses_little_else_the_base(three_seeds):
    three_seeds("generated", FLORAS)
    flora = "flora, 9-species-4-images"
    told = records.chosen_on_valid("05_x", flora, "ma_mrr", ("top1", 0.02, "cross-entropy"))
    assert told.startswith(f"{flora}, 3 seeds: other, macro top-1 +6.0 points")
    assert told.endswith(" against cross-entropy")
    told = records.chosen_on_valid("05_x", flora, "ma_mrr", ("top1", 0.001, "cross-entropy"))
    assert "cross-entropy, macro top-1 +0.0" in told, "the other loses a point on valid"


@pytest.mark.parametrize(
    "kind, names, data, interval",
    [
        ("generated", FLORAS, "flora, 9-species-4-images", "(+4.3 to +7.7)"),
        ("photographs", ["flora of Kent"] * 3, "flora of Kent", "(+3.0 to +9.0)"),
        ("photographs", [FLORAS[0]] * 3, FLORAS[0], "(+3.0 to +9.0)"),
    ],
)
def test_floras_of_their_own_are_independent_and_shared_photos_are_not(
    three_seeds, kind, names, data, interval
):
    """The kind of the data decides, whatever its name."""
    three_seeds(kind, names)
    told = records.chosen_on_valid("05_x", data, "ma_mrr", ("top1", 0.02, "cross-entropy"))
    assert interval in told


def test_a_record_knows_what_it_rests_on(project):
    """The weights that its networks began with, each once, and the machine; nothing reckoned."""
    wheel = {"backbone": "lite", "origin": "lite-pytorch-model 0.1.0", "sha256": "ab" * 32}
    random = {"backbone": "lite", "origin": "random, seed 0", "sha256": None}
    saved = json.loads(save(project, weights=[wheel, random, dict(wheel)]).read_text())
    assert saved["weights"] == [wheel, random]
    assert saved["cores"] == os.cpu_count() and saved["device"]
    assert saved["threads"] is None or saved["threads"] >= 1
    assert not {"watt_hours", "money", "energy"} & set(saved)


def test_energy_and_money_are_reckoned_when_records_are_read(project):
    row = {"method": "probe", "split": "test", "n": 4, "top1": 0.5}
    save(project, scores=[row | {"minutes": 30}, row | {"method": "other", "minutes": None}])
    table = records.compare(records.read_records()).assign(seconds=[90.0, 90.0])
    told = records.with_energy(table, watts=60, price=0.3).set_index("method")
    assert told.loc["probe", "watt_hours"] == 30  # half an hour at 60 watts: its own minutes
    assert told.loc["other", "watt_hours"] == 1.5  # a minute and a half: those of the run
    assert told.loc["probe", "money"] == 0.009  # 0.03 kWh at 0.3
    assert "money" not in records.with_energy(table, watts=60)
