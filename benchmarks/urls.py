"""Pictures per second from URLs: our whole build beside img2dataset, on one list and one server in one run.

The server is one process on loopback that answers from memory, on the same processors: so what is compared is the
work around the network, not the network. img2dataset's figure is by its own clock, without its start-up; ours is the
whole build, from listing to report, with Ray running, as in `benchmarks.build`.

    python -m benchmarks.urls [--pictures 4000] [--workers 2] [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.build import img2dataset_environment, machine, make_pictures, span_of_img2dataset, warm
from pipelines import build

RECIPE = """
name: bench
sources: [{{type: urls, path: {path}, allow_private: true, fetch: {{per_host: 64, urls_per_task: {task}}}}}]
image: {{size: 256}}
shards: {{samples: {samples}}}
splits: {{train: 1.0}}
"""


class FromMemory(asyncio.Protocol):
    """Answers GET with prepared bytes and keeps the connection; the least that is HTTP."""

    def __init__(self, answers: dict[bytes, bytes]) -> None:
        self._answers = answers
        self._asked = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._asked += data
        while b"\r\n\r\n" in self._asked:
            head, _, self._asked = self._asked.partition(b"\r\n\r\n")
            self._transport.write(self._answers[head.split(b" ", 2)[1]])
            if b"connection: close" in head.lower():
                self._transport.close()


def serve(folder: Path, port: Connection) -> None:
    """Serves the files of a folder from memory until the process is ended."""
    answers = {}
    for file in folder.iterdir():
        data = file.read_bytes()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
        answers[f"/{file.name}".encode()] = head.encode() + data

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: FromMemory(answers), "127.0.0.1", 0, backlog=1024)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    """Port of a server that runs in a process of its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(folder, there), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.terminate()
        process.join()


def run_build(urls: Path, number: int, workers: int, out: Path) -> float:
    """Pictures per second of a whole build, from listing to report, with Ray running already."""
    recipe = out.with_suffix(".yaml")
    size = max(50, number // (4 * workers))
    recipe.write_text(RECIPE.format(path=urls, task=size, samples=size))
    started = time.perf_counter()
    found = build(recipe, out, workers=workers)
    seconds = time.perf_counter() - started
    assert found["audit"]["kept"] == number, found["audit"]
    return number / seconds


def measure(options: argparse.Namespace, scratch: Path) -> None:
    from pipelines.spread import cluster

    number, workers = options.pictures, options.workers
    folder, urls = scratch / "pictures", scratch / "ours.txt"
    folder.mkdir()
    make_pictures(folder, number)
    environment = img2dataset_environment(scratch)
    ours = theirs = 0.0
    print(f"{machine()}; {number} JPEGs of 512 px to 256 px from URLs, {workers} workers; pictures/s")
    with serving(folder) as port, cluster(workers, None):
        warm(workers)
        urls.write_text("".join(f"http://127.0.0.1:{port}/{index:06d}.jpg\n" for index in range(number)))
        for turn in range(options.rounds):  # in turn, because the machine's speed drifts
            turns = scratch / f"turn-{turn}"
            turns.mkdir()
            ours = max(ours, run_build(urls, number, workers, turns / "ours"))
            theirs = max(theirs, span_of_img2dataset(environment, port, number, workers, turns))
            print(f"best of {turn + 1}: ours {ours:.0f}, img2dataset {theirs:.0f}, ratio {ours / theirs:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=4000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mendery-bench-") as name:
        measure(options, Path(name))


if __name__ == "__main__":
    main()
