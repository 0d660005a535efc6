"""Measuring: every picture is read and decoded once, and what was found is written down.

A task measures one row group of the catalog. A bad picture is a row like any other, with its fault,
so that a restart repeats nothing, dropped pictures included.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import catalog
from pipelines.curate.rules import Curate
from pipelines.errors import BadPicture
from pipelines.imaging.decode import check, inspect
from pipelines.layout import Layout
from pipelines.recipe import Recipe
from pipelines.sources.base import Location, Source
from pipelines.sources.reading import Reader
from pipelines.storage import put

HEADER_SCHEMA = pa.schema(
    [
        ("format", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("mode", pa.string()),
    ]
)
SCHEMA = pa.schema(
    [
        ("sha256", pa.string()),
        ("num_bytes", pa.int64()),
        *HEADER_SCHEMA,
        ("fault", pa.string()),
        ("detail", pa.string()),
    ]
)
NOTHING: dict[str, Any] = dict.fromkeys(("format", "mode"), "") | dict.fromkeys(("width", "height"), 0)


@dataclass(frozen=True)
class MeasureJob:
    """One row group of the catalog."""

    out: str
    recipe: str
    part: int


def measure_part(job: MeasureJob) -> int:
    """Measures one row group of the catalog into its own file; gives the number of pictures."""
    layout, recipe = Layout(Path(job.out)), parsed(job.recipe)
    rows = pq.ParquetFile(layout.catalog).read_row_group(job.part).to_pylist()
    with Readers(recipe, layout) as readers:
        measured = [measure(readers, row["source"], catalog.location_of(row), recipe.curate) for row in rows]
    with put(layout.part(job.part)) as file:
        pq.write_table(pa.Table.from_pylist(measured, schema=SCHEMA), file, compression="zstd")
    return len(rows)


def measure(readers: Readers, source: int, location: Location, curate: Curate) -> dict[str, Any]:
    """One row of measurements; a picture that cannot be used has its fault in it."""
    digest, num_bytes, described, fault, detail = "", 0, NOTHING, "", ""
    try:
        data = readers.read(source, location)
        digest, num_bytes = hashlib.sha256(data).hexdigest(), len(data)
        header = inspect(data, max_pixels=curate.max_pixels)
        described = {name: getattr(header, name) for name in HEADER_SCHEMA.names}
        check(data, header)
    except BadPicture as bad:
        fault, detail = bad.reason, bad.detail
    return {"sha256": digest, "num_bytes": num_bytes, **described, "fault": fault, "detail": detail}


class Readers:
    """One open reader per source, for the length of a task."""

    def __init__(self, recipe: Recipe, layout: Layout) -> None:
        self._recipe, self._layout = recipe, layout
        self._open: dict[int, Reader] = {}

    def __enter__(self) -> Readers:
        return self

    def __exit__(self, *error: object) -> None:
        for reader in self._open.values():
            reader.__exit__(*error)

    def read(self, source: int, location: Location) -> bytes:
        """Bytes of one picture.

        Raises:
            BadPicture: they cannot be had.
            SourceVanished: the whole source is gone.
        """
        if location.reason:
            raise BadPicture(location.reason, location.detail)
        if source not in self._open:
            found: Source = self._recipe.sources[source]
            self._open[source] = Reader(
                found.root(), self._layout.gzip_indexes, self._recipe.curate.max_bytes, found.extra_roots()
            )
        return self._open[source].read(location)


@lru_cache(maxsize=2)
def parsed(recipe: str) -> Recipe:
    """Recipe from the JSON that travels with a job."""
    return Recipe.model_validate_json(recipe)
