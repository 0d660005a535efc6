"""Microphones before the mouth, held from below."""

from __future__ import annotations

import math

import numpy as np

from pipelines.damage import noise
from pipelines.damage.holes import Color
from pipelines.damage.occluders.fist import fist
from pipelines.damage.occluders.head import Outline
from pipelines.damage.occluders.parts import (
    Paint,
    Part,
    Place,
    Spot,
    Surface,
    along,
    grain,
    lit,
    puffed,
    reflected,
    smooth,
)
from pipelines.damage.occluders.sort import Held, chosen, varied

HEADS = ("grille", "foam", "reporter")
GRILLES: tuple[Color, ...] = ((172, 174, 178), (74, 76, 80), (196, 172, 112))
FOAMS: tuple[Color, ...] = ((28, 28, 30), (34, 40, 60), (150, 30, 34), (38, 92, 60), (204, 120, 32), (60, 110, 180))
HANDLES: tuple[Color, ...] = ((30, 30, 33), (60, 61, 66), (128, 130, 136), (38, 44, 70))


def microphone(held: Held) -> list[Part]:
    """A ball of wire or foam on a tapered handle."""
    rng, head, side = held.rng, held.head, held.side
    tilt = side * float(rng.uniform(0.05, 0.55))
    down = np.array(head.down, np.float64) / math.hypot(*head.down)
    right = np.array([down[1], -down[0]])
    axis = -(down * math.cos(tilt) - right * math.sin(tilt))
    aside = np.array([-axis[1], axis[0]])
    ball = head.at(side * float(rng.uniform(0.0, 0.16)), float(rng.uniform(1.2, 1.42)), 0.5)[0]
    foam = held.item != "grille"
    radius = float(rng.uniform(0.44, 0.52) if foam else rng.uniform(0.38, 0.44))
    unit = head.unit

    def at(x: object, y: object) -> Outline:
        """X across, y down the handle from the middle of the ball, in units."""
        across, below = np.asarray(x, np.float64) * unit, np.asarray(y, np.float64) * unit
        points: Outline = ball + across[..., None] * aside - below[..., None] * axis
        return points

    frame = at(0.0, 0.0), at(1.0, 0.0), at(0.0, 1.0)
    angle = np.linspace(0, 2 * np.pi, 56)
    stretch = float(rng.uniform(1.0, 1.16))
    head_outline = at(radius * np.cos(angle), radius * stretch * np.sin(angle))
    top, bottom, end = radius * 0.66, radius * 0.46, 3.3
    neck = radius * stretch * 0.7
    handle = at(np.array([-top, top, bottom, -bottom]), np.array([neck, neck, end, end]))
    collar_x = np.linspace(-1, 1, 9)
    bulge = 0.09 * np.sqrt(1 - collar_x**2)
    collar = at(
        np.concatenate([radius * 0.86 * collar_x, (radius * 0.86 * collar_x)[::-1]]),
        np.concatenate([neck - 0.06 + bulge, (neck + 0.07 + bulge)[::-1]]),
    )
    round_handle = _round(held, frame, (top, bottom, neck, end))
    parts = [Part(((handle,),), round_handle, shadow=0.45, reach=unit * 0.1)]
    if held.item == "reporter":
        parts.append(_flag(held, at, frame, radius, neck))
    elif not foam:
        parts.append(Part(((collar,),), _ring(held, frame, radius * 0.86), shadow=0.3, reach=unit * 0.03))
    shape = _foam(held, frame, radius, stretch) if foam else _grille(held, frame, radius, stretch)
    ball_part = Part(((head_outline,),), shape, shadow=0.5, reach=unit * 0.11, soft=unit * 0.012 if foam else 0.0)
    grip = neck + 1.25
    half = (top + (bottom - top) * (grip - neck) / (end - neck)) * unit
    rear, fingers = fist(held, at(0.0, grip), axis, half)
    middle = [ball_part, *parts[1:]] if held.item == "grille" else [*parts[1:], ball_part]
    return [*rear, parts[0], *middle, *fingers]


def _round(held: Held, frame: tuple[Outline, Outline, Outline], shape: tuple[float, float, float, float]) -> Surface:
    rng = held.fresh("handle")
    color = varied(rng, chosen(rng, HANDLES), 6)
    top, bottom, start, end = shape

    def surface(spot: Spot) -> Paint:
        u, v = along(spot, *frame)
        half = np.float32(top) + np.float32((bottom - top) / (end - start)) * (v - np.float32(start))
        turn = np.clip(u / np.maximum(half, 1e-3), -0.98, 0.98)
        slope = -turn / np.sqrt(1 - turn * turn)
        x, y = _unit(frame)
        colour = np.array(color, np.float32) * (1 + 0.06 * grain(held.seed, spot.mask, 2, 1)[..., None])
        return reflected(slope * x, slope * y, colour, spot.light, dark=0.5, gloss=0.35, sharp=16)

    return surface


def _unit(frame: tuple[Outline, Outline, Outline]) -> tuple[np.float32, np.float32]:
    x, y = np.ravel(frame[1]) - np.ravel(frame[0])
    length = math.hypot(x, y)
    return np.float32(x / length), np.float32(y / length)


def _ring(held: Held, frame: tuple[Outline, Outline, Outline], half: float) -> Surface:
    rng = held.fresh("ring")
    color = chosen(rng, GRILLES)

    def surface(spot: Spot) -> Paint:
        u, _ = along(spot, *frame)
        turn = np.clip(u / np.float32(half), -0.98, 0.98)
        slope = -turn / np.sqrt(1 - turn * turn)
        x, y = _unit(frame)
        return reflected(slope * x, slope * y, color, spot.light, dark=0.4, gloss=0.8, sharp=10)

    return surface


def _grille(held: Held, frame: tuple[Outline, Outline, Outline], radius: float, stretch: float) -> Surface:
    """Woven wire over a dark foam, with a band around the middle."""
    rng = held.fresh("grille")
    color = varied(rng, chosen(rng, GRILLES), 8)
    count = float(rng.uniform(11, 15))
    band = bool(rng.random() < 0.8)

    def surface(spot: Spot) -> Paint:
        u, v = along(spot, *frame)
        x, y = u * np.float32(1 / radius), v * np.float32(1 / (radius * stretch))
        z = np.sqrt(np.maximum(1 - x * x - y * y, 0.02))
        # Meridians and circles of a ball whose pole looks up, turned by an eighth.
        around, above = np.arctan2(x, z), np.arcsin(np.clip(y, -1, 1))
        pixels = held.head.unit / noise.PIXEL * radius / count
        contrast = np.float32(min(1.0, max(0.0, (pixels - 1.0) / 2.0)))
        one = np.cos((around + above) * np.float32(count * 2))
        two = np.cos((around - above) * np.float32(count * 2))
        wire = np.maximum(one, two)
        share = (0.56 + contrast * 0.5 * (wire - np.float32(0.4)))[..., None]
        if band:
            solid = smooth(np.abs(above - np.float32(0.1)), 0.15, 0.12)[..., None]
            share = share * (1 - solid) + solid
        colour = np.array((20, 20, 22), np.float32) * (1 - share) + np.array(color, np.float32) * share
        right, down = _unit(frame)
        slope_u, slope_v = -x / z, -y / z
        # The handle's direction is `right` turned by a quarter.
        across, along_ = slope_u * right - slope_v * down, slope_u * down + slope_v * right
        return reflected(across, along_, colour, spot.light, dark=0.34, gloss=0.45, sharp=12)

    return surface


def _foam(held: Held, frame: tuple[Outline, Outline, Outline], radius: float, stretch: float) -> Surface:
    rng = held.fresh("foam")
    color = varied(rng, chosen(rng, FOAMS), 8)

    def surface(spot: Spot) -> Paint:
        u, v = along(spot, *frame)
        x, y = u * np.float32(1 / radius), v * np.float32(1 / (radius * stretch))
        z = np.sqrt(np.maximum(1 - x * x - y * y, 0.03))
        holes = grain(held.seed, spot.mask, 1.4, 1, 0.8)
        colour = np.array(color, np.float32) * (1 + 0.22 * holes[..., None]) + 6
        right, down = _unit(frame)
        slope_u, slope_v = -x / z, -y / z
        across, along_ = slope_u * right - slope_v * down, slope_u * down + slope_v * right
        return reflected(across, along_, colour, spot.light, dark=0.4, gloss=0.06, sharp=4)

    return surface


def _flag(held: Held, at: Place, frame: tuple[Outline, Outline, Outline], radius: float, neck: float) -> Part:
    """The box with a station's colours below the ball."""
    rng = held.fresh("flag")
    color, second = varied(rng, chosen(rng, FOAMS), 10), (238, 238, 236)
    half, top, bottom = radius * 0.95, neck + 0.02, neck + 0.75
    outline = at(np.array([-half, half, half, -half]), np.array([top, top, bottom, bottom]))
    middle = (top + bottom) / 2
    kind = int(rng.integers(3))

    def surface(spot: Spot) -> Paint:
        u, v = along(spot, *frame)
        if kind == 0:
            share = smooth(np.abs(v - np.float32(middle)), 0.17, 0.15)
        elif kind == 1:
            share = smooth(u * u + (v - np.float32(middle)) ** 2, 0.055, 0.045)
        else:
            share = smooth(np.abs(u - (v - np.float32(middle)) * 0.6), 0.14, 0.12)
        colour = (1 - share[..., None]) * np.array(color, np.float32) + share[..., None] * np.array(second, np.float32)
        # Its two visible faces meet at an edge.
        edge = smooth(u, half * 0.42, half * 0.46)[..., None]
        return lit(puffed(spot.mask, 2), colour * (1 - 0.3 * edge), spot.light, dark=0.5, gloss=0.15)

    return Part(((outline,),), surface, shadow=0.35, reach=held.head.unit * 0.06)
