"""Pictures in 7z archives, also in parts (`x.7z.001`).

py7zr reads the list of members, which a 7z archive keeps in one piece, mostly compressed, at its end: about a second
and 400 bytes of memory for each of 200,000 members. Members are packed together in solid blocks; how these are read,
and what that costs, stands in `solid.py`.
"""

from __future__ import annotations

import lzma
import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Any, ClassVar, Literal

from pipelines.errors import BadPicture, RecipeError
from pipelines.sources.archive import Archive, ArchiveBroken, ArchiveSource, pictures_only
from pipelines.sources.base import Listing, Location
from pipelines.sources.files import is_unsafe_name
from pipelines.sources.nested import unfold
from pipelines.sources.solid import NO_CRC, Coder, Packing, refusal_of

MAGIC = b"7z\xbc\xaf\x27\x1c"
_SIGNATURE_SIZE = 32
_DIRECTORY, _REPARSE_POINT, _UNIX = 0x10, 0x400, 0x8000
_PY7ZR_FAULTS = (
    EOFError, OSError, ValueError, TypeError, AttributeError, LookupError, AssertionError, OverflowError, struct.error,
    lzma.LZMAError, zlib.error,
)  # fmt: skip
"""What py7zr raises at damaged headers, besides errors of its own."""


class SevenZipSource(ArchiveSource):
    """Pictures anywhere inside .7z files; of one in parts, the first part is enough."""

    type: Literal["7z"] = "7z"
    container: ClassVar[str] = "7z"

    def pictures(self, archive: Archive, listing: Listing) -> Iterator[Location]:
        for location in list_7z(archive, listing):
            yield from pictures_only(location, listing)


def list_7z(archive: Archive, listing: Listing) -> Iterator[Location]:
    """Every file in a 7z archive, pictures or not.

    Raises:
        ArchiveBroken: it cannot be listed.
        RecipeError: py7zr is missing.
    """
    yield from unfold(archive, _members(archive), listing)


@dataclass(frozen=True, slots=True)
class Member:
    """A stretch of a solid block.

    Attributes:
        block: number of the block.
        packing: as `Packing.to_text`.
        refusal: why the block is not read, if it is not.
    """

    block: int
    packing: str
    offset: int
    size: int
    crc: int
    refusal: BadPicture | None


def _members(archive: Archive) -> Iterator[Location]:
    try:
        header = _header(archive)
    except BadPicture as bad:
        yield archive.location("", reason=bad.reason, detail=bad.detail)
        return
    if header.files_info is None:
        return
    stretches = _stretches(header)
    empty_files = iter(header.files_info.emptyfiles)
    for entry in header.files_info.files:
        empty = entry["emptystream"]
        is_file = not empty or next(empty_files, False)
        member = None if empty else next(stretches, None)
        if member is None and not empty:
            raise ArchiveBroken("the archive lists more files than it holds")
        # An entry without data is a folder, unless the archive says that it is an empty file.
        if is_file and not (entry.get("attributes") or 0) & _DIRECTORY:
            yield _location(archive, entry, member)


def _header(archive: Archive) -> Any:
    """The archive's header, as py7zr's `Header`.

    Raises:
        BadPicture: it is encrypted.
    """
    try:
        import py7zr
    except ImportError:
        raise RecipeError(f"{archive.path!r} needs py7zr: pip install 'mendery[corpora]'") from None
    archive.stream.seek(0)
    if archive.stream.read(len(MAGIC)) != MAGIC:
        raise ArchiveBroken("not a 7z archive")
    archive.stream.seek(0)
    try:
        return py7zr.SevenZipFile(archive.stream).header
    except py7zr.exceptions.PasswordRequired:
        raise BadPicture("encrypted", "even its list of files is") from None
    except (py7zr.exceptions.ArchiveError, *_PY7ZR_FAULTS) as error:
        raise ArchiveBroken(f"damaged, or its end is missing: {_text(error)}") from error


def _text(error: Exception) -> str:
    return str(error) or type(error).__name__


def _stretches(header: Any) -> Iterator[Member]:
    """The stretches of all blocks, in the order of the files that they are."""
    if header.main_streams is None:
        return
    if header.main_streams.unpackinfo is None or header.main_streams.packinfo is None:
        raise ArchiveBroken("the archive does not say where its blocks are")
    info = header.main_streams.substreamsinfo
    folders = header.main_streams.unpackinfo.folders
    sizes = iter(info.unpacksizes) if info and info.unpacksizes is not None else None
    checksums = zip(info.digestsdefined, info.digests, strict=True) if info else iter(())
    counts = info.num_unpackstreams_folders if info else [1] * len(folders)
    for number, (folder, packing, count) in enumerate(zip(folders, _packings(header), counts, strict=True)):
        stated = list(islice(sizes, max(1, count))) if sizes else [folder.get_unpack_size()]
        refusal = refusal_of(packing.coders)
        for offset, size in zip(accumulate(stated, initial=0), stated[:count], strict=False):
            if size < 0:
                raise ArchiveBroken(f"a negative size in block {number}")
            defined, crc = next(checksums, (False, 0))
            if not defined and count == 1 and folder.digestdefined:
                defined, crc = True, folder.crc
            yield Member(number, packing.to_text(), offset, size, crc if defined else NO_CRC, refusal)


def _packings(header: Any) -> Iterator[Packing]:
    """Where each block is; py7zr calls a block a folder, as the format's description does."""
    packed = header.main_streams.packinfo
    first = 0
    for folder in header.main_streams.unpackinfo.folders:
        if first >= len(packed.packsizes):
            raise ArchiveBroken("the archive lists more blocks than it holds")
        start = _SIGNATURE_SIZE + packed.packpos + packed.packpositions[first]
        yield Packing(start, packed.packsizes[first], tuple(_chain(folder)))
        first += len(folder.packed_indices)


def _chain(folder: Any) -> Iterator[Coder]:
    """The coders of a block from the packed bytes on; those of one with several streams in no order."""
    coders = [(coder["method"], coder["properties"] or b"") for coder in folder.coders]
    following = {bond.outcoder: bond.incoder for bond in folder.bindpairs}
    number = folder.packed_indices[0] if len(folder.packed_indices) == 1 else -1
    order = [number]
    while number in following and len(order) <= len(coders):
        number = following[number]
        order.append(number)
    yield from (coders[number] for number in order) if sorted(order) == list(range(len(coders))) else coders


def _location(archive: Archive, entry: dict[str, Any], member: Member | None) -> Location:
    name, refusal = entry["filename"], member.refusal if member else None
    reason = _reason(name, entry.get("attributes") or 0) or (refusal.reason if refusal else "")
    if member is None:
        return archive.location(name, size=0, reason=reason)
    return archive.location(
        name,
        offset=member.offset,
        size=member.size,
        crc=member.crc,
        row_group=member.block,
        column=member.packing,
        reason=reason,
        detail=refusal.detail if refusal and reason == refusal.reason else "",
    )


def _reason(name: str, attributes: int) -> str:
    kind = stat.S_IFMT(attributes >> 16) if attributes & _UNIX else 0
    if is_unsafe_name(name):
        return "unsafe_name"
    if kind == stat.S_IFLNK or attributes & _REPARSE_POINT:
        return "link"
    return "" if kind in (0, stat.S_IFREG) else "not_a_file"
