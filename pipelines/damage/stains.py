"""Stains: where water, tea or coffee dried, darkest along the rim at which it stood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from pipelines.damage import noise
from pipelines.damage.base import Context, Parameters, Picture
from pipelines.damage.holes import Color, CountRange, FractionRange, integer
from pipelines.damage.overlay import Layer
from pipelines.damage.prints import Area, AreaDamage
from pipelines.damage.relief import flat

COLORS: tuple[Color, ...] = ((104, 72, 36), (78, 50, 26), (120, 92, 48), (66, 54, 38), (128, 96, 40))
"""Tea, coffee, rust-yellow water, mud, weak tea."""

Pool = tuple[int, int, int, int]
"""x, y and radius from the middle of the picture, its shorter side being `noise.ONE`, and height over width in
percent."""


@dataclass(frozen=True, kw_only=True)
class StainArea(Area):
    """Stains of one liquid.

    Attributes:
        pools: where it stood; pools that touch run together.
        color: of the stain.
        strength: of its inside, 0 to 255.
        rim: of the line at which it dried, likewise.
        tides: how far inside an earlier rim lies, 0 for none.
    """

    pools: tuple[Pool, ...]
    color: Color
    strength: int
    rim: int
    tides: int

    def field(self, height: int, width: int) -> noise.Field:
        shorter = min(height, width)
        x, y = noise.axes(height, width)
        field = np.full((height, width), -(2**14), np.int32)
        for place_x, place_y, radius, stretch in self.pools:
            squared = (x - place_x) ** 2 + ((y - place_y) * 100 // stretch) ** 2
            # Near the rim it is the distance to it, without a root.
            np.maximum(field, (radius * radius - squared) // (2 * radius), out=field)
        uneven = noise.fractal(noise.from_seed(self.seed), height, width, shorter / 3, 1, 0.52)
        return noise.heights(field + (uneven >> 2))

    def layer(self, image: Picture) -> Layer:
        height, width = image.shape[:2]
        inside = self.inside(height, width)
        alpha = self._profile(noise.ONE // min(height, width))[noise.levels(inside, 0, 2)]
        shorter = min(height, width)
        mottled = noise.fractal(noise.from_seed(self.seed + 1), height, width, shorter / 8, shorter / 256, 0.7)
        cloud = noise.table((0, 150), (255, 255))[noise.levels(mottled, -8192, 6)]
        alpha = np.where(inside > 0, np.maximum(noise.scaled(alpha, cloud), noise.LEAST), 0).astype(np.uint8)
        return Layer(0, 0, flat(self.color, height, width), alpha)

    def _profile(self, pixel: int) -> noise.Table:
        """Alpha by the distance inside the rim, in four units of the field; `pixel` units are one pixel."""
        rise = max(3.0, pixel / 4)
        knots = [(0, 0), (rise, self.rim), (3 * rise + 4, (self.rim + 2 * self.strength) / 3)]
        knots += [(3 * rise + 14, self.strength), (255, 0.8 * self.strength)]
        profile = noise.table(*knots)
        if self.tides:
            ridge = 1 + 0.5 * np.exp(
                -np.abs(np.arange(256) - self.tides) / np.where(np.arange(256) < self.tides, 1.5, 6)
            )
            profile = np.minimum(profile * ridge, 255).astype(np.uint8)
        return profile


class Stains(AreaDamage):
    """Stains with a darker rim, as the coffee-ring effect leaves them, some with an earlier rim inside.

    Source: none for the drawing; why the rim is dark: Deegan et al., Capillary flow as the cause of ring stains from
    dried liquid drops (Nature 1997).
    """

    parameters_type: ClassVar[type[Parameters]] = StainArea

    kind: Literal["stains"] = Field("stains", description="Dried water, tea or coffee, with a darker rim.")
    area_range: FractionRange = Field(
        (0.04, 0.35), description="Share of the picture that is covered. Without effect under a ratio_range."
    )
    num_range: CountRange = Field((1, 4), description="Pools, some of which run together.")
    strength_range: FractionRange = Field((0.12, 0.45), description="Opacity inside the rim.")

    def shaped(self, rng: np.random.Generator, context: Context, share: float) -> StainArea:
        strength = rng.uniform(*self.strength_range)
        return StainArea(
            seed=noise.seed_of(rng),
            share=round(share, 6),
            pools=tuple(_pool(rng, context) for _ in range(integer(rng, *self.num_range))),
            color=COLORS[integer(rng, 0, len(COLORS) - 1)],
            strength=round(255 * strength),
            rim=round(255 * min(1.0, strength + rng.uniform(0.12, 0.4))),
            tides=integer(rng, 20, 90) if rng.random() < 0.4 else 0,
        )


def _pool(rng: np.random.Generator, context: Context) -> Pool:
    shorter = min(context.height, context.width)
    x, y = (rng.random(2) - 0.5) * (context.width, context.height) * noise.ONE / shorter
    return int(x), int(y), round(rng.uniform(0.1, 0.35) * noise.ONE), integer(rng, 70, 140)
