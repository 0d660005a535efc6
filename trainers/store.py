"""Shards at hand: verified once, those of a bucket kept on this machine within a bound.

A shard is read by byte range after its index, so any sample costs one look into a file. Whole shards are fetched from a
bucket, because only a whole shard can be verified, and because samples of a window are wanted in mixed order. All
processes of a machine share the folder of copies; a file lock sees to it that each shard is fetched once.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.places import is_remote
from pipelines.storage import digest_of, put

_OPEN_SHARDS = 64
"""Files and indexes held open by one process."""

_STALE = 600.0
"""Seconds after which room is no longer kept for a copy, since whoever fetched it is dead."""


@dataclass(frozen=True)
class Opened:
    """One shard at hand.

    Attributes:
        file: descriptor of the tar.
        keys: of its samples, in their order.
        offsets, sizes: (samples, members) of the wanted members.
    """

    file: int
    keys: list[str]
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]

    def read(self, row: int) -> list[bytes]:
        """The wanted members of a sample."""
        return [
            os.pread(self.file, int(size), int(offset))
            for offset, size in zip(self.offsets[row], self.sizes[row], strict=True)
        ]


class Store:
    """Shards of a dataset, opened when first asked for.

    Args:
        layout: of the dataset.
        shards: entries of the manifest.
        members: which members `Opened.read` gives, in this order.
        cache: folder for copies and for notes of what was verified.
        cache_bytes: what copies may take; those least lately used go first.
    """

    def __init__(
        self, layout: Layout, shards: Sequence[dict[str, Any]], members: Sequence[str], cache: Path, cache_bytes: int
    ) -> None:
        self._layout, self._shards, self._members = layout, list(shards), list(members)
        self._cache, self._cache_bytes = cache, cache_bytes
        self._remote = is_remote(layout.out)
        self._opened: OrderedDict[int, Opened] = OrderedDict()
        self._fetching: ThreadPoolExecutor | None = None
        self._asked: set[int] = set()
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Another process opens its own files."""
        return self.__dict__ | {"_opened": OrderedDict(), "_fetching": None, "_asked": set(), "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state | {"_lock": threading.Lock()}

    def open(self, number: int) -> Opened:
        """One shard, verified.

        Raises:
            MenderyError: its bytes are not those of the manifest.
        """
        with self._lock:
            if number not in self._opened:
                self._opened[number] = self._open(self._shards[number])
                if len(self._opened) > _OPEN_SHARDS:
                    os.close(self._opened.popitem(last=False)[1].file)
            self._opened.move_to_end(number)
            return self._opened[number]

    def fetch_ahead(self, numbers: Iterable[int]) -> None:
        """Begins to bring shards here that will be wanted soon; a failure shows when they are."""
        if not self._remote:
            return
        fresh = [number for number in numbers if number not in self._asked]
        self._asked.update(fresh)
        if fresh and self._fetching is None:
            self._fetching = ThreadPoolExecutor(4, thread_name_prefix="shards")
        for number in fresh:
            assert self._fetching is not None
            self._fetching.submit(self._at_hand, self._shards[number])

    def close(self) -> None:
        if self._fetching is not None:
            self._fetching.shutdown(wait=False, cancel_futures=True)
            self._fetching = None
        while self._opened:
            os.close(self._opened.popitem()[1].file)

    def _open(self, shard: dict[str, Any]) -> Opened:
        keys, offsets, sizes = self._index(shard)
        while True:
            path = self._at_hand(shard)
            try:
                return Opened(os.open(path, os.O_RDONLY), keys, offsets, sizes)
            except FileNotFoundError:
                # Another process made room just now.
                if not self._remote:
                    raise

    def _index(self, shard: dict[str, Any]) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
        path = self._layout.index(shard["name"])
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise MenderyError(f"{path} is missing: `mendery verify {self._layout.out}` says what else is") from None
        _check(hashlib.sha256(data).hexdigest(), shard["index_sha256"], path, self._layout)
        import pyarrow as pa

        table = pq.read_table(pa.BufferReader(data), columns=["key", "members"])
        members = table["members"].combine_chunks()
        names = np.array(members.values.field("name").to_pylist()).reshape(len(table), -1)
        columns = [list(names[0]).index(name) for name in self._members]
        shape = names.shape
        offsets = members.values.field("offset").to_numpy().reshape(shape)[:, columns]
        sizes = members.values.field("size").to_numpy().reshape(shape)[:, columns]
        return table["key"].to_pylist(), offsets, sizes

    def _at_hand(self, shard: dict[str, Any]) -> Path:
        """A local, verified file of a shard."""
        path = self._layout.shard(shard["name"])
        return self._fetched(path, shard) if self._remote else self._verified(path, shard)

    def _verified(self, path: Path, shard: dict[str, Any]) -> Path:
        """The file itself; hashed once on this machine for as long as its time and size stay."""
        try:
            found = path.stat()
        except FileNotFoundError:
            raise MenderyError(f"{path} is missing: `mendery verify {self._layout.out}` says what else is") from None
        note = self._cache / "verified" / f"{shard['sha256'][:32]}-{found.st_size}-{found.st_mtime_ns}-{found.st_ino}"
        if note.exists():
            return path
        with _locked(note.with_suffix(".lock")):
            if not note.exists():
                with path.open("rb") as file:
                    _check(hashlib.file_digest(file, "sha256").hexdigest(), shard["sha256"], path, self._layout)
                note.touch()
        return path

    def _fetched(self, path: Path, shard: dict[str, Any]) -> Path:
        copy = self._cache / "shards" / f"{shard['sha256']}.tar"
        if not _used(copy):
            with _locked(copy.with_suffix(".lock")):
                if not _used(copy):
                    with self._room(shard["bytes"], copy), put(copy) as target, path.open("rb") as source:
                        shutil.copyfileobj(source, target, 8 << 20)
                        target.flush()
                        target.seek(0)
                        _check(digest_of(target), shard["sha256"], path, self._layout)
        return copy

    @contextmanager
    def _room(self, wanted: int, copy: Path) -> Iterator[None]:
        """Keeps room for a copy while it is fetched."""
        reserved = copy.with_suffix(".reserved")
        while not self._reserve(wanted, reserved):
            time.sleep(0.05)
        try:
            yield
        finally:
            reserved.unlink(missing_ok=True)

    def _reserve(self, wanted: int, reserved: Path) -> bool:
        """Makes room; copies that were used least lately go. Not while others that are being fetched take it all."""
        folder = reserved.parent
        with _locked(folder / "room.lock"):
            coming = sum(size for made, size in map(_status, folder.glob("*.reserved")) if time.time() - made < _STALE)
            copies = sorted((_status(path), path) for path in folder.glob("*.tar"))
            taken = coming + sum(size for (_, size), _ in copies)
            for (_, size), path in copies:
                if taken + wanted <= self._cache_bytes:
                    break
                path.unlink(missing_ok=True)
                taken -= size
            if coming and taken + wanted > self._cache_bytes:
                return False
            reserved.touch()
            os.truncate(reserved, wanted)  # a hole in the file: it takes no room itself
        return True


def default_cache() -> Path:
    """Where copies lie unless a run says otherwise: one folder for each user of a machine."""
    return Path(tempfile.gettempdir()) / f"mendery-{os.getuid()}"


def _check(found: str, expected: str, path: Path, layout: Layout) -> None:
    if found != expected:
        raise MenderyError(
            f"{path} is not the file of the manifest (SHA-256 {found[:12]}..., expected {expected[:12]}...): "
            f"`mendery verify {layout.out}` says what is wrong; copy or build the dataset again"
        )


def _used(copy: Path) -> bool:
    """Whether a copy is there; it counts as just used then."""
    try:
        os.utime(copy)
    except FileNotFoundError:
        return False
    return True


def _status(path: Path) -> tuple[float, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0.0, 0
    return found.st_mtime, found.st_size


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
