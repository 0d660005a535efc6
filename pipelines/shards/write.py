"""Writing one planned shard: tar, index, commit record, in this order.

Anything without a commit record is not there, so a writer may be killed at any moment. The bytes
depend on the plan alone: members are sorted, times are zero, names come from the plan.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.curate.measure import parsed
from pipelines.errors import MenderyError
from pipelines.imaging.render import Rendition
from pipelines.layout import Layout
from pipelines.places import ahead, is_remote, place
from pipelines.recipe import Recipe
from pipelines.shards.compose import HEAT_SIDE, Failed, Sample, compose
from pipelines.storage import digest_of, opened, put, put_json, read_json
from pipelines.versions import versions

INDEX_COLUMNS = (
    "split", "corpus", "source", "source_uri", "source_sha256", "licence", "damage", "mask_ratio", "mask_ratio_bin",
    "difficulty", "crop", "variant",
)  # fmt: skip
MEMBER = pa.struct([("name", pa.string()), ("offset", pa.int64()), ("size", pa.int64())])
_TYPES = {"mask_ratio": pa.float64(), "difficulty": pa.float64(), "crop": pa.int32(), "variant": pa.int32()}
INDEX_SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        *((name, _TYPES.get(name, pa.string())) for name in INDEX_COLUMNS),
        ("members", pa.list_(MEMBER)),
    ]
)


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
    layout, recipe = Layout(place(job.out)), parsed(job.recipe)
    rows = pq.ParquetFile(opened(layout.plan)).read_row_group(job.row_group).to_pylist()
    quarantined: list[dict[str, str]] = []
    with put(layout.shard(job.shard)) as file:
        writer = ShardWriter(file)
        for sample in samples_of(recipe, rows, packed(layout), quarantined):
            writer.add(sample)
        writer.finish()
        shard = _described(file)
    with put(layout.index(job.shard)) as index:
        pq.write_table(pa.Table.from_pylist(writer.index, schema=INDEX_SCHEMA), index, compression="zstd")
        files = {"shard": shard, "index": _described(index)}
    commit = {
        "name": job.shard,
        "samples": len(writer.index),
        "files": files,
        "quarantined": quarantined,
        "heat": writer.heat.ravel().tolist(),
    }
    if not writer.index:  # every picture failed: an empty tar would look like a shard
        layout.shard(job.shard).unlink()
        layout.index(job.shard).unlink()
    put_json(layout.commit(job.shard), commit)
    return commit


def _described(file: IO[bytes]) -> dict[str, Any]:
    """Size and digest of a file that was just written."""
    file.seek(0)
    return {"sha256": digest_of(file), "bytes": file.tell()}


Crop = tuple[dict[str, Any], dict[str, Any]]
"""A picture's row in the plan, and the place of a crop, or of a guide, in its pack."""

Fetch = Callable[[list[Crop]], Iterable[bytes]]
"""Bytes of crops, in their order."""


def samples_of(
    recipe: Recipe, rows: list[dict[str, Any]], fetch: Fetch, quarantined: list[dict[str, str]]
) -> Iterator[Sample]:
    """Samples of the planned pictures, in the order of their keys; those that cannot be made go to `quarantined`."""
    for row, crop, rendition in crops_of(rows, fetch):
        for made in compose(recipe, row, crop, rendition):
            if isinstance(made, Sample):
                yield made
            else:
                quarantined.append(_quarantine(recipe, row, made))


def crops_of(rows: list[dict[str, Any]], fetch: Fetch) -> Iterator[tuple[dict[str, Any], int, Rendition]]:
    """Crops of the planned pictures, each with its row and number, in the order of their samples' keys."""
    in_order = sorted(rows, key=lambda row: str(row["sha256"]))
    crops = [(row, crop, spot) for row in in_order for crop, spot in enumerate(row["renditions"])]
    pieces = iter(fetch([(row, piece) for row, _, spot in crops for piece in (spot, *spot["guides"])]))
    for row, crop, spot in crops:
        data = next(pieces)
        guides = {guide["name"]: next(pieces) for guide in spot["guides"]}
        yield row, crop, Rendition(data, tuple(spot["matrix"]), guides)


def packed(layout: Layout) -> Fetch:
    """Reads crops from the packs that measuring has left.

    Raises:
        MenderyError: when called for a pack that is gone or cut.
    """

    def fetch(wanted: Crop) -> bytes:
        row, spot = wanted
        path = layout.pack(row["part"])
        try:
            with path.open("rb") as pack:
                pack.seek(spot["offset"])
                data = pack.read(spot["size"])
        except FileNotFoundError:
            data = b""
        if len(data) != spot["size"]:
            raise MenderyError(f"{path} is not what this build left there: begin again with --fresh")
        return data

    return lambda crops: ahead(fetch, crops) if is_remote(layout.out) else map(fetch, crops)


class ShardWriter:
    """Writes samples, which come in the order of their keys, into a tar whose members are sorted by name."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._end = 0
        self.index: list[dict[str, Any]] = []
        self.heat = np.zeros((HEAT_SIDE, HEAT_SIDE), np.int64)

    def add(self, sample: Sample) -> None:
        assert not self.index or self.index[-1]["key"] < sample.key, sample.key
        members = []
        for name, data in sample.members.items():
            self._file.write(tar_header(f"{sample.key}.{name}", len(data)))
            self._file.write(data)
            self._file.write(bytes(-len(data) % tarfile.BLOCKSIZE))
            members.append({"name": name, "offset": self._end + tarfile.BLOCKSIZE, "size": len(data)})
            self._end += tarfile.BLOCKSIZE + len(data) + -len(data) % tarfile.BLOCKSIZE
        row = {"key": sample.key} | {name: sample.metadata[name] for name in INDEX_COLUMNS}
        self.index.append(row | {"members": members})
        if sample.heat is not None:
            self.heat += sample.heat

    def finish(self) -> None:
        """Ends the tar."""
        self._file.write(bytes(2 * tarfile.BLOCKSIZE))


def tar_header(name: str, size: int) -> bytes:
    """A ustar header that says nothing about when, where and by whom it was written.

    Filled into a template, because `tarfile` takes longer for a header than a disk for a picture.
    """
    encoded, digits = name.encode("ascii"), b"%011o" % size
    assert len(encoded) <= 100, name
    assert len(digits) == 11, f"{name}: {size} bytes do not fit into a ustar header"
    # The checksum is the sum of all bytes; the template's own is taken with spaces in its place.
    checksum = _TEMPLATE_SUM + sum(encoded) + sum(digits) - 11 * ord("0")
    return b"".join((
        encoded.ljust(100, b"\0"), _TEMPLATE[100:124], digits, _TEMPLATE[135:148], b"%06o\0 " % checksum,
        _TEMPLATE[156:],
    ))  # fmt: skip


_TEMPLATE = tarfile.TarInfo("").tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")
_TEMPLATE_SUM = sum(_TEMPLATE[:148]) + 8 * ord(" ") + sum(_TEMPLATE[156:])


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
