"""Deciding: from the catalog and its measurements to a verdict for every picture.

Once, from the complete table, in its order: so the verdicts do not depend on which task finished first. Only the
columns that decide are held; the rest passes through, part by part.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines import catalog
from pipelines.curate import duplicates, measure, splits
from pipelines.curate.rules import KEEP, judge_all, needed
from pipelines.layout import Layout
from pipelines.recipe import Recipe
from pipelines.storage import opened, put

LISTED = ("source", "uri", "split", "labels", "identity", "faces", "guides", "licence", "licence_url", "attribution")
"""What the curated table keeps of the catalog: what a picture is, and no longer where its bytes are."""

STATE_ONLY = ("fault", "transient", "embeddings")
"""What the curated table leaves where it was measured; an embedding must never come near a shard."""

SCHEMA = pa.schema(
    [
        # Which row group of the catalog, and which row of it.
        ("part", pa.int32()),
        ("row", pa.int32()),
        *(catalog.SCHEMA.field(name) for name in LISTED),
        *(measure.SCHEMA.field(name) for name in measure.SCHEMA.names if name not in STATE_ONLY),
        ("reason", pa.string()),
    ]
)


@dataclass
class Verdicts:
    """What is decided of every picture, in the order of the catalog.

    Attributes:
        reasons: (N,) why each is dropped, "" for those kept.
        splits: (N,) split of those kept, else "".
        details: what is said of a drop, by position, where the measurements have not said it.
    """

    reasons: NDArray[np.object_]
    splits: NDArray[np.object_]
    details: dict[int, str]


def decide(recipe: Recipe, layout: Layout) -> Counter[str]:
    """Writes the curated table; gives the number of pictures per reason ("" for those kept)."""
    verdicts = _verdicts(recipe, layout, len(catalog.part_sizes(layout.catalog)))
    start = 0
    with put(layout.curated) as file, pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
        for parts, listed in catalog.groups(layout.catalog, list(LISTED)):
            writer.write_table(_curated(layout, parts, listed, verdicts, start))
            start += listed.num_rows
    return Counter(verdicts.reasons.tolist())


def counts(layout: Layout) -> dict[str, int]:
    """Number of pictures by the reason for which they were dropped; "" is for those kept."""
    reasons = pq.read_table(opened(layout.curated), columns=["reason"])["reason"]
    found = {entry["values"]: entry["counts"] for entry in pc.value_counts(reasons).to_pylist()}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def kept_rows(layout: Layout) -> dict[int, NDArray[np.int64]]:
    """Rows of the pictures that are kept, by the part of the catalog in which they stand."""
    table = pq.read_table(opened(layout.curated), columns=["part", "row", "reason"])
    kept = table.filter(pc.equal(table["reason"], KEEP))
    numbers, starts = np.unique(kept["part"].to_numpy(), return_index=True)
    # `np.split` makes one piece of nothing.
    pieces = np.split(kept["row"].to_numpy(), starts[1:]) if kept.num_rows else []
    return dict(zip(numbers.tolist(), pieces, strict=True))


def _verdicts(recipe: Recipe, layout: Layout, num_parts: int) -> Verdicts:
    columns = needed(recipe.curate)
    measured = _measured(layout, range(num_parts), [*columns, "fault", "sha256"])
    faults = measured["fault"].to_numpy()
    reasons = judge_all(faults, {name: measured[name].to_numpy() for name in columns}, recipe.curate)
    verdicts = Verdicts(reasons, np.full(len(reasons), "", object), {})
    if recipe.curate.faces or recipe.image.fit == "face" or recipe.guides.members():
        _judge_one_by_one(recipe, layout, verdicts)
    _drop_duplicates(layout, measured["sha256"], verdicts)
    _split(recipe, layout, measured["sha256"], verdicts)
    return verdicts


def _measured(layout: Layout, parts: range, columns: list[str]) -> pa.Table:
    return pa.concat_tables(pq.read_table(opened(layout.part(part)), columns=columns) for part in parts)


def _judge_one_by_one(recipe: Recipe, layout: Layout, verdicts: Verdicts) -> None:
    """Judges what is told in JSON: faces and guides, of the pictures that no other rule drops."""
    start = 0
    for parts, listed in catalog.groups(layout.catalog, ["faces", "guides"]):
        rows = _measured(layout, parts, [*needed(recipe.curate), "fault", "found"]).to_pylist()
        for position, (row, said) in enumerate(zip(rows, listed.to_pylist(), strict=True), start):
            if verdicts.reasons[position] == KEEP:
                reason, detail = measure.verdict(row, recipe, said["faces"], said["guides"])
                verdicts.reasons[position] = reason
                verdicts.details |= {position: detail} if detail else {}
        start += len(rows)


def _drop_duplicates(layout: Layout, digests: pa.ChunkedArray, verdicts: Verdicts) -> None:
    kept = np.flatnonzero(verdicts.reasons == KEEP)
    firsts = kept[duplicates.exact(digests.take(pa.array(kept)))]
    again = kept != firsts
    if not again.any():
        return
    verdicts.reasons[kept[again]] = "duplicate"
    listed = pq.read_table(opened(layout.catalog), columns=["uri", "source"]).take(pa.array(firsts[again]))
    for position, first in zip(kept[again].tolist(), listed.to_pylist(), strict=True):
        verdicts.details[position] = f"of {first['uri']} in source {first['source']}"


def _split(recipe: Recipe, layout: Layout, digests: pa.ChunkedArray, verdicts: Verdicts) -> None:
    """Split of every kept picture; under official splits those without one are dropped."""
    listed = pq.read_table(opened(layout.catalog), columns=["split", "identity"])
    if recipe.splits == "official":
        declared = listed["split"].to_numpy()
        verdicts.reasons[(verdicts.reasons == KEEP) & (declared == "")] = "no_official_split"
        verdicts.splits = np.where(verdicts.reasons == KEEP, declared, "")
        return
    kept = np.flatnonzero(verdicts.reasons == KEEP)
    chosen = pa.array(kept)
    pictures = zip(digests.take(chosen).to_pylist(), listed["identity"].take(chosen).to_pylist(), strict=True)
    groups = splits.together(list(pictures))
    split_of = splits.by_share(groups, recipe.splits, recipe.seed)
    verdicts.splits[kept] = [split_of[group] for group in groups]


def _curated(layout: Layout, parts: range, listed: pa.Table, verdicts: Verdicts, start: int) -> pa.Table:
    """The curated rows of some parts, of which the first picture stands at `start`."""
    measured = [pq.read_table(opened(layout.part(part))) for part in parts]
    sizes = [table.num_rows for table in measured]
    together = pa.concat_tables(measured)
    end = start + listed.num_rows
    said = pa.array([verdicts.details.get(position) for position in range(start, end)], pa.string())
    columns = {table.column_names[at]: table[at] for table in (together, listed) for at in range(table.num_columns)}
    columns |= {
        "part": pa.array(np.repeat(np.array(parts, np.int32), sizes)),
        "row": pa.array(np.concatenate([np.arange(size, dtype=np.int32) for size in sizes])),
        "detail": said.fill_null(together["detail"].combine_chunks()),
        "split": pa.array(verdicts.splits[start:end], pa.string()),
        "reason": pa.array(verdicts.reasons[start:end], pa.string()),
    }
    return pa.table({name: columns[name] for name in SCHEMA.names}, schema=SCHEMA)
