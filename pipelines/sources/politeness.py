"""How fast and how patiently pictures are fetched: limits, waiting, opt-out.

Each task keeps its own account, because tasks share nothing: a host may see the limits times the number of workers.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from math import inf

from pydantic import BaseModel, ConfigDict, Field

OPT_OUT = frozenset({"noai", "noimageai", "noindex", "noimageindex", "none"})
"""What img2dataset 1.47 honours by default, and `none`, by which crawlers mean noindex and nofollow."""

_WITH_VALUES = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})


class Fetch(BaseModel):
    """The `fetch:` block of a list of URLs. All limits are for each worker on its own."""

    model_config = ConfigDict(extra="forbid")

    concurrency: int = Field(64, ge=1, description="Pictures fetched at a time.")
    per_host: int = Field(16, ge=1, description="Of these from one host and port.")
    per_host_rate: float | None = Field(
        None, gt=0, description="Requests per second to one host and port; any when empty."
    )
    connect_timeout: float = Field(5.0, gt=0, description="Seconds until a connection stands.")
    read_timeout: float = Field(10.0, gt=0, description="Seconds without a single byte.")
    total_timeout: float = Field(60.0, gt=0, description="Seconds for one request, whatever arrives.")
    retries: int = Field(2, ge=0, description="Further attempts after a failure that may pass.")
    backoff: float = Field(
        1.0, ge=0, description="Seconds before the second attempt, give or take half; doubled each time."
    )
    max_backoff: float = Field(
        30.0,
        ge=0,
        description="Longest wait before an attempt; a server that asks for more (Retry-After) is left alone.",
    )
    max_redirects: int = Field(5, ge=0, description="Redirections followed; each is checked like a URL of the list.")
    user_agent: str = Field("", description="User-Agent; mendery/VERSION when empty. Say how to reach you.")
    urls_per_task: int = Field(
        2000,
        ge=1,
        description="URLs of one task. A hanging host holds up a whole task; a kill loses at most one task a worker.",
    )

    def agent(self) -> str:
        return self.user_agent or f"mendery/{version('mendery')}"

    def wait(self, attempt: int) -> float:
        """Seconds before the attempt after this one; the jitter keeps many workers from asking all at once."""
        return min(self.max_backoff, self.backoff * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.5)  # noqa: S311


def opted_out(tags: Iterable[str], agent: str) -> str:
    """The directive of X-Robots-Tag headers by which a picture is not to be used, or "".

    Directives behind `name:` are for the robot of that name only.
    """
    token = agent.partition("/")[0].strip().lower()
    for tag in tags:
        robot = ""
        for part in tag.lower().split(","):
            name, colon, rest = part.partition(":")
            if colon and name.strip() not in _WITH_VALUES:
                robot, part = name.strip(), rest  # noqa: PLW2901
            if robot in ("", "*", token) and part.strip() in OPT_OUT:
                return part.strip()
    return ""


def retry_after(header: str) -> float:
    """Seconds that a Retry-After header asks to wait: a number, or until a date; 0 where it says neither."""
    if header.strip().isdecimal():
        return float(header) if len(header) < 12 else inf
    try:
        until = parsedate_to_datetime(header)
    except (ValueError, TypeError):
        return 0.0
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


@dataclass
class _Host:
    slots: asyncio.Semaphore
    next_at: float = 0.0


class Hosts:
    """Who may ask which host when."""

    def __init__(self, limits: Fetch) -> None:
        self._limits = limits
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def slot(self, name: str) -> AsyncIterator[None]:
        """Leave to ask a host once."""
        host = self._host(name)
        async with host.slots:
            while (wait := host.next_at - asyncio.get_running_loop().time()) > 0:
                await asyncio.sleep(wait)
            if self._limits.per_host_rate:
                host.next_at = asyncio.get_running_loop().time() + 1 / self._limits.per_host_rate
            yield

    def hold(self, name: str, seconds: float) -> None:
        """Asks a host nothing for so long."""
        host = self._host(name)
        host.next_at = max(host.next_at, asyncio.get_running_loop().time() + seconds)

    def _host(self, name: str) -> _Host:
        if name not in self._hosts:
            self._hosts[name] = _Host(asyncio.Semaphore(self._limits.per_host))
        return self._hosts[name]


class Postponed(Exception):
    """Too much is held in memory: this picture comes later."""


class Budget:
    """Bytes that one task holds of pictures that are not decoded yet.

    Pictures are handed over in their order, so the one that is next may always go on; the others start only below
    the budget, and give back what they have at twice of it. So at most twice the budget and one picture is held.
    """

    def __init__(self, limit: int, at_once: int) -> None:
        self.held = self.most = self._next = 0
        self._limit, self._at_once = limit, at_once
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    def full(self, position: int) -> bool:
        return self.held >= self._limit and position != self._next

    async def room(self, position: int) -> None:
        """Waits until a picture may be started."""
        while self.full(position):
            future = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (position, future))
            await future

    def hold(self, position: int, size: int) -> None:
        """Counts bytes in.

        Raises:
            Postponed: they are too many.
        """
        if self.held + size > 2 * self._limit and position != self._next:
            raise Postponed
        self.held += size
        self.most = max(self.most, self.held)

    def release(self, size: int) -> None:
        self.held -= size
        self._wake()

    def handed_over(self, size: int) -> None:
        """The next picture was taken; it had so many bytes."""
        self._next += 1
        self.release(size)

    def _wake(self) -> None:
        for _ in range(self._at_once):
            if not self._waiting or self.full(self._waiting[0][0]):
                return
            _, future = heapq.heappop(self._waiting)
            if not future.done():
                future.set_result(None)
