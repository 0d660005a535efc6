"""Pictures inside MATLAB arrays: one array of pixels, of which one axis counts the pictures.

A picture leaves as a PPM or PGM file, so that what follows sees a file like any other. MATLAB compresses an array as a
whole: each worker unpacks it once and keeps it, however many pictures are asked of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from pipelines.errors import BadPicture, RecipeError
from pipelines.matlab import Data, load_array, shapes
from pipelines.sources.archive import Archive, ArchiveBroken, ArchiveSource
from pipelines.sources.base import Listing, Location
from pipelines.sources.files import labels_json

if TYPE_CHECKING:
    from pipelines.sources.reading import Reader

MAX_ARRAY_BYTES = 2 << 30
"""Larger arrays would not fit beside a worker's other work. The largest of SVHN has 1.6 GB, the next 225 MB."""

_kept: dict[tuple[Any, ...], NDArray[np.uint8]] = {}
"""The array read last: a worker reads the pictures of one array in many tasks."""


class MatSource(ArchiveSource):
    """Pictures in an array of a .mat file."""

    type: Literal["mat"] = "mat"
    image: str = Field("X", description="Variable that holds the pictures, as 8-bit numbers.")
    axes: str = Field(
        "HWCN", description="Meaning of its axes: height, width, channels (may be absent), number; in MATLAB's order."
    )
    label: str = Field("", description="Variable with one number per picture, kept as a label of this name.")
    container: ClassVar[str] = "mat"

    @field_validator("axes")
    @classmethod
    def _check_axes(cls, axes: str) -> str:
        if sorted(axes) not in (sorted("HWCN"), sorted("HWN")):
            raise ValueError(f"axes must name H, W, N and perhaps C once each, found {axes!r}")
        return axes

    def pictures(self, archive: Archive, listing: Listing) -> Iterator[Location]:
        whole = archive.location("", offset=0, stored_size=archive.size)
        for location, number in list_mat(archive.stream, whole, self.image, self.label, self.axes):
            yield replace(location, labels=labels_json({} if number is None else {self.label: number}))


def list_mat(
    stream: BinaryIO, whole: Location, image: str, label: str, axes: str = "HWCN"
) -> Iterator[tuple[Location, Any]]:
    """Every picture of an array, with its number in the variable `label` (None without one).

    Args:
        stream: the open .mat file.
        whole: location of the file, or of the bytes in an archive that are it: `offset` and `stored_size`.

    Raises:
        ArchiveBroken: it is no MATLAB file, or damaged.
        RecipeError: there is no such variable, or it is not what it should be.
    """
    data = _data_of(stream, whole)
    try:
        shape = _check(whole.uri, shapes(data), image, axes)
        numbers = load_array(data, label).ravel() if label else None
    except ValueError as error:
        raise ArchiveBroken(str(error)) from None
    except KeyError:
        raise RecipeError(f"{whole.uri}: no variable {label!r}") from None
    count = shape[axes.index("N")]
    if numbers is not None and len(numbers) != count:
        raise RecipeError(f"{whole.uri}: {label} has {len(numbers)} numbers for the {count} pictures of {image}")
    picture = replace(whole, container="mat", column=f"{image}:{axes}", size=int(np.prod(shape)) // max(1, count))
    for row in range(count):
        yield replace(picture, uri=f"{whole.uri}#{row}", row=row), None if numbers is None else numbers[row].item()


def _check(uri: str, found: dict[str, tuple[tuple[int, ...], str]], image: str, axes: str) -> tuple[int, ...]:
    if image not in found:
        raise RecipeError(f"{uri}: no variable {image!r}, there are {', '.join(found) or 'none'}")
    shape, kind = found[image]
    if len(shape) == len(axes) - 1 and axes.endswith("N"):  # MATLAB drops a last axis of length one
        shape = (*shape, 1)
    if kind != "uint8" or len(shape) != len(axes):
        raise RecipeError(f"{uri}: {image} must be uint8 of {axes}, found {kind} of {' x '.join(map(str, shape))}")
    if int(np.prod(shape)) > MAX_ARRAY_BYTES:
        raise RecipeError(f"{uri}: {image} has {np.prod(shape)} bytes, at most {MAX_ARRAY_BYTES} are read; split it")
    return shape


def read_mat(reader: Reader, location: Location) -> bytes:
    """One picture of an array, as a PPM or PGM file."""
    image, _, axes = location.column.partition(":")
    opened = reader.open(location)
    with opened.stream as stream:
        version = (reader.path(location), location.offset, image, opened.size, opened.mtime_ns, opened.etag)
        if version not in _kept:
            _kept.clear()
            _kept[version] = _load(stream, location, image, axes)
    pixels = np.moveaxis(_kept[version], axes.index("N"), 0)[location.row]
    order = axes.replace("N", "")
    pixels = pixels.transpose([order.index(axis) for axis in "HWC" if axis in order])
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if channels not in (1, 3):
        raise BadPicture("unsupported_mode", f"{channels} channels")
    height, width = pixels.shape[:2]
    header: bytes = b"P%d\n%d %d\n255\n" % (6 if channels == 3 else 5, width, height)
    return header + bytes(pixels.tobytes())


def _load(stream: BinaryIO, location: Location, image: str, axes: str) -> NDArray[np.uint8]:
    try:
        found = load_array(_data_of(stream, location), image)
    except (ValueError, KeyError) as error:
        raise BadPicture("unreadable", f"the array cannot be read: {error}") from None
    return found if found.ndim == len(axes) else found[..., None]


def _data_of(stream: BinaryIO, whole: Location) -> Data:
    """The file itself where it is one, to hold no gigabyte of it beside its array; else its part of an archive."""
    start = max(0, whole.offset)
    if start == 0 and stream.seek(0, os.SEEK_END) == whole.stored_size:
        return stream
    stream.seek(start)
    return stream.read(whole.stored_size)
