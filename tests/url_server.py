"""A real HTTP server on loopback that misbehaves on request, and counts what it is asked."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

Answer = Callable[[asyncio.StreamWriter, str, int], Awaitable[None]]
"""Writes an answer; is given the path and which request for it this is, from 1."""


def answer(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> Answer:
    """A fixed answer; `length` is what it says of its size."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    data = "\r\n".join([*head, "", ""]).encode("latin-1") + body

    async def write(writer: asyncio.StreamWriter, path: str, number: int) -> None:
        writer.write(data)
        await writer.drain()
        if length is not None and length != len(body):
            writer.close()

    return write


def first(times: int, failing: Answer, then: Answer) -> Answer:
    """Fails so many times for each path."""

    async def write(writer: asyncio.StreamWriter, path: str, number: int) -> None:
        await (failing if number <= times else then)(writer, path, number)

    return write


async def hang(writer: asyncio.StreamWriter, path: str, number: int) -> None:
    await asyncio.sleep(30)


async def drip(writer: asyncio.StreamWriter, path: str, number: int) -> None:
    """A byte now and then: never silent for long, never done."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless(writer: asyncio.StreamWriter, path: str, number: int) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
        await writer.drain()


async def reset(writer: asyncio.StreamWriter, path: str, number: int) -> None:
    """A TCP reset instead of an answer."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()


async def garbage(writer: asyncio.StreamWriter, path: str, number: int) -> None:
    writer.write(b"\x00\xffthis is no HTTP\r\n\r\n")
    await writer.drain()
    writer.close()


class UrlServer:
    """Answers by the longest prefix of a path that `answers` knows, else 404.

    Attributes:
        asked: number of requests by path.
        headers: the last request's header, by path.
        times: when requests came.
        busy, most: connections with a request in work, now and at most.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: Counter[str] = Counter()
        self.headers: dict[str, str] = {}
        self.times: list[float] = []
        self.busy = self.most = self.port = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                path = head.split(" ", 2)[1]
                self.asked[path] += 1
                self.headers[path] = head
                self.times.append(time.monotonic())
                self.busy += 1
                self.most = max(self.most, self.busy)
                try:
                    await self._answer(path)(writer, path, self.asked[path])
                finally:
                    self.busy -= 1
        writer.transport.abort()

    def _answer(self, path: str) -> Answer:
        known = [prefix for prefix in self.answers if path.startswith(prefix)]
        return self.answers[max(known, key=len)] if known else answer(b"", "404 Not Found")


@contextlib.contextmanager
def serving(host: str = "127.0.0.1") -> Iterator[UrlServer]:
    """A server in a thread of its own, stopped at the end of the block."""
    found, loop = UrlServer(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(asyncio.start_server(found.serve, host, 0, backlog=512), loop).result()
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _stop(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others)
    await asyncio.sleep(0.01)  # until the transports are closed
