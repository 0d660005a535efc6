"""Prints on cloth: stripes, checks, dots, flowers, camouflage, waves, each from a seed and two or three colours."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.damage import noise
from pipelines.damage.base import Picture
from pipelines.damage.holes import Color
from pipelines.damage.relief import flat

Print = Callable[[np.random.Generator, int, int, tuple[Color, ...]], Picture]
"""Draws a print of a height and width in pixels, in three colours, the first of them the ground."""


def stripes(rng: np.random.Generator, height: int, width: int, colours: tuple[Color, ...]) -> Picture:
    angle = rng.choice([0.0, math.pi / 2, math.pi / 4, -math.pi / 4])
    place = _along(height, width, angle) / (height * rng.uniform(0.1, 0.22))
    share = place - np.floor(place)
    numbers = np.where(share < rng.uniform(0.35, 0.6), 0, 1) + (share > rng.uniform(0.9, 1.0))
    return _of(colours, numbers)


def checks(rng: np.random.Generator, height: int, width: int, colours: tuple[Color, ...]) -> Picture:
    """Gingham: where stripes of both ways cross, the colour is full."""
    step = height * rng.uniform(0.07, 0.16)
    angle = rng.choice([0.0, math.pi / 4])
    one, other = (np.floor(_along(height, width, angle + turn) / step).astype(int) & 1 for turn in (0, math.pi / 2))
    half = tuple((a + b) // 2 for a, b in zip(colours[0], colours[1], strict=True))
    return _of((colours[0], half, colours[1]), one + other)  # type: ignore[arg-type]


def dots(rng: np.random.Generator, height: int, width: int, colours: tuple[Color, ...]) -> Picture:
    picture, step = flat(colours[0], height, width), height * rng.uniform(0.1, 0.2)
    radius = round(step * rng.uniform(0.16, 0.34) * noise.PIXEL)
    for row in range(round(height / step) + 2):
        for column in range(round(width / step) + 2):
            middle = (round((column + row % 2 / 2) * step * noise.PIXEL), round(row * 0.87 * step * noise.PIXEL))
            cv2.circle(picture, middle, radius, colours[1], cv2.FILLED, cv2.LINE_AA, noise.SHIFT)
    return picture


def flowers(rng: np.random.Generator, height: int, width: int, colours: tuple[Color, ...]) -> Picture:
    picture, size = flat(colours[0], height, width), height * rng.uniform(0.035, 0.075)
    places = _apart(rng, height, width, 3.4 * size)
    for x, y in places:
        turn, radius = rng.uniform(0, 2 * math.pi), size * rng.uniform(0.7, 1.2)
        for petal in range(5):
            angle = turn + 2 * math.pi * petal / 5
            _disc(picture, x + radius * math.cos(angle), y + radius * math.sin(angle), 0.75 * radius, colours[1])
        _disc(picture, x, y, 0.55 * radius, colours[2])
    return picture


def camouflage(rng: np.random.Generator, height: int, width: int, colours: tuple[Color, ...]) -> Picture:
    numbers = np.zeros((height, width), int)
    for number in (1, 2):
        field = noise.fractal(rng, height, width, height / 3, 2, 0.5)
        numbers[field > noise.threshold(field, 0.36)] = number
    return _of(colours, numbers)


def waves(rng: np.random.Generator, height: int, width: int, colours: tuple[Color, ...]) -> Picture:
    x = np.arange(width)[None, :] / height
    step, bend = rng.uniform(0.12, 0.2), rng.uniform(0.02, 0.05)
    place = (np.arange(height)[:, None] / height + bend * np.sin(2 * math.pi * x / rng.uniform(0.2, 0.4))) / step
    share = place - np.floor(place)
    return _of(colours, np.where(share < 0.5, 0, 1) + (share > 0.85))


PRINTS: dict[str, Print] = {
    "camouflage": camouflage,
    "checks": checks,
    "dots": dots,
    "flowers": flowers,
    "stripes": stripes,
    "waves": waves,
}

WOODLAND: tuple[Color, Color, Color] = ((96, 104, 72), (58, 64, 44), (150, 140, 104))

PALETTES: tuple[tuple[Color, Color, Color], ...] = (
    ((238, 236, 230), (196, 48, 52), (240, 196, 70)),
    ((34, 46, 92), (236, 236, 232), (214, 84, 84)),
    ((248, 214, 220), (255, 255, 255), (226, 108, 136)),
    ((28, 28, 30), (226, 226, 226), (180, 40, 48)),
    ((226, 232, 240), (70, 124, 180), (38, 70, 120)),
    ((246, 232, 196), (86, 140, 104), (220, 110, 70)),
    ((120, 170, 190), (246, 246, 240), (244, 206, 110)),
)


def _of(colours: tuple[Color, ...], numbers: NDArray[np.int_]) -> Picture:
    return np.array(colours, np.uint8)[np.clip(numbers, 0, len(colours) - 1)]


def _along(height: int, width: int, angle: float) -> NDArray[np.float64]:
    x, y = np.arange(width)[None, :] - width / 2, np.arange(height)[:, None] - height / 2
    along: NDArray[np.float64] = x * math.cos(angle) + y * math.sin(angle)
    return along


def _apart(rng: np.random.Generator, height: int, width: int, step: float) -> list[tuple[float, float]]:
    """Places about a step apart, unevenly."""
    rows, columns = round(height / step) + 2, round(width / step) + 2
    moves = rng.uniform(-0.3, 0.3, (rows, columns, 2))
    return [
        ((column + row % 2 / 2 + moves[row, column, 0]) * step, (row + moves[row, column, 1]) * step)
        for row in range(rows)
        for column in range(columns)
    ]


def _disc(picture: Picture, x: float, y: float, radius: float, colour: Color) -> None:
    middle = round(x * noise.PIXEL), round(y * noise.PIXEL)
    cv2.circle(picture, middle, max(1, round(radius * noise.PIXEL)), colour, cv2.FILLED, cv2.LINE_AA, noise.SHIFT)
