"""Holes: strokes and boxes in one flat colour, and how a family meets an asked ratio.

Every hole family (`brush`, `box`, `lama`) draws the same `Holes`. They are integers only and drawn without
antialiasing, so that the same parameters give the same pixels everywhere; the price is a jagged rim, which
the published masks have too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Protocol, TypeVar

import cv2
import numpy as np
from pydantic import AfterValidator, Field

from pipelines.damage.base import Context, Damage, DamageFailed, Drawn, Mask, Parameters, Picture, mask_ratio

Color = tuple[int, int, int]
"""Red, green, blue, each in [0, 255]."""

Point = tuple[int, int]
"""x, y in pixels; equal to the picture's width or height is allowed, one pixel outside."""

Stroke = tuple[tuple[Point, ...], tuple[int, ...]]
"""The points of a polyline, and the width in pixels of each of its segments (one fewer)."""

Rectangle = tuple[int, int, int, int]
"""x, y, width, height in pixels."""

COLORS: dict[str, Color] = {"black": (0, 0, 0), "grey": (128, 128, 128), "white": (255, 255, 255)}


class Hollow(Protocol):
    """What any parameters of holes have: a colour, and how to draw the mask."""

    @property
    def fill(self) -> Color: ...

    def rasterise(self, height: int, width: int) -> Mask: ...


def filled(holes: Hollow, image: Picture) -> Drawn:
    """A picture with holes in one colour."""
    height, width = image.shape[:2]
    mask = holes.rasterise(height, width)
    # A rectangle and a masked copy: numpy's broadcasting of three numbers takes ten times as long.
    damaged = np.empty(image.shape, np.uint8)
    cv2.rectangle(damaged, (0, 0), (width, height), holes.fill, cv2.FILLED)
    cv2.copyTo(image, cv2.bitwise_not(mask), damaged)
    return Drawn(damaged, mask, mask)


@dataclass(frozen=True)
class Holes(Parameters):
    """Strokes and boxes, all filled with one colour.

    Attributes:
        strokes: polylines with round joints and ends.
        boxes: filled rectangles.
        fill: the colour of the hole in the damaged picture.
    """

    strokes: tuple[Stroke, ...] = ()
    boxes: tuple[Rectangle, ...] = ()
    fill: Color = COLORS["grey"]

    def draw(self, image: Picture) -> Drawn:
        return filled(self, image)

    def rasterise(self, height: int, width: int) -> Mask:
        """The mask alone, (height, width)."""
        known = _LAST.get("holes")
        if known and known[0] is self.strokes and known[1] is self.boxes and known[2].shape == (height, width):
            return known[2].copy()
        return self.paint(np.zeros((height, width), np.uint8))

    def known_as(self, mask: Mask) -> Holes:
        """Itself, whose mask, just drawn to meet a ratio, will be asked for at once."""
        _LAST["holes"] = (self.strokes, self.boxes, mask)
        return self

    def paint(self, mask: Mask) -> Mask:
        """Adds these holes to `mask`, in place, and returns it."""
        for points, widths in self.strokes:
            if widths.count(widths[0]) == len(widths):
                cv2.polylines(mask, [np.array(points, np.int32)], False, 255, widths[0])
                continue
            for start, end, thickness in zip(points[:-1], points[1:], widths, strict=True):
                # OpenCV ends every line with a disc as wide as the line: joints and ends are round.
                cv2.line(mask, start, end, 255, thickness)
        for x, y, width, height in self.boxes:
            mask[y : y + height, x : x + width] = 255
        return mask


_LAST: dict[str, tuple[tuple[Stroke, ...], tuple[Rectangle, ...], Mask]] = {}
"""The holes that met a ratio last, and their mask: drawing them again would take as long as finding them."""


_Number = TypeVar("_Number", int, float)


def _ordered(interval: tuple[_Number, _Number]) -> tuple[_Number, _Number]:
    low, high = interval
    if low > high:
        raise ValueError(f"expected two numbers, the smaller first, found [{low}, {high}]")
    return interval


Count = Annotated[int, Field(ge=1)]
CountRange = Annotated[tuple[Count, Count], AfterValidator(_ordered)]
"""Both ends included."""

Fraction = Annotated[float, Field(gt=0, le=1)]
FractionRange = Annotated[tuple[Fraction, Fraction], AfterValidator(_ordered)]
"""Fractions of the picture's shorter side."""

Level = Annotated[int, Field(ge=0, le=255)]

Propose = Callable[[float], Holes]
"""Draws one more stroke or box, its size multiplied by the argument, in (0, 1]."""


class HoleDamage(Damage):
    """A family of holes: what it draws by itself, and what it adds piece by piece towards an asked ratio.

    A context without `ratio_range` falls back to the one of the recipe's entry.
    """

    parameters_type: ClassVar[type[Parameters]] = Holes

    fill: Literal["black", "grey", "white"] | tuple[Level, Level, Level] = Field(
        "grey", description="Colour of the hole in the damaged picture: black, grey, white or RGB numbers (0-255)."
    )

    def sample(self, rng: np.random.Generator, context: Context) -> Parameters:
        ratio_range = context.ratio_range or self.ratio_range
        if ratio_range is None:
            holes = self.published(rng, context.height, context.width)
        else:
            holes = self.aimed(rng, context.height, context.width, ratio_range)
        fill = COLORS[self.fill] if isinstance(self.fill, str) else self.fill
        return dataclasses.replace(holes, fill=fill)  # type: ignore[call-arg]  # all parameters of holes have it

    def published(self, rng: np.random.Generator, height: int, width: int) -> Parameters:
        """Draws holes from the distribution of the family's source."""
        raise NotImplementedError

    def aimed(self, rng: np.random.Generator, height: int, width: int, ratio_range: tuple[float, float]) -> Parameters:
        """Draws holes of an asked ratio: by pieces, unless a family knows better.

        Raises:
            DamageFailed: none was found in a bounded number of tries.
        """
        return grow(rng, self.proposals(rng, height, width), height, width, ratio_range)

    def proposals(self, rng: np.random.Generator, height: int, width: int) -> Propose:
        """What is decided once per picture, bound to a function that draws one stroke or box."""
        raise NotImplementedError


TRIES = 500
AIMS = 20
SHRINK = 0.85
WINDOW = 1 / 8


def grow(
    rng: np.random.Generator, propose: Propose, height: int, width: int, ratio_range: tuple[float, float]
) -> Holes:
    """Adds strokes or boxes until their union covers an asked share of the picture.

    A goal is drawn uniformly from the range, so that ratios spread over it, and a piece that would pass it by more
    than `WINDOW` of the range is dropped and the next is drawn smaller. Should the goal stay out of reach (a margin,
    narrow strokes), any ratio within the range is taken.

    Source: none of the protocols. CoModGAN and MAT redraw whole masks until one fits, which for a narrow bin takes
    hundreds of draws, and the others have no target. We depart from each family in the number of its strokes and,
    for the last ones, in their size.

    Args:
        rng: draws the goal only.
        propose: draws one piece.
        height: pixels.
        width: pixels.
        ratio_range: (low, high] of `mask_ratio`.

    Raises:
        DamageFailed: no ratio within the range was met in `TRIES` pieces.
    """
    floor, ceiling = _window(rng, *ratio_range)
    mask, trial = np.zeros((2, height, width), np.uint8)
    pieces: list[Holes] = []
    ratio, scale = 0.0, 1.0
    for _ in range(TRIES):
        piece = propose(scale)
        np.copyto(trial, mask)
        tried = mask_ratio(piece.paint(trial))
        if tried > ceiling:
            scale *= SHRINK
        elif tried > ratio:
            pieces.append(piece)
            mask, trial, ratio = trial, mask, tried
            if ratio > floor:
                return _union(pieces).known_as(mask)
    low, high = ratio_range
    if low < ratio <= high:
        return _union(pieces).known_as(mask)
    raise DamageFailed(
        f"expected a hole ratio in ({low}, {high}], reached {ratio:.4f} with {TRIES} strokes or boxes on {width} x "
        f"{height} pixels: widen ratio_range, or allow larger ones"
    )


def aim(
    rng: np.random.Generator, make: Callable[[float], Holes], height: int, width: int, ratio_range: tuple[float, float]
) -> Holes:
    """Holes that follow from the share they are to cover, but for whole pixels.

    Raises:
        DamageFailed: no ratio within the range was met in `AIMS` tries.
    """
    low, high = ratio_range
    for _ in range(AIMS):
        holes = make(low + rng.random() * (high - low))
        mask = holes.rasterise(height, width)
        if low < mask_ratio(mask) <= high:
            return holes.known_as(mask)
    raise DamageFailed(f"no hole of {width} x {height} pixels had a ratio in ({low}, {high}] in {AIMS} tries")


def _window(rng: np.random.Generator, low: float, high: float) -> tuple[float, float]:
    goal = low + rng.random() * (high - low)
    reach = WINDOW * (high - low)
    return max(low, goal - reach), min(high, goal + reach)


def _union(pieces: list[Holes]) -> Holes:
    strokes = tuple(stroke for piece in pieces for stroke in piece.strokes)
    return Holes(strokes, tuple(box for piece in pieces for box in piece.boxes))


def integer(rng: np.random.Generator, low: int, high: int) -> int:
    """Uniform in [low, high], both included; three times as fast as `rng.integers` for a single number."""
    return low + int(rng.random() * (high - low + 1))


def rectangle(rng: np.random.Generator, height: int, width: int, sides: tuple[int, int], margin: int = 0) -> Rectangle:
    """A box with both sides uniform in `sides` (pixels), uniformly placed at least `margin` from the border."""
    box_width = min(integer(rng, *sides), width - 2 * margin)
    box_height = min(integer(rng, *sides), height - 2 * margin)
    x = integer(rng, margin, width - margin - box_width)
    y = integer(rng, margin, height - margin - box_height)
    return x, y, box_width, box_height


def walk(
    x: int, y: int, height: int, width: int, moves: Iterable[Sequence[float]], scale: float = 1.0
) -> tuple[Point, ...]:
    """Points from x, y along `moves` (dx, dy) times `scale`, each cut to whole pixels and to the picture."""
    points = [(x, y)]
    for dx, dy in moves:
        # Comparisons: calls of min and max would take half of the time.
        x, y = int(x + dx * scale), int(y + dy * scale)
        x = 0 if x < 0 else width if x > width else x
        y = 0 if y < 0 else height if y > height else y
        points.append((x, y))
    return tuple(points)
