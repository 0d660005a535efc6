"""Finished datasets of a few small samples, written with the real writer and without Ray."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from material import jpeg

from pipelines.imaging.encode import decode_image, png
from pipelines.sample import CONTRACT_VERSION
from pipelines.shards.compose import Sample
from pipelines.shards.write import INDEX_COLUMNS, INDEX_SCHEMA, ShardWriter

SIZE = 32
PARSING = "lapa-11"


def write(out: Path, splits: Mapping[str, Sequence[int]], guides: bool = False, masks: bool = True) -> Path:
    """A dataset with a shard of each size for every split."""
    (out / "shards").mkdir(parents=True)
    shards, number, members = [], 0, []
    for split, sizes in splits.items():
        for place, size in enumerate(sizes):
            made = [sample(number + index, split, guides, masks) for index in range(size)]
            number += size
            members = sorted(made[0].members)
            shards.append(_shard(out, f"{split}-{place:06d}", split, sorted(made, key=lambda one: one.key)))
    counts = {split: {"shards": len(sizes), "samples": sum(sizes)} for split, sizes in splits.items()}
    source = {"corpus": "made-up", "kept": number, "licences": {"CC0-1.0": {"attribution": []}}}
    told = {"name": "tiny", "version": "1.0.0", "description": "", "recipe_sha256": "0" * 64, "sources": [source]}
    manifest = told | {"contract_version": CONTRACT_VERSION, "members": members, "shards": shards, "splits": counts}
    (out / "manifest.json").write_text(json.dumps(manifest))
    return out


def sample(number: int, split: str, guides: bool = False, masks: bool = True) -> Sample:
    key = f"{hashlib.sha256(str(number).encode()).hexdigest()[:20]}-00-00"
    rng = np.random.default_rng(number)
    image = jpeg(number, SIZE, SIZE)
    x, y = rng.integers(2, 14, 2)
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[y : y + 14, x : x + 14] = 255
    damaged = decode_image(image).copy()
    damaged[mask > 0] = 128
    kinds = {name: INDEX_SCHEMA.field(name).type for name in INDEX_COLUMNS}
    columns = {name: "x" if kind == pa.string() else 0 for name, kind in kinds.items()} | {"split": split}
    metadata = columns | {"key": key, "guides": json.dumps({"parsing": PARSING})}
    members = {"image.jpg": image, "json": json.dumps(metadata).encode()}
    if masks:
        members |= {"damaged.png": png(damaged), "mask.png": png(mask)}
    if guides:
        members |= {"landmarks.npy": _npy(rng.uniform(0, SIZE, (68, 2)).astype(np.float32))}
        members |= {"parsing.png": png(rng.integers(0, 11, (SIZE, SIZE)).astype(np.uint8))}
    return Sample(key, dict(sorted(members.items())), metadata, None)


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _shard(out: Path, name: str, split: str, samples: Sequence[Sample]) -> dict[str, object]:
    tar, index = out / "shards" / f"{name}.tar", out / "shards" / f"{name}.parquet"
    with tar.open("wb") as file:
        writer = ShardWriter(file)
        for one in samples:
            writer.add(one)
        writer.finish()
    pq.write_table(pa.Table.from_pylist(writer.index, schema=INDEX_SCHEMA), index)
    return {
        "name": name, "split": split, "samples": len(samples), "planned": len(samples), "bytes": tar.stat().st_size,
        "sha256": hashlib.sha256(tar.read_bytes()).hexdigest(),
        "index_sha256": hashlib.sha256(index.read_bytes()).hexdigest(),
    }  # fmt: skip
