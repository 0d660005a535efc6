"""Torn corners and edges: a fringe of bare paper fibres, and what lies under the print."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipelines.damage import noise
from pipelines.damage.base import Context, Parameters, Picture
from pipelines.damage.holes import Color, CountRange, FractionRange, integer
from pipelines.damage.overlay import Layer, blend
from pipelines.damage.prints import Area, AreaDamage, Probability
from pipelines.damage.relief import PAPERS, flat

GROUNDS: tuple[Color, ...] = (
    (252, 252, 250),
    (38, 35, 33),
    (92, 74, 58),
    (196, 186, 168),
    (150, 150, 150),
    (20, 20, 20),
)
"""A scanner's lid, an album's black page, wood, card, grey felt, nothing."""

Tear = tuple[int, int, int, int]
"""x, y where it begins, from the middle of the picture, the shorter side being `noise.ONE`; its direction into the
picture in thousandths of a radian; and half its width in the units of x and y, 0 for a corner or a whole edge."""


@dataclass(frozen=True, kw_only=True)
class TornArea(Area):
    """Tears, all as deep as the share of the picture asks for.

    Attributes:
        tears: at corners and edges.
        fringe: width of the bare paper where it is widest, the shorter side being `noise.ONE`.
        paper: colour of the fibres.
        ground: colour of what lies under the print.
    """

    tears: tuple[Tear, ...]
    fringe: int
    paper: Color
    ground: Color

    def field(self, height: int, width: int) -> noise.Field:
        """Less and less into the picture; noise of all sizes makes the rim ragged."""
        x, y = noise.axes(height, width)
        field = np.full((height, width), -(2**30), np.int32)
        for tear in self.tears:
            np.maximum(field, _fall(tear, x, y), out=field)
        shorter = min(height, width)
        ragged = noise.fractal(noise.from_seed(self.seed), height, width, shorter / 4, 1, 0.48)
        return noise.heights(field + (ragged >> 3) + (ragged >> 4))

    def layer(self, image: Picture) -> Layer:
        height, width = image.shape[:2]
        shorter = min(height, width)
        rng = noise.from_seed(self.seed + 1)
        inside = self.inside(height, width)
        pixel = max(1, noise.ONE // shorter)
        fibres = noise.fractal(rng, height, width, shorter / 16, 1, 0.72)
        # How far beyond the fringe, whose width the noise decides: fibres stick out.
        beyond = np.maximum(inside, 0) - (self.fringe * (fibres.astype(np.int32) + 5000) >> 13).astype(np.int16)
        ground = self._ground(beyond, pixel)
        colour = blend(self._paper(fibres), ground, noise.levels_over(beyond, pixel))
        alpha = np.maximum(noise.levels_over(inside, pixel), np.uint8(noise.LEAST))
        return Layer(0, 0, colour, np.where(inside > 0, alpha, 0).astype(np.uint8))

    def _paper(self, fibres: noise.Field) -> Picture:
        """Paper that is thinner here and thicker there."""
        light = noise.levels(fibres, -8192, 6)
        shades = [noise.table((0, 0.72 * level), (128, 0.94 * level), (255, level)) for level in self.paper]
        return cv2.merge([shade[light] for shade in shades])  # type: ignore[return-value]

    def _ground(self, beyond: noise.Field, pixel: int) -> Picture:
        """The ground, in the print's shadow near it."""
        fall = noise.table((0, 110), (30, 60), (110, 0), (255, 0))
        shadow = fall[noise.levels(beyond, pixel, 1)]
        height, width = beyond.shape
        return blend(flat(self.ground, height, width), np.zeros((height, width, 3), np.uint8), shadow)


def _fall(tear: Tear, x: NDArray[np.int32], y: NDArray[np.int32]) -> NDArray[np.int32]:
    """0 where a tear begins, falling into the picture and, for a bite, to both of its sides."""
    start_x, start_y, direction, half = tear
    into_x, into_y = round(1024 * math.cos(direction / 1000)), round(1024 * math.sin(direction / 1000))
    depth = ((x - start_x) * into_x + (y - start_y) * into_y) >> 10
    if not half:
        return -depth
    aside = ((y - start_y) * into_x - (x - start_x) * into_y) >> 10
    fall: NDArray[np.int32] = depth + aside * aside // (2 * half)
    return -fall


class Torn(AreaDamage):
    """Torn corners, torn edges, and bites out of an edge.

    Source: none. A tear parts the emulsion before it parts the paper, hence the fringe of bare fibres.
    """

    parameters_type: ClassVar[type[Parameters]] = TornArea

    kind: Literal["torn"] = Field("torn", description="Torn corners and edges, with a fringe of paper fibres.")
    area_range: FractionRange = Field(
        (0.03, 0.25), description="Share of the picture that is covered. Without effect under a ratio_range."
    )
    num_range: CountRange = Field((1, 3), description="Corners and edges that are torn.")
    fringe_range: FractionRange = Field((0.006, 0.03), description="Width of the bare paper, of the shorter side.")
    corner_probability: Probability = Field(0.6, description="How often a tear is at a corner and not at an edge.")

    def shaped(self, rng: np.random.Generator, context: Context, share: float) -> TornArea:
        return TornArea(
            seed=noise.seed_of(rng),
            share=round(share, 6),
            tears=tuple(self._tear(rng, context) for _ in range(integer(rng, *self.num_range))),
            fringe=round(rng.uniform(*self.fringe_range) * noise.ONE),
            paper=PAPERS[integer(rng, 0, len(PAPERS) - 1)],
            ground=GROUNDS[integer(rng, 0, len(GROUNDS) - 1)],
        )

    def _tear(self, rng: np.random.Generator, context: Context) -> Tear:
        shorter = min(context.height, context.width)
        right, down = context.width * noise.ONE // (2 * shorter), context.height * noise.ONE // (2 * shorter)
        setback = integer(rng, -300, 300)
        if rng.random() < self.corner_probability:
            x, y = (-1, 1)[integer(rng, 0, 1)], (-1, 1)[integer(rng, 0, 1)]
            angle = math.atan2(-y, -x) + rng.normal(0, 0.2)
            # A corner is a point: what it loses in width it must gain in depth.
            return x * (right - setback), y * (down - setback), round(1000 * angle), 0
        side, along = integer(rng, 0, 3), rng.uniform(-0.8, 0.8)
        place = ((right, along * down), (-right, along * down), (along * right, down), (along * right, -down))[side]
        angle = (math.pi, 0.0, -math.pi / 2, math.pi / 2)[side] + rng.normal(0, 0.08)
        half = 0 if rng.random() < 0.5 else round(rng.uniform(0.05, 0.3) * noise.ONE)
        return int(place[0]), int(place[1]), round(1000 * angle), half
