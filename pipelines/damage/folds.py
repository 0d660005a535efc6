"""Folds: a crease through the picture, light on one side and dark on the other, with the emulsion broken along it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from pipelines.damage import noise
from pipelines.damage.base import Context, Mask, Parameters, Picture
from pipelines.damage.holes import Color, CountRange, FractionRange, integer
from pipelines.damage.overlay import Layer, Overlay
from pipelines.damage.prints import LineDamage, Probability
from pipelines.damage.relief import PAPERS, Relief, lit

Crease = tuple[tuple[noise.Point, ...], tuple[int, ...], int, int]
"""The line's points, the width of its segments and of its light and dark sides (negative: light and dark change
places), all in sixteenths of a pixel, and the strength of the sides (0 to 255)."""


@dataclass(frozen=True, kw_only=True)
class FoldLines(Overlay):
    """Creases.

    Attributes:
        creases: from end to end.
        color: of the paper where the emulsion broke off.
        seed: of the noise that breaks it.
        wear: how much of the line is broken, 0 to 255.
    """

    creases: tuple[Crease, ...]
    color: Color
    seed: int
    wear: int

    def layer(self, image: Picture) -> Layer:
        strokes = [(points, widths, 255) for points, widths, _, _ in self.creases]
        sides = max(abs(band) for _, _, band, _ in self.creases) >> noise.SHIFT
        x, y, width, height = noise.bounds(strokes, 3 * sides + 2, *image.shape[:2])
        rng, shorter = noise.from_seed(self.seed), min(image.shape[:2])
        core, relief = np.zeros((height, width), np.uint8), np.zeros((height, width), np.int16)
        uneven = noise.fractal(rng, height, width, shorter / 4, shorter / 60, 0.6)
        for stroke, crease in zip(strokes, self.creases, strict=True):
            noise.stroke(core, stroke, x, y)
            relief += _sides(crease, uneven, x, y)
        return Layer(x, y, *lit(self._broken(rng, core, shorter), relief, self.color))

    def _broken(self, rng: np.random.Generator, core: Mask, shorter: int) -> Mask:
        """The line where the emulsion came off: in crumbs, and wider at some places than at others."""
        soft = cv2.GaussianBlur(core, (0, 0), max(0.5, shorter / 600))
        height, width = core.shape
        crumbs = noise.levels(noise.fractal(rng, height, width, shorter / 24, 1, 0.75), -8192, 6)
        broken = cv2.addWeighted(soft, 3.0, crumbs, -3.0, self.wear)
        # Never where there is no line, however low the noise.
        return cv2.min(broken, cv2.convertScaleAbs(soft, alpha=4))  # type: ignore[return-value]


BITS = 29
SIDES = np.concatenate(
    [
        # Light falls off from the crease quickly, the shadow beside it softly.
        [round(255 * math.exp(-(((128 - level) / 36) ** 1.2)) * min(1.0, level / 24)) for level in range(128)],
        [-round(255 * math.exp(-((level - 128) / 44)) * min(1.0, (255 - level) / 24)) for level in range(128, 256)],
    ]
).astype(np.int16)
"""Light and shadow by the distance from the crease: 128 is on it, 0 and 255 three bands away."""


def _sides(crease: Crease, uneven: noise.Field, x: int, y: int) -> Relief:
    """Light and shadow along the chord of a crease, in the rectangle whose corner is x, y."""
    points, _, band, strength = crease
    height, width = uneven.shape
    (start_x, start_y), (end_x, end_y) = points[0], points[-1]
    length = math.hypot(end_x - start_x, end_y - start_y)
    reach = 128 / (3 * band * max(length, 1))
    across, down = -(end_y - start_y) * reach, (end_x - start_x) * reach
    # As many bits behind the point as 32 leave.
    largest = (abs(across) + abs(down)) * (max(height, width) + abs(start_x) + abs(start_y)) * noise.PIXEL
    bits = BITS - max(0, math.ceil(math.log2(largest + 1)))
    columns = (x + np.arange(width)) * noise.PIXEL - start_x
    rows = (y + np.arange(height)) * noise.PIXEL - start_y
    place = (
        np.rint(columns * across * 2**bits).astype(np.int32)[None, :]
        + (np.rint(rows * down * 2**bits).astype(np.int32)[:, None])
    )
    shade = SIDES[np.clip((place >> bits) + 128, 0, 255)]
    # Between half and all of the strength along the line.
    relief: Relief = (shade * (strength * (12288 + uneven.astype(np.int32)) >> 14) >> 8).astype(np.int16)
    return relief


class Folds(LineDamage):
    """Folds: across the middle or a third as a letter is folded, or over a corner.

    Source: none.
    """

    parameters_type: ClassVar[type[Parameters]] = FoldLines

    kind: Literal["folds"] = Field("folds", description="Creases with a light and a dark side.")
    num_range: CountRange = Field((1, 3), description="Creases.")
    width_range: FractionRange = Field((0.002, 0.006), description="Width of the broken line, of the shorter side.")
    side_range: FractionRange = Field(
        (0.006, 0.022), description="Width of the light and of the dark side, of the shorter side."
    )
    corner_probability: Probability = Field(0.3, description="How often a crease runs over a corner.")

    def sample(self, rng: np.random.Generator, context: Context) -> FoldLines:
        count = integer(rng, *self.num_range)
        return FoldLines(
            margin=self.margin_in(context),
            creases=tuple(self._crease(rng, context) for _ in range(count)),
            color=PAPERS[integer(rng, 0, len(PAPERS) - 1)],
            seed=noise.seed_of(rng),
            wear=integer(rng, 60, 300),
        )

    def _crease(self, rng: np.random.Generator, context: Context) -> Crease:
        shorter = min(context.height, context.width)
        at_corner = rng.random() < self.corner_probability
        ends = _corner(rng, context) if at_corner else _across(rng, context)
        line = noise.jagged(rng, *ends, 5, rng.uniform(0.0005, 0.003))
        widths = rng.uniform(*self.width_range) * shorter * noise.PIXEL * rng.uniform(0.5, 1.2, len(line) - 1)
        band = round(max(1.0, rng.uniform(*self.side_range) * shorter) * noise.PIXEL)
        lit_side = 1 if rng.random() < 0.5 else -1
        return noise.fixed(line), tuple(np.rint(widths).astype(int).tolist()), band * lit_side, integer(rng, 70, 170)


def _across(rng: np.random.Generator, context: Context) -> tuple[list[float], list[float]]:
    """From border to border, near a half, a third or a quarter."""
    places = (1 / 2, 1 / 2, 1 / 3, 2 / 3, 1 / 4, 3 / 4)
    place = places[integer(rng, 0, len(places) - 1)] + rng.normal(0, 0.03)
    slope = rng.normal(0, 0.03)
    if rng.random() < 0.5:
        return [(place - slope) * context.width, -1], [(place + slope) * context.width, context.height]
    return [-1, (place - slope) * context.height], [context.width, (place + slope) * context.height]


def _corner(rng: np.random.Generator, context: Context) -> tuple[list[float], list[float]]:
    """Between the two sides of a corner."""
    shorter = min(context.height, context.width)
    x, y = integer(rng, 0, 1) * context.width, integer(rng, 0, 1) * context.height
    inward_x, inward_y = (-1 if x else 1), (-1 if y else 1)
    reach_x, reach_y = rng.uniform(0.15, 0.45, 2) * shorter
    return [x + inward_x * reach_x, y], [x, y + inward_y * reach_y]
