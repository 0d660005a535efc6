"""Everything below a path as one tree of files, archives included.

A corpus is read as it was downloaded: unpacked, packed, or half of each. Here all of it looks alike: an entry's
path runs through archives (`img_align_celeba.zip!/img_align_celeba/000001.jpg`), so that an adapter that matches the
end of a path finds a picture wherever it lies. Listing is done once; entries wait in a spool on disk, so memory does
not grow with the number of pictures.
"""

from __future__ import annotations

import io
import os
import pickle
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from pipelines.errors import BadPicture, RecipeError
from pipelines.places import is_remote
from pipelines.sources.archive import Archive, ArchiveBroken
from pipelines.sources.base import Listing, Location, decode_path, encode_path, is_picture_name
from pipelines.sources.files import count_ignored, refusal, zip_data_offset
from pipelines.sources.parts import is_part, is_split_zip, of_one_archive, together, whole_of
from pipelines.sources.reading import Reader
from pipelines.sources.sevenzip import list_7z
from pipelines.sources.stores import store_of
from pipelines.sources.tar import list_tar
from pipelines.sources.zip import STORED, list_zip

MAX_ANNOTATION_BYTES = 2 << 30
"""An annotation file larger than this is not one."""

ARCHIVES = {
    ".7z": ("7z", list_7z),
    ".gz": ("tar", list_tar),
    ".tar": ("tar", list_tar),
    ".tgz": ("tar", list_tar),
    ".zip": ("zip", list_zip),
}
_ARCHIVE = re.compile(r"\.(7z|zip|tar|tgz|tar\.gz)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a tree.

    Attributes:
        path: readable path, through archives where it lies in one.
        location: where its bytes are; with a reason where they cannot be had.
    """

    path: str
    location: Location

    def __reduce__(self) -> tuple[type[Entry], tuple[str, Location]]:
        return Entry, (self.path, self.location)  # as for Location: the spool is read once for every pattern

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def stem(self) -> str:
        return self.name.rpartition(".")[0]


@dataclass(frozen=True)
class Span:
    """An open file, and which of its bytes are those of an entry; the caller closes the stream."""

    stream: BinaryIO
    offset: int
    size: int


@dataclass(frozen=True)
class Download:
    """What a path names: a folder with all below it, or one archive, with the annotation files right beside it.

    Attributes:
        archive: percent-encoded name of the archive, or of one of its parts; "" for the folder.
    """

    root: Path
    archive: str = ""

    @classmethod
    def at(cls, path: Path) -> Download:
        """What is at a path, told by its name and by whether it is a folder: `img_celeba.7z` may be one."""
        is_archive = _ARCHIVE.search(path.name) or whole_of(path.name)
        # A prefix in a bucket is no object; on this machine nothing is asked that may be missing.
        if is_archive and (path.is_file() if is_remote(path) else not path.is_dir()):
            return cls(path.parent, encode_path(path.name))
        return cls(path)

    def check(self) -> None:
        """Raises RecipeError when nothing that can be read is there."""
        path = self.root / decode_path(self.archive) if self.archive else self.root
        if path.is_file() if self.archive else path.is_dir():
            return
        if not self.archive and path.is_file():
            kinds = ", ".join(sorted(ARCHIVES))
            raise RecipeError(f"{str(path)!r} is neither a folder nor an archive that is read ({kinds}) or part of one")
        kind = "archive" if self.archive else "folder"
        raise RecipeError(f"no {kind} {str(path)!r}: correct the source's path")


class Tree:
    """All files below a root; a context manager, because it keeps a spool and open archives.

    `name` names the root where it is not the source's `path`: its locations carry it, and their URIs begin with it.
    `broken` takes up the archives that end early: a second tree of one corpus shares it with the first.
    Where one archive was downloaded, the tree is this archive and what lies beside it but archives and pictures.
    `wanted` says of a file that is no picture, by its path, whether it is taken up; others are counted as ignored.
    """

    def __init__(
        self,
        root: Path | Download,
        listing: Listing,
        name: str = "",
        broken: list[Entry] | None = None,
        wanted: Callable[[str], bool] | None = None,
    ) -> None:
        root, self._archive = (root.root, root.archive) if isinstance(root, Download) else (root, "")
        self.root, self.listing = str(root), listing
        self.place = str(root / decode_path(self._archive))
        self._name = name
        self._wanted = wanted or (lambda _: True)
        self._broken: list[Entry] = [] if broken is None else broken
        self._store = store_of(root)
        self._reader = Reader(root, listing.index_dir, MAX_ANNOTATION_BYTES, {name: root})
        self._spool = tempfile.TemporaryFile(prefix="mendery-tree-")  # noqa: SIM115  # closed by __exit__
        self._texts: list[Entry] = []
        self._listed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.__exit__(kind, error, trace)
        self._spool.close()

    def pictures(self) -> Iterator[Entry]:
        """Every file with a picture's name, label maps included: unpacked ones by name, then archive by archive."""
        self._list()
        # Each pass reads the spool from its own position: an adapter may run two at once.
        position, self._spool_end = 0, self._spool.seek(0, os.SEEK_END)
        while position < self._spool_end:
            self._spool.seek(position)
            batch = pickle.load(self._spool)  # noqa: S301  # written by this process, a moment ago
            position = self._spool.tell()
            yield from batch

    def matching(self, pattern: str | re.Pattern[str]) -> Iterator[tuple[Entry, re.Match[str]]]:
        """Pictures whose path ends as the pattern says; the match begins at a folder's or file's name."""
        whole = ending(pattern)
        for entry in self.pictures():
            if found := whole.search(entry.path):
                yield entry, found

    def others(self) -> list[Entry]:
        """Every file that is no picture: annotations, read-me files."""
        self._list()
        return self._texts

    def broken(self) -> list[Entry]:
        """Archives that end early, or the members in which they do."""
        self._list()
        return self._broken

    def find(self, name: str) -> Entry | None:
        """The annotation file whose path ends with `name`; of several the shortest path, unpacked ones first."""
        whole = ending(re.escape(name))
        found = [entry for entry in self.others() if whole.search(entry.path)]
        return min(found, key=lambda entry: ("!/" in entry.path, len(entry.path)), default=None)

    def find_all(self, pattern: str | re.Pattern[str]) -> list[tuple[Entry, re.Match[str]]]:
        """Annotation files whose path ends as the pattern says."""
        whole = ending(pattern)
        return [(entry, found) for entry in self.others() if (found := whole.search(entry.path))]

    def read(self, entry: Entry) -> bytes:
        """Bytes of a file.

        Raises:
            BadPicture: they cannot be had.
        """
        if entry.location.reason:
            raise BadPicture(entry.location.reason, entry.location.detail)
        return self._reader.read(entry.location)

    def open(self, entry: Entry) -> BinaryIO:
        """A file as a stream: read piece by piece where it lies unpacked, held in memory where it lies in an archive.

        Raises:
            BadPicture: its bytes cannot be had.
        """
        location = entry.location
        if location.reason or location.container != "file":
            return io.BytesIO(self.read(entry))
        try:
            return self._store.open(location.file).stream
        except OSError as error:
            self._store.check()
            raise BadPicture(*refusal(os.path.join(self.root, decode_path(location.file)), error)) from None

    def span(self, entry: Entry) -> Span:
        """Opens the file in which an entry lies byte for byte, so that parts of it can be read.

        Raises:
            BadPicture: it cannot be had, or lies compressed in its archive.
        """
        location = entry.location
        if location.reason:
            raise BadPicture(location.reason, location.detail)
        if location.container not in ("file", "tar", "zip") or location.method != STORED:
            archive = entry.path.rpartition("!/")[0]
            advice = f"it lies compressed in {archive}, and parts of it must be read: unpack that archive"
            raise BadPicture("unsupported_compression", f"{advice}, or pack it anew without compression")
        opened = self._reader.open(location)
        if location.container == "zip":
            return Span(opened.stream, zip_data_offset(opened.stream, location), location.size)
        return Span(opened.stream, max(0, location.offset), location.size)

    def _list(self) -> None:
        if self._listed:
            return
        self._listed = True
        archives: list[Location] = []
        parts: list[Location] = []
        batch: list[Entry] = []
        for location in self._walk():
            path = decode_path(location.uri)
            taken_up = not location.reason and self._wanted(path)
            if taken_up and _ARCHIVE.search(path):
                archives.append(location)
            elif taken_up and is_part(location):
                parts.append(location)
            else:
                self._add(Entry(path, location), batch)
        for archive in together(archives, parts):
            for location in self._inside(archive):
                self._add(Entry(decode_path(location.uri), location), batch)
        self._write(batch)

    def _walk(self) -> Iterator[Location]:
        """The files that make up the tree."""
        if not self._archive:
            yield from self._store.walk(self.listing)
            return
        for location in self._store.files():
            path = decode_path(location.uri)
            is_text = not (_ARCHIVE.search(path) or is_part(location) or is_picture_name(path))
            if is_text or of_one_archive(location.file, self._archive):
                yield location

    def _add(self, entry: Entry, batch: list[Entry]) -> None:
        if self._name:
            entry = replace(entry, location=_under(self._name, entry.location))
        if is_refused_archive(entry.location):
            self._broken.append(entry)
        if not is_picture_name(entry.path) and not entry.location.reason:
            if self._wanted(entry.path):
                self._texts.append(entry)
            else:
                count_ignored(self.listing.ignored, entry.path)
            return
        batch.append(entry)
        if len(batch) >= 1000:
            self._write(batch)

    def _write(self, batch: list[Entry]) -> None:
        if batch:
            self._spool.seek(0, os.SEEK_END)
            pickle.dump(batch, self._spool, pickle.HIGHEST_PROTOCOL)
            batch.clear()

    def _inside(self, location: Location) -> Iterator[Location]:
        """Every file in an archive."""
        if location.reason:
            yield location
            return
        container, list_archive = ARCHIVES[os.path.splitext(location.uri)[1].lower()]
        path = os.path.join(self.root, decode_path(location.file))
        try:
            opened = self._store.open(location.file)
        except (OSError, BadPicture) as error:
            self._store.check()
            reason, detail = (error.reason, error.detail) if isinstance(error, BadPicture) else refusal(path, error)
            yield replace(location, reason=reason, detail=detail)
            return
        with opened.stream as stream:
            archive = Archive(
                path,
                location.file,
                container,
                stream,
                opened.size,
                opened.mtime_ns,
                etag=opened.etag,
                uri=location.uri,
                parts=opened.parts if is_split_zip(location.file) else (),
            )
            try:
                yield from list_archive(archive, self.listing)
            except ArchiveBroken as error:
                yield archive.location(error.name, reason="archive_broken", detail=str(error))


def is_refused_archive(location: Location) -> bool:
    """Whether it stands for an archive that cannot be read, or not beyond this member; not for a refused member."""
    if location.reason == "archive_broken":
        return True
    return bool(location.reason and "!/" not in location.uri and _ARCHIVE.search(location.uri))


def _under(name: str, location: Location) -> Location:
    """The location as one below the root of this name."""
    return replace(location, root=name, uri=f"{name}/{location.uri}")


def is_archive_name(path: str) -> bool:
    """Whether a file of this name is read as an archive, or as a part of one."""
    return _ARCHIVE.search(path) is not None or whole_of(path) is not None


def ending(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    """A pattern that must reach the end of a path and begin at the name of a folder or file."""
    text = pattern if isinstance(pattern, str) else pattern.pattern
    flags = 0 if isinstance(pattern, str) else pattern.flags
    return re.compile(rf"(?:^|/)(?:{text})$", flags)
