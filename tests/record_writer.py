"""Writes RecordIO as dmlc-core and MXNet do, for tests of what reads it.

After `RecordIOWriter::WriteRecord` (dmlc-core, src/recordio.cc: where the data hold the magic number at a multiple of
four, a part ends before it and the next begins behind it), `mx.recordio.pack` (several labels: flag is their number,
label is 0) and `MXIndexedRecordIO.write_idx` (key, tab, offset).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

MAGIC = struct.pack("<I", 0xCED7230A)


def pack(label: float | Sequence[float], picture: bytes, number: int = 0) -> bytes:
    """Data of one record: image header, labels if there are several, picture."""
    if isinstance(label, int | float):
        return struct.pack("<IfQQ", 0, label, number, 0) + picture
    labels = struct.pack(f"<{len(label)}f", *label)
    return struct.pack("<IfQQ", len(label), 0.0, number, 0) + labels + picture


def write_record(data: bytes) -> bytes:
    """One record with its heads and padding."""
    written, begin = b"", 0
    for position in range(0, len(data) // 4 * 4, 4):
        if data[position : position + 4] == MAGIC:
            written += MAGIC + _word(2 if begin else 1, position - begin) + data[begin:position]
            begin = position + 4
    written += MAGIC + _word(3 if begin else 0, len(data) - begin) + data[begin:]
    return written + bytes(-len(data) % 4)


def _word(kind: int, length: int) -> bytes:
    return struct.pack("<I", kind << 29 | length)


def write(records: dict[int, bytes]) -> tuple[bytes, bytes]:
    """The .rec and the .idx of records by key."""
    rec, idx = b"", ""
    for key, data in records.items():
        idx += f"{key}\t{len(rec)}\n"
        rec += write_record(data)
    return rec, idx.encode()


def face_pack(people: Sequence[Sequence[bytes]]) -> tuple[bytes, bytes]:
    """A pack as insightface's face2rec2 writes it: pictures by person, a record per person, record 0 last of all.

    A picture's labels are the person and whether it is aligned; record 0 holds the range of the persons' records.
    """
    records: dict[int, bytes] = {}
    ranges = []
    for person, pictures in enumerate(people):
        first = len(records) + 1
        for picture in pictures:
            key = len(records) + 1
            records[key] = pack((float(person), 1.0), picture, key)
        ranges.append((float(first), float(len(records) + 1)))
    begin = len(records) + 1
    for number, span in enumerate(ranges):
        records[begin + number] = pack(span, b"", begin + number)
    records[0] = pack((float(begin), float(begin + len(ranges))), b"")
    return write(records)
