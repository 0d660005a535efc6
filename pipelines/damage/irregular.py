"""Irregular holes like those of NVIDIA's masks: long winding streaks of changing width, in bins of ratios.

Theirs come from occlusions between frames of video, and may not be passed on; these are drawn. Users who have the
archives take them as a pool of masks.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from pipelines.damage.base import Parameters
from pipelines.damage.holes import CountRange, FractionRange, HoleDamage, Holes, Point, Propose, Stroke, grow, integer

MARGIN = 50 / 512
"""Distance from the border, as a fraction of the shorter side, that NVIDIA's inner test masks keep."""


class Irregular(HoleDamage):
    """Winding streaks, touching the border or keeping away from it.

    Source: the ratios and the border rule are those of the test masks of Liu et al., Image Inpainting for Irregular
    Holes Using Partial Convolutions (ECCV 2018), as others report them [unverified]; the method is ours. Without a
    ratio_range their ratios spread over (0.01, 0.6], as those do.
    """

    kind: Literal["irregular"] = Field("irregular", description="Winding streaks of changing width (like NVIDIA's).")
    border: Literal["any", "touch", "keep_away"] = Field(
        "any", description="Whether holes touch the border, keep 50/512 of the shorter side away from it, or either."
    )
    num_vertices_range: CountRange = Field((6, 24), description="Vertices of a streak.")
    width_range: FractionRange = Field(
        (4 / 512, 70 / 512), description="Width of a streak, as a fraction of the shorter side."
    )

    def published(self, rng: np.random.Generator, height: int, width: int) -> Parameters:
        return self.aimed(rng, height, width, _BINS[integer(rng, 0, len(_BINS) - 1)])

    def aimed(self, rng: np.random.Generator, height: int, width: int, ratio_range: tuple[float, float]) -> Parameters:
        # Inside the margin there is room for 0.64 of the picture.
        touches = self.border == "touch" or (self.border == "any" and (ratio_range[1] > 0.6 or rng.random() < 0.5))
        return grow(rng, self._streaks(rng, height, width, touches), height, width, ratio_range)

    def _streaks(self, rng: np.random.Generator, height: int, width: int, touches: bool) -> Propose:
        margin = 0 if touches else math.ceil(MARGIN * min(height, width))
        first = [touches]

        def propose(scale: float) -> Holes:
            starts_at_border, first[0] = first[0], False
            return Holes((self._streak(rng, height, width, margin, starts_at_border, scale),))

        return propose

    def _streak(
        self, rng: np.random.Generator, height: int, width: int, margin: int, at_border: bool, scale: float
    ) -> Stroke:
        shorter, count = min(height, width), integer(rng, *self.num_vertices_range)
        widths = self._widths(rng, count, shorter, scale)
        inset = margin + (-(-max(widths) // 2) if margin else 0)
        turns = np.cumsum(rng.normal(0, 0.5, count)) + rng.random() * 2 * math.pi
        lengths = rng.uniform(0.02, 0.1, count) * shorter * scale
        x, y = _start(rng, height, width, inset, at_border)
        points: list[Point] = [(int(x), int(y))]
        for dx, dy in zip((lengths * np.cos(turns)).tolist(), (lengths * np.sin(turns)).tolist(), strict=True):
            x = min(max(x + dx, inset), max(inset, width - 1 - inset))
            y = min(max(y + dy, inset), max(inset, height - 1 - inset))
            points.append((int(x), int(y)))
        return tuple(points), widths

    def _widths(self, rng: np.random.Generator, count: int, shorter: int, scale: float) -> tuple[int, ...]:
        low, high = (math.log(max(1.0, side * shorter * scale)) for side in self.width_range)
        steps = np.cumsum(rng.normal(0, 0.25, count))
        drawn = np.clip(low + rng.random() * (high - low) + steps, low, high)
        return tuple(max(1, int(wide)) for wide in np.exp(drawn).tolist())


_BINS = ((0.01, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.5), (0.5, 0.6))


def _start(rng: np.random.Generator, height: int, width: int, inset: int, at_border: bool) -> tuple[float, float]:
    x = inset + rng.random() * max(1, width - 1 - 2 * inset)
    y = inset + rng.random() * max(1, height - 1 - 2 * inset)
    if not at_border:
        return x, y
    side = integer(rng, 0, 3)
    return ((0.0, y), (width - 1.0, y), (x, 0.0), (x, height - 1.0))[side]
