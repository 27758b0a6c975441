"""Images by their addresses: fetched from the public internet, never from the service's own net."""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

import httpx

from plantlab.service.gate import MAX_BYTES
from plantlab.service.refusals import Refusal
from plantlab.service.uploads import Upload

SECONDS = 10.0
MOST_MOVES = 3  # redirects that are followed
IN_DISGUISE = "64:ff9b::/96 64:ff9b:1::/48 2002::/16 2001::/32 ::/96 fec0::/10"
WRAPPED = [ipaddress.ip_network(each) for each in IN_DISGUISE.split()]  # may hold private ones


async def fetch(addresses: Sequence[str], private: bool = False) -> list[Upload]:
    """Return the images that lie at some addresses.

    Args:
        private: also from addresses of the service's own network, which a stranger must not reach
            through it.
    Raises:
        Refusal: 400, an address that is no public http one, or does not give an image in time. 413,
            they hold too much together.
    """
    budget = Budget()
    async with httpx.AsyncClient(timeout=httpx.Timeout(SECONDS), trust_env=False) as client:
        uploads = []
        for address in addresses:
            uploads.append(await _fetch_one(client, address, private, budget))
    return uploads


class Budget:
    """How many bytes the images of a question may still hold."""

    def __init__(self) -> None:
        self.left = MAX_BYTES

    def take(self, n: int) -> None:
        """Take some.

        Raises:
            Refusal: 413, they are not left.
        """
        self.left -= n
        if self.left < 0:
            raise Refusal(413, f"the images hold more than {MAX_BYTES // 1_000_000} MB together.")


async def _fetch_one(
    client: httpx.AsyncClient, address: str, private: bool, budget: Budget
) -> Upload:
    """Return one image. Every move is looked at as the first address is."""
    url = address
    for _ in range(MOST_MOVES + 1):
        try:
            asked = _ask(client, url, private, budget)
            content, url = await asyncio.wait_for(asked, 3 * SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, ValueError):
            raise _failed(address, "its server cannot be reached, or is too slow") from None
        if content is not None:
            name = unquote(urlsplit(url).path.rpartition("/")[2])
            return Upload(name or "image", content)
    raise _failed(address, "it moves on and on")


async def _ask(
    client: httpx.AsyncClient, url: str, private: bool, budget: Budget
) -> tuple[bytes | None, str]:
    """Return what lies there and its address; or nothing, and where it has moved."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _failed(url, "it is no http or https address")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = await _look_up(parts.hostname, port, url, private)
    # asked by number, so that the name cannot mean another machine by now
    numbered = httpx.URL(url).copy_with(host=host)
    named = parts.netloc.rpartition("@")[2]
    headers = {"Host": named, "Accept-Encoding": "identity"}
    request = client.build_request("GET", numbered, headers=headers)
    request.extensions["sni_hostname"] = parts.hostname
    answer = await client.send(request, stream=True)
    try:
        if answer.has_redirect_location:
            return None, str(httpx.URL(url).join(answer.headers["location"]))
        if answer.status_code != 200:
            raise _failed(url, f"its server answers {answer.status_code}")
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise _failed(url, "its server packs what it sends")
        return await _read(answer, budget), url
    finally:
        await answer.aclose()


async def _look_up(name: str, port: int, url: str, private: bool) -> str:
    """Return the number of a machine by its name, if strangers may ask it."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    numbers = [entry[4][0] for entry in found]
    if not private and not all(map(_is_public, numbers)):
        raise _failed(url, "it is not on the public internet")
    return numbers[0]


def _is_public(number: str) -> bool:
    """Return whether a machine lies on the public internet, and no address hides another in it."""
    address = ipaddress.ip_address(number)
    if any(address in network for network in WRAPPED if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast


async def _read(answer: httpx.Response, budget: Budget) -> bytes:
    content = bytearray()
    async for part in answer.aiter_raw():
        budget.take(len(part))
        content += part
    return bytes(content)


def _failed(url: str, why: str) -> Refusal:
    return Refusal(400, f"no image could be fetched from {url[:200]}: {why}.")
