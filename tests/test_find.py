"""From names to photographs, from sites that break off, throttle, lie and offer what is not open."""

import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image

from plantlab.cli import main
from plantlab.data import sites
from plantlab.data.find import fetch_listed, find_photos_of
from plantlab.data.layouts import read_images
from plantlab.data.sites import Asker
from plantlab.data.table import TableError

N = 70  # photos that each site offers of a species: two pages


def picture(number: int, size: tuple[int, int] = (64, 48)) -> bytes:
    small = np.random.default_rng(number).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    held = io.BytesIO()
    Image.fromarray(small).resize(size).save(held, format="JPEG")
    return held.getvalue()


class Sites(BaseHTTPRequestHandler):
    """Both sites and their photos. `trouble` maps a photo's number to what goes wrong with it."""

    trouble: dict = {}
    busy = 0
    agents: set = set()
    asked: list = []

    def do_GET(self):
        parts = urlsplit(self.path)
        self.agents.add(self.headers["User-Agent"])
        self.asked.append(self.path)
        if type(self).busy > 0:
            type(self).busy -= 1
            self.send_response(429)
            self.send_header("Retry-After", "3")
            self.end_headers()
        elif parts.path.startswith("/photo"):
            self.photo(int(parts.path.split("/")[2]))
        else:
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self.send(json.dumps(self.offers(parts.path, query)).encode())

    def offers(self, path: str, query: dict) -> dict:
        here = f"http://127.0.0.1:{self.server.server_port}/photo"
        if path == "/inaturalist":
            first = (int(query["page"]) - 1) * sites.PAGE
            numbers = range(first, min(first + sites.PAGE, N))
            return {"results": [self.observation(f"{here}/{i}/square.jpg", i) for i in numbers]}
        first = int(query["offset"])
        numbers = range(1000 + first, 1000 + min(first + sites.PAGE, N))
        return {"results": [self.occurrence(f"{here}/{i}/a.jpg", i) for i in numbers]}

    def observation(self, url: str, i: int) -> dict:
        licence = {"closed": None, "no changes": "cc-by-nd"}.get(self.trouble.get(i), "cc-by-nc")
        photo = {"url": url, "license_code": licence, "attribution": "(c) A. Bee"}
        return {"id": i, "observed_on": "2021-05-03", "location": "43.6,3.9", "photos": [photo]}

    def occurrence(self, url: str, i: int) -> dict:
        licence = "http://creativecommons.org/licenses/by/4.0/legalcode"
        media = [{"identifier": url, "license": licence, "creator": "B. Wasp"}]
        where = {"decimalLatitude": 48.1, "decimalLongitude": 16.4, "eventDate": "2020-06"}
        return {"key": i, "basisOfRecord": "PRESERVED_SPECIMEN", "media": media} | where

    def photo(self, number: int) -> None:
        trouble = self.trouble.get(number)
        if trouble == "gone":
            self.send_error(404)
        elif trouble == "a page":
            self.send(b"<html>sign in</html>")
        elif trouble == "small":
            self.send(picture(number, (16, 12)))
        elif trouble == "cut":
            self.send(picture(number)[:200], announced=5000)
        else:
            self.send(picture(number))

    def send(self, content: bytes, announced: int = 0) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(announced or len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture
def served(monkeypatch):
    monkeypatch.setattr(Sites, "trouble", {})
    monkeypatch.setattr(Sites, "busy", 0)
    monkeypatch.setattr(Sites, "agents", set())
    monkeypatch.setattr(Sites, "asked", [])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sites)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name, site in list(sites.SOURCES.items()):
        address = f"http://127.0.0.1:{server.server_port}/{name}"
        moved = sites.Source(name, address, site.question, site.read)
        monkeypatch.setitem(sites.SOURCES, name, moved)
    yield Sites
    server.shutdown()


@pytest.fixture
def asker():
    """Return one that does not really wait, and notes how long it would have."""
    waits = []
    asker = Asker("somebody@example.org", seconds=0.5, wait=waits.append)
    asker.waits = waits
    return asker


def test_the_result_is_a_data_set(served, asker, tmp_path):
    said = find_photos_of(["Rosa canina", "Bellis perennis"], tmp_path, asker, n=4)
    assert said == "8 photos fetched, 0 kept"
    images = read_images(tmp_path)
    assert images["species"].value_counts().to_dict() == {"Rosa canina": 4, "Bellis perennis": 4}
    row = images.iloc[0]
    told = (row["author"], row["license"], row["latitude"], row["date"], row["source"])
    assert told == ("(c) A. Bee", "cc-by-nc", 43.6, "2021-05-03", "web")
    assert row["obs_id"] == "inat-0" and row["url"].endswith("/photo/0/medium.jpg")
    assert any("somebody@example.org" in agent for agent in served.agents)


def test_the_second_page_and_the_second_site_are_asked_when_they_are_needed(
    served, asker, tmp_path
):
    find_photos_of(["Rosa canina"], tmp_path, asker, n=N + 5)
    images = read_images(tmp_path)
    assert images["publisher"].value_counts().to_dict() == {"inaturalist": N, "gbif": 5}
    assert images["source"].value_counts()["herbarium"] == 5


def test_a_run_goes_on_and_asks_for_nothing_twice(served, asker, tmp_path):
    find_photos_of(["Rosa canina"], tmp_path, asker, n=3)
    with (tmp_path / "images.csv").open("a") as file:
        file.write("Rosa_canina/half")  # of a killed run
    served.asked.clear()
    assert find_photos_of(["Rosa canina"], tmp_path, asker, n=5) == "2 photos fetched, 3 kept"
    assert sum("/photo/" in path for path in served.asked) == 2
    assert read_images(tmp_path)["url"].is_unique and len(read_images(tmp_path)) == 5


def test_what_is_not_open_or_no_photo_is_passed_over_and_counted(served, asker, tmp_path):
    kinds = ["closed", "no changes", "gone", "a page", "small", "cut"]
    served.trouble = dict(enumerate(kinds))
    said = find_photos_of(["Rosa canina"], tmp_path, asker, n=2)
    assert said == (
        "2 photos fetched, 0 kept, 3 could not be had or read, 2 not openly licensed, 1 too small"
    )
    assert [path.name for path in sorted((tmp_path / "Rosa_canina").iterdir())] == [
        "inaturalist_00001.jpg",
        "inaturalist_00002.jpg",
    ]


def test_it_waits_between_questions_and_as_long_as_it_is_told(served, asker, tmp_path):
    served.busy = 1
    find_photos_of(["Rosa canina"], tmp_path, asker, n=2)
    assert 3.0 in asker.waits and sum(0 < wait <= 0.5 for wait in asker.waits) >= 2


def test_a_site_that_fails_is_said_and_the_other_asked(served, asker, tmp_path, monkeypatch):
    lying = sites.Source("inaturalist", sites.SOURCES["gbif"].address, dict, list)
    lying = sites.Source(
        "inaturalist", lying.address, lambda name, page: {"offset": 0}, lambda _: 1 / 0
    )
    monkeypatch.setitem(sites.SOURCES, "inaturalist", lying)
    with pytest.raises(ZeroDivisionError):  # a bug is no failing site
        find_photos_of(["Rosa canina"], tmp_path, asker, n=2)
    silent = sites.Source("inaturalist", "http://127.0.0.1:9/nobody", lambda name, page: {}, list)
    monkeypatch.setitem(sites.SOURCES, "inaturalist", silent)
    said = find_photos_of(["Rosa canina"], tmp_path, asker, n=2)
    assert said.startswith("2 photos fetched, 0 kept; inaturalist stopped answering (")


def test_no_site_at_all_is_a_sentence(asker, tmp_path):
    with pytest.raises(
        TableError, match="no site answers; inaturalist said: .* Is there a connection"
    ):
        find_photos_of(["Rosa canina"], tmp_path, asker)


@pytest.mark.parametrize(
    ("names", "sources", "said"),
    [([], ("gbif",), "no species; give names"), (["a"], ("eol",), "no source 'eol'")],
)
def test_wrong_questions(asker, tmp_path, names, sources, said):
    with pytest.raises(TableError, match=said):
        find_photos_of(names, tmp_path, asker, sources=sources)


def test_another_table_is_not_written_over(asker, tmp_path):
    (tmp_path / "images.csv").write_text("a,b\n1,2\n")
    with pytest.raises(TableError, match="is of something else; name another folder"):
        find_photos_of(["Rosa canina"], tmp_path, asker)
    assert (tmp_path / "images.csv").read_text() == "a,b\n1,2\n"


def test_the_command(served, tmp_path, capsys):
    (tmp_path / "names.txt").write_text("Rosa canina\n\nRosa canina\n")
    options = ["--n", "2", "--contact", "me@example.org", "--seconds", "0"]
    assert main(["find-photos", str(tmp_path / "names.txt"), str(tmp_path / "set"), *options]) == 0
    assert "2 photos fetched, 0 kept. The data set is" in capsys.readouterr().out


@pytest.mark.parametrize("licensed", [True, False])
def test_a_table_of_addresses_is_fetched_the_same_way(served, asker, tmp_path, licensed):
    site = sites.SOURCES["gbif"].address.rsplit("/", 1)[0]
    licences = ["cc-by", "all rights reserved", "cc0"]
    lines = ["species,image_url" + licensed * ",license"]
    for i, licence in enumerate(licences):
        lines.append(f"Rosa canina,{site}/photo/{i}/a.jpg" + licensed * f",{licence}")
    (tmp_path / "mine.csv").write_text("\n".join(lines))
    said = fetch_listed(tmp_path / "mine.csv", tmp_path / "set", asker)
    more = ", 1 not openly licensed" if licensed else ""
    assert said == f"{3 - licensed} photos fetched, 0 kept{more}"
    assert len(read_images(tmp_path / "set")) == 3 - licensed
    again = fetch_listed(tmp_path / "mine.csv", tmp_path / "set", asker)
    assert again.startswith(f"0 photos fetched, {3 - licensed} kept")


def test_a_table_without_addresses_is_a_sentence(asker, tmp_path):
    (tmp_path / "mine.csv").write_text("a,species\n1,b\n")
    with pytest.raises(TableError, match="mine.csv has no species and url; it has a, species"):
        fetch_listed(tmp_path / "mine.csv", tmp_path / "set", asker)
