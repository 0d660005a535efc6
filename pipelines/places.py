"""A place is a path on this machine, in a bucket or on the Hub; what works on one works on the others."""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar, cast

from pipelines.hub import SCHEME as HUB
from pipelines.hub import HubPath
from pipelines.s3 import SCHEME, S3Options, S3Path, listed

AHEAD = 24
"""Requests in flight where each takes long and many may be made."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def place(text: str | os.PathLike[str], options: S3Options | None = None) -> Path:
    """The place that a text names; `s3://bucket/key` and `hub:owner/name` give what plays
    the part of a `Path`, and is typed as one.
    """
    if isinstance(text, S3Path | HubPath):
        return cast(Path, text)
    if str(text).startswith(HUB):
        return cast(Path, HubPath.parse(str(text)))
    if str(text).startswith(SCHEME):
        return cast(Path, S3Path.parse(str(text), options))
    return Path(text)


def is_remote(path: Path) -> bool:
    return isinstance(path, S3Path | HubPath)


def fixed(path: Path) -> Path:
    """The place as it is now: what a branch of the Hub means is decided once, for all that is read from it."""
    return cast(Path, path.pinned()) if isinstance(path, HubPath) else path


def remove_tree(path: Path) -> None:
    """Removes a folder with all that is in it, if it is there."""
    if not isinstance(path, S3Path):
        shutil.rmtree(path, ignore_errors=True)
        return
    for entry in listed(path):
        S3Path(path.bucket, entry["Key"], path.options).unlink()


def ahead(work: Callable[[Item], Result], items: Iterable[Item], at_once: int = AHEAD) -> Iterator[Result]:
    """Results in the order of the items, with so many worked on at once; memory holds no more than these."""
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(at_once, thread_name_prefix="ahead") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= at_once:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
