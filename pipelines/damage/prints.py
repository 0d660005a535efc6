"""What the families of print damage share: lines wear thin things out, areas cover a share that can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from pipelines.damage import noise
from pipelines.damage.base import Context, Damage, DamageFailed
from pipelines.damage.holes import FractionRange
from pipelines.damage.overlay import Overlay

TRIES = 20

Probability = Annotated[float, Field(ge=0, le=1)]


class LineDamage(Damage):
    """A family of thin lines and specks, which covers what it covers."""

    meets_ratios: ClassVar[bool] = False

    margin: Annotated[float, Field(ge=0, le=0.1)] = Field(
        0.003, description="By how much the hole is wider than what is drawn, as a fraction of the shorter side."
    )

    def margin_in(self, context: Context) -> int:
        """Pixels of the margin."""
        return round(self.margin * min(context.height, context.width))


@dataclass(frozen=True, kw_only=True)
class Area(Overlay):
    """An area with an uneven rim: where a field of heights lies above the level that leaves the asked share.

    Attributes:
        seed: of its textures.
        share: of the picture that it covers, to the pixel where no two heights are equal.
    """

    seed: int
    share: float

    def field(self, height: int, width: int) -> noise.Field:
        """Heights over the picture, the shorter side being `noise.ONE`."""
        raise NotImplementedError

    def inside(self, height: int, width: int) -> noise.Field:
        """Heights above the rim: 1 and more inside, 0 and less outside."""
        field = self.field(height, width)
        return field - np.int16(noise.threshold(field, self.share))


class AreaDamage(Damage):
    """A family of areas, which meets an asked ratio by the level at which its field is cut."""

    area_range: FractionRange = Field(
        (0.05, 0.3), description="Share of the picture that is covered. Without effect under a ratio_range."
    )

    def sample(self, rng: np.random.Generator, context: Context) -> Area:
        asked = context.ratio_range or self.ratio_range
        low, high = asked or self.area_range
        for _ in range(TRIES):
            # From the upper end, which is included.
            area = self.shaped(rng, context, high - rng.random() * (high - low))
            if asked is None or low < _ratio(area, context) <= high:
                return area
        raise DamageFailed(
            f"expected a ratio in ({low}, {high}] of {self.kind}, met none in {TRIES} tries on {context.width} x "
            f"{context.height} pixels: widen ratio_range"
        )

    def shaped(self, rng: np.random.Generator, context: Context, share: float) -> Area:
        """Draws an area that covers this share of the picture."""
        raise NotImplementedError


def _ratio(area: Area, context: Context) -> float:
    inside = area.inside(context.height, context.width)
    return np.count_nonzero(inside > 0) / inside.size
