"""A folder of pictures, with everything below it, and with what a table beside them says of each.

What a class, a split or a licence is called in somebody's folder, nobody but the recipe can say. So nothing is taken
from a table, or from the name of a folder but the split, unless the recipe asks for it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, field_validator, model_validator

from pipelines.sources.base import OFFICIAL_SPLITS, Listing, Location, is_picture_name
from pipelines.sources.files import archive_split, count_ignored, folder_split, is_unsafe_name
from pipelines.sources.metadata import USUAL, Columns, Metadata
from pipelines.sources.rows import is_table_name
from pipelines.sources.tree import DownloadSource, Entry, Tree, ending, is_archive_name, is_refused_archive

if TYPE_CHECKING:
    from pipelines.labels import Annotation


class FolderSource(DownloadSource):
    """Pictures in a folder; links are followed, and a folder reached twice is listed once."""

    type: Literal["folder"] = "folder"
    archives: bool = Field(False, description="Read the archives in the folder too.")
    metadata: str = Field(
        "",
        description="Table with a row for each picture: its name, or its path below the source's, at which the paths "
        "in it begin. When empty, every metadata.csv, .jsonl or .parquet there is, if a column of it is asked for.",
    )
    image: str = Field("file_name", description="Column of the table that holds the pictures' paths.")
    labels: list[str] | dict[str, str] = Field(
        default_factory=list, description="Columns to keep as labels, or label by column, such as {race: ethnicity}."
    )
    label_from: Literal["folder"] | None = Field(
        None, description="'folder': the name of a picture's folder is its label scene."
    )
    identity: str = Field("", description="Column that says who is shown: one person's pictures go to one split.")
    split_column: str = Field("", description="Column of each picture's official split: train, val or test.")
    licence_column: str = Field("", description="Column of each picture's licence, as an SPDX identifier.")
    licence_url_column: str = Field("", description="Column of where each picture's licence can be read.")
    attribution_column: str = Field("", description="Column of whom to credit for each picture.")

    @field_validator("metadata")
    @classmethod
    def _check_metadata(cls, metadata: str) -> str:
        name = posixpath.normpath(metadata) if metadata else ""
        if name and (not is_table_name(name) or is_unsafe_name(name)):
            kinds = ".csv, .tsv, .jsonl (each also .gz) or .parquet"
            raise ValueError(f"expected the name of a {kinds} below the source's path, found {metadata!r}")
        return name

    @model_validator(mode="after")
    def _check_columns(self) -> Self:
        columns = self.columns()
        if self.metadata and columns is None:
            raise ValueError(f"nothing of {self.metadata} is asked for: name its columns with labels or identity")
        if columns and self.identity in columns.labels:
            raise ValueError(f"column {self.identity!r} is the identity, which no label may tell")
        return self

    def columns(self) -> Columns | None:
        """Columns that the recipe asks for; None where it asks for none."""
        terms = {
            "identity": self.identity,
            "split": self.split_column,
            "licence": self.licence_column,
            "licence_url": self.licence_url_column,
            "attribution": self.attribution_column,
        }
        terms = {term: column for term, column in terms.items() if column}
        labels = self.labels if isinstance(self.labels, dict) else {column: column for column in self.labels}
        return Columns(self.image, labels, terms) if labels or terms else None

    def locate(self, listing: Listing) -> Iterator[Location]:
        columns = self.columns()
        with Tree(self.download(), listing, wanted=self._is_wanted) as tree:
            metadata = Metadata(tree, self.metadata, columns) if columns else None
            for entry in tree.pictures():
                if self._is_listed(entry):
                    yield self._described(entry, metadata, listing)
                else:
                    count_ignored(listing.ignored, entry.path)
            yield from metadata.faults() if metadata else ()
            if not columns and (unused := [entry.path for entry in tree.others()]):
                listing.notes.append(f"{', '.join(unused[:3])} in {tree.place}: the recipe asks for no column of it")

    def _reads_archives(self) -> bool:
        return self.archives or bool(self.download().archive)

    def _is_wanted(self, path: str) -> bool:
        """Whether a file that is no picture is metadata, or an archive that is to be read."""
        if is_archive_name(path):
            return self._reads_archives()
        return ending(re.escape(self.metadata) if self.metadata else USUAL).search(path) is not None

    def _is_listed(self, entry: Entry) -> bool:
        """Whether it has a picture's name, or may have held pictures and cannot be read."""
        if is_picture_name(entry.path) or entry.location.uri.endswith("/"):
            return True
        return self._reads_archives() and is_refused_archive(entry.location)

    def _described(self, entry: Entry, metadata: Metadata | None, listing: Listing) -> Location:
        location = entry.location
        split = _split(location.uri)
        # Where nothing more is known, a million pictures are listed in a third of the time.
        if metadata is None and self.label_from is None:
            return replace(location, split=self.split or split)
        from pipelines.labels import annotated  # which itself imports this package

        annotation = self._annotation(entry.path, metadata)
        annotation = replace(annotation, split=annotation.split or split)
        return annotated(location, annotation, self.corpus_name(), listing.salt, self.split)

    def _annotation(self, path: str, metadata: Metadata | None) -> Annotation:
        from pipelines.labels import Annotation

        annotation = metadata.annotation(path) if metadata else Annotation()
        folder = _folder_name(path) if self.label_from else ""
        return replace(annotation, labels={"scene": folder, **annotation.labels}) if folder else annotation


def _split(uri: str) -> str:
    """Official split that the name of a folder tells, or of an archive."""
    *archives, name = uri.split("!/")
    return folder_split(name) or next(filter(None, map(archive_split, archives)), "")


def _folder_name(path: str) -> str:
    """Name of a picture's folder; "" where it lies at the top, or in a folder that is named after a split."""
    folder = path.rpartition("/")[0].rpartition("/")[2]
    return "" if folder.endswith("!") or folder.lower() in OFFICIAL_SPLITS else folder
