"""Signs of firms that do not exist: a few geometric marks, drawn as glyphs, alone or with a name."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipelines.damage.fonts import EM, Typeface, encoded
from pipelines.damage.holes import integer
from pipelines.damage.lettering import Place
from pipelines.damage.noise import PIXEL
from pipelines.damage.typesetting import Type, set_line

Points = NDArray[np.float64]
Shape = list[Points]

ROUND = 48
"""Corners of a circle."""

GAP = 0.35
"""Between sign and name, in em of the name."""


def draw(rng: np.random.Generator) -> str:
    """A glyph one em wide and high, standing on the baseline, around x = 0."""
    shape = SIGNS[integer(rng, 0, len(SIGNS) - 1)](rng)
    return encoded([points * (EM / 2) - (0, EM / 2) for points in shape])


def alone(sign: str, width: float, angle: float) -> Type:
    """A sign so many pixels wide, upright whatever the angle of a line would be if that is small."""
    return Type.of((sign,), (_stand(0.0, 0.0, width, angle, 1.0),))


def beside(sign: str, face: Typeface, text: str, size: float, angle: float, spacing: float, is_above: bool) -> Type:
    """A sign left of a name, or above it, the name being `size` pixels per em."""
    line = set_line(face, text, spacing)
    length = line.width / EM
    big = 2.2 if is_above else 1.4
    sign_x, sign_y = (0.0, -1.25) if is_above else (-length / 2 - GAP - big / 2, 0.25)
    numbers = {sign: 0}
    places = [_stand(sign_x, sign_y, size, angle, big)]
    for glyph, x in line.letters:
        if glyph:
            number = numbers.setdefault(glyph, len(numbers))
            places.append((number, *_stand(x / EM - length / 2, 0.0, size, angle, 1.0)[1:]))
    return Type.of(numbers, places)


def _stand(x: float, y: float, size: float, angle: float, big: float) -> Place:
    cosine, sine, scale = math.cos(angle), math.sin(angle), size * PIXEL
    along = scale * big
    return (
        *(0, round((x * cosine - y * sine) * scale), round((x * sine + y * cosine) * scale)),
        *(round(along * cosine), round(along * sine)),
    )


def _polygon(corners: int, radius: float, turn: float = 0.0, x: float = 0.0, y: float = 0.0) -> Points:
    angles = turn + np.arange(corners) * (2 * math.pi / corners)
    return np.stack([x + radius * np.sin(angles), y - radius * np.cos(angles)], axis=1)


def _cut(points: Points) -> Points:
    """Winding the other way: cut out of what is below."""
    return points[::-1]


def _ring(rng: np.random.Generator) -> Shape:
    corners = (ROUND, ROUND, 6, 4)[integer(rng, 0, 3)]
    return [_polygon(corners, 1.0), _cut(_polygon(corners, rng.uniform(0.65, 0.85))), _polygon(corners, 0.35)]


def _peaks(_: np.random.Generator) -> Shape:
    mountain = np.array([(-1.0, 0.8), (-0.35, -0.5), (0.0, 0.1), (0.3, -0.3), (1.0, 0.8)])
    return [mountain, _polygon(ROUND, 0.22, 0.0, 0.55, -0.7)]


def _shutter(rng: np.random.Generator) -> Shape:
    """A lens with blades."""
    blades = integer(rng, 5, 8)
    shape = [_polygon(ROUND, 1.0), _cut(_polygon(blades, 0.45))]
    for blade in range(blades):
        turn = 2 * math.pi * blade / blades
        inner, outer = (np.array([math.sin(a), -math.cos(a)]) for a in (turn, turn + 0.9))
        across = np.array([-(outer - inner)[1], (outer - inner)[0]]) * 0.05
        shape.append(
            _cut(np.array([inner * 0.45 - across, outer * 0.93 - across, outer * 0.93 + across, inner * 0.45 + across]))
        )
    return shape


def _camera(_: np.random.Generator) -> Shape:
    body = np.array(
        [(-1.0, -0.5), (-0.4, -0.5), (-0.25, -0.75), (0.25, -0.75), (0.4, -0.5), (1.0, -0.5), (1.0, 0.7), (-1.0, 0.7)]
    )
    return [body, _cut(_polygon(ROUND, 0.42, 0, 0, 0.1)), _polygon(ROUND, 0.26, 0, 0, 0.1)]


def _bars(rng: np.random.Generator) -> Shape:
    heights = rng.uniform(0.4, 1.0, 4)
    lefts = np.linspace(-0.95, 0.55, 4)
    return [
        np.array([(left, 0.9), (left, 0.9 - 1.8 * height), (left + 0.36, 0.9 - 1.8 * height), (left + 0.36, 0.9)])
        for left, height in zip(lefts, heights, strict=True)
    ]


def _star(rng: np.random.Generator) -> Shape:
    tips = integer(rng, 4, 8)
    star = np.empty((2 * tips, 2))
    star[::2], star[1::2] = _polygon(tips, 1.0), _polygon(tips, rng.uniform(0.35, 0.6), math.pi / tips)
    return [_polygon(ROUND, 1.0), _cut(star * 0.8)] if rng.random() < 0.4 else [star]


def _leaves(rng: np.random.Generator) -> Shape:
    """Petals around the middle."""
    petals = integer(rng, 3, 6)
    along = np.linspace(0, math.pi, 12)
    leaf = np.concatenate([
        np.stack([0.24 * np.sin(along), -0.12 - 0.86 * (1 - np.cos(along)) / 2], axis=1),
        np.stack([-0.24 * np.sin(along[::-1]), -0.12 - 0.86 * (1 - np.cos(along[::-1])) / 2], axis=1)[1:-1],
    ])  # fmt: skip
    turns = (2 * math.pi * petal / petals for petal in range(petals))
    return [np.stack([_turned(leaf, turn)[0], _turned(leaf, turn)[1]], axis=1) for turn in turns]


def _turned(points: Points, angle: float) -> tuple[Points, Points]:
    x, y = points.T
    return x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)


SIGNS: tuple[Callable[[np.random.Generator], Shape], ...] = (_bars, _camera, _leaves, _peaks, _ring, _shutter, _star)
