"""The masks of CoModGAN and MAT: many boxes and strokes united, over nearly all ratios there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from pipelines.damage.base import Parameters, mask_ratio
from pipelines.damage.brush import Brush
from pipelines.damage.holes import HoleDamage, Holes, Propose, Rectangle, integer

REDRAWS = 4
"""Whole masks drawn as published before pieces are added one by one."""


@dataclass(frozen=True)
class Counts:
    """Exclusive upper bounds: boxes of up to half the side, boxes of up to the side, strokes."""

    small_boxes: int
    large_boxes: int
    strokes: int


_STROKES = Brush(num_vertices_range=(4, 17), width_range=(12 / 256, 48 / 256))


class Union(HoleDamage):
    """Boxes and strokes united; what the protocols share.

    Source: Zhao et al., Large Scale Image Completion via Co-Modulated Generative Adversarial Networks (ICLR 2021), and
    Li et al., MAT (CVPR 2022), published codes: the counts fall with the asked ratios, and whole masks are drawn until
    one has a ratio inside. We depart from them: strokes are in proportion to the picture, and after `REDRAWS` masks
    pieces are added one by one towards the ratio.
    """

    counts: ClassVar[dict[int, Counts]]

    def published(self, rng: np.random.Generator, height: int, width: int) -> Holes:
        while True:
            (holes,) = self._drawn(rng, height, width, 1.0, 1)
            if holes.strokes or holes.boxes:  # the empty mask is outside the range of ratios, (0, 1)
                return holes

    def aimed(self, rng: np.random.Generator, height: int, width: int, ratio_range: tuple[float, float]) -> Parameters:
        low, high = ratio_range
        for holes in self._drawn(rng, height, width, min(low + high, 1.0), REDRAWS):
            mask = holes.rasterise(height, width)
            if low < mask_ratio(mask) <= high:
                return holes.known_as(mask)
        return super().aimed(rng, height, width, ratio_range)

    def proposals(self, rng: np.random.Generator, height: int, width: int) -> Propose:
        stroke = _STROKES.proposals(rng, height, width)

        def propose(scale: float) -> Holes:
            if rng.random() < 0.5:
                return stroke(scale)
            return Holes(boxes=(_box(rng, height, width, 0.5 * scale),))

        return propose

    def _drawn(self, rng: np.random.Generator, height: int, width: int, share: float, times: int) -> Iterator[Holes]:
        """So many whole masks; the strokes of all of them are drawn together, since most masks are redrawn."""
        counts = self.counts[min(self.counts, key=lambda size: abs(size - min(height, width)))]
        most = [max(1, int(most * share)) for most in (counts.small_boxes, counts.large_boxes, counts.strokes)]
        drawn = (rng.random((times, 3)) * most).astype(np.int64).tolist()
        num_strokes = sum(strokes for _, _, strokes in drawn)
        waiting = _STROKES.strokes(rng, height, width, num_strokes) if num_strokes else []
        for small, large, strokes in drawn:
            boxes = [_box(rng, height, width, side) for side in [0.5] * small + [1.0] * large]
            yield Holes(tuple(waiting[:strokes]), tuple(boxes))
            del waiting[:strokes]


class CoModGan(Union):
    """CoModGAN's."""

    kind: Literal["comodgan"] = Field("comodgan", description="Many boxes and strokes united (CoModGAN).")
    counts: ClassVar[dict[int, Counts]] = {512: Counts(10, 5, 20)}


class MatLarge(Union):
    """MAT's large masks."""

    kind: Literal["mat_large"] = Field("mat_large", description="Boxes and strokes united (MAT, large).")
    counts: ClassVar[dict[int, Counts]] = {256: Counts(4, 2, 8), 512: Counts(5, 3, 9)}


class MatSmall(Union):
    """MAT's small masks."""

    kind: Literal["mat_small"] = Field("mat_small", description="A few boxes and strokes united (MAT, small).")
    counts: ClassVar[dict[int, Counts]] = {256: Counts(2, 2, 3), 512: Counts(3, 2, 4)}


def _box(rng: np.random.Generator, height: int, width: int, largest: float) -> Rectangle:
    """A box with sides below a share of the picture's, up to half of which lies outside; what is outside is cut."""
    box_width, box_height = (max(1, int(rng.random() * side * largest)) for side in (width, height))
    x = integer(rng, -(box_width // 2), width - box_width + box_width // 2)
    y = integer(rng, -(box_height // 2), height - box_height + box_height // 2)
    left, top = max(0, x), max(0, y)
    return left, top, min(width, x + box_width) - left, min(height, y + box_height) - top
