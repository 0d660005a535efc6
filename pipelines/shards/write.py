"""Writing one planned shard: tar, index, commit record, in this order.

Anything without a commit record is not there, so a writer may be killed at any moment. The bytes
depend on the plan alone: members are sorted, times are zero, names come from the plan.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import catalog
from pipelines.curate.measure import Readers, parsed
from pipelines.errors import BadPicture, MenderyError
from pipelines.layout import Layout
from pipelines.recipe import Recipe
from pipelines.shards.compose import HEAT_SIDE, Failed, Sample, compose, keys_of
from pipelines.storage import put, put_json, read_json, sha256_of
from pipelines.versions import versions

INDEX_COLUMNS = (
    "split", "corpus", "source", "source_uri", "source_sha256", "licence", "damage", "mask_ratio", "mask_ratio_bin",
    "crop", "variant",
)  # fmt: skip
MEMBER = pa.struct([("name", pa.string()), ("offset", pa.int64()), ("size", pa.int64())])
_TYPES = {"mask_ratio": pa.float64(), "crop": pa.int32(), "variant": pa.int32()}
INDEX_SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        *((name, _TYPES.get(name, pa.string())) for name in INDEX_COLUMNS),
        ("members", pa.list_(MEMBER)),
    ]
)

SEQUENTIAL = frozenset({"parquet", "tar.gz"})
"""Containers that are read in their own order, because going back is dear."""


@dataclass(frozen=True)
class ShardJob:
    """One row group of the plan."""

    out: str
    recipe: str
    shard: str
    row_group: int
    versions: tuple[tuple[str, str], ...]


def write_shard(job: ShardJob) -> dict[str, Any]:
    """Writes one shard with its index and commits it; gives the commit record."""
    _refuse_other_versions(dict(job.versions))
    layout, recipe = Layout(Path(job.out)), parsed(job.recipe)
    rows = pq.ParquetFile(layout.plan).read_row_group(job.row_group).to_pylist()
    quarantined: list[dict[str, str]] = []
    with put(layout.shard(job.shard)) as file, Readers(recipe, layout) as readers:
        writer = ShardWriter(file)
        for sample in samples_of(recipe, readers, rows, quarantined):
            writer.add(sample)
        writer.finish()
    with put(layout.index(job.shard)) as index:
        pq.write_table(pa.Table.from_pylist(writer.index, schema=INDEX_SCHEMA), index, compression="zstd")
    files = {"shard": layout.shard(job.shard), "index": layout.index(job.shard)}
    commit = {
        "name": job.shard,
        "samples": len(writer.index),
        "files": {kind: {"bytes": path.stat().st_size, "sha256": sha256_of(path)} for kind, path in files.items()},
        "quarantined": quarantined,
        "heat": writer.heat.ravel().tolist(),
    }
    if not writer.index:  # every picture failed: an empty tar would look like a shard
        layout.shard(job.shard).unlink()
        layout.index(job.shard).unlink()
    put_json(layout.commit(job.shard), commit)
    return commit


def samples_of(
    recipe: Recipe, readers: Readers, rows: list[dict[str, Any]], quarantined: list[dict[str, str]]
) -> Iterator[Sample]:
    """Samples of the planned pictures; those that cannot be made go to `quarantined`."""
    for row in sorted(rows, key=reading_order):
        try:
            data = readers.read(row["source"], catalog.location_of(row))
            if hashlib.sha256(data).hexdigest() != row["sha256"]:
                raise BadPicture("changed", "the source changed while the build ran")
            for made in compose(recipe, row, data):
                if isinstance(made, Sample):
                    yield made
                else:
                    quarantined.append(_quarantine(recipe, row, made))
        except BadPicture as bad:
            quarantined += [
                _quarantine(recipe, row, Failed(key, bad.reason, bad.detail)) for key in keys_of(recipe, row["sha256"])
            ]


def reading_order(row: dict[str, Any]) -> tuple[Any, ...]:
    """By key where any picture can be read alone, else along the container."""
    if row["container"] in SEQUENTIAL:
        return (1, row["source"], row["file"], row["row_group"], row["row"], row["offset"])
    return (0, row["sha256"])


class ShardWriter:
    """Writes samples into a tar whose members are sorted by name, in whatever order they come."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._end = 0
        self._sorted = True
        self.index: list[dict[str, Any]] = []
        self.heat = np.zeros((HEAT_SIDE, HEAT_SIDE), np.int64)

    def add(self, sample: Sample) -> None:
        members = []
        for name, data in sample.members.items():
            self._file.write(tar_header(f"{sample.key}.{name}", len(data)))
            self._file.write(data)
            self._file.write(bytes(-len(data) % tarfile.BLOCKSIZE))
            members.append({"name": name, "offset": self._end + tarfile.BLOCKSIZE, "size": len(data)})
            self._end += tarfile.BLOCKSIZE + len(data) + -len(data) % tarfile.BLOCKSIZE
        self._sorted &= not self.index or self.index[-1]["key"] < sample.key
        row = {"key": sample.key} | {name: sample.metadata[name] for name in INDEX_COLUMNS}
        self.index.append(row | {"members": members})
        if sample.heat is not None:
            self.heat += sample.heat

    def finish(self) -> None:
        """Puts the samples in order if they came otherwise, and ends the tar."""
        if not self._sorted:
            self._sort()
        self._file.write(bytes(2 * tarfile.BLOCKSIZE))

    def _sort(self) -> None:
        """Copies the samples through a spool; only containers that must be read in their own order need it."""
        with tempfile.TemporaryFile() as spool:
            self._file.seek(0)
            shutil.copyfileobj(self._file, spool, 2**20)
            self._file.seek(0)
            self._file.truncate()
            self._end = 0
            self.index.sort(key=lambda row: row["key"])
            for row in self.index:
                start = row["members"][0]["offset"] - tarfile.BLOCKSIZE
                last = row["members"][-1]
                spool.seek(start)
                length = last["offset"] + last["size"] + -last["size"] % tarfile.BLOCKSIZE - start
                self._file.write(spool.read(length))
                for member in row["members"]:
                    member["offset"] += self._end - start
                self._end += length


def tar_header(name: str, size: int) -> bytes:
    """A ustar header that says nothing about when, where and by whom it was written."""
    member = tarfile.TarInfo(name)
    member.size = size
    return member.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")


def committed(layout: Layout, names: list[str]) -> dict[str, dict[str, Any]]:
    """Commit records of the shards that are finished, by name."""
    there = {path.stem for path in layout.commits.glob("*.json")}
    return {name: read_json(layout.commit(name)) for name in names if name in there}


def _quarantine(recipe: Recipe, row: dict[str, Any], failed: Failed) -> dict[str, str]:
    source = recipe.sources[row["source"]]
    uri = source.public_uri(row["uri"])
    return {"key": failed.key, "source": source.name, "uri": uri, "reason": failed.reason, "detail": failed.detail}


def _refuse_other_versions(planned: dict[str, str]) -> None:
    here = versions()
    other = [
        f"{name} {here.get(name)} here, {planned[name]} in the plan"
        for name in planned
        if planned[name] != here.get(name)
    ]
    if other:
        raise MenderyError(
            f"this worker would write other bytes: {'; '.join(other)}. Install the same versions on every node"
        )
