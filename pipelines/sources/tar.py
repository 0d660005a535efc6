"""Pictures in tar archives, plain or compressed with gzip.

A plain tar is read by byte range. A gzip stream cannot be entered in its middle, so listing, which has to
unpack it once anyway, writes a seek index with which workers start near the member they want.
"""

from __future__ import annotations

import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Literal, cast

from indexed_gzip import IndexedGzipFile

from pipelines.errors import RecipeError
from pipelines.s3 import SCHEME
from pipelines.seeds import digest
from pipelines.sources.archive import Archive, ArchiveBroken, ArchiveSource, pictures_only
from pipelines.sources.base import Listing, Location, decode_path, encode_path
from pipelines.sources.files import is_unsafe_name
from pipelines.sources.nested import unfold
from pipelines.storage import put_bytes

_MIN_SPACING = 1 << 20
_MAX_POINTS = 2048  # of 32 KiB each: what an open index keeps in a worker's memory
_MAX_HEADER_BYTES = 16 << 20

_FOREIGN = {
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"PK\x03\x04": "zip",
    b"PAR1": "Parquet",
}
_FAULTS = (tarfile.TarError, OSError, ValueError, IndexError, RecursionError)
"""What `tarfile` raises at damaged headers, and a gzip stream at its damaged places."""


class TarSource(ArchiveSource):
    """Pictures anywhere inside .tar, .tar.gz or .tgz files."""

    type: Literal["tar"] = "tar"
    container: ClassVar[str] = "tar"

    def pictures(self, archive: Archive, listing: Listing) -> Iterator[Location]:
        for location in list_tar(archive, listing):
            yield from pictures_only(location, listing)


def list_tar(archive: Archive, listing: Listing) -> Iterator[Location]:
    """Every file in a tar, plain or compressed, pictures or not."""
    with open_tar(archive, listing.index_dir) as tar:
        yield from list_members(tar, listing)


def list_members(tar: Archive, listing: Listing) -> Iterator[Location]:
    """Every file in a tar whose stream is the plain one, and in the archives in it."""
    members = (member_location(tar, member) for member in tar_members(tar, listing) if not member.isdir())
    yield from unfold(tar, members, listing)


@contextmanager
def open_tar(archive: Archive, index_dir: Path) -> Iterator[Archive]:
    """Gives the archive whose stream is the plain tar, and leaves a seek index behind if it was compressed.

    Raises:
        RecipeError: it is compressed in a way that is not read.
    """
    magic = archive.stream.read(8)
    archive.stream.seek(0)
    for foreign, name in _FOREIGN.items():
        if magic.startswith(foreign):
            raise RecipeError(f"{str(archive.path)!r} must be a tar, plain or compressed with gzip, found {name}")
    if not magic.startswith(b"\x1f\x8b"):
        yield archive
        return
    spacing = max(_MIN_SPACING, archive.size // _MAX_POINTS)
    with IndexedGzipFile(fileobj=archive.stream, spacing=spacing, buffer_size=1 << 20) as stream:
        try:
            yield replace(archive, stream=stream, container="tar.gz")
        finally:
            _export(stream, index_path(index_dir, archive.path, archive.size, archive.mtime_ns))


def index_path(index_dir: Path, path: str | Path, size: int, mtime_ns: int) -> Path:
    """Where the seek index of a gzip file is kept."""
    return index_dir / f"{digest('gzip index', encode_path(_absolute(path)), size, mtime_ns):032x}.gzidx"


def _absolute(path: str | Path) -> str:
    return str(path) if str(path).startswith(SCHEME) else os.fspath(Path(path).absolute())


def _export(stream: IndexedGzipFile, target: Path) -> None:
    with tempfile.NamedTemporaryFile() as local:
        stream.export_index(local.name)
        put_bytes(target, Path(local.name).read_bytes())


class EndMarkMissing(Exception):
    """A tar ends behind a complete member, without the mark of its end."""


def tar_members(archive: Archive, listing: Listing) -> Iterator[tarfile.TarInfo]:
    """Lists the members that are there completely; the caller may read the stream in between.

    Where nothing but the mark of the end is missing there is a note: some programs write none, but a tar that was cut
    between two members looks the same.

    Raises:
        ArchiveBroken: a header is damaged, a member is cut, or a compressed tar has no mark of its end, for a cut gzip
            stream unpacks without complaint up to there.
    """
    stream = archive.stream
    try:
        # Steps are made here and not by `TarFile`, which keeps every member and takes damage for the end.
        tar = tarfile.TarFile(fileobj=cast(BinaryIO, _Headers(stream)), encoding="utf-8")
    except _FAULTS as error:
        raise ArchiveBroken(f"not a tar: {error}") from error
    position = 0
    try:
        while (member := _member_at(tar, stream, position)) is not None:
            yield member
            position = tar.offset
    except EndMarkMissing:
        if archive.container == "tar.gz" and "!/" not in archive.uri:
            raise ArchiveBroken("the compressed archive ends behind a member, without the mark of its end") from None
        _note(archive, listing)


def _note(archive: Archive, listing: Listing) -> None:
    """One note, however many archives: there may be thousands."""
    noted = "ends without the mark of a tar's end: if members are missing, it was cut, or never finished"
    if not any(noted in note for note in listing.notes):
        listing.notes.append(f"{decode_path(archive.uri or archive.file)} (the first such archive) {noted}")


def _member_at(tar: tarfile.TarFile, stream: BinaryIO, position: int) -> tarfile.TarInfo | None:
    try:
        stream.seek(position)
        member = tarfile.TarInfo.fromtarfile(tar)
    except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # missing in typeshed
        return None
    except tarfile.EmptyHeaderError as error:  # type: ignore[attr-defined]  # as above
        # Blocks are written whole: an end inside the last one's padding is a cut.
        if _reaches(stream, position):
            raise EndMarkMissing from None
        raise ArchiveBroken(f"the archive ends before byte {position}") from error
    except _FAULTS as error:
        raise ArchiveBroken(f"no member at byte {position}: {error}") from error
    if tar.offset <= position:
        raise ArchiveBroken(f"negative size at byte {position}", member.name)
    if member.isreg() and not member.issparse() and not _reaches(stream, member.offset_data + member.size):
        raise ArchiveBroken("the archive ends inside this member", member.name)
    return member


def _reaches(stream: BinaryIO, end: int) -> bool:
    try:
        stream.seek(end - 1)
        return len(stream.read(1)) == 1
    except OSError:
        return False


class _Headers:
    """A tar's stream, in which no damaged header can ask for gigabytes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.seek: Callable[[int], int] = stream.seek
        self.tell: Callable[[], int] = stream.tell

    def read(self, size: int) -> bytes:
        if size > _MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._stream.read(size)


def member_location(archive: Archive, member: tarfile.TarInfo, **fields: Any) -> Location:
    """Location of a tar's member, with the reason if it must not be read."""
    return archive.location(
        member.name,
        offset=member.offset_data,
        stored_size=member.size,
        size=member.size,
        reason=_reason(member),
        **fields,
    )


def _reason(member: tarfile.TarInfo) -> str:
    if is_unsafe_name(member.name):
        return "unsafe_name"
    if member.issym() or member.islnk():
        return "link"
    if member.issparse():
        return "unsupported_compression"
    return "" if member.isreg() else "not_a_file"
