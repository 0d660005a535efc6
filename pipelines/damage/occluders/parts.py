"""Solid things drawn part by part: outlines in whole numbers decide what is covered, heights decide how it is lit.

An occluder is a list of parts, the farthest first. A part's outline is filled without floats, so that its alpha is the
same on every machine; its surface is lit from a field of heights in floats, which decides colours only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.damage import noise
from pipelines.damage.base import Mask, Picture
from pipelines.damage.holes import Color
from pipelines.damage.occluders.head import Outline

Heights = NDArray[np.float32]
"""(h, w) towards the viewer, in pixels."""

Paint = NDArray[np.float32]
"""(h, w, 3) or (3,) RGB, 0 to 255."""

Light = tuple[float, float, float]
"""Direction to the light: right, down, towards the viewer; of length one."""


class Spot(NamedTuple):
    """The rectangle in which a surface is painted.

    Attributes:
        x: (1, w) places of the pixels' middles in the picture, in pixels.
        y: (h, 1)
        mask: (h, w) uint8 how much of each pixel the part covers.
        light: where light comes from.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    mask: Mask
    light: Light


Surface = Callable[[Spot], Paint]


@dataclass(frozen=True)
class Part:
    """One surface.

    Attributes:
        shapes: united; each is one or more outlines filled by the even-odd rule.
        surface: its colours.
        opacity: 0 to 1.
        shadow: strength of the shadow that it casts on what lies below, 0 to 1.
        reach: how far the shadow falls, in sixteenths of a pixel.
        lines: (points, width in sixteenths, level 0 to 255) besides the shapes.
        soft: of its rim, in sixteenths of a pixel.
        within: outlines that neither part nor shadow leaves.
    """

    shapes: tuple[tuple[Outline, ...], ...]
    surface: Surface
    opacity: float = 1.0
    shadow: float = 0.0
    reach: float = 0.0
    lines: tuple[tuple[Outline, float, int], ...] = ()
    soft: float = 0.0
    within: Outline | None = None

    def points(self) -> Outline:
        return np.concatenate([*(outline for shape in self.shapes for outline in shape), *(line[0] for line in self.lines)])


def bounds(parts: Sequence[Part], height: int, width: int) -> tuple[int, int, int, int] | None:
    """x, y, width and height of the rectangle that parts and their shadows need, cut to the picture; None if empty."""
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    for part in parts:
        points = part.points()
        reach = 3 * max(part.reach, part.soft) + 2 * noise.PIXEL + max((line[1] for line in part.lines), default=0)
        low, high = np.minimum(low, points.min(axis=0) - reach), np.maximum(high, points.max(axis=0) + reach)
    left, top = (int(value) for value in np.clip(low // noise.PIXEL, 0, (width, height)))
    right, bottom = (int(value) for value in np.clip(high // noise.PIXEL + 1, 0, (width, height)))
    return (left, top, right - left, bottom - top) if right > left and bottom > top else None


class Canvas:
    """Colour and alpha of a rectangle of a picture, painted part by part."""

    def __init__(self, x: int, y: int, width: int, height: int, light: Light) -> None:
        self.x, self.y, self.light = x, y, light
        self.colour: Picture = np.zeros((height, width, 3), np.uint8)
        self.alpha: Mask = np.zeros((height, width), np.uint8)

    def paint(self, part: Part) -> None:
        mask = self._mask(part)
        place = _box(mask, 0)
        if place is None:
            return
        if part.shadow:
            self._cast(part, mask)
        rows, columns = place
        mask = mask[place]
        spot = Spot(
            np.arange(columns.start, columns.stop, dtype=np.float32)[None] + np.float32(self.x + 0.5),
            np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] + np.float32(self.y + 0.5),
            mask,
            self.light,
        )
        painted = np.empty((*mask.shape, 3), np.uint8)
        painted[:] = np.clip(part.surface(spot) + np.float32(0.5), 0, 255)
        self._over(place, painted, noise.scaled(mask, part.opacity) if part.opacity < 1 else mask)

    def _mask(self, part: Part) -> Mask:
        mask: Mask = np.zeros_like(self.alpha)
        for shape in part.shapes:
            cv2.fillPoly(mask, [self._placed(outline) for outline in shape], 255, cv2.LINE_AA, noise.SHIFT)
        for points, width, level in part.lines:
            thickness = max(1, int(width + noise.PIXEL / 2) // noise.PIXEL)
            shown = level * max(min(int(width), noise.PIXEL), noise.PIXEL // 3) >> noise.SHIFT
            cv2.polylines(mask, [self._placed(points)], False, shown, thickness, cv2.LINE_AA, noise.SHIFT)
        if part.soft >= noise.PIXEL / 4:
            mask = blurred(mask, part.soft)
        return self._kept(part, mask)

    def _kept(self, part: Part, mask: Mask) -> Mask:
        if part.within is None:
            return mask
        room: Mask = np.zeros_like(mask)
        cv2.fillPoly(room, [self._placed(part.within)], 255, cv2.LINE_AA, noise.SHIFT)
        return noise.scaled(mask, blurred(room, part.reach or part.soft))

    def _cast(self, part: Part, mask: Mask) -> None:
        """A soft shadow, away from the light and a little on all sides."""
        x, y = (round(-part.reach * axis / noise.PIXEL) for axis in self.light[:2])
        matrix = np.array([[1, 0, x], [0, 1, y]], np.float64)
        size = mask.shape[1], mask.shape[0]
        moved = cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_NEAREST) if x or y else mask
        shade = noise.scaled(self._kept(part, blurred(moved, part.reach * 0.6)), part.shadow)  # type: ignore[arg-type]
        place = _box(shade, noise.LEAST)
        if place is not None:
            shade = noise.faint_removed(shade[place])
            self._over(place, np.zeros((*shade.shape, 3), np.uint8), shade)

    def _over(self, place: tuple[slice, slice], colour: Picture, alpha: Mask) -> None:
        under = self.alpha[place]
        united = noise.screened(under, alpha)
        share: Mask = cv2.divide(alpha, united, scale=255)  # type: ignore[assignment]
        shares = cv2.merge((share, share, share))
        total = np.multiply(colour, shares, dtype=np.uint16)
        total += np.multiply(self.colour[place], cv2.bitwise_not(shares), dtype=np.uint16)
        self.colour[place] = cv2.convertScaleAbs(total, alpha=1 / 255)
        self.alpha[place] = united

    def _placed(self, outline: Outline) -> NDArray[np.int32]:
        # OpenCV counts from the middle of the first pixel, we from its corner.
        corner = np.array([self.x, self.y]) * noise.PIXEL + noise.PIXEL // 2
        return np.clip(np.rint(outline - corner), -(2**20), 2**20).astype(np.int32)


def _box(mask: Mask, least: int) -> tuple[slice, slice] | None:
    """The rectangle of what is at least so opaque; None where nothing is."""
    shown = mask if least <= 1 else cv2.threshold(mask, least - 1, 255, cv2.THRESH_BINARY)[1]
    x, y, width, height = cv2.boundingRect(shown)
    return (slice(y, y + height), slice(x, x + width)) if width else None


def blurred(mask: Mask, sigma: float) -> Mask:
    """A mask blurred by some sixteenths of a pixel, in whole numbers; wide blurs are done on a smaller mask."""
    pixels = sigma / noise.PIXEL
    if pixels < 0.25:
        return mask
    if pixels > 6 and min(mask.shape) > 8:
        small = cv2.pyrDown(cv2.pyrDown(mask))
        grown = cv2.pyrUp(cv2.pyrUp(cv2.GaussianBlur(small, (0, 0), pixels / 4)))
        return grown[: mask.shape[0], : mask.shape[1]]  # type: ignore[return-value]
    return cv2.GaussianBlur(mask, (0, 0), pixels)  # type: ignore[return-value]


# --- surfaces ---------------------------------------------------------------------------------------------------


def along(spot: Spot, origin: Outline, right: Outline, down: Outline) -> tuple[Heights, Heights]:
    """Places of the pixels in a frame of its own, (h, w) each: 1 at `right` and at `down`.

    Args:
        spot: the rectangle.
        origin, right, down: points in sixteenths of a pixel.
    """
    (x, y), (rx, ry), (dx, dy) = (np.ravel(point) / noise.PIXEL for point in (origin, right, down))
    rx, ry, dx, dy = rx - x, ry - y, dx - x, dy - y
    area = rx * dy - ry * dx
    from_x, from_y = spot.x - np.float32(x), spot.y - np.float32(y)
    u = from_x * np.float32(dy / area) - from_y * np.float32(dx / area)
    v = from_y * np.float32(rx / area) - from_x * np.float32(ry / area)
    return u, v


def smooth(values: Heights, low: float, high: float) -> Heights:
    """0 at `low`, 1 at `high`, without a kink between them."""
    share = np.clip((values - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    return share * share * (3 - 2 * share)  # type: ignore[no-any-return]


def plain(color: Color) -> Surface:
    return lambda _: np.array(color, np.float32)


def lit(
    heights: Heights, colour: Paint | Color, light: Light, *, dark: float = 0.45, gloss: float = 0.0, sharp: float = 20.0
) -> Paint:
    """A matt or glossy surface under one light and an even sky.

    Source: Blinn's reflection (1977).

    Args:
        heights: (h, w) in pixels.
        colour: of the surface.
        light: direction.
        dark: brightness where no light falls.
        gloss: strength of highlights, 0 to 1.
        sharp: exponent of highlights.
    """
    heights = np.asarray(heights, np.float32)
    across = cv2.Sobel(heights, cv2.CV_32F, 1, 0, scale=1 / 8)
    along = cv2.Sobel(heights, cv2.CV_32F, 0, 1, scale=1 / 8)
    return reflected(across, along, colour, light, dark=dark, gloss=gloss, sharp=sharp)


def reflected(
    across: Heights,
    along: Heights,
    colour: Paint | Color,
    light: Light,
    *,
    dark: float,
    gloss: float,
    sharp: float,
) -> Paint:
    """As `lit`, from slopes to the right and down."""
    x, y, z = light
    norm = 1 / np.sqrt(1 + across * across + along * along)
    facing = np.maximum((np.float32(z) - across * np.float32(x) - along * np.float32(y)) * norm, 0)
    bright = np.float32(dark) + np.float32(1 - dark) * facing * np.float32(1.12)
    painted: Paint = bright[..., None] * np.asarray(colour, np.float32)
    if gloss:
        half = np.array([x, y, z + 1]) / np.sqrt(x * x + y * y + (z + 1) ** 2)
        mirror = np.maximum((np.float32(half[2]) - across * np.float32(half[0]) - along * np.float32(half[1])) * norm, 0)
        painted += (np.float32(255 * gloss) * cv2.pow(mirror, sharp))[..., None]
    return painted


def puffed(mask: Mask, radius: float) -> Heights:
    """Heights of a cushion: round within `radius` pixels of the rim, flat beyond."""
    solid = cv2.threshold(mask, 127, 255, cv2.THRESH_BINARY)[1]
    padded = cv2.copyMakeBorder(solid, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    inner = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
    rest = np.maximum(np.float32(radius) - inner, 0)
    return np.sqrt(np.maximum(np.float32(radius * radius) - rest * rest, 0))  # type: ignore[no-any-return]


def grain(seed: int, mask: Mask, cell: float, finest: float = 1.0, persistence: float = 0.6) -> Heights:
    """Fractal noise, about -1 to 1, over a rectangle."""
    height, width = mask.shape
    field = noise.fractal(noise.from_seed(seed), height, width, cell, finest, persistence)
    return field.astype(np.float32) * np.float32(1 / 4096)
