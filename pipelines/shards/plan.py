"""The plan: which picture goes into which shard, decided once and written down.

The samples of one picture stay together; pictures are shuffled one by one, by a seeded hash of their digest. Only what
decides is held in memory; the rows themselves are sorted through files on disk, since millions of them are many
gigabytes.
"""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines import seeds
from pipelines.curate import decide, packs
from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.recipe import Recipe
from pipelines.sample import SPLITS
from pipelines.storage import opened, put, put_json
from pipelines.versions import versions

SCHEMA = pa.schema([*decide.SCHEMA, ("renditions", packs.CROPS)])

BUCKET = 100_000
"""Rows that are sorted in memory at a time."""


@dataclass(frozen=True)
class Assignment:
    """Where every kept picture goes.

    Attributes:
        names: of the shards, "train-000000" and so on; unique over the dataset.
        shards: (N,) number of each picture's shard, in the order of the curated table.
        places: (N,) its place among all pictures, in the order of the shards.
    """

    names: list[str]
    shards: NDArray[np.int64]
    places: NDArray[np.int64]


def write(recipe: Recipe, layout: Layout, samples_per_shard: int) -> dict[str, Any]:
    """Writes the plan: a row group of pictures per shard, and a summary; gives the summary.

    Raises:
        MenderyError: no picture was kept.
    """
    deciding = pq.read_table(opened(layout.curated), columns=["reason", "split", "sha256", "part", "row"])
    kept = deciding.filter(pc.equal(deciding["reason"], ""))
    if not kept.num_rows:
        raise MenderyError(f"no picture was kept of {deciding.num_rows} found: {_why(deciding)}")
    samples = num_crops(recipe, layout, kept) * _variants(recipe, kept)
    assigned = assign(recipe, kept, samples, samples_per_shard)
    _write_rows(layout, assigned)
    totals = np.bincount(assigned.shards, weights=samples, minlength=len(assigned.names)).astype(int).tolist()
    summary = {
        "shards": [
            {"name": name, "split": name.rpartition("-")[0], "samples": total}
            for name, total in zip(assigned.names, totals, strict=True)
        ],
        "pictures": kept.num_rows,
        "samples": int(samples.sum()),
        "versions": versions(),
    }
    put_json(layout.plan_summary, summary)
    return summary


def assign(recipe: Recipe, kept: pa.Table, samples: NDArray[np.int64], samples_per_shard: int) -> Assignment:
    """Cuts every split into shards of equally many pictures, give or take one.

    Args:
        kept: `split` and `sha256` of the kept pictures.
        samples: (N,) how many samples each picture gives.
    """
    splits, order = kept["split"].to_numpy(), _order(recipe, kept)
    names: list[str] = []
    shards, places = np.empty(kept.num_rows, np.int64), np.empty(kept.num_rows, np.int64)
    placed = 0
    for split in SPLITS:
        positions = order[splits[order] == split]
        if not positions.size:
            continue
        number = min(len(positions), math.ceil(int(samples[positions].sum()) / samples_per_shard))
        edges = [len(positions) * edge // number for edge in range(number + 1)]
        shards[positions] = len(names) + np.repeat(np.arange(number), np.diff(edges))
        places[positions] = placed + np.arange(len(positions))
        names += [f"{split}-{shard:06d}" for shard in range(number)]
        placed += len(positions)
    return Assignment(names, shards, places)


def num_crops(recipe: Recipe, layout: Layout, kept: pa.Table) -> NDArray[np.int64]:
    """Crops of kept pictures, of which `part` and `row` are given in the order of the curated table."""
    if recipe.image.fit != "face":  # as many of each; only faces must be counted
        return np.full(kept.num_rows, recipe.image.crops_per_image, np.int64)
    counts = []
    for part, rows in _by_part(kept):
        index = packs.crops_of(layout, part)
        number = np.zeros(int(max(rows.max(), pc.max(index["row"]).as_py())) + 1, np.int64)
        number[index["row"].to_numpy()] = pc.list_value_length(index["renditions"]).to_numpy()
        counts.append(number[rows])
    return np.concatenate(counts)


def with_crops(layout: Layout, kept: pa.Table) -> pa.Table:
    """Rows of the curated table, in its order, with the places of their crops."""
    found = [
        (index := packs.crops_of(layout, part))["renditions"]
        .take(pc.index_in(pa.array(rows), index["row"]))
        .combine_chunks()
        for part, rows in _by_part(kept)
    ]
    return kept.append_column("renditions", pa.concat_arrays(found))


def parts_of(layout: Layout, shards: list[int]) -> list[int]:
    """Parts of the catalog whose pictures stand in these shards of the plan, given by number."""
    if not shards:
        return []
    found = pq.ParquetFile(opened(layout.plan)).read_row_groups(shards, columns=["part"])
    return sorted(pc.unique(found["part"]).to_pylist())


def _write_rows(layout: Layout, assigned: Assignment) -> None:
    """Writes the planned rows, a row group per shard.

    They are dealt out to files of neighbouring shards first, and each file is sorted by itself.
    """
    sizes = np.bincount(assigned.shards)
    bucket_of_shard = np.cumsum(sizes) // BUCKET
    with tempfile.TemporaryDirectory(prefix="mendery-plan-") as folder:
        files = {int(bucket): Path(folder) / f"{bucket}.arrow" for bucket in np.unique(bucket_of_shard)}
        _deal(layout, assigned, bucket_of_shard, files)
        with put(layout.plan) as file, pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
            for path in files.values():
                for shard in _sorted(path):
                    writer.write_table(shard, row_group_size=shard.num_rows)


def _deal(layout: Layout, assigned: Assignment, bucket_of_shard: NDArray[np.int64], files: dict[int, Path]) -> None:
    schema = pa.schema([*SCHEMA, ("shard", pa.int64()), ("place", pa.int64())])
    curated, start = pq.ParquetFile(opened(layout.curated)), 0
    with ExitStack() as stack:
        writers = {number: stack.enter_context(pa.ipc.new_file(path, schema)) for number, path in files.items()}
        for part in range(curated.num_row_groups):
            rows = curated.read_row_group(part)
            rows = rows.filter(pc.equal(rows["reason"], ""))
            if not rows.num_rows:
                continue
            shards, places = (column[start : start + rows.num_rows] for column in (assigned.shards, assigned.places))
            start += rows.num_rows
            rows = with_crops(layout, rows).append_column("shard", pa.array(shards))
            rows = rows.append_column("place", pa.array(places))
            buckets = bucket_of_shard[shards]
            for number in np.unique(buckets).tolist():
                writers[number].write_table(rows.filter(pa.array(buckets == number)))


def _sorted(path: Path) -> Iterator[pa.Table]:
    """The shards of one file."""
    with pa.ipc.open_file(path) as file:
        rows = file.read_all().sort_by("place")
    numbers, starts = np.unique(rows["shard"].to_numpy(), return_index=True)
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), rows.num_rows], strict=True):
        yield rows.slice(start, end - start).select(SCHEMA.names).combine_chunks()
    assert np.all(np.diff(numbers) > 0)


def _by_part(kept: pa.Table) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Part and rows of pictures, which come in the order of the catalog."""
    numbers, starts = np.unique(kept["part"].to_numpy(), return_index=True)
    yield from zip(numbers.tolist(), np.split(kept["row"].to_numpy(), starts[1:]), strict=True)


def _variants(recipe: Recipe, kept: pa.Table) -> NDArray[np.int64]:
    """(N,) samples of each crop of every kept picture."""
    of_split = np.array([recipe.num_variants(split) for split in SPLITS])
    found: NDArray[np.int64] = of_split[pc.index_in(kept["split"], pa.array(SPLITS)).to_numpy()]
    return found


def _order(recipe: Recipe, kept: pa.Table) -> NDArray[np.int64]:
    """Positions of all pictures, shuffled by a hash of their digest."""
    return seeds.order(seeds.digests(recipe.seed, kept["sha256"], "order"))


def _why(table: pa.Table) -> str:
    counts = Counter(table["reason"].to_pylist())
    return ", ".join(f"{count} {reason}" for reason, count in counts.most_common())
