"""Open container files, from which a `Reader` takes pictures one at a time.

Headers may lie, so nothing here believes a size: not more is unpacked than was declared plus one byte,
and what was declared over the limit has been refused before.
"""

from __future__ import annotations

import bz2
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from indexed_gzip import IndexedGzipFile

from pipelines.errors import BadPicture
from pipelines.sources.base import Location
from pipelines.sources.files import open_regular
from pipelines.sources.parquet import PARQUET_FAULTS
from pipelines.sources.tar import index_path
from pipelines.sources.zip import BZIP2, DEFLATED

_LOCAL_HEADER = struct.Struct("<4s22xHH")
_BATCH_BYTES = 32 << 20
_BATCH_ROWS = 32


class Container(Protocol):
    """An open file that holds many pictures.

    `read` raises BadPicture, or OSError where the file itself fails.
    """

    def read(self, location: Location, max_bytes: int) -> bytes: ...

    def close(self) -> None: ...


class OpenTar:
    """Members of a plain tar, by byte range."""

    def __init__(self, path: str, index_dir: Path) -> None:
        self._descriptor, _ = open_regular(path)

    def read(self, location: Location, max_bytes: int) -> bytes:
        return _read_range(self._descriptor, location.offset, location.size)

    def close(self) -> None:
        os.close(self._descriptor)


class OpenTarGz:
    """Members of a compressed tar, sought with the index that listing left behind."""

    def __init__(self, path: str, index_dir: Path) -> None:
        descriptor, status = open_regular(path)
        self._file = os.fdopen(descriptor, "rb")
        index = index_path(index_dir, path, status.st_size, status.st_mtime_ns)
        # Without the index (kept elsewhere, or the file has changed) reading is slow, not wrong.
        self._stream = IndexedGzipFile(
            fileobj=self._file, index_file=str(index) if index.exists() else None, buffer_size=1 << 16
        )

    def read(self, location: Location, max_bytes: int) -> bytes:
        self._stream.seek(location.offset)
        data = bytes(self._stream.read(location.size))
        _check_length(data, location.size)
        return data

    def close(self) -> None:
        self._stream.close()
        self._file.close()


class OpenZip:
    """Members of a zip, checked against their CRC."""

    def __init__(self, path: str, index_dir: Path) -> None:
        self._descriptor, _ = open_regular(path)

    def read(self, location: Location, max_bytes: int) -> bytes:
        # What compression may add to incompressible data stays far below this.
        if location.stored_size > max_bytes + max_bytes // 64 + 1024:
            raise BadPicture("too_many_bytes", f"{location.stored_size} compressed bytes")
        header = _read_range(self._descriptor, location.offset, _LOCAL_HEADER.size)
        signature, *lengths = _LOCAL_HEADER.unpack(header)
        if signature != b"PK\x03\x04":
            raise BadPicture("corrupt", f"no member of the zip at byte {location.offset}")
        start = location.offset + len(header) + sum(lengths)
        data = _unpack(_read_range(self._descriptor, start, location.stored_size), location)
        if zlib.crc32(data) != location.crc:
            raise BadPicture("corrupt", "other CRC-32 than the zip says")
        return data

    def close(self) -> None:
        os.close(self._descriptor)


class OpenParquet:
    """Rows of a Parquet file, streamed within a row group: a group may be larger than memory.

    Going forward is cheap, going backward starts the group again.
    """

    def __init__(self, path: str, index_dir: Path) -> None:
        descriptor, _ = open_regular(path)
        self._file = os.fdopen(descriptor, "rb")
        try:
            self._parquet = pq.ParquetFile(
                self._file, pre_buffer=False, buffer_size=1 << 20, page_checksum_verification=True
            )
        except PARQUET_FAULTS as error:
            self._file.close()
            raise BadPicture("unreadable", str(error)) from error
        self._place = (-1, "")
        self._first = 0
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._values: pa.Array | None = None
        self._damaged_from: dict[tuple[int, str], int] = {}

    def read(self, location: Location, max_bytes: int) -> bytes:
        value = self._value(location)
        if value.is_valid and pa.types.is_struct(value.type):
            value = value["bytes"]
        if not value.is_valid:
            raise BadPicture("unreadable", "the row has no bytes")
        content = value.as_buffer()
        if content.size > max_bytes:
            raise BadPicture("too_many_bytes", f"{content.size} bytes")
        return bytes(content.to_pybytes())

    def close(self) -> None:
        self._parquet.close()
        self._file.close()

    def _value(self, location: Location) -> pa.Scalar:
        place = (location.row_group, location.column)
        # Damage is remembered, or each row behind it would read the whole group once more.
        if location.row >= self._damaged_from.get(place, location.row + 1):
            raise BadPicture("corrupt", "damage in the row group, here or in a row before")
        if place != self._place or location.row < self._first:
            self._start(place)
        while self._values is None or location.row >= self._first + len(self._values):
            self._advance()
        return self._values[location.row - self._first]

    def _start(self, place: tuple[int, str]) -> None:
        group, column = place
        try:
            metadata = self._parquet.metadata.row_group(group)
            is_struct = pa.types.is_struct(self._parquet.schema_arrow.field(column).type)
        except LookupError as error:
            raise BadPicture("unreadable", f"the file has changed: {error}") from error
        row_bytes = max(1, metadata.total_byte_size // max(1, metadata.num_rows))
        self._place, self._first, self._values = place, 0, None
        self._batches = self._parquet.iter_batches(
            batch_size=max(1, min(_BATCH_ROWS, _BATCH_BYTES // row_bytes)),
            row_groups=[group],
            columns=[f"{column}.bytes" if is_struct else column],
            use_threads=False,
        )

    def _advance(self) -> None:
        self._first += len(self._values) if self._values is not None else 0
        self._values = None
        try:
            self._values = next(self._batches).column(0)
        except (*PARQUET_FAULTS, StopIteration) as error:
            self._damaged_from[self._place] = self._first
            raise BadPicture("corrupt", f"row group {self._place[0]} from row {self._first} on: {error}") from error


def _read_range(descriptor: int, offset: int, size: int) -> bytes:
    data = os.pread(descriptor, size, offset)
    while len(data) < size and (more := os.pread(descriptor, size - len(data), offset + len(data))):
        data += more
    _check_length(data, size)
    return data


def _check_length(data: bytes, size: int) -> None:
    if len(data) != size:
        raise BadPicture("unreadable", f"the archive holds {len(data)} of {size} bytes")


def _unpack(stored: bytes, location: Location) -> bytes:
    """Inflates at most one byte more than was declared."""
    limit = location.size + 1
    try:
        if location.method == DEFLATED:
            stored = zlib.decompressobj(-zlib.MAX_WBITS).decompress(stored, limit)
        elif location.method == BZIP2:
            stored = bz2.BZ2Decompressor().decompress(stored, limit)
    except (zlib.error, OSError) as error:
        raise BadPicture("corrupt", str(error)) from error
    if len(stored) != location.size:
        raise BadPicture("corrupt", f"other length than the {location.size} bytes that the zip says")
    return stored
