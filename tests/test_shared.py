"""The model that a page's visitors share: the same answers, no torch on their side, one after the other."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import current_process, get_context

import numpy as np
import pytest

from plantlab.data.photos import PhotoError
from plantlab.desk import shared
from plantlab.greenhouse import build
from plantlab.identify import store
from plantlab.identify.model import Identifier


@pytest.fixture(scope="module")
def desks():
    with shared.Desks(ctx=get_context("spawn")) as desks:
        yield desks


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    images = build(
        tmp_path_factory.mktemp("flora"), n_species=4, n_images=8, image_size=64, n_jobs=1
    )
    return [open(path, "rb").read() for path in images["image_path"]]


def as_plain(answer) -> list:
    names = answer.names.round(4).fillna(0)
    return [
        names.values.tolist(),
        answer.rank,
        answer.name,
        answer.unlike,
        answer.alike["sha1"].tolist(),
    ]


def test_a_visitor_is_answered_as_the_model_answers_and_loads_no_torch(
    desks, photos, tmp_path, monkeypatch
):
    (tmp_path / "plant.jpg").write_bytes(photos[0])
    code = """if True:
        import json, sys
        from plantlab.desk import shared, widgets
        from plantlab.quality import votes
        desk = shared.load("five-flowers")
        answer = desk.answer([open("plant.jpg", "rb").read()], ["auto"], ())
        widgets.identify(desk)
        names = answer.names.round(4).fillna(0)
        told = [names.values.tolist(), answer.rank, answer.name, answer.unlike, answer.alike["sha1"].tolist()]
        print(json.dumps([told, desk.knows, "torch" in sys.modules]))"""
    env = os.environ | {shared.PLACE: f"{current_process().authkey.hex()} {desks.address}"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    model = store.load("five-flowers")
    expected = json.loads(json.dumps(as_plain(model.answer([photos[0]]))))
    assert done.stdout, done.stderr
    assert json.loads(done.stdout) == [expected, model.knows, False]


def test_visitors_who_come_at_once_get_what_each_gets_alone(desks, photos):
    def visit(photo: bytes) -> tuple:
        desk = desks.desk("five-flowers")
        answer = desk.answer([photo], ["auto"], ())
        return as_plain(answer), desk.look(photo, answer.names["species"][0])[1]

    alone = [visit(photo) for photo in photos]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(visit, photos))
    for (told, heat), (told_again, heat_again) in zip(alone, together):
        assert told == told_again
        np.testing.assert_allclose(heat, heat_again, atol=1e-5)


def test_what_cannot_be_answered_is_said_to_the_visitor(desks):
    with pytest.raises(ValueError, match="no model 'roses'"):
        desks.desk("roses").knows  # noqa: B018
    with pytest.raises(PhotoError, match="zero bytes"):
        desks.desk("five-flowers").answer([b""], ["auto"], ())
    with pytest.raises(AttributeError):
        desks.desk("five-flowers")._repr_html_  # noqa: B018  Jupyter asks every object


def test_elsewhere_than_on_a_page_the_model_is_ones_own(monkeypatch):
    monkeypatch.delenv(shared.PLACE, raising=False)
    assert isinstance(shared.load("five-flowers"), Identifier)
