"""How far a build is: shown while it runs, and read from its files at any time.

A terminal gets a bar; anything else, and the log file, gets plain lines. Times stand here only, never
in what the build makes.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.lease import alone, is_held
from pipelines.places import is_remote, place
from pipelines.s3 import S3Path
from pipelines.storage import put_bytes, read_json

SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Says what happens, to the log file always and to the screen if asked."""

    def __init__(self, log: Path, quiet: bool = False) -> None:
        self._log = _log_at(log)
        self._quiet = quiet

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self._log.close()

    def say(self, text: str) -> None:
        self._log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {socket.gethostname()} {os.getpid()} {text}\n")
        self._log.flush()
        if not self._quiet:
            print(text, file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def count(self, stage: str, total: int, done: int = 0, unit: str = "pictures") -> Iterator[Any]:
        """Yields a function that takes how many more are done."""
        started = time.monotonic()
        counter = _Counter(self, stage, total, done, unit)
        if not self._quiet and sys.stderr.isatty():
            with _bar(stage, total, done) as advance:
                yield advance
        else:
            yield counter.advance
        seconds = time.monotonic() - started
        self.say(f"{stage}: {total:,} {unit} in {seconds:.1f} s ({(total - done) / max(seconds, 1e-9):.0f}/s)")


def _log_at(path: Path) -> IO[str]:
    if is_remote(path):
        return cast(IO[str], _RemoteLog(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("a", encoding="utf-8")


class _RemoteLog:
    """A log in a bucket, where nothing can be appended: it is put anew, not more often than every few seconds."""

    def __init__(self, path: Path) -> None:
        self._path, self._put = path, 0.0
        self._text = path.read_bytes().decode() if path.is_file() else ""

    def write(self, text: str) -> None:
        self._text += text

    def flush(self) -> None:
        if time.monotonic() - self._put > SECONDS_BETWEEN_LINES:
            self.close()

    def close(self) -> None:
        put_bytes(self._path, self._text.encode())
        self._put = time.monotonic()


class _Counter:
    """Plain lines, not more often than a person wants to read."""

    def __init__(self, progress: Progress, stage: str, total: int, done: int, unit: str) -> None:
        self._progress, self._stage, self._total, self._done, self._unit = progress, stage, total, done, unit
        self._spoke = time.monotonic()

    def advance(self, number: int) -> None:
        self._done += number
        if time.monotonic() - self._spoke > SECONDS_BETWEEN_LINES:
            self._spoke = time.monotonic()
            self._progress.say(f"{self._stage}: {self._done:,} of {self._total:,} {self._unit}")


@contextlib.contextmanager
def _bar(stage: str, total: int, done: int) -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description:8}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(stage, total=total, completed=done)
        yield lambda number: bar.update(task, advance=number)


@contextlib.contextmanager
def only_one(layout: Layout) -> Iterator[None]:
    """Holds an output folder for one build; the system lets go of it however the process ends.

    Raises:
        MenderyError: another build is at work there.
    """
    with alone(layout.lock, f"another build is at work in {layout.out}"):
        yield


@dataclass(frozen=True)
class Status:
    """How far a build is.

    Attributes:
        stage: "empty", "catalog", "curate", "plan", "shards" or "complete".
        running: a process is at work in the folder, as far as its lock can be seen from here.
        done, total: of the stage, in `unit`.
        last: the last line of the log, with its time.
    """

    stage: str
    running: bool
    done: int
    total: int
    unit: str
    last: str


def status(out: str | Path) -> Status:
    """Reads how far a build is from its files; works while it runs and after it died.

    Raises:
        MenderyError: nothing was ever built there.
    """
    layout = Layout(place(out))
    if not layout.begun_with.is_file() and not layout.manifest.is_file():
        raise MenderyError(f"no build in {out}: neither a manifest nor the state of one is there")
    stage, done, total, unit = _stage(layout)
    return Status(stage, _is_running(layout), done, total, unit, _last_line(layout))


def _stage(layout: Layout) -> tuple[str, int, int, str]:
    if layout.manifest.is_file():
        shards = read_json(layout.manifest)["shards"]
        return "complete", len(shards), len(shards), "shards"
    if layout.plan_summary.is_file():
        names = [shard["name"] for shard in read_json(layout.plan_summary)["shards"]]
        return "shards", sum(layout.commit(name).is_file() for name in names), len(names), "shards"
    if layout.catalog.is_file():
        from pipelines.catalog import part_sizes

        total = len(part_sizes(layout.catalog))
        done = sum(layout.part(number).is_file() for number in range(total))
        return ("curate" if done < total else "plan"), done, total, "parts"
    return "catalog", 0, 0, "pictures"


def _is_running(layout: Layout) -> bool:
    if isinstance(layout.lock, S3Path):
        return is_held(layout.lock)
    if not layout.lock.is_file():
        return False
    with layout.lock.open("r") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _last_line(layout: Layout) -> str:
    lines = layout.log.read_text(encoding="utf-8").splitlines() if layout.log.is_file() else []
    return lines[-1] if lines else ""
