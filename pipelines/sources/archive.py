"""What sources of container files share: they differ only in how one open archive is listed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from pipelines.errors import BadPicture
from pipelines.sources.base import Listing, Location, Source, decode_path, encode_path, is_picture_name
from pipelines.sources.files import (
    archive_split,
    count_ignored,
    expand,
    folder_split,
    refusal,
    root_of,
)
from pipelines.sources.parts import is_part, is_split_zip, of_one_archive, together, whole_of
from pipelines.sources.stores import Store, store_of


class ArchiveBroken(Exception):
    """Beyond this point an archive cannot be read.

    Attributes:
        name: the member that is cut, or "".
    """

    def __init__(self, detail: str, name: str = "") -> None:
        super().__init__(detail)
        self.name = name


@dataclass(frozen=True)
class Archive:
    """An open container file.

    Attributes:
        path, file: where it is, and its encoded name inside the source.
        container: the word for it in locations.
        size, mtime_ns: as they were when it was opened.
        split: official split that the recipe or the archive's name declares, or "".
        uri, start: of an archive that lies in `file`: its own uri, and where in `file` it begins.
        parts: of a split zip: where in the joined stream each part begins.
    """

    path: str
    file: str
    container: str
    stream: BinaryIO
    size: int
    mtime_ns: int
    split: str = ""
    etag: str = ""
    uri: str = ""
    start: int = 0
    parts: tuple[int, ...] = ()

    def location(self, name: str | bytes, **fields: Any) -> Location:
        """Location of a member, or with an empty name of the archive itself; `fields` win."""
        member = encode_path(name)
        whole = self.uri or self.file
        uri = f"{whole}!/{member}" if name else whole
        return Location(
            file=self.file,
            container=self.container,
            mtime_ns=self.mtime_ns,
            etag=self.etag,
            **{"uri": uri, "split": self.split or folder_split(member), **fields},
        )


class ArchiveSource(Source):
    """Pictures in container files, which are listed in the order of their names.

    Inside an archive the order is the archive's own: it is as stable as the bytes, reads forward, and
    needs no memory for the names.
    """

    container: ClassVar[str]

    def root(self) -> Path:
        return root_of(self.path, self.s3)

    def check(self) -> None:
        self.files()

    def files(self) -> tuple[Path, list[Path]]:
        """The root, and the container files in the order of their encoded names.

        Raises:
            RecipeError: nothing is there.
        """
        return expand(self.path, self.s3)

    def locate(self, listing: Listing) -> Iterator[Location]:
        root, files = self.files()
        store = store_of(root)
        names = [encode_path(str(path.relative_to(root))) for path in files]
        for archive in _whole(store, names):
            yield from self.locate_in(store, root, archive, listing)

    def pictures(self, archive: Archive, listing: Listing) -> Iterator[Location]:
        """Lists one archive.

        Raises:
            ArchiveBroken: the rest cannot be read.
        """
        raise NotImplementedError

    def locate_in(self, store: Store, root: Path, whole: Location, listing: Listing) -> Iterator[Location]:
        """Lists one file of a store, or the parts of one."""
        if whole.reason:
            yield replace(whole, container=self.container)
            return
        file, path = whole.file, os.path.join(str(root), decode_path(whole.file))
        refused = Location(whole.uri, file, self.container)
        try:
            opened = store.open(file)
        except OSError as error:
            store.check()
            reason, detail = refusal(path, error)
            yield replace(refused, reason=reason, detail=detail)
            return
        except BadPicture as error:
            yield replace(refused, reason=error.reason, detail=error.detail)
            return
        with opened.stream as stream:
            archive = Archive(
                path,
                file,
                self.container,
                stream,
                opened.size,
                opened.mtime_ns,
                self.split or archive_split(whole.uri),
                opened.etag,
                uri=whole.uri,
                parts=opened.parts if is_split_zip(file) else (),
            )
            try:
                yield from self.pictures(archive, listing)
            except ArchiveBroken as error:
                yield archive.location(error.name, reason="archive_broken", detail=str(error))


def _whole(store: Store, names: Sequence[str]) -> Iterator[Location]:
    """The named archives; of one in parts, of which one part is named or all are, all parts together."""
    named = {found[0]: name for name in names if (found := whole_of(name))}
    for name in names:
        if whole_of(name) is None:
            yield Location(name, name, "file")
    for name in named.values():
        beside = list(store.files(name[: name.rfind("/") + 1]))
        parts = [file for file in beside if of_one_archive(file.file, name)]
        yield from together([part for part in parts if not is_part(part)], filter(is_part, parts))


def pictures_only(location: Location, listing: Listing) -> Iterator[Location]:
    """The location if its name is a picture's, or if it stands for the whole archive; other files are counted."""
    _, inside, name = location.uri.rpartition("!/")
    name = decode_path(name)
    if is_picture_name(name) or not inside:
        yield location
    else:
        count_ignored(listing.ignored, name)
