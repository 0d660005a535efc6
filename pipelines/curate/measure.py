"""Measuring: every picture is read and decoded once; what was found is written down, and its crops beside it.

A task measures one row group of the catalog. A bad picture is a row like any other, with its fault,
so that a restart repeats nothing, dropped pictures included.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import catalog
from pipelines.curate import known, packs
from pipelines.curate.packs import Pack
from pipelines.curate.rules import KEEP, judge
from pipelines.errors import BadPicture, MenderyError
from pipelines.guides import LabelMap, cropped, label_map
from pipelines.imaging.decode import check, inspect
from pipelines.imaging.face_crops import face_crops
from pipelines.imaging.render import Rendition, render
from pipelines.labels import guide_of
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
    ]
)
NOTHING: dict[str, Any] = (
    dict.fromkeys(("sha256", "format", "mode", "fault", "detail"), "")
    | dict.fromkeys(("num_bytes", "width", "height"), 0)
    | {"transient": False}
)
"""Measurements of a picture of which nothing is known."""


@dataclass(frozen=True)
class MeasureJob:
    """One row group of the catalog.

    Attributes:
        crops: whether to make the crops as well, while the pictures are decoded.
    """

    out: str
    recipe: str
    part: int
    crops: bool = True


@dataclass(frozen=True)
class Listed:
    """What the catalog says of a picture besides its place.

    Attributes:
        faces, guides: JSON of the catalog.
        read: gives the bytes of a file of the same source.
    """

    faces: str
    guides: str
    read: Callable[[Location], bytes]

    def label_map(self, name: str) -> tuple[LabelMap, str]:
        """One of its guides, and the scheme of its classes.

        Raises:
            BadPicture: it cannot be read.
        """
        guide = guide_of(json.loads(self.guides)[name])
        try:
            files = {part: self.read(location) for part, location in guide.files.items()}
        except BadPicture as bad:
            raise BadPicture("bad_guide", f"{name}: {bad}", bad.transient) from None
        return label_map(files, guide.scheme), guide.scheme


def listed(row: dict[str, Any], readers: Readers | None = None) -> Listed:
    """What a row of the catalog says; without readers its guides cannot be read."""

    def read(location: Location) -> bytes:
        assert readers is not None
        (outcome,) = readers.read_all([(row["source"], location)])
        return _bytes_of(outcome)

    return Listed(row["faces"], row["guides"], read)


def measure_part(job: MeasureJob) -> int:
    """Measures one row group of the catalog into its own file, its crops into a pack; gives the number of pictures.

    Where pictures are measured already, they are only read if the pack must be made.

    Raises:
        MenderyError: a picture is not what it was when it was measured.
    """
    layout, recipe = Layout(place(job.out)), parsed(job.recipe)
    rows = catalog_rows(layout, job.part)
    if layout.part(job.part).is_file():
        _make_pack(recipe, layout, job.part, rows)
        return len(rows)
    before = known.of_part(layout, job.part)
    # A pack is for all pictures of a part, so where some are known it is made later, for those that are kept.
    crops = packs.writing(layout, job.part) if job.crops and not before else nullcontext()
    with Readers(recipe, layout) as readers, crops as pack:
        outcomes = readers.read_all(wanted(row for number, row in enumerate(rows) if number not in before))
        found = [
            before.get(number) or measure(next(outcomes), recipe, pack, number, listed(row, readers))
            for number, row in enumerate(rows)
        ]
    write_part(layout.part(job.part), found)
    return len(rows)


def write_part(path: Path, found: list[dict[str, Any]]) -> None:
    """Writes the measurements of one part."""
    with put(path) as file:
        pq.write_table(pa.Table.from_pylist(found, schema=SCHEMA), file, compression="zstd")


def catalog_rows(layout: Layout, part: int) -> list[dict[str, Any]]:
    """The pictures of one part."""
    rows: list[dict[str, Any]] = pq.ParquetFile(opened(layout.catalog)).read_row_group(part).to_pylist()
    return rows


def wanted(rows: Iterable[dict[str, Any]]) -> list[tuple[int, Location]]:
    """Source and location of rows of the catalog, as `Readers` takes them."""
    return [(row["source"], catalog.location_of(row)) for row in rows]


def _make_pack(recipe: Recipe, layout: Layout, part: int, rows: list[dict[str, Any]]) -> None:
    """Makes the crops of a part that is measured; pictures that a rule drops are not read."""
    before = pq.read_table(opened(layout.part(part))).to_pylist()
    kept = [number for number, was in enumerate(before) if verdict(was, recipe, listed(rows[number])) == KEEP]
    with Readers(recipe, layout) as readers, packs.writing(layout, part) as pack:
        outcomes = readers.read_all(wanted(rows[number] for number in kept))
        found = [
            measure(outcome, recipe, pack, number, listed(rows[number], readers))
            for number, outcome in zip(kept, outcomes, strict=True)
        ]
        _refuse_changes(
            [
                rows[number]["uri"]
                for number, now in zip(kept, found, strict=True)
                if before[number]["sha256"] != now["sha256"]
            ]
        )


def _refuse_changes(changed: list[str]) -> None:
    if changed:
        named = ", ".join(changed[:3]) + (", ..." if len(changed) > 3 else "")
        raise MenderyError(
            f"{named}: other bytes than when this build was begun; use another --out, or --fresh to begin again"
        )


def measure(
    outcome: bytes | BadPicture, recipe: Recipe, pack: Pack | None, number: int, told: Listed
) -> dict[str, Any]:
    """One row of measurements; a picture that cannot be used has its fault in it.

    Args:
        outcome: bytes of a picture, or why there are none.
        pack: takes the crops of a picture that no rule drops, under its number; None makes none.
        told: what the catalog says of it.
    """
    row = dict(NOTHING)
    try:
        data = _bytes_of(outcome)
        row |= {"sha256": hashlib.sha256(data).hexdigest(), "num_bytes": len(data)}
        header = inspect(data, max_pixels=recipe.curate.max_pixels)
        row |= {name: getattr(header, name) for name in HEADER_SCHEMA.names}
        if pack is not None and verdict(row, recipe, told) == KEEP:
            crops = render(data, header, recipe.image, recipe.seed, row["sha256"], told.faces)
            pack.add(number, _guided(crops, recipe, row, told))
        else:
            check(data, header)  # a picture that is small and cut counts as cut
    except BadPicture as bad:
        row |= {"fault": bad.reason, "detail": bad.detail, "transient": bad.transient}
    return row


def _guided(crops: Iterator[Rendition], recipe: Recipe, row: dict[str, Any], told: Listed) -> Iterator[Rendition]:
    """Crops with the label maps that the recipe asks for."""
    maps = {name: told.label_map(name) for name in recipe.guides.maps()}
    for crop in crops:
        shape = (row["width"], row["height"], recipe.image.size)
        guides = {
            f"{name}.png": cropped(labels, crop.matrix, *shape, scheme) for name, (labels, scheme) in maps.items()
        }
        yield replace(crop, guides=guides)


def verdict(row: dict[str, Any], recipe: Recipe, told: Listed) -> str:
    """Keep ("") or the reason that a picture's own numbers give; what depends on others is decided later."""
    reason = judge(row, recipe.curate)
    if not reason and recipe.image.fit == "face":
        reason = face_crops(told.faces, row["width"], row["height"], recipe.image).reason
    return reason or ("no_guide" if recipe.guides.lacks(told.guides, told.faces) else KEEP)


def _bytes_of(outcome: bytes | BadPicture) -> bytes:
    if isinstance(outcome, BadPicture):
        raise outcome
    return outcome


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
