"""Measuring: every picture is read and decoded once; what was found is written down, and its crops beside it.

A task measures one part of the catalog. A bad picture is a row like any other, with its fault,
so that a restart repeats nothing, dropped pictures included.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import catalog
from pipelines.curate.rules import KEEP, judge
from pipelines.errors import BadPicture, MenderyError
from pipelines.imaging.decode import check, inspect
from pipelines.imaging.render import Rendition, render
from pipelines.layout import Layout
from pipelines.places import place
from pipelines.recipe import Recipe
from pipelines.sources.base import Location, OpenSource, Source
from pipelines.storage import opened, put

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
        # The fault may pass: `--retry transient` reads the picture again.
        ("transient", pa.bool_()),
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
    """One part of the catalog."""

    out: str
    recipe: str
    part: int


def measure_part(job: MeasureJob) -> int:
    """Measures one part of the catalog into its own file, its crops into a pack; gives the number of pictures.

    Where the file is there already, only the pack is made again.

    Raises:
        MenderyError: a picture is not what it was when the file was made.
    """
    layout, recipe = Layout(place(job.out)), parsed(job.recipe)
    rows = catalog.read_part(layout.catalog, job.part)
    if layout.part(job.part).is_file():
        _restore_pack(recipe, layout, job.part, rows)
        return len(rows)
    with Readers(recipe, layout) as readers, put(layout.pack(job.part)) as pack:
        found = [measure(outcome, recipe, pack) | {"part": job.part} for outcome in readers.read_all(wanted(rows))]
    with put(layout.part(job.part)) as file:
        pq.write_table(pa.Table.from_pylist(found, schema=SCHEMA), file, compression="zstd")
    return len(rows)


def wanted(rows: Iterable[dict[str, Any]]) -> list[tuple[int, Location]]:
    """Source and location of rows of the catalog, as `Readers` takes them."""
    return [(row["source"], catalog.location_of(row)) for row in rows]


def _restore_pack(recipe: Recipe, layout: Layout, part: int, rows: list[dict[str, Any]]) -> None:
    """Makes the crops of a measured part again; pictures that had none are not read."""
    before = pq.read_table(opened(layout.part(part))).to_pylist()
    cropped = [(row, was) for row, was in zip(rows, before, strict=True) if was["renditions"]]
    with Readers(recipe, layout) as readers, put(layout.pack(part)) as pack:
        outcomes = readers.read_all(wanted(row for row, _ in cropped))
        found = [measure(outcome, recipe, pack) for outcome in outcomes]
        _refuse_changes(
            [row["uri"] for (row, was), now in zip(cropped, found, strict=True) if was["sha256"] != now["sha256"]]
        )


def _refuse_changes(changed: list[str]) -> None:
    if changed:
        named = ", ".join(changed[:3]) + (", ..." if len(changed) > 3 else "")
        raise MenderyError(
            f"{named}: other bytes than when this build was begun; use another --out, or --fresh to begin again"
        )


def measure(outcome: bytes | BadPicture, recipe: Recipe, pack: IO[bytes]) -> dict[str, Any]:
    """One row of measurements; a picture that cannot be used has its fault in it.

    Args:
        outcome: bytes of a picture, or why there are none.
        pack: takes the crops of a picture that no rule drops.
    """
    row: dict[str, Any] = {"sha256": "", "num_bytes": 0, **NOTHING, "fault": "", "detail": "", "transient": False}
    row["renditions"] = []
    try:
        data = _bytes_of(outcome)
        row |= {"sha256": hashlib.sha256(data).hexdigest(), "num_bytes": len(data)}
        header = inspect(data, max_pixels=recipe.curate.max_pixels)
        row |= {name: getattr(header, name) for name in HEADER_SCHEMA.names}
        if judge(row, recipe.curate) == KEEP:
            row["renditions"] = _pack(render(data, header, recipe.image, recipe.seed, row["sha256"]), pack)
        else:
            check(data, header)  # a picture that is small and cut counts as cut
    except BadPicture as bad:
        row |= {"fault": bad.reason, "detail": bad.detail, "transient": bad.transient}
    return row


def _bytes_of(outcome: bytes | BadPicture) -> bytes:
    if isinstance(outcome, BadPicture):
        raise outcome
    return outcome


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
        self._open: dict[int, OpenSource] = {}

    def __enter__(self) -> Readers:
        return self

    def __exit__(self, *error: object) -> None:
        for reader in self._open.values():
            reader.__exit__(*error)

    def read_all(self, wanted: Iterable[tuple[int, Location]]) -> Iterator[bytes | BadPicture]:
        """Bytes or fault of each picture, in order; those that listing refused are not read.

        Raises:
            SourceVanished: a whole source is gone.
        """
        for source, group in groupby(wanted, key=itemgetter(0)):
            locations = [location for _, location in group]
            read = self._reader(source).read_all([location for location in locations if not location.reason])
            for location in locations:
                yield BadPicture(location.reason, location.detail) if location.reason else next(read)

    def _reader(self, source: int) -> OpenSource:
        if source not in self._open:
            found: Source = self._recipe.sources[source]
            reader = found.reader(self._layout.gzip_indexes, self._recipe.curate.max_bytes)
            self._open[source] = reader.__enter__()
        return self._open[source]


@lru_cache(maxsize=2)
def parsed(recipe: str) -> Recipe:
    """Recipe from the JSON that travels with a job."""
    return Recipe.model_validate_json(recipe)
