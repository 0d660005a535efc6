"""DeepFillv2's free-form strokes: a few wide zigzags, and one box."""

from __future__ import annotations

import math
from typing import Literal, Self

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
        strokes = tuple(self._stroke(rng, height, width) for _ in range(num_strokes))
        return Holes(strokes, () if self.box is False else (_box(rng, height, width),))

    def proposals(self, rng: np.random.Generator, height: int, width: int) -> Propose:
        return lambda scale: Holes((self._stroke(rng, height, width, scale),))

    def _stroke(self, rng: np.random.Generator, height: int, width: int, scale: float = 1.0) -> Stroke:
        steps = integer(rng, *self.num_vertices_range)
        angles = _directions(rng, steps)
        lengths = scale * _lengths(rng, steps, math.hypot(height, width) / 8)
        moves = zip((lengths * np.cos(angles)).tolist(), (lengths * np.sin(angles)).tolist(), strict=True)
        points = walk(rng, height, width, list(moves))
        thickness = rng.uniform(*self.width_range) * min(height, width) * scale
        return points, (max(1, int(thickness)),) * steps


def _directions(rng: np.random.Generator, steps: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Up and down by turns, and to the right on the whole: directions, although the paper speaks of turns."""
    below, above = rng.random(2) * (2 * math.pi / 15)
    angles = rng.uniform(2 * math.pi / 5 - below, 2 * math.pi / 5 + above, steps)
    angles[::2] *= -1
    return angles


def _lengths(rng: np.random.Generator, steps: int, mean: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.minimum(np.maximum(rng.normal(mean, mean / 2, steps), 0), 2 * mean)


def _box(rng: np.random.Generator, height: int, width: int) -> Rectangle:
    side = min(height, width) // 2
    x, y, _, _ = rectangle(rng, height, width, (side, side))
    cut_x, cut_y = integer(rng, 0, side // 8), integer(rng, 0, side // 8)
    return x + cut_x, y + cut_y, side - 2 * cut_x, side - 2 * cut_y
