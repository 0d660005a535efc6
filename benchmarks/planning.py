"""Seconds and memory in which millions of measured pictures become a plan: `python -m benchmarks.planning`.

The catalog, the measurements and the places of the crops are made up, in the files of a build, with digests, sizes,
faults, identities and labels as real corpora have them; near-duplicates are planted. Then `decide` and the plan run, as
they do in a build, in this process; its peak of memory is read from the system, less what making up the files took.

    python -m benchmarks.planning [--rows 1000000] [--near 6] [--without near balance]
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.build import machine
from pipelines import catalog
from pipelines.curate import decide, measure, packs
from pipelines.layout import Layout
from pipelines.recipe import Recipe
from pipelines.shards import plan
from pipelines.sources.base import Location

PER_TASK = 256
GROUPS = ["East Asian", "Southeast Asian", "White", "Black", "Indian", "Latino_Hispanic", "Middle Eastern"]
SEXES = ("female", "male")


def recipe(options: argparse.Namespace) -> Recipe:
    """Near-duplicates, balance over labels, exact splits by identity."""
    plain: dict[str, Any] = {"name": "planning", "seed": 1, "sources": [{"type": "folder", "path": "."}]}
    curate: dict[str, Any] = {"min_side": 200}
    if "near" not in options.without:
        curate["duplicates"] = {"near": options.near, "mirrored": False, "cropped": False}
    if "balance" not in options.without:
        plain["balance"] = {"over": ["group", "sex"], "mode": "cap", "max_per_cell": options.rows}
    return Recipe.model_validate(plain | {"curate": curate, "image": {"size": 64}, "damage": [{"kind": "box"}]})


def make_up(layout: Layout, rows: int) -> None:
    """Writes what a build has left when every picture is measured."""
    sizes = [PER_TASK] * (rows // PER_TASK) + [rows % PER_TASK] * (rows % PER_TASK > 0)
    layout.measured.mkdir(parents=True)
    layout.renditions.mkdir(parents=True)
    per_group = catalog.ROWS_PER_GROUP // PER_TASK
    layout.catalog.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(layout.catalog, catalog.SCHEMA, compression="zstd") as writer:
        groups = [sizes[first : first + per_group] for first in range(0, len(sizes), per_group)]
        for number, group in enumerate(groups):
            writer.write_table(_listed(number, sum(group)), row_group_size=sum(group))
        writer.add_key_value_metadata(
            {catalog.IGNORED: "{}", catalog.NOTES: "[]", catalog.PART_ROWS: str(groups).encode()}
        )
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(_make_part, [layout.out] * len(sizes), range(len(sizes)), sizes, chunksize=200))


def _listed(number: int, rows: int) -> pa.Table:
    rng = np.random.default_rng([1, number])
    plain = dict.fromkeys(catalog.SCHEMA.names)
    empty = {name: getattr(Location("", "", "file"), name, None) for name in catalog.SCHEMA.names}
    columns: dict[str, Any] = {name: [empty[name]] * rows for name in plain}
    columns["source"] = np.zeros(rows, np.int32)
    columns["uri"] = [f"images/{number:06d}/{row:06d}.jpg" for row in range(rows)]
    columns["file"] = columns["uri"]
    columns["identity"] = [f"{person:016x}" for person in rng.integers(0, 1 << 20, rows).tolist()]
    kinds = [
        f'{{"group":"{group}","group_by":"annotators","sex":"{sex}"}}' for group in GROUPS for sex in ("female", "male")
    ]
    columns["labels"] = [kinds[kind] for kind in rng.integers(0, len(kinds), rows).tolist()]
    return pa.table({name: columns[name] for name in catalog.SCHEMA.names}, schema=catalog.SCHEMA)


def _make_part(out: Path, number: int, rows: int) -> None:
    rng, layout = np.random.default_rng([2, number]), Layout(out)
    columns: dict[str, Any] = {name: [value] * rows for name, value in measure.NOTHING.items()}
    digests = [bytes(row).hex() for row in rng.integers(0, 256, (rows, 32), dtype=np.uint8)]
    hashes = rng.integers(0, 1 << 64, (rows, 6), dtype=np.uint64) & np.uint64(0xFFFFFFFFFFFFFFFE)
    thumbnails = rng.integers(0, 256, (rows, 1024), dtype=np.uint8)
    # Every fiftieth picture is a copy of the one before it: two bits of its hash differ.
    for row in range(49, rows, 50):
        hashes[row] = hashes[row - 1] ^ np.uint64(6)
        thumbnails[row] = thumbnails[row - 1]
    columns |= {
        "sha256": digests,
        "num_bytes": rng.integers(10_000, 200_000, rows),
        "width": rng.integers(150, 1000, rows),
        "height": rng.integers(150, 1000, rows),
        "fault": np.where(rng.random(rows) < 0.01, "truncated", ""),
        "hashes": [row.tobytes() for row in hashes],
        "thumbnail": [row.tobytes() for row in thumbnails],
        "pixels": [bytes.fromhex(digest[:32]) for digest in digests],
    }
    table = pa.table({name: columns[name] for name in measure.SCHEMA.names}, schema=measure.SCHEMA)
    pq.write_table(table, layout.part(number), compression="zstd")
    crops = [[{"offset": row, "size": 1, "matrix": [1.0, 0, 0, 0, 1, 0], "guides": []}] for row in range(rows)]
    pq.write_table(pa.table({"row": range(rows), "renditions": crops}, schema=packs.SCHEMA), layout.pack_index(number))


def _steps(asked: Recipe, layout: Layout) -> Iterator[tuple[str, Callable[[], Any]]]:
    yield "decide", lambda: decide.decide(asked, layout)
    yield "plan", lambda: plan.write(asked, layout, 1000)


def run(asked: Recipe, out: Path) -> None:
    """Decides and plans, and says what that took."""
    for name, step in _steps(asked, Layout(out)):
        start = time.perf_counter()
        found = step()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        told = dict(found) if name == "decide" else {"shards": len(found["shards"]), "samples": found["samples"]}
        print(f"{name}: {time.perf_counter() - start:.0f} s, peak {peak:,.0f} MiB, {told}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--near", type=int, default=6)
    parser.add_argument("--without", nargs="*", default=[], choices=["near", "balance"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mendery-planning-") as folder:
        start = time.perf_counter()
        make_up(Layout(Path(folder)), options.rows)
        print(f"{machine()}; {options.rows:,} pictures made up in {time.perf_counter() - start:.0f} s", flush=True)
        # A process of its own, whose memory is that of deciding and planning only.
        process = multiprocessing.get_context("spawn").Process(target=run, args=(recipe(options), Path(folder)))
        process.start()
        process.join()


if __name__ == "__main__":
    main()
