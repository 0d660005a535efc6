"""Places that hold files: a folder of this machine today, a prefix in a bucket likewise.

A store lists files and opens them, and knows nothing of pictures. Whatever reads corpora, archives or
single files asks a store, so that each works wherever the files lie.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, Protocol

from pipelines.errors import BadPicture, RecipeError
from pipelines.hub import HubPath
from pipelines.s3 import S3Path
from pipelines.sources.base import Listing, Location, decode_path, encode_path
from pipelines.sources.files import check_root, open_regular, refusal, refuse_urls
from pipelines.sources.parts import BETWEEN, joined_stream


@dataclass(frozen=True)
class OpenFile:
    """An open file and which version of it this is; `parts` tells where each part begins, if it comes in several."""

    stream: BinaryIO
    size: int
    mtime_ns: int = 0
    etag: str = ""
    parts: tuple[int, ...] = ()


class Store(Protocol):
    """A place that holds files; their names are percent-encoded and relative to it."""

    def walk(self, listing: Listing) -> Iterator[Location]:
        """Lists every file, pictures or not, sorted by name; those that cannot be had carry a reason."""

    def files(self, folder: str = "") -> Iterator[Location]:
        """Lists the files right in a folder ("" or with a slash at its end), as `walk` does, and nothing below."""

    remote: bool
    """Whether each request takes long, and many may be made at once."""

    def open(self, file: str, etag: str = "") -> OpenFile:
        """Opens one file for reading anywhere in it.

        Args:
            etag: the version that was listed, where the store has versions.

        Raises:
            BadPicture: it is no regular file.
            OSError: it cannot be opened.
        """

    def stream(self, file: str, etag: str) -> BinaryIO:
        """The stream of `open`, where nothing else of it is wanted."""

    def read(self, file: str, etag: str, max_bytes: int) -> bytes:
        """All bytes of a file; faults as `open`, and BadPicture if there are more than `max_bytes`."""

    def check(self) -> None:
        """Raises SourceVanished when the whole place is gone."""


def open_parts(store: Store, joined: str, etag: str = "") -> OpenFile:
    """Opens the parts of one archive as one file; arguments and faults as those of `Store.open`."""
    files = joined.split(BETWEEN)
    etags = etag.split(BETWEEN) if etag else [""] * len(files)
    opened = []
    for file, version in zip(files, etags, strict=True):
        part = store.open(file, version)
        part.stream.close()  # opened again when it is read: there may be hundreds of parts
        opened.append(part)
    openers = [partial(store.stream, file, part.etag) for file, part in zip(files, opened, strict=True)]
    stream = joined_stream(openers, [part.size for part in opened])
    *starts, size = accumulate((part.size for part in opened), initial=0)
    version = BETWEEN.join(part.etag for part in opened).strip(BETWEEN)
    return OpenFile(stream, size, max(part.mtime_ns for part in opened), version, tuple(starts))


def store_of(root: Path) -> Store:
    """The store at a root, as `Source.root()` gives it."""
    if isinstance(root, S3Path):
        from pipelines.sources.bucket import BucketStore

        return BucketStore(root)
    if isinstance(root, HubPath):
        from pipelines.sources.hub import HubStore

        return HubStore(root)
    refuse_urls(str(root))
    return FolderStore(root)


class FolderStore:
    """A folder of this machine.

    Listed one folder at a time, so memory grows with the largest folder and not with the whole. A file
    is never opened while listing: a pipe with a picture's name would make it wait for ever. Links are
    followed, and a folder reached twice is listed once.
    """

    remote = False

    def __init__(self, root: Path) -> None:
        self.root = root

    def check(self) -> None:
        check_root(self.root)

    def stream(self, file: str, etag: str) -> BinaryIO:
        return self.open(file).stream

    def read(self, file: str, etag: str, max_bytes: int) -> bytes:
        opened = self.open(file)
        # Buffered, because one unbuffered read may give less than there is (network file systems do).
        with opened.stream as stream:
            if opened.size > max_bytes:
                raise BadPicture("too_many_bytes", f"{opened.size} bytes, at most {max_bytes}")
            return stream.read(opened.size)

    def open(self, file: str, etag: str = "") -> OpenFile:
        if BETWEEN in file:
            return open_parts(self, file)
        descriptor, status = open_regular(self.root / decode_path(file))
        return OpenFile(os.fdopen(descriptor, "rb"), status.st_size, status.st_mtime_ns)

    def walk(self, listing: Listing) -> Iterator[Location]:
        if not self.root.is_dir():
            raise RecipeError(f"path must name a folder, found none at {str(self.root)!r}: correct the source's path")
        seen: set[tuple[int, int]] = set()
        # A stack, because recursion would end at a thousand nested folders.
        pending = ["/"]
        while pending:
            name = pending.pop()
            try:
                if name.endswith("/"):
                    pending += reversed(self._entries(name, seen, listing))
                else:
                    yield self._file(name)
            except OSError as error:
                yield self._refused(name, error)

    def files(self, folder: str = "") -> Iterator[Location]:
        with os.scandir(self._path(folder)) as entries:
            names = sorted(folder + encode_path(entry.name) for entry in entries if not _is_folder(entry))
        for name in names:
            try:
                yield self._file(name)
            except OSError as error:
                yield self._refused(name, error)

    def _refused(self, name: str, error: OSError) -> Location:
        self.check()
        reason, detail = refusal(self._path(name), error)
        return _location(name, reason=reason, detail=detail)

    def _path(self, name: str) -> str:
        return os.path.join(self.root, decode_path(name.strip("/")))

    def _entries(self, name: str, seen: set[tuple[int, int]], listing: Listing) -> list[str]:
        """Names in a folder in the order of the final uris: a folder sorts with its slash."""
        path = self._path(name)
        status = os.stat(path)
        identity = (status.st_dev, status.st_ino)
        if identity in seen:
            listing.ignored["(folder listed before)"] += 1
            return []
        seen.add(identity)
        prefix = name.lstrip("/")
        with os.scandir(path) as entries:
            return sorted(prefix + encode_path(entry.name) + "/" * _is_folder(entry) for entry in entries)

    def _file(self, name: str) -> Location:
        status = os.stat(self._path(name))
        if not stat.S_ISREG(status.st_mode):
            return _location(name, reason="not_a_file", detail=stat.filemode(status.st_mode))
        return _location(name, size=status.st_size, mtime_ns=status.st_mtime_ns)


def _location(name: str, size: int = -1, mtime_ns: int = 0, reason: str = "", detail: str = "") -> Location:
    return Location(
        uri=name,
        file=name,
        container="file",
        size=size,
        mtime_ns=mtime_ns,
        reason=reason,
        detail=detail,
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False
