"""Watermarks: half-transparent names and signs, once or all over a picture."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import Field

from pipelines.damage import logos, words
from pipelines.damage.base import Context
from pipelines.damage.fonts import Typeface
from pipelines.damage.holes import Color, FractionRange, integer
from pipelines.damage.lettering import Block, Lettering, Shadow, Stamp
from pipelines.damage.noise import PIXEL
from pipelines.damage.pools import Pool, PoolRef
from pipelines.damage.prints import Probability
from pipelines.damage.typesetting import BLACK, WHITE, Bounds, Lettered, Setting, Type, brightness, fitting, set_lines
from pipelines.damage.words import Language

MOST_COPIES = 120


class Watermark(Lettered):
    """A name, a sign or both, light or dark, in one place or tiled.

    Source: CLWD and the LOGO series (Liu et al. 2021, Cun and Pun 2021) for opacity, size and place; their logos are
    collected ones, ours are drawn: plain geometric signs with a made-up name beside or below.
    """

    kind: Literal["watermark"] = Field(
        "watermark", description="Half-transparent names and signs, once or all over the picture."
    )
    tiled_probability: Probability = Field(0.45, description="How often it is repeated all over the picture.")
    logo_probability: Probability = Field(0.5, description="How often a sign stands beside, above or for the name.")
    logos: PoolRef | None = Field(
        None, description="Folder or archive of signs to draw instead of the ones that ship, with their own alpha."
    )
    opacity_range: FractionRange = Field((0.2, 0.6), description="Opacity.")
    size_range: FractionRange = Field(
        (0.25, 0.8), description="Width of a single one; a tile of a repeated one has about half of it."
    )

    def sample(self, rng: np.random.Generator, context: Context) -> Lettering:
        if self.logos is not None and rng.random() < self.logo_probability:
            return self._stamped(rng, context, self.logos.open())
        text, face = self.written(rng, _named, 28)
        is_tiled = rng.random() < self.tiled_probability
        shorter = min(context.height, context.width)
        width = shorter * rng.uniform(*self.size_range) * (rng.uniform(0.4, 0.6) if is_tiled else 1)
        angle = _angle(rng, context, is_tiled)
        kind = self._motif(rng, text, face, width, angle)
        share = fitting(kind, 0.96 * context.width, 0.96 * context.height)
        if share < 1:
            kind = Type.of(kind.glyphs, tuple((g, *(round(n * share) for n in rest)) for g, *rest in kind.places))  # type: ignore[misc]
        kind, repeats = _tiled(rng, kind, context) if is_tiled else (_single(rng, kind, context), ((0, 0),))
        block = self._block(rng, context, kind, width / 8)._replace(repeats=repeats)
        return self.parameters(context, [text], [face], [(kind, block)])

    def _stamped(self, rng: np.random.Generator, context: Context, pool: Pool) -> Lettering:
        """A sign of a pool, once or tiled, upright."""
        item = pool.items[integer(rng, 0, len(pool.items) - 1)]
        high, wide = pool.item(item).pixels.shape[:2]
        is_tiled = rng.random() < self.tiled_probability
        shorter = min(context.height, context.width)
        side = 0.7 * shorter * rng.uniform(*self.size_range) * (rng.uniform(0.4, 0.6) if is_tiled else 1)
        width, height = (max(4, round(side * n / max(high, wide))) for n in (wide, high))
        bounds = (0, 0, width, height)
        if is_tiled:
            x, y, repeats = 0, 0, _grid(rng, width, height, context)
        else:
            (x, y), repeats = _spot(rng, bounds, context), ((0, 0),)
        opacity = round(255 * rng.uniform(*self.opacity_range))
        stamp = Stamp(pool.name, item, pool.sha256_of(item), x, y, width, height, opacity, repeats)
        return replace(self.parameters(context, [], [], []), stamps=(stamp,))

    def _motif(self, rng: np.random.Generator, text: str, face: Typeface, width: float, angle: float) -> Type:
        """The name with or without a sign, so many pixels wide."""
        spacing = rng.uniform(0.0, 0.15)
        line = set_lines(face, [text], Setting(100.0, spacing=spacing))
        left, _, right, _ = line.bounds
        size = 100.0 * width / (right - left)
        if rng.random() >= self.logo_probability:
            return set_lines(face, [text], Setting(min(size, 0.4 * width), angle=angle, spacing=spacing))
        sign = logos.draw(rng)
        layout = rng.random()
        if layout < 0.25:
            return logos.alone(sign, 0.5 * width, angle)
        return logos.beside(sign, face, text, min(size, 0.3 * width), angle, spacing, is_above=layout < 0.6)

    def _block(self, rng: np.random.Generator, context: Context, kind: Type, size: float) -> Block:
        is_light = rng.random() < (0.85 if brightness(context, kind.bounds) < 160 else 0.3)
        color: Color = WHITE if is_light else BLACK
        opacity = round(255 * rng.uniform(*self.opacity_range))
        rim = BLACK if is_light else WHITE
        style = rng.random()
        if style < 0.25:
            return Block(kind.places, color, opacity, 1, rim)
        if style < 0.5:
            move = max(1, round(0.04 * size))
            return Block(
                kind.places, color, opacity, shadow=(Shadow(move, move, round(0.03 * size * PIXEL), 150, rim),)
            )
        return Block(kind.places, color, opacity)


def _named(rng: np.random.Generator, language: Language) -> str:
    share = rng.random()
    if share < 0.35:
        return words.brand(rng)
    if share < 0.55:
        return f"© {words.person(rng, language)}"
    if share < 0.75:
        return words.site(rng)
    return words.handle(rng) if share < 0.85 else words.phrase(rng, language)


def _angle(rng: np.random.Generator, context: Context, is_tiled: bool) -> float:
    """Along a diagonal often, level else."""
    if rng.random() < (0.75 if is_tiled else 0.3):
        return -math.atan2(context.height, context.width) * rng.uniform(0.6, 1.0)
    return 0.0


def _single(rng: np.random.Generator, kind: Type, context: Context) -> Type:
    return kind.moved(*_spot(rng, kind.bounds, context))


def _spot(rng: np.random.Generator, bounds: Bounds, context: Context) -> tuple[int, int]:
    """Pixels by which something moves to the middle, to a corner, or anywhere."""
    left, top, right, bottom = bounds
    free_x, free_y = context.width - (right - left), context.height - (bottom - top)
    share = rng.random()
    if share < 0.35:
        across, down = 0.5, 0.5
    elif share < 0.75:
        across, down = (0.05, 0.95)[integer(rng, 0, 1)], (0.05, 0.95)[integer(rng, 0, 1)]
    else:
        across, down = rng.random(), rng.random()
    return round(free_x * across) - left, round(free_y * down) - top


def _tiled(rng: np.random.Generator, kind: Type, context: Context) -> tuple[Type, tuple[tuple[int, int], ...]]:
    left, top, right, bottom = kind.bounds
    return kind.moved(-left, -top), _grid(rng, right - left, bottom - top, context)


def _grid(rng: np.random.Generator, width: int, height: int, context: Context) -> tuple[tuple[int, int], ...]:
    """Copies in rows, some with every second one moved by half a step, over the whole picture and beyond its edges."""
    step_x = round(width * rng.uniform(1.15, 1.7)) + 1
    step_y = round(height * rng.uniform(1.1, 1.5) + 0.25 * width) + 1
    while (context.width // step_x + 3) * (context.height // step_y + 2) > MOST_COPIES:
        step_x, step_y = round(1.2 * step_x) + 1, round(1.2 * step_y) + 1
    offset = (0, step_x // 2)[integer(rng, 0, 1)]
    x, y = -int(rng.random() * step_x), -int(rng.random() * step_y)
    repeats = [
        (x + column * step_x - (row % 2) * offset, y + row * step_y)
        for row in range(context.height // step_y + 2)
        for column in range(context.width // step_x + 3)
    ]
    return tuple((a, b) for a, b in repeats if -width < a < context.width and -height < b < context.height)
