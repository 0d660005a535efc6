"""Reading shards back: one sample by its key, or a whole shard in order."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipelines import manifest
from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.places import fixed, place
from pipelines.sample import METADATA_MEMBER
from pipelines.storage import opened


def find_sample(out: str | Path, key: str) -> tuple[str, dict[str, bytes]]:
    """Shard name and members of one sample, read by byte range.

    Raises:
        MenderyError: no shard holds the key.
    """
    layout = Layout(fixed(place(out)))
    for shard in manifest.read(layout.out)["shards"]:
        index = layout.index(shard["name"])
        rows = pq.read_table(opened(index), columns=["members"], filters=[("key", "=", key)]).to_pylist()
        if rows:
            return shard["name"], read_members(layout.shard(shard["name"]), rows[0]["members"])
    raise MenderyError(f"no sample {key!r} in {out}; keys stand in the index files, {layout.shards}/*.parquet")


def read_members(shard: Path, members: list[dict[str, Any]]) -> dict[str, bytes]:
    """Members of one sample from the byte ranges its index row states."""
    with shard.open("rb") as file:
        return {member["name"]: _range(file, member["offset"], member["size"]) for member in members}


def iterate(shard: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Samples of a shard in order: key, then member name to bytes.

    A sample ends where the key changes, so a key whose members are scattered comes up more than once.
    """
    key, members = "", dict[str, bytes]()
    with shard.open("rb") as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
        for entry in archive:
            name, _, member = entry.name.partition(".")
            if name != key and members:
                yield key, members
                members = {}
            key = name
            handle = archive.extractfile(entry)
            if member in members or handle is None:
                yield key, members
                members = {}
            members[member] = handle.read() if handle else b""
            archive.members = []  # type: ignore[attr-defined]  # tarfile would remember every header
    if members:
        yield key, members


def metadata_of(members: dict[str, bytes]) -> dict[str, Any]:
    metadata: dict[str, Any] = json.loads(members[METADATA_MEMBER])
    return metadata


def _range(file: Any, offset: int, size: int) -> bytes:
    file.seek(offset)
    data: bytes = file.read(size)
    return data
