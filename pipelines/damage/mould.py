"""Mould: clusters of fuzzy spots, as damp leaves them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from pipelines.damage import noise
from pipelines.damage.base import Context, Parameters, Picture
from pipelines.damage.holes import Color, FractionRange, integer
from pipelines.damage.overlay import Layer
from pipelines.damage.prints import Area, AreaDamage
from pipelines.damage.relief import flat

COLORS: tuple[Color, ...] = ((38, 42, 34), (62, 66, 52), (96, 66, 40), (120, 88, 52), (176, 176, 160))
"""Black and grey-green mould, brown spots of foxing, and the white bloom of a young one."""

NUM_SPOTS = 220


@dataclass(frozen=True, kw_only=True)
class MouldArea(Area):
    """Mould of one kind.

    Attributes:
        spot: radius of the largest spots, the shorter side being `noise.ONE`.
        color: of the mould.
        strength: opacity in the middle of a spot, 0 to 255.
    """

    spot: int
    color: Color
    strength: int

    def field(self, height: int, width: int) -> noise.Field:
        """High on spots, most where a slow noise makes the picture damp; fine noise frays the rims."""
        rng, shorter = noise.from_seed(self.seed), min(height, width)
        damp = noise.fractal(rng, height, width, shorter / 2, shorter / 32, 0.6)
        fringe = noise.fractal(rng, height, width, max(2.0, self.spot * shorter / noise.ONE), 1, 0.75)
        spots = self._spots(rng, height, width).astype(np.int16) << 4
        return damp + (damp >> 1) + (fringe >> 2) + spots  # type: ignore[no-any-return]

    def _spots(
        self, rng: np.random.Generator, height: int, width: int
    ) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
        """Discs that are high in their middles."""
        canvas, shorter = np.zeros((height, width), np.uint8), min(height, width)
        largest = self.spot * shorter * noise.PIXEL / noise.ONE
        for x, y, size, peak in rng.random((NUM_SPOTS, 4)).tolist():
            place = int(x * width * noise.PIXEL), int(y * height * noise.PIXEL)
            radius = max(noise.PIXEL // 2, int(largest * (0.15 + 0.85 * size**3)))
            cv2.circle(canvas, place, radius, 120 + int(135 * peak), cv2.FILLED, cv2.LINE_AA, noise.SHIFT)
        return cv2.GaussianBlur(canvas, (0, 0), max(0.6, largest / noise.PIXEL / 6))  # type: ignore[return-value]

    def layer(self, image: Picture) -> Layer:
        height, width = image.shape[:2]
        inside, shorter = self.inside(height, width), min(height, width)
        soft = noise.table((0, 0), (60, 0.5 * self.strength), (255, self.strength))[noise.levels(inside, 0, 3)]
        grain = noise.fractal(noise.from_seed(self.seed + 1), height, width, max(2.0, shorter / 128), 1, 0.8)
        fuzzy = noise.scaled(soft, noise.table((0, 90), (160, 255), (255, 255))[noise.levels(grain, -8192, 6)])
        alpha = np.where(inside > 0, np.maximum(fuzzy, noise.LEAST), 0).astype(np.uint8)
        return Layer(0, 0, flat(self.color, height, width), alpha)


class Mould(AreaDamage):
    """Mould spots and foxing.

    Source: none.
    """

    parameters_type: ClassVar[type[Parameters]] = MouldArea

    kind: Literal["mould"] = Field("mould", description="Clusters of fuzzy spots of mould.")
    area_range: FractionRange = Field(
        (0.02, 0.2), description="Share of the picture that is covered. Without effect under a ratio_range."
    )
    spot_range: FractionRange = Field((0.01, 0.04), description="Radius of the largest spots, of the shorter side.")
    strength_range: FractionRange = Field((0.5, 0.95), description="Opacity in the middle of a spot.")

    def shaped(self, rng: np.random.Generator, context: Context, share: float) -> MouldArea:  # noqa: ARG002
        return MouldArea(
            seed=noise.seed_of(rng),
            share=round(share, 6),
            spot=round(rng.uniform(*self.spot_range) * noise.ONE),
            color=COLORS[integer(rng, 0, len(COLORS) - 1)],
            strength=round(255 * rng.uniform(*self.strength_range)),
        )
