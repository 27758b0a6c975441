"""The service speaks the contract field by field, and refuses what it must, with a body that says why."""

import asyncio
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
import schemathesis
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from PIL import Image
from starlette.testclient import TestClient

from plantlab import __version__, cli
from plantlab.data.layouts import read_images
from plantlab.data.layouts.questions import journal_of
from plantlab.identify import store
from plantlab.identify.learn import learn
from plantlab.predictions.prior import Prior, Settings
from plantlab.service import contract, fetching, gate, shapes, uploads
from plantlab.service.app import create_app
from plantlab.service.gate import Quota
from plantlab.service.state import State

GENERA = {"Stripea across L.": "Stripea", "Stripea along Mill.": "Stripea", "Plaina grey": "Plaina"}
FAMILIES = {"Stripea": "Lineaceae", "Plaina": "Dotaceae"}
ACROSS, ALONG, GREY = GENERA


def a_photo(kind: int, seed: int = 0, size: tuple = (40, 44)) -> Image.Image:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 100, (*size, 3), dtype=np.uint8)
    lines = {0: np.s_[::4], 1: np.s_[:, ::4], 2: np.s_[0:0]}[kind]
    pixels[lines] += 140
    return Image.fromarray(pixels)


def a_file(kind: int, seed: int = 0, format: str = "PNG", size: tuple = (40, 44)) -> bytes:
    file = io.BytesIO()
    a_photo(kind, seed, size).save(file, format, **({"quality": 95} if format == "JPEG" else {}))
    return file.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the folder of a model that knows lines, their genera, families and organs."""
    place, rows = tmp_path_factory.mktemp("photos"), []
    for i in range(96):
        species = list(GENERA)[i % 3]
        path = place / f"{i:03d}.png"
        path.write_bytes(a_file(i % 3, i))
        split = ["train", "train", "valid", "test"][i // 3 % 4]
        organ = "leaf" if i % 3 < 2 else "flower"
        genus = GENERA[species]
        row = [str(path), species, genus, FAMILIES[genus], organ, split, str(i), f"{i:040x}"]
        rows.append([*row, "Ada", "CC-BY-4.0", "2024-05-17"])
    columns = "image_path species genus family organ split obs_id sha1 author license date"
    torch.manual_seed(0)
    model = learn(
        pd.DataFrame(rows, columns=columns.split()), "test_resnet", 32, epochs=0, weights="none"
    )
    model.floras = {"lines": [ACROSS, ALONG]}
    return store.save(model, tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def model(folder):
    return store.load(folder)


@pytest.fixture(scope="module")
def client(model):
    with TestClient(create_app(State(model)), raise_server_exceptions=False) as client:
        yield client


def ask(client, *files: bytes, organs=(), project="all", **query):
    named = [("images", (f"plant-{i}.png", file)) for i, file in enumerate(files)]
    params = {name.replace("_", "-"): value for name, value in query.items()}
    data = {"organs": list(organs)} if organs else {}
    return client.post(f"/v2/identify/{project}", files=named, data=data, params=params)


def refused(answer, status: int, error: str, *words: str) -> None:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert list(body) == ["statusCode", "error", "message"]
    assert (body["statusCode"], body["error"]) == (status, error)
    for word in words:
        assert word in body["message"], body["message"]


# the contract


def test_an_answer_has_every_field_and_says_what_the_model_says(client, model):
    file = a_file(0, 500)
    told = ask(client, file).json()
    assert list(told) == [
        "query",
        "predictedOrgans",
        "language",
        "preferedReferential",
        "bestMatch",
        "results",
        "version",
        "remainingIdentificationRequests",
    ]
    shapes.Identification.model_validate(told)
    sha1 = uploads.Upload("", file).sha1
    assert told["query"] == {
        "project": "all",
        "images": [sha1],
        "organs": ["auto"],
        "includeRelatedImages": False,
        "noReject": False,
        "type": None,
    }
    answer = model.answer([file], k=3)
    scores = dict(zip(answer.names["species"], answer.names["score"].round(5)))
    for row in told["results"]:
        assert row["score"] == pytest.approx(scores[row["species"]["scientificName"]], abs=2e-5)
    assert told["bestMatch"] == answer.names["species"].iloc[0] == ACROSS
    assert told["version"] == f"{model.card['date']} ({__version__})"
    assert (told["language"], told["preferedReferential"]) == ("en", "all")
    (organ,) = told["predictedOrgans"]
    assert (organ["image"], organ["filename"], organ["organ"]) == (sha1, "plant-0.png", "leaf")
    assert 0.5 < organ["score"] <= 1
    first = told["results"][0]
    assert list(first) == ["score", "species"]  # no images, gbif, powo, iucn: absent, not null
    assert first["species"] == {
        "scientificNameWithoutAuthor": "Stripea across",
        "scientificNameAuthorship": "L.",
        "scientificName": "Stripea across L.",
        "genus": dict.fromkeys(contract.taxon(""), "") | contract.taxon("Stripea"),
        "family": contract.taxon("Lineaceae"),
        "commonNames": [],
    }
    assert first["species"]["genus"]["scientificNameAuthorship"] == ""


def test_what_is_asked_for_is_said_back_and_done(client):
    told = ask(
        client,
        a_file(0, 1),
        a_file(0, 2),
        organs=["leaf", "flower"],
        include_related_images=True,
        no_reject="TRUE",
        nb_results=2,
        lang="fr",
        type="kt",
        detailed=True,
    ).json()
    shapes.Identification.model_validate(told)
    assert told["query"]["organs"] == ["leaf", "flower"] and len(told["query"]["images"]) == 2
    assert told["query"]["includeRelatedImages"] is told["query"]["noReject"] is True
    assert told["query"]["type"] == "kt" and told["language"] == "fr"
    assert told["predictedOrgans"] == []  # nothing was left to predict
    assert len(told["results"]) == 2
    genera = {row["genus"]["scientificName"]: row["score"] for row in told["otherResults"]["genus"]}
    assert genera["Stripea"] > 0.5
    families = told["otherResults"]["family"]
    assert families[0]["family"]["scientificName"] == "Lineaceae"
    assert families[0]["score"] == pytest.approx(genera["Stripea"], abs=1e-4)


def test_related_images_lie_where_the_answer_says(client, model):
    told = ask(client, a_file(1, 3), include_related_images=True, no_reject=True).json()
    for result in told["results"]:
        assert 1 <= len(result["images"]) <= 3
    image = told["results"][0]["images"][0]
    assert image["organ"] == "leaf" and image["author"] == "Ada"
    assert image["license"] == "CC-BY-4.0" and image["citation"].startswith("Ada / ")
    assert image["date"] == {"timestamp": 1715904000000, "string": "May 17, 2024"}
    for address in image["url"].values():
        shown = client.get(address)
        assert shown.headers["content-type"] == "image/jpeg"
        assert max(Image.open(io.BytesIO(shown.content)).size) <= 160


def test_several_photos_are_fused_as_the_model_fuses_them(client, model):
    files = [a_file(0, 7), a_file(2, 8)]
    told = ask(client, *files, organs=["leaf", "flower"]).json()
    answer = model.answer(files, ["leaf", "flower"], k=3)
    best = {row["species"]["scientificName"]: row["score"] for row in told["results"]}
    for row in answer.names.itertuples():
        assert best.get(row.species, 0) == pytest.approx(row.score, abs=1e-3)


def test_a_project_is_a_flora(client):
    assert ask(client, a_file(2, 1)).json()["bestMatch"] == GREY
    told = ask(client, a_file(2, 1), project="lines", no_reject=True).json()
    names = [row["species"]["scientificName"] for row in told["results"]]
    assert GREY not in names and told["preferedReferential"] == "lines"
    for project in ("best", "k-world-flora"):
        assert ask(client, a_file(2, 1), project=project).json()["bestMatch"] == GREY


def test_a_place_counts_where_it_is_known_and_is_said(model, monkeypatch):
    plants = {"species": [ACROSS, ALONG], "latitude": [50.0, 42.0], "longitude": 5.0}
    seen = pd.DataFrame(plants | {"date": "2024-06-01", "obs_id": ["a", "b"]})
    monkeypatch.setattr(model, "prior", Prior(seen, model.species))
    monkeypatch.setitem(model.card, "prior", Settings(100, 1000, 0.1, 2).to_dict())
    monkeypatch.setitem(model.card, "prior_limits", model.card["limits"])
    monkeypatch.setitem(model.card, "temperature", 200.0)  # so that it is never sure
    unclear = io.BytesIO()
    Image.new("RGB", (40, 40), (90, 90, 90)).save(unclear, "PNG")
    with TestClient(create_app(State(model))) as client:
        ask_there = partial(ask, client, unclear.getvalue(), no_reject=True)
        north = ask_there(lat=50, lon=5, date="2025-06-01").json()
        shapes.Identification.model_validate(north)
        assert north["place"] == "50.000, 5.000, 2025-06-01"
        south = ask_there(lat=42, lon=5).json()
        scores = [
            {row["species"]["scientificName"]: row["score"] for row in told["results"]}
            for told in (north, south)
        ]
        assert scores[0].get(ACROSS, 0) > scores[1].get(ACROSS, 0)
        assert "place" not in ask_there(lat=50, lon=5, no_place=True).json()
        assert "place" not in ask_there().json()  # nor does the photo say any
        refused(ask_there(lat=50), 400, "Bad Request", '"lat" and "lon"')
        refused(ask_there(lat=500, lon=1), 400, "Bad Request", '"lat"')
        refused(ask_there(lat=5, lon=1, date="soon"), 400, "Bad Request", '"date"')


def test_the_lists(client, model):
    projects = client.get("/v2/projects").json()
    assert [(row["id"], row["speciesCount"]) for row in projects] == [("all", 3), ("lines", 2)]
    assert list(projects[0]) == ["id", "title", "description", "speciesCount"]
    species = client.get("/v2/species").json()
    assert [row["scientificName"] for row in species] == sorted(GENERA)
    assert species[0]["gbifId"] is species[0]["powoId"] is species[0]["iucnCategory"] is None
    page = client.get("/v2/species", params={"page": 2, "pageSize": 2}).json()
    assert page == species[2:]
    begun = client.get("/v2/species", params={"prefix": "stri"}).json()
    assert [row["scientificName"] for row in begun] == [ACROSS, ALONG]
    assert len(client.get("/v2/projects/lines/species").json()) == 2
    assert client.get("/v2/languages").json()[:2] == ["en", "fr"]
    assert client.get("/v2/_status").json() == {"status": "ok"}
    assert "/v2/identify/{project}" in client.get("/openapi.json").json()["paths"]
    assert client.get("/docs").status_code == 200


# what is refused


def test_images_are_counted_and_looked_at_before_they_are_decoded(client, tmp_path, monkeypatch):
    good = a_file(0)
    refused(ask(client, *[good] * 6), 400, "Bad Request", "at most 5", "got 6")
    refused(client.post("/v2/identify/all"), 400, "Bad Request", '"images" is required')
    heic = b"\0\0\0\x18ftypheic" + bytes(200)
    refused(ask(client, heic), 400, "Bad Request", "Unsupported file type", "(jpeg or png)")
    refused(ask(client, good, b""), 400, "Bad Request", "image[1]", "empty")
    refused(ask(client, b"\x89PNG\r\n\x1a\n" + bytes(50)), 400, "Bad Request", "damaged")
    monkeypatch.setattr(uploads, "MAX_PIXELS", 1000)
    refused(ask(client, good), 400, "Bad Request", "megapixels")


def test_strips_and_endless_heads_are_refused_before_they_cost(client):
    strip = io.BytesIO()
    Image.new("L", (1, 8000)).save(strip, "PNG")
    refused(ask(client, strip.getvalue()), 400, "Bad Request", "1 x 8000", "a strip")
    jpeg = a_file(0, 1, "JPEG")
    padded = jpeg[:2] + b"\xff\xfe\x00\x02" * 100_000 + jpeg[2:]
    refused(ask(client, padded), 400, "Bad Request", "2000 segments")


def test_text_that_no_one_can_write_is_not_sent_back(client):
    """Half a letter, which a client can name a file by, is no UTF-8."""
    asked = httpx.Request("POST", "http://a", files=[("images", ("x.png", b"none"))])
    content = asked.read().replace(b"x.png", b"\\ud800.png")
    kind = asked.headers["content-type"] + "; charset=unicode_escape"
    answer = client.post("/v2/identify/all", content=content, headers={"content-type": kind})
    refused(answer, 400, "Bad Request", "Unsupported file type")


def test_without_keys_all_draw_on_one_account(model):
    with TestClient(create_app(State(model, quota=Quota(2)))) as client:
        for left, name in ((1, "a"), (0, "b")):
            told = ask(client, a_file(0), no_reject=True, api_key=name).json()
            assert told["remainingIdentificationRequests"] == left


def test_a_stranger_of_the_batch_that_fails_costs_no_other_an_answer(model, monkeypatch):
    see = model.see

    def fail_for_grey(photos, problems=None):
        if grey in photos:
            raise MemoryError
        return see(photos, problems)

    grey = a_file(2, 77)
    monkeypatch.setattr(model, "see", fail_for_grey)
    state = State(model)

    async def many() -> list:
        worker = asyncio.create_task(state.batcher.work())
        files = [a_file(0, 1), grey, a_file(1, 2)]
        asked = [state.batcher.see([file]) for file in files]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        worker.cancel()
        return answers

    first, failed, last = asyncio.run(many())
    assert first[0].named() == [ACROSS] and last[0].named() == [ALONG]
    assert isinstance(failed, MemoryError)


def test_a_truncated_photo_and_a_bomb_are_told_from_the_others_of_their_batch(client):
    jpeg = a_file(0, 1, "JPEG", (400, 440))
    refused(ask(client, jpeg[: len(jpeg) // 2]), 400, "Bad Request", "image[0]", "truncated")
    file = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(file, "PNG")  # 400 megapixels in a few kilobytes
    assert len(file.getvalue()) < 100_000
    refused(ask(client, file.getvalue()), 400, "Bad Request", "megapixels")


def test_organs_must_be_known_and_fit(client):
    good = a_file(0)
    refused(ask(client, good, organs=["petal"]), 400, "Bad Request", "organs[0]", "petal")
    both = ask(client, good, organs=["leaf", "flower"])
    refused(both, 400, "Bad Request", "1 images and 2 organs")
    refused(ask(client, good, organs=["habit"]), 400, "Bad Request", "beside")
    assert ask(client, good, a_file(0, 1), organs=["habit", "leaf"]).status_code == 200


def test_what_is_no_plant_is_not_found_unless_it_shall_be_named(client, model, monkeypatch):
    monkeypatch.setitem(model.card, "strange", -1.0)  # nothing is like what was learnt
    answer = ask(client, a_file(0))
    refused(answer, 404, "Not Found")
    assert answer.json()["message"] == "Species not found"
    assert ask(client, a_file(0), no_reject=True).json()["bestMatch"] == ACROSS


def test_other_wrong_questions(client):
    good = a_file(0)
    refused(ask(client, good, project="atlantis"), 404, "Not Found", "Project not found", "lines")
    refused(ask(client, good, nb_results=0), 400, "Bad Request", '"nb-results"')
    refused(ask(client, good, lang="klingon"), 400, "Bad Request", '"lang"', "en, fr")
    refused(ask(client, good, type="new"), 400, "Bad Request", '"type"')
    refused(client.get("/v2/nothing"), 404, "Not Found", "no such route")
    refused(client.put("/v2/projects"), 405, "Method Not Allowed", "no such route")
    refused(client.get("/v2/species?page=1"), 400, "Bad Request", "pageSize")
    refused(client.get("/v2/related/none.jpg"), 404, "Not Found", "no such image")
    refused(client.get("/v2/projects/" + "a" * 9000), 414, "URI Too Long", "8192")


def test_keys_are_asked_for_and_counted(model):
    app = create_app(State(model, quota=Quota(2), keys=["opensesame"]))
    with TestClient(app) as client:
        refused(ask(client, a_file(0)), 401, "Unauthorized", "api-key")
        refused(ask(client, a_file(0), api_key="wrong"), 401, "Unauthorized", "api-key")
        assert client.get("/v2/_status").status_code == 200  # no key needed
        for left in (1, 0):
            told = ask(client, a_file(0), api_key="opensesame").json()
            assert told["remainingIdentificationRequests"] == left
        answer = ask(client, a_file(0), api_key="opensesame")
        refused(answer, 429, "Too Many Requests", "midnight")
        assert 0 < int(answer.headers["retry-after"]) <= 86_400


def test_a_body_that_is_too_large_is_refused_by_its_length_and_by_its_bytes(client, monkeypatch):
    monkeypatch.setattr(gate, "MAX_BYTES", 1000)
    refused(ask(client, bytes(2000)), 413, "Request Entity Too Large")

    def parts():  # no Content-Length
        for _ in range(20):
            yield bytes(100)

    headers = {"content-type": "multipart/form-data; boundary=b"}
    answer = client.post("/v2/identify/all", content=parts(), headers=headers)
    refused(answer, 413, "Request Entity Too Large")


def test_our_own_failure_is_said_in_the_same_words(client, model, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("a bug")

    monkeypatch.setattr(model, "see", fail)
    refused(ask(client, a_file(0)), 500, "Internal Server Error", "RuntimeError")


# addresses


@pytest.fixture
def site(tmp_path):
    """Return the address of a web server with a photo on it."""
    (tmp_path / "a plant.png").write_bytes(a_file(1, 9))
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_images_are_fetched_by_their_addresses(model, site):
    with TestClient(create_app(State(model), private=True)) as client:
        query = {"images": [f"{site}/a%20plant.png"], "organs": ["leaf"], "lang": "", "type": ""}
        told = client.get("/v2/identify/all", params=query).json()
        assert told["bestMatch"] == ALONG and told["query"]["organs"] == ["leaf"]
        missing = client.get("/v2/identify/all", params={"images": f"{site}/none.png"})
        refused(missing, 400, "Bad Request", "answers 404")
        for address in ("file:///etc/passwd", "nothing", "http://", "http://[::1"):
            wrong = client.get("/v2/identify/all", params={"images": address})
            refused(wrong, 400, "Bad Request", "no image could be fetched")


def test_a_stranger_reaches_no_private_machine_through_it(client, site):
    answer = client.get("/v2/identify/all", params={"images": f"{site}/a%20plant.png"})
    refused(answer, 400, "Bad Request", "not on the public internet")
    named = site.replace("127.0.0.1", "localhost")
    refused(
        client.get("/v2/identify/all", params={"images": named}), 400, "Bad Request", "not on the"
    )


class Odd(SimpleHTTPRequestHandler):
    """A server that moves nowhere, or packs what it sends."""

    def do_GET(self):  # noqa: N802
        self.send_response(302 if "moved" in self.path else 200)
        if "packed" in self.path:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(b"x")


def test_servers_that_move_nowhere_or_pack_are_told(model):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    site = f"http://127.0.0.1:{server.server_port}"
    with TestClient(create_app(State(model), private=True)) as client:
        for path, why in {"moved": "answers 302", "packed": "packs what it sends"}.items():
            answer = client.get("/v2/identify/all", params={"images": f"{site}/{path}"})
            refused(answer, 400, "Bad Request", why)
    server.shutdown()


def test_a_wrong_question_fetches_nothing(model, monkeypatch):
    async def fetch(*_):
        raise AssertionError("fetched")

    monkeypatch.setattr(fetching, "fetch", fetch)
    with TestClient(create_app(State(model, quota=Quota(0)))) as client:
        many = client.get("/v2/identify/all", params={"images": ["http://a/b"] * 250})
        refused(many, 400, "Bad Request", "at most 5", "got 250")
        petal = client.get("/v2/identify/all", params={"images": "http://a", "organs": "petal"})
        refused(petal, 400, "Bad Request", "organs[0]")
        spent = client.get("/v2/identify/all", params={"images": "http://a"})
        refused(spent, 429, "Too Many Requests", "0 are left")


@pytest.mark.parametrize(
    "number",
    "127.0.0.1 10.0.0.1 169.254.169.254 224.0.0.1 ::1 ::127.0.0.1 64:ff9b::a9fe:a9fe "
    "2002:7f00:1:: fec0::1 ff0e::1 ::ffff:127.0.0.1".split(),
)
def test_no_address_hides_a_private_machine(number):
    assert not fetching._is_public(number)
    assert fetching._is_public("9.9.9.9") and fetching._is_public("2620:fe::fe")


# many plants on one photo


def a_plot() -> bytes:
    """Return a photo of 1200 x 800: lines across on the left, along on the right."""
    plot = Image.new("RGB", (1200, 800))
    plot.paste(a_photo(0, 1, (32, 24)).resize((600, 800), 0), (0, 0))
    plot.paste(a_photo(1, 2, (32, 24)).resize((600, 800), 0), (600, 0))
    file = io.BytesIO()
    plot.save(file, "PNG")
    return file.getvalue()


def survey(client, image: bytes, project="all", **fields):
    files = {"image": ("plot.png", image)}
    return client.post(f"/v2/survey/tiles/{project}", files=files, data=fields)


def test_a_survey_lists_what_its_tiles_show(client, model, monkeypatch):
    monkeypatch.setitem(model.card, "strange", 2.0)
    fields = {"tile_size": 600, "tile_stride": 600, "multi_scale": "false", "max_rank": 1}
    told = survey(client, a_plot(), **fields, min_score=0.2).json()
    shapes.Survey.model_validate(told)
    results = told["results"]
    assert results["image"] == {"width": 1200, "height": 800}
    assert results["nb_sub_queries"] == 2 == results["nb_matching_sub_queries"]
    assert results["uncovered"] == pytest.approx(1 - 2 * 600 * 600 / (1200 * 800))
    assert sum(row["count"] for row in results["species"]) == 2
    for row in results["species"]:
        assert row["coverage"] == pytest.approx(row["count"] * 600 * 600 / (1200 * 800), abs=1e-5)
        assert row["max_score"] == max(place["score"] for place in row["location"])
        for place in row["location"]:
            assert place["size"] == 600 and place["center"]["x"] in (300, 900)
    assert {row["name"] for row in results["genus"]} <= {"Stripea", "Plaina"}
    assert told["remainingIdentificationRequests"] < 1_000_000


def test_a_survey_counts_tiles_as_clients_expect_and_says_what_is_no_plant(
    client, model, monkeypatch
):
    monkeypatch.setitem(model.card, "strange", -1.0)
    told = survey(client, a_plot(), tile_size=518, tile_stride=259, multi_scale="false").json()
    assert told["results"]["nb_sub_queries"] == 3 * 2
    assert told["results"]["nb_matching_sub_queries"] == 0 and told["results"]["uncovered"] == 1
    (reject,) = told["results"]["species"]
    assert reject["reject"] == reject["name"] == "no plant" and reject["count"] == 6
    only = survey(client, a_plot(), show_species="false", show_family="false").json()["results"]
    assert "species" not in only and "family" not in only and only["genus"] == []


def test_a_survey_of_four_thousand_by_three_thousand_costs_what_it_costs_elsewhere(client):
    for wrong in ("0x0", "0x100", "4000", "-1x5"):
        answer = client.post("/v2/cost/survey/all", data={"size": wrong, "multi_scale": "false"})
        refused(answer, 400, "Bad Request", '"size"')
    cut = {"size": "4000x3000", "tile_size": 518, "tile_stride": 259, "multi_scale": "false"}
    assert client.post("/v2/cost/survey/all", data=cut).json() == {"estimated_cost": 140}


def test_a_survey_refuses(client, model):
    refused(client.post("/v2/survey/tiles/all"), 400, "Bad Request", '"image" is required')
    plural = client.post("/v2/survey/tiles/all", files={"images": ("a.png", a_file(0))})
    refused(plural, 400, "Bad Request", '"image" is required')
    refused(survey(client, a_file(0), tile_size=100), 400, "Bad Request", '"tile_size"', "518")
    refused(survey(client, a_file(0), min_score="nan"), 400, "Bad Request", '"min_score"')
    many = survey(client, a_plot(), tile_stride=5)
    refused(many, 400, "Bad Request", "larger stride")
    refused(survey(client, b"GIF89a"), 400, "Bad Request", "jpeg or png")
    half = a_plot()
    refused(survey(client, half[: len(half) // 2]), 400, "Bad Request", "truncated")
    refused(survey(client, a_file(0), project="atlantis"), 404, "Not Found", "Project not found")
    with TestClient(create_app(State(model, quota=Quota(2)))) as poor:
        refused(survey(poor, a_plot()), 429, "Too Many Requests", "2 are left")


# what is kept


def test_questions_are_kept_and_become_rows_and_plants_to_vote_on(model, tmp_path, project):
    keep = tmp_path / "data" / "votes" / "service"
    file = a_file(0, 4)
    with TestClient(create_app(State(model, keep=keep))) as client:
        for _ in range(2):
            assert ask(client, file, a_file(0, 5), organs=["leaf", "auto"]).status_code == 200
        assert ask(client, a_file(2, 6)).status_code == 200
    kept = journal_of(keep)
    assert len(kept) == 2 and kept["answered"].tolist() == [ACROSS, GREY]
    images = read_images(keep)
    assert images["obs_id"].nunique() == 2 and len(images) == 3
    assert images["organ"].tolist() == ["leaf", "", ""]
    assert "species" not in images
    assert any(Path(path).read_bytes() == file for path in images["image_path"])

    from plantlab.desk.herbarium import _Herbarium

    page = _Herbarium("service", tmp_path / "data")
    page.by.value = "Bob"
    assert page.plant["obs_id"] in set(kept["obs_id"])
    page._keep_theirs("Stripea across")
    assert page.plant["obs_id"] in set(kept["obs_id"]) and len(page.theirs.children) > 0


def test_nothing_is_kept_unless_it_is_asked_for(client, project):
    ask(client, a_file(0, 4))
    assert not list(project.rglob("*.jsonl"))


# together


def test_requests_that_arrive_together_are_asked_together_and_answered_apart(model):
    state = State(model)

    async def many() -> list:
        worker = asyncio.create_task(state.batcher.work())
        files = [a_file(i % 3, i) for i in range(12)]
        answers = await asyncio.gather(*[state.batcher.see([file]) for file in files])
        worker.cancel()
        return answers

    answers = asyncio.run(many())
    named = [said.named()[0] for said, _, _ in answers]
    assert named == [list(GENERA)[i % 3] for i in range(12)]
    assert state.batcher.n_batches <= 3


# as a process


def a_free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def running(folder, tmp_path):
    """Return the address of `plantlab serve` in a process of its own, the process, and its folder."""
    port = a_free_port()
    keep = tmp_path / "kept"
    command = [sys.executable, "-m", "plantlab", "serve", str(folder)]
    command += ["--port", str(port), "--keep", str(keep)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while True:
        try:
            assert httpx.get(f"{address}/v2/_status").json() == {"status": "ok"}
            break
        except httpx.TransportError:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
    yield address, process, keep
    process.kill()
    process.wait()


def test_eight_clients_at_once_and_some_that_stall_or_leave(running):
    address, _, _ = running
    host, port = address.removeprefix("http://").split(":")
    head = f"POST /v2/identify/all HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5000\r\n"
    head += "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
    slow = [socket.create_connection((host, int(port))) for _ in range(120)]
    for each in slow:
        each.sendall(head.encode())
    for each in slow[:20]:
        each.close()  # in the midst of its body

    def one_client(number: int) -> list[int]:
        with httpx.Client(base_url=address, timeout=30) as client:
            answers = [ask(client, a_file(number % 3, i), no_reject=True) for i in range(10)]
            return [answer.status_code for answer in answers]

    with ThreadPoolExecutor(8) as pool:
        statuses = sum(pool.map(one_client, range(8)), [])
    assert statuses == [200] * 80
    for each in slow[20:]:
        each.close()


def test_killed_while_it_keeps_it_loses_no_question_that_it_answered(running):
    address, process, keep = running
    answered = []

    def asking() -> None:
        with httpx.Client(base_url=address, timeout=30) as client:
            for seed in range(1000):
                try:
                    told = ask(client, a_file(0, seed, "JPEG"))
                except httpx.TransportError:
                    return
                answered.append(told.json()["query"]["images"][0])

    asker = threading.Thread(target=asking)
    asker.start()
    while len(answered) < 15:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    asker.join()
    images = read_images(keep)
    kept = {Path(path).stem for path in images["image_path"]}
    assert set(answered) <= kept and len(answered) >= 15
    for path in images["image_path"]:
        Image.open(path).load()


# the command


def test_the_command_says_what_is_wrong(folder, tmp_path, capsys):
    flora = tmp_path / "mars.txt"
    flora.write_text("Rosa martiana\n")
    assert cli.main(["serve", str(folder), "--flora", str(flora)]) == 2
    assert "none is among the 3 species" in capsys.readouterr().err
    assert cli.main(["serve", str(folder), "--daily", "0"]) == 2
    assert "--daily" in capsys.readouterr().err
    assert cli.main(["serve", "no-such-model"]) == 2


def test_without_its_libraries_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "plantlab.service.server", None)
    assert cli.main(["serve"]) == 2
    assert "pip install" in capsys.readouterr().err


# fuzzed


@pytest.mark.slow
def test_no_request_of_its_schema_or_beside_it_makes_it_fail(running):
    """Schemathesis asks every route what nobody would think of; it finds no 5xx."""
    address, _, _ = running
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    asked = set()
    for each in schema.get_all_operations():
        operation = each.ok()
        for mode in schemathesis.GenerationMode:
            strategy = operation.as_strategy(generation_mode=mode)
            checks = list(HealthCheck)

            @settings(max_examples=12, deadline=None, database=None, suppress_health_check=checks)
            @given(case=strategy)
            def ask_anything(case):
                answer = case.call()
                asked.add(case.path)
                assert answer.status_code < 500, f"{case.as_curl_command()}\n{answer.text}"

            with suppress(Unsatisfiable):  # a route without fields cannot be asked wrongly
                ask_anything()
    assert len(asked) >= 9
