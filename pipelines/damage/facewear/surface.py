"""From a surface's points in a picture to its outline and to where each of its pixels lies in the cloth.

What decides the mask, the outline, is whole numbers throughout: points in sixteenths of a pixel, a spline by shifts,
convex pieces filled at several times the size. Where the cloth comes to lie is floats: only colours follow from it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.damage.base import Mask
from pipelines.damage.noise import PIXEL, SHIFT

Grid = NDArray[np.int32]
"""(R, C, 3) of each point x and y in sixteenths of a pixel, and its light, `FULL` being none of its own."""

FULL = 1024

_MAP = 112
"""Pixels of the longer side at which is worked out where the cloth lies; between them it is interpolated."""
_DENSER = 1.35
"""Points of the cloth to a pixel of that side, so that hardly a pixel has none."""
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
    times = next((times for times in (_FINEST, 2) if times * max(place.width, place.height) <= 1600), 1)
    if not _turned_here(grid).all():
        # The edge of what is seen runs across pieces: smaller ones make a smoother edge.
        grid = refined(grid)
    # OpenCV counts from the middle of a pixel, we from its corner.
    points = (grid[..., :2] - (place.x * PIXEL, place.y * PIXEL)) * times - PIXEL // 2
    drawn = np.zeros((place.height * times, place.width * times), np.uint8)
    corners = np.stack([points[:-1, :-1], points[:-1, 1:], points[1:, 1:], points[1:, :-1]], axis=2)
    # What is turned away lies behind the face, and would stand out beside it. One by one: of several at once OpenCV
    # fills what an odd number of them covers.
    for corner in corners[_turned_here(points)].astype(np.int32):
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
    coarse = ((grid[..., :2] / PIXEL - (place.x, place.y)) * scale).astype(np.float32)
    steps = [math.ceil(_DENSER * max(width, height) / (length - 1)) for length in coarse.shape[:2]]
    dense = _between(_between(coarse, steps[0]).transpose(1, 0, 2), steps[1]).transpose(1, 0, 2)
    at = dense[:-1, :-1].astype(np.int32)
    seen = _turned_here(coarse).repeat(steps[0], axis=0).repeat(steps[1], axis=1)
    x, y = at[..., 0], at[..., 1]
    seen = seen & (x >= 0) & (y >= 0) & (x < width) & (y < height)
    # What lies nearer is written last, and stays: columns are gone through towards the nearer side.
    columns, rows = np.nonzero((seen[:, ::-1] if left_is_near else seen).T)
    columns = seen.shape[1] - 1 - columns if left_is_near else columns
    cells = at[rows, columns, 1] * width + at[rows, columns, 0]
    fields = np.zeros((3, height * width), np.float32)
    fields[0, cells] = (columns + 0.5) / dense.shape[1]
    fields[1, cells] = (rows + 0.5) / dense.shape[0]
    fields[2, cells] = 1
    return _smooth(fields.reshape(3, height, width))


def _turned_here(points: NDArray[np.float32] | Grid) -> NDArray[np.bool_]:
    """Which pieces between points show the viewer their outer side."""
    right, below = np.diff(points, axis=1), np.diff(points, axis=0)
    right, below = right[:-1] + right[1:], below[:, :-1] + below[:, 1:]
    turned: NDArray[np.bool_] = right[..., 0] * below[..., 1] - right[..., 1] * below[..., 0] > 0
    return turned


def _between(points: NDArray[np.float32], steps: int) -> NDArray[np.float32]:
    """So many points evenly from each row to the next."""
    share = (np.arange(steps, dtype=np.float32) / np.float32(steps))[None, :, None, None]
    between = points[:-1, None] * (1 - share) + points[1:, None] * share
    return np.concatenate([between.reshape(-1, *points.shape[1:]), points[-1:]])


def _smooth(fields: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The first two fields where the third is 1, and what they come to beyond; smooth, since points lie unevenly."""
    near = cv2.GaussianBlur(cv2.merge(list(fields)), (0, 0), 0.8, borderType=cv2.BORDER_CONSTANT)
    total, wider, factor = near, near, 1e-3
    # Ever wider, for what lies ever further out.
    for side in (5, 15, 45):
        wider = cv2.boxFilter(wider, cv2.CV_32F, (side, side), borderType=cv2.BORDER_CONSTANT)
        total = total + factor * wider
        factor *= 1e-3
    weight = np.maximum(total[..., 2], 1e-20)
    return total[..., 0] / weight, total[..., 1] / weight
