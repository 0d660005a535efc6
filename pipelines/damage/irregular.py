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


TURN, CHANGE = 0.87, 0.43
"""From vertex to vertex: the most by which the direction turns, in radians, and the logarithm of the width changes."""


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
    num_vertices_range: CountRange = Field((6, 18), description="Vertices of a streak.")
    width_range: FractionRange = Field(
        (10 / 512, 90 / 512), description="Width of a streak, as a fraction of the shorter side."
    )

    def published(self, rng: np.random.Generator, height: int, width: int) -> Parameters:
        return self.aimed(rng, height, width, _BINS[integer(rng, 0, len(_BINS) - 1)])

    def aimed(self, rng: np.random.Generator, height: int, width: int, ratio_range: tuple[float, float]) -> Holes:
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
        # Plain numbers: for two dozen of them numpy's calls take longer than the work.
        shorter = min(height, width) * scale
        low, high = (math.log(max(1.0, side * shorter)) for side in self.width_range)
        angle, wide = rng.random() * 2 * math.pi, low + rng.random() * (high - low)
        steps, moves, widths = rng.random((integer(rng, *self.num_vertices_range), 3)).tolist(), [], []
        for turn, length, change in steps:
            angle += TURN * (2 * turn - 1)
            wide = min(max(wide + CHANGE * (2 * change - 1), low), high)
            reach = (0.02 + 0.08 * length) * shorter
            moves.append((reach * math.cos(angle), reach * math.sin(angle)))
            widths.append(max(1, int(math.exp(wide))))
        inset = margin + (-(-max(widths) // 2) if margin else 0)
        return _walked(_start(rng, height, width, inset, at_border), moves, inset, height, width), tuple(widths)


def _walked(
    start: tuple[float, float], moves: list[tuple[float, float]], inset: int, height: int, width: int
) -> tuple[Point, ...]:
    """Points along moves (dx, dy), at least `inset` from the border."""
    (x, y), right, bottom = start, max(inset, width - 1 - inset), max(inset, height - 1 - inset)
    points = [(int(x), int(y))]
    for dx, dy in moves:
        x, y = min(max(x + dx, inset), right), min(max(y + dy, inset), bottom)
        points.append((int(x), int(y)))
    return tuple(points)


_BINS = ((0.01, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.5), (0.5, 0.6))


def _start(rng: np.random.Generator, height: int, width: int, inset: int, at_border: bool) -> tuple[float, float]:
    x = inset + rng.random() * max(1, width - 1 - 2 * inset)
    y = inset + rng.random() * max(1, height - 1 - 2 * inset)
    if not at_border:
        return x, y
    side = integer(rng, 0, 3)
    return ((0.0, y), (width - 1.0, y), (x, 0.0), (x, height - 1.0))[side]
