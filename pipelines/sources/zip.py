"""Pictures in zip archives.

The central directory is read as a stream: `zipfile` builds an object per entry and keeps them all, and
gives up a whole archive for one damaged entry.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Literal

from pipelines.sources.archive import Archive, ArchiveBroken, ArchiveSource, pictures_only
from pipelines.sources.base import Listing, Location
from pipelines.sources.files import is_unsafe_name
from pipelines.sources.nested import unfold

STORED, DEFLATED, BZIP2 = 0, 8, 12

_END = struct.Struct("<4s4x4xLLH")
_END64 = struct.Struct("<4s36xQQ")
_END64_LOCATOR_SIZE = 20
_ENTRY = struct.Struct("<4sBBxxHHxxxxLLLHHHHxxLL")
_FULL = 0xFFFFFFFF  # "look into the zip64 field"
_UNIX = 3


class ZipSource(ArchiveSource):
    """Pictures anywhere inside .zip files."""

    type: Literal["zip"] = "zip"
    container: ClassVar[str] = "zip"

    def pictures(self, archive: Archive, listing: Listing) -> Iterator[Location]:
        for location in list_zip(archive, listing):
            yield from pictures_only(location, listing)


def list_zip(archive: Archive, listing: Listing) -> Iterator[Location]:
    """Every file in a zip, pictures or not, and in the archives in it."""
    yield from unfold(archive, _members(archive), listing)


def _members(archive: Archive) -> Iterator[Location]:
    for entry in zip_entries(archive.stream, archive.size, archive.parts):
        name = os.fsdecode(entry.name)
        if not name.endswith("/"):
            yield archive.location(
                entry.name,
                offset=entry.offset,
                stored_size=entry.stored_size,
                size=entry.size,
                method=entry.method,
                crc=entry.crc,
                reason=_reason(entry, name),
            )


@dataclass(slots=True)
class Entry:
    """A member as the central directory tells it; the name as raw bytes, since few archives state its encoding."""

    name: bytes
    system: int
    flags: int
    method: int
    crc: int
    stored_size: int
    size: int
    attributes: int
    offset: int


def zip_entries(stream: BinaryIO, size: int, parts: tuple[int, ...] = ()) -> Iterator[Entry]:
    """Lists the central directory in constant memory.

    Args:
        parts: of a split zip: where in the stream each part begins.

    Raises:
        ArchiveBroken: there is none, or it is damaged.
    """
    start, end, shift = _directory(stream, size)
    stream.seek(start)
    position = start
    while position < end:
        header = stream.read(_ENTRY.size)
        if len(header) < _ENTRY.size or not header.startswith(b"PK\x01\x02"):
            raise ArchiveBroken(f"no entry of the central directory at byte {position}")
        _, _, system, flags, method, crc, stored, full, *lengths, part, attributes, offset = _ENTRY.unpack(header)
        variable = stream.read(sum(lengths))
        if len(variable) < sum(lengths):
            raise ArchiveBroken(f"the entry of the central directory at byte {position} is cut")
        if _FULL in (full, stored, offset):
            extra = variable[lengths[0] : lengths[0] + lengths[1]]
            full, stored, offset = _zip64(extra, full, stored, offset)
        # In a split zip an offset counts from the beginning of its part.
        begin = parts[min(part, len(parts) - 1)] if parts else shift
        yield Entry(variable[: lengths[0]], system, flags, method, crc, stored, full, attributes, offset + begin)
        position += len(header) + len(variable)


def _directory(stream: BinaryIO, size: int) -> tuple[int, int, int]:
    """First and last byte of the central directory, and by how much offsets miss (a program may come before)."""
    stream.seek(max(0, size - _END.size - 0xFFFF))
    tail_start = stream.tell()
    tail = stream.read()
    found = tail.rfind(b"PK\x05\x06")
    if found < 0 or len(tail) < found + _END.size:
        raise ArchiveBroken("not a zip, or cut: it has no central directory")
    _, length, offset, _ = _END.unpack_from(tail, found)
    end = tail_start + found
    if found64 := _end64(stream, end):
        length, offset = found64
        end -= _END64_LOCATOR_SIZE + _END64.size
    start = end - length
    if start < 0 or start < offset:
        raise ArchiveBroken("the central directory is not where the archive says")
    return start, end, start - offset


def _end64(stream: BinaryIO, end: int) -> tuple[int, int] | None:
    start = end - _END64_LOCATOR_SIZE - _END64.size
    if start < 0:
        return None
    stream.seek(start)
    signature, length, offset = _END64.unpack(stream.read(_END64.size))
    return (length, offset) if signature == b"PK\x06\x06" else None


def _zip64(extra: bytes, *values: int) -> Iterator[int]:
    """Replaces each value that does not fit in 32 bits by the next one of the zip64 field."""
    wide: Iterator[int] = iter(())
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == 1:
            count = min(length, len(extra) - 4) // 8
            wide = iter(struct.unpack_from(f"<{count}Q", extra, 4))
        extra = extra[4 + length :]
    for value in values:
        yield next(wide, value) if value == _FULL else value


def _reason(entry: Entry, name: str) -> str:
    kind = stat.S_IFMT(entry.attributes >> 16) if entry.system == _UNIX else 0
    if is_unsafe_name(name):
        return "unsafe_name"
    if kind == stat.S_IFLNK:
        return "link"
    if kind not in (0, stat.S_IFREG):
        return "not_a_file"
    if entry.flags & 1:
        return "encrypted"
    return "" if entry.method in (STORED, DEFLATED, BZIP2) else "unsupported_compression"
