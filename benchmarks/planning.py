"""Seconds and memory in which millions of measured pictures become a plan: `python -m benchmarks.planning`.

The catalog, the measurements and the places of the crops are made up, in the files of a build, with digests, sizes,
faults, identities and labels as real corpora have them; near-duplicates are planted. Then `decide` and the plan run as
they do in a build, with Ray. Peak of memory (PSS) and processor time are those of all processes together, Ray's own
among them, sampled each second.

    python -m benchmarks.planning [--rows 1000000] [--near 6] [--without near balance] [--nodes 1 2]

With `--nodes 1 2` the same is planned on one node of Ray with two processors, then on two with one each; it fails if
the plans differ. With `--folder` what was made up is kept there, and used again.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import multiprocessing
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.build import machine
from pipelines import catalog
from pipelines.build import TASK_MEMORY
from pipelines.curate import decide, measure, packs
from pipelines.layout import Layout
from pipelines.recipe import Recipe
from pipelines.shards import plan
from pipelines.sources.base import Location
from pipelines.spread import Runner, cluster, runner
from pipelines.storage import sha256_of

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


def make_up(layout: Layout, rows: int, processes: int = 2) -> None:
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
    parts = [layout.out] * len(sizes), range(len(sizes)), sizes
    if not processes:
        list(map(_make_part, *parts))
        return
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(_make_part, *parts, chunksize=200))


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


@dataclass(frozen=True)
class _Told:
    work: Callable[[Any], Any]
    job: Any


def _told(told: _Told) -> tuple[str, Any]:
    """Outcome of a job, and the node that did it."""
    import ray

    return ray.get_runtime_context().get_node_id(), told.work(told.job)


def _counting(run: Runner, nodes: Counter[str]) -> Runner:
    """A runner that counts the jobs of every node."""

    def counted(work: Callable[[Any], Any], jobs: Sequence[Any]) -> list[Any]:
        outcomes = run(_told, [_Told(work, job) for job in jobs])
        nodes.update(node for node, _ in outcomes)
        return [outcome for _, outcome in outcomes]

    return counted


@contextlib.contextmanager
def _nodes(number: int) -> Iterator[int]:
    """Ray on so many nodes, two processors together; gives the number of workers."""
    if number == 1:
        with cluster(2, None) as workers:
            yield workers
        return
    import ray
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100 * 2**20}
    started = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(number - 1):
            started.add_node(num_cpus=1, object_store_memory=100 * 2**20)
        ray.init(address=started.address, log_to_driver=False)
        yield number
    finally:
        ray.shutdown()
        started.shutdown()


class _Watch:
    """Memory and processor time of this process and all that it has started, sampled."""

    def __init__(self) -> None:
        self.peak, self._seconds, self._done = 0, dict[int, float](), threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def seconds(self) -> float:
        return sum(self._seconds.values())

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._done.wait(1):
            total = 0
            for pid in _family(os.getpid()):
                with contextlib.suppress(OSError):  # it has ended meanwhile
                    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                    total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
                    self._seconds[pid] = _ticks(pid) / os.sysconf("SC_CLK_TCK")
            self.peak = max(self.peak, total // 2**10)


def _family(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def run(asked: Recipe, out: Path, nodes: int) -> None:
    """Decides and plans, and says what that took."""
    layout, jobs = Layout(out), Counter[str]()
    for file in (layout.curated, layout.plan, layout.plan_summary):
        file.unlink(missing_ok=True)
    with _nodes(nodes) as workers:
        spreads = _counting(runner(workers, TASK_MEMORY), jobs)
        watch, begun = _Watch(), time.perf_counter()
        _step("decide", watch, lambda: dict(decide.decide(asked, layout, spreads)))
        _step("plan", watch, lambda: {name: plan.write(asked, layout, 1000)[name] for name in ("pictures", "samples")})
        _step("all", watch, lambda: {"seconds": round(time.perf_counter() - begun)})
        watch.stop()
    print(f"{watch.seconds():.0f} s of processor time, peak {watch.peak:,} MiB, jobs by node {sorted(jobs.values())}")
    print(f"curated {sha256_of(layout.curated)[:16]}, plan {sha256_of(layout.plan)[:16]}", flush=True)


def _step(name: str, watch: _Watch, step: Callable[[], Any]) -> None:
    start = time.perf_counter()
    found = step()
    print(f"{name}: {time.perf_counter() - start:.0f} s, peak so far {watch.peak:,} MiB, {found}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--near", type=int, default=6)
    parser.add_argument("--without", nargs="*", default=[], choices=["near", "balance"])
    parser.add_argument("--nodes", nargs="+", type=int, default=[1])
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mendery-planning-") as temporary:
        folder = options.folder or Path(temporary)
        start = time.perf_counter()
        if not Layout(folder).catalog.is_file():
            make_up(Layout(folder), options.rows)
        print(f"{machine()}; {options.rows:,} pictures made up in {time.perf_counter() - start:.0f} s", flush=True)
        plans = [_planned(recipe(options), folder, nodes) for nodes in options.nodes]
    if len(set(plans)) > 1:
        raise SystemExit(f"the plans differ between {options.nodes} nodes")


def _planned(asked: Recipe, folder: Path, nodes: int) -> tuple[str, str]:
    """Digests of the curated table and the plan, made in a process of its own, whose memory is that of planning."""
    print(f"\n{nodes} node{'s' if nodes > 1 else ''}", flush=True)
    # Tasks import what they run, and nobody can import __main__.
    target = importlib.import_module("benchmarks.planning").run
    process = multiprocessing.get_context("spawn").Process(target=target, args=(asked, folder, nodes))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(process.exitcode)
    return sha256_of(Layout(folder).curated), sha256_of(Layout(folder).plan)


if __name__ == "__main__":
    main()
