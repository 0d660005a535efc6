"""Pictures in LMDB files: LSUN's, those of BasicSR and MMagic, Caffe's with encoded Datums, or bytes under any key.

The file is read here page by page and not by LMDB's own library, which maps it into memory: there a file that is cut
kills the process (SIGBUS), and so does one with pages that were never downloaded (SIGABRT), where a bad file must be a
counted reason. Listing walks the tree of keys only; a value is a byte range of the file and is read like a member of a
tar, in a bucket too. The price: only the format is read that LMDB 0.9 writes on little-endian machines of 64 bits.

Sources: LMDB 0.9, `libraries/liblmdb/mdb.c` (MDB_page, MDB_meta, MDB_db, MDB_node); Caffe, `caffe.proto` (Datum).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, ClassVar, Literal, NamedTuple

from pipelines.errors import BadPicture, RecipeError
from pipelines.places import place
from pipelines.sources.archive import Archive, ArchiveBroken, ArchiveSource
from pipelines.sources.base import Listing, Location
from pipelines.sources.files import archive_split, expand, refuse_urls, root_of

FILE = "data.mdb"

_MAGIC, _FORMAT = 0xBEEFC0DE, 1
_PAGE_SIZES = frozenset(1 << power for power in range(8, 17))
_PAGE = struct.Struct("<QHHHH")  # number, padding, flags, end of the pointers to nodes, begin of the nodes
_META = struct.Struct("<16xII16xI50xH24xQQQQ")  # the fields of `_Meta`
_NODE = struct.Struct("<HHHH")  # lower and upper half of a size or page number, flags, size of the key
_NUMBER = struct.Struct("<Q")
_BRANCH, _LEAF = 0x01, 0x02
_BIG, _SUBDATA, _DUPLICATES = 0x01, 0x02, 0x04
_NO_PAGE = (1 << 64) - 1

_DATUM = frozenset({(1, 0), (2, 0), (3, 0), (4, 2), (5, 0), (6, 2), (6, 5), (7, 0)})
"""Number and wire type of each field of a Datum."""
_DATA, _FLOATS, _ENCODED = 4, 6, 7
_VARINT, _BYTES = 0, 2


class LmdbSource(ArchiveSource):
    """Pictures in LMDB: a folder that holds data.mdb, such a file itself, or a pattern of files."""

    type: Literal["lmdb"] = "lmdb"
    container: ClassVar[str] = "lmdb"

    def root(self) -> Path:
        folder = self._folder()
        return folder.parent if folder else root_of(self.path, self.s3)

    def files(self) -> tuple[Path, list[Path]]:
        folder = self._folder()
        if folder is None:
            return expand(self.path, self.s3)
        if not (folder / FILE).is_file():
            raise RecipeError(f"no {FILE} in the folder {self.path!r}: correct the source's path")
        return folder.parent, [folder / FILE]

    def pictures(self, archive: Archive, listing: Listing) -> Iterator[Location]:
        uri = archive.file.removesuffix(f"/{FILE}")
        archive = replace(archive, uri=uri, split=self.split or archive_split(uri))
        for value in Database(archive.stream, archive.size).values():
            yield _location(archive, value)

    def _folder(self) -> Path | None:
        """The folder that holds a data.mdb, whichever of both the path names: its own name may tell a split."""
        refuse_urls(self.path)
        folder = place(self.path.rstrip("/").removesuffix(f"/{FILE}"), self.s3)
        # A bucket has no name as a folder, and nothing above it.
        return folder if folder.name and folder.is_dir() else None


@dataclass(frozen=True, slots=True)
class Value:
    """A value as the tree of keys tells it; without a key it is a damaged page of that tree.

    Attributes:
        offset, size: its bytes in the file.
        reason, detail: why it cannot be read, else "".
    """

    key: bytes
    offset: int
    size: int = -1
    reason: str = ""
    detail: str = ""


def _location(archive: Archive, value: Value) -> Location:
    if not value.key:
        uri = f"{archive.uri}#{value.offset}"
        return archive.location("", uri=uri, reason=value.reason, detail=value.detail)
    return archive.location(
        value.key,
        offset=value.offset,
        stored_size=value.size,
        size=value.size,
        reason=value.reason,
        detail=value.detail,
    )


class _Meta(NamedTuple):
    """What the first two pages say; transactions write them in turn, and the one of the later transaction counts."""

    magic: int
    version: int
    page_size: int
    depth: int
    num_entries: int
    root: int
    last_page: int
    transaction: int


class Database:
    """The main database of an LMDB file, as its last transaction left it."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        """Reads the first two pages.

        Raises:
            ArchiveBroken: it is no LMDB file, or they are damaged.
        """
        self._stream, self._size = stream, size
        first = self._meta_at(0)
        self._meta = max(first, self._meta_at(first.page_size), key=lambda meta: meta.transaction)

    def _meta_at(self, offset: int) -> _Meta:
        self._stream.seek(offset)
        data = self._stream.read(_META.size)
        if len(data) < _META.size:
            raise ArchiveBroken(f"the file ends at byte {self._size}, before its description")
        meta = _Meta(*_META.unpack(data))
        if meta.magic != _MAGIC or meta.page_size not in _PAGE_SIZES:
            raise ArchiveBroken("not an LMDB file, or not one of a little-endian machine of 64 bits")
        if meta.version != _FORMAT:
            raise ArchiveBroken(f"format {meta.version} of LMDB, only {_FORMAT} is read")
        return meta

    def values(self) -> Iterator[Value]:
        """Every value in the order of the keys; a damaged page costs what lies below it and nothing else.

        Raises:
            ArchiveBroken: there are more entries than there should be, or fewer without any damaged page.
        """
        count, damaged = 0, False
        for value in self._below(self._meta.root, 1) if self._meta.root != _NO_PAGE else ():
            count, damaged = count + bool(value.key), damaged or not value.key
            if count > self._meta.num_entries:
                raise ArchiveBroken(f"more than the {self._meta.num_entries} entries that it should have")
            yield value
        if count < self._meta.num_entries and not damaged:
            raise ArchiveBroken(f"{count} of {self._meta.num_entries} entries are there")

    def _below(self, number: int, depth: int) -> Iterator[Value]:
        """Values below a page of the tree."""
        try:
            page, is_leaf = self._page(number)
            if is_leaf != (depth >= self._meta.depth):
                raise ArchiveBroken(f"page {number} lies at depth {depth} of {self._meta.depth}")
            nodes = [self._value(number, page, at) if is_leaf else _child(page, at) for at in _nodes(number, page)]
        except ArchiveBroken as error:
            yield Value(b"", number * self._meta.page_size, reason="archive_broken", detail=str(error))
            return
        for node in nodes:
            if isinstance(node, Value):
                yield node
            else:
                yield from self._below(node, depth + 1)

    def _page(self, number: int) -> tuple[bytes, bool]:
        """A page of the tree, and whether it is a leaf."""
        size = self._meta.page_size
        if number > self._meta.last_page:
            raise ArchiveBroken(f"page {number} of {self._meta.last_page} is named")
        self._stream.seek(number * size)
        page = self._stream.read(size)
        if len(page) < size:
            raise ArchiveBroken(f"the file ends at byte {self._size}, before page {number} of {self._meta.last_page}")
        found, _, flags, _, _ = _PAGE.unpack_from(page)
        if found != number or flags not in (_BRANCH, _LEAF):
            raise ArchiveBroken(f"page {number} holds something else, such as nothing at all")
        return page, flags == _LEAF

    def _value(self, number: int, page: bytes, at: int) -> Value:
        """The value of a leaf's node."""
        low, high, flags, key_size = _NODE.unpack_from(page, at)
        begin = at + _NODE.size + key_size
        key, size = page[at + _NODE.size : begin], low | high << 16
        if not key or begin + (_NUMBER.size if flags & _BIG else size) > len(page):
            raise ArchiveBroken(f"page {number} is damaged: an entry reaches beyond it")
        offset = number * len(page) + begin
        if flags & (_SUBDATA | _DUPLICATES):
            detail = "a named database, or several values under one key"
            return Value(key, offset, reason="unreadable", detail=detail)
        if flags & _BIG:
            offset = _NUMBER.unpack_from(page, begin)[0] * len(page) + _PAGE.size
        if offset + size > self._size:
            return Value(key, -1, size, "truncated", f"the file ends at byte {self._size}, before or inside this value")
        return Value(key, offset, size)


def _nodes(number: int, page: bytes) -> tuple[int, ...]:
    """Where the nodes of a page begin in it."""
    end = _PAGE.unpack_from(page)[3]
    if not _PAGE.size < end <= len(page) or end % 2:
        raise ArchiveBroken(f"page {number} is damaged: its entries end at byte {end}")
    places: tuple[int, ...] = struct.unpack_from(f"<{(end - _PAGE.size) // 2}H", page, _PAGE.size)
    if min(places) < end or max(places) + _NODE.size > len(page):
        raise ArchiveBroken(f"page {number} is damaged: an entry lies outside")
    return places


def _child(page: bytes, at: int) -> int:
    """The page that a branch's node leads to."""
    low, high, highest, _ = _NODE.unpack_from(page, at)
    return int(low | high << 16 | highest << 32)


def picture_in_value(value: bytes) -> bytes:
    """The picture of a value: the value itself, or what the Datum that it is holds.

    No picture format begins as a Datum may, so nothing needs to be guessed.

    Raises:
        BadPicture: a Datum of bare pixels, of which nothing says in which order the colours come.
    """
    try:
        fields = _datum_fields(value)
    except (ValueError, IndexError):
        return value
    if _FLOATS in fields or (_DATA in fields and not fields.get(_ENCODED)):
        raise BadPicture("unsupported_mode", "a Caffe Datum of bare pixels: make the LMDB with --encoded")
    data = fields.get(_DATA, value)
    return data if isinstance(data, bytes) else value


def _datum_fields(data: bytes) -> dict[int, int | bytes]:
    """Fields of a Datum, up to its numbers if it holds pixels as such.

    Raises:
        ValueError, IndexError: it is none.
    """
    fields: dict[int, int | bytes] = {}
    at = 0
    while at < len(data) and _FLOATS not in fields:
        tag, at = _varint(data, at)
        field, wire = tag >> 3, tag & 7
        if (field, wire) not in _DATUM:
            raise ValueError(tag)
        number, after = _varint(data, at) if wire in (_VARINT, _BYTES) else (0, at + 4)
        if wire == _BYTES:
            after, at = after + number, after
        if after > len(data):
            raise ValueError(after)
        fields[field] = data[at:after] if wire == _BYTES else number
        at = after
    return fields


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number, seven bits a byte, and where it ends."""
    number = shift = 0
    while data[at] & 0x80 and shift < 63:
        number |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return number | data[at] << shift, at + 1
