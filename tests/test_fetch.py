"""Published photographs by name, from a server that breaks off, refuses and lies."""

import hashlib
import io
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import bad_files
import pytest

from plantlab.data import fetch
from plantlab.data.fetch import Published, fetched
from plantlab.data.layouts import read_images
from plantlab.data.table import TableError


def archive() -> bytes:
    """Return a tar of two class folders, in a folder, as flower_photos comes."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as tar:
        for name in ("daisy/1.jpg", "tulips/2.jpg"):
            photo = io.BytesIO()
            bad_files.picture(300, 200).save(photo, format="PNG")
            info = tarfile.TarInfo(f"flowers/{name}")
            info.size = len(photo.getvalue())
            tar.addfile(info, io.BytesIO(photo.getvalue()))
    return held.getvalue()


class Server(BaseHTTPRequestHandler):
    """Serves `content`; breaks off the first `breaks` answers half way; may refuse ranges."""

    content = b""
    breaks = 0
    ranges = True
    status = 200
    asked: list = []

    def do_GET(self):
        self.asked.append(self.headers.get("Range"))
        if self.status != 200:
            self.send_error(self.status)
            return
        start = 0
        if self.ranges and self.headers.get("Range"):
            start = int(self.headers["Range"].split("=")[1].rstrip("-"))
        rest = self.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        if type(self).breaks > 0:
            type(self).breaks -= 1
            rest = rest[: len(rest) // 2]
        self.wfile.write(rest)
        self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture
def served(monkeypatch):
    """Serve a data set called "flowers"; return the server's class, to set what it does."""
    monkeypatch.setattr(Server, "content", archive())
    monkeypatch.setattr(Server, "breaks", 0)
    monkeypatch.setattr(Server, "ranges", True)
    monkeypatch.setattr(Server, "status", 200)
    monkeypatch.setattr(Server, "asked", [])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/flowers.tgz"
    size = len(Server.content)
    published = Published({url: ""}, size, "CC-BY 2.0", "Somebody, Flowers, 2019")
    monkeypatch.setitem(fetch.PUBLISHED, "flowers", published)
    yield Server
    server.shutdown()


def test_photographs_are_fetched_once_by_their_name(served, project, capsys):
    images = read_images("flowers")
    assert images["species"].tolist() == ["daisy", "tulips"] and images.attrs["name"] == "flowers"
    said = capsys.readouterr().out
    assert "Somebody, Flowers, 2019" in said and "CC-BY 2.0" in said
    assert len(read_images("flowers")) == 2 and len(served.asked) == 1
    digest = hashlib.sha256(served.content).hexdigest()
    kept = sorted(path.name for path in (project / "data" / "photos").iterdir())
    assert kept == ["flowers", "flowers.sha256"]
    assert digest in (project / "data" / "photos" / "flowers.sha256").read_text()


@pytest.mark.parametrize("ranges", [True, False])
def test_a_connection_that_breaks_off_is_gone_on_with(served, project, ranges):
    served.breaks = 2
    served.ranges = ranges
    assert len(read_images("flowers")) == 2
    assert served.asked[0] is None and all(asked.startswith("bytes=") for asked in served.asked[1:])


def test_what_came_is_kept_for_the_next_run(served, project):
    served.breaks = 99
    with pytest.raises(
        TableError, match=r"flowers.tgz could not be fetched .* what has come is kept"
    ):
        fetched("flowers")
    assert not (project / "data" / "photos" / "flowers").exists()
    served.breaks = 0
    assert fetched("flowers").is_dir() and served.asked[-1].startswith("bytes=")


@pytest.mark.parametrize("status", [404, 429, 503])
def test_a_refusal_is_a_sentence(served, project, status):
    served.status = status
    with pytest.raises(TableError, match=rf"{status}.* Is there a connection") as error:
        fetched("flowers")
    assert len(str(error.value)) < 400


def test_other_bytes_than_were_published_are_left_out(served, project):
    served.content = b"a web page" * 50
    with pytest.raises(TableError, match="has 500 bytes and was published with"):
        fetched("flowers")
    assert not list((project / "data" / "photos").glob("flowers*"))


def test_a_damaged_archive_is_a_sentence(served, project):
    served.content = bytes(len(served.content))
    with pytest.raises(TableError, match="is damaged"):
        fetched("flowers")
    assert not (project / "data" / "photos" / "flowers").exists()


def test_an_archive_writes_nothing_outside_of_its_folder(served, project, monkeypatch):
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as tar:
        info = tarfile.TarInfo("../../escaped.txt")
        info.size = 1
        tar.addfile(info, io.BytesIO(b"x"))
    served.content = held.getvalue()
    published = fetch.PUBLISHED["flowers"]
    smaller = Published(published.files, len(held.getvalue()), "", "")
    monkeypatch.setitem(fetch.PUBLISHED, "flowers", smaller)
    with pytest.raises(TableError, match="is damaged"):
        fetched("flowers")
    assert not list(project.rglob("escaped.txt"))


def test_what_is_large_is_fetched_only_when_that_is_said(project, monkeypatch):
    monkeypatch.delenv(fetch.AGREED, raising=False)
    with pytest.raises(TableError, match=r"plantnet300k is 29.5 GB .* PLANTLAB_FETCH=plantnet300k"):
        read_images("plantnet300k")


def test_without_a_network_it_is_one_sentence(project):
    with pytest.raises(TableError, match="could not be fetched"):
        read_images("flower_photos")


def test_a_part_that_is_longer_than_what_is_there_is_begun_anew(served, project, monkeypatch):
    folder = project / "data" / "photos" / ".flowers-fetched"
    folder.mkdir(parents=True)
    (folder / "flowers.tgz.part").write_bytes(b"x" * (len(served.content) + 9))
    original = served.do_GET

    def refuse_ranges(self):
        if self.headers.get("Range"):
            self.send_error(416)
        else:
            original(self)

    monkeypatch.setattr(served, "do_GET", refuse_ranges)
    assert fetched("flowers").is_dir()
