"""Fetching: from URLs to bytes, many at a time, handed over in their order.

The network runs in a thread of its own with an event loop, so that pictures are decoded while others arrive. Every
URL ends in its bytes or in a reason. A failure that may pass is tried again a few times and then marked so, that
`--retry transient` finds it. Redirections are followed here and not by the HTTP client, because each hop must pass
the same checks and limits as a URL of the list.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from math import inf
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urljoin, urlsplit

from pipelines.errors import BadPicture
from pipelines.sources.addresses import PrivateAddress, public_socket
from pipelines.sources.base import Location
from pipelines.sources.politeness import Budget, Fetch, Hosts, Postponed, opted_out, retry_after
from pipelines.sources.urls import clean

if TYPE_CHECKING:
    import aiohttp

HELD_BYTES = 128 * 2**20
"""Budget of a task for pictures that wait for their turn."""

MAY_PASS = frozenset({408, 425, 429})
"""Statuses besides 5xx that may be other ones later."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})

Outcome = bytes | BadPicture


class Failure(BadPicture):
    """A fetch that failed once.

    Attributes:
        wait: seconds that must pass before another attempt.
    """

    def __init__(self, reason: str, detail: str, transient: bool = False, wait: float = 0.0) -> None:
        super().__init__(reason, detail, transient)
        self.wait = wait


class UrlReader:
    """Reads pictures behind URLs."""

    def __init__(self, limits: Fetch, max_bytes: int, honour_opt_out: bool, allow_private: bool) -> None:
        self._settings = limits, max_bytes, honour_opt_out, allow_private

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def read_all(self, locations: Sequence[Location]) -> Iterator[Outcome]:
        """Bytes or fault of each, in order."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="fetching", daemon=True)
        thread.start()
        try:
            yield from _in_order(loop, Fetcher(*self._settings), locations)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


def _in_order(loop: asyncio.AbstractEventLoop, fetcher: Fetcher, locations: Sequence[Location]) -> Iterator[Outcome]:
    asyncio.run_coroutine_threadsafe(fetcher.open(), loop).result()
    waiting: deque[Future[Outcome]] = deque(
        asyncio.run_coroutine_threadsafe(fetcher.fetch(position, location), loop)
        for position, location in enumerate(locations)
    )
    try:
        while waiting:
            outcome = waiting.popleft().result()
            yield outcome
            size = 0 if isinstance(outcome, BadPicture) else len(outcome)
            loop.call_soon_threadsafe(fetcher.budget.handed_over, size)
    finally:
        asyncio.run_coroutine_threadsafe(fetcher.close(), loop).result()


class Fetcher:
    """Fetches URLs within the limits of one task; lives in its event loop."""

    def __init__(self, limits: Fetch, max_bytes: int, honour_opt_out: bool, allow_private: bool) -> None:
        self._limits, self._max_bytes = limits, max_bytes
        self._honour_opt_out, self._allow_private = honour_opt_out, allow_private
        self._agent = limits.agent()
        self._session: aiohttp.ClientSession

    async def open(self) -> None:
        import aiohttp

        limits = self._limits
        self.budget = Budget(HELD_BYTES, limits.concurrency)
        self._hosts, self._slots = Hosts(limits), asyncio.Semaphore(limits.concurrency)
        # Connections are limited here, because waiting for one in the connector would count as time of the request.
        connector = aiohttp.TCPConnector(
            limit=0, ttl_dns_cache=300, socket_factory=None if self._allow_private else public_socket
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=limits.connect_timeout, sock_read=limits.read_timeout
            ),
            headers={"User-Agent": self._agent, "Accept": "*/*", "Accept-Encoding": "identity"},
        )

    async def close(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._session.close()

    async def fetch(self, position: int, location: Location) -> Outcome:
        """Bytes of one picture, or why there are none."""
        try:
            data = await self._persist(position, location.file)
        except BadPicture as bad:
            return bad
        try:
            _check_digest(data, location.etag)
        except BadPicture as bad:
            self.budget.release(len(data))
            return bad
        return data

    async def _persist(self, position: int, url: str) -> bytes:
        """Tries again what may pass."""
        attempt = 1
        while True:
            await self.budget.room(position)
            try:
                return await self._follow(position, url)
            except Postponed:
                continue
            except Failure as failure:
                if not failure.transient or attempt > self._limits.retries or failure.wait > self._limits.max_backoff:
                    often = f" after {attempt} attempts" if attempt > 1 else ""
                    raise BadPicture(failure.reason, failure.detail + often, failure.transient) from None
                wait = max(failure.wait, self._limits.wait(attempt))
            attempt += 1
            await asyncio.sleep(wait)

    async def _follow(self, position: int, url: str) -> bytes:
        """Asks for a URL and for what it redirects to."""
        for _ in range(self._limits.max_redirects + 1):
            answer = await self._ask(position, url)
            if isinstance(answer, bytes):
                return answer
            url = _hop(url, answer)
        raise Failure("fetch_failed", f"more than {self._limits.max_redirects} redirections")

    async def _ask(self, position: int, url: str) -> bytes | str:
        """One request: the picture, or where else to look."""
        import aiohttp
        from yarl import URL

        async with self._hosts.slot(_host(url)), self._slots:
            if self.budget.full(position):
                raise Postponed
            try:
                async with (
                    asyncio.timeout(self._limits.total_timeout),
                    self._session.get(URL(url, encoded=True), allow_redirects=False) as response,
                ):
                    return await self._answer(position, response)
            except (TimeoutError, aiohttp.ClientError, ValueError) as error:
                raise _failure(error) from None

    async def _answer(self, position: int, response: aiohttp.ClientResponse) -> bytes | str:
        status, headers = response.status, response.headers
        if status >= 500 or status in MAY_PASS:
            wait = retry_after(headers.get("Retry-After", ""))
            if 0 < wait <= self._limits.max_backoff:
                self._hosts.hold(_host(str(response.url)), wait)
            raise Failure("fetch_failed", f"HTTP {status}", transient=True, wait=wait)
        if status >= 400:
            raise Failure("fetch_failed", f"HTTP {status}")
        directive = opted_out(headers.getall("X-Robots-Tag", []), self._agent)
        if directive and self._honour_opt_out:
            raise Failure("opted_out", f"X-Robots-Tag: {directive}")
        if status in _REDIRECTS and headers.get("Location"):
            return headers["Location"]
        if not 200 <= status < 300:
            raise Failure("fetch_failed", f"HTTP {status}")
        return await self._body(position, response)

    async def _body(self, position: int, response: aiohttp.ClientResponse) -> bytes:
        """The body, cut off where it is larger than a picture may be; what a header says of its size is only a hint."""
        declared = response.content_length or 0
        if declared > self._max_bytes:
            raise Failure("too_many_bytes", f"{declared} bytes, at most {self._max_bytes}")
        body, held = bytearray(), 0
        try:
            async for chunk in response.content.iter_any():
                if len(body) + len(chunk) > self._max_bytes:
                    raise Failure("too_many_bytes", f"more than {self._max_bytes} bytes")
                # The declared size at once, so that a picture for which there is no room is left before it arrives.
                more = max(declared if not held else 0, len(body) + len(chunk) - held)
                if more > 0:
                    self.budget.hold(position, more)
                    held += more
                body += chunk
        except BaseException:
            self.budget.release(held)
            raise
        self.budget.release(held - len(body))
        if not body:
            raise Failure("empty", "")
        return bytes(body)


def _host(url: str) -> str:
    """Host and port, as limits count them."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _hop(url: str, target: str) -> str:
    try:
        return clean(urljoin(url, target.strip()))[0]
    except (BadPicture, ValueError) as error:
        detail = error.detail if isinstance(error, BadPicture) else "no URL"
        raise Failure("fetch_refused", f"redirection: {detail}") from None


def _failure(error: Exception) -> Failure:
    """What an error of the HTTP client means; its text is not repeated where it may hold the URL."""
    import aiohttp

    name = type(error).__name__
    if isinstance(error, TimeoutError):
        what = {"ConnectionTimeoutError": "no connection in time", "SocketTimeoutError": "silent for too long"}
        return Failure("fetch_timeout", what.get(name, "not complete in time"), transient=True)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        # That a name is not known rarely passes within seconds; a resolver that is in trouble may.
        unknown = getattr(error.os_error, "errno", None) == socket.EAI_NONAME
        return Failure("fetch_failed", "the host's name is not resolved", transient=True, wait=inf if unknown else 0)
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, PrivateAddress):
        return Failure("fetch_refused", str(error.os_error))
    if isinstance(error, aiohttp.ClientSSLError):
        return Failure("fetch_failed", name)
    if isinstance(error, aiohttp.InvalidURL):
        return Failure("fetch_refused", name)
    return Failure("fetch_failed", name, transient=isinstance(error, _connection_errors()))


def _connection_errors() -> tuple[Any, ...]:
    import aiohttp

    return (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)


def _check_digest(data: bytes, stated: str) -> None:
    kind, _, digits = stated.partition(":")
    if kind and hashlib.new(kind, data, usedforsecurity=False).hexdigest() != digits:
        raise BadPicture("changed", f"the {kind} is not the list's")
