"""A trial: a few pictures taken through the whole way, to say what the rest will cost."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import seeds
from pipelines.layout import Layout
from pipelines.recipe import Recipe
from pipelines.shards.plan import with_crops
from pipelines.shards.write import Fetch, packed, samples_of
from pipelines.storage import opened

PICTURES = 12


@dataclass(frozen=True)
class Trial:
    """What a few pictures came to.

    Attributes:
        samples: how many were made.
        bytes_per_sample: in the shard, tar headers included.
        seconds_per_sample: on one core of this machine, from the finished crop on.
    """

    samples: int
    bytes_per_sample: float
    seconds_per_sample: float


def try_pictures(recipe: Recipe, rows: list[dict[str, Any]], fetch: Fetch) -> Trial:
    """Makes all samples of some pictures and throws them away.

    Args:
        rows: rows of the curated table.
    """
    started, count, num_bytes = time.perf_counter(), 0, 0
    for sample in samples_of(recipe, rows, fetch, quarantined=[]):
        count += 1
        num_bytes += sum(512 + len(data) + -len(data) % 512 for data in sample.members.values())
    seconds = time.perf_counter() - started
    return Trial(count, num_bytes / max(count, 1), seconds / max(count, 1))


def samples_per_shard(recipe: Recipe, layout: Layout) -> int:
    """Samples that a shard holds, from the recipe or, where it asks for megabytes, from a trial.

    The trial's pictures are drawn with the recipe's seed and only their bytes are counted, so the
    answer is the same on every machine.
    """
    if recipe.shards.megabytes is None:
        return recipe.shards.samples
    kept = pq.read_table(opened(layout.curated), filters=pc.field("reason") == "")
    digests = kept["sha256"].to_pylist()
    drawn = sorted(range(len(digests)), key=lambda position: seeds.digest(recipe.seed, digests[position], "trial"))
    tried = kept.take(sorted(drawn[:PICTURES]))
    rows = with_crops(layout, tried).to_pylist()
    trial = try_pictures(recipe, rows, packed(layout))
    return max(1, int(recipe.shards.megabytes * 10**6 / max(trial.bytes_per_sample, 1)))
