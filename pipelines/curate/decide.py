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

from pipelines import catalog, tombstones
from pipelines.curate import columns, copies, duplicates, fingerprints, gathered, identities, measure, splits
from pipelines.curate.rules import KEEP, judge_all, needed
from pipelines.layout import Layout
from pipelines.recipe import Recipe
from pipelines.spread import Runner, here
from pipelines.storage import opened, put, put_json

LISTED = (
    "source", "uri", "split", "labels", "identity", "faces", "guides", "licence", "licence_url", "attribution",
    "corpus", "labels_by",
)  # fmt: skip
"""What the curated table keeps of the catalog: what a picture is, and no longer where its bytes are."""

STATE_ONLY = ("fault", "transient", "face_numbers", "embeddings", *fingerprints.SCHEMA.names, "picture_embedding")
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

SIZES = ("width", "height")

_TAKEN_OVER = [name for name in measure.SCHEMA.names if name in SCHEMA.names]


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


def decide(recipe: Recipe, layout: Layout, run: Runner = here) -> Counter[str]:
    """Writes the curated table; gives the number of pictures per reason ("" for those kept).

    Args:
        run: spreads what is dear over a cluster; the table is the same wherever it runs.
    """
    gathered.gather(layout, run)
    verdicts = _verdicts(recipe, layout, run)
    sizes, measured, start = np.array(catalog.part_sizes(layout.catalog)), gathered.groups(layout, _TAKEN_OVER), 0
    with put(layout.curated) as file, pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
        for (parts, listed), numbers in zip(catalog.groups(layout.catalog, list(LISTED)), measured, strict=True):
            writer.write_table(_curated(_places(parts, sizes), listed, numbers, verdicts, start))
            start += listed.num_rows
    gathered.forget(layout)
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


def _verdicts(recipe: Recipe, layout: Layout, run: Runner) -> Verdicts:
    judged = needed(recipe.curate)
    measured = gathered.read(layout, list(dict.fromkeys([*judged, *SIZES, "fault", "sha256"])))
    faults = measured["fault"].to_numpy()
    reasons = judge_all(faults, {name: measured[name].to_numpy() for name in judged}, recipe.curate)
    gone = tombstones.of(recipe.tombstones, layout.tombstones).sha256
    reasons[pc.is_in(measured["sha256"], pa.array(sorted(gone), pa.string())).to_numpy()] = "removed"
    verdicts = Verdicts(reasons, np.full(len(reasons), "", object), {})
    if recipe.curate.faces or recipe.image.fit == "face" or recipe.guides.members():
        _judge_one_by_one(recipe, layout, verdicts)
    _drop_duplicates(recipe, layout, measured["sha256"], verdicts)
    groupings = [_drop_copies(recipe, layout, measured, verdicts, run)]
    groupings.append(columns.people(recipe, layout, measured["sha256"], verdicts.reasons == KEEP))
    if recipe.splits.mode == "official":
        _drop_unsplit(layout, measured["sha256"], groupings, verdicts)
    _drop_crowds(recipe, layout, measured["sha256"], groupings[-1], verdicts)
    _balance(recipe, layout, measured["sha256"], verdicts)
    _split(recipe, layout, measured["sha256"], groupings, verdicts)
    return verdicts


def _judge_one_by_one(recipe: Recipe, layout: Layout, verdicts: Verdicts) -> None:
    """Judges what is told in JSON: faces and guides, of the pictures that no other rule drops."""
    start = 0
    measured = gathered.groups(layout, [*needed(recipe.curate), "fault", "found"])
    for (_, listed), numbers in zip(catalog.groups(layout.catalog, ["faces", "guides"]), measured, strict=True):
        rows = numbers.to_pylist()
        for position, (row, said) in enumerate(zip(rows, listed.to_pylist(), strict=True), start):
            if verdicts.reasons[position] == KEEP:
                reason, detail = measure.verdict(row, recipe, said["faces"], said["guides"])
                verdicts.reasons[position] = reason
                verdicts.details |= {position: detail} if detail else {}
        start += len(rows)


def _drop_duplicates(recipe: Recipe, layout: Layout, digests: pa.ChunkedArray, verdicts: Verdicts) -> None:
    kept = np.flatnonzero(verdicts.reasons == KEEP)
    firsts = kept[duplicates.exact(digests.take(pa.array(kept)))]
    again = kept != firsts
    if not again.any():
        return
    verdicts.reasons[kept[again]] = "duplicate"
    told = columns.of_whom(recipe, layout, firsts[again])
    verdicts.details |= dict(zip(kept[again].tolist(), told, strict=True))


def _drop_copies(
    recipe: Recipe, layout: Layout, measured: pa.Table, verdicts: Verdicts, run: Runner
) -> NDArray[np.int64]:
    """Drops near-duplicates but the best of each group; gives (N,) the group of each picture, -1 for none."""
    groups = np.full(len(verdicts.reasons), splits.NONE, np.int64)
    if recipe.curate.duplicates is None:
        return groups
    kept = np.flatnonzero(verdicts.reasons == KEEP)
    found = copies.find(recipe, layout, kept, measured, run)
    verdicts.reasons[found.contaminated] = "contaminated"
    verdicts.reasons[found.dropped] = "near_duplicate"
    verdicts.details |= found.details
    groups[kept] = found.groups
    return groups


def _drop_unsplit(
    layout: Layout, digests: pa.ChunkedArray, groupings: list[NDArray[np.int64]], verdicts: Verdicts
) -> None:
    """Under official splits, pictures without one are dropped, and those that would put a group into two."""
    declared = splits.numbers_of(columns.listed(layout, "split"))
    verdicts.reasons[(verdicts.reasons == KEEP) & (declared == splits.NONE)] = "no_official_split"
    kept = np.flatnonzero(verdicts.reasons == KEEP)
    lost = splits.conflicts(declared[kept], _leaders(layout, digests, groupings, kept))
    verdicts.reasons[kept[lost]] = "split_conflict"


def _drop_crowds(
    recipe: Recipe, layout: Layout, digests: pa.ChunkedArray, people: NDArray[np.int64], verdicts: Verdicts
) -> None:
    """Of every person so many pictures are kept, chosen by a seeded digest."""
    faces = recipe.curate.faces
    if faces is None or faces.identities is None or faces.identities.max_pictures is None:
        return
    kept = np.flatnonzero(verdicts.reasons == KEEP)
    chosen = pa.array(kept)
    declared = columns.listed(layout, "identity").take(chosen)
    surplus = identities.surplus(
        digests.take(chosen), declared, people[kept], faces.identities.max_pictures, recipe.seed
    )
    verdicts.reasons[kept[surplus]] = "too_many_of_person"


def _balance(recipe: Recipe, layout: Layout, digests: pa.ChunkedArray, verdicts: Verdicts) -> None:
    """Drops what a balanced dataset has no place for, and writes down what was there, wanted and kept."""
    if recipe.balance is None:
        return
    found = columns.balanced(recipe, layout, digests, verdicts.reasons == KEEP)
    verdicts.reasons[found.lacking] = "no_balance_label"
    verdicts.reasons[found.unbalanced] = "unbalanced"
    put_json(layout.balance, found.summary)


def _split(
    recipe: Recipe, layout: Layout, digests: pa.ChunkedArray, groupings: list[NDArray[np.int64]], verdicts: Verdicts
) -> None:
    """Split of every kept picture."""
    kept = np.flatnonzero(verdicts.reasons == KEEP)
    if recipe.splits.mode == "official":
        verdicts.splits[kept] = columns.listed(layout, "split").to_numpy()[kept]
        return
    sha256, leaders = digests.take(pa.array(kept)), _leaders(layout, digests, groupings, kept)
    assign = splits.by_hash if recipe.splits.mode == "hash" else splits.by_shares
    numbers = assign(sha256, leaders, recipe.splits.shares(), recipe.seed)
    verdicts.splits[kept] = splits.names_of(numbers).to_numpy(zero_copy_only=False)


def _leaders(
    layout: Layout, digests: pa.ChunkedArray, groupings: list[NDArray[np.int64]], kept: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Of pictures given by position, who belong together: see `splits.join`."""
    chosen = pa.array(kept)
    identity = columns.listed(layout, "identity").take(chosen)
    found = [pa.chunked_array([grouping[kept]]) for grouping in groupings]
    return splits.join(digests.take(chosen), [identity, *found])


def _curated(places: pa.Table, listed: pa.Table, measured: pa.Table, verdicts: Verdicts, start: int) -> pa.Table:
    """Curated rows, of which the first picture stands at `start`, and each at its place in the catalog."""
    end = start + listed.num_rows
    said = pa.array([verdicts.details.get(position) for position in range(start, end)], pa.string())
    columns = {name: table[name] for table in (measured, listed, places) for name in table.column_names}
    columns |= {
        "detail": said.fill_null(measured["detail"].combine_chunks()),
        "split": pa.array(verdicts.splits[start:end], pa.string()),
        "reason": pa.array(verdicts.reasons[start:end], pa.string()),
    }
    return pa.table({name: columns[name] for name in SCHEMA.names}, schema=SCHEMA)


def _places(parts: range, sizes: NDArray[np.int64]) -> pa.Table:
    """Part and row of all pictures of some parts."""
    rows = np.concatenate([np.arange(size, dtype=np.int32) for size in sizes[parts]])
    return pa.table({"part": np.repeat(np.array(parts, np.int32), sizes[parts]), "row": rows})
