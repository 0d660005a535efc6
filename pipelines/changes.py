"""What changed between two catalogs of one recipe: asked whenever a build is continued.

Both are read side by side, piece by piece. Pieces that are equal are passed over; a row of another piece waits until
its counterpart comes. So memory grows with how far the two are apart, which is little where a few pictures were added,
and not with their length.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.storage import opened

ROWS_AT_A_TIME = 8192
NAMED = 3
"""Pictures of each kind that are named."""

_PARTED = "\0"
Waiting = dict[str, list[bytes]]


def between(old: Path, new: Path, names: list[str]) -> list[str]:
    """What changed from one catalog to the other, one line per source, naming a few pictures."""
    sources = [_Source() for _ in names]
    for before, after in zip_longest(_batches(old), _batches(new)):
        if before is None or after is None or not before.equals(after):
            _compare(before, after, sources)
    return [f"source {name!r}: {told}" for name, source in zip(names, sources, strict=True) if (told := source.told())]


@dataclass
class _Source:
    """How two listings of one source differ.

    Attributes:
        removed, added: digests of rows by their place, without a counterpart so far. Several rows may be of one place:
            an archive may hold several members of one name, a list one URL twice.
        changed: places of rows that have a counterpart of other content: a few of them, and how many there are.
    """

    removed: Waiting = field(default_factory=lambda: defaultdict(list))
    added: Waiting = field(default_factory=lambda: defaultdict(list))
    changed: list[str] = field(default_factory=list)
    num_changed: int = 0

    def told(self) -> str:
        counts = {
            "added": (sum(map(len, self.added.values())), heapq.nsmallest(NAMED, self.added)),
            "removed": (sum(map(len, self.removed.values())), heapq.nsmallest(NAMED, self.removed)),
            "changed": (self.num_changed, self.changed),
        }
        return "; ".join(_counted(count, kind, places) for kind, (count, places) in counts.items() if count)

    def take(self, place: str, digest: bytes, own: Waiting, other: Waiting) -> None:
        """Takes up a row of one listing: it meets its counterpart in the other one, or waits for it."""
        found = other.get(place)
        if not found:
            own[place].append(digest)
            return
        if digest in found:
            found.remove(digest)
        else:
            found.pop()
            self.num_changed += 1
            self.changed += [place] if len(self.changed) < NAMED else []
        if not found:
            del other[place]


def _compare(before: pa.RecordBatch | None, after: pa.RecordBatch | None, sources: list[_Source]) -> None:
    for number, place, digest in _rows(before):
        source = sources[number]
        source.take(place, digest, source.removed, source.added)
    for number, place, digest in _rows(after):
        source = sources[number]
        source.take(place, digest, source.added, source.removed)


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(opened(path)) as file:
        yield from file.iter_batches(ROWS_AT_A_TIME)


def _rows(batch: pa.RecordBatch | None) -> Iterator[tuple[int, str, bytes]]:
    """Source, place and digest of each row."""
    if batch is None:
        return
    # Texts are joined by Arrow: a Python value for every cell would take most of the time.
    whole = _joined(batch, batch.schema.names).cast(pa.binary()).to_pylist()
    places = _joined(batch, ["uri", "offset"]).to_pylist()
    for number, place, text in zip(batch["source"].to_pylist(), places, whole, strict=True):
        yield number, place, hashlib.blake2b(text, digest_size=16).digest()


def _joined(batch: pa.RecordBatch, names: list[str]) -> pa.Array:
    return pc.binary_join_element_wise(*(batch[name].cast(pa.string()) for name in names), _PARTED)


def _counted(count: int, kind: str, places: list[str]) -> str:
    uris = ", ".join(place.partition(_PARTED)[0] for place in places)
    return f"{count} {kind} ({uris}{', ...' if count > len(places) else ''})"
