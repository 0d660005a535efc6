"""A mask of the neutral head put onto a head in a picture: its surface, its straps, and what lies over them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.classes import SCHEMES
from pipelines.damage.base import ClassMap, Picture
from pipelines.damage.facewear import surface
from pipelines.damage.facewear.head import Head
from pipelines.damage.facewear.light import Lighting, colour_at, outward
from pipelines.damage.facewear.shapes import BANDS, COLUMNS, LOOPS, ROWS, Style
from pipelines.damage.facewear.surface import FULL, Grid, Place
from pipelines.damage.facewear.worn import Polygon, Strap
from pipelines.damage.holes import Color
from pipelines.damage.noise import PIXEL, fixed

Array = NDArray[np.float64]

OVER = frozenset({"hair", "hat", "eye_g"})
"""Classes of a parsing map that lie over a face mask."""

_STEPS = 5
"""Straight pieces of each bend of a strap."""
_SPLINE = np.array(
    [
        (
            -0.5 * t + t**2 - 0.5 * t**3,
            1 - 2.5 * t**2 + 1.5 * t**3,
            0.5 * t + 2 * t**2 - 1.5 * t**3,
            0.5 * (t**3 - t**2),
        )
        for t in np.arange(_STEPS) / _STEPS
    ]
)
"""(_STEPS, 4) weights of four neighbours between the middle two of them."""
_UNLIKE = 85.0
"""Distance in colour from which a strap's place is not skin, and the strap goes under it: hair, mostly."""
_EDGE = 0.08
"""How much a strap must face the viewer to be seen: what hardly does lies in the edge of the head."""
_IN_A_ROW = 2
"""Places that are no skin after which a strap ends: one may be a freckle."""
_LOW = -4.0
"""Height of a mask's corner, in cm of the head, under which it hangs below the cheek."""
_SMALLEST = 12
"""Pixels of what lies over a mask; less is noise of the map."""


def gridded(head: Head, points: Array, lighting: Lighting) -> Grid:
    """A surface (R, C, 3) of the neutral head as a picture shows it."""
    placed = np.rint(head.placed(points.reshape(-1, 3)) * PIXEL).reshape(*points.shape[:2], 2)
    light = lighting.on(normals(points)) * np.clip(1 + 0.02 * (points[..., 1] + 8.5), 0.8, 1.0)
    grid: Grid = np.concatenate([placed, np.rint(light * FULL)[..., None]], axis=2).astype(np.int32)
    return grid


def normals(points: Array) -> Array:
    """(R, C, 3) outward normals of a surface."""
    across, down = np.gradient(points, axis=1), np.gradient(points, axis=0)
    found = np.cross(down, across)
    unit: Array = found / np.maximum(np.linalg.norm(found, axis=2, keepdims=True), 1e-9)
    return unit


def covered(grid: Grid, points: Array, width: int, height: int) -> tuple[float, float]:
    """Share of a face's points that a surface covers, and share of the surface that lies in the picture.

    Args:
        grid: of the surface.
        points: (N, 2) in pixels.
        width, height: of the picture.
    """
    low, high = (np.array(edge) / PIXEL for edge in (grid[..., :2].min((0, 1)), grid[..., :2].max((0, 1))))
    ratio = 96 / max(float((high - low).max()), 1.0)
    small = grid.astype(np.float64)
    small[..., :2] = (small[..., :2] - low * PIXEL) * ratio
    drawn = surface.outline(np.rint(small).astype(np.int32), Place(0, 0, 98, 98))
    at = np.floor((points - low) * ratio).astype(int)
    inside = (at >= 0).all(axis=1) & (at < 98).all(axis=1)
    hit = drawn[at[inside, 1], at[inside, 0]] > 0
    rows, columns = np.nonzero(drawn)
    x, y = columns / ratio + low[0], rows / ratio + low[1]
    seen = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    return float(hit.sum()) / len(points), float(seen.mean()) if len(seen) else 0.0


def straps(
    head: Head, points: Array, style: Style, lighting: Lighting, colour: Color, breadth: float, image: Picture | None
) -> tuple[Strap, ...]:
    """Straps from the sides of a surface to the ears, or around the head, as far as they are seen.

    Args:
        points: (R, C, 3) of the surface.
        breadth: in cm.
    """
    found = []
    like_skin = None if image is None or style == "n95" else _SkinTest(image, head)
    for place, whole_path in reversed(BANDS if style == "n95" else LOOPS):
        for side in (-1, 1):
            edge = points[:, 0 if side < 0 else COLUMNS - 1]
            inner = points[:, 1 if side < 0 else COLUMNS - 2]
            start = [
                np.array([np.interp(place * (ROWS - 1), range(ROWS), axis) for axis in line.T])
                for line in (inner, edge)
            ]
            low, path = np.inf, whole_path
            if style == "n95" and place > 0.5:
                # Where a mask hangs low, a band that runs below the ear does too,
                low = 0.75 * start[1][1]
            elif start[1][1] < _LOW:
                # and one that runs up goes straight there.
                path = whole_path[1:]
            line = _bent(np.array([*start, *((side * x, min(y, low), z) for x, y, z in path)]))
            line = line[: _seen(head, line)]
            pixels = head.placed(line)
            if like_skin is not None:
                pixels = pixels[: like_skin.reaches(pixels)]
            if len(pixels) > _STEPS:
                width = max(4, round(breadth * head.scale * PIXEL))
                shade = float(lighting.on(outward(line[_STEPS:][:1]))[0])
                tone = tuple(int(np.clip(round(level * shade), 0, 255)) for level in colour)
                found.append(((fixed(pixels), (width,) * (len(pixels) - 1), 255), tone))
    return tuple(found)  # type: ignore[arg-type]


def _along(line: Array, place: float) -> Array:
    """A point (3,) of a line of ROWS points, 0 being its first and 1 its last."""
    return np.array([np.interp(place * (ROWS - 1), np.arange(ROWS), axis) for axis in line.T])


def _bent(corners: Array) -> Array:
    """A Catmull-Rom curve through corners, (N, 3), `_STEPS` points from each to the next."""
    ends = np.concatenate([corners[:1], corners, 2 * corners[-1:] - corners[-2:-1]])
    pieces = _SPLINE @ np.lib.stride_tricks.sliding_window_view(ends, 4, axis=0).transpose(0, 2, 1)
    return np.concatenate([pieces.reshape(-1, 3), corners[-1:]])


def _seen(head: Head, line: Array) -> int:
    """How many of a strap's points are seen before it goes around the head."""
    facing = outward(line) @ head.rotation[2]
    hidden = np.nonzero(facing < _EDGE)[0]
    return int(hidden[0]) if len(hidden) else len(line)


class _SkinTest:
    """Whether places look like a face's skin."""

    def __init__(self, image: Picture, head: Head) -> None:
        cheeks = np.array([(4.8, -0.7, 3.5), (-4.8, -0.7, 3.5), (3.8, -1.5, 4.1), (-3.8, -1.5, 4.1), (0, 6.5, 5.0)])
        self._image = image
        self._reach = 0.2 * head.scale
        self._skin = np.median([self._colour(place) for place in head.placed(cheeks)], axis=0)

    def reaches(self, pixels: Array) -> int:
        """How many places of a line are reached before two in a row are no skin; its first piece is under the cloth."""
        unlike = 0
        for number in range(_STEPS + 2, len(pixels)):
            unlike = unlike + 1 if self._differs(pixels[number]) else 0
            if unlike == _IN_A_ROW:
                return number
        return len(pixels)

    def _differs(self, place: Array) -> bool:
        colour = self._colour(place)
        # Light may differ a good deal on the side of a face, colour less.
        light, skin = colour.sum() / 3 + 1, self._skin.sum() / 3 + 1
        tint = np.abs(colour / light - self._skin / skin).sum() * 128
        return bool(tint > _UNLIKE or light < 0.45 * skin)

    def _colour(self, place: Array) -> Array:
        return colour_at(self._image, place, self._reach)


def above(parsing: ClassMap | None, place: Place) -> tuple[Polygon, ...]:
    """Outlines of what a parsing map says lies over a mask, within a rectangle of the picture."""
    if parsing is None:
        return ()
    numbers = [number for number, name in SCHEMES[parsing.scheme].names.items() if name in OVER]
    part = np.isin(parsing.labels[place.slices], numbers).astype(np.uint8)
    found, _ = cv2.findContours(part, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE, offset=(place.x, place.y))
    coarse = max(0.7, max(place.width, place.height) / 400)
    kept = [cv2.approxPolyDP(line, coarse, True)[:, 0] for line in found if cv2.contourArea(line) >= _SMALLEST]
    return tuple(tuple((int(x), int(y)) for x, y in line) for line in kept)
