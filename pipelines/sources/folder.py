"""A folder of pictures, with everything below it, and with what tables beside the pictures say of them.

A plain folder is listed as it is walked. Where the recipe asks for columns of metadata, all of it is walked first, and
the tables are read before the first picture is told.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, field_validator, model_validator

from pipelines.errors import RecipeError
from pipelines.places import place
from pipelines.sources.base import OFFICIAL_SPLITS, Listing, Location, Source, decode_path, is_picture_name
from pipelines.sources.files import count_ignored, folder_split, is_unsafe_name, refuse_urls
from pipelines.sources.metadata import USUAL, Columns, Metadata
from pipelines.sources.rows import is_table_name
from pipelines.sources.stores import store_of
from pipelines.sources.tree import Tree, ending

if TYPE_CHECKING:
    from pipelines.labels import Annotation


class FolderSource(Source):
    """Pictures in a folder; links are followed, and a folder reached twice is listed once."""

    type: Literal["folder"] = "folder"
    metadata: str = Field(
        "",
        description="Table with a row for each picture: its name, or its path below the source's, at which the paths "
        "in it begin. When empty, every metadata.csv, .jsonl or .parquet. Read if a column of it is asked for.",
    )
    image: str = Field("file_name", description="Column of the metadata that holds the pictures' paths.")
    labels: list[str] | dict[str, str] = Field(
        default_factory=list, description="Columns to keep as labels, or label by column, such as {race: group}."
    )
    label_from: Literal["folder"] | None = Field(
        None, description="'folder': the name of a picture's folder is its label scene."
    )
    identity: str = Field(
        "", description="Column that says who is shown: one person's pictures go to one split, and no shard tells it."
    )
    split_column: str = Field("", description="Column of each picture's official split.")
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

    @field_validator("labels")
    @classmethod
    def _check_labels(cls, labels: list[str] | dict[str, str]) -> list[str] | dict[str, str]:
        for label in _label_by_column(labels).values():
            if not re.fullmatch(r"[a-z0-9_]+", label):
                rename = f"labels: {{{label!r}: NAME}} gives a column another name"
                raise ValueError(f"a label is lower-case letters, digits and underscores, found {label!r}; {rename}")
        return labels

    @model_validator(mode="after")
    def _check_columns(self) -> Self:
        if self.metadata and not self.columns():
            raise ValueError(f"no column of {self.metadata} is asked for: name some with labels, or identity")
        if self.identity and self.identity in self.labels:
            raise ValueError(f"column {self.identity!r} is the identity: labels may not tell it")
        return self

    def columns(self) -> Columns | None:
        """Columns that the recipe asks for; None if it asks for none."""
        terms = {
            "identity": self.identity,
            "split": self.split_column,
            "licence": self.licence_column,
            "licence_url": self.licence_url_column,
            "attribution": self.attribution_column,
        }
        terms = {term: column for term, column in terms.items() if column}
        labels = _label_by_column(self.labels)
        return Columns(self.image, labels, terms) if labels or terms else None

    def root(self) -> Path:
        return place(self.path, self.s3)

    def check(self) -> None:
        refuse_urls(self.path)
        super().check()

    def locate(self, listing: Listing) -> Iterator[Location]:
        if columns := self.columns():
            yield from self._locate_with(columns, listing)
            return
        unused = ""
        for location in store_of(self.root()).walk(listing):
            path = decode_path(location.uri)
            if _may_be_picture(path):
                yield self._described(location, path, None, listing)
            else:
                count_ignored(listing.ignored, path)
                unused = unused or (path if ending(USUAL).search(path) else "")
        if unused:
            listing.notes.append(f"{unused} in {self.path}: the recipe names no column of it, so nothing of it is kept")

    def _locate_with(self, columns: Columns, listing: Listing) -> Iterator[Location]:
        """The pictures with what metadata says of them, then what it says of pictures that are not there."""
        pattern = re.escape(self.metadata) if self.metadata else USUAL
        with Tree(self.root(), listing, wanted=lambda path: ending(pattern).search(path) is not None) as tree:
            if not tree.others():
                name = self.metadata or "metadata.csv, .jsonl or .parquet"
                raise RecipeError(f"no {name} below {tree.root}: correct the source's metadata")
            metadata = Metadata(tree, pattern, columns)
            for entry in tree.pictures():
                if _may_be_picture(entry.path):
                    yield self._described(entry.location, entry.path, metadata, listing)
                else:
                    count_ignored(listing.ignored, entry.path)
            yield from metadata.faults()
            listing.notes += [f"{tree.root}: {note}" for note in metadata.notes()]

    def _described(self, location: Location, path: str, metadata: Metadata | None, listing: Listing) -> Location:
        split = self.split or folder_split(location.uri)
        # Where nothing more is known, a million pictures are listed in a third of the time.
        if metadata is None and self.label_from is None:
            return replace(location, split=split)
        from pipelines.labels import annotated  # which itself imports this package

        annotation = self._annotation(path, metadata)
        return annotated(replace(location, split=split), annotation, self.corpus_name(), listing.salt, self.split)

    def _annotation(self, path: str, metadata: Metadata | None) -> Annotation:
        from pipelines.labels import Annotation

        annotation = metadata.annotation(path) if metadata else Annotation()
        scene = _folder_name(path) if self.label_from else ""
        return replace(annotation, labels={"scene": scene, **annotation.labels}) if scene else annotation


def _label_by_column(labels: list[str] | dict[str, str]) -> Mapping[str, str]:
    return labels if isinstance(labels, dict) else {column: column for column in labels}


def _may_be_picture(path: str) -> bool:
    """Whether it has a picture's name, or is a folder that cannot be listed."""
    return is_picture_name(path) or path.endswith("/")


def _folder_name(path: str) -> str:
    """Name of a picture's folder; "" where it lies at the top, or in a folder that is named after a split."""
    folder = path.rpartition("/")[0].rpartition("/")[2]
    return "" if folder.lower() in OFFICIAL_SPLITS else folder
