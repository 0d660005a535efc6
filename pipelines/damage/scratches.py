"""Scratches: long thin lines where something scraped the picture off."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from pipelines.damage import noise
from pipelines.damage.base import Context, Parameters, Picture
from pipelines.damage.holes import Color, CountRange, FractionRange, integer
from pipelines.damage.noise import Line, Stroke
from pipelines.damage.overlay import Layer, Overlay
from pipelines.damage.prints import LineDamage, Probability
from pipelines.damage.relief import PAPERS, embossed, lit

DARK: tuple[Color, ...] = ((24, 20, 18), (52, 42, 34))
"""Of a scratch in a negative, which prints dark, or with dirt in it."""


@dataclass(frozen=True, kw_only=True)
class ScratchLines(Overlay):
    """Scratches, broken by noise.

    Attributes:
        lines: from end to end.
        color: of all of them.
        seed: of the noise that breaks them.
    """

    lines: tuple[Stroke, ...]
    color: Color
    seed: int

    def layer(self, image: Picture) -> Layer:
        x, y, width, height = noise.bounds(self.lines, 2, *image.shape[:2])
        core = np.zeros((height, width), np.uint8)
        for line in self.lines:
            noise.stroke(core, line, x, y)
        shorter = min(image.shape[:2])
        texture = noise.fractal(noise.from_seed(self.seed), height, width, shorter / 12, shorter / 400, 0.7)
        core = noise.scaled(core, BROKEN[noise.levels(texture, -8192, 6)])
        shade = embossed(core, 1, 0, max(0.5, shorter / 800), 0.25)
        return Layer(x, y, *lit(core, shade, self.color))


BROKEN = noise.table((0, 20), (60, 40), (84, 215), (255, 255))
"""How much is left of a scratch where the noise has this level: it skips, and it fades."""


class Scratches(LineDamage):
    """Scratches: most run in one direction, as wear in a projector, a sleeve or under a hand does.

    Source: the structured defects of Wan et al., Bringing Old Photos Back to Life (CVPR 2020), who blend collected
    textures of scratches. None were released, so these are drawn: straight lines with a slight waver, width and
    strength that change along them, some with neighbours beside them.
    """

    parameters_type: ClassVar[type[Parameters]] = ScratchLines

    kind: Literal["scratches"] = Field("scratches", description="Long thin lines where the picture is scraped off.")
    num_range: CountRange = Field((2, 10), description="Scratches, not counting their neighbours.")
    length_range: FractionRange = Field((0.1, 1.0), description="Length, as a fraction of the shorter side.")
    width_range: FractionRange = Field(
        (0.0015, 0.005), description="Greatest width, as a fraction of the shorter side."
    )
    dark_probability: Probability = Field(0.15, description="How often scratches are dark and not light.")

    def sample(self, rng: np.random.Generator, context: Context) -> ScratchLines:
        upright = math.pi / 2 + rng.normal(0, 0.05)
        main = upright if rng.random() < 0.6 else rng.uniform(0, math.pi)
        lines: list[Stroke] = []
        for _ in range(integer(rng, *self.num_range)):
            lines += self._scratch(rng, context, main)
        colors = DARK if rng.random() < self.dark_probability else PAPERS
        color = colors[integer(rng, 0, len(colors) - 1)]
        return ScratchLines(margin=self.margin_in(context), lines=tuple(lines), color=color, seed=noise.seed_of(rng))

    def _scratch(self, rng: np.random.Generator, context: Context, main: float) -> list[Stroke]:
        shorter = min(context.height, context.width)
        angle = main + rng.normal(0, 0.08) if rng.random() < 0.8 else rng.uniform(0, math.pi)
        low, high = self.length_range
        reach = low * (high / low) ** rng.random() * shorter / 2 * np.array([math.cos(angle), math.sin(angle)])
        middle = rng.random(2) * (context.width, context.height)
        line = noise.jagged(rng, middle - reach, middle + reach, 3, rng.uniform(0.002, 0.012))
        width, level = rng.uniform(*self.width_range) * shorter, integer(rng, 150, 255)
        strokes = [_stroke(rng, line, width, level)]
        if rng.random() < 0.3:
            strokes += [_beside(rng, line, width, level, shorter) for _ in range(integer(rng, 1, 3))]
        return strokes


def _stroke(rng: np.random.Generator, line: Line, width: float, level: int) -> Stroke:
    """Thin at both ends, uneven between them."""
    along = (np.arange(len(line) - 1) + 0.5) / (len(line) - 1)
    widths = width * noise.PIXEL * np.sqrt(np.sin(math.pi * along)) * rng.uniform(0.5, 1, len(along))
    return noise.fixed(line), tuple(np.rint(widths).astype(int).tolist()), level


def _beside(rng: np.random.Generator, line: Line, width: float, level: int, shorter: int) -> Stroke:
    """A fainter scratch along a part of another one, as grit leaves when it has more than one edge."""
    start = integer(rng, 0, len(line) // 2)
    part = line[start : start + integer(rng, 3, len(line) - start)]
    across = (line[-1] - line[0])[::-1] * (-1, 1) / (np.linalg.norm(line[-1] - line[0]) + 1e-6)
    return _stroke(rng, part + across * rng.uniform(0.004, 0.02) * shorter, 0.6 * width, int(0.8 * level))
