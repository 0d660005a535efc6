"""Deciding: from the catalog and its measurements to a verdict for every picture.

Once, from the complete table, in its order: so the verdicts do not depend on which task finished
first. The table is held as Arrow columns, about 0.5 KB a picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import catalog
from pipelines.curate import duplicates, measure, splits
from pipelines.curate.rules import KEEP, judge
from pipelines.layout import Layout
from pipelines.recipe import Recipe
from pipelines.storage import opened, put

SCHEMA = pa.schema(
    [
        *catalog.SCHEMA.remove(catalog.SCHEMA.get_field_index("detail")).remove(
            catalog.SCHEMA.get_field_index("reason")
        ),
        *measure.SCHEMA.remove(measure.SCHEMA.get_field_index("fault")),
        ("reason", pa.string()),
    ]
)


def decide(recipe: Recipe, layout: Layout) -> Counter[str]:
    """Writes the curated table; gives the number of pictures per reason ("" for those kept)."""
    table = _joined(layout)
    reasons, details = _judge(recipe, table)
    keep = [position for position, reason in enumerate(reasons) if reason == KEEP]
    _drop_duplicates(table, keep, reasons, details)
    assigned = _splits(recipe, table, reasons)
    for name, column in (("reason", reasons), ("detail", details), ("split", assigned)):
        if name in table.column_names:
            table = table.drop_columns([name])
        table = table.append_column(name, pa.array(column, pa.string()))
    with put(layout.curated) as file:
        pq.write_table(table.select(SCHEMA.names), file, compression="zstd")
    return Counter(reasons)


def _joined(layout: Layout) -> pa.Table:
    """The catalog and the measurements side by side; they are in one order."""
    listed = pq.read_table(opened(layout.catalog)).drop_columns(["reason", "detail"])
    measured = pa.concat_tables(
        pq.read_table(opened(layout.part(number))) for number in range(len(catalog.part_sizes(layout.catalog)))
    )
    for name in measured.column_names:
        listed = listed.append_column(name, measured[name])
    return listed


def _judge(recipe: Recipe, table: pa.Table) -> tuple[list[str], list[str]]:
    reasons = [judge(row, recipe.curate) for row in _rows(table, ["width", "height", "fault"])]
    return reasons, table["detail"].to_pylist()


def _drop_duplicates(table: pa.Table, keep: list[int], reasons: list[str], details: list[str]) -> None:
    uris, sources = table["uri"], table["source"]
    firsts = duplicates.exact(table["sha256"].take(pa.array(keep, pa.int64())).to_pylist())
    for position, first in zip(keep, firsts, strict=True):
        if keep[first] != position:
            reasons[position] = "duplicate"
            details[position] = f"of {uris[keep[first]]} in source {sources[keep[first]]}"


def _splits(recipe: Recipe, table: pa.Table, reasons: list[str]) -> list[str]:
    """Split of every kept picture; under official splits those without one are dropped."""
    if recipe.splits == "official":
        declared: list[str] = table["split"].to_pylist()
        for position, split in enumerate(declared):
            if reasons[position] == KEEP and not split:
                reasons[position] = "no_official_split"
        return [split if reason == KEEP else "" for split, reason in zip(declared, reasons, strict=True)]
    columns = (table[name].to_pylist() for name in ("sha256", "identity"))
    kept = [(digest, identity) for digest, identity, reason in zip(*columns, reasons, strict=True) if reason == KEEP]
    groups = splits.together(kept)
    split_of = splits.by_share(groups, recipe.splits, recipe.seed)
    assigned = (split_of[group] for group in groups)
    return [next(assigned) if reason == KEEP else "" for reason in reasons]


def _rows(table: pa.Table, columns: list[str]) -> Iterator[dict[str, object]]:
    for batch in table.select(columns).to_batches(max_chunksize=10_000):
        yield from batch.to_pylist()
