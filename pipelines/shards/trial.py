"""A trial: a few pictures taken through the whole way, to say what the rest will cost."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import seeds
from pipelines.damage.base import Context, Damage, DamageFailed
from pipelines.errors import RecipeError
from pipelines.imaging.encode import decode_image
from pipelines.layout import Layout
from pipelines.ratios import asked_ranges
from pipelines.recipe import Recipe
from pipelines.shards.compose import context_of
from pipelines.shards.plan import with_crops
from pipelines.shards.write import Fetch, crops_of, packed, samples_of
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


@dataclass
class Attempt:
    """What came of drawing one damage for a few pictures, with one ratio asked of it.

    Attributes:
        drawn, failed, lacking: pictures on which it was drawn, met no parameters, or found nothing to damage.
        said: what it said when it failed last, or what it lacked.
    """

    drawn: int = 0
    failed: int = 0
    lacking: int = 0
    said: str = ""


Attempts = dict[tuple[int, tuple[float, float] | None], Attempt]
"""By the number of the recipe's damage and the ratio range asked of it, None for its own distribution."""


def try_damages(recipe: Recipe, rows: list[dict[str, Any]], fetch: Fetch, attempts: Attempts) -> None:
    """Draws every damage for some pictures, with every ratio that the recipe may ask of it.

    Args:
        attempts: counts what came of it; changed.
    """
    if not recipe.damage:
        return
    for row, crop, rendition in crops_of(rows, fetch):
        context = context_of(recipe, row, rendition, decode_image(rendition.data))
        for number, damage in enumerate(recipe.damage):
            for asked in _asked(recipe, damage):
                _try(damage, (recipe.seed, row["sha256"], crop, number, asked), replace(context, ratio_range=asked),
                     attempts.setdefault((number, asked), Attempt()))  # fmt: skip


def _asked(recipe: Recipe, damage: Damage) -> list[tuple[float, float] | None]:
    fixed = [asked for split in recipe.splits.per_bin for asked in recipe.splits.ranges(split)]
    own: list[tuple[float, float] | None] = [*asked_ranges(damage, recipe.ratio_bins)]
    return list(dict.fromkeys([*(own or [None]), *(fixed if damage.can_be_asked() else [])]))


def _try(damage: Damage, seed: tuple[object, ...], context: Context, attempt: Attempt) -> None:
    if lacks := damage.lacks(context):
        attempt.lacking += 1
        attempt.said = attempt.said or lacks
        return
    try:
        damage.sample(seeds.generator("plan", *seed), context)
        attempt.drawn += 1
    except DamageFailed as failure:
        attempt.failed += 1
        attempt.said = str(failure)


def judge(recipe: Recipe, attempts: Attempts) -> list[str]:
    """Sentences about damages that failed on some pictures, or found nothing to damage.

    Raises:
        RecipeError: one that is asked for met what is asked on no picture.
    """
    notes, hopeless = [], []
    for (number, asked), attempt in attempts.items():
        name = f"damage {number + 1} ({recipe.damage[number].kind})"
        wanted = f" with a ratio in ({asked[0]:g}, {asked[1]:g}]" if asked else ""
        tried = attempt.drawn + attempt.failed
        if attempt.failed and not attempt.drawn:
            hopeless.append(f"{name} could be drawn{wanted} on none of {tried} pictures: {attempt.said}")
        elif attempt.failed:
            notes.append(f"{name} could not be drawn{wanted} on {attempt.failed} of {tried} pictures: {attempt.said}")
        elif not tried:
            notes.append(f"{name} stood aside on all of {attempt.lacking} pictures: they have no {attempt.said}")
    if hopeless:
        raise RecipeError("\n".join(hopeless))
    return list(dict.fromkeys(notes))


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
