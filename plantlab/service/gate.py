"""Who may come in, and how much each may bring: seen to before a body is read."""

import asyncio
import hmac
import math
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from plantlab.service.refusals import Refusal, response

MAX_BYTES = 50_000_000  # of a body
MAX_URI = 8192  # bytes of path and query
PATIENCE = 30.0  # seconds that a client may keep silent while it sends
LONGEST = 300.0  # seconds that a body may take, all in all
STATUS = "/v2/_status"  # is answered whatever else is asked
OPEN = (STATUS, "/v2/related", "/docs", "/openapi.json", "/favicon.ico")
DAILY = 1_000_000  # identifications of a key
AT_ONCE = 2000  # requests that may wait for their answer
NO_KEY = "api-key is missing, or is not one of this service; add ?api-key=YOUR_KEY."


class Quota:
    """How many identifications each key may still ask for today, by UTC's midnights."""

    def __init__(self, daily: int = DAILY):
        self.daily = daily
        self.day = ""
        self.spent: Counter[str] = Counter()

    def remaining(self, key: str) -> int:
        """Return how many are left, 0 or more."""
        today = datetime.now(UTC).date().isoformat()
        if today != self.day:
            self.day = today
            self.spent.clear()
        return max(0, self.daily - self.spent[key])

    def spend(self, key: str, n: int = 1) -> int:
        """Take `n` and return how many are left.

        Raises:
            Refusal: 429, fewer are left; nothing is taken.
        """
        left = self.check(key, n)
        self.spent[key] += n
        return left - n

    def check(self, key: str, n: int = 1) -> int:
        """Return how many are left.

        Raises:
            Refusal: 429, fewer than `n` are left.
        """
        left = self.remaining(key)
        if n > left:
            until = {"Retry-After": str(_seconds_to_midnight())}
            raise Refusal(
                429,
                f"this asks for {n} identifications, and of {self.daily} a day {left} are left; "
                "they are renewed at midnight UTC.",
                until,
            )
        return left


def _seconds_to_midnight() -> int:
    now = datetime.now(UTC)
    tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return math.ceil((tomorrow - now).total_seconds())


class Gate:
    """ASGI middleware: keys are checked, and what is too large, or never comes, is refused.

    Args:
        keys: that may ask; none lets everybody ask.
    """

    def __init__(self, app: ASGIApp, keys: Iterable[str] = (), patience: float = PATIENCE):
        self.app = app
        self.keys = list(keys)
        self.patience = patience
        self.n_inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        meter = _Meter(receive, self.patience)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                await meter.drain()  # who is still sending would else see no answer
            if meter.refusal is None:
                await send(message)

        self.n_inside += 1
        try:
            self._check(scope)
            await self.app(scope, meter.receive, answer)
        except Refusal as refusal:
            meter.refusal = meter.refusal or refusal
        finally:
            self.n_inside -= 1
        if meter.refusal is not None:
            await meter.drain()
            await response(meter.refusal)(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        """Raise a Refusal of a request whose head shows that it is not served."""
        if len(scope["raw_path"]) + len(scope["query_string"]) > MAX_URI:
            raise Refusal(414, f"the address is longer than {MAX_URI} bytes; POST the images.")
        if scope["path"] == STATUS:
            return
        if self.n_inside > AT_ONCE:
            raise Refusal(503, f"more than {AT_ONCE} ask at once; ask again.", {"Retry-After": "2"})
        path = scope["path"]
        if self.keys and not path.startswith(OPEN) and not self._knows(key_of(scope)):
            raise Refusal(401, NO_KEY)
        sizes = [value for name, value in scope["headers"] if name == b"content-length"]
        if sizes and sizes[0].isdigit() and int(sizes[0]) > MAX_BYTES:
            raise _too_large()

    def _knows(self, key: str) -> bool:
        return any(hmac.compare_digest(key.encode(), known.encode()) for known in self.keys)


def key_of(scope: Scope) -> str:
    """Return the key that a request brings, "" where there is none."""
    asked = parse_qs(scope["query_string"].decode("latin-1"))
    return asked.get("api-key", [""])[0]


def _too_large() -> Refusal:
    return Refusal(
        413, f"a request holds at most {MAX_BYTES // 1_000_000} MB; send smaller images."
    )


class _Meter:
    """Counts what of a body has come, and knows why no more is taken."""

    def __init__(self, receive: Receive, patience: float):
        self._receive = receive
        self.patience = patience
        self.until = time.monotonic() + LONGEST
        self.n_bytes = 0
        self.is_whole = False
        self.refusal: Refusal | None = None

    async def receive(self) -> Message:
        """Return the next message.

        Raises:
            Refusal: 413, it is too much; 408, it does not come.
        """
        if self.is_whole:  # what comes now is that the client has left
            return await self._receive()
        try:
            message = await self._next()
        except TimeoutError:
            why = f"nothing came for {self.patience:g} seconds, or not all in {LONGEST:g}; "
            why += "send again."
            self.refusal = Refusal(408, why)
            raise self.refusal from None
        if self.n_bytes > MAX_BYTES:
            self.refusal = _too_large()
            raise self.refusal
        return message

    async def drain(self) -> None:
        """Let what is still to come pass by, as long as it is not all too much."""
        while not self.is_whole and self.n_bytes < 4 * MAX_BYTES:
            try:
                await self._next()
            except TimeoutError:
                return

    async def _next(self) -> Message:
        patience = min(self.patience, self.until - time.monotonic())
        try:
            message = await asyncio.wait_for(self._receive(), patience)
        except TimeoutError:
            self.is_whole = True  # nobody waits twice
            raise
        self.n_bytes += len(message.get("body", b""))
        self.is_whole = not message.get("more_body", False)
        return message
