"""Pictures as bytes in a Parquet column: the layout of datasets on the Hugging Face Hub."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from pipelines.errors import RecipeError
from pipelines.sources.archive import Archive, ArchiveBroken, ArchiveSource
from pipelines.sources.base import Listing, Location
from pipelines.sources.files import labels_json


class ParquetSource(ArchiveSource):
    """One picture per row."""

    type: Literal["parquet"] = "parquet"
    image: str | None = Field(None, description="Column that holds the pictures; found out when empty.")
    labels: list[str] = Field(default_factory=list, description="Columns to keep as labels.")
    container: ClassVar[str] = "parquet"

    def pictures(self, archive: Archive, listing: Listing) -> Iterator[Location]:
        try:
            table = pq.ParquetFile(archive.stream)
        except (pa.ArrowException, OSError) as error:
            raise ArchiveBroken(f"not a Parquet file, or cut: {error}") from error
        column = self._column(archive, table.schema_arrow)
        first = archive.location("", column=column)
        for group in range(table.num_row_groups):
            labels = self._labels(table, group)
            for row in range(table.metadata.row_group(group).num_rows):
                text = labels[row] if row < len(labels) else "{}"
                yield replace(first, uri=f"{archive.file}#{group}.{row}", row_group=group, row=row, labels=text)

    def _column(self, archive: Archive, schema: pa.Schema) -> str:
        wanted = [self.image, *self.labels] if self.image else self.labels
        missing = [name for name in wanted if name not in schema.names]
        found = [field.name for field in schema if holds_pictures(field.type)]
        if missing:
            raise RecipeError(f"{archive.path}: no column {missing[0]!r}; its columns are {', '.join(schema.names)}")
        if self.image and self.image not in found:
            kind = schema.field(self.image).type
            raise RecipeError(f"{archive.path}: column {self.image!r} holds {kind}, not pictures")
        if self.image:
            return self.image
        if len(found) != 1:
            many = f"several columns may hold pictures ({', '.join(found)})" if found else "no column holds pictures"
            columns = ", ".join(schema.names)
            raise RecipeError(f"{archive.path}: {many}; name one with `image`; its columns are {columns}")
        return str(found[0])

    def _labels(self, table: pq.ParquetFile, group: int) -> list[str]:
        """Labels of the rows of a row group; none if they cannot be read, which reading the pictures will judge."""
        if not self.labels:
            return []
        names = class_names(table.schema_arrow)
        try:
            rows = table.read_row_group(group, columns=self.labels).to_pylist()
        except (pa.ArrowException, OSError):
            return []
        return [labels_json({label: _named(value, names.get(label)) for label, value in row.items()}) for row in rows]


def holds_pictures(kind: pa.DataType) -> bool:
    """Whether a column is binary, or the Hub's struct of bytes and path."""
    if pa.types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0 and holds_pictures(kind.field("bytes").type)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """Names behind the numbers of class labels, where `datasets` has left them in the file."""
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        return {name: feature["names"] for name, feature in features.items() if "names" in feature}
    except (ValueError, KeyError, TypeError):
        return {}


def _named(value: Any, names: list[str] | None) -> Any:
    """The class's name; None for the Hub's -1, which says that the class is not known."""
    if names is None:
        return value
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else None
