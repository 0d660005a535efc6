"""The plan: which picture goes into which shard, decided once and written down.

The samples of one picture stay together; pictures are shuffled one by one, by a seeded hash of their digest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
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


@dataclass(frozen=True)
class PlannedShard:
    """One shard to write.

    Attributes:
        name: file stem, such as "train-000000"; unique over the dataset.
        pictures: positions in the curated table.
    """

    name: str
    split: str
    pictures: tuple[int, ...]


def write(recipe: Recipe, layout: Layout, samples_per_shard: int) -> dict[str, Any]:
    """Writes the plan: a row group of pictures per shard, and a summary; gives the summary.

    Raises:
        MenderyError: no picture was kept.
    """
    table = pq.read_table(opened(layout.curated))
    kept = table.filter(pc.equal(table["reason"], ""))
    if not kept.num_rows:
        raise MenderyError(f"no picture was kept of {table.num_rows} found: {_why(table)}")
    kept = kept.append_column("renditions", packed(layout, kept))
    samples = pc.list_value_length(kept["renditions"]).to_numpy() * recipe.variants
    shards = assign(recipe, kept, samples, samples_per_shard)
    with put(layout.plan) as file, pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
        for shard in shards:
            writer.write_table(kept.take(list(shard.pictures)), row_group_size=len(shard.pictures))
    summary = {
        "shards": [
            {"name": shard.name, "split": shard.split, "samples": int(samples[list(shard.pictures)].sum())}
            for shard in shards
        ],
        "pictures": kept.num_rows,
        "samples": int(samples.sum()),
        "versions": versions(),
    }
    put_json(layout.plan_summary, summary)
    return summary


def assign(recipe: Recipe, kept: pa.Table, samples: NDArray[np.int64], samples_per_shard: int) -> list[PlannedShard]:
    """Cuts every split into shards of equally many pictures, give or take one.

    Args:
        samples: (N,) how many samples each picture gives.
    """
    splits, places = kept["split"].to_pylist(), _places(recipe, kept)
    shards: list[PlannedShard] = []
    for split in SPLITS:
        positions = sorted((position for position, name in enumerate(splits) if name == split), key=places.__getitem__)
        if not positions:
            continue
        total = math.ceil(int(samples[positions].sum()) / samples_per_shard)
        for number in range(min(total, len(positions))):
            start, end = (len(positions) * edge // min(total, len(positions)) for edge in (number, number + 1))
            shards.append(PlannedShard(f"{split}-{number:06d}", split, tuple(positions[start:end])))
    return shards


def packed(layout: Layout, kept: pa.Table) -> pa.Array:
    """Where the crops of pictures lie in their packs.

    Args:
        kept: rows of the curated table, in its order.
    """
    parts, rows = kept["part"].to_numpy(), kept["row"].to_numpy()
    numbers, starts = np.unique(parts, return_index=True)
    found = []
    for part, of_part in zip(numbers.tolist(), np.split(rows, starts[1:]), strict=True):
        index = packs.crops_of(layout, part)
        found.append(index["renditions"].take(pc.index_in(pa.array(of_part), index["row"])).combine_chunks())
    return pa.concat_arrays(found)


def parts_of(layout: Layout, shards: list[int]) -> list[int]:
    """Parts of the catalog whose pictures stand in these shards of the plan, given by number."""
    if not shards:
        return []
    found = pq.ParquetFile(opened(layout.plan)).read_row_groups(shards, columns=["part"])
    return sorted(pc.unique(found["part"]).to_pylist())


def _places(recipe: Recipe, kept: pa.Table) -> list[int]:
    """Sort key of every picture."""
    return [seeds.digest(recipe.seed, sha256, "order") for sha256 in kept["sha256"].to_pylist()]


def _why(table: pa.Table) -> str:
    counts = pc.value_counts(table["reason"]).to_pylist()
    return ", ".join(
        f"{entry['counts']} {entry['values']}" for entry in sorted(counts, key=lambda entry: -entry["counts"])
    )
