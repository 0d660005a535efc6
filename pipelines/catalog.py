"""The catalog: every picture of every source, one row each, in Parquet.

Pictures are listed, not read. The order is fixed by the recipe and the names, so that the same
sources give the same catalog; a row group is the piece of work of one measuring task.
"""

from __future__ import annotations

import dataclasses
import heapq
import json
from collections.abc import Iterator
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
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

BLOCK_ROWS = 32_768
"""Pictures of one solid block that one task measures: a block is unpacked from its beginning by every task that reads
in it, so a block of n times as many is unpacked (n + 1) / 2 times. More would make a task, and what an interruption
costs, too long."""

IGNORED, NOTES = b"mendery.ignored", b"mendery.notes"


def write(recipe: Recipe, path: Path, listing: Listing) -> None:
    """Lists all sources of a recipe into one Parquet file, in bounded memory."""
    listing.index_dir.mkdir(parents=True, exist_ok=True)
    with put(path) as file, pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
        for number, source in enumerate(recipe.sources):
            for table in _tables(number, locate(source, recipe.seed, listing), source.rows_per_task()):
                writer.write_table(table)
        writer.add_key_value_metadata(
            {IGNORED: json.dumps(listing.ignored, sort_keys=True), NOTES: json.dumps(listing.notes)}
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
        return chosen
    drawn = heapq.nsmallest(
        source.sample, enumerate(chosen), key=lambda item: seeds.digest(seed, item[1].uri, "sample")
    )
    return (location for _, location in sorted(drawn, key=lambda item: item[0]))


def location_of(row: dict[str, Any]) -> Location:
    """Location from a row of the catalog, the curated table or the plan."""
    return Location(**{name: row[name] for name in LOCATION_FIELDS})


def part_sizes(path: Path) -> list[int]:
    """Pictures in each row group of the catalog: the pieces of work of measuring."""
    metadata = pq.read_metadata(opened(path))
    return [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]


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


def changes(old: Path, new: Path, names: list[str]) -> list[str]:
    """What changed between two catalogs of one recipe, one line per source, naming a few pictures."""
    before, after = pq.read_table(opened(old)), pq.read_table(opened(new))
    if before.equals(after):
        return []
    return [line for number, name in enumerate(names) if (line := _source_changes(number, name, before, after))]


def _source_changes(number: int, name: str, before: pa.Table, after: pa.Table) -> str:
    was, now = (
        {_place(row): row for row in table.filter(pc.field("source") == number).to_pylist()}
        for table in (before, after)
    )
    groups = {
        "added": sorted(now.keys() - was.keys()),
        "removed": sorted(was.keys() - now.keys()),
        "changed": sorted(place for place in was.keys() & now.keys() if was[place] != now[place]),
    }
    parts = [
        f"{len(places)} {kind} ({', '.join(uri for uri, _ in places[:3])}{', ...' if len(places) > 3 else ''})"
        for kind, places in groups.items()
        if places
    ]
    return f"source {name!r}: {'; '.join(parts)}" if parts else ""


def _tables(number: int, located: Iterator[Location], size: int) -> Iterator[pa.Table]:
    """Tables of one measuring task each, built by columns: a dict for every row would take most of a listing's time."""
    for locations in _tasks(located, size):
        columns = zip(*map(_VALUES, locations), strict=True)
        arrays = [pa.array(column, kind) for column, kind in zip(columns, LOCATION_SCHEMA.types, strict=True)]
        sources = pa.array([number] * len(locations), pa.int32())
        yield pa.Table.from_arrays([sources, *arrays], schema=SCHEMA)


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


def _place(row: dict[str, Any]) -> tuple[str, int]:
    """What tells two pictures apart: an archive may hold several members of one name."""
    return row["uri"], row["offset"]


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
