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

Heights = NDArray[np.floating]
"""(h, w) towards the viewer, in pixels."""

Paint = NDArray[np.floating]
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

    x: Heights
    y: Heights
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
        within: an outline that neither part nor shadow leaves.
        own: whether its colours are taken from the picture, and need no matching to it.
    """

    shapes: tuple[tuple[Outline, ...], ...]
    surface: Surface
    opacity: float = 1.0
    shadow: float = 0.0
    reach: float = 0.0
    lines: tuple[tuple[Outline, float, int], ...] = ()
    soft: float = 0.0
    within: Outline | None = None
    own: bool = False

    def points(self) -> Outline:
        return np.concatenate(
            [*(outline for shape in self.shapes for outline in shape), *(line[0] for line in self.lines)]
        )


Place = Callable[[object, object], Outline]
"""Points of a thing's own frame, x and y (N,), in the picture."""

Window = tuple[int, int, int, int]
"""x, y, width and height in pixels."""


def window(part: Part) -> tuple[Outline, Outline]:
    """The corners of what a part and its shadow need, in sixteenths of a pixel."""
    points = part.points()
    widest = max((line[1] for line in part.lines), default=0.0)
    reach = 2.6 * part.reach if part.shadow else 0.0
    reach = max(reach, 3 * part.soft, widest) + 2 * noise.PIXEL
    return points.min(axis=0) - reach, points.max(axis=0) + reach


def bounds(parts: Sequence[Part], height: int, width: int) -> Window | None:
    """The rectangle that parts and their shadows need, cut to the picture; None if that is empty."""
    corners = [window(part) for part in parts]
    low = np.min([corner[0] for corner in corners], axis=0)
    high = np.max([corner[1] for corner in corners], axis=0)
    return _cut(low, high, 0, 0, width, height)


def _cut(low: Outline, high: Outline, x: int, y: int, width: int, height: int) -> Window | None:
    """A rectangle of even x and y, so that every other pixel is the same one in all of them."""
    left, top = (int(value) & ~1 for value in np.clip(low // noise.PIXEL, (x, y), (x + width, y + height)))
    right, bottom = (int(value) for value in np.clip(high // noise.PIXEL + 1, (x, y), (x + width, y + height)))
    return (left, top, right - left, bottom - top) if right > left and bottom > top else None


class Canvas:
    """Colour and alpha of a rectangle of a picture, painted part by part.

    Attributes:
        x, y: of its corner, even numbers.
    """

    def __init__(self, place: Window, light: Light, toned: Callable[[Picture], Picture] | None = None) -> None:
        """An empty one.

        Args:
            place: in the picture.
            light: that falls on all parts.
            toned: what the picture's light makes of colours.
        """
        self.x, self.y, self.width, self.height = place
        self._light, self._toned = light, toned
        self.colour: Picture = np.zeros((self.height, self.width, 3), np.uint8)
        self.alpha: Mask = np.zeros((self.height, self.width), np.uint8)

    def paint(self, part: Part, coarse: Part | None = None) -> None:
        """Adds a part.

        Args:
            part: what covers.
            coarse: the same part of a picture of half the size, whose surface is painted instead: a quarter of the
                work, and in a large picture no one sees the difference.
        """
        place = _cut(*window(part), self.x, self.y, self.width, self.height)
        if place is None:
            return
        mask = self._mask(part, place)
        if part.shadow:
            self._cast(part, mask, place)
        x, y, width, height = cv2.boundingRect(mask)
        if not width:
            return
        x, y = x - x % 2, y - y % 2
        mask = mask[y : y + height + 1, x : x + width + 1]
        inner = place[0] + x, place[1] + y, mask.shape[1], mask.shape[0]
        painted = self._surface(coarse or part, mask, inner, 2 if coarse else 1)
        if self._toned and not part.own:
            painted = self._toned(painted)
        self._over(inner, painted, noise.scaled(mask, part.opacity) if part.opacity < 1 else mask)

    def _surface(self, part: Part, mask: Mask, place: Window, step: int) -> Picture:
        height, width = mask.shape
        small = mask
        if step == 2:
            small = cv2.resize(mask, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        rows, columns = small.shape
        spot = Spot(
            np.arange(columns, dtype=np.float32)[None] + np.float32(place[0] / step + 0.5),
            np.arange(rows, dtype=np.float32)[:, None] + np.float32(place[1] / step + 0.5),
            small,
            self._light,
        )
        painted = np.empty((rows, columns, 3), np.uint8)
        painted[:] = np.clip(part.surface(spot) + np.float32(0.5), 0, 255)
        if step == 2:
            grown = cv2.resize(painted, (2 * columns, 2 * rows), interpolation=cv2.INTER_LINEAR)
            return grown[:height, :width]  # type: ignore[return-value]
        return painted

    def _mask(self, part: Part, place: Window) -> Mask:
        mask: Mask = np.zeros((place[3], place[2]), np.uint8)
        for shape in part.shapes:
            cv2.fillPoly(mask, [_placed(outline, place) for outline in shape], 255, cv2.LINE_AA, noise.SHIFT)
        for points, width, level in part.lines:
            thickness = max(1, int(width + noise.PIXEL / 2) // noise.PIXEL)
            shown = level * max(min(int(width), noise.PIXEL), noise.PIXEL // 3) >> noise.SHIFT
            cv2.polylines(mask, [_placed(points, place)], False, shown, thickness, cv2.LINE_AA, noise.SHIFT)
        return _kept(part, blurred(mask, part.soft), place)

    def _cast(self, part: Part, mask: Mask, place: Window) -> None:
        """A soft shadow, away from the light and a little on all sides."""
        x, y = (round(-part.reach * axis / noise.PIXEL) for axis in self._light[:2])
        size = mask.shape[1], mask.shape[0]
        matrix = np.array([[1, 0, x], [0, 1, y]], np.float64)
        moved = cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_NEAREST) if x or y else mask
        shade = noise.scaled(_kept(part, blurred(moved, part.reach * 0.6), place), part.shadow)  # type: ignore[arg-type]
        self._over(place, None, noise.faint_removed(shade))

    def _over(self, place: Window, colour: Picture | None, alpha: Mask) -> None:
        """Adds a colour, or black."""
        x, y, width, height = place
        part = slice(y - self.y, y - self.y + height), slice(x - self.x, x - self.x + width)
        united = noise.screened(self.alpha[part], alpha)
        share: Mask = cv2.divide(alpha, united, scale=255)  # type: ignore[assignment]
        shares = cv2.merge((share, share, share))
        total = np.multiply(self.colour[part], cv2.bitwise_not(shares), dtype=np.uint16)
        if colour is not None:
            total += np.multiply(colour, shares, dtype=np.uint16)
        self.colour[part] = cv2.convertScaleAbs(total, alpha=1 / 255)
        self.alpha[part] = united


def _placed(outline: Outline, place: Window) -> NDArray[np.int32]:
    # OpenCV counts from the middle of the first pixel, we from its corner.
    corner = np.array(place[:2]) * noise.PIXEL + noise.PIXEL // 2
    placed: NDArray[np.int32] = np.clip(np.rint(outline - corner), -(2**20), 2**20).astype(np.int32)
    return placed


def _kept(part: Part, mask: Mask, place: Window) -> Mask:
    """What of a mask lies where the part may be."""
    if part.within is None:
        return mask
    room: Mask = np.zeros_like(mask)
    cv2.fillPoly(room, [_placed(part.within, place)], 255, cv2.LINE_AA, noise.SHIFT)
    return noise.scaled(mask, blurred(room, part.soft))


def blurred(mask: Mask, sigma: float) -> Mask:
    """A mask blurred by some sixteenths of a pixel, in whole numbers; wide blurs are done on a smaller mask."""
    pixels = sigma / noise.PIXEL
    if pixels < 0.25:
        return mask
    halvings = 0 if pixels < 2 else 1 if pixels < 4.5 else 2  # below that it would show
    if halvings and min(mask.shape) >> halvings > 1:
        small = mask
        for _ in range(halvings):
            small = cv2.pyrDown(small)  # type: ignore[assignment]
        small = cv2.GaussianBlur(small, (0, 0), pixels / (1 << halvings))  # type: ignore[assignment]
        for _ in range(halvings):
            small = cv2.pyrUp(small)  # type: ignore[assignment]
        return small[: mask.shape[0], : mask.shape[1]]
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
    heights: Heights,
    colour: Paint | Color,
    light: Light,
    *,
    dark: float = 0.45,
    gloss: float = 0.0,
    sharp: float = 20.0,
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
    across, down = (np.asarray(cv2.Sobel(heights, cv2.CV_32F, x, 1 - x, scale=1 / 8), np.float32) for x in (1, 0))
    return reflected(across, down, colour, light, dark=dark, gloss=gloss, sharp=sharp)


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
        mirror = np.maximum(
            (np.float32(half[2]) - across * np.float32(half[0]) - along * np.float32(half[1])) * norm, 0
        )
        painted += (np.float32(255 * gloss) * cv2.pow(mirror, sharp))[..., None]
    return painted


def smoothed(heights: Heights, sigma: float) -> Heights:
    """Heights, or anything over a rectangle, without what is finer than so many pixels."""
    return cv2.GaussianBlur(heights, (0, 0), max(0.5, sigma))  # type: ignore[return-value]


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
