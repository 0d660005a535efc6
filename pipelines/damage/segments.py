"""Shapes of objects from segmentations, as items of a pool: COCO's instances, Cityscapes' instance maps, any label map.

An item is one object, cut out: white on black, named by its class first (`person/1234`). Nothing is decoded before it
is drawn, but the list of objects is made by reading everything once, and kept. The price: a COCO file is scanned for
the places of its annotations, since as Python objects it would take gigabytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.classes import SCHEMES
from pipelines.damage import runs
from pipelines.damage.base import Mask
from pipelines.damage.shapes import only
from pipelines.errors import BadPicture, RecipeError

if TYPE_CHECKING:
    from pipelines.damage.pools import Stored

LEAST_SIDE, LEAST_PIXELS = 16, 256
"""Objects smaller than this have no shape worth drawing, and are left out."""

_CHUNK = 1 << 22
_SHIFT = 4
_MAX_SIDE = 1 << 15


class CocoStore:
    """Objects of `instances_*.json`: polygons, and run lengths whether compressed or not; crowds are left out.

    Source: the published format of COCO (Lin et al., ECCV 2014). Polygons are filled by OpenCV, which may differ from
    COCO's own tool by a pixel at the rim.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        if not self._path.is_file():
            raise RecipeError(f"no file {path!r}: correct the path of the pool")

    def state(self) -> str:
        found = self._path.stat()
        return hashlib.sha256(f"coco {self._path} {found.st_size} {found.st_mtime_ns}".encode()).hexdigest()

    def names(self) -> Iterator[str]:
        yield from self._spans

    def read(self, name: str) -> tuple[str, Mask]:
        begin, size = self._spans[name]
        with self._path.open("rb") as file:
            file.seek(begin)
            segmentation = json.loads(file.read(size))["segmentation"]
        told = json.dumps(segmentation, separators=(",", ":")).encode()
        try:
            return hashlib.sha256(told).hexdigest(), _cut(_rasterised(segmentation))
        except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
            raise BadPicture("corrupt", f"no segmentation: {error}") from None

    @property
    def _spans(self) -> dict[str, tuple[int, int]]:
        """First byte and number of bytes of each object's annotation."""
        return _coco_spans(str(self._path), self.state())


@lru_cache(maxsize=4)
def _coco_spans(path: str, state: str) -> dict[str, tuple[int, int]]:
    from pipelines.damage.pools import recall, remember

    if remembered := recall(state):
        return {name: (begin, size) for name, (begin, size) in remembered.items()}
    found = _listed(path)
    if len(found) > _WORTH_REMEMBERING:
        remember(state, found)
    return found


_WORTH_REMEMBERING = 500


def _listed(path: str) -> dict[str, tuple[int, int]]:
    try:
        classes = {
            entry["id"]: str(entry["name"]).encode("latin-1").decode() for entry, _, _ in elements(path, "categories")
        }
        found = {}
        for entry, begin, size in elements(path, "annotations"):
            if entry.get("segmentation") and not entry.get("iscrowd") and _is_large(entry.get("bbox")):
                found[f"{classes.get(entry['category_id'], 'unknown')}/{entry['id']}"] = (begin, size)
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError, ValueError) as error:
        raise RecipeError(f"{path!r} holds no instances in COCO's format: {error!r}") from None
    return found


def _is_large(box: Any) -> bool:
    return not box or (min(box[2:]) >= LEAST_SIDE and box[2] * box[3] >= LEAST_PIXELS)


def elements(path: str, key: str) -> Iterator[tuple[Any, int, int]]:
    """Elements of a list in a JSON file, one by one in bounded memory, with the bytes at which they stand.

    Args:
        key: of the list, in the outermost object.

    Raises:
        ValueError: there is no such list, or it is cut.
    """
    decoder = json.JSONDecoder()
    with Path(path).open("rb") as file:
        start = _list_begins(file, key)
        file.seek(start)
        # As Latin-1 a character is a byte; what lies in strings is put right afterwards.
        held, at = file.read(_CHUNK).decode("latin-1"), 0
        while True:
            at = _SKIPPED.match(held, at).end()  # type: ignore[union-attr]  # it matches nothing, too
            if held[at : at + 1] == "]":
                return
            try:
                value, end = decoder.raw_decode(held, at)
            except ValueError:
                more = file.read(max(_CHUNK, len(held))).decode("latin-1")
                if not more:
                    raise ValueError(f"the list {key!r} is cut") from None
                start, held, at = start + at, held[at:] + more, 0
                continue
            yield value, start + at, end - at
            at = end


_SKIPPED = re.compile(r"[\s,]*")


def _list_begins(file: BinaryIO, key: str) -> int:
    """Byte behind the bracket that opens a list."""
    opening = re.compile(rf'"{key}"\s*:\s*\['.encode())
    position, held = 0, b""
    while more := file.read(_CHUNK):
        held += more
        if found := opening.search(held):
            return position + found.end()
        position, held = position + max(0, len(held) - 256), held[-256:]
    raise ValueError(f"there is no list {key!r}")


def _rasterised(segmentation: Any) -> Mask:
    """Mask of an object, as large as the picture or as its polygons need."""
    if isinstance(segmentation, dict):
        height, width = (int(side) for side in segmentation["size"])
        if not (0 < height < _MAX_SIDE and 0 < width < _MAX_SIDE):
            raise ValueError(f"a size of {width} x {height}")
        counts = segmentation["counts"]
        return runs.fill(runs.from_text(counts) if isinstance(counts, str) else np.array(counts), height, width)
    polygons = [np.asarray(polygon, np.float64).reshape(-1, 2) for polygon in segmentation]
    points = np.concatenate(polygons)
    if not np.isfinite(points).all() or np.abs(points).max() >= _MAX_SIDE:
        raise ValueError("points that are no places in a picture")
    low = np.floor(points.min(axis=0))
    width, height = (np.ceil(points.max(axis=0)) - low + 1).astype(int).tolist()
    # OpenCV counts from the middle of the first pixel, COCO from its corner. One by one: parts may overlap.
    mask = np.zeros((height, width), np.uint8)
    for polygon in polygons:
        fixed = np.rint((polygon - low - 0.5) * (1 << _SHIFT)).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, cv2.LINE_8, _SHIFT)
    return mask


def _cut(mask: Mask) -> Mask:
    """The rectangle that a shape fills."""
    x, y, width, height = cv2.boundingRect(mask)
    if min(width, height) < LEAST_SIDE or width * height < LEAST_PIXELS:
        raise BadPicture("too_small", f"an object of {width} x {height} pixels")
    return np.ascontiguousarray(mask[y : y + height, x : x + width])


class MapStore:
    """Objects of label maps: connected parts of each class, or, of Cityscapes' instance maps, what they number.

    Source: cityscapesScripts, README: an instance map holds a class, or a thousand times it plus the object's number.
    """

    def __init__(self, maps: Stored, scheme: str) -> None:
        self._maps, self._scheme = maps, scheme

    def state(self) -> str:
        return hashlib.sha256(f"maps {self._scheme} {self._maps.state()}".encode()).hexdigest()

    def names(self) -> Iterator[str]:
        yield from self._objects

    @cached_property
    def _objects(self) -> dict[str, tuple[str, int, int]]:
        """File, number in it and connected part of each object; files that cannot be read stand for themselves."""
        from pipelines.damage.pools import recall, remember

        files = sorted(self._maps.names())
        state = hashlib.sha256(self.state().encode() + b" objects").hexdigest()
        if remembered := recall(state):
            return {name: (file, number, part) for name, (file, number, part) in remembered.items()}
        found: dict[str, tuple[str, int, int]] = {}
        for file in files:
            try:
                labels = self._labels(file)
            except BadPicture:
                found[file] = (file, -1, 0)  # reading it says why it cannot be used
                continue
            for number in np.unique(labels).tolist():
                if name := self._class(number):
                    stem = file.rpartition(".")[0]
                    parts = range(len(_parts(labels, number))) if self._scheme != _INSTANCES else range(1)
                    found |= {f"{name}/{stem}-{number}-{part}": (file, number, part) for part in parts}
        if len(found) > _WORTH_REMEMBERING:
            remember(state, found)
        return found

    def read(self, name: str) -> tuple[str, Mask]:
        file, number, part = self._objects[name]
        labels = self._labels(file)
        shape = _cut(only(labels, number) if self._scheme == _INSTANCES else _parts(labels, number)[part])
        return hashlib.sha256(repr(shape.shape).encode() + shape.tobytes()).hexdigest(), shape

    def _class(self, number: int) -> str:
        """Class of a number, "" if it is no object's."""
        if self._scheme == _INSTANCES:
            return SCHEMES["cityscapes"].names.get(number // 1000, "") if number >= 1000 else ""
        if self._scheme == "any":
            return f"class {number}" if number else ""
        return SCHEMES[self._scheme].objects().get(number, "")

    def _labels(self, file: str) -> NDArray[np.int32]:
        """(H, W) the numbers of a map.

        Raises:
            BadPicture: it cannot be read, or is none.
        """
        labels: NDArray[np.int32] = self._read_map(file)
        return labels

    @cached_property
    def _read_map(self) -> Any:
        # Objects of one map are mostly asked for one after the other.
        return lru_cache(maxsize=2)(lambda file: _numbers(self._maps.bytes_of(file)))


_INSTANCES = "cityscapes-instances"


def _parts(labels: NDArray[np.int32], number: int) -> list[Mask]:
    """Masks of the connected parts of a class that are large enough to be drawn."""
    count, numbered, stats, _ = cv2.connectedComponentsWithStats(only(labels, number))
    sides = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    large = [part for part in range(1, count) if sides[part].min() >= LEAST_SIDE and sides[part].prod() >= LEAST_PIXELS]
    return [only(np.asarray(numbered, np.int32), part) for part in large]


def _numbers(data: bytes) -> NDArray[np.int32]:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "BMP", "GIF", "TIFF")) as image:
            stored = np.array(image)
    except Exception as error:  # noqa: BLE001  # Pillow's plugins raise whatever goes wrong on rubbish
        raise BadPicture("bad_guide", f"a label map cannot be read: {type(error).__name__}: {error}") from None
    if stored.ndim != 2 or stored.size > _MAX_PIXELS:
        raise BadPicture("bad_guide", f"a label map has one channel, found {stored.shape}")
    return stored.astype(np.int32)


_MAX_PIXELS = 1 << 25
