"""What became of a picture: found, measured, judged, planned, written, or where on this way it stopped."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import tombstones
from pipelines.errors import REASONS, MenderyError
from pipelines.layout import Layout
from pipelines.places import place
from pipelines.sample import is_key
from pipelines.storage import opened, read_json

_DIGEST = re.compile(r"[0-9a-f]{8,64}")
_KEY = re.compile(r"([0-9a-f]{20})-\d\d-\d\d")


@dataclass(frozen=True)
class Fate:
    """What became of one picture.

    Attributes:
        source, uri: where it was found.
        sha256: digest of its bytes, "" where they could not be read.
        numbers: what was measured of it.
        reason, detail: why it was dropped, "" if it was kept.
        split: where it was put.
        shard: name of the shard in which its samples were planned.
        keys: its samples that are written.
        quarantined: samples of it that could not be made, with their reason.
    """

    source: str
    uri: str
    sha256: str
    numbers: dict[str, Any]
    reason: str
    detail: str
    split: str
    shard: str = ""
    keys: list[str] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """The fate in words."""
        if self.reason:
            said = f": {self.detail}" if self.detail else ""
            return f"dropped as {self.reason} ({REASONS[self.reason]}){said}"
        if not self.shard:
            return f"kept for split {self.split}; no shard is planned yet"
        made = f"{len(self.keys)} samples in {self.shard}" if self.keys else f"planned for {self.shard}"
        return f"kept: {made}" + (f"; quarantined: {', '.join(self.quarantined)}" if self.quarantined else "")


def why(out: str | Path, picture: str) -> list[Fate]:
    """Says what became of a picture, in a build that is complete, running or stopped.

    Args:
        out: folder of the dataset.
        picture: its `source_uri` or the end of it (file name or path), the key of one of its samples, or at least eight
            digits of its SHA-256.

    Raises:
        MenderyError: the folder holds no verdicts, or nothing in it is called so.
    """
    layout = Layout(place(out))
    if not layout.curated.is_file():
        raise MenderyError(f"{layout.state} holds no verdicts yet: `mendery curate` or `mendery build` makes them")
    table = pq.read_table(opened(layout.curated))
    rows = table.filter(_called(table, picture)).to_pylist()
    if not rows and (gone := _removed(layout, picture)):
        return [gone]
    if not rows:
        removed = len(tombstones.read(layout.tombstones).sha256)
        told = f"; removed on request were {removed:,}, of which only the SHA-256 is known" if removed else ""
        raise MenderyError(
            f"no picture {picture!r} among the {table.num_rows:,} of {layout.out}: give the end of its path, the key "
            f"of a sample, or eight digits of its SHA-256{told}"
        )
    names = [source["name"] for source in read_json(layout.begun_with)["sources"]]
    return [_fate(layout, row, names) for row in rows]


def _removed(layout: Layout, picture: str) -> Fate | None:
    """The fate of a picture that is named by its digest, or by a key, and was removed."""
    found = _KEY.fullmatch(picture)
    start = found[1] if found else picture
    digests = [one for one in tombstones.read(layout.tombstones).sha256 if one.startswith(start)]
    if not _DIGEST.fullmatch(start) or len(digests) != 1:
        return None
    return Fate("(forgotten)", "(forgotten)", digests[0], {}, "removed", "", "")


def _called(table: pa.Table, picture: str) -> pa.ChunkedArray:
    """Which rows a name means."""
    by_name = pc.or_(pc.equal(table["uri"], picture), pc.ends_with(table["uri"], f"/{picture}"))
    if is_key(picture) and (found := _KEY.fullmatch(picture)):
        return pc.starts_with(table["sha256"], found[1])
    if _DIGEST.fullmatch(picture):
        return pc.or_(by_name, pc.starts_with(table["sha256"], picture))
    return by_name


def _fate(layout: Layout, row: dict[str, Any], names: list[str]) -> Fate:
    told = {"part", "row", "source", "uri", "sha256", "reason", "detail", "split"}
    nothing = ("", "[]", "{}", None)
    # What is not equal to itself is NaN: not measured.
    numbers = {name: one for name, one in row.items() if name not in told and one not in nothing and one == one}  # noqa: PLR0124
    shard = "" if row["reason"] else _shard_of(layout, row["sha256"])
    keys, quarantined = _samples(layout, shard, row["sha256"])
    texts = {name: row[name] for name in ("uri", "sha256", "reason", "detail", "split")}
    return Fate(names[row["source"]], numbers=numbers, shard=shard, keys=keys, quarantined=quarantined, **texts)


def _shard_of(layout: Layout, sha256: str) -> str:
    if not layout.plan_summary.is_file():  # a removal has forgotten it; the indexes know as well
        return _shard_that_holds(layout, sha256)
    shards, plan = read_json(layout.plan_summary)["shards"], pq.ParquetFile(opened(layout.plan))
    for number in range(plan.num_row_groups):
        if pc.any(pc.equal(plan.read_row_group(number, columns=["sha256"])["sha256"], sha256)).as_py():
            return str(shards[number]["name"])
    return ""


def _shard_that_holds(layout: Layout, sha256: str) -> str:
    shards = read_json(layout.manifest)["shards"] if layout.manifest.is_file() else []
    for shard in shards:
        column = pq.read_table(opened(layout.index(shard["name"])), columns=["source_sha256"])["source_sha256"]
        if pc.any(pc.equal(column, sha256)).as_py():
            return str(shard["name"])
    return ""


def _samples(layout: Layout, shard: str, sha256: str) -> tuple[list[str], list[str]]:
    """Keys of a picture's samples in a shard that is written, and those that could not be made."""
    if not shard or not (layout.commit(shard).is_file() or layout.manifest.is_file()):
        return [], []
    record = layout.commit(shard) if layout.commit(shard).is_file() else layout.manifest
    failed = [entry for entry in read_json(record)["quarantined"] if entry["key"].startswith(sha256[:20])]
    keys = []
    if layout.index(shard).is_file():
        found = pq.read_table(opened(layout.index(shard)), filters=pc.field("source_sha256") == sha256)
        keys = found["key"].to_pylist()
    return keys, [f"{entry['key']} ({entry['reason']}: {entry['detail']})" for entry in failed]
