"""Every way in which a server can fail ends in a reason, in bounded time and memory."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterator

import pytest
from url_server import Answer, UrlServer, answer, drip, endless, first, garbage, hang, reset, serving

from pipelines.errors import BadPicture
from pipelines.sources import fetching
from pipelines.sources.base import Location
from pipelines.sources.fetching import UrlReader
from pipelines.sources.politeness import Budget, Fetch

QUICK = {"connect_timeout": 1.0, "read_timeout": 0.3, "total_timeout": 0.6, "retries": 2, "backoff": 0.02}
MAX_BYTES = 200_000
OK = answer(b"picture")


@pytest.fixture
def server() -> Iterator[UrlServer]:
    with serving() as found:
        yield found


def read(
    *urls: str, private: bool = True, honour: bool = True, etag: str = "", **limits: object
) -> list[bytes | BadPicture]:
    reader = UrlReader(Fetch.model_validate(QUICK | limits), MAX_BYTES, honour, private)
    return list(reader.read_all([Location(url, url, "url", etag=etag) for url in urls]))


def fault(server: UrlServer, wrong: Answer, **options: object) -> BadPicture:
    server.answers["/x"] = wrong
    (outcome,) = read(server.url("/x"), **options)  # type: ignore[arg-type]
    assert isinstance(outcome, BadPicture), outcome
    return outcome


@pytest.mark.parametrize(
    ("wrong", "reason", "transient", "asked"),
    [
        (hang, "fetch_timeout", True, 3),
        (drip, "fetch_timeout", True, 3),
        (reset, "fetch_failed", True, 6),  # the client asks once more by itself: a kept connection may be stale
        (answer(b"", "500 Oh"), "fetch_failed", True, 3),
        (answer(b"", "503 Oh"), "fetch_failed", True, 3),
        (answer(b"", "429 Slowly"), "fetch_failed", True, 3),
        (answer(b"cut", length=100), "fetch_failed", True, 3),
        (answer(b"", "404 Not Found"), "fetch_failed", False, 1),
        (answer(b"", "410 Gone"), "fetch_failed", False, 1),
        (answer(b"", "304 Not Modified"), "fetch_failed", False, 1),
        (garbage, "fetch_failed", False, 1),
        (endless, "too_many_bytes", False, 1),
        (answer(b"tiny", length=MAX_BYTES + 1), "too_many_bytes", False, 1),
        (answer(b""), "empty", False, 1),
        (answer(b"", "302 Found", "Location: /x"), "fetch_failed", False, 6),
        (answer(b"", "302 Found", "Location: file:///etc/passwd"), "fetch_refused", False, 1),
        (answer(b"", "302 Found", "Location: http://[::1"), "fetch_refused", False, 1),
        (answer(b"p", "200 OK", "X-Robots-Tag: noai"), "opted_out", False, 1),
        (answer(b"p", "200 OK", "Content-Length: -3"), "fetch_failed", False, 1),
    ],
)
def test_faults(server: UrlServer, wrong: Answer, reason: str, transient: bool, asked: int) -> None:
    started = time.monotonic()
    found = fault(server, wrong)
    assert (found.reason, found.transient, server.asked["/x"]) == (reason, transient, asked)
    assert time.monotonic() - started < 5


def test_a_failure_that_passes_is_tried_again(server: UrlServer) -> None:
    server.answers["/x"] = first(2, answer(b"", "500 Oh"), OK)
    assert read(server.url("/x")) == [b"picture"]


def test_retry_after_is_waited_for(server: UrlServer) -> None:
    server.answers["/x"] = first(1, answer(b"", "429 Slowly", "Retry-After: 1"), OK)
    assert read(server.url("/x")) == [b"picture"]
    assert server.times[1] - server.times[0] >= 0.99


def test_a_server_that_asks_to_wait_for_long_is_left_alone(server: UrlServer) -> None:
    found = fault(server, answer(b"", "503 Oh", "Retry-After: 3600"))
    assert found.transient and server.asked["/x"] == 1


def test_a_body_that_states_less_than_it_has_is_cut_or_refused(server: UrlServer) -> None:
    server.answers["/x"] = answer(b"picture and more", length=7)
    (found,) = read(server.url("/x"))
    assert found == b"picture" or isinstance(found, BadPicture)  # the rest may come with the next packet


def test_what_a_server_calls_its_content_means_nothing(server: UrlServer) -> None:
    server.answers["/x"] = answer(b"picture", "200 OK", "Content-Type: text/html; charset=nonsense")
    assert read(server.url("/x")) == [b"picture"]


def test_opt_out_may_be_passed_over(server: UrlServer) -> None:
    server.answers["/x"] = answer(b"p", "200 OK", "X-Robots-Tag: noai")
    assert read(server.url("/x"), honour=False) == [b"p"]


def test_a_digest_is_checked(server: UrlServer) -> None:
    server.answers["/x"] = OK
    digest = hashlib.md5(b"picture").hexdigest()
    assert read(server.url("/x"), etag=f"md5:{digest}") == [b"picture"]
    (found,) = read(server.url("/x"), etag=f"sha256:{'0' * 64}")
    assert isinstance(found, BadPicture) and found.reason == "changed"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1", "2130706433", "0.0.0.0"])
def test_private_addresses_are_never_asked(server: UrlServer, host: str) -> None:
    server.answers["/"] = OK
    (found,) = read(f"http://{host}:{server.port}/x", private=False)
    assert isinstance(found, BadPicture) and found.reason == "fetch_refused" and not found.transient
    assert not server.asked


def test_a_redirection_to_a_private_address_is_refused(server: UrlServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server stands for a public one: only its own address is let through."""
    from pipelines.sources import addresses

    monkeypatch.setattr(addresses, "is_public", lambda address: address == "127.0.0.1")
    server.answers["/x"] = answer(b"", "302 Found", f"Location: http://127.0.0.2:{server.port}/secret")
    (found,) = read(server.url("/x"), private=False)
    assert isinstance(found, BadPicture) and found.reason == "fetch_refused"
    assert server.asked == {"/x": 1}


def test_a_name_that_changes_its_address_is_checked_where_it_is_connected(
    server: UrlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First a public address, then a private one: what counts is the second, since that is what is connected to."""
    import socket

    answers = iter(["8.8.8.8", "127.0.0.1"])
    real = socket.getaddrinfo

    def rebinding(host: str, *rest: object, **more: object) -> object:
        return real(next(answers) if host == "rebind.example" else host, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    assert socket.getaddrinfo("rebind.example", server.port)[0][4][0] == "8.8.8.8"  # what a check by name would see
    server.answers["/"] = OK
    (found,) = read(f"http://rebind.example:{server.port}/x", private=False)
    assert isinstance(found, BadPicture) and found.reason == "fetch_refused" and not server.asked


def test_a_name_that_is_not_known_is_asked_for_once_and_may_come(server: UrlServer) -> None:
    (found,) = read("http://no-such-host.invalid/x", private=False)
    assert isinstance(found, BadPicture) and (found.reason, found.transient) == ("fetch_failed", True)


def test_redirections_are_followed(server: UrlServer) -> None:
    server.answers |= {"/a": answer(b"", "301 Moved", "Location: b?q=1"), "/b": OK}
    assert read(server.url("/a")) == [b"picture"]
    assert server.asked["/b?q=1"] == 1


def test_it_says_who_it_is_and_uses_the_password(server: UrlServer) -> None:
    server.answers["/x"] = OK
    read(f"http://jane:secret@127.0.0.1:{server.port}/x")
    assert "User-Agent: mendery/" in server.headers["/x"]
    assert "Authorization: Basic amFuZTpzZWNyZXQ=" in server.headers["/x"]


def test_no_fault_tells_a_password(server: UrlServer) -> None:
    server.answers |= {"/r": reset, "/g": garbage, "/l": answer(b"", "302 F", "Location: ftp://jane:secret@a/")}
    urls = [f"http://jane:secret@127.0.0.1:{server.port}/{path}" for path in ("r", "g", "l", "404")]
    urls += ["http://jane:secret@no-such-host.invalid/", "http://jane:secret@127.1/"]
    for found in read(*urls):
        assert isinstance(found, BadPicture) and "secret" not in repr(found) + repr(found.__cause__)


def test_outcomes_come_in_order_whatever_comes_first(server: UrlServer) -> None:
    async def slow(writer: asyncio.StreamWriter, path: str, number: int) -> None:
        await asyncio.sleep(0.2 if path.endswith("0") else 0)
        await answer(path.encode())(writer, path, number)

    server.answers["/n"] = slow
    paths = [f"/n{number}" for number in range(50)]
    assert read(*map(server.url, paths)) == [path.encode() for path in paths]


def test_limits_of_connections_and_requests(server: UrlServer) -> None:
    async def slow(writer: asyncio.StreamWriter, path: str, number: int) -> None:
        await asyncio.sleep(0.02)
        await OK(writer, path, number)

    server.answers["/"] = slow
    read(*[server.url(f"/{number}") for number in range(40)], per_host=3)
    assert server.most == 3
    server.times.clear()
    read(*[server.url(f"/{number}") for number in range(10)], per_host_rate=50)
    assert server.times[-1] - server.times[0] >= 9 / 50 * 0.9


def test_a_slow_host_does_not_hold_up_another(server: UrlServer) -> None:
    with serving() as other:
        server.answers["/"], other.answers["/"] = hang, OK
        urls = [server.url(f"/{number}") for number in range(6)] + [other.url(f"/{number}") for number in range(50)]
        read(*urls, concurrency=4, per_host=2, retries=0)
        # All of the other host's pictures came while the first two of the slow one were waited for.
        assert other.times[-1] - other.times[0] < 0.3


def test_little_is_held_of_large_pictures(server: UrlServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "HELD_BYTES", 500_000)
    budgets: list[Budget] = []

    def kept(*settings: int) -> Budget:
        budgets.append(Budget(*settings))
        return budgets[-1]

    monkeypatch.setattr(fetching, "Budget", kept)

    async def large(writer: asyncio.StreamWriter, path: str, number: int) -> None:
        await asyncio.sleep(0.1 if path == "/0" else 0)  # all others are there before the first
        await answer(path.encode() * 20_000)(writer, path, number)

    server.answers["/"] = large
    paths = [f"/{number}" for number in range(10)] * 10
    found = read(*map(server.url, paths), total_timeout=5)
    assert found == [path.encode() * 20_000 for path in paths]
    assert 500_000 <= budgets[0].most <= 1_200_000 and budgets[0].held == 0


def test_stopping_midway_leaves_no_thread(server: UrlServer) -> None:
    import threading

    server.answers |= {"/a": OK, "/b": hang}
    before = threading.active_count()
    reader = UrlReader(Fetch(), MAX_BYTES, True, True)
    outcomes = reader.read_all([Location(url, url, "url") for url in (server.url("/a"), server.url("/b"))])
    assert next(outcomes) == b"picture"
    outcomes.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
