"""The catalog: every picture of every source, one row each, in Parquet.

Pictures are listed, not read. The order is fixed by the recipe and the names, so that the same sources give the same
catalog. It is cut into parts, the pieces of work of one measuring task each. A row group holds many of them: it costs
40 KB of description, which whoever writes the file keeps and whoever opens it reads, so a million parts' worth would
be more description than catalog.
"""

from __future__ import annotations

import dataclasses
import heapq
import json
from collections.abc import Iterator
from itertools import accumulate, islice, pairwise
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import seeds
from pipelines.errors import RecipeError
from pipelines.recipe import Recipe
from pipelines.sources.base import LOCATION_FIELDS, Listing, Location, Source
from pipelines.storage import opened, put
from pipelines.where import compile_where

_NUMBERS = {"offset", "stored_size", "size", "method", "crc", "row_group", "row", "mtime_ns"}
LOCATION_SCHEMA = pa.schema([(name, pa.int64() if name in _NUMBERS else pa.string()) for name in LOCATION_FIELDS])
SCHEMA = pa.schema([("source", pa.int32()), *LOCATION_SCHEMA])
_VALUES = attrgetter(*LOCATION_FIELDS)

IGNORED, NOTES, PART_ROWS = b"mendery.ignored", b"mendery.notes", b"mendery.part_rows"

ROWS_PER_GROUP = 8192
"""Rows of a row group, but always whole parts."""


class Part(NamedTuple):
    """Where the pictures of one measuring task stand."""

    row_group: int
    first: int
    num_rows: int


BLOCK_ROWS = 32_768
"""Pictures of one solid block that one task measures: a block is unpacked from its beginning by every task that reads
in it, so a block of n times as many is unpacked (n + 1) / 2 times. More would make a task, and what an interruption
costs, too long."""


def write(recipe: Recipe, path: Path, listing: Listing) -> None:
    """Lists all sources of a recipe into one Parquet file, in bounded memory."""
    listing.index_dir.mkdir(parents=True, exist_ok=True)
    part_rows: list[list[int]] = []
    with put(path) as file, pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
        for number, source in enumerate(recipe.sources):
            tasks = _tasks(locate(source, recipe.seed, listing), source.rows_per_task())
            for sizes, locations in _row_groups(tasks):
                writer.write_table(_table(number, locations), row_group_size=len(locations))
                part_rows.append(sizes)
        writer.add_key_value_metadata(
            {
                IGNORED: json.dumps(listing.ignored, sort_keys=True),
                NOTES: json.dumps(listing.notes),
                PART_ROWS: json.dumps(part_rows),
            }
        )


def locate(source: Source, seed: int, listing: Listing) -> Iterator[Location]:
    """Lists one source: what its `where` lets in, cut to its `limit` and `sample`.

    Raises:
        RecipeError: the source holds no picture at all.
    """
    found = _let_in(source, listing)
    first = next(found, None)
    if first is None:
        passed_over = "; ".join(
            [", ".join(f"{count} {kind}" for kind, count in listing.ignored.most_common(5)), *listing.notes]
        ).strip("; ")
        passed_over = passed_over or "nothing else either"
        raise RecipeError(f"source {source.name!r}: no picture in {source.path} ({passed_over}); is the path right?")
    chosen = islice(_chain(first, found), source.limit)
    if source.sample is None:
        return _without_removed(source, chosen, listing)
    drawn = heapq.nsmallest(
        source.sample, enumerate(chosen), key=lambda item: seeds.digest(seed, item[1].uri, "sample")
    )
    return _without_removed(source, (location for _, location in sorted(drawn, key=lambda item: item[0])), listing)


def _without_removed(source: Source, located: Iterator[Location], listing: Listing) -> Iterator[Location]:
    """The same pictures, of which removed ones are listed by nothing but a digest."""
    for location in located:
        name = listing.removed.name_of(source.name, location.uri, location.offset, location.identity)
        yield removed(name) if name else location


def removed(name: str) -> Location:
    """What is listed in the place of a removed picture."""
    return Location(uri=name, file="", container="file", reason="removed")


def location_of(row: dict[str, Any]) -> Location:
    """Location from a row of the catalog, the curated table or the plan."""
    return Location(**{name: row[name] for name in LOCATION_FIELDS})


def part_sizes(path: Path) -> list[int]:
    """Pictures in each part of the catalog."""
    return [part.num_rows for part in _parts(pq.read_metadata(opened(path)))]


def read_part(path: Path, number: int) -> list[dict[str, Any]]:
    """The pictures of one part."""
    with pq.ParquetFile(opened(path)) as file:
        part = _parts(file.metadata)[number]
        rows: list[dict[str, Any]] = file.read_row_group(part.row_group).slice(part.first, part.num_rows).to_pylist()
    return rows


def parts_of_groups(path: Path) -> list[range]:
    """The parts in each row group."""
    sizes = json.loads(pq.read_metadata(opened(path)).metadata[PART_ROWS])
    ends = list(accumulate((len(rows) for rows in sizes), initial=0))
    return [range(first, last) for first, last in pairwise(ends)]


def groups(path: Path, columns: list[str]) -> Iterator[tuple[range, pa.Table]]:
    """The whole catalog in pieces that fit into memory: the parts in each, and their rows."""
    with pq.ParquetFile(opened(path)) as file:
        for group, parts in enumerate(parts_of_groups(path)):
            yield parts, file.read_row_group(group, columns=columns)


def _parts(metadata: pq.FileMetaData) -> list[Part]:
    return [
        Part(group, first, size)
        for group, sizes in enumerate(json.loads(metadata.metadata[PART_ROWS]))
        for first, size in zip(accumulate(sizes, initial=0), sizes, strict=False)
    ]


def ignored_files(path: Path) -> dict[str, int]:
    """What listing passed over because it is not a picture, by suffix."""
    metadata = pq.read_metadata(opened(path)).metadata or {}
    ignored: dict[str, int] = json.loads(metadata.get(IGNORED, b"{}"))
    return ignored


def notes(path: Path) -> list[str]:
    """What listing has to say to the person who builds."""
    metadata = pq.read_metadata(opened(path)).metadata or {}
    said: list[str] = json.loads(metadata.get(NOTES, b"[]"))
    return said


def _table(number: int, locations: list[Location]) -> pa.Table:
    """Rows of one source, built by columns: a dict for every row would take most of a listing's time."""
    columns = zip(*map(_VALUES, locations), strict=True)
    arrays = [pa.array(column, kind) for column, kind in zip(columns, LOCATION_SCHEMA.types, strict=True)]
    sources = pa.array([number] * len(locations), pa.int32())
    return pa.Table.from_arrays([sources, *arrays], schema=SCHEMA)


def _row_groups(tasks: Iterator[list[Location]]) -> Iterator[tuple[list[int], list[Location]]]:
    """Sizes and locations of as many whole tasks as fit into a row group, at least one."""
    sizes: list[int] = []
    together: list[Location] = []
    for task in tasks:
        if together and len(together) + len(task) > ROWS_PER_GROUP:
            yield sizes, together
            sizes, together = [], []
        sizes.append(len(task))
        together += task
    if together:
        yield sizes, together


def _tasks(located: Iterator[Location], size: int) -> Iterator[list[Location]]:
    """Locations by task: so many each, but those of one solid block together up to `BLOCK_ROWS`."""
    task: list[Location] = []
    for location in located:
        goes_on = task and location.block is not None and task[-1].block == location.block
        if len(task) >= (max(size, BLOCK_ROWS) if goes_on else size):
            yield task
            task = []
        task.append(location)
    if task:
        yield task


def _let_in(source: Source, listing: Listing) -> Iterator[Location]:
    """The pictures that the source's `where` lets in; those with a reason are never filtered away."""
    if not source.where:
        yield from source.locate(listing)
        return
    lets_in = compile_where(source.where)
    for location in source.locate(listing):
        if location.reason or lets_in(json.loads(location.labels)):
            yield location
        else:
            listing.ignored["(where)"] += 1


def _chain(first: Location, rest: Iterator[Location]) -> Iterator[Location]:
    yield first
    yield from rest


assert {field.name for field in dataclasses.fields(Location)} == set(LOCATION_SCHEMA.names)
