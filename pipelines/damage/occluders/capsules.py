"""Round limbs: balls of unequal size and what lies between two of them.

The outline of a limb is theirs, in whole numbers; light falls on the highest of them at each pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from pipelines.damage import noise
from pipelines.damage.occluders.head import Outline
from pipelines.damage.occluders.parts import Heights, Spot


class Ball(NamedTuple):
    """A place in pixels and a radius."""

    x: float
    y: float
    z: float
    radius: float


Capsule = tuple[Ball, Ball]


_ANGLES = np.arange(20) * (2 * np.pi / 20)


_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)


def hull(balls: Sequence[Ball]) -> Outline:
    """The outline around balls, in sixteenths."""
    points = np.concatenate([np.array([ball.x, ball.y]) + _CIRCLE * ball.radius for ball in balls]) * noise.PIXEL
    hull: Outline = cv2.convexHull(np.rint(points).astype(np.int32))[:, 0].astype(np.float64)
    return hull


def outlines(fingers: Sequence[Sequence[Capsule]]) -> list[Outline]:
    return [hull(capsule) for finger in fingers for capsule in finger]


def raised(spot: Spot, capsules: Sequence[Capsule], ground: Heights) -> Heights:
    """The highest of balls and what lies between them, over some ground; pixels."""
    heights = ground
    left, top = float(spot.x[0, 0]), float(spot.y[0, 0])
    for one, other in capsules:
        reach = max(one.radius, other.radius)
        x0, x1 = sorted((one.x, other.x))
        y0, y1 = sorted((one.y, other.y))
        rows = slice(max(0, int(y0 - reach - top)), max(0, int(y1 + reach - top) + 2))
        columns = slice(max(0, int(x0 - reach - left)), max(0, int(x1 + reach - left) + 2))
        part = heights[rows, columns]
        if part.size:
            np.maximum(part, _capsule(spot.x[:, columns], spot.y[rows], one, other), out=part)
    return heights


def _capsule(x: Heights, y: Heights, one: Ball, other: Ball) -> Heights:
    along_x, along_y = other.x - one.x, other.y - one.y
    length = max(along_x * along_x + along_y * along_y, 1e-6)
    from_x, from_y = x - np.float32(one.x), y - np.float32(one.y)
    share = np.clip(from_x * np.float32(along_x / length) + from_y * np.float32(along_y / length), 0, 1)
    off_x, off_y = from_x - share * np.float32(along_x), from_y - share * np.float32(along_y)
    radius = np.float32(one.radius) + share * np.float32(other.radius - one.radius)
    inner = radius * radius - off_x * off_x - off_y * off_y
    height = np.sqrt(np.maximum(inner, 0)) + np.float32(one.z) + share * np.float32(other.z - one.z)
    return np.where(inner > 0, height, np.float32(-1e4))
