"""The centre box: the first hole of the field, and still the one that makes tables comparable."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from pipelines.damage.holes import HoleDamage, Holes, aim


class Center(HoleDamage):
    """One box in the middle.

    Source: Pathak et al., Context Encoders (CVPR 2016): half of each side. Under a ratio_range its sides follow from
    the ratio.
    """

    kind: Literal["center"] = Field("center", description="A box in the middle, half as high and wide as the picture.")
    side: float = Field(0.5, gt=0, le=1, description="Sides of the box, as a fraction of the picture's.")

    def published(self, rng: np.random.Generator, height: int, width: int) -> Holes:  # noqa: ARG002
        return _box(height, width, self.side)

    def aimed(self, rng: np.random.Generator, height: int, width: int, ratio_range: tuple[float, float]) -> Holes:
        return aim(rng, lambda share: _box(height, width, math.sqrt(share)), height, width, ratio_range)


def _box(height: int, width: int, side: float) -> Holes:
    box_height, box_width = max(1, round(height * side)), max(1, round(width * side))
    return Holes(boxes=(((width - box_width) // 2, (height - box_height) // 2, box_width, box_height),))
