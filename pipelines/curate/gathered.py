"""What is measured, gathered into few files: deciding reads columns of all pictures, which lie in thousands of parts.

Opening a part costs more than reading it, so it is done once, by as many tasks as there are workers, on every node.
The files are made anew by every decision and removed after it, so that they are never older than what they repeat. The
price is that the measurements lie on disk twice for that long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines import catalog
from pipelines.curate import measure
from pipelines.curate.fingerprints import SIDE, Thumbnails
from pipelines.layout import Layout
from pipelines.places import place, remove_tree
from pipelines.spread import Runner
from pipelines.storage import opened, put, put_json, read_json, read_table

ROWS = 1 << 17
"""Pictures of a file, give or take a row group of the catalog."""

COLUMNS = [name for name in measure.SCHEMA.names if name not in ("thumbnail", "embeddings")]
"""What is gathered as columns. Thumbnails lie beside them, each of the same size, to be read one by one; embeddings of
faces are read where they were measured."""

_BYTES = SIDE * SIDE


@dataclass(frozen=True)
class GatherJob:
    """Some row groups of the catalog, whose parts go into one file.

    Attributes:
        groups: numbers of the parts in each.
    """

    out: str
    number: int
    groups: tuple[range, ...]


def gather(layout: Layout, run: Runner) -> None:
    """Gathers all that is measured."""
    remove_tree(layout.gathered)
    groups: list[range] = []
    jobs: list[GatherJob] = []
    sizes, rows, starts = catalog.part_sizes(layout.catalog), 0, [0]
    for parts in catalog.parts_of_groups(layout.catalog):
        groups.append(parts)
        rows += sum(sizes[part] for part in parts)
        if rows - starts[-1] >= ROWS:
            jobs.append(GatherJob(str(layout.out), len(jobs), tuple(groups)))
            starts.append(rows)
            groups = []
    if groups:
        jobs.append(GatherJob(str(layout.out), len(jobs), tuple(groups)))
        starts.append(rows)
    run(gather_parts, jobs)
    put_json(layout.gathered / "starts.json", starts)


def gather_parts(job: GatherJob) -> None:
    """Writes one file of columns, a row group for each of the catalog, and one of thumbnails."""
    layout = Layout(place(job.out))
    columns, thumbnails = _files(layout, job.number)
    schema = pa.schema([measure.SCHEMA.field(name) for name in COLUMNS])
    with (
        put(columns) as file,
        pq.ParquetWriter(file, schema, compression="lz4", use_dictionary=False, write_statistics=False) as writer,
        put(thumbnails) as pictures,
    ):
        for parts in job.groups:
            read = [read_table(layout.part(part), [*COLUMNS, "thumbnail"]) for part in parts]
            table = pa.concat_tables(read).combine_chunks()
            writer.write_table(table.select(COLUMNS), row_group_size=max(1, table.num_rows))
            pictures.write(of_one_size(table["thumbnail"], np.uint8, _BYTES).data)


def read(layout: Layout, columns: Sequence[str]) -> pa.Table:
    """Columns of all pictures, in one piece: taking rows from thousands of pieces costs minutes."""
    found = [read_table(_files(layout, number)[0], list(columns)) for number in range(len(starts(layout)) - 1)]
    empty = pa.schema([measure.SCHEMA.field(name) for name in columns]).empty_table()
    return pa.concat_tables([empty, *found]).combine_chunks()


def groups(layout: Layout, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Columns of all pictures, a table for every row group of the catalog."""
    for number in range(len(starts(layout)) - 1):
        with pq.ParquetFile(opened(_files(layout, number)[0])) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, columns=list(columns))


def starts(layout: Layout) -> list[int]:
    """Number of the first picture of every file, and of all pictures."""
    found: list[int] = read_json(layout.gathered / "starts.json")
    return found


def forget(layout: Layout) -> None:
    remove_tree(layout.gathered)


class ThumbnailFiles:
    """Thumbnails of the pictures of several builds, one after the other, by their number among all."""

    def __init__(self, layouts: Sequence[Layout]) -> None:
        self._files: list[Path] = []
        edges = [0]
        for layout in layouts:
            before, found = edges[-1], starts(layout)
            self._files += [_files(layout, number)[1] for number in range(len(found) - 1)]
            edges += [before + start for start in found[1:]]
        self._starts = np.array(edges)

    def read(self, wanted: NDArray[np.int64]) -> Thumbnails:
        """(N, SIDE, SIDE) of pictures, whose numbers rise."""
        found = np.empty((len(wanted), _BYTES), np.uint8)
        edges = np.searchsorted(wanted, self._starts)
        for path, start, first, last in zip(self._files, self._starts, edges, edges[1:], strict=False):
            if first == last:
                continue
            # Read, and not mapped: pages of a map would count as memory of this process.
            with path.open("rb") as file:
                for row in range(first, last):
                    file.seek(int(wanted[row] - start) * _BYTES)
                    found[row] = np.frombuffer(file.read(_BYTES), np.uint8)
        return found.reshape(-1, SIDE, SIDE)


def of_one_size(column: pa.ChunkedArray, kind: Any, size: int) -> NDArray[Any]:
    """(N, size) numbers of a column of bytes, zeros where a picture has none."""
    values = pa.chunked_array(column, pa.large_binary()).combine_chunks()
    lengths = pc.binary_length(values).to_numpy()
    whole = np.dtype(kind).itemsize * size
    assert np.isin(lengths, (0, whole)).all(), f"values of other sizes than {whole}"
    offsets = np.frombuffer(values.buffers()[1], np.int64)[values.offset : values.offset + len(values) + 1]
    data = np.frombuffer(values.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    numbers: NDArray[Any] = data.view(kind).reshape(-1, size)
    if len(numbers) == len(lengths):
        return numbers
    found = np.zeros((len(lengths), size), kind)
    found[lengths > 0] = numbers
    return found


def _files(layout: Layout, number: int) -> tuple[Path, Path]:
    return layout.gathered / f"{number:06d}.parquet", layout.gathered / f"{number:06d}.thumbnails"
