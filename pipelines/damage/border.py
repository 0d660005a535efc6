"""Holes that begin at the picture's border: half of it, and frames to paint beyond."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from pipelines.damage.holes import FractionRange, HoleDamage, Holes, Rectangle, aim, integer

Side = Literal["left", "right", "top", "bottom"]
SIDES: tuple[Side, ...] = ("left", "right", "top", "bottom")


class Half(HoleDamage):
    """Half of the picture, from one side.

    Source: Yeh et al., Semantic Image Inpainting with Deep Generative Models (CVPR 2017). Under a ratio_range the share
    from that side follows from the ratio.
    """

    kind: Literal["half"] = Field("half", description="Half of the picture, from one of its sides.")
    sides: list[Side] = Field(list(SIDES), min_length=1, description="Sides to draw from.")

    def published(self, rng: np.random.Generator, height: int, width: int) -> Holes:
        return _frame(height, width, {self._side(rng): 0.5})

    def aimed(self, rng: np.random.Generator, height: int, width: int, ratio_range: tuple[float, float]) -> Holes:
        side = self._side(rng)
        return aim(rng, lambda share: _frame(height, width, {side: share}), height, width, ratio_range)

    def _side(self, rng: np.random.Generator) -> Side:
        return self.sides[integer(rng, 0, len(self.sides) - 1)]


class Outpaint(HoleDamage):
    """A frame of uneven width: the picture is to be painted beyond its borders.

    Source: the outpainting masks of LaMa's published code: each of the four sides with a probability of a half, at
    least one, each 4 to 25 % deep. Under a ratio_range their depths are multiplied by one number.
    """

    kind: Literal["outpaint"] = Field("outpaint", description="A frame on one to four sides, to paint beyond (LaMa).")
    depth_range: FractionRange = Field(
        (0.04, 0.25), description="Depth of the hole at a side, as a fraction of the picture's width or height."
    )
    probability: float = Field(0.5, gt=0, le=1, description="How often each side has a hole.")

    def published(self, rng: np.random.Generator, height: int, width: int) -> Holes:
        return _frame(height, width, self._depths(rng))

    def aimed(self, rng: np.random.Generator, height: int, width: int, ratio_range: tuple[float, float]) -> Holes:
        depths = self._depths(rng)
        # Of both sides together 1 must be reachable, so that any share is.
        across, down = (max(1e-9, sum(depths.get(side, 0) for side in pair)) for pair in (SIDES[:2], SIDES[2:]))
        most = 1 / max(across, down)

        def frame(share: float) -> Holes:
            scale = _scale_for(share, across if across > 1e-9 else 0, down if down > 1e-9 else 0, most)
            return _frame(height, width, {side: depth * scale for side, depth in depths.items()})

        return aim(rng, frame, height, width, ratio_range)

    def _depths(self, rng: np.random.Generator) -> dict[Side, float]:
        drawn = [side for side in SIDES if rng.random() < self.probability]
        low, high = self.depth_range
        sides = drawn or [SIDES[integer(rng, 0, 3)]]
        return {side: low + rng.random() * (high - low) for side in sides}


def _scale_for(share: float, across: float, down: float, most: float) -> float:
    """By what depths are multiplied so that the frame covers a share: 1 - (1 - a s)(1 - d s) = share."""
    if not across * down:
        return min(most, share / (across + down))
    total = across + down
    return min(most, (total - float(np.sqrt(max(0.0, total**2 - 4 * across * down * share)))) / (2 * across * down))


def _frame(height: int, width: int, depths: dict[Side, float]) -> Holes:
    pixels = {side: round(depth * (width if side in ("left", "right") else height)) for side, depth in depths.items()}
    boxes: dict[Side, Rectangle] = {
        "left": (0, 0, pixels.get("left", 0), height),
        "right": (width - pixels.get("right", 0), 0, pixels.get("right", 0), height),
        "top": (0, 0, width, pixels.get("top", 0)),
        "bottom": (0, height - pixels.get("bottom", 0), width, pixels.get("bottom", 0)),
    }
    return Holes(boxes=tuple(box for side, box in boxes.items() if pixels.get(side)))
