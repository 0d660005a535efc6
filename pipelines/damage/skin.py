"""Where a face has skin, and which way it folds: from a parsing map and 68 points, or from a face mesh alone.

The region is drawn at a fixed size of the face, so it costs the same on any picture, and its rim is pulled in, so that
what is placed inside it by its reach touches neither eye nor lip nor hair. A mesh knows no fringe, beard, glasses or
hand: where they cover skin, marks lie on them. A parsing map knows better, and is taken where there is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines import classes, mesh_parts
from pipelines.damage.base import ClassMap, Context, Face, Mask
from pipelines.landmarks import ibug_68

UNIT = 48
"""Pixels of the region between the eyes of a frontal face."""

RIM = 2
"""Of these by which the region is pulled in."""

LEAST_UNIT = 10.0
"""Pixels of the picture between the eyes under which a mole is no pixel."""

SKIN = {"skin", "face skin", "nose"}
"""Classes of parsing maps that are skin of the face."""

NOSTRILS = (98, 97, 2, 326, 327, 60, 290, 219, 439, 218, 438)
"""Points of the mesh around the underside of the nose."""

Points = NDArray[np.float64]
"""(N, 2) x, y in pixels of the picture."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A face as its marks see it.

    Attributes:
        points: (68, 2) of iBUG.
        middle: (2,) between the eyes.
        unit: distance of the eyes as if the face looked into the camera, in pixels of the picture.
        across, down: (2,) unit vectors, to the right eye and to the mouth as seen in the picture.
    """

    points: Points
    middle: NDArray[np.float64]
    unit: float
    across: NDArray[np.float64]
    down: NDArray[np.float64]

    def height_of(self, places: Points) -> NDArray[np.float64]:
        """How far below the eyes places lie, in units; the mouth is at about 1."""
        heights: NDArray[np.float64] = ((places - self.middle) * self.down).sum(axis=1) / self.unit
        return heights


@dataclass(frozen=True, eq=False)
class Skin:
    """Skin of one face.

    Attributes:
        frame: of the face.
        left, top: corner of the map in pixels of the picture.
        scale: pixels of the map per pixel of the picture.
        depth: (h, w) float32, how far inside the skin each pixel of the map lies, in its pixels.
    """

    frame: Frame
    left: float
    top: float
    scale: float
    depth: NDArray[np.float32]

    def depths(self, places: Points) -> NDArray[np.float64]:
        """How far inside the skin places lie, in units; 0 outside."""
        columns, rows = np.floor((places - (self.left, self.top)) * self.scale).astype(int).T
        height, width = self.depth.shape
        is_on = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height)
        found = self.depth[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
        return np.where(is_on, found, 0) / UNIT

    @cached_property
    def heights(self) -> NDArray[np.float32]:
        """(h, w) how far below the eyes each pixel of the map lies, in units."""
        height, width = self.depth.shape
        right, down = self.frame.down / self.scale / self.frame.unit
        start = self.frame.height_of(np.array([[self.left + 0.5 / self.scale, self.top + 0.5 / self.scale]]))[0]
        rows = start + np.arange(height, dtype=np.float32) * np.float32(down)
        heights: NDArray[np.float32] = rows[:, None] + np.arange(width, dtype=np.float32) * np.float32(right)
        return heights

    def places(self, reach: float, heights: tuple[float, float] | None = None) -> NDArray[np.int64]:
        """Numbers of the pixels of the map that lie so many units inside the skin, and so many below the eyes."""
        fit = self.depth > reach * UNIT
        if heights is not None:
            fit &= (self.heights > heights[0]) & (self.heights < heights[1])
        return np.flatnonzero(fit)

    def points(self, places: NDArray[np.int64]) -> Points:
        """Middles of pixels of the map, in pixels of the picture."""
        rows, columns = np.divmod(places, self.depth.shape[1])
        return np.stack([columns + 0.5, rows + 0.5], axis=1) / self.scale + (self.left, self.top)


def usable(face: Face, context: Context) -> bool:
    """Whether marks can be placed on a face: in the picture, not tiny, its points numbers and not mirrored."""
    frame = frame_of(face)
    if frame is None or frame.unit < LEAST_UNIT:
        return False
    parsing = context.maps.get("parsing")
    if face.scheme != mesh_parts.MESH and (parsing is None or not _classes(parsing)):
        return False
    x, y = frame.middle
    return bool(0 <= x < context.width and 0 <= y < context.height)


def frame_of(face: Face) -> Frame | None:
    """Frame of a face; None where its points are missing, not numbers, or left and right are exchanged."""
    if face.points is None or face.scheme not in ("ibug-68", mesh_parts.MESH) or not np.isfinite(face.points).all():
        return None
    points = ibug_68(face.scheme, face.points)
    assert points is not None
    left, right, mouth = (points[part].mean(axis=0) for part in (slice(36, 42), slice(42, 48), slice(48, 60)))
    across, middle = right - left, (left + right) / 2
    down = mouth - middle
    width, height = float(np.hypot(*across)), float(np.hypot(*down))
    if across[0] * down[1] - across[1] * down[0] <= 0.1 * width * height or not width:
        return None
    return Frame(points.astype(np.float64), middle, max(width, 0.9 * height), across / width, down / height)


def skin_of(face: Face, context: Context) -> Skin:
    """The skin of a usable face."""
    frame = frame_of(face)
    assert frame is not None
    assert face.points is not None
    parsing = context.maps.get("parsing")
    is_parsed = parsing is not None and bool(_classes(parsing))
    # A map may know the forehead up to the hair, of which points tell little: it is looked for above the brows.
    forehead = frame.points[17:27] - frame.down * frame.unit
    outline = np.concatenate([face.points, forehead]) if is_parsed else face.points
    low = np.maximum(outline.min(axis=0), 0)
    right, bottom = (float(n) for n in np.minimum(outline.max(axis=0), (context.width, context.height)))
    left, top, scale = float(low[0]), float(low[1]), UNIT / frame.unit
    size = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    if is_parsed:
        assert parsing is not None
        region = _parsed(parsing, left, top, scale, size)
        # Other faces of the map are not this one's skin.
        region &= _hull((outline - (left, top)) * scale, size)
    else:
        region = _meshed((face.points - (left, top)) * scale, size)
    nostrils = face.points[list(NOSTRILS)] if face.scheme == mesh_parts.MESH else frame.points[31:36]
    region &= ~_hull((nostrils - (left, top)) * scale, size)
    return Skin(frame, left, top, scale, _depth(region))


def _hull(points: Points, size: tuple[int, int]) -> Mask:
    """What points enclose, (h, w), 255 or 0."""
    hull = np.zeros(size[::-1], np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.rint(points).astype(np.int32)), 255)
    return hull


def _depth(region: Mask) -> NDArray[np.float32]:
    padded = cv2.copyMakeBorder(region, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    return np.maximum(depth - RIM, 0).astype(np.float32)


def _classes(parsing: ClassMap) -> list[int]:
    names = classes.SCHEMES[parsing.scheme].names if parsing.scheme in classes.SCHEMES else {}
    return [number for number, name in names.items() if name in SKIN]


def _parsed(parsing: ClassMap, left: float, top: float, scale: float, size: tuple[int, int]) -> Mask:
    move = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]])
    labels = cv2.warpAffine(parsing.labels, move, size, flags=cv2.INTER_NEAREST)
    return np.isin(labels, _classes(parsing)).astype(np.uint8) * 255


def _meshed(mesh: Points, size: tuple[int, int]) -> Mask:
    labels = np.zeros(size[::-1], np.uint8)
    mesh_parts.draw_parts(labels, mesh)
    numbers = classes.SCHEMES[mesh_parts.SCHEME].names
    return np.isin(labels, [number for number, name in numbers.items() if name in SKIN]).astype(np.uint8) * 255
