"""LaMa's thin, medium and thick masks: strokes or boxes, with the published values at 256 and at 512 pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from pipelines.damage.holes import HoleDamage, Holes, Propose, Rectangle, Stroke, integer, rectangle

DIRECTIONS = [(math.sin(0.01 + turn), math.cos(0.01 + turn)) for turn in range(4)]
"""x, y of the only angles: whole radians and a hundredth, so eight directions with the mirrored ones."""


@dataclass(frozen=True)
class Protocol:
    """One row of LaMa's table; lengths in pixels at the size for which it is published.

    Attributes:
        num_strokes_range: as configured; one more than the upper end is drawn too.
        max_width, max_length: exclusive, on top of 5 and 10.
        box_weight: how often a mask is made of boxes, relative to 1 for strokes.
        num_boxes_range: both ends included.
        side_range: as configured; the upper end is not drawn.
        margin: least distance of a box from the border.
    """

    num_strokes_range: tuple[int, int]
    max_width: int
    max_length: int
    box_weight: float = 0.0
    num_boxes_range: tuple[int, int] = (0, 0)
    side_range: tuple[int, int] = (0, 0)
    margin: int = 0


@dataclass(frozen=True)
class _Canvas:
    """A protocol on a picture: `pixel` pixels here are one pixel where it is published."""

    protocol: Protocol
    height: int
    width: int
    pixel: float

    def is_box(self, rng: np.random.Generator) -> bool:
        weight = self.protocol.box_weight
        return rng.random() < weight / (1 + weight)

    def box(self, rng: np.random.Generator, scale: float = 1.0) -> Rectangle:
        fewest, most = self.protocol.side_range
        low, high = (max(1, round(side * self.pixel * scale)) for side in (fewest, most - 1))
        return rectangle(rng, self.height, self.width, (low, high), int(self.protocol.margin * self.pixel))

    def strokes(self, rng: np.random.Generator, mirrored: list[bool], scale: float = 1.0) -> tuple[Stroke, ...]:
        """A stroke for each entry, which says whether it is mirrored; all numbers come from two calls."""
        starts = rng.random((len(mirrored), 3)).tolist()
        counts = [1 + int(number * 5) for _, _, number in starts]
        steps = iter(rng.random((sum(counts), 3)).tolist())
        return tuple(
            self._stroke(x, y, -1.0 if mirror else 1.0, list(islice(steps, count)), scale)
            for (x, y, _), count, mirror in zip(starts, counts, mirrored, strict=True)
        )

    def _stroke(self, x: float, y: float, sign: float, steps: list[list[float]], scale: float) -> Stroke:
        """From a start and steps of direction, length and width, all numbers from 0 to 1."""
        unit, max_length, max_width = self.pixel * scale, self.protocol.max_length, self.protocol.max_width
        height, width = self.height, self.width
        x, y = int(x * width), int(y * height)
        points, widths = [(x, y)], []
        for direction, length, thickness in steps:
            across, down = DIRECTIONS[int(direction * 4)]
            reach = (10 + int(length * max_length)) * unit
            x, y = int(x + sign * reach * across), int(y + reach * down)
            x, y = 0 if x < 0 else min(x, width), 0 if y < 0 else min(y, height)
            points.append((x, y))
            widths.append(int((5 + int(thickness * max_width)) * unit) or 1)
        return tuple(points), tuple(widths)


class Lama(HoleDamage):
    """Strokes or boxes, never both; what the three sets share.

    Source: Suvorov et al., Resolution-robust Large Mask Inpainting with Fourier Convolutions (WACV 2022), section 3.3,
    and the generators and configurations of the published code. We depart from it at other sizes only: pictures whose
    shorter side is under 384 take the values for 256, others those for 512 where there are any, in proportion to it.
    Under a ratio_range one kind is still drawn per picture, and a coin decides whether a stroke is mirrored.
    """

    protocols: ClassVar[dict[int, Protocol]]

    def published(self, rng: np.random.Generator, height: int, width: int) -> Holes:
        canvas = self._canvas(height, width)
        if canvas.is_box(rng):
            num_boxes = integer(rng, *canvas.protocol.num_boxes_range)
            return Holes(boxes=tuple(canvas.box(rng) for _ in range(num_boxes)))
        fewest, most = canvas.protocol.num_strokes_range
        # One more than configured: the published generator adds one to an upper end which it already includes.
        num_strokes = integer(rng, fewest, most + 1)
        return Holes(canvas.strokes(rng, [index % 2 == 0 for index in range(num_strokes)]))

    def proposals(self, rng: np.random.Generator, height: int, width: int) -> Propose:
        canvas = self._canvas(height, width)
        if canvas.is_box(rng):
            return lambda scale: Holes(boxes=(canvas.box(rng, scale),))
        return lambda scale: Holes(canvas.strokes(rng, [rng.random() < 0.5], scale))

    def _canvas(self, height: int, width: int) -> _Canvas:
        shorter = min(height, width)
        published = 512 if shorter >= 384 and 512 in self.protocols else 256
        return _Canvas(self.protocols[published], height, width, shorter / published)


class LamaTrain(Lama):
    """What LaMa is trained with: wide strokes or large boxes, as many of the one as of the other."""

    kind: Literal["lama_train"] = Field("lama_train", description="Wide strokes, or large boxes (LaMa, training).")
    protocols: ClassVar[dict[int, Protocol]] = {256: Protocol((1, 5), 100, 200, 1.0, (1, 4), (30, 150), margin=10)}


class LamaSmall(Lama):
    """The small masks of LaMa's ablation."""

    kind: Literal["lama_small"] = Field("lama_small", description="Narrower strokes, or one box (LaMa, ablation).")
    protocols: ClassVar[dict[int, Protocol]] = {256: Protocol((4, 12), 40, 80, 1.0, (1, 1), (30, 128))}


class LamaThin(Lama):
    """Many narrow strokes."""

    kind: Literal["lama_thin"] = Field("lama_thin", description="Many narrow strokes (LaMa, thin).")
    protocols: ClassVar[dict[int, Protocol]] = {256: Protocol((4, 50), 10, 40), 512: Protocol((4, 70), 20, 100)}


class LamaMedium(Lama):
    """A few strokes of middling width, or small boxes."""

    kind: Literal["lama_medium"] = Field("lama_medium", description="A few strokes, or small boxes (LaMa, medium).")
    protocols: ClassVar[dict[int, Protocol]] = {
        256: Protocol((4, 5), 50, 100, 0.3, (1, 5), (10, 50)),
        512: Protocol((4, 10), 100, 200, 0.3, (1, 5), (30, 150)),
    }


class LamaThick(Lama):
    """Strokes as wide as a third of the picture, or large boxes."""

    kind: Literal["lama_thick"] = Field("lama_thick", description="Very wide strokes, or large boxes (LaMa, thick).")
    protocols: ClassVar[dict[int, Protocol]] = {
        256: Protocol((1, 5), 100, 200, 0.3, (1, 3), (30, 150), margin=10),
        512: Protocol((1, 5), 250, 450, 0.3, (1, 4), (30, 300), margin=10),
    }
