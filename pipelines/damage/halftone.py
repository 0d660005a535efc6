"""Halftone: a part of the picture that is left only as a print in dots, as in a newspaper."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from pipelines.damage import noise
from pipelines.damage.base import Context, Mask, Parameters, Picture
from pipelines.damage.holes import Color, FractionRange, integer
from pipelines.damage.overlay import Layer
from pipelines.damage.prints import Area, AreaDamage, Probability

PAPERS: tuple[Color, ...] = ((236, 230, 214), (245, 243, 238), (222, 212, 188))
INKS: tuple[Color, ...] = ((28, 26, 28), (44, 36, 32))

ANGLES = (15.0, 75.0, 0.0)
"""Degrees of the cyan, magenta and yellow screens, as far apart as printers turn them; black alone is at 45."""


@dataclass(frozen=True, kw_only=True)
class HalftoneArea(Area):
    """A cutting in dots.

    Attributes:
        x, y, turn: its middle from the picture's, the shorter side being `noise.ONE`, and its slant in thousandths of a
            radian.
        across, down: its half sides, likewise, before it is grown or shrunk to the share.
        period: of the dots in sixteenths of a pixel.
        angle: by which the screens are turned, in thousandths of a radian.
        paper: its colour.
        ink: colour of the darkest dots; in a colour print, where all inks meet.
        is_color: whether it is printed with three inks.
        opacity: of the cutting, 0 to 255.
    """

    x: int
    y: int
    turn: int
    across: int
    down: int
    period: int
    angle: int
    paper: Color
    ink: Color
    is_color: bool
    opacity: int

    def field(self, height: int, width: int) -> noise.Field:
        x, y = noise.axes(height, width)
        cosine, sine = round(1024 * math.cos(self.turn / 1000)), round(1024 * math.sin(self.turn / 1000))
        along = np.abs(((x - self.x) * cosine + (y - self.y) * sine) >> 10)
        beside = np.abs(((y - self.y) * cosine - (x - self.x) * sine) >> 10)
        ragged = noise.fractal(noise.from_seed(self.seed), height, width, min(height, width) / 24, 1, 0.5)
        inside = np.minimum(self.across - along, self.down - beside) + (ragged >> 7)
        return noise.heights(inside)

    def layer(self, image: Picture) -> Layer:
        height, width = image.shape[:2]
        inside = self.inside(height, width)
        rim = noise.levels_over(inside, max(1, noise.ONE // min(height, width)))
        alpha = np.maximum(noise.scaled(rim, self.opacity / 255), np.uint8(noise.LEAST))
        return Layer(0, 0, self._printed(image), np.where(inside > 0, alpha, 0).astype(np.uint8))

    def _printed(self, image: Picture) -> Picture:
        """The picture in dots."""
        # A screen resolves nothing finer than its dots.
        side = max(1, (self.period // 2 + 8) // noise.PIXEL) | 1
        soft = cv2.blur(image, (side, side))
        if self.is_color:
            planes = [self._dots(soft[..., channel], degrees) for channel, degrees in enumerate(ANGLES)]  # type: ignore[arg-type]
        else:
            planes = [self._dots(cv2.cvtColor(soft, cv2.COLOR_RGB2GRAY), 45.0)] * 3  # type: ignore[arg-type]
        toned = [
            cv2.LUT(plane, noise.table((0, low), (255, high)))
            for plane, low, high in zip(planes, self.ink, self.paper, strict=True)
        ]
        return cv2.merge(toned)  # type: ignore[return-value]

    def _dots(self, tones: Mask, degrees: float) -> Mask:
        """255 on paper, 0 under ink: the darker the tone, the larger the dots."""
        height, width = tones.shape
        screen = _screen(height, width, self.period, math.radians(degrees) + self.angle / 1000)
        # Rims of about a pixel; more than 120 times 255 would not fit.
        steep = np.int16(min(max(2, self.period // (2 * noise.PIXEL)), 120))
        ink: Mask = np.clip((tones.astype(np.int16) - screen) * steep + np.int16(128), 0, 255).astype(np.uint8)
        return ink


def _screen(height: int, width: int, period: int, angle: float) -> noise.Field:
    """Thresholds from 0 to 255, (height, width): crossed waves, high in the middles of the dots.

    A wave across both axes is made of waves along each, so that only lines of cosines are computed.
    """
    wave = 2 * math.pi * noise.PIXEL / period
    screen = np.zeros((height, width), np.int32)
    for turned in (angle, angle + math.pi / 2):
        across = wave * math.cos(turned) * np.arange(width)
        down = wave * math.sin(turned) * np.arange(height)
        for function, sign in ((np.cos, 1), (np.sin, -1)):
            one, other = (np.rint(127 * function(phase)).astype(np.int32) for phase in (across, down))
            screen += sign * other[:, None] * one[None, :]
    return ((screen >> 8) + 127).astype(np.int16)


class Halftone(AreaDamage):
    """A cutting in dots over a part of the picture.

    Source: amplitude-modulated screening with a cosine dot; the angles are the usual ones of offset printing.
    """

    parameters_type: ClassVar[type[Parameters]] = HalftoneArea

    kind: Literal["halftone"] = Field("halftone", description="A part of the picture printed in dots.")
    area_range: FractionRange = Field(
        (0.1, 0.5), description="Share of the picture that is covered. Without effect under a ratio_range."
    )
    period_range: FractionRange = Field((0.01, 0.025), description="From dot to dot, of the shorter side.")
    color_probability: Probability = Field(0.4, description="How often it is printed in colour.")

    def shaped(self, rng: np.random.Generator, context: Context, share: float) -> HalftoneArea:
        shorter = min(context.height, context.width)
        right, down = context.width * noise.ONE // (2 * shorter), context.height * noise.ONE // (2 * shorter)
        is_color = rng.random() < self.color_probability
        return HalftoneArea(
            seed=noise.seed_of(rng),
            share=round(share, 6),
            x=integer(rng, -right, right) * 2 // 3,
            y=integer(rng, -down, down) * 2 // 3,
            turn=round(1000 * rng.normal(0, 0.05)),
            across=integer(rng, noise.ONE // 4, noise.ONE // 2),
            down=integer(rng, noise.ONE // 4, noise.ONE // 2),
            # Under four pixels there are no dots to see.
            period=round(max(4.0, rng.uniform(*self.period_range) * shorter) * noise.PIXEL),
            angle=round(1000 * rng.normal(0, 0.05)),
            paper=PAPERS[integer(rng, 0, len(PAPERS) - 1)],
            ink=(20, 20, 24) if is_color else INKS[integer(rng, 0, len(INKS) - 1)],
            is_color=is_color,
            opacity=integer(rng, 200, 255),
        )
