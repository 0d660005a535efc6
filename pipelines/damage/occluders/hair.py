"""Strands of hair from the forehead over eyes and cheeks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipelines.damage.holes import Color
from pipelines.damage.occluders.head import Outline
from pipelines.damage.occluders.parts import Paint, Part, Spot, Surface, along, grain
from pipelines.damage.occluders.sort import Held, varied

CUTS = ("lock", "fringe", "wisps", "curtain")
STEPS = 12
THICK = 14
"""Hairs of a lock from which on it hides what is behind it."""

TONES = (0.62, 0.9, 1.25)
"""Of the deeper, the middle and the uppermost hairs."""

Line = tuple[Outline, float, int]

Curve = NDArray[np.float64]
"""(4, 3) points of a cubic Bézier curve in units of a head."""


def hair(held: Held) -> list[Part]:
    """Locks, each of many hairs that run together towards its end."""
    color = varied(held.rng, held.hair, 8)
    layers: list[list[Line]] = [[], [], []]
    bodies = []
    for curve, width, count in _locks(held):
        swing = float(held.rng.normal(0, 0.06))
        if count > THICK:
            bodies.append((_ribbon(held, curve, width * 0.6, swing),))
        for number, lines in enumerate(_hairs(held, curve, swing, width, count)):
            layers[number % 3] += lines
    unit = held.head.unit
    parts = []
    if bodies:
        body = _sheen(held, color, 0.6)
        parts.append(
            Part(tuple(bodies), body, opacity=0.7, shadow=0.45, reach=unit * 0.06, soft=unit * 0.018, own=True)
        )
    for tone, lines in zip(TONES, layers, strict=True):
        shadow = 0.35 if not bodies and tone == TONES[0] else 0.0
        if lines:
            part = Part((), _sheen(held, color, tone), lines=tuple(lines), shadow=shadow, reach=unit * 0.05, own=True)
            parts.append(part)
    return parts


def _locks(held: Held) -> list[tuple[Curve, float, int]]:
    """The course of each lock, its width where it begins, and of how many hairs it is."""
    rng, side = held.rng, held.side
    if held.item == "fringe":
        count = int(rng.integers(8, 13))
        length = float(rng.uniform(0.05, 0.4))
        return [_hanging(rng, x, length, side) for x in np.linspace(-0.95, 0.95, count)]
    if held.item == "curtain":
        return [_swept(rng, side, n / 6, float(rng.uniform(0.16, 0.24)), int(rng.integers(20, 32))) for n in range(7)]
    if held.item == "wisps":
        return [
            _swept(rng, side * int(rng.choice((-1, 1))), float(rng.random()), 0.1, int(rng.integers(3, 9)))
            for _ in range(int(rng.integers(6, 11)))
        ]
    return [
        _swept(rng, side, float(rng.random()), float(rng.uniform(0.1, 0.2)), int(rng.integers(22, 40)))
        for _ in range(int(rng.integers(2, 5)))
    ]


def _hanging(rng: np.random.Generator, x: float, length: float, side: int) -> tuple[Curve, float, int]:
    """Straight down over the brows, towards one side."""
    start = x * 0.75 - side * 0.12
    x = x + float(rng.normal(0, 0.05))
    bow = 1 - 0.35 * abs(x)
    points = np.array(
        [
            [start * 0.8, -1.4, -0.1],
            [start, -1.05, 0.25 * bow],
            [x * 0.95 + side * 0.06, -0.5, 0.36 * bow],
            [x + side * 0.12, length - 0.12 + float(rng.normal(0, 0.07)) + 0.3 * abs(x) ** 2, 0.33 * bow],
        ]
    )
    return points, float(rng.uniform(0.2, 0.3)), int(rng.integers(16, 26))


def _swept(rng: np.random.Generator, side: int, share: float, width: float, count: int) -> tuple[Curve, float, int]:
    """From the parting, over an eye, to the cheek of one side or past the mouth."""
    inner = 1 - share
    jitter = rng.normal(0, 0.05, 6)
    points = np.array(
        [
            [side * (0.05 + 0.5 * share) + jitter[0], -1.35, 0.0],
            [side * (0.15 + 0.62 * share) + jitter[1], -0.75 + jitter[2], 0.38 - 0.25 * share],
            [side * (0.42 + 0.6 * share) + jitter[3], 0.15, 0.36 - 0.35 * share],
            [
                side * (0.28 + 0.78 * share) + 2 * jitter[4],
                1.0 + 0.75 * inner * float(rng.random()) + 2 * jitter[5],
                0.34 - 0.4 * share,
            ],
        ]
    )
    return points, width, count


def _along(curve: Curve, swing: float = 0.0) -> NDArray[np.float64]:
    """Points of a curve, (STEPS, 3), that swings more and more towards its end."""
    t = np.linspace(0, 1, STEPS)[:, None]
    a, b, c, d = curve
    found: NDArray[np.float64] = (1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t * t * (1 - t) * c + t**3 * d
    found[:, 0] += swing * t[:, 0] * np.sin(t[:, 0] * 8)
    return found


def _narrowing() -> NDArray[np.float64]:
    """Width of a lock along its course: hairs come out of the others and run together again."""
    t = np.linspace(0, 1, STEPS)
    found: NDArray[np.float64] = (1 - 0.9 * t**1.7) * (0.35 + 0.65 * np.clip(t / 0.25, 0, 1))
    return found


def _ribbon(held: Held, curve: Curve, width: float, swing: float) -> Outline:
    points, half = _along(curve, swing), _narrowing() * width / 2
    left, right = points.copy(), points.copy()
    left[:, 0] -= half
    right[:, 0] += half
    edge = np.concatenate([left[2:], right[:1:-1]])
    return held.head.at(edge[:, 0], edge[:, 1], edge[:, 2])


def _hairs(held: Held, curve: Curve, swing: float, width: float, count: int) -> list[list[Line]]:
    """The hairs of a lock, each with a small swing of its own and thinner towards both ends."""
    rng = held.rng
    place = (np.arange(count) + 0.5)[:, None] / count - 0.5
    moves, ends = rng.normal(0, 1, (4, count, 1)), rng.integers(0, 4, (2, count)).tolist()
    thicks, levels = (
        (held.head.unit * rng.uniform(0.009, 0.018, count)).tolist(),
        rng.integers(150, 250, count).tolist(),
    )
    t, course = np.linspace(0, 1, STEPS), _along(curve, swing)
    x = course[:, 0] + (place + 0.1 * moves[0]) * width * _narrowing() + 0.05 * moves[1] * t * t
    x = x + 0.014 * np.sin(t * (3 + moves[2]) + moves[3])
    placed = held.head.at(x, course[:, 1], course[:, 2]).reshape(count, STEPS, 2)
    found = []
    for hair, first, last, thick, level in zip(placed, *ends, thicks, levels, strict=True):
        end = STEPS - last
        # Both ends are thinner and fainter.
        lines = [(hair[first + 1 : end - 3], thick, level), (hair[end - 4 : end], thick * 0.45, level * 3 // 4)]
        found.append([*lines, (hair[first : first + 2], thick * 0.45, level // 2)])
    return found


def _sheen(held: Held, color: Color, tone: float) -> Surface:
    """A band of light across the hair, where the head is round."""
    head = held.head
    frame = head.at(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]), 0.2)
    place = float(held.fresh("sheen").uniform(-0.7, -0.2))

    def surface(spot: Spot) -> Paint:
        u, v = along(spot, frame[0], frame[1], frame[2])
        fine = grain(held.seed, spot.mask, 6, 1, 0.7)
        band = np.exp(-(((v - np.float32(place) - 0.25 * u * u) / 0.2) ** 2)) * (0.6 + 0.4 * fine)
        base = np.array(color, np.float32) * np.float32(tone) * (1 + 0.1 * fine[..., None])
        glow = np.array(color, np.float32) * 0.35 + 26
        painted: Paint = base + band[..., None] * glow * np.float32(0.75 * tone)
        return painted

    return surface
