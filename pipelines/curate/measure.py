"""Measuring: every picture is read and decoded once; what was found is written down, and its crops beside it.

A task measures one row group of the catalog. A bad picture is a row like any other, with its fault,
so that a restart repeats nothing, dropped pictures included.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import catalog
from pipelines.curate.rules import KEEP, judge
from pipelines.errors import BadPicture, MenderyError
from pipelines.imaging.decode import check, inspect
from pipelines.imaging.render import Rendition, render
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
        # Where the crops lie: the pack of which part, and in it their bytes, each with its matrix.
        ("part", pa.int32()),
        (
            "renditions",
            pa.list_(
                pa.struct([("offset", pa.int64()), ("size", pa.int32()), ("matrix", pa.list_(pa.float64()))]),
            ),
        ),
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
    """Measures one row group of the catalog into its own file, its crops into a pack; gives the number of pictures.

    Where the file is there already, only the pack is made again.

    Raises:
        MenderyError: a picture is not what it was when the file was made.
    """
    layout, recipe = Layout(Path(job.out)), parsed(job.recipe)
    rows = pq.ParquetFile(layout.catalog).read_row_group(job.part).to_pylist()
    with Readers(recipe, layout) as readers, put(layout.pack(job.part)) as pack:
        found = [
            measure(readers, row["source"], catalog.location_of(row), recipe, pack) | {"part": job.part} for row in rows
        ]
        measured = pa.Table.from_pylist(found, schema=SCHEMA)
        if layout.part(job.part).is_file():
            _refuse_changes(rows, pq.read_table(layout.part(job.part)), measured)
            return len(rows)
    with put(layout.part(job.part)) as file:
        pq.write_table(measured, file, compression="zstd")
    return len(rows)


def _refuse_changes(rows: list[dict[str, Any]], before: pa.Table, after: pa.Table) -> None:
    digests = zip(rows, before["sha256"].to_pylist(), after["sha256"].to_pylist(), strict=True)
    changed = [row["uri"] for row, was, now in digests if was != now]
    if changed:
        named = ", ".join(changed[:3]) + (", ..." if len(changed) > 3 else "")
        raise MenderyError(
            f"{named}: other bytes than when this build was begun; use another --out, or --fresh to begin again"
        )


def measure(readers: Readers, source: int, location: Location, recipe: Recipe, pack: IO[bytes]) -> dict[str, Any]:
    """One row of measurements; a picture that cannot be used has its fault in it.

    Args:
        pack: takes the crops of a picture that no rule drops.
    """
    row: dict[str, Any] = {"sha256": "", "num_bytes": 0, **NOTHING, "fault": "", "detail": "", "renditions": []}
    try:
        data = readers.read(source, location)
        row |= {"sha256": hashlib.sha256(data).hexdigest(), "num_bytes": len(data)}
        header = inspect(data, max_pixels=recipe.curate.max_pixels)
        row |= {name: getattr(header, name) for name in HEADER_SCHEMA.names}
        if judge(row, recipe.curate) == KEEP:
            row["renditions"] = _pack(render(data, header, recipe.image, recipe.seed, row["sha256"]), pack)
        else:
            check(data, header)  # a picture that is small and cut counts as cut
    except BadPicture as bad:
        row |= {"fault": bad.reason, "detail": bad.detail}
    return row


def _pack(renditions: Iterator[Rendition], pack: IO[bytes]) -> list[dict[str, Any]]:
    """Appends crops to a pack and says where they lie."""
    places = []
    for rendition in renditions:
        places.append({"offset": pack.tell(), "size": len(rendition.data), "matrix": list(rendition.matrix)})
        pack.write(rendition.data)
    return places


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
