"""Captions: subtitles, date stamps, lower thirds, credits and mottos, where such captions are."""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from pydantic import Field, field_validator

from pipelines.damage import digits, words
from pipelines.damage.base import Context
from pipelines.damage.fonts import Typeface
from pipelines.damage.holes import Color, FractionRange, integer
from pipelines.damage.lettering import Band, Block, Lettering, Shadow
from pipelines.damage.noise import PIXEL
from pipelines.damage.prints import Probability
from pipelines.damage.typesetting import (
    BLACK,
    WHITE,
    Lettered,
    Setting,
    Type,
    brightness,
    broken,
    shrunk,
)
from pipelines.damage.words import Language

Style = Literal["subtitle", "date", "lower_third", "credit", "motto"]
STYLES: tuple[Style, ...] = get_args(Style)

SUBTITLES: tuple[Color, ...] = (WHITE, WHITE, (255, 240, 120))
STAMPS: tuple[Color, ...] = ((255, 140, 30), (255, 90, 40), (255, 200, 60), (240, 240, 220))
"""What quartz date backs and early digital cameras wrote with: orange mostly."""

BARS: tuple[Color, ...] = ((16, 32, 84), (150, 20, 28), (20, 20, 24), (0, 96, 110), (235, 235, 235))

Drawn = tuple[tuple[str, ...], tuple[Typeface, ...], tuple[tuple[Type, Block], ...]]


class Caption(Lettered):
    """A caption in one of five styles.

    `subtitle`: one or two lines at the foot, white or yellow, with an outline or on a dark band. `date`: orange digits
    in a corner, from a font or of seven segments as cameras have them. `lower_third`: a name and what it is of, on
    bars. `credit`: small, in a corner or up the side. `motto`: large white capitals with a black outline, above or
    below.

    Source: none.
    """

    kind: Literal["caption"] = Field(
        "caption", description="Subtitles, date stamps, name bars, credits and mottos, where such captions are."
    )
    styles: dict[Style, float] = Field(
        {"subtitle": 3, "date": 2, "lower_third": 2, "credit": 2, "motto": 1},
        min_length=1,
        description="How often each style is drawn, relative to the others.",
    )
    size_range: FractionRange = Field(
        (0.045, 0.075), description="Height of a line of a subtitle; other styles are sized after it."
    )
    band_probability: Probability = Field(0.3, description="How often a subtitle lies on a band.")

    @field_validator("styles")
    @classmethod
    def _check_styles(cls, styles: dict[Style, float]) -> dict[Style, float]:
        if min(styles.values()) < 0 or max(styles.values()) <= 0:
            raise ValueError(f"weights must be 0 or more, and one of them above 0, found {styles}")
        return styles

    def sample(self, rng: np.random.Generator, context: Context) -> Lettering:
        styles = sorted(self.styles)
        edges = np.cumsum([self.styles[style] for style in styles])
        style = styles[int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))]
        size = rng.uniform(*self.size_range) * min(context.height, context.width)
        draw = {
            "subtitle": self._subtitle,
            "date": self._date,
            "lower_third": self._lower_third,
            "credit": self._credit,
            "motto": self._motto,
        }[style]
        return self.parameters(context, *draw(rng, context, size))

    def _subtitle(self, rng: np.random.Generator, context: Context, size: float) -> Drawn:
        text, face = self.written(rng, words.phrase, 76)
        lines = broken(text, 2 if len(text) > 24 else 1)
        kind = shrunk(face, lines, Setting(size, leading=1.2), 0.92 * context.width, 0.3 * context.height)[0]
        kind = _at(kind, context, 0.5, 1.0, round(0.9 * size))
        color = SUBTITLES[integer(rng, 0, len(SUBTITLES) - 1)]
        if rng.random() < self.band_probability:
            is_whole = rng.random() < 0.4
            return (
                (text,),
                (face,),
                ((kind, Block(kind.places, color, bands=(_behind(rng, kind, context, size, is_whole),))),),
            )
        outline = max(1, round(size * rng.uniform(0.05, 0.1)))
        shadow = (Shadow(1, 1, round(size), 160, BLACK),) if rng.random() < 0.3 else ()
        return (text,), (face,), ((kind, Block(kind.places, color, 255, outline, BLACK, shadow)),)

    def _date(self, rng: np.random.Generator, context: Context, size: float) -> Drawn:
        text = words.stamp(rng)
        faces: tuple[Typeface, ...] = ()
        if rng.random() < 0.6:
            kind = digits.set_text(text, 0.9 * size)
        else:
            face = self.writer(rng, text)
            kind, faces = (
                shrunk(face, [text], Setting(size, spacing=0.05), 0.6 * context.width, context.height)[0],
                (face,),
            )
        side = 0.94 if rng.random() < 0.8 else 0.06
        kind = _at(kind, context, side, 1.0 if rng.random() < 0.9 else 0.0, round(size * rng.uniform(0.8, 1.6)))
        color = STAMPS[integer(rng, 0, len(STAMPS) - 1)]
        # Light that was thrown onto the film glows, and is red around its edge.
        glow = (Shadow(0, 0, round(0.12 * size * PIXEL) + 4, 255, (200, 40, 0)),) if rng.random() < 0.7 else ()
        return (text,), faces, ((kind, Block(kind.places, color, integer(rng, 210, 255), shadow=glow)),)

    def _lower_third(self, rng: np.random.Generator, context: Context, size: float) -> Drawn:
        text, face = self.written(rng, words.person, 28)
        second, other = self.written(rng, words.phrase, 36)
        room = 0.8 * context.width
        title = shrunk(face, [text], Setting(1.15 * size, centred=False), room, context.height)[0]
        under = shrunk(other, [second], Setting(0.75 * size, centred=False), room, context.height)[0]
        pad, x = round(0.4 * size), round(rng.uniform(0.03, 0.09) * context.width)
        color = BARS[integer(rng, 0, len(BARS) - 1)]
        lower = _bar(under, pad, (30, 30, 34) if color != (20, 20, 24) else (200, 30, 36), 220)
        upper = _bar(title, pad, color, integer(rng, 200, 255))
        foot = context.height - round(rng.uniform(0.05, 0.14) * context.height)
        low_y = foot - lower[1].bands[0].height
        return (
            (text, second),
            (face, other),
            (_shifted(upper, x, low_y - upper[1].bands[0].height), _shifted(lower, x, low_y)),
        )

    def _credit(self, rng: np.random.Generator, context: Context, size: float) -> Drawn:
        text, face = self.written(rng, _credited, 40)
        is_upright = rng.random() < 0.25
        setting = Setting(0.6 * size, angle=-math.pi / 2 if is_upright else 0.0, spacing=0.03)
        kind = shrunk(face, [text], setting, 0.8 * context.width, 0.8 * context.height)[0]
        across, down = (float(rng.integers(2)), 1.0) if not is_upright else (1.0, rng.uniform(0.3, 0.95))
        kind = _at(kind, context, across, down, max(2, round(0.35 * size)))
        color = WHITE if brightness(context, kind.bounds) < 150 else BLACK
        return (text,), (face,), ((kind, Block(kind.places, color, integer(rng, 150, 240))),)

    def _motto(self, rng: np.random.Generator, context: Context, size: float) -> Drawn:
        texts, faces, blocks = [], [], []
        for down in (0.0, 1.0) if rng.random() < 0.4 else (float(rng.integers(2)),):
            text, face = self.written(rng, words.phrase, 40)
            setting = Setting(2 * size, leading=1.1)
            lines = broken(text.upper() if face.covers(text.upper()) else text, 2 if len(text) > 14 else 1)
            kind = shrunk(face, lines, setting, 0.94 * context.width, 0.32 * context.height)[0]
            kind = _at(kind, context, 0.5, down, round(0.6 * size))
            blocks.append((kind, Block(kind.places, WHITE, 255, max(1, round(0.1 * size)), BLACK)))
            texts.append(text)
            faces.append(face)
        return tuple(texts), tuple(faces), tuple(blocks)


def _credited(rng: np.random.Generator, language: Language) -> str:
    if rng.random() < 0.3:
        return words.site(rng) if rng.random() < 0.5 else words.handle(rng)
    before = {"ja": "撮影 ", "zh": "摄影 ", "ko": "사진 "}.get(language, ("© ", "Photo: ", "(c) ")[integer(rng, 0, 2)])
    return before + (words.person(rng, language) if rng.random() < 0.6 else words.brand(rng))


def _at(kind: Type, context: Context, across: float, down: float, gap: int) -> Type:
    """Type at a share of the way across and down what `gap` pixels around it leave."""
    left, top, right, bottom = kind.bounds
    x = gap + (context.width - 2 * gap - (right - left)) * across - left
    y = gap + (context.height - 2 * gap - (bottom - top)) * down - top
    return kind.moved(round(x), round(y))


def _behind(rng: np.random.Generator, kind: Type, context: Context, size: float, is_whole: bool) -> Band:
    """A dark band behind type, from side to side or as wide as it."""
    left, top, right, bottom = kind.bounds
    pad, opacity = round(0.4 * size), integer(rng, 120, 255)
    if is_whole:
        return Band(0, top - pad, context.width, bottom - top + 2 * pad, 0, opacity, BLACK)
    radius = round(0.3 * size) if rng.random() < 0.5 else 0
    return Band(left - pad, top - pad, right - left + 2 * pad, bottom - top + 2 * pad, radius, opacity, (12, 12, 12))


def _bar(kind: Type, pad: int, color: Color, opacity: int) -> tuple[Type, Block]:
    """Type on a bar whose upper left corner is the origin."""
    left, top, right, bottom = kind.bounds
    kind = kind.moved(pad - left, pad - top)
    band = Band(0, 0, right - left + 2 * pad, bottom - top + 2 * pad, 0, opacity, color)
    return kind, Block(kind.places, BLACK if sum(color) > 500 else WHITE, bands=(band,))


def _shifted(bar: tuple[Type, Block], x: int, y: int) -> tuple[Type, Block]:
    kind, block = bar[0].moved(x, y), bar[1]
    bands = tuple(band._replace(x=band.x + x, y=band.y + y) for band in block.bands)
    return kind, block._replace(places=kind.places, bands=bands)
