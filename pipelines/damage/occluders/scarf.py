"""Scarves over chin and mouth, wound around the neck."""

from __future__ import annotations

import numpy as np

from pipelines.damage import noise
from pipelines.damage.holes import Color
from pipelines.damage.occluders.head import Head, Outline
from pipelines.damage.occluders.parts import Heights, Paint, Part, Spot, Surface, along, grain, lit, smooth
from pipelines.damage.occluders.sort import Held, chosen, varied

WEAVES = ("knit", "plaid", "stripes", "plain", "bandana")
WOOLS: tuple[Color, ...] = (
    (166, 36, 44),
    (38, 52, 88),
    (112, 116, 122),
    (206, 190, 160),
    (44, 84, 70),
    (150, 96, 56),
    (96, 60, 110),
    (226, 222, 214),
    (40, 40, 44),
    (196, 150, 60),
)
STEPS = 61


def scarf(held: Held) -> list[Part]:
    """Two or three turns, the upper ones over the lower; a bandana is one piece that ends in a tip."""
    rng, head = held.rng, held.head
    chin = head.y_of(head.chin)
    top = float(rng.uniform(0.62, 0.86))
    colors = varied(rng, chosen(rng, WOOLS), 12), varied(rng, chosen(rng, WOOLS), 12)
    if held.item == "bandana":
        return [_bandana(held, top, chin, colors)]
    turns = int(rng.integers(2, 4))
    bottom = chin + float(rng.uniform(0.55, 0.85))
    edges = np.linspace(top, bottom, turns + 1)
    parts = []
    for number in range(turns - 1, -1, -1):
        lean, sag = float(rng.normal(0, 0.07)), float(rng.uniform(0.02, 0.16))
        wide = 1.16 + 0.13 * number / turns + float(rng.uniform(0, 0.06))
        overlap = 0.16
        upper = _edge(held, head, edges[number], wide, lean, sag, number * 2)
        lower = _edge(held, head, edges[number + 1] + overlap, wide + 0.04, lean * 0.6, sag + 0.05, number * 2 + 1)
        outline = np.concatenate([upper, lower[::-1]])
        surface = _woven(held, colors, edges[number], edges[number + 1] + overlap, sag, number)
        parts.append(Part(((outline,),), surface, shadow=0.55, reach=head.unit * 0.09, soft=head.unit * 0.01))
    return parts


def _edge(held: Held, head: Head, y: float, wide: float, lean: float, sag: float, number: int) -> Outline:
    """Around the front of the head, as far as it is seen."""
    turn = np.linspace(-1.75, 1.75, STEPS)
    waves = held.fresh(f"edge {number}").uniform(-1, 1, 6)
    wave = sum(0.014 * waves[n] * np.sin((n + 2) * turn + 3 * waves[5 - n]) for n in range(6))
    x = wide * np.sin(turn)
    z = -0.66 + (wide * 0.86) * np.cos(turn)
    down = y + sag * np.cos(turn) - 0.22 * (1 - np.cos(turn)) * (1 if number < 2 else 0.3) + lean * np.sin(turn) + wave
    points = head.at(x, down, z)
    return points[_seen(head, points)]


def _seen(head: Head, points: Outline) -> slice:
    """From the left of the silhouette to its right: where a band turns back it is behind."""
    along_right = points @ np.array(head.right, np.float64)
    return slice(int(np.argmin(along_right)), int(np.argmax(along_right)) + 1)


def _woven(held: Held, colors: tuple[Color, Color], top: float, bottom: float, sag: float, number: int) -> Surface:
    head, pixel = held.head, held.head.unit / noise.PIXEL
    rng = held.fresh("weave")
    folds = held.fresh(f"folds {number}").uniform(-1, 1, 8)
    scale = float(rng.uniform(0.8, 1.3))
    frame = head.at(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]), 0.2)

    def surface(spot: Spot) -> Paint:
        u, v = along(spot, frame[0], frame[1], frame[2])
        bend = np.sqrt(np.maximum(1.35 - u * u, 0.0)) - np.float32(1.16)
        across = v - np.float32(sag) * bend - np.float32(top)
        share = across * np.float32(1 / (bottom - top))
        drift = grain(held.seed + number, spot.mask, pixel * 0.5, max(1.0, pixel * 0.1), 0.5)
        waves = np.zeros_like(v)
        for n in range(4):
            steps = np.float32(4.5 + 3.2 * n)
            waves += np.float32(0.05 / (1 + 0.7 * n)) * np.sin(share * steps + np.float32(5 * folds[n]) + np.float32(1.8 * folds[n + 4]) * u + drift * np.float32(1.6))
        round_off = np.sqrt(np.maximum(1 - (2 * np.clip(share, 0, 1) - 1) ** 2, 0.0)) * np.float32(0.16)
        body = np.sqrt(np.maximum(1.5 - u * u, 0.02)) * np.float32(0.5)
        colour, stitches = _threads(held.item, u / np.maximum(np.sqrt(np.maximum(1.6 - u * u, 0.1)), 0.3), across, colors, scale, pixel)
        heights = (waves + round_off + body + stitches + np.float32(0.015) * drift) * np.float32(pixel)
        fuzz = grain(held.seed + 40, spot.mask, 3, 1, 0.8)
        return lit(heights, colour * (1 + 0.07 * fuzz[..., None]), spot.light, dark=0.4)

    return surface


def _threads(
    item: str, u: Heights, v: Heights, colors: tuple[Color, Color], scale: float, pixel: float
) -> tuple[Paint, Heights]:
    """Colours of a weave, and how its threads stand out, in units."""
    one, two = (np.array(color, np.float32) for color in colors)
    flat = np.zeros_like(u)
    if item == "knit":
        # Columns of V-shaped stitches; where they are too fine to be seen they are not drawn.
        width = 0.085 * scale
        seen = np.float32(min(1.0, max(0.0, (width * pixel - 2.5) / 4)))
        column = u * np.float32(1 / width)
        slant = np.abs(column - np.rint(column))
        stitch = np.cos((v * np.float32(1 / (width * 0.8)) - slant * np.float32(1.3)) * np.float32(2 * np.pi))
        rib = np.cos(column * np.float32(2 * np.pi))
        relief = seen * (np.float32(0.012) * stitch - np.float32(0.014) * rib)
        return one * (1 + 0.12 * seen * (stitch - rib * 0.7)[..., None]), relief
    if item == "plaid":
        a, b = _bands(u * np.float32(2.2 * scale)), _bands(v * np.float32(2.2 * scale) + 0.3)
        share = ((a + b) / 2)[..., None]
        thin = np.maximum(_line(u * np.float32(2.2 * scale) + 0.5), _line(v * np.float32(2.2 * scale) + 0.8))[..., None]
        colour = one * (1 - share) + two * share
        return colour * (1 - 0.55 * thin) + 0.55 * thin * np.array((232, 226, 210), np.float32), flat
    if item == "stripes":
        share = smooth(np.abs(np.remainder(v * np.float32(3.4 * scale), 1) - 0.5), 0.22, 0.27)[..., None]
        return one * (1 - share) + two * share, flat
    return np.broadcast_to(one, (*u.shape, 3)).copy(), flat


def _bands(place: Heights) -> Heights:
    return smooth(np.abs(np.remainder(place, 1) - 0.5), 0.27, 0.23)


def _line(place: Heights) -> Heights:
    return smooth(np.abs(np.remainder(place, 1) - 0.5), 0.035, 0.02)


def _bandana(held: Held, top: float, chin: float, colors: tuple[Color, Color]) -> Part:
    """A folded cloth over nose and mouth, hanging to a tip on the breast."""
    head = held.head
    rng = held.fresh("bandana")
    lean = float(rng.normal(0, 0.04))
    upper = _edge(held, head, top - 0.06, 1.12, lean, -0.04, 0)
    tip = head.at(float(rng.normal(0, 0.08)), chin + float(rng.uniform(0.5, 0.8)), 0.2)
    sides = np.linspace(0, 1, 9)[1:-1, None]
    bow_left, bow_right = head.at(-0.62, chin - 0.05, 0.1), head.at(0.62, chin - 0.05, 0.1)
    left, right = upper[:1], upper[-1:]
    down = (1 - sides) ** 2 * right + 2 * sides * (1 - sides) * bow_right + sides**2 * tip
    back = (1 - sides) ** 2 * tip + 2 * sides * (1 - sides) * bow_left + sides**2 * left
    outline = np.concatenate([upper, down, tip, back])
    return Part(((outline,),), _printed(held, colors[0], top), shadow=0.5, reach=head.unit * 0.08)


def _printed(held: Held, color: Color, top: float) -> Surface:
    """Paisley-like dots on one colour, over nose and chin, in folds that run to the tip."""
    head, pixel = held.head, held.head.unit / noise.PIXEL
    frame = head.at(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]), 0.2)
    folds = held.fresh("folds").uniform(-1, 1, 4)

    def surface(spot: Spot) -> Paint:
        u, v = along(spot, frame[0], frame[1], frame[2])
        drift = grain(held.seed, spot.mask, pixel * 0.6, max(1.0, pixel * 0.15), 0.5)
        a, b = (u + v) * 3.4, (u - v) * 3.4
        near_a, near_b = a - np.rint(a), b - np.rint(b)
        distance = near_a * near_a + near_b * near_b
        ring = smooth(np.abs(distance - np.float32(0.075)), 0.035, 0.02)
        dot = smooth(distance, 0.014, 0.008)
        far = np.abs(np.abs(near_a) - 0.5) + np.abs(np.abs(near_b) - 0.5)
        share = np.maximum(np.maximum(ring, dot), smooth(far, 0.14, 0.1))[..., None] * np.float32(0.85)
        colour = np.array(color, np.float32) * (1 - share) + share * np.array((234, 230, 222), np.float32)
        nose = np.float32(0.16) * np.exp(-((u / 0.24) ** 2) - ((v - np.float32(top)) / 0.3) ** 2)
        chin = np.float32(0.1) * np.exp(-((u / 0.42) ** 2) - ((v - 1.6) / 0.35) ** 2)
        turn = u / np.maximum(np.float32(2.5) - v * np.float32(0.75), np.float32(0.4))
        waves = np.zeros_like(u)
        for n in range(3):
            waves += np.float32(0.045) * smooth(v, 0.9, 2.0) * np.sin(turn * np.float32(9 + 5 * n) + np.float32(6 * folds[n]) + drift)
        body = np.sqrt(np.maximum(1.5 - u * u, 0.02)) * np.float32(0.55)
        heights = (nose + chin + waves + body + np.float32(0.03) * drift) * np.float32(pixel)
        weave = grain(held.seed + 2, spot.mask, 2, 1, 0.8)
        return lit(heights, colour * (1 + 0.05 * weave[..., None]), spot.light, dark=0.42)

    return surface

