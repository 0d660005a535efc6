"""Regular holes: grids and lines. What is missing is near to what is known: they ask for sharpness, not content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from pipelines.damage.base import Mask, Parameters
from pipelines.damage.holes import COLORS, Color, CountRange, HoleDamage, filled, integer


@dataclass(frozen=True)
class Lines(Parameters):
    """Rows and columns that are missing, again and again.

    Attributes:
        row_step, column_step: pixels from one group of missing rows or columns to the next; 0 for none.
        row_width, column_width: pixels of a group.
        row_offset, column_offset: of the first group.
        fill: the colour of the hole.
    """

    row_step: int = 0
    row_width: int = 0
    row_offset: int = 0
    column_step: int = 0
    column_width: int = 0
    column_offset: int = 0
    fill: Color = COLORS["grey"]

    def rasterise(self, height: int, width: int) -> Mask:
        mask = np.zeros((height, width), np.uint8)
        for start in range(self.row_width if self.row_step else 0):
            mask[(self.row_offset + start) % self.row_step :: self.row_step] = 255
        for start in range(self.column_width if self.column_step else 0):
            mask[:, (self.column_offset + start) % self.column_step :: self.column_step] = 255
        return mask

    draw = filled


class Grid(HoleDamage):
    """A grid of missing rows and columns; with widths one less than the step, known pixels that stand alone.

    Source: the super-resolution masks of LaMa's published code (steps of 2 to 4 pixels, widths of 1 to 3, below the
    step, drawn for rows and columns by themselves); with `step_range: [2, 2]` that of RePaint
    (Lugmayr et al., CVPR 2022), "super-resolve 2x".
    """

    parameters_type: ClassVar[type[Parameters]] = Lines
    meets_ratios: ClassVar[bool] = False

    kind: Literal["grid"] = Field("grid", description="Missing rows and columns at equal steps: super-resolution.")
    step_range: CountRange = Field((2, 4), description="Pixels from one missing group to the next, 2 or more.")
    width_range: CountRange = Field((1, 3), description="Pixels of a group, at most one less than the step.")

    @model_validator(mode="after")
    def _check_steps(self) -> Grid:
        if self.step_range[0] < 2 or self.width_range[0] >= self.step_range[0]:
            raise ValueError(
                f"steps must be 2 or more and wider than the least width, found {self.step_range}, {self.width_range}"
            )
        return self

    def published(self, rng: np.random.Generator, height: int, width: int) -> Lines:  # noqa: ARG002
        (row_step, row_width, row), (column_step, column_width, column) = self._axis(rng), self._axis(rng)
        return Lines(row_step, row_width, row, column_step, column_width, column)

    def _axis(self, rng: np.random.Generator) -> tuple[int, int, int]:
        step = integer(rng, *self.step_range)
        low, high = self.width_range
        return step, integer(rng, low, min(high, step - 1)), integer(rng, 0, step - 1)


class AlternatingLines(HoleDamage):
    """Every second row, or column, is missing.

    Source: RePaint (Lugmayr et al., CVPR 2022), "alternating lines". Ours may lie across or down, and be thicker.
    """

    parameters_type: ClassVar[type[Parameters]] = Lines
    meets_ratios: ClassVar[bool] = False

    kind: Literal["lines"] = Field("lines", description="Every second row, or column, is missing.")
    width_range: CountRange = Field((1, 1), description="Pixels of a line, missing or not.")

    def published(self, rng: np.random.Generator, height: int, width: int) -> Lines:  # noqa: ARG002
        wide = integer(rng, *self.width_range)
        offset = integer(rng, 0, 2 * wide - 1)
        return Lines(2 * wide, wide, offset) if rng.random() < 0.5 else Lines(0, 0, 0, 2 * wide, wide, offset)
