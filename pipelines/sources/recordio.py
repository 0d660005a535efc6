"""Pictures in MXNet RecordIO files, `train.rec` with or without `train.idx`: how face recognition sets are packed.

A record is a magic number, a word with its length, and its data, padded to four bytes. Where the data itself holds the
magic number at a multiple of four, the writer leaves it out and begins a new part, so that the number in a file always
means the head of a part, and damage costs the records it hits and no others. The data are MXNet's image header, more
labels if the header says so, and the picture; a record without a picture tells which records are of one person.

Listing reads heads and labels and jumps over pictures. A record is called by its offset and not by its key in the
`.idx`, so that the same pictures have the same names without that file.

Sources: dmlc-core, `include/dmlc/recordio.h` and `src/recordio.cc`; MXNet, `python/mxnet/recordio.py` (IRHeader);
insightface, `src/data/face2rec2.py` (record 0, records of identities).
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, ClassVar, Literal

from pydantic import Field

from pipelines.errors import BadPicture
from pipelines.sources.archive import Archive, ArchiveSource
from pipelines.sources.base import Listing, Location
from pipelines.sources.files import labels_json

MAGIC = struct.pack("<I", 0xCED7230A)
WHOLE, FIRST, MIDDLE, LAST = range(4)
MAX_LABELS = 16
"""Labels of a record beyond so many are not kept (detection sets have thousands)."""

_PART = struct.Struct("<4sI")
_LENGTH_BITS = 29
_HEADER = struct.Struct("<IfQQ")  # flag (number of labels that follow), label, id, id2
_MAX_PARTS = 1 << 16
_CHUNK = 1 << 20
_MAX_LINE = 256

Labels = tuple[float, ...]


class RecordIOSource(ArchiveSource):
    """Pictures in .rec files; a .idx of the same name is used where it is there, and not needed."""

    type: Literal["recordio"] = "recordio"
    identity: bool = Field(False, description="The first label is a person: keep it as identity, not as label.")
    container: ClassVar[str] = "recordio"

    def pictures(self, archive: Archive, listing: Listing) -> Iterator[Location]:
        whole = archive.location("", offset=0, size=archive.size)
        with _index_beside(archive.path) as index:
            for location, labels in list_records(archive.stream, whole, index, listing):
                yield self._labelled(location, labels, listing) if labels else location

    def _labelled(self, location: Location, labels: Labels, listing: Listing) -> Location:
        named = {f"label_{number}" if number else "label": _plain(label) for number, label in enumerate(labels)}
        digest = ""
        if self.identity:
            from pipelines.labels import identity_digest  # which itself imports this package

            digest = identity_digest(self.corpus_name(), str(named.pop("label")), listing.salt)
        return replace(location, labels=labels_json(named), identity=digest)


@contextmanager
def _index_beside(path: str) -> Iterator[Iterable[bytes] | None]:
    try:
        file = Path(path).with_suffix(".idx").open("rb")
    except OSError:
        yield None
    else:
        with file:
            yield bounded_lines(file)


def bounded_lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines of an index; one that never ends comes in pieces, and does not fill memory."""
    return iter(lambda: file.readline(_MAX_LINE), b"")


@dataclass(frozen=True, slots=True)
class Record:
    """A record as its heads tell it.

    Attributes:
        offset, end: first byte in the file, and the one behind its data.
        labels: the label, or as many as the header announces (at most `MAX_LABELS` are kept).
        size: bytes of the picture; 0 where the record only holds labels.
    """

    offset: int
    end: int
    labels: Labels
    size: int


@dataclass(frozen=True, slots=True)
class Damage:
    """A place in the file where no record can be read, or a line of the .idx that names none."""

    offset: int
    bad: BadPicture
    line: int = 0


def list_records(
    stream: BinaryIO, whole: Location, index: Iterable[bytes] | None, listing: Listing
) -> Iterator[tuple[Location, Labels]]:
    """Every picture of a .rec with its labels; damage comes with a reason and no labels.

    Args:
        whole: the .rec itself; its `offset` and `size` say which bytes of the file it is.
        index: lines of the .idx, if there is one. It says which records count, and in which order; what lies behind
            the last of them is found by scanning, because a .idx may be cut.
    """
    start, end = whole.offset, whole.offset + whole.size
    place = replace(whole, container="recordio", method=0, crc=0)
    found = _scan(stream, start, start, end) if index is None else _indexed(stream, start, end, index)
    for item in found:
        uri = f"{whole.uri}#{_name(item, start)}"
        if isinstance(item, Damage):
            bad = item.bad
            yield replace(place, uri=uri, offset=item.offset, size=-1, reason=bad.reason, detail=bad.detail), ()
        elif item.size:
            stored_size = item.end - item.offset
            yield replace(place, uri=uri, offset=item.offset, stored_size=stored_size, size=item.size), item.labels
        else:
            listing.ignored["(record without a picture)"] += 1


def _name(item: Record | Damage, start: int) -> str:
    return f"idx-{item.line}" if isinstance(item, Damage) and item.line else str(item.offset - start)


def _indexed(stream: BinaryIO, start: int, end: int, index: Iterable[bytes]) -> Iterator[Record | Damage]:
    reached = start
    for number, line in enumerate(index, 1):
        if not line.strip():
            continue
        offset = _offset(line)
        if offset is None:
            expected = f"line {number} of the .idx: expected key and offset, found {line!r:.60}"
            yield Damage(start, BadPicture("bad_label", expected), number)
            continue
        item = _attempt(stream, start + offset, end)
        yield item
        behind = _padded(item.end, start) if isinstance(item, Record) else item.offset
        if behind >= reached:
            reached = behind if isinstance(item, Record) else _next_head(stream, behind + 4, end)
    yield from _scan(stream, start, reached, end)


def _scan(stream: BinaryIO, start: int, position: int, end: int) -> Iterator[Record | Damage]:
    """Records one after another; behind damage from the next head on."""
    while position < end:
        item = _attempt(stream, position, end)
        yield item
        position = _padded(item.end, start) if isinstance(item, Record) else _next_head(stream, position + 4, end)


def _offset(line: bytes) -> int | None:
    try:
        _, offset = line.split()
        return int(offset) if offset.isdigit() else None
    except ValueError:
        return None


def _attempt(stream: BinaryIO, offset: int, end: int) -> Record | Damage:
    try:
        return _record(stream, offset, end)
    except BadPicture as bad:
        return Damage(offset, bad)


def _record(stream: BinaryIO, offset: int, end: int) -> Record:
    parts = list(_parts(stream, offset, end))
    total = sum(length for _, length in parts) + len(MAGIC) * (len(parts) - 1)
    head = _data(stream, parts, _HEADER.size + 4 * MAX_LABELS)
    if total < _HEADER.size:
        raise BadPicture("corrupt", f"the record at byte {offset} is shorter than MXNet's image header")
    flag, label, _, _ = _HEADER.unpack_from(head)
    size = total - _HEADER.size - 4 * flag
    if size < 0:
        raise BadPicture("corrupt", f"the record at byte {offset} announces {flag} labels, which it cannot hold")
    labels = struct.unpack_from(f"<{min(flag, MAX_LABELS)}f", head, _HEADER.size) if flag else (label,)
    start, length = parts[-1]
    return Record(offset, start + length, labels, size)


def _parts(stream: BinaryIO, offset: int, end: int) -> Iterator[tuple[int, int]]:
    """Start and length of a record's parts; nearly every record has one.

    Raises:
        BadPicture: there is no record, or it ends early.
    """
    position, wanted = offset, (WHOLE, FIRST)
    for _ in range(_MAX_PARTS):
        if position + _PART.size > end:
            raise BadPicture("truncated", f"the file ends inside the record at byte {offset}")
        stream.seek(position)
        magic, word = _PART.unpack(_exactly(stream, _PART.size))
        kind, length = word >> _LENGTH_BITS, word & ((1 << _LENGTH_BITS) - 1)
        if magic != MAGIC or kind not in wanted:
            raise BadPicture("corrupt", f"no head of a record's part at byte {position}")
        position += _PART.size
        if position + length > end:
            raise BadPicture("truncated", f"the file ends inside the record at byte {offset}")
        yield position, length
        if kind in (WHOLE, LAST):
            return
        position, wanted = _padded(position + length, position), (MIDDLE, LAST)
    raise BadPicture("corrupt", f"the record at byte {offset} has more than {_MAX_PARTS} parts")


def _data(stream: BinaryIO, parts: list[tuple[int, int]], limit: int) -> bytes:
    """The first bytes of a record's data, with the magic number put back between its parts."""
    data = bytearray()
    for number, (start, length) in enumerate(parts):
        if len(data) >= limit:
            break
        stream.seek(start)
        data += MAGIC * (number > 0) + _exactly(stream, min(length, limit))
    return bytes(data[:limit])


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise BadPicture("truncated", f"{len(data)} of {size} bytes are there")
    return data


def _padded(position: int, base: int) -> int:
    """The next multiple of four bytes, counted from `base`."""
    return base + (position - base + 3) // 4 * 4


def _next_head(stream: BinaryIO, position: int, end: int) -> int:
    """Where the next record begins, or `end`; read through, because damage hides how long the record was."""
    while position + _PART.size <= end:
        stream.seek(position)
        chunk = stream.read(min(_CHUNK, end - position))
        if len(chunk) < _PART.size:
            break
        last = (len(chunk) - _PART.size) // 4 * 4
        found = chunk.find(MAGIC)
        while 0 <= found <= last:
            if found % 4 == 0 and chunk[found + 7] >> 5 in (WHOLE, FIRST):
                return position + found
            found = chunk.find(MAGIC, found + 1)
        position += last + 4
    return end


def picture_in(stored: bytes, size: int) -> bytes:
    """The picture of a record, given all bytes of the record from its first head on.

    Raises:
        BadPicture: they are not what listing found.
    """
    stream = io.BytesIO(stored)
    data = _data(stream, list(_parts(stream, 0, len(stored))), len(stored))
    if len(data) < _HEADER.size + size:
        raise BadPicture("corrupt", "the record is not as long as when it was listed")
    return data[len(data) - size :]


def whole_number(labels: Labels) -> int | None:
    """The first label as a number, such as that of a person; None where it is none."""
    label = labels[0] if labels else math.nan
    return int(label) if math.isfinite(label) and label >= 0 and label == int(label) else None


def _plain(label: float) -> float | int:
    return int(label) if math.isfinite(label) and label == int(label) else label


__all__ = [
    "MAGIC", "Labels", "RecordIOSource", "bounded_lines", "list_records", "picture_in", "whole_number",
]  # fmt: skip
