"""A folder of pictures, with everything below it, and with what metadata files in it say of them.

The layout is that of `imagefolder` of the library `datasets`, and what people keep anyway: pictures in any folders, and
a `metadata.csv` with a column `file_name`. A plain folder is listed as it is walked; where metadata may be, all of it
is walked first, because a row may name a picture that was passed long before.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from pipelines.errors import RecipeError
from pipelines.places import place
from pipelines.sources.base import Listing, Location, Source, decode_path, is_picture_name
from pipelines.sources.files import count_ignored, folder_split, is_unsafe_name, refuse_urls
from pipelines.sources.meaning import Meaning, label_columns, label_name
from pipelines.sources.metadata import NOTHING, USUAL, Metadata
from pipelines.sources.rows import is_table_name
from pipelines.sources.stores import store_of
from pipelines.sources.tree import Entry, Tree, ending

_LABEL = re.compile(r"[a-z0-9_]+")


class FolderSource(Source):
    """Pictures in a folder; links are followed, and a folder reached twice is listed once."""

    type: Literal["folder"] = "folder"
    metadata: str = Field(
        "auto",
        description="Files with a row for each picture: 'auto' takes every metadata.csv, .jsonl or .parquet there is; "
        "else their name, or a path below the source's, at which the names in it then begin; or 'none'.",
    )
    image: str | None = Field(None, description="Column of metadata that names the pictures; file_name when empty.")
    labels: list[str] | dict[str, str] | None = Field(
        None,
        description="Columns to keep as labels, or from column to label, such as {race: group}; all when empty.",
    )
    group_by: Literal["annotators", "owner", "filename", "folder"] = Field(
        "owner", description="Who stated the label group, where a column gives it."
    )
    label_from: Literal["folder"] | None = Field(
        None, description="'folder': the name of a picture's folder is its label scene."
    )
    identity: str | None = Field(
        None, description="Column that says who is shown: one person's pictures go to one split, and no shard tells it."
    )
    split_column: str | None = Field(None, description="Column of each picture's official split.")
    licence_column: str | None = Field(None, description="Column of each picture's licence, as an SPDX identifier.")
    licence_url_column: str | None = Field(None, description="Column of where each picture's licence can be read.")
    attribution_column: str | None = Field(None, description="Column of whom to credit for each picture.")

    @field_validator("metadata")
    @classmethod
    def _check_metadata(cls, metadata: str) -> str:
        if metadata in ("auto", "none"):
            return metadata
        name = posixpath.normpath(metadata)
        if not is_table_name(name) or is_unsafe_name(name):
            raise ValueError(
                "metadata is auto, none, or the name of a .csv, .tsv, .jsonl (each also .gz) or .parquet "
                f"below the source's path, found {metadata!r}"
            )
        return name

    @field_validator("labels")
    @classmethod
    def _check_labels(cls, labels: list[str] | dict[str, str] | None) -> list[str] | dict[str, str] | None:
        wrong = [label for label in labels.values() if not _LABEL.fullmatch(label)] if isinstance(labels, dict) else []
        if wrong:
            raise ValueError(f"a label is lower-case letters, digits and underscores, found {wrong[0]!r}")
        return labels

    @model_validator(mode="after")
    def _check_columns(self) -> Self:
        if self.metadata == "none" and self.columns():
            raise ValueError(
                f"without metadata there is no column {min(self.columns())!r}: remove it, or metadata: none"
            )
        if self.identity and self.identity in (self.labels or ()):
            raise ValueError(f"column {self.identity!r} is the identity: labels may not tell it")
        return self

    def columns(self) -> set[str]:
        """Columns that the recipe names."""
        named = {self.image, *(self.labels or ()), *self.terms().values()}
        return {column for column in named if column}

    def terms(self) -> dict[str, str]:
        """Columns that are no labels, by what they say of a picture."""
        columns = {
            "identity": self.identity,
            "split": self.split_column,
            "licence": self.licence_column,
            "licence_url": self.licence_url_column,
            "attribution": self.attribution_column,
        }
        return {kind: column for kind, column in columns.items() if column}

    def root(self) -> Path:
        return place(self.path, self.s3)

    def check(self) -> None:
        refuse_urls(self.path)
        super().check()

    def locate(self, listing: Listing) -> Iterator[Location]:
        if self.metadata != "none":
            yield from self._locate_in_tree(listing)
            return
        walked = store_of(self.root()).walk(listing)
        files = (Entry(decode_path(location.uri), location) for location in walked)
        yield from self._described(files, None, self._meaning(()), listing)

    def _locate_in_tree(self, listing: Listing) -> Iterator[Location]:
        """The pictures with what metadata says of them, then what it says of pictures that are not there."""
        wanted = None if self.labels is None else self.columns()
        with (
            Tree(self.root(), listing, wanted=self._is_metadata) as tree,
            Metadata(self.image, wanted, self.terms().values()) as metadata,
        ):
            meaning = self._read(tree, metadata)
            rows = metadata if metadata.num_files else None
            yield from self._described(tree.pictures(), rows, meaning, listing)
            yield from metadata.faults()
            listing.notes += [f"{tree.root}: {note}" for note in (*metadata.notes(), *meaning.notes())]

    def _is_metadata(self, path: str) -> bool:
        return ending(self._pattern()).search(path) is not None

    def _pattern(self) -> str:
        return USUAL if self.metadata == "auto" else re.escape(self.metadata)

    def _read(self, tree: Tree, metadata: Metadata) -> Meaning:
        """Reads all metadata; faults as `_require`."""
        unused = []
        for entry, found in tree.find_all(self._pattern()):
            if not metadata.read(tree, entry, entry.path.removesuffix(found[0].lstrip("/"))):
                unused.append(entry.path)
        metadata.index()
        without = f"no column {self.image or 'file_name'!r} in {', '.join(unused[:3])}"
        if self.columns() or self.metadata not in ("auto", "none"):
            self._require(tree, metadata, without if unused else "")
        elif unused:
            tree.listing.notes.append(f"{tree.root}: {without}: not used as metadata")
        nameless = [column for column in metadata.columns if column and not label_name(column)]
        if nameless and self.labels is None:
            names = ", ".join(map(repr, nameless[:3]))
            tree.listing.notes.append(f"{tree.root}: no label without letters a to z: name {names} with labels")
        return self._meaning(metadata.columns)

    def _require(self, tree: Tree, metadata: Metadata, without: str) -> None:
        """Raises RecipeError when metadata that the recipe asks for, or a column, is not there."""
        if without and not metadata.num_files:
            raise RecipeError(f"{tree.root}: {without}: say with `image` which column names the pictures")
        if not metadata.num_files:
            name = "metadata.csv, .jsonl or .parquet" if self.metadata == "auto" else self.metadata
            raise RecipeError(f"no {name} below {tree.root}: correct the source's metadata")
        if missing := sorted(self.columns() - {self.image} - metadata.columns.keys()):
            found = ", ".join(metadata.columns) or "none"
            raise RecipeError(f"{tree.root}: no column {missing[0]!r} in the metadata; its columns are {found}")

    def _meaning(self, columns: Iterable[str]) -> Meaning:
        terms = self.terms()
        free = [column for column in columns if column not in terms.values()]
        return Meaning(label_columns(self.labels, free), terms, self.group_by, self.label_from == "folder")

    def _described(
        self, files: Iterable[Entry], metadata: Metadata | None, meaning: Meaning, listing: Listing
    ) -> Iterator[Location]:
        """The pictures among files, with what is known of each."""
        from pipelines.labels import annotated  # which itself imports this package

        for entry in self._pictures(files, listing):
            location = entry.location
            # Without anything to tell, a million pictures are listed in a third of the time.
            if metadata or meaning.scene_of_folder:
                stated = metadata.of(entry.path) if metadata else NOTHING
                if stated.beside:
                    listing.ignored[f"(of a picture: {stated.beside})"] += 1
                    continue
                annotation = meaning.annotation(entry.path, stated)
                location = annotated(location, annotation, self.corpus_name(), listing.salt)
            split = self.split or location.split or folder_split(location.uri)
            yield replace(location, split=split) if split != location.split else location

    def _pictures(self, files: Iterable[Entry], listing: Listing) -> Iterator[Entry]:
        """Files with a picture's name, and folders that cannot be listed; others are counted."""
        for entry in files:
            if is_picture_name(entry.path) or entry.location.uri.endswith("/"):
                yield entry
            else:
                count_ignored(listing.ignored, entry.path)
