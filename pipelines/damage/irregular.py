"""Irregular holes like those of NVIDIA's masks: long winding streaks of changing width, in bins of ratios.

Theirs come from occlusions between frames of video, and may not be passed on; these are drawn. Users who have the
archives take them as a pool of masks.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field

from pipelines.damage.base import Parameters
from pipelines.damage.holes import CountRange, FractionRange, HoleDamage, Holes, Propose, Stroke, grow, integer

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
        waiting: list[_Streak] = []
        at_border, tried = touches, 0.0

        def propose(scale: float) -> Holes:
            nonlocal at_border, tried
            # A piece that was refused is followed by a smaller one: the first that is taken begins at the border.
            at_border, tried = at_border and scale != tried, scale
            if not waiting:
                waiting.extend(self._drawn(rng, min(height, width)))
            return Holes((waiting.pop().stroke(height, width, margin, at_border, scale),))

        return propose

    def _drawn(self, rng: np.random.Generator, shorter: int) -> list[_Streak]:
        """Several streaks, their numbers from two calls: one at a time, the calls would take most of the time."""
        own = rng.random((AT_ONCE, 6))
        fewest, most = self.num_vertices_range
        counts = fewest + (own[:, 0] * (most - fewest + 1)).astype(np.int64)
        ends = np.cumsum(counts)
        steps = rng.random((ends[-1], 3))
        turned = np.cumsum(TURN * (2 * steps[:, 0] - 1))
        begun = np.concatenate([[0.0], turned[ends[:-1] - 1]])
        angles = turned + np.repeat(own[:, 1] * 2 * math.pi - begun, counts)
        reach = (0.02 + 0.08 * steps[:, 1]) * shorter
        across, down = (reach * np.cos(angles)).tolist(), (reach * np.sin(angles)).tolist()
        changes = (CHANGE * (2 * steps[:, 2] - 1)).tolist()
        low, high = (math.log(side * shorter) for side in self.width_range)
        return [
            _Streak(x, y, int(4 * side), share, (low, high), across[begin:end], down[begin:end], changes[begin:end])
            for (share, side, x, y), begin, end in zip(
                own[:, 2:].tolist(), (ends - counts).tolist(), ends.tolist(), strict=True
            )
        ]


AT_ONCE = 8
"""Streaks whose numbers are drawn together."""


class _Streak(NamedTuple):
    """A streak before it is drawn.

    Attributes:
        x, y: where it begins, as shares of the room that there is.
        side: where it begins if that is at the border: 0 to 3.
        share: how wide it is at first, from the least to the most.
        widths: logarithms of the least and the greatest width in pixels.
        across, down: steps in pixels.
        changes: of the logarithm of the width, at each step.
    """

    x: float
    y: float
    side: int
    share: float
    widths: tuple[float, float]
    across: list[float]
    down: list[float]
    changes: list[float]

    def stroke(self, height: int, width: int, margin: int, at_border: bool, scale: float) -> Stroke:
        least, most = self.widths
        shrunk = math.log(scale)
        # A pixel at least.
        low, high = max(0.0, least + shrunk), max(0.0, most + shrunk)
        wide, thickness = low + self.share * (high - low), []
        for change in self.changes:
            wide += change
            wide = low if wide < low else high if wide > high else wide
            thickness.append(int(math.exp(wide)))
        inset = margin + (-(-max(thickness) // 2) if margin else 0)
        right, bottom = max(inset, width - 1 - inset), max(inset, height - 1 - inset)
        x, y = self._start(height, width, inset, at_border)
        points = [(int(x), int(y))]
        for dx, dy in zip(self.across, self.down, strict=True):
            x, y = x + dx * scale, y + dy * scale
            x = inset if x < inset else right if x > right else x
            y = inset if y < inset else bottom if y > bottom else y
            points.append((int(x), int(y)))
        return tuple(points), tuple(thickness)

    def _start(self, height: int, width: int, inset: int, at_border: bool) -> tuple[float, float]:
        x = inset + self.x * max(1, width - 1 - 2 * inset)
        y = inset + self.y * max(1, height - 1 - 2 * inset)
        if not at_border:
            return x, y
        return ((0.0, y), (width - 1.0, y), (x, 0.0), (x, height - 1.0))[self.side]


_BINS = ((0.01, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.5), (0.5, 0.6))
