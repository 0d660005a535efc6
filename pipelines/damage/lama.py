"""LaMa's thin, medium and thick masks: strokes or boxes, with the published values at 256 and at 512 pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from pipelines.damage.holes import HoleDamage, Holes, Propose, Rectangle, Stroke, integer, rectangle, walk

DIRECTIONS = [(math.sin(0.01 + turn), math.cos(0.01 + turn)) for turn in range(4)]
"""x, y of the only angles: whole radians and a hundredth, so eight directions with the mirrored ones."""


@dataclass(frozen=True)
class Protocol:
    """One row of LaMa's table; lengths in pixels at the size for which it is published.

    Attributes:
        num_strokes_range: as configured; one more than the upper end is drawn too.
        max_width, max_length: exclusive, on top of 5 and 10.
        box_weight: how often a mask is made of boxes, relative to 1 for strokes.
        num_boxes_range, side_range: both ends included.
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
        low, high = (max(1, round(side * self.pixel * scale)) for side in self.protocol.side_range)
        return rectangle(rng, self.height, self.width, (low, high), int(self.protocol.margin * self.pixel))

    def stroke(self, rng: np.random.Generator, mirrored: bool, scale: float = 1.0) -> Stroke:
        unit, max_length, max_width = self.pixel * scale, self.protocol.max_length, self.protocol.max_width
        moves, widths = [], []
        for direction, length, thickness in rng.random((integer(rng, 1, 5), 3)).tolist():
            x, y = DIRECTIONS[int(direction * 4)]
            step = (10 + int(length * max_length)) * unit
            moves.append((-step * x if mirrored else step * x, step * y))
            widths.append(max(1, int((5 + int(thickness * max_width)) * unit)))
        return walk(rng, self.height, self.width, moves), tuple(widths)


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
        return Holes(tuple(canvas.stroke(rng, mirrored=index % 2 == 0) for index in range(num_strokes)))

    def proposals(self, rng: np.random.Generator, height: int, width: int) -> Propose:
        canvas = self._canvas(height, width)
        if canvas.is_box(rng):
            return lambda scale: Holes(boxes=(canvas.box(rng, scale),))
        return lambda scale: Holes((canvas.stroke(rng, rng.random() < 0.5, scale),))

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
