"""From a surface's points in a picture to its outline and to where each of its pixels lies in the cloth.

What decides the mask, the outline, is whole numbers throughout: points in sixteenths of a pixel, a spline by shifts,
convex pieces filled at several times the size. Where the cloth comes to lie is floats: only colours follow from it.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.damage.base import Mask
from pipelines.damage.noise import PIXEL, SHIFT

Grid = NDArray[np.int32]
"""(R, C, 3) of each point x and y in sixteenths of a pixel, and its light, `FULL` being none of its own."""

FULL = 1024

_MAP = 144
"""Pixels of the longer side at which is worked out where the cloth lies; between them it is interpolated."""
_FINEST = 4
"""The outline is drawn this many times larger, or less where it is large anyway."""


class Place(NamedTuple):
    """A rectangle of a picture."""

    x: int
    y: int
    width: int
    height: int

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.y, self.y + self.height), slice(self.x, self.x + self.width)


def refined(grid: Grid) -> Grid:
    """Twice as many points less one each way, on the cubic B-spline through the border.

    Source: Catmull and Clark, Recursively generated B-spline surfaces (CAD 1978); we keep the border's curves, and
    round.
    """
    return _doubled(_doubled(grid).transpose(1, 0, 2)).transpose(1, 0, 2)


def _doubled(grid: Grid) -> Grid:
    rows, columns, numbers = grid.shape
    fine = np.empty((2 * rows - 1, columns, numbers), np.int32)
    fine[1::2] = (grid[:-1] + grid[1:] + 1) >> 1
    fine[0::2] = grid
    fine[2:-1:2] = (grid[:-2] + 6 * grid[1:-1] + grid[2:] + 4) >> 3
    return fine


def outline(grid: Grid, place: Place) -> Mask:
    """What a surface hides of a rectangle of the picture, (height, width), 255 wholly.

    Args:
        grid: refined.
    """
    times = next((times for times in (_FINEST, 2) if times * max(place.width, place.height) <= 1600), 1)  # noqa: PLR2004
    # OpenCV counts from the middle of a pixel, we from its corner.
    points = (grid[..., :2] - (place.x * PIXEL, place.y * PIXEL)) * times - PIXEL // 2
    drawn = np.zeros((place.height * times, place.width * times), np.uint8)
    corners = np.stack([points[:-1, :-1], points[:-1, 1:], points[1:, 1:], points[1:, :-1]], axis=2)
    # One by one: of several at once OpenCV fills what an odd number of them covers.
    for corner in corners.reshape(-1, 4, 2).astype(np.int32):
        cv2.fillConvexPoly(drawn, corner, 255, cv2.LINE_8, SHIFT)
    if times == 1:
        return drawn
    return cv2.resize(drawn, (place.width, place.height), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def laid(grid: Grid, place: Place, cloth: NDArray[np.uint8], left_is_near: bool) -> NDArray[np.uint8]:
    """A cloth, (h, w, 3), as it lies on a surface: colours of a rectangle of the picture, (height, width, 3).

    They go on beyond the surface's edge, so that a soft edge has a colour.

    Args:
        grid: refined.
        left_is_near: whether the picture's left side of the surface is nearer to the viewer.
    """
    across, down = _lies(grid, place, left_is_near)
    rows, columns = cloth.shape[:2]
    size = place.width, place.height
    x, y = (
        cv2.resize(field * np.float32(length - 1), size, interpolation=cv2.INTER_LINEAR)
        for field, length in ((across, columns), (down, rows))
    )
    return cv2.remap(cloth, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def _lies(grid: Grid, place: Place, left_is_near: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Shares of the cloth's width and height at pixels of a smaller picture of the place."""
    ratio = min(1.0, _MAP / max(place.width, place.height))
    width, height = max(2, round(place.width * ratio)), max(2, round(place.height * ratio))
    scale = np.array((width / place.width, height / place.height))
    dense = _dense((grid[..., :2] / PIXEL - (place.x, place.y)) * scale, 1.6 * max(width, height))
    right, below = np.diff(dense, axis=1)[:-1], np.diff(dense, axis=0)[:, :-1]
    faces = right[..., 0] * below[..., 1] - right[..., 1] * below[..., 0] > 0
    at = np.floor(dense[:-1, :-1]).astype(np.int32)
    seen = faces & (at >= 0).all(axis=2) & (at[..., 0] < width) & (at[..., 1] < height)
    rows, columns = np.nonzero(seen)
    # What lies nearer is written last, and stays.
    order = np.argsort(-columns if left_is_near else columns, kind="stable")
    rows, columns = rows[order], columns[order]
    cells = at[rows, columns, 1] * width + at[rows, columns, 0]
    fields = np.zeros((3, height * width), np.float32)
    fields[0, cells] = (columns + 0.5) / dense.shape[1]
    fields[1, cells] = (rows + 0.5) / dense.shape[0]
    fields[2, cells] = 1
    return _smooth(fields.reshape(3, height, width))


def _dense(points: NDArray[np.float64], number: float) -> NDArray[np.float64]:
    """Points between points, at least so many each way."""
    rows, columns = (_weights(length, round(number)) for length in points.shape[:2])
    dense: NDArray[np.float64] = np.einsum("ai,ijk,bj->abk", rows, points, columns, optimize=True)
    return dense


def _weights(length: int, number: int) -> NDArray[np.float64]:
    at = np.linspace(0, length - 1, number)
    return np.clip(1 - np.abs(at[:, None] - np.arange(length)), 0, 1)


def _smooth(fields: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The first two fields where the third is 1, and what they come to beyond; smooth, since points lie unevenly."""
    near = cv2.merge(list(fields))
    near = cv2.GaussianBlur(near, (0, 0), 0.8, borderType=cv2.BORDER_CONSTANT)
    # Ever wider, for what lies ever further out.
    total, factor = near, 1e-3
    for sigma in (2.0, 6.0, 18.0):
        total = total + factor * cv2.GaussianBlur(near, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
        factor *= 1e-3
    weight = np.maximum(total[..., 2], 1e-20)
    return total[..., 0] / weight, total[..., 1] / weight
