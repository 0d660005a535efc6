"""Cups at the mouth: mugs, paper cups, glasses of tea and bowls, held by a hand."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pipelines.damage import noise
from pipelines.damage.holes import Color
from pipelines.damage.occluders.fist import fist
from pipelines.damage.occluders.head import Outline
from pipelines.damage.occluders.parts import (
    Heights,
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
    smoothed,
)
from pipelines.damage.occluders.sort import Held, chosen, varied

BODIES: dict[str, tuple[float, float, float, float]] = {
    # Half the width above and below, height, roundness below; in units of a head.
    "mug": (0.62, 0.60, 1.3, 0.10),
    "paper cup": (0.66, 0.46, 1.7, 0.04),
    "tumbler": (0.55, 0.47, 1.5, 0.06),
    "bowl": (0.85, 0.42, 0.85, 0.45),
}

GLAZES: tuple[Color, ...] = (
    (238, 236, 230),
    (36, 52, 92),
    (158, 34, 36),
    (44, 46, 48),
    (92, 140, 128),
    (214, 168, 66),
    (196, 206, 214),
    (110, 74, 52),
)
PAPERS: tuple[Color, ...] = ((240, 238, 232), (178, 138, 96), (64, 104, 76), (190, 50, 44), (52, 44, 40))


def cup(held: Held) -> list[Part]:
    """A cup whose rim is at the lips, tilted a little towards the face."""
    rng, head, side = held.rng, held.head, held.side
    top, bottom, height, belly = BODIES[held.item]
    size = float(rng.uniform(0.92, 1.1))
    tilt = float(rng.uniform(-0.16, 0.16)) - 0.05 * side
    down = np.array(head.down, np.float64) / math.hypot(*head.down)
    right = np.array([down[1], -down[0]])
    axis = -(down * math.cos(tilt) + right * math.sin(tilt))
    aside = np.array([-axis[1], axis[0]])
    rim = head.at(0, float(rng.uniform(0.92, 1.02)), 0.55)[0]
    unit = head.unit * size
    bend = float(rng.uniform(0.13, 0.2))

    def at(x: object, y: object) -> Outline:
        """X across, y down from the rim's middle, in units."""
        across, below = np.asarray(x, np.float64) * unit, np.asarray(y, np.float64) * unit
        points: Outline = rim + across[..., None] * aside - below[..., None] * axis
        return points

    body = at(*_body(top, bottom, height, belly, bend))
    origin, to_right, to_down = at(0.0, 0.0), at(1.0, 0.0), at(0.0, 1.0)
    paper = held.item == "paper cup"
    surface = _surface(held, (origin, to_right, to_down), (top, bottom, height))
    parts = [Part(((body,),), surface, shadow=0.5, reach=head.unit * 0.1)]
    angle = np.linspace(0, 2 * np.pi, 48)
    lip = at(top * 1.02 * np.cos(angle), top * bend * np.sin(angle))
    if paper:
        parts += _lid(at, top, bend, head.unit)
    else:
        inside = at(top * 0.94 * np.cos(angle), top * bend * 0.86 * np.sin(angle) + 0.008)
        parts += [
            Part(((lip,),), _rim(held), shadow=0.0),
            Part(((inside,),), _inside((origin, to_right, to_down), top)),
        ]
    if held.item == "mug":
        parts = [_handle(held, at, top, bottom, height, -side), *parts]
    share = 0.55
    half = (top + (bottom - top) * share) * unit
    rear, fingers = fist(held, at(0.0, height * share + bend * 0.3), axis, half, around=float(rng.uniform(0.3, 0.75)))
    return [*rear, *parts, *fingers]


def _body(
    top: float, bottom: float, height: float, belly: float, bend: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The outline from the rim's left over the bottom to its right and back along the rim's far side."""
    t = np.linspace(0, 1, 24)
    # Straight sides that round in towards the bottom.
    round_in = np.sqrt(np.clip(1 - np.clip((t - (1 - belly)) / belly, 0, 1) ** 2 * 0.6, 0, 1))
    half = (top + (bottom - top) * t) * (round_in if belly < 0.3 else np.sqrt(1 - (1 - (bottom / top) ** 2) * t**2.2))
    y = t * height
    low = np.linspace(1, -1, 15)
    base_x, base_y = half[-1] * low, height + half[-1] * bend * 1.15 * np.sqrt(1 - low**2)
    rim = np.linspace(-1, 1, 15)
    rim_x, rim_y = top * rim, -top * bend * np.sqrt(1 - rim**2)
    return np.concatenate([half, base_x, -half[::-1], rim_x]), np.concatenate([y, base_y, y[::-1], rim_y])


def _surface(held: Held, frame: tuple[Outline, Outline, Outline], body: tuple[float, float, float]) -> Surface:
    """A glazed, printed or paper wall, lit as what it is: a cylinder."""
    rng = held.fresh("wall")
    paper, glass = held.item == "paper cup", held.item == "tumbler"
    color = varied(rng, chosen(rng, PAPERS if paper else GLAZES), 10)
    second = varied(rng, chosen(rng, PAPERS if paper else GLAZES), 10)
    pattern = int(rng.integers(5))
    phase = float(rng.uniform(-0.5, 0.5))
    top, bottom, height = body

    def surface(spot: Spot) -> Paint:
        u, v = along(spot, *frame)
        half = np.float32(top) + np.float32(bottom - top) * np.clip(v / np.float32(height), 0, 1)
        turn = np.clip(u / half, -0.985, 0.985)
        around = np.arcsin(turn) * half
        share = _pattern(pattern, around, v, height, phase, paper)[..., None]
        fine = grain(held.seed, spot.mask, held.head.unit / noise.PIXEL * 0.4, 2, 0.5)[..., None]
        colour = (1 - share) * np.array(color, np.float32) + share * np.array(second, np.float32)
        colour = colour * (1 + np.float32(0.02 if not paper else 0.035) * fine)
        slope = -turn / np.sqrt(1 - turn * turn)
        slope_x, slope_y = (np.ravel(frame[1]) - np.ravel(frame[0])) / max(
            1.0, float(np.hypot(*(np.ravel(frame[1]) - np.ravel(frame[0]))))
        )
        gloss, sharp = (0.05, 8) if paper else (0.55, 26)
        painted = reflected(
            slope * np.float32(slope_x),
            slope * np.float32(slope_y),
            colour,
            spot.light,
            dark=0.42,
            gloss=gloss,
            sharp=sharp,
        )
        # Light that the rim and the hand keep off.
        painted *= (0.8 + 0.2 * smooth(v, -0.05, 0.35))[..., None]
        if not paper:
            window = (
                smooth(np.abs(turn + np.float32(0.55)), 0.1, 0.05)
                * smooth(v, 0.1, 0.2)
                * smooth(v, height * 0.8, height * 0.6)
            )
            painted += (window * np.float32(60 if not glass else 90))[..., None]
        return painted

    return surface


def _pattern(kind: int, around: Heights, v: Heights, height: float, phase: float, paper: bool) -> Heights:
    """How much of the second colour shows: plain, bands, dots, stripes, or a sleeve and a badge."""
    if paper:
        sleeve = smooth(v, height * 0.30, height * 0.32) * smooth(v, height * 0.80, height * 0.78)
        badge = smooth((around - phase * 0.4) ** 2 + (v - height * 0.55) ** 2, 0.045, 0.04)
        return sleeve - 0.7 * badge * sleeve
    if kind == 0:
        return smooth(v, height * 0.16, height * 0.18) * smooth(v, height * 0.3, height * 0.28)
    if kind == 1:
        a, b = (around + phase) * 5, v * 5
        dots = (a - np.rint(a)) ** 2 + (b - np.rint(b)) ** 2
        return smooth(dots, 0.07, 0.05)
    if kind == 2:
        return smooth(np.abs(np.remainder((around + phase) * 3, 1) - 0.5), 0.27, 0.23)
    if kind == 3:
        # Dipped into another glaze, which runs.
        run = 0.06 * np.sin(around * 7 + phase * 9) + 0.03 * np.sin(around * 17 - phase * 5)
        return smooth(v + run, height * 0.42, height * 0.38)
    return np.zeros_like(v)


def _rim(held: Held) -> Surface:
    rng = held.fresh("wall")
    color = varied(rng, chosen(rng, GLAZES), 10)

    def surface(spot: Spot) -> Paint:
        return lit(puffed(spot.mask, 3), np.array(color, np.float32) * 0.6 + 88, spot.light, dark=0.6, gloss=0.3)

    return surface


def _inside(frame: tuple[Outline, Outline, Outline], top: float) -> Surface:
    """The far wall, lighter than the drink in its shade."""

    def surface(spot: Spot) -> Paint:
        _, v = along(spot, *frame)
        share = smooth(v, -0.1 * top, 0.06 * top)[..., None]
        return (1 - share) * np.array((150, 144, 136), np.float32) + share * np.array((58, 42, 32), np.float32)

    return surface


def _lid(at: Place, top: float, bend: float, unit: float) -> list[Part]:
    """A plastic lid: a wall of its own, its upper side, and a raised rim."""
    angle = np.linspace(0, np.pi, 25)
    wide, low, high = top * 1.06, 0.07, -0.12
    cos, sin = np.cos(angle), np.sin(angle)
    ring = at(
        np.concatenate([wide * cos, (wide * 0.92 * cos)[::-1]]),
        np.concatenate([low + wide * bend * sin, (high + wide * 0.92 * bend * sin)[::-1]]),
    )
    full = np.linspace(0, 2 * np.pi, 48)
    upper = at(wide * 0.92 * np.cos(full), high + wide * 0.92 * bend * np.sin(full))
    dip = at(wide * 0.8 * np.cos(full), high + 0.02 + wide * 0.8 * bend * np.sin(full))

    def white(spot: Spot) -> Paint:
        heights = smoothed(puffed(spot.mask, 0.07 * unit / noise.PIXEL), 0.02 * unit / noise.PIXEL)
        return lit(heights, (236, 235, 232), spot.light, dark=0.55, gloss=0.25, sharp=12)

    return [
        Part(((ring,), (upper,)), white, shadow=0.35, reach=unit * 0.04),
        Part(((dip,),), lambda spot: np.full((*spot.mask.shape, 3), 205, np.float32)),
    ]


def _handle(held: Held, at: Place, top: float, bottom: float, height: float, side: int) -> Part:
    """The ear of a mug."""
    angle = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 24)
    middle = (top + bottom) / 2
    y = height * 0.5 + np.sin(angle) * height * 0.33
    outer = side * (middle - 0.06 + np.cos(angle) * 0.46)
    inner = side * (middle - 0.06 + np.cos(angle) * 0.30)
    inner_y = height * 0.5 + np.sin(angle) * height * 0.2
    outline = at(np.concatenate([outer, inner[::-1]]), np.concatenate([y, inner_y[::-1]]))
    rng = held.fresh("wall")
    color = varied(rng, chosen(rng, GLAZES), 10)
    radius = 0.08 * held.head.unit / noise.PIXEL

    def surface(spot: Spot) -> Paint:
        return lit(puffed(spot.mask, radius), color, spot.light, dark=0.42, gloss=0.5, sharp=26)

    return Part(((outline,),), surface, shadow=0.35, reach=held.head.unit * 0.06)
