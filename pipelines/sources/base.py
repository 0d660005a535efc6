"""Where pictures are: a source lists locations, and never opens a picture.

A location says how to get one picture's bytes out of a file, an archive member, a byte range or a
Parquet row. Locations are small and sorted; they become the rows of the catalog.
"""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any, ClassVar, Protocol
from urllib.parse import quote, unquote_to_bytes

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipelines.errors import BadPicture, RecipeError
from pipelines.places import place
from pipelines.s3 import S3Options
from pipelines.tombstones import Places
from pipelines.where import compile_where

PICTURE_SUFFIXES = frozenset(
    {
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".webp",
        ".bmp",
        ".tif",
        ".tiff",
        ".gif",
        ".ppm",
        ".pgm",
        ".jp2",
        ".avif",
    }
)
"""Names by which a file is taken for a picture (compared in lower case); what it really is, decoding tells."""


@dataclass(frozen=True, slots=True)
class Location:
    """One picture's place.

    Attributes:
        uri: stable name inside the source, percent-encoded: `a/b.jpg`, `a.zip!/b.jpg`, `a.parquet#17`.
        file: the file that holds the bytes, relative to the source's root, percent-encoded; of a URL all of it, user
            name and password included, so it is for the state of a build only.
        container: how `file` is read: "file", "tar", "tar.gz", "zip", "7z", "parquet", "recordio" or "url".
        offset, stored_size: byte range in `file` (for zip: of the local header; for tar.gz: in the
            decompressed stream; for 7z: in the unpacked block). -1 when the container has none.
        size: bytes of the picture itself, -1 when only reading tells.
        method, crc: compression method and CRC-32 of a zip member; a 7z member has the latter, -1 if none is stated.
        column, row_group, row: for Parquet: the column of pictures, the row group, and the row inside it; for 7z: how
            the block is packed (`solid.Packing`), and its number.
        mtime_ns: change time of `file`, to notice sources that change under a build.
        etag: what an object store calls this version of `file`, for the same purpose; of a URL the digest that its list
            states.
        split: official split the source declares, or "".
        labels: JSON object text; `labels.py` has the names that all corpora share.
        identity: digest of whom the corpus says it shows, or ""; it never enters a shard.
        faces: JSON list of what the corpus annotates: box, five points, landmarks, in pixels of the picture.
        guides: JSON object of files that belong to the picture, such as a label map (`labels.Guide`).
        licence, licence_url, attribution: of this picture where it differs from its source, else "".
        corpus, labels_by: likewise whence it comes, and who stated its labels: a dataset may hold several corpora.
        reason, detail: why it was refused while listing, else "".
        root: what `file` is relative to: "" for the source's `path`, else the name of one of its `extra_paths`.
    """

    uri: str
    file: str
    container: str
    offset: int = -1
    stored_size: int = -1
    size: int = -1
    method: int = 0
    crc: int = 0
    row_group: int = -1
    row: int = -1
    column: str = ""
    mtime_ns: int = 0
    split: str = ""
    etag: str = ""
    labels: str = "{}"
    identity: str = ""
    faces: str = "[]"
    guides: str = "{}"
    licence: str = ""
    licence_url: str = ""
    attribution: str = ""
    corpus: str = ""
    labels_by: str = ""
    reason: str = ""
    detail: str = ""
    root: str = ""

    def __reduce__(self) -> tuple[type[Location], tuple[Any, ...]]:
        # By its values alone: what dataclasses do by themselves takes thrice as long, and a tree spools millions.
        return Location, _VALUES(self)

    @property
    def block(self) -> tuple[str, str, int] | None:
        """What can only be read from its beginning, so that one task should read all pictures in it."""
        return (self.root, self.file, self.row_group) if self.container == "7z" else None


LOCATION_FIELDS = tuple(field.name for field in dataclasses.fields(Location))
_VALUES = attrgetter(*LOCATION_FIELDS)


@dataclass
class Listing:
    """What one listing of all sources shares.

    Attributes:
        index_dir: a folder that every worker sees, where seek indexes of gzip streams are kept.
        salt: secret of one output, so that digests of identities cannot be looked up elsewhere.
        ignored: counts what was passed over because it is not a picture, by its suffix, or in brackets why.
        removed: places of pictures that were removed and are not to be listed.
        notes: sentences for the person who builds, such as "no list_attr_celeba.txt: no attributes".
    """

    index_dir: Path
    salt: bytes = b""
    removed: Places = field(default_factory=Places)
    ignored: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


class OpenSource(Protocol):
    """What reads the pictures of one source; a context manager, because it keeps things open."""

    def __enter__(self) -> Any: ...
    def __exit__(self, *error: object) -> None: ...

    def read_all(self, locations: Sequence[Location]) -> Iterator[bytes | BadPicture]:
        """Bytes or fault of each picture, in order.

        Raises:
            SourceVanished: the whole source is gone.
        """


class Source(BaseModel):
    """A source as a recipe names it; subclasses say how it is listed."""

    model_config = ConfigDict(extra="forbid")

    extra_paths: ClassVar[tuple[str, ...]] = ()
    """Fields besides `path` that name folders of this machine: what a corpus is joined to. Empty ones are not used."""

    as_stored: ClassVar[bool] = False
    """Whether its pictures are clean pictures of a dataset, which need not be encoded once more."""

    path: str = Field(
        description="File, folder or pattern; relative paths start at the recipe's folder. An empty one is to be given "
        "when the recipe is used: --source NAME=PATH."
    )
    optional: bool = Field(False, description="Leave this source out where its path is empty and none is given.")
    name: str = Field("", description="Short name in reports; made from the path when empty.")
    licence: str = Field("unknown", description="SPDX identifier of the pictures' licence, or 'unknown'.")
    licence_url: str = Field("", description="Where the licence can be read.")
    attribution: str = Field("", description="Whom to credit.")
    split: str = Field("", description="Official split of all its pictures (train, val or test).")
    where: str = Field(
        "", description="Take only pictures whose labels fit, such as: group in ['East Asian'] and age >= 18."
    )
    s3: S3Options = Field(default_factory=S3Options, description="How the bucket of an s3:// path is reached.")
    limit: int | None = Field(None, ge=1, description="Take the first so many pictures, in sorted order.")
    sample: int | None = Field(None, ge=1, description="Take so many pictures, drawn with the recipe's seed.")

    @field_validator("where")
    @classmethod
    def _check_where(cls, where: str) -> str:
        if where:
            compile_where(where)
        return where

    def corpus_name(self) -> str:
        """Name of the known corpus it is, else the name the recipe gives it."""
        return str(getattr(self, "corpus", self.name))

    def labels_by(self) -> str:
        """Who stated the labels."""
        return self.corpus_name()

    def root(self) -> Path:
        """Folder to which every location's `file` is relative."""
        raise NotImplementedError

    def extra_roots(self) -> dict[str, Path]:
        """The other folders to which locations' files may be relative, by the name of their field."""
        return {name: place(getattr(self, name), self.s3) for name in self.extra_paths if getattr(self, name)}

    def is_placed(self) -> bool:
        """Whether it is said where it is, or need not be."""
        return bool(self.path) or not type(self).model_fields["path"].is_required()

    def check_extra(self, name: str) -> None:
        """Raises RecipeError when nothing is where one of `extra_paths` says, before any work starts."""
        if name in self.extra_roots() and not self.extra_roots()[name].is_dir():
            raise RecipeError(f"no folder {getattr(self, name)!r}: correct the source's {name}")

    def public_uri(self, uri: str) -> str:
        """The URI as a shard may tell it: without the names of people or coordinates."""
        return uri

    def check(self) -> None:
        """Raises RecipeError when nothing is where the recipe says, before any work starts."""
        if not self.root().is_dir():
            raise RecipeError(f"no folder {str(self.root())!r}: correct the source's path")

    def rows_per_task(self) -> int:
        """Pictures that one task measures, but for those of solid blocks (`catalog.BLOCK_ROWS`)."""
        return 256

    def reader(self, index_dir: Path, max_bytes: int) -> OpenSource:
        """What reads its pictures."""
        from pipelines.sources.reading import Reader

        return Reader(self.root(), index_dir, max_bytes, self.extra_roots())

    def locate(self, listing: Listing) -> Iterator[Location]:
        """Lists the pictures, sorted, in bounded memory.

        Raises:
            RecipeError: nothing is there, or it is not what the recipe says.
        """
        raise NotImplementedError


def encode_path(path: str | bytes | os.PathLike[Any]) -> str:
    """Percent-encodes a path: names may hold newlines or bytes that are not UTF-8, text may not."""
    return quote(os.fsencode(path), safe="/-_.~()+,=@")


def decode_path(text: str) -> str:
    """Gives the path back that `encode_path` encoded."""
    return os.fsdecode(unquote_to_bytes(text))


OFFICIAL_SPLITS = {
    "train": "train", "training": "train",
    "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test", "eval": "test",
}  # fmt: skip
"""Spellings of the three splits in folder and shard names."""


def is_picture_name(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES
