"""Sites that know photographs, GBIF and iNaturalist, and how they are asked: politely."""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

OPEN = ("cc0", "cc-by", "cc-by-sa", "cc-by-nc", "cc-by-nc-sa")
PAGE = 50  # rows an answer
PATIENCE = 30  # seconds without a byte
TRIES = 4  # of one question, each after twice the wait
LARGEST = 20 * 2**20  # bytes of a photo
BUSY = (429, 500, 502, 503, 504)  # HTTP: ask again later
GBIF = "https://api.gbif.org/v1/occurrence/search"
INATURALIST = "https://api.inaturalist.org/v1/observations"

Row = dict[str, object]


@dataclass
class Asker:
    """Asks one address after another, never faster than the rate, and waits when told to.

    Attributes:
        contact: how a site's owner reaches whoever asks, sent with every question.
        seconds: between two questions.
    """

    contact: str
    seconds: float = 1.0
    wait: Callable[[float], None] = time.sleep
    _last: float = field(default=0.0, init=False)

    def ask(self, url: str, most: int = LARGEST) -> bytes:
        """Return what an address answers.

        Raises:
            OSError: refused, or too busy for too long. ValueError: more than `most` bytes.
        """
        pause = self.seconds
        for left in reversed(range(TRIES)):
            self.wait(max(0.0, self._last + self.seconds - time.monotonic()))
            self._last = time.monotonic()
            try:
                return self._answer(url, most)
            except HTTPError as error:
                if error.code not in BUSY or not left:
                    raise
                told = error.headers.get("Retry-After", "")
                pause = float(told) if told.isdigit() else 2 * pause
            except OSError:  # broken off, or no connection
                if not left:
                    raise
                pause *= 2
            self.wait(min(pause, 60))
        raise URLError("asked too often")

    def _answer(self, url: str, most: int) -> bytes:
        agent = f"plantlab/0.1 (photographs for research; {self.contact})"
        with urlopen(Request(url, headers={"User-Agent": agent}), timeout=PATIENCE) as answer:
            content = answer.read(most + 1)
            announced = int(answer.headers.get("Content-Length") or 0)
        if len(content) > most:
            raise ValueError(f"over {most // 2**20} MiB")
        if announced and len(content) < announced:
            raise URLError(f"{len(content)} of {announced} bytes came")
        return content


@dataclass(frozen=True)
class Source:
    """A site that knows photographs: how it is asked for a page of a species, and read."""

    name: str
    address: str
    question: Callable[[str, int], dict]
    read: Callable[[dict], list[Row]]


def _ask_gbif(name: str, page: int) -> dict:
    licences = ["CC0_1_0", "CC_BY_4_0", "CC_BY_NC_4_0"]
    asked = {"scientificName": name, "mediaType": "StillImage", "license": licences}
    return asked | {"limit": PAGE, "offset": page * PAGE}


def _read_gbif(answer: dict) -> list[Row]:
    rows = []
    for found in answer.get("results", []):
        place = {"latitude": found.get("decimalLatitude")}
        place["longitude"] = found.get("decimalLongitude")
        sheet = found.get("basisOfRecord") == "PRESERVED_SPECIMEN"
        shared = place | {"obs_id": f"gbif-{found.get('key')}", "date": found.get("eventDate")}
        shared |= {"source": "herbarium" if sheet else "web", "publisher": "gbif"}
        for media in found.get("media", []):
            author = media.get("creator") or media.get("rightsHolder") or found.get("recordedBy")
            licence = media.get("license") or found.get("license")
            row = {"url": media.get("identifier"), "author": author, "license": licence}
            rows.append(shared | row)
    return rows


def _ask_inaturalist(name: str, page: int) -> dict:
    asked = {"taxon_name": name, "photo_license": ",".join(OPEN), "quality_grade": "research"}
    return asked | {"photos": "true", "per_page": PAGE, "page": page + 1}


def _read_inaturalist(answer: dict) -> list[Row]:
    rows = []
    for found in answer.get("results", []):
        latitude, _, longitude = (found.get("location") or "").partition(",")
        shared = {"obs_id": f"inat-{found.get('id')}", "date": found.get("observed_on")}
        shared |= {"latitude": latitude, "longitude": longitude}
        shared |= {"source": "web", "publisher": "inaturalist"}
        for photo in found.get("photos", []):
            url = (photo.get("url") or "").replace("/square.", "/medium.")
            row = {"url": url, "author": photo.get("attribution")}
            rows.append(shared | row | {"license": photo.get("license_code")})
    return rows


SOURCES = {
    "inaturalist": Source("inaturalist", INATURALIST, _ask_inaturalist, _read_inaturalist),
    "gbif": Source("gbif", GBIF, _ask_gbif, _read_gbif),
}


def offered(
    name: str, sources: tuple[str, ...], asker: Asker, silent: dict[str, str]
) -> Iterator[Row]:
    """Yield what the sites offer of a species, page by page.

    A site that fails is noted in `silent`, with the reason, and not asked again.
    """
    for source in sources:
        site = SOURCES[source]
        page = 0
        while source not in silent:
            query = urlencode(site.question(name, page), doseq=True)
            try:
                answer = json.loads(asker.ask(f"{site.address}?{query}"))
                rows = site.read(answer)
                n_answers = len(answer.get("results", []))
            except (OSError, ValueError, AttributeError, TypeError) as error:
                silent[source] = str(error)
                break
            yield from rows
            if n_answers < PAGE:
                break
            page += 1


def is_open(licence: str) -> bool:
    """Return whether a licence lets others share and change the photo: a code, or its address.

    >>> is_open("cc-by-nc"), is_open("CC_BY_4_0"), is_open("cc-by-nd"), is_open("")
    (True, True, False, False)
    >>> is_open("http://creativecommons.org/licenses/by/4.0/legalcode")
    True
    """
    plain = licence.lower().replace("_", "-").replace("publicdomain/zero", "cc0")
    plain = plain.replace("creativecommons.org/licenses/", "cc-")
    return bool(re.search(r"cc0|cc-?by", plain)) and "-nd" not in plain
