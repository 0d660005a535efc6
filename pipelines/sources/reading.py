"""Reading: from a location to the bytes of its picture.

Nothing is ever unpacked to disk, and nothing larger than asked is ever held: sizes that archives state
are checked against what really comes out.
"""

from __future__ import annotations

import bz2
import contextlib
import errno
import os
import struct
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from indexed_gzip import IndexedGzipFile

from pipelines.errors import BadPicture
from pipelines.sources.base import Location, decode_path
from pipelines.sources.files import check_root, open_regular, refusal
from pipelines.sources.tar import index_path
from pipelines.sources.zip import BZIP2, DEFLATED, STORED

OPEN_FILES = 16
ROWS_AT_A_TIME = 32

Place = tuple[str, int, str]
"""File, row group and column of Parquet."""

_LOCAL = struct.Struct("<4s22xHH")
_STREAM_FAULTS = (OSError, EOFError, ValueError, zlib.error)
_MACHINE_FAULTS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""What the machine lacks: no picture is to blame, so none is dropped for it."""


class Reader:
    """Reads the pictures of one source; keeps a few archives open between calls.

    Attributes:
        root: folder to which locations' files are relative.
        index_dir: where seek indexes of gzip streams are kept.
        max_bytes: size above which a picture is refused before it is read.
    """

    def __init__(self, root: Path, index_dir: Path, max_bytes: int) -> None:
        self.root, self.index_dir, self.max_bytes = root, index_dir, max_bytes
        self._folder = os.fspath(root)
        self._streams: OrderedDict[str, BinaryIO] = OrderedDict()
        self._raw: dict[str, BinaryIO] = {}  # below gzip streams, which do not close what they read
        self._rows: tuple[Place, Iterator[bytes | None], int] | None = None
        self._damaged_from: dict[Place, int] = {}

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *error: object) -> None:
        self._rows = None
        while self._streams:
            self._close_oldest()

    def read(self, location: Location) -> bytes:
        """Bytes of one picture.

        Raises:
            BadPicture: it cannot be read, is empty or too large.
            SourceVanished: the whole source is gone.
        """
        if max(location.size, location.stored_size if location.container != "file" else 0) > self.max_bytes:
            raise BadPicture("too_many_bytes", f"{location.size} bytes, at most {self.max_bytes}")
        try:
            data = self._read(location)
        except OSError as error:
            if error.errno in _MACHINE_FAULTS:
                raise
            check_root(self.root)
            raise BadPicture(*refusal(self._path(location), error)) from None
        if not data:
            raise BadPicture("empty")
        if len(data) > self.max_bytes:
            raise BadPicture("too_many_bytes", f"more than {self.max_bytes} bytes")
        return data

    def _read(self, location: Location) -> bytes:
        match location.container:
            case "file":
                return self._read_file(location)
            case "zip":
                return self._read_zip(location)
            case "parquet":
                return self._read_row(location)
            case _:
                return self._read_range(location)

    def _path(self, location: Location) -> str:
        return os.path.join(self._folder, decode_path(location.file))

    def _read_file(self, location: Location) -> bytes:
        descriptor, status = open_regular(self._path(location))
        # Buffered, because one unbuffered read may give less than there is (network file systems do).
        with os.fdopen(descriptor, "rb") as file:
            if status.st_size > self.max_bytes:
                raise BadPicture("too_many_bytes", f"{status.st_size} bytes, at most {self.max_bytes}")
            return file.read(status.st_size)

    def _read_range(self, location: Location) -> bytes:
        """A member of a tar, plain or inside a gzip stream."""
        stream = self._stream(location)
        try:
            stream.seek(location.offset)
            data = stream.read(location.size)
        except (EOFError, ValueError, zlib.error) as error:
            raise BadPicture("corrupt", f"the archive cannot be read here: {error}") from None
        if len(data) < location.size:
            raise BadPicture("truncated", f"{len(data)} of {location.size} bytes are there")
        return data

    def _read_zip(self, location: Location) -> bytes:
        stream = self._stream(location)
        stream.seek(location.offset)
        header = stream.read(30)
        if len(header) < 30 or not header.startswith(b"PK\x03\x04"):
            raise BadPicture("corrupt", "no member where the zip's directory says")
        stream.seek(sum(_LOCAL.unpack(header)[1:]), os.SEEK_CUR)
        stored = stream.read(location.stored_size)
        if len(stored) < location.stored_size:
            raise BadPicture("truncated", f"{len(stored)} of {location.stored_size} stored bytes are there")
        data = _inflate(stored, location.method, location.size)
        if len(data) != location.size or zlib.crc32(data) != location.crc:
            raise BadPicture("corrupt", "the member's size or checksum is not what the zip's directory says")
        return data

    def _read_row(self, location: Location) -> bytes:
        """A row of Parquet; rows of one row group are streamed, so that a giant row group does not fill memory."""
        place = (location.file, location.row_group, location.column)
        # Damage is remembered, or each row behind it would read the row group up to it once more.
        if location.row >= self._damaged_from.get(place, location.row + 1):
            raise BadPicture("unreadable", f"row group {location.row_group} is damaged here or before")
        if self._rows is None or self._rows[0] != place or self._rows[2] > location.row:
            self._rows = (place, self._stream_rows(location, self._stream(location)), 0)
        _, rows, position = self._rows
        try:
            while position < location.row:
                next(rows)
                position += 1
            data = next(rows)
        except (pa.ArrowException, StopIteration, OSError, ValueError) as error:
            self._rows = None
            self._damaged_from[place] = position
            raise BadPicture("unreadable", f"row group {location.row_group} cannot be read: {error}") from None
        self._rows = (place, rows, location.row + 1)
        if data is None:
            raise BadPicture("unreadable", "the row holds no bytes, at best a path")
        return data

    def _stream_rows(self, location: Location, stream: BinaryIO) -> Iterator[bytes | None]:
        file = pq.ParquetFile(stream, pre_buffer=False, page_checksum_verification=True)
        batches = file.iter_batches(ROWS_AT_A_TIME, row_groups=[location.row_group], columns=[location.column])
        for batch in batches:
            column = batch.column(0)
            if pa.types.is_struct(column.type):
                column = column.field("bytes")
            for cell in column:
                yield cell.as_py() if cell.is_valid else None

    def _stream(self, location: Location) -> BinaryIO:
        """The open file behind a location; the one unused for longest is closed when there are too many."""
        if location.file in self._streams:
            self._streams.move_to_end(location.file)
            return self._streams[location.file]
        if len(self._streams) >= OPEN_FILES:
            self._close_oldest()
        path = self._path(location)
        descriptor, status = open_regular(path)
        stream: BinaryIO = os.fdopen(descriptor, "rb")
        if location.container == "tar.gz":
            self._raw[location.file] = stream
            stream = self._seekable(stream, path, status)
        self._streams[location.file] = stream
        return stream

    def _close_oldest(self) -> None:
        file, stream = self._streams.popitem(last=False)
        stream.close()
        if file in self._raw:
            self._raw.pop(file).close()

    def _seekable(self, stream: BinaryIO, path: str, status: os.stat_result) -> BinaryIO:
        """A gzip stream that can be entered anywhere, if listing left its index."""
        unpacked = IndexedGzipFile(fileobj=stream, buffer_size=1 << 20)
        index = index_path(self.index_dir, path, status.st_size, status.st_mtime_ns)
        with contextlib.suppress(FileNotFoundError):
            unpacked.import_index(os.fspath(index))
        return unpacked  # type: ignore[no-any-return]


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
