"""Packs: the crops that measuring makes while it has a picture decoded, kept until their shard is planned.

A pack holds the crops of one part of the catalog; its index says whose they are and where they lie. The index is
written last: a pack without one is not there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.imaging.render import Rendition
from pipelines.layout import Layout
from pipelines.storage import put, read_table

_PLACE = [("offset", pa.int64()), ("size", pa.int32())]
CROPS = pa.list_(
    pa.struct(
        [*_PLACE, ("matrix", pa.list_(pa.float64())), ("guides", pa.list_(pa.struct([("name", pa.string()), *_PLACE])))]
    )
)
"""Where the crops of one picture lie in its pack, each with its matrix and its guides."""

SCHEMA = pa.schema([("row", pa.int32()), ("renditions", CROPS)])

Crops = list[dict[str, Any]]


class Pack:
    """A pack being written.

    Attributes:
        crops: where the crops of each picture lie, by its row in the part.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.crops: dict[int, Crops] = {}

    def add(self, row: int, renditions: Iterable[Rendition]) -> None:
        """Takes the crops of one picture; of a picture that fails midway none counts."""
        self.crops[row] = [self._crop(rendition) for rendition in renditions]

    def copy(self, row: int, crops: Crops, source: IO[bytes]) -> None:
        """Takes the crops of one picture from another pack."""
        self.add(row, (_read(crop, source) for crop in crops))

    def _crop(self, rendition: Rendition) -> dict[str, Any]:
        place = self._place(rendition.data) | {"matrix": list(rendition.matrix)}
        guides = [{"name": name, **self._place(data)} for name, data in sorted(rendition.guides.items())]
        return place | {"guides": guides}

    def _place(self, data: bytes) -> dict[str, Any]:
        place = {"offset": self._file.tell(), "size": len(data)}
        self._file.write(data)
        return place


def _read(crop: dict[str, Any], source: IO[bytes]) -> Rendition:
    """A crop that lies in another pack."""
    data, *guides = (_range(place, source) for place in (crop, *crop["guides"]))
    names = [guide["name"] for guide in crop["guides"]]
    return Rendition(data, tuple(crop["matrix"]), dict(zip(names, guides, strict=True)))


def _range(place: dict[str, Any], source: IO[bytes]) -> bytes:
    source.seek(place["offset"])
    return source.read(place["size"])


@contextlib.contextmanager
def writing(layout: Layout, part: int, staged: bool = False) -> Iterator[Pack]:
    """Writes a pack that is there when the block ends well, and never otherwise.

    Args:
        staged: beside the one that is there, see `retry`.
    """
    layout.pack_index(part, staged).unlink(missing_ok=True)
    with put(layout.pack(part, staged)) as file:
        pack = Pack(file)
        yield pack
    columns = {"row": list(pack.crops), "renditions": list(pack.crops.values())}
    with put(layout.pack_index(part, staged)) as file:
        pq.write_table(pa.table(columns, schema=SCHEMA), file, compression="zstd")


def crops_of(layout: Layout, part: int) -> pa.Table:
    """Index of a pack; an empty one where there is no pack."""
    if not layout.pack_index(part).is_file():
        return SCHEMA.empty_table()
    return read_table(layout.pack_index(part))


def lacking(layout: Layout, part: int, rows: NDArray[np.int64]) -> bool:
    """Whether a pack lacks crops of any of these rows of its part."""
    if not layout.pack(part).is_file():
        return bool(rows.size)
    return bool(np.setdiff1d(rows, crops_of(layout, part)["row"].to_numpy()).size)
