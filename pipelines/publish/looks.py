"""What pictures of a source look like, read again: a handful of them, for a person who sets thresholds.

A thumbnail hides what sharpness and compression are about, so these are shown in their own pixels, where the picture
has most detail.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import cv2
import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from pipelines import catalog
from pipelines.curate.readers import Readers, bytes_of, wanted
from pipelines.errors import BadPicture
from pipelines.imaging.colour import Picture
from pipelines.imaging.decode import decode, inspect
from pipelines.layout import Layout
from pipelines.publish.charts import data_uri
from pipelines.publish.distribution import FaceBox, Look
from pipelines.recipe import Recipe
from pipelines.storage import opened

SIDE = 160
SCREEN_SIDE = 256
"""Shorter side at which sharpness is measured."""

_FACE_MARGIN = 0.3
_COLUMNS = ["part", "row", "uri", "reason"]


class Wanted(NamedTuple):
    """What is to be seen: of the picture at a position of the curated table, and of which face of it."""

    position: int
    look: Look
    box: FaceBox | None = None


@dataclass(frozen=True)
class Seen:
    """What a picture looks like.

    Attributes:
        reason: why it was dropped, "" if it was kept.
        picture: data URI, "" where it cannot be read now.
        fault: why it cannot.
    """

    uri: str
    reason: str
    picture: str
    fault: str = ""


def see(recipe: Recipe, layout: Layout, asked: Iterable[Wanted]) -> dict[Wanted, Seen]:
    """Reads pictures again, each once and one at a time.

    Raises:
        SourceVanished: a whole source is gone.
    """
    by_position = {position: list(group) for position, group in groupby(sorted(set(asked), key=_order), itemgetter(0))}
    rows = _rows(layout, list(by_position))
    seen: dict[Wanted, Seen] = {}
    with Readers(recipe, layout) as readers:
        outcomes = readers.read_all(wanted(_listed(layout, rows)))
        for looks, row, outcome in zip(by_position.values(), rows, outcomes, strict=True):
            seen |= {look: _seen(outcome, look, row, recipe.curate.max_pixels) for look in looks}
    return seen


def _order(one: Wanted) -> tuple[int, str, FaceBox]:
    return one.position, one.look, one.box or (0, 0, 0, 0)


def _rows(layout: Layout, positions: list[int]) -> list[dict[str, Any]]:
    """Rows of the curated table, in order, of which only the row groups that hold them are read."""
    rows: list[dict[str, Any]] = []
    start = 0
    with pq.ParquetFile(opened(layout.curated)) as file:
        for group in range(file.num_row_groups):
            end = start + file.metadata.row_group(group).num_rows
            here = [position - start for position in positions if start <= position < end]
            rows += file.read_row_group(group, columns=_COLUMNS).take(here).to_pylist() if here else []
            start = end
    return rows


def _listed(layout: Layout, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the catalog says of rows, part by part."""
    for part, group in groupby(rows, itemgetter("part")):
        listed = catalog.read_part(layout.catalog, part)
        yield from (listed[row["row"]] for row in group)


def _seen(outcome: bytes | BadPicture, asked: Wanted, row: dict[str, Any], max_pixels: int) -> Seen:
    try:
        data = bytes_of(outcome)
        picture, _ = decode(data, inspect(data, max_pixels=max_pixels))
    except BadPicture as bad:
        return Seen(row["uri"], row["reason"], "", str(bad))
    shown = Image.fromarray(np.ascontiguousarray(shape(picture, asked.look, asked.box)))
    # What JPEG has done to a picture must not be told from what it does to the page.
    is_exact = asked.look == "pixels"
    encoded = data_uri("webp", shown, lossless=True, method=2) if is_exact else data_uri("jpeg", shown, quality=85)
    return Seen(row["uri"], row["reason"], encoded)


def shape(picture: Picture, look: Look, box: FaceBox | None = None) -> Picture:
    """A part of a picture, or all of it, of at most SIDE x SIDE pixels."""
    if look == "pixels":
        return _most_detailed(picture)
    if look == "screen":
        return _most_detailed(_shrunk(picture, SCREEN_SIDE / min(picture.shape[:2])))
    if look == "face" and box is not None:
        picture = _around(picture, box)
    return _shrunk(picture, SIDE / max(picture.shape[:2]))


def _shrunk(picture: Picture, scale: float) -> Picture:
    if scale >= 1:
        return picture
    size = [max(1, round(side * scale)) for side in picture.shape[1::-1]]
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _most_detailed(picture: Picture) -> Picture:
    """The part of SIDE x SIDE with the highest steps between neighbouring pixels; a smaller picture as it is."""
    height, width = (min(SIDE, side) for side in picture.shape[:2])
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    steps = np.zeros(luma.shape, np.float32)
    steps[1:, 1:] = cv2.absdiff(luma[1:, 1:], luma[:-1, :-1])
    sums = cv2.integral(steps)
    total = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    top, left = np.unravel_index(total.argmax(), total.shape)
    return picture[top : top + height, left : left + width]


def _around(picture: Picture, box: FaceBox) -> Picture:
    """A face and some of what is around it, as far as the picture reaches."""
    left, top, width, height = box
    margin = _FACE_MARGIN * max(width, height)
    rows = np.clip([top - margin, top + height + margin], 0, picture.shape[0]).astype(int)
    columns = np.clip([left - margin, left + width + margin], 0, picture.shape[1]).astype(int)
    cut = picture[rows[0] : rows[1], columns[0] : columns[1]]
    return cut if cut.size else picture
