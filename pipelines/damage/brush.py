"""DeepFillv2's free-form strokes: a few wide zigzags, and one box."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from pipelines.damage.holes import (
    CountRange,
    FractionRange,
    HoleDamage,
    Holes,
    Propose,
    Rectangle,
    Stroke,
    integer,
    rectangle,
    walk,
)


class Brush(HoleDamage):
    """Free-form strokes, with one box.

    Source: Yu et al., Free-Form Image Inpainting with Gated Convolution (ICCV 2019), `brush_stroke_mask`, `random_bbox`
    and `bbox2mask` of the published code, which is written for 256 x 256. We depart from it in three places: pixels
    become fractions of the shorter side, so that a mask looks alike at every size; the flips, whose result it discards,
    are left out; the standard deviation of a step is not cut to whole pixels. Its discs at the vertices are the round
    ends which OpenCV gives to lines, pixel for pixel.
    """

    kind: Literal["brush"] = Field("brush", description="Free-form strokes, with one box (DeepFillv2).")
    num_strokes_range: CountRange = Field((1, 3), description="Strokes per mask. Without effect under a ratio_range.")
    num_vertices_range: CountRange = Field((4, 11), description="Vertices of a stroke after its start.")
    width_range: FractionRange = Field(
        (12 / 256, 40 / 256), description="Width of a stroke, as a fraction of the shorter side."
    )
    box: bool | None = Field(
        None,
        description="Whether a box of about half the shorter side is united with the strokes. Unless set, it is, "
        "but not under a ratio_range.",
    )

    @model_validator(mode="after")
    def _check_box(self) -> Self:
        if self.box and self.ratio_range is not None:
            raise ValueError("box: true has no effect under a ratio_range, which strokes alone meet: remove either")
        return self

    def published(self, rng: np.random.Generator, height: int, width: int) -> Holes:
        num_strokes = integer(rng, *self.num_strokes_range)
        strokes = self.strokes(rng, height, width, num_strokes)
        return Holes(tuple(strokes), () if self.box is False else (_box(rng, height, width),))

    def proposals(self, rng: np.random.Generator, height: int, width: int) -> Propose:
        waiting: list[_Way] = []

        def propose(scale: float) -> Holes:
            if not waiting:
                waiting.extend(self._ways(rng, height, width, AT_ONCE))
            return Holes((waiting.pop().stroke(height, width, scale),))

        return propose

    def strokes(self, rng: np.random.Generator, height: int, width: int, count: int) -> list[Stroke]:
        """So many strokes."""
        return [way.stroke(height, width) for way in self._ways(rng, height, width, count)]

    def _ways(self, rng: np.random.Generator, height: int, width: int, count: int) -> list[_Way]:
        """Several strokes, their numbers from three calls: one at a time, the calls would take most of the time."""
        own = rng.random((count, 6))
        (fewest, most), (thinnest, widest) = self.num_vertices_range, self.width_range
        steps = fewest + (own[:, 0] * (most - fewest + 1)).astype(np.int64)
        ends = np.cumsum(steps)
        # Up and down by turns, and to the right on the whole: directions, although the paper speaks of turns.
        below, above = (np.repeat(own[:, column] * (2 * math.pi / 15), steps) for column in (1, 2))
        angles = 2 * math.pi / 5 - below + rng.random(ends[-1]) * (below + above)
        angles[(np.arange(ends[-1]) - np.repeat(ends - steps, steps)) % 2 == 0] *= -1
        mean = math.hypot(height, width) / 8
        lengths = np.minimum(np.maximum(rng.normal(mean, mean / 2, ends[-1]), 0), 2 * mean)
        across, down = (lengths * np.cos(angles)).tolist(), (lengths * np.sin(angles)).tolist()
        thickness = (thinnest + own[:, 3] * (widest - thinnest)) * min(height, width)
        places = (own[:, 4:] * (width, height)).astype(np.int64).tolist()
        spans = zip((ends - steps).tolist(), ends.tolist(), strict=True)
        return [
            _Way(x, y, across[begin:end], down[begin:end], thick)
            for (x, y), (begin, end), thick in zip(places, spans, thickness.tolist(), strict=True)
        ]


AT_ONCE = 4
"""Strokes whose numbers are drawn together where it is not known how many will be needed."""


class _Way(NamedTuple):
    """A stroke before it is drawn: its start, its steps, and its width in pixels."""

    x: int
    y: int
    across: list[float]
    down: list[float]
    thickness: float

    def stroke(self, height: int, width: int, scale: float = 1.0) -> Stroke:
        points = walk(self.x, self.y, height, width, zip(self.across, self.down, strict=True), scale)
        return points, (max(1, int(self.thickness * scale)),) * len(self.across)


def _box(rng: np.random.Generator, height: int, width: int) -> Rectangle:
    side = min(height, width) // 2
    x, y, _, _ = rectangle(rng, height, width, (side, side))
    cut_x, cut_y = integer(rng, 0, side // 8), integer(rng, 0, side // 8)
    return x + cut_x, y + cut_y, side - 2 * cut_x, side - 2 * cut_y
