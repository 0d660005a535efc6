"""Noise and uneven lines: what makes drawn damage look grown, torn or worn.

Everything that decides a mask is done in whole numbers with OpenCV's exact functions, so that stored parameters draw
the same pixels on every machine. The price: the size of a noise's cells is a power of two in pixels, so it may be off
by a factor of 1.4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.damage.base import Mask

Field = NDArray[np.int16]
"""(H, W) heights, about -6000 to 6000."""

Table = NDArray[np.uint8]
"""(256,) what each level becomes."""

Point = tuple[int, int]
"""x, y in sixteenths of a pixel."""

Line = NDArray[np.float64]
"""(N, 2) points x, y in pixels."""

Place = Sequence[float] | NDArray[np.float64]
"""x, y in pixels."""

Stroke = tuple[tuple[Point, ...], tuple[int, ...], int]
"""A line's points, the width of each of its segments (one fewer) in sixteenths of a pixel, and its level (0 to 255)."""

SHIFT = 4
PIXEL = 1 << SHIFT
"""Of `Point`: OpenCV draws between pixels with this many steps."""

LEAST = 8
"""Alpha below which no one sees a thing."""

AMPLITUDE = 4096
ONE = 4096
"""The shorter side in the units of a distance field."""


def seed_of(rng: np.random.Generator) -> int:
    """A number to store in parameters, from which `from_seed` draws a texture."""
    return int(rng.integers(2**31))


def from_seed(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def fractal(
    rng: np.random.Generator, height: int, width: int, cell: float, finest: float = 1.0, persistence: float = 0.5
) -> Field:
    """Smooth noise with finer and finer noise upon it.

    Random heights on a coarse grid are doubled in size again and again; `pyrUp` does it with the weights of a cubic
    B-spline, so nothing shows the grid.

    Source: random midpoint displacement of Fournier, Fussell and Carpenter (CACM 1982); we depart from it in the
    spline, in square cells, and in whole numbers.

    Args:
        rng: draws the heights.
        height, width: pixels.
        cell: size of the coarsest features in pixels.
        finest: size of the finest ones.
        persistence: how high each finer layer is, relative to the one before.
    """
    doublings = max(0, round(math.log2(max(cell, 1.0))))
    smooth = min(doublings, max(0, round(math.log2(max(finest, 1.0)))))
    rows, columns = (max(2, -(-side >> doublings) + 1) for side in (height, width))
    field = _heights(rng, rows, columns, AMPLITUDE)
    amplitude = float(AMPLITUDE)
    for level in range(doublings - 1, -1, -1):
        field = cv2.pyrUp(field)[: (height >> level) + 2, : (width >> level) + 2]  # type: ignore[assignment]
        amplitude *= persistence
        if level >= smooth and amplitude >= 1:
            rows, columns = field.shape
            field += _heights(rng, rows, columns, int(amplitude))
    return field[:height, :width]


def _heights(rng: np.random.Generator, rows: int, columns: int, amplitude: int) -> Field:
    raw = np.frombuffer(rng.bytes(rows * columns), np.int8).reshape(rows, columns)
    # Bytes cost a third of `integers`; 128 steps each way are enough, since they are smoothed.
    if amplitude >= 128:
        return raw * np.int16(amplitude >> 7)
    return (raw >> np.int8(7 - int(math.log2(amplitude)))).astype(np.int16)


def heights(distances: NDArray[np.int32]) -> Field:
    """Distances as a field, cut to what noise can be added to."""
    return np.clip(distances, -(2**14), 2**14 - 1).astype(np.int16)


def levels(field: Field, base: int, bits: int) -> Mask:
    """A field as bytes: 0 at `base` and below, one more for every 2**bits above it, rounded up."""
    above: Field = (field - np.int16(base - (1 << bits) + 1)) >> bits
    return np.clip(above, 0, 255).astype(np.uint8)


def levels_over(field: Field, reach: int) -> Mask:
    """A field as bytes: 0 at 0 and below, 255 at `reach` and above."""
    low = np.clip(field, 0, reach).astype(np.uint16)
    share: Mask = (low * np.uint16(255) // np.uint16(reach)).astype(np.uint8)  # 255 times a reach of 257 fits
    return share


def threshold(field: Field, share: float) -> int:
    """Height above which this share of a field lies."""
    place = min(max(field.size - round(share * field.size) - 1, 0), field.size - 2)
    # One below the top at most, so that something lies above it.
    return min(int(np.partition(field.ravel(), place)[place]), int(field.max()) - 1)


def table(*knots: tuple[float, float]) -> Table:
    """Levels (0 to 255) at some levels (0 to 255), straight lines between them."""
    places, values = zip(*knots, strict=True)
    return np.asarray(np.rint(np.interp(np.arange(256), places, values)), np.uint8)


def scaled(mask: Mask, factor: Mask | float) -> Mask:
    """A mask times another, as if 255 were one, or times a number."""
    if isinstance(factor, float):
        return cv2.convertScaleAbs(mask, alpha=factor)  # type: ignore[return-value]
    return cv2.multiply(mask, factor, scale=1 / 255)  # type: ignore[return-value]


def screened(one: Mask, other: Mask) -> Mask:
    """Opacity of one layer over another: what both let through is the product of what each lets through."""
    return cv2.bitwise_not(scaled(cv2.bitwise_not(one), cv2.bitwise_not(other)))  # type: ignore[return-value, arg-type]


def faint_removed(alpha: Mask, least: int = LEAST) -> Mask:
    """Alpha without what no one sees, which would only widen the hole."""
    return cv2.threshold(alpha, least - 1, 0, cv2.THRESH_TOZERO)[1]  # type: ignore[return-value]


def jagged(
    rng: np.random.Generator,
    start: Place,
    end: Place,
    doublings: int,
    rough: float,
) -> Line:
    """An uneven line between two points: each middle is moved sideways, by less and less.

    Args:
        rng: draws the moves.
        start, end: x, y.
        doublings: the line gets 2**doublings + 1 points.
        rough: standard deviation of the first move, relative to the line's length.
    """
    points = np.array([start, end], np.float64)
    across = (points[1] - points[0])[::-1] * (-1, 1)
    for _ in range(doublings):
        middles = (points[:-1] + points[1:]) / 2 + across * rng.normal(0, rough, (len(points) - 1, 1))
        points = np.insert(points, np.arange(1, len(points)), middles, axis=0)
        rough /= 2
    return points


def wander(start: Place, angle: float, length: float, turns: NDArray[np.float64]) -> Line:
    """A line that turns at every step.

    Args:
        start: x, y.
        angle: of the first step, in radians.
        length: of the whole line.
        turns: radians by which each step differs from the one before.
    """
    angles = angle + np.cumsum(turns)
    steps = np.stack([np.cos(angles), np.sin(angles)], axis=1) * (length / len(angles))
    return np.concatenate([[start], start + np.cumsum(steps, axis=0)])


def fixed(line: Line) -> tuple[Point, ...]:
    """A line as parameters hold it."""
    return tuple((int(x), int(y)) for x, y in np.rint(line * PIXEL).tolist())


def stroke(mask: Mask, line: Stroke, x: int = 0, y: int = 0) -> None:
    """Draws a line of uneven width into a mask, smoothly; what is thinner than a pixel is drawn fainter.

    Args:
        mask: (H, W), changed.
        line: where, how wide and how strong.
        x, y: of the mask's upper left corner in the picture.
    """
    points, widths, level = line
    placed = [(px - x * PIXEL, py - y * PIXEL) for px, py in points]
    for start, end, width in zip(placed[:-1], placed[1:], widths, strict=True):
        thickness = max(1, (width + PIXEL // 2) >> SHIFT)
        shown = level * max(min(width, PIXEL), PIXEL // 3) >> SHIFT
        cv2.line(mask, start, end, shown, thickness, cv2.LINE_AA, SHIFT)


def bounds(lines: Sequence[Stroke], reach: int, height: int, width: int) -> tuple[int, int, int, int]:
    """x, y, width and height of the rectangle that lines need, `reach` pixels wider, cut to the picture."""
    points = np.array([point for line in lines for point in line[0]]) >> SHIFT
    thickest = max((width for line in lines for width in line[1]), default=0) >> SHIFT
    low = np.clip(points.min(axis=0) - reach - thickest - 1, 0, (width - 1, height - 1))
    high = np.clip(points.max(axis=0) + reach + thickest + 2, low + 1, (width, height))
    return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])


def axes(height: int, width: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Places x as (1, W) and y as (H, 1), from the middle of the picture, the shorter side being `ONE`."""
    shorter = min(height, width)
    x = ((2 * np.arange(width, dtype=np.int32) + 1 - width) * (ONE // 2)) // shorter
    y = ((2 * np.arange(height, dtype=np.int32) + 1 - height) * (ONE // 2)) // shorter
    return x[None, :], y[:, None]
