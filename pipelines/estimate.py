"""A dry run: what a recipe would make, from the full listing and a few pictures of each source."""

from __future__ import annotations

import io
import math
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipelines import catalog, seeds
from pipelines.curate.measure import measure, verdict
from pipelines.curate.packs import Pack
from pipelines.curate.readers import Readers, listed
from pipelines.damage import pools
from pipelines.errors import BadPicture
from pipelines.layout import Layout
from pipelines.licences import conflicts, strictest
from pipelines.recipe import Recipe, load
from pipelines.shards.trial import Attempts, Trial, judge, try_damages, try_pictures
from pipelines.shards.write import Crop
from pipelines.sources.base import Listing
from pipelines.storage import opened

LOOKED_AT = 32
"""Pictures measured per source."""

TRIED = 8
"""Pictures taken through the whole way per source."""

DRAWN = 4
"""Pictures of each source on which every damage is tried with every ratio that may be asked of it."""


@dataclass(frozen=True)
class SourceEstimate:
    """What one source would give.

    Attributes:
        pictures: found by listing, exactly.
        looked_at: how many of them were measured; `dropped` counts reasons among these.
        samples, bytes, seconds: estimates for the whole source, seconds on one core of this machine.
        licences: licences of its pictures, with counts.
    """

    name: str
    pictures: int
    looked_at: int
    dropped: dict[str, int]
    samples: int
    bytes: int
    seconds: float
    licences: dict[str, int]


@dataclass(frozen=True)
class Estimate:
    """What a recipe would give.

    Attributes:
        shards: number of shards; a split has at least one.
        seconds: with all cores of this machine, start-up apart.
        redistribute, strictest: whether the whole may be passed on, and the licences that decide it.
        ignored: files passed over because they are no pictures, by suffix.
        notes: what listing has to say, such as annotation files that are missing.
    """

    sources: tuple[SourceEstimate, ...]
    shards: int
    seconds: float
    licence_conflicts: tuple[str, ...] = ()
    redistribute: str = "unknown"
    strictest: tuple[str, ...] = ()
    ignored: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def samples(self) -> int:
        return sum(source.samples for source in self.sources)

    @property
    def bytes(self) -> int:
        return sum(source.bytes for source in self.sources)


def plan(recipe: str | Path | Recipe, sources: Mapping[str, str | Path] | None = None) -> Estimate:
    """Says what a recipe would make without making it.

    Args:
        recipe: a YAML file, the name of a ready recipe, or a loaded recipe.
        sources: where its sources are on this machine, by name or corpus, for those whose path it leaves empty.

    Raises:
        RecipeError: the recipe cannot be followed, or a damage cannot be drawn as asked on any picture looked at.
    """
    recipe = load(recipe, sources)
    with tempfile.TemporaryDirectory(prefix="mendery-plan-") as folder:
        layout = Layout(Path(folder))
        layout.state.mkdir()
        listing = Listing(layout.gzip_indexes)
        catalog.write(recipe, layout.catalog, listing)
        attempts: Attempts = {}
        with Readers(recipe, layout) as readers:
            estimates = tuple(
                _estimate(recipe, number, layout, readers, attempts) for number in range(len(recipe.sources))
            )
    licences = {name for source in estimates for name in source.licences}
    seconds = sum(source.seconds for source in estimates) / (os.cpu_count() or 1)
    redistribute, deciding = strictest(licences)
    return Estimate(
        estimates,
        _num_shards(recipe, estimates),
        seconds,
        tuple(conflicts(licences)),
        redistribute,
        tuple(deciding),
        dict(listing.ignored),
        [*listing.notes, *pools.notes(recipe.damage), *_notes(recipe), *judge(recipe, attempts)],
    )


def _notes(recipe: Recipe) -> list[str]:
    return list(dict.fromkeys(note for damage in recipe.damage for note in damage.notes()))


def _estimate(recipe: Recipe, number: int, layout: Layout, readers: Readers, attempts: Attempts) -> SourceEstimate:
    table = pq.read_table(opened(layout.catalog), filters=[("source", "=", number)])
    uris = table["uri"].to_pylist()
    drawn = sorted(range(len(uris)), key=lambda position: seeds.digest(recipe.seed, uris[position], "look"))[:LOOKED_AT]
    data, started = io.BytesIO(), time.perf_counter()
    pack = Pack(data)
    chosen = table.take(sorted(drawn)).to_pylist()
    outcomes = readers.read_all([(number, catalog.location_of(row)) for row in chosen])
    looked = enumerate(zip(chosen, outcomes, strict=True))
    rows = [_look(recipe, row, outcome, pack, number, readers) for number, (row, outcome) in looked]
    seconds = (time.perf_counter() - started) / len(rows)
    kept = [row for row in rows if not row["reason"]]

    def fetch(crops: Iterable[Crop]) -> Iterator[bytes]:
        return (_slice(data, spot) for _, spot in crops)

    trial = try_pictures(recipe, kept[:TRIED], fetch) if kept else Trial(0, 0, 0)
    try_damages(recipe, kept[:DRAWN], fetch, attempts)
    crops = sum(len(row["renditions"]) for row in kept)
    samples = round(len(uris) * crops / len(rows) * _variants(recipe))
    licences = Counter(licence or recipe.sources[number].licence for licence in table["licence"].to_pylist())
    return SourceEstimate(
        recipe.sources[number].name,
        len(uris),
        len(rows),
        dict(Counter(row["reason"] for row in rows if row["reason"])),
        samples,
        round(samples * trial.bytes_per_sample),
        len(uris) * seconds + samples * trial.seconds_per_sample,
        dict(licences),
    )


def _look(
    recipe: Recipe, row: dict[str, Any], outcome: bytes | BadPicture, pack: Pack, number: int, readers: Readers
) -> dict[str, Any]:
    """A row of the catalog with its measurements, verdict and crops, as the plan would have it."""
    measured = measure(outcome, recipe, pack, number, listed(row, readers))
    reason, crops = verdict(measured, recipe, row["faces"], row["guides"])[0], pack.crops.get(number, [])
    return row | measured | {"reason": reason, "renditions": crops}


def _slice(pack: io.BytesIO, spot: dict[str, Any]) -> bytes:
    return pack.getvalue()[spot["offset"] : spot["offset"] + spot["size"]]


def _variants(recipe: Recipe) -> float:
    """Samples of a crop, on average over the splits."""
    if recipe.splits.mode == "official":
        return recipe.variants
    return sum(share * recipe.num_variants(split) for split, share in recipe.splits.shares().items())


def _num_shards(recipe: Recipe, sources: tuple[SourceEstimate, ...]) -> int:
    samples, num_bytes = sum(source.samples for source in sources), sum(source.bytes for source in sources)
    if recipe.splits.mode == "official" or not samples:
        return math.ceil(samples / recipe.shards.samples)
    per_shard: float = recipe.shards.samples
    if recipe.shards.megabytes:
        per_shard = max(1.0, recipe.shards.megabytes * 10**6 / (num_bytes / samples))
    return sum(math.ceil(samples * share / per_shard) for share in recipe.splits.shares().values())
