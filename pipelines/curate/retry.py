"""A second chance for pictures whose fault may pass, such as a server that did not answer.

What comes of it is staged beside the measured parts and taken over only when all of it is there: until then nothing
of a build changes, so a retry may be killed, or bring nothing, and the build is as it was. Splits and shards follow
from the complete table, so taking over forgets both.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import catalog
from pipelines.curate.measure import SCHEMA, MeasureJob, Readers, measure, parsed, wanted
from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.places import place, remove_tree
from pipelines.storage import opened, put


def transient(layout: Layout) -> dict[int, int]:
    """Parts with pictures whose fault may pass, and how many these are."""
    counts = {
        int(path.stem.rpartition("-")[2]): pc.sum(_column(path, "transient")).as_py()
        for path in sorted(layout.measured.glob("part-*.parquet"))
    }
    return {part: count for part, count in counts.items() if count}


def _column(path: Path, name: str) -> pa.ChunkedArray:
    return pq.read_table(opened(path), columns=[name])[name]


def retry_part(job: MeasureJob) -> int:
    """Reads the pictures of one part again whose fault may pass, and stages the part; gives how many are settled.

    Crops of the others are copied, in the order in which measuring the part anew would leave them.

    Raises:
        MenderyError: the crops of the others are gone.
    """
    layout, recipe = Layout(place(job.out)), parsed(job.recipe)
    rows = catalog.read_part(layout.catalog, job.part)
    before = pq.read_table(opened(layout.part(job.part))).to_pylist()
    again = wanted(row for row, was in zip(rows, before, strict=True) if was["transient"])
    with Readers(recipe, layout) as readers, put(layout.retried_pack(job.part)) as pack, _old_pack(layout, job) as old:
        outcomes = readers.read_all(again)
        found = [
            measure(next(outcomes), recipe, pack) | {"part": job.part} if was["transient"] else _moved(was, old, pack)
            for was in before
        ]
    settled = len(again) - sum(bool(now["transient"]) for now in found)
    if settled:
        with put(layout.retried(job.part)) as file:
            pq.write_table(pa.Table.from_pylist(found, schema=SCHEMA), file, compression="zstd")
    else:
        layout.retried_pack(job.part).unlink()
    return settled


def adopt(layout: Layout) -> None:
    """Takes over what retries have staged, if anything; continues where it was interrupted."""
    staged = sorted(layout.measured.glob("part-*.retried"))
    if staged:
        forget_plan(layout)
    for path in staged:
        part = int(path.stem.rpartition("-")[2])
        if layout.retried_pack(part).is_file():
            layout.retried_pack(part).replace(layout.pack(part))
        path.replace(layout.part(part))
    for leftover in layout.renditions.glob("part-*.retried"):  # its part was never staged
        leftover.unlink()


def forget_plan(layout: Layout) -> None:
    """Removes whatever follows from the measurements; the manifest first, so that nothing half passes for complete."""
    for file in (layout.manifest, layout.report, layout.plan_summary, layout.plan, layout.curated):
        file.unlink(missing_ok=True)
    for folder in (layout.commits, layout.shards):
        remove_tree(folder)


def _old_pack(layout: Layout, job: MeasureJob) -> IO[bytes]:
    try:
        return layout.pack(job.part).open("rb")
    except FileNotFoundError:
        raise MenderyError(
            f"{layout.pack(job.part)} is gone, and a retry needs the crops in it: use another --out, or --fresh"
        ) from None


def _moved(was: dict[str, Any], old: IO[bytes], pack: IO[bytes]) -> dict[str, Any]:
    """A row of measurements whose crops are copied into another pack."""
    places = []
    for spot in was["renditions"]:
        old.seek(spot["offset"])
        places.append(spot | {"offset": pack.tell()})
        pack.write(old.read(spot["size"]))
    return was | {"renditions": places}
