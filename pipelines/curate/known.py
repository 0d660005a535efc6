"""What is known already: measurements that hold when a recipe or its sources change.

A measurement belongs to bytes at a place, so it is found again by the place: source, file, member, size, change time.
What is asked of a picture (thresholds, splits, damage) is no part of it. A fault that may pass is not remembered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import catalog
from pipelines.layout import Layout
from pipelines.places import remove_tree
from pipelines.recipe import Recipe
from pipelines.storage import opened, put, read_json

PLACE = (
    "uri", "root", "file", "container", "offset", "stored_size", "size", "method", "crc", "column", "row_group", "row",
    "mtime_ns", "etag",
)  # fmt: skip
"""Columns of the catalog that say which bytes a picture is; with the source's name they are its key."""

SETTINGS = b"mendery.settings"

BLOCKS = ("quality", "duplicates", "faces")
"""Blocks of `curate:` for which more is measured."""

ENGINE_FIELDS = ("engine", "pack", "embeddings", "detect_side", "rotations")
"""What of the faces block decides numbers, and not only verdicts."""

LIMITS = ("too_many_bytes", "too_many_pixels")
"""Faults that are no facts but limits of the recipe."""


def settings(recipe: dict[str, Any]) -> str:
    """What of a recipe decides which numbers measuring gives, as text.

    Args:
        recipe: as `Recipe.portable` gives it.
    """
    measured: dict[str, Any] = {name: recipe["curate"].get(name) is not None for name in BLOCKS}
    if faces := recipe["curate"]["faces"]:
        measured["faces"] = {name: faces[name] for name in ENGINE_FIELDS}
    if (duplicates := recipe["curate"].get("duplicates")) and duplicates["embeddings"]:
        network = duplicates["embeddings"]
        measured["embeddings"] = {name: network[name] for name in network if name != "threshold"}
    # A label map or an original that cannot be read is a fault of its picture.
    pairs = any("paired" in (damage["kind"], *_kinds(damage.get("of", []))) for damage in recipe["damage"])
    return json.dumps(measured | {"guides": recipe["guides"], "pairs": pairs}, sort_keys=True)


def _kinds(damages: list[dict[str, Any]]) -> list[str]:
    return [damage["kind"] for damage in damages]


def remember(layout: Layout) -> None:
    """Writes down what is measured, before its catalog is forgotten."""
    if not layout.catalog.is_file():
        return
    begun = read_json(layout.begun_with)
    names = [source["name"] for source in begun["sources"]]
    tables = [
        _remembered(layout, part, rows, names)
        for part, rows in _parts(layout, ["source", "reason", *PLACE])
        if layout.part(part).is_file()
    ]
    tables = [table for table in tables if table.num_rows]
    if not tables:
        return
    table = pa.concat_tables(tables).replace_schema_metadata({SETTINGS: settings(begun)})
    # Named by what it holds: an update that is interrupted and begun again never loses what the first has written.
    digest = hashlib.sha256("".join(table["key"].to_pylist()).encode()).hexdigest()[:16]
    with put(layout.known / f"{digest}.parquet") as file:
        pq.write_table(table, file, compression="zstd")


def recall(recipe: Recipe, layout: Layout) -> int:
    """Gives to every part of the catalog what is known of its pictures; says of how many something is.

    Parts of which everything is known are measured then; of the others the tasks measure the rest.
    """
    found = _known(recipe, layout)
    if found is None:
        remove_tree(layout.known)
        return 0
    count, names = 0, [source.name for source in recipe.sources]
    for part, rows in _parts(layout, ["source", *PLACE]):
        if not layout.part(part).is_file():
            count += _recall_part(layout, part, rows, names, found)
    remove_tree(layout.known)
    return count


def _parts(layout: Layout, columns: list[str]) -> Iterator[tuple[int, pa.Table]]:
    """Every part of the catalog with its rows."""
    sizes = catalog.part_sizes(layout.catalog)
    for parts, table in catalog.groups(layout.catalog, columns):
        start = 0
        for part in parts:
            yield part, table.slice(start, sizes[part])
            start += sizes[part]


def _recall_part(layout: Layout, part: int, rows: pa.Table, names: list[str], found: pa.Table) -> int:
    places = pc.index_in(_keys(rows, names), found["key"].combine_chunks())
    table = found.take(places.drop_null()).drop_columns(["key"])
    if not table.num_rows:
        return 0
    if table.num_rows == rows.num_rows:
        with put(layout.part(part)) as file:
            pq.write_table(table, file, compression="zstd")
    else:
        numbers = np.flatnonzero(places.is_valid().to_numpy(zero_copy_only=False)).astype(np.int32)
        with put(layout.known_part(part)) as file:
            pq.write_table(table.append_column("row", pa.array(numbers)), file, compression="zstd")
    return int(table.num_rows)


def of_part(layout: Layout, part: int) -> dict[int, dict[str, Any]]:
    """Measurements that are known of the pictures of one part, by row."""
    if not layout.known_part(part).is_file():
        return {}
    rows = pq.read_table(opened(layout.known_part(part))).to_pylist()
    return {row.pop("row"): row for row in rows}


def _known(recipe: Recipe, layout: Layout) -> pa.Table | None:
    """All that is known and was measured as this recipe would have it, or None."""
    if not layout.known.is_dir():
        return None
    wanted = settings(recipe.portable()).encode()
    tables = [pq.read_table(opened(path)) for path in sorted(layout.known.glob("*.parquet"))]
    tables = [table for table in tables if (table.schema.metadata or {}).get(SETTINGS) == wanted]
    return pa.concat_tables(table.replace_schema_metadata() for table in tables) if tables else None


def _remembered(layout: Layout, part: int, rows: pa.Table, names: list[str]) -> pa.Table:
    table = pq.read_table(opened(layout.part(part))).append_column("key", _keys(rows, names))
    # What listing refuses is not measured, and costs nothing to find again.
    holds = pc.and_(pc.equal(rows["reason"], ""), pc.invert(table["transient"]))
    return table.filter(pc.and_(holds, pc.invert(pc.is_in(table["fault"], pa.array(LIMITS)))))


def _keys(rows: pa.Table, names: list[str]) -> pa.Array:
    sources = pa.array(names).take(rows["source"].combine_chunks())
    columns = [rows[name].combine_chunks().cast(pa.string()) for name in PLACE]
    return pc.binary_join_element_wise(sources, *columns, "|")
