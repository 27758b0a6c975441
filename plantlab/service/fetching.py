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


async def fetch(addresses: Sequence[str], private: bool = False) -> list[Upload]:
    """Return the images that lie at some addresses.

    Args:
        private: also from addresses of the service's own network, which a stranger must not reach
            through it.
    Raises:
        Refusal: 400, an address that is no public http one, or does not give an image in time.
    """
    fetched = await asyncio.gather(*[_fetch_one(address, private) for address in addresses])
    if sum(len(upload.content) for upload in fetched) > MAX_BYTES:
        raise Refusal(413, f"the images hold more than {MAX_BYTES // 1_000_000} MB together.")
    return fetched


async def _fetch_one(address: str, private: bool) -> Upload:
    """Return one image. Every move is looked at as the first address is."""
    url = address
    timeout = httpx.Timeout(SECONDS)
    async with httpx.AsyncClient(timeout=timeout, trust_env=False) as client:
        for _ in range(MOST_MOVES + 1):
            try:
                content, url = await asyncio.wait_for(_ask(client, url, private), 3 * SECONDS)
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, ValueError) as error:
                raise _failed(address, type(error).__name__) from None
            if content is not None:
                name = unquote(urlsplit(url).path.rpartition("/")[2])
                return Upload(name or "image", content)
    raise _failed(address, "it moves on and on")


async def _ask(client: httpx.AsyncClient, url: str, private: bool) -> tuple[bytes | None, str]:
    """Return what lies there and its address; or nothing, and where it has moved."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _failed(url, "it is no http or https address")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = await _look_up(parts.hostname, port, url, private)
    # asked by number, so that the name cannot mean another machine by now
    numbered = httpx.URL(url).copy_with(host=host)
    request = client.build_request(
        "GET", numbered, headers={"Host": parts.netloc.rpartition("@")[2]}
    )
    request.extensions["sni_hostname"] = parts.hostname
    answer = await client.send(request, stream=True)
    try:
        if answer.is_redirect:
            return None, str(httpx.URL(url).join(answer.headers["location"]))
        if answer.status_code != 200:
            raise _failed(url, f"its server answers {answer.status_code}")
        return await _read(answer, url), url
    finally:
        await answer.aclose()


async def _look_up(name: str, port: int, url: str, private: bool) -> str:
    """Return the number of a machine by its name, if strangers may ask it."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    numbers = [entry[4][0] for entry in found]
    if not private and not all(ipaddress.ip_address(number).is_global for number in numbers):
        raise _failed(url, "it is not on the public internet")
    return numbers[0]


async def _read(answer: httpx.Response, url: str) -> bytes:
    content = b""
    async for part in answer.aiter_bytes():
        content += part
        if len(content) > MAX_BYTES:
            raise _failed(url, f"it holds more than {MAX_BYTES // 1_000_000} MB")
    return content


def _failed(url: str, why: str) -> Refusal:
    return Refusal(400, f"no image could be fetched from {url[:200]}: {why}.")
