"""Archives inside archives, read in place: ImageNet is a tar of a thousand tars.

A member that lies uncompressed in its archive is a byte range of it, so an archive in it can be listed through a window
on the outer one, and its members are byte ranges of the outer one too: nothing that reads needs to know. The price is
that an archive which lies compressed inside another one cannot be entered.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import BinaryIO, cast

from pipelines.errors import BadPicture
from pipelines.ranged import Seekable
from pipelines.sources.archive import Archive, ArchiveBroken
from pipelines.sources.base import Listing, Location, decode_path
from pipelines.sources.files import zip_data_offset

MAX_DEPTH = 3

ListArchive = Callable[[Archive, Listing], Iterator[Location]]

_INNER = re.compile(r"\.(tar|zip)$", re.IGNORECASE)
_COMPRESSED = re.compile(r"\.(tgz|tar\.gz|tar\.xz|tar\.bz2|7z|rar)$", re.IGNORECASE)


def unfold(archive: Archive, members: Iterator[Location], listing: Listing) -> Iterator[Location]:
    """The members of an archive, then those of the archives among them.

    Args:
        archive: the open outer archive; its stream is that of the plain tar, or of the zip.
        members: its listing, which is finished before any inner archive is opened.
    """
    inner: list[Location] = []
    for member in members:
        name = decode_path(member.uri)
        if member.reason or not (_INNER.search(name) or _COMPRESSED.search(name)):
            yield member
        else:
            inner.append(member)
    for member in inner:
        yield from _enter(archive, member, listing)


def _enter(archive: Archive, member: Location, listing: Listing) -> Iterator[Location]:
    try:
        opened = _open(archive, member)
    except BadPicture as bad:
        yield replace(member, reason=bad.reason, detail=bad.detail)
        return
    try:
        for location in _listers()[opened.container](opened, listing):
            yield location if location.reason else replace(location, offset=location.offset + opened.start)
    except ArchiveBroken as error:
        yield opened.location(error.name, reason="archive_broken", detail=str(error))


def _open(archive: Archive, member: Location) -> Archive:
    """An archive that lies in another one."""
    found = _INNER.search(decode_path(member.uri))
    if found is None or member.method or member.container == "7z":
        raise BadPicture("unsupported_compression", "an archive that lies compressed in another one: unpack it")
    kind = found[1].lower()
    if member.uri.count("!/") >= MAX_DEPTH:
        raise BadPicture("unsupported_compression", f"archives inside archives, more than {MAX_DEPTH} deep")
    if kind == "zip" and member.container == "tar.gz":
        raise BadPicture("unsupported_compression", "a zip inside a compressed tar: unpack it")
    # A zip's entry tells where its local header is; the bytes follow it.
    start = zip_data_offset(archive.stream, member) if member.container == "zip" else member.offset
    window = cast(BinaryIO, io.BufferedReader(Window(archive.stream, start, member.size), 1 << 16))
    container = "tar.gz" if member.container == "tar.gz" else kind
    return replace(archive, stream=window, size=member.size, container=container, uri=member.uri, start=start)


def _listers() -> dict[str, ListArchive]:
    from pipelines.sources.tar import list_members
    from pipelines.sources.zip import list_zip

    return {"tar": list_members, "tar.gz": list_members, "zip": list_zip}


class Window(Seekable):
    """A range of a stream as a stream of its own; several may be read in turn, as each seeks before it reads."""

    def __init__(self, stream: BinaryIO, start: int, size: int) -> None:
        self._stream, self._start, self._size = stream, start, size

    @property
    def size(self) -> int:
        return self._size

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        self._stream.seek(self._start + self._position)
        data = self._stream.read(max(0, min(len(buffer), self._size - self._position)))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
