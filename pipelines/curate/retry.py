"""A second chance for pictures whose fault may pass, such as a server that did not answer.

What comes of it is staged beside the measured parts and taken over only when all of it is there: until then nothing
of a build changes, so a retry may be killed, or bring nothing, and the build is as it was. Splits and shards follow
from the complete table, so taking over forgets both.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import catalog
from pipelines.curate import packs
from pipelines.curate.measure import MeasureJob, measure, parsed, write_part
from pipelines.curate.readers import Readers, listed, wanted
from pipelines.errors import MenderyError
from pipelines.layout import Layout
from pipelines.places import place, remove_tree
from pipelines.storage import opened


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
    again = [number for number, was in enumerate(before) if was["transient"]]
    with (
        Readers(recipe, layout) as readers,
        _old_pack(layout, job) as old,
        packs.writing(layout, job.part, staged=True) as pack,
    ):
        outcomes = readers.read_all(wanted(rows[number] for number in again))
        found = []
        crops = {crops["row"]: crops["renditions"] for crops in packs.crops_of(layout, job.part).to_pylist()}
        for number, was in enumerate(before):
            told = listed(rows[number], readers)
            found.append(measure(next(outcomes), recipe, pack, number, told) if was["transient"] else was)
            if number in crops:
                pack.copy(number, crops[number], old)
    settled = len(again) - sum(bool(now["transient"]) for now in found)
    if settled:
        write_part(layout.retried(job.part), found)
    else:
        _unstage(layout, job.part)
    return settled


def adopt(layout: Layout) -> None:
    """Takes over what retries have staged, if anything; continues where it was interrupted."""
    staged = sorted(layout.measured.glob("part-*.retried"))
    if staged:
        forget_plan(layout)
    for path in staged:
        part = int(path.stem.rpartition("-")[2])
        # Between the two replacements there must be no index, or it would be that of another pack.
        if layout.pack(part, True).is_file():
            layout.pack_index(part).unlink(missing_ok=True)
            layout.pack(part, True).replace(layout.pack(part))
        if layout.pack_index(part, True).is_file():
            layout.pack_index(part, True).replace(layout.pack_index(part))
        path.replace(layout.part(part))
    for leftover in layout.renditions.glob("part-*-retried.*"):  # its part was never staged
        leftover.unlink()


def _unstage(layout: Layout, part: int) -> None:
    for path in (layout.pack_index(part, True), layout.pack(part, True)):
        path.unlink()


def forget_plan(layout: Layout) -> None:
    """Removes whatever follows from the measurements; the manifest first, so that nothing half passes for complete."""
    reports = (layout.report, layout.curation_report)
    for file in (layout.manifest, *reports, layout.plan_summary, layout.plan, layout.balance, layout.curated):
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
