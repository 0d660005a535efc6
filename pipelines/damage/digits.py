"""Digits of seven segments, as date backs of cameras and early digital ones write them; no font needed."""

from __future__ import annotations

from functools import cache

import numpy as np

from pipelines.damage.fonts import EM, encoded
from pipelines.damage.lettering import Place
from pipelines.damage.noise import PIXEL
from pipelines.damage.typesetting import Type

WIDTH, HEIGHT, THICK, GAP = 430, 780, 96, 16
"""Of a digit, in units of an em: its segments' outer sides, their thickness, and the gap between two of them."""

ADVANCE = {"'": 300, ":": 300, ".": 260, "/": 520, "-": 560, " ": 380}
DIGIT_ADVANCE = 600
LEAN = 0.08

LIT = {
    "0": "abcdef", "1": "bc", "2": "abged", "3": "abgcd", "4": "fgbc", "5": "afgcd", "6": "afgedc", "7": "abc",
    "8": "abcdefg", "9": "abcdfg", "-": "g",
}  # fmt: skip
"""Segments of each sign: a on top, then clockwise, g in the middle."""


def set_text(text: str, size: float) -> Type:
    """A line of digits, around the origin as `typesetting.set_lines` sets it."""
    glyphs, places = dict[str, int](), list[Place]()
    width = sum(ADVANCE.get(letter, DIGIT_ADVANCE) for letter in text)
    x, scale = -width / 2, size * PIXEL
    for letter in text:
        if glyph := _glyph(letter):
            number = glyphs.setdefault(glyph, len(glyphs))
            places.append((number, round(x * scale / EM), 0, round(scale), 0))
        x += ADVANCE.get(letter, DIGIT_ADVANCE)
    return Type.of(glyphs, places)


@cache
def _glyph(letter: str) -> str:
    if letter == " ":
        return ""
    shapes = [_segment(name) for name in LIT.get(letter, "")]
    if letter in ":.":
        shapes = [_box(60, y) for y in ((-0.7 * HEIGHT, -0.25 * HEIGHT) if letter == ":" else (-THICK / 2,))]
    if letter == "'":
        shapes = [np.array([(60, -HEIGHT), (60 + THICK, -HEIGHT), (60 + THICK / 2, -0.7 * HEIGHT)])]
    if letter == "/":
        shapes = [np.array([(40, 0), (40 + THICK, 0), (400, -HEIGHT), (400 - THICK, -HEIGHT)])]
    assert shapes, letter
    return encoded([shape + np.outer(-shape[:, 1] * LEAN, (1, 0)) for shape in shapes])


def _segment(name: str) -> np.ndarray:
    """A bar with pointed ends."""
    middle, half = HEIGHT / 2, THICK / 2
    if name in "agd":
        y = {"a": half - HEIGHT, "g": -middle, "d": -half}[name]
        start, end = half + GAP, WIDTH - half - GAP
        return np.array(
            [
                (start, y),
                (start + half, y - half),
                (end - half, y - half),
                (end, y),
                (end - half, y + half),
                (start + half, y + half),
            ]
        )
    x = half if name in "ef" else WIDTH - half
    top, bottom = (half - HEIGHT + GAP, -middle - GAP) if name in "bf" else (GAP - middle, -half - GAP)
    return np.array(
        [
            (x, top),
            (x + half, top + half),
            (x + half, bottom - half),
            (x, bottom),
            (x - half, bottom - half),
            (x - half, top + half),
        ]
    )


def _box(x: float, y: float) -> np.ndarray:
    half = THICK / 2
    return np.array([(x, y - half), (x + THICK, y - half), (x + THICK, y + half), (x, y + half)])
