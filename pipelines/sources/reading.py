"""Reading: from a location to the bytes of its picture.

Nothing is ever unpacked to disk, and nothing larger than asked is ever held: sizes that archives state
are checked against what really comes out. How each kind of container is read stands in `CONTAINERS`.
"""

from __future__ import annotations

import bz2
import contextlib
import errno
import os
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from indexed_gzip import IndexedGzipFile

from pipelines.errors import BadPicture
from pipelines.places import ahead
from pipelines.sources.base import Location, decode_path
from pipelines.sources.files import refusal, zip_data_offset
from pipelines.sources.lmdb import picture_in_value
from pipelines.sources.mat import read_mat
from pipelines.sources.recordio import picture_in
from pipelines.sources.solid import read_7z
from pipelines.sources.stores import OpenFile, Store, store_of
from pipelines.sources.tar import index_path
from pipelines.sources.zip import BZIP2, DEFLATED, STORED
from pipelines.storage import local_copy

ALONE = frozenset({"file", "lmdb", "tar", "zip"})
"""Containers of which a picture is a range of bytes that no other picture's reading disturbs."""

OPEN_FILES = 16
ROWS_AT_A_TIME = 32
RECORD_HEADS = 1 << 20
"""What heads and labels of a record may add to its picture."""

_STREAM_FAULTS = (OSError, EOFError, ValueError, zlib.error)
_MACHINE_FAULTS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""What the machine lacks: no picture is to blame, so none is dropped for it."""


class Closable(Protocol):
    """Something that a reader keeps open between two pictures."""

    def close(self) -> None: ...


Kept = TypeVar("Kept", bound=Closable)


class Reader:
    """Reads the pictures of one source; keeps a few archives open between calls.

    Attributes:
        roots: folders to which locations' files are relative, by `Location.root`.
        index_dir: where seek indexes of gzip streams are kept.
        max_bytes: size above which a picture is refused before it is read.
    """

    def __init__(
        self, root: Path, index_dir: Path, max_bytes: int, extra_roots: Mapping[str, Path] | None = None
    ) -> None:
        self.index_dir, self.max_bytes = index_dir, max_bytes
        self.roots = {"": root, **(extra_roots or {})}
        self._stores = {name: store_of(place) for name, place in self.roots.items()}
        self._kept: OrderedDict[str, Closable] = OrderedDict()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *error: object) -> None:
        while self._kept:
            self._kept.popitem(last=False)[1].close()

    def read(self, location: Location) -> bytes:
        """Bytes of one picture.

        Raises:
            BadPicture: it cannot be read, is empty or too large.
            SourceVanished: the whole source is gone.
        """
        if max(location.size, _stored_picture(location)) > self.max_bytes:
            raise BadPicture("too_many_bytes", f"{location.size} bytes, at most {self.max_bytes}")
        try:
            data = CONTAINERS[location.container](self, location)
        except OSError as error:
            if error.errno in _MACHINE_FAULTS:
                raise
            self._stores[location.root].check()
            raise BadPicture(*refusal(self.path(location), error)) from None
        if not data:
            raise BadPicture("empty")
        if len(data) > self.max_bytes:
            raise BadPicture("too_many_bytes", f"more than {self.max_bytes} bytes")
        return data

    def read_all(self, locations: Iterable[Location]) -> Iterator[bytes | BadPicture]:
        """Bytes or fault of each picture, in order.

        Raises:
            SourceVanished: the whole source is gone.
        """
        for alone, group in groupby(locations, self._may_be_read_alone):
            if alone:
                yield from ahead(self._outcome, group)
            else:
                yield from map(self._outcome, group)

    def _may_be_read_alone(self, location: Location) -> bool:
        """Whether other threads may read at the same time, and it is worth it."""
        return self.store(location).remote and location.container in ALONE

    def _outcome(self, location: Location) -> bytes | BadPicture:
        try:
            return self.read(location)
        except BadPicture as bad:
            return bad

    def path(self, location: Location) -> str:
        """Full path of the file that holds a location."""
        return os.path.join(str(self.roots[location.root]), decode_path(location.file))

    def store(self, location: Location) -> Store:
        """The store that holds a location."""
        return self._stores[location.root]

    def open(self, location: Location) -> OpenFile:
        """Opens the file that holds a location; the caller closes it."""
        return self.store(location).open(location.file, location.etag)

    def kept(self, location: Location, make: Callable[[], Kept], most: int = OPEN_FILES) -> Kept:
        """What `make` gave for this location's file; of too many the one unused for longest is closed.

        Args:
            most: so many of this container are kept, where each holds much memory.
        """
        name = f"{location.container}:{location.root}:{location.file}"
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]  # type: ignore[return-value]
        alike = [other for other in self._kept if other.startswith(f"{location.container}:")]
        if len(alike) >= most or len(self._kept) >= OPEN_FILES:
            self._kept.pop(alike[0] if len(alike) >= most else next(iter(self._kept))).close()
        made = make()
        self._kept[name] = made
        return made

    def stream(self, location: Location) -> BinaryIO:
        """The open file behind a location."""
        store = self.store(location)
        if store.remote:  # opening costs no request, and threads must not share a stream
            return store.stream(location.file, location.etag)
        return self.kept(location, lambda: self.open(location).stream)


def _stored_picture(location: Location) -> int:
    """Bytes to read for a location, less what its container adds to a picture."""
    if location.container == "recordio":
        return location.stored_size - RECORD_HEADS
    # Of a file of its own the size is asked when it is opened; what a MATLAB file stores is all its pictures.
    return location.stored_size if location.container not in ("file", "mat") else 0


def read_file(reader: Reader, location: Location) -> bytes:
    """A file of its own."""
    return reader.store(location).read(location.file, location.etag, reader.max_bytes)


def read_tar(reader: Reader, location: Location) -> bytes:
    """A member of a plain tar."""
    return _range(reader.stream(location), location)


def read_tar_gz(reader: Reader, location: Location) -> bytes:
    """A member of a tar inside a gzip stream."""
    return _range(reader.kept(location, lambda: GzipStream(reader, location)).stream, location)


class GzipStream:
    """A gzip stream that can be entered anywhere, if listing left its index."""

    def __init__(self, reader: Reader, location: Location) -> None:
        opened = reader.open(location)
        self._raw = opened.stream  # which the gzip stream does not close
        self.stream: BinaryIO = IndexedGzipFile(fileobj=opened.stream, buffer_size=1 << 20)
        index = index_path(reader.index_dir, reader.path(location), opened.size, opened.mtime_ns)
        with contextlib.suppress(FileNotFoundError), local_copy(index) as path:
            self.stream.import_index(path)

    def close(self) -> None:
        self.stream.close()
        self._raw.close()


def _range(stream: BinaryIO, location: Location) -> bytes:
    try:
        stream.seek(location.offset)
        data = stream.read(location.size)
    except (EOFError, ValueError, zlib.error) as error:
        raise BadPicture("corrupt", f"the archive cannot be read here: {error}") from None
    if len(data) < location.size:
        raise BadPicture("truncated", f"{len(data)} of {location.size} bytes are there")
    return data


def read_zip(reader: Reader, location: Location) -> bytes:
    """A member of a zip, checked against the size and the checksum that the directory states."""
    stream = reader.stream(location)
    stream.seek(zip_data_offset(stream, location))
    stored = stream.read(location.stored_size)
    if len(stored) < location.stored_size:
        raise BadPicture("truncated", f"{len(stored)} of {location.stored_size} stored bytes are there")
    data = _inflate(stored, location.method, location.size)
    if len(data) != location.size or zlib.crc32(data) != location.crc:
        raise BadPicture("corrupt", "the member's size or checksum is not what the zip's directory says")
    return data


def read_lmdb(reader: Reader, location: Location) -> bytes:
    """The picture in a value of an LMDB."""
    return picture_in_value(_range(reader.stream(location), location))


def read_recordio(reader: Reader, location: Location) -> bytes:
    """The picture of a record, in a .rec of its own or one that lies uncompressed in an archive."""
    stored = _range(reader.stream(location), replace(location, size=location.stored_size))
    return picture_in(stored, location.size)


def read_parquet(reader: Reader, location: Location) -> bytes:
    """The picture in a row of Parquet."""
    return reader.kept(location, lambda: ParquetRows(reader.open(location).stream)).read(location)


class ParquetRows:
    """Rows of one Parquet file, streamed, so that a giant row group does not fill memory."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._at: tuple[tuple[int, str], Iterator[bytes | None], int] | None = None
        self._damaged_from: dict[tuple[int, str], int] = {}

    def close(self) -> None:
        self._at = None
        self._stream.close()

    def read(self, location: Location) -> bytes:
        place = (location.row_group, location.column)
        # Damage is remembered, or each row behind it would read the row group up to it once more.
        if location.row >= self._damaged_from.get(place, location.row + 1):
            raise BadPicture("unreadable", f"row group {location.row_group} is damaged here or before")
        if self._at is None or self._at[0] != place or self._at[2] > location.row:
            self._at = (place, self._rows(location), 0)
        _, rows, position = self._at
        try:
            while position < location.row:
                next(rows)
                position += 1
            data = next(rows)
        except (pa.ArrowException, StopIteration, OSError, ValueError) as error:
            self._at = None
            self._damaged_from[place] = position
            raise BadPicture("unreadable", f"row group {location.row_group} cannot be read: {error}") from None
        self._at = (place, rows, location.row + 1)
        if data is None:
            raise BadPicture("unreadable", "the row holds no bytes, at best a path")
        return data

    def _rows(self, location: Location) -> Iterator[bytes | None]:
        file = pq.ParquetFile(self._stream, pre_buffer=False, page_checksum_verification=True)
        batches = file.iter_batches(ROWS_AT_A_TIME, row_groups=[location.row_group], columns=[location.column])
        for batch in batches:
            column = batch.column(0)
            if pa.types.is_struct(column.type):
                column = column.field("bytes")
            for cell in column:
                yield cell.as_py() if cell.is_valid else None


def _inflate(stored: bytes, method: int, size: int) -> bytes:
    """Unpacks a zip member, but never more than one byte beyond the size it states."""
    if method == STORED:
        return stored
    assert method in (DEFLATED, BZIP2), method
    try:
        if method == DEFLATED:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(stored, size + 1)
        return bz2.BZ2Decompressor().decompress(stored, size + 1)
    except _STREAM_FAULTS as error:
        raise BadPicture("corrupt", f"the member cannot be unpacked: {error}") from None


CONTAINERS: dict[str, Callable[[Reader, Location], bytes]] = {
    "7z": read_7z,
    "file": read_file,
    "lmdb": read_lmdb,
    "mat": read_mat,
    "parquet": read_parquet,
    "recordio": read_recordio,
    "tar": read_tar,
    "tar.gz": read_tar_gz,
    "zip": read_zip,
}
"""How each kind of container is read. A reader function raises BadPicture, or OSError where a file is to blame."""
