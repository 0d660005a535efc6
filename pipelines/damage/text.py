"""Text: words and lines anywhere on a picture, straight, turned or bent, plain or with outline and shadow."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from pipelines.damage import words
from pipelines.damage.base import Context
from pipelines.damage.fonts import Typeface
from pipelines.damage.holes import CountRange, FractionRange, integer
from pipelines.damage.lettering import Block, Lettering, Shadow
from pipelines.damage.noise import PIXEL
from pipelines.damage.prints import Probability
from pipelines.damage.typesetting import (
    BLACK,
    LINE,
    WHITE,
    Bounds,
    Lettered,
    Setting,
    Type,
    brightness,
    broken,
    legible,
    shrunk,
    somewhere,
)

ROOM = 0.96
"""Share of a side that text may take."""


class Text(Lettered):
    """Words and lines anywhere.

    Source: SynthText (Gupta et al. 2016) for what is varied: place, turn, curve, outline, shadow, colour, opacity,
    font. We depart from it in that text does not follow surfaces of the scene: it lies on the picture as if written
    there later, which is what is to be removed.
    """

    kind: Literal["text"] = Field("text", description="Words and lines of text anywhere on the picture.")
    num_range: CountRange = Field((1, 3), description="Texts on a picture.")
    num_lines_range: CountRange = Field(
        (1, 3), description="Lines of a text, where it has so many words; long texts get more."
    )
    size_range: FractionRange = Field((0.05, 0.16), description="Height of a line of type; shrunk where it must be.")
    max_turn: float = Field(30.0, ge=0, le=180, description="Degrees by which a text is turned, up to, either way.")
    turned_probability: Probability = Field(0.4, description="How often a text is turned at all.")
    curved_probability: Probability = Field(0.2, description="How often a text of one line is bent.")
    outline_probability: Probability = Field(0.3, description="How often letters have an outline.")
    shadow_probability: Probability = Field(0.35, description="How often letters throw a shadow.")
    opacity_range: FractionRange = Field((0.6, 1.0), description="Opacity; half of the texts are opaque all the same.")

    def sample(self, rng: np.random.Generator, context: Context) -> Lettering:
        texts, faces, blocks = [], [], list[tuple[Type, Block]]()
        for _ in range(integer(rng, *self.num_range)):
            text, face = self.written(rng, words.anything)
            taken = [kind.bounds for kind, _ in blocks]
            blocks.append(self._placed(rng, context, text, face, taken))
            texts.append(text)
            faces.append(face)
        return self.parameters(context, texts, faces, blocks)

    def _placed(
        self, rng: np.random.Generator, context: Context, text: str, face: Typeface, taken: list[Bounds]
    ) -> tuple[Type, Block]:
        low, high = self.size_range
        wanted = min(context.height, context.width) * low * (high / low) ** rng.random()
        lines = broken(text, max(integer(rng, *self.num_lines_range), -(-len(text) // LINE)))
        setting = self._setting(rng, wanted, len(lines))
        kind, size = shrunk(face, lines, setting, ROOM * context.width, ROOM * context.height)
        kind = somewhere(rng, kind, context, taken)
        return kind, self._block(rng, context, kind, size)

    def _setting(self, rng: np.random.Generator, size: float, num_lines: int) -> Setting:
        turn = math.radians(rng.uniform(-self.max_turn, self.max_turn)) if rng.random() < self.turned_probability else 0
        bend = 0.0
        if num_lines == 1 and rng.random() < self.curved_probability:
            bend = float(rng.choice((-1, 1))) * rng.uniform(0.4, 1.6)
        return Setting(
            size=size,
            angle=turn,
            bend=bend,
            spacing=rng.uniform(0.02, 0.2) if rng.random() < 0.2 else 0.0,
            leading=rng.uniform(1.05, 1.5),
            centred=bool(rng.random() < 0.6),
        )

    def _block(self, rng: np.random.Generator, context: Context, kind: Type, size: float) -> Block:
        color = legible(rng, brightness(context, kind.bounds))
        is_opaque = rng.random() < 0.5
        outline = max(1, round(size * rng.uniform(0.03, 0.09))) if rng.random() < self.outline_probability else 0
        contrast = BLACK if sum(color) > 300 else WHITE
        shadow: tuple[Shadow, ...] = ()
        if rng.random() < self.shadow_probability:
            move = max(1, round(size * rng.uniform(0.03, 0.09)))
            blur = round(size * rng.uniform(0.0, 0.08) * PIXEL)
            shadow = (Shadow(move, move, blur, integer(rng, 110, 220), contrast),)
        opacity = 255 if is_opaque else round(255 * rng.uniform(*self.opacity_range))
        return Block(kind.places, color, opacity, outline, contrast, shadow)
