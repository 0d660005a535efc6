"""Boxes: the oldest hole, and still the one that most tables report."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from pipelines.damage.holes import CountRange, FractionRange, HoleDamage, Holes, Propose, Rectangle, integer, rectangle


class Box(HoleDamage):
    """Boxes at random places, each side drawn by itself.

    Source: the common random box with sides of a quarter to a half of the picture. It has no single origin; Iizuka et
    al. (SIGGRAPH 2017) take 96 to 128 of 256 pixels: `side_range: [0.375, 0.5]`.
    """

    kind: Literal["box"] = Field("box", description="Boxes at random places.")
    num_boxes_range: CountRange = Field((1, 1), description="Boxes per mask. Without effect under a ratio_range.")
    side_range: FractionRange = Field((0.25, 0.5), description="Sides of a box, as fractions of the shorter side.")
    margin: Annotated[float, Field(ge=0, lt=0.5)] = Field(
        0.0, description="Least distance from the border, as a fraction of the shorter side."
    )

    @model_validator(mode="after")
    def _check_margin(self) -> Self:
        if self.side_range[1] + 2 * self.margin > 1:
            raise ValueError(
                f"a box of side {self.side_range[1]} does not fit between two margins of {self.margin} (fractions of "
                "the shorter side): side_range[1] + 2 * margin must be at most 1"
            )
        return self

    def published(self, rng: np.random.Generator, height: int, width: int) -> Holes:
        num_boxes = integer(rng, *self.num_boxes_range)
        return Holes(boxes=tuple(self._box(rng, height, width) for _ in range(num_boxes)))

    def proposals(self, rng: np.random.Generator, height: int, width: int) -> Propose:
        return lambda scale: Holes(boxes=(self._box(rng, height, width, scale),))

    def _box(self, rng: np.random.Generator, height: int, width: int, scale: float = 1.0) -> Rectangle:
        shorter = min(height, width)
        low, high = (max(1, round(side * shorter * scale)) for side in self.side_range)
        return rectangle(rng, height, width, (low, high), int(self.margin * shorter))
