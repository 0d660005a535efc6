"""Hats whose brim is over the forehead and throws its shadow on the face."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.damage import noise
from pipelines.damage.holes import Color
from pipelines.damage.occluders.head import Head, Outline
from pipelines.damage.occluders.parts import (
    Heights,
    Paint,
    Part,
    Spot,
    Surface,
    along,
    grain,
    lit,
    puffed,
    smooth,
    smoothed,
)
from pipelines.damage.occluders.sort import Held, chosen, varied

KINDS = ("felt hat", "straw hat", "cap", "bucket hat")
FELTS: tuple[Color, ...] = ((52, 46, 44), (104, 76, 54), (128, 126, 124), (40, 48, 66), (150, 120, 88))
COTTONS: tuple[Color, ...] = (
    (30, 36, 58),
    (44, 44, 47),
    (158, 32, 40),
    (214, 208, 194),
    (74, 92, 66),
    (60, 98, 150),
    (150, 142, 120),
)
AXIS, HALF_X, HALF_Z = -0.72, 1.17, 1.28
TOP = -2.0
"""How far behind the eyes the middle of a head is, and half its width and depth above the ears; where hair ends."""


def hat(held: Held) -> list[Part]:
    """A crown, a brim or a visor, and the shadow below it."""
    build = {"cap": _cap, "bucket hat": _bucket}.get(held.item, _brimmed)
    return build(held)


def _ring(
    half_x: float, half_z: float, y: object, start: float = 0.0, end: float = 2 * np.pi
) -> tuple[NDArray[np.float64], ...]:
    """x, y, z of a ring around the head, from `start` to `end`: 0 is the picture's right, a quarter turn the front."""
    turn = np.linspace(start, end, 64)
    x, z = half_x * np.cos(turn), AXIS + half_z * np.sin(turn)
    return x, np.broadcast_to(np.asarray(y, np.float64), x.shape), z


def _tilted(ring: tuple[NDArray[np.float64], ...], front: float, sides: float = 0.0) -> tuple[NDArray[np.float64], ...]:
    """A ring lowered in front, and on both sides."""
    x, y, z = ring
    return x, y + front * (z - AXIS) + sides * x * x, z


def _dome(
    head: Head, base: float, top: float, front: float, flat: float, half_x: float = HALF_X, half_z: float = HALF_Z
) -> Outline:
    """The outline of a crown, from its base to its top; flat is 1 for a cylinder, 0 for half a ball."""
    rings = []
    for share in np.sin(np.linspace(0, np.pi / 2, 14)):
        narrow = (1 - share ** (2 + 6 * flat)) ** (0.5 if flat < 0.5 else 0.35)
        narrow = max(narrow, 0.78 if flat > 0.5 else 0.0) if share < 1 else (0.74 if flat > 0.5 else 0.0)
        ring = _ring(half_x * (0.05 + 0.95 * narrow), half_z * (0.05 + 0.95 * narrow), base + (top - base) * share)
        rings.append(head.at(*_tilted(ring, front)))
    points = np.rint(np.concatenate(rings)).astype(np.int32)
    return cv2.convexHull(points)[:, 0].astype(np.float64)


def _face(head: Head) -> Outline:
    """An oval around the face, which a brim's shadow does not leave."""
    turn = np.linspace(0, 2 * np.pi, 40)
    chin = head.y_of(head.chin)
    x, y = 1.08 * np.cos(turn), (chin - 1.1) / 2 + (chin + 1.1) / 2 * np.sin(turn)
    return head.at(x, y, 0.12 - 0.55 * x * x)


def _shade(held: Held, lower: Outline, upper: Outline, depth: float, strength: float) -> Part:
    """The shadow of a brim on the face: below its edge, softer than a contact shadow.

    Args:
        held: on whose face.
        lower: the brim's front edge from one side to the other.
        upper: the edge of the crown, likewise.
        depth: how far it falls, in units.
        strength: 0 to 1.
    """
    head, dark = held.head, np.array(held.skin, np.float32) * np.array((0.26, 0.2, 0.17), np.float32)
    fallen = lower + np.array(head.down, np.float64) * depth
    outline = np.concatenate([fallen, upper[::-1]])
    return Part(((outline,),), lambda _: dark, opacity=strength, soft=head.unit * 0.11, within=_face(head))


def _brimmed(held: Held) -> list[Part]:
    rng, head = held.rng, held.head
    straw = held.item == "straw hat"
    low = _lowest(held)
    wide = float(rng.uniform(1.75, 2.15) if straw else rng.uniform(1.65, 1.9))
    front = _lean(head, float(rng.uniform(0.1, 0.17)))
    droop = float(rng.uniform(0.0, 0.05) if straw else rng.uniform(-0.06, 0.0))
    base = low - front * (wide * 1.02)
    outer = _tilted(_ring(wide, wide * 1.02, base), front, droop)
    outer_points = head.at(*outer)
    inner_front = head.at(*_tilted(_ring(HALF_X, HALF_Z, base, np.pi, 0), front))
    outer_front = head.at(*_tilted(_ring(wide, wide * 1.02, base, np.pi, 0), front, droop))
    top = min(base - float(rng.uniform(1.05, 1.3)), TOP)
    crown = _dome(head, base, top, front, 0.2 if straw else 1.0)
    color = (214, 184, 128) if straw else chosen(rng, FELTS)
    color = varied(rng, color, 10)
    band = varied(rng, chosen(rng, COTTONS), 10)
    brim = Part(
        ((outer_points,),), _brim_surface(held, color, straw, base, front, wide), shadow=0.5, reach=head.unit * 0.1
    )
    ribbon_low = _tilted(_ring(HALF_X * 1.01, HALF_Z * 1.01, base, np.pi, 0), front)
    ribbon_high = _tilted(_ring(HALF_X * 0.985, HALF_Z * 0.985, base - 0.26, np.pi, 0), front)
    low_points, high_points = head.at(*ribbon_low), head.at(*ribbon_high)
    front_side = _seen(head, low_points)
    ribbon = np.concatenate([low_points[front_side], high_points[front_side][::-1]])
    return [
        _shade(held, outer_front, inner_front, float(rng.uniform(0.3, 0.5)), float(rng.uniform(0.4, 0.58))),
        brim,
        Part(
            ((crown,),),
            _crown_surface(held, color, straw, pinched=not straw, top=top),
            shadow=0.4,
            reach=head.unit * 0.06,
        ),
        Part(((ribbon,),), _cloth_surface(held, band, 0.03), shadow=0.2, reach=head.unit * 0.02),
    ]


def _lean(head: Head, lean: float) -> float:
    """How much a brim is lowered in front, so that it is seen from above a little however the head nods."""
    down = np.array(head.down, np.float64)
    nod = float(down @ np.array(head.out, np.float64) / (down @ down))
    return min(max(lean + nod, 0.12), 0.34) - nod


def _lowest(held: Held) -> float:
    """How far down the front edge of a brim comes: over the brows, not to the eyes."""
    return held.head.y_of(held.head.brow) + float(held.rng.uniform(0.0, 0.12))


def _seen(head: Head, points: Outline) -> slice:
    """What of a ring's front half is not behind the silhouette."""
    along_right = points @ np.array(head.right, np.float64)
    return slice(int(np.argmin(along_right)), int(np.argmax(along_right)) + 1)


def _cap(held: Held) -> list[Part]:
    rng, head = held.rng, held.head
    low = _lowest(held)
    base = low - float(rng.uniform(0.5, 0.62))
    front = _lean(head, 0.1)
    crown = _dome(head, base - 0.02, min(base - 1.22, TOP), front, 0.0, HALF_X * 1.02, HALF_Z * 1.02)
    turn = np.linspace(np.pi * 0.97, np.pi * 0.03, 40)
    inner_x, inner_z = HALF_X * np.cos(turn), AXIS + HALF_Z * np.sin(turn)
    inner = head.at(inner_x, base + front * (inner_z - AXIS) - 0.13 * np.sin(turn) ** 2, inner_z)
    reach = float(rng.uniform(0.85, 1.0))
    out = np.sin(turn) ** 1.3
    outer_x, outer_z = 1.08 * HALF_X * np.cos(turn), AXIS + HALF_Z * np.sin(turn) + reach * out
    fall = low - (base + front * HALF_Z) + 0.1 * (1 - np.sin(turn)) * out
    outer = head.at(outer_x, base + front * (inner_z - AXIS) + fall * out, outer_z)
    visor = np.concatenate([inner, outer[::-1]])
    color = varied(rng, chosen(rng, COTTONS), 8)
    second = color if rng.random() < 0.55 else varied(rng, chosen(rng, COTTONS), 8)
    return [
        _shade(held, outer, inner, float(rng.uniform(0.3, 0.45)), float(rng.uniform(0.4, 0.58))),
        Part(((crown,),), _panels(held, color, base), shadow=0.4, reach=head.unit * 0.08),
        Part(((visor,),), _cloth_surface(held, second, 0.16, seams=True), shadow=0.45, reach=head.unit * 0.06),
    ]


def _bucket(held: Held) -> list[Part]:
    rng, head = held.rng, held.head
    low = _lowest(held)
    base = low - 0.42
    front = _lean(head, 0.06)
    outer_ring = _tilted(_ring(1.62, 1.66, low - front * 1.66), front)
    inner_ring = _tilted(_ring(HALF_X, HALF_Z, base - front * HALF_Z), front)
    points = np.rint(np.concatenate([head.at(*outer_ring), head.at(*inner_ring)])).astype(np.int32)
    brim = cv2.convexHull(points)[:, 0].astype(np.float64)
    top = min(base - 1.0, TOP)
    crown = _dome(head, base - front * HALF_Z + 0.02, top, front, 1.0)
    outer_front = head.at(*_tilted(_ring(1.62, 1.66, low - front * 1.66, np.pi, 0), front))
    inner_front = head.at(*_tilted(_ring(HALF_X, HALF_Z, base - front * HALF_Z, np.pi, 0), front))
    color = varied(rng, chosen(rng, COTTONS), 10)
    return [
        _shade(held, outer_front, inner_front, float(rng.uniform(0.25, 0.4)), float(rng.uniform(0.4, 0.55))),
        Part(((brim,),), _cloth_surface(held, color, 0.3, seams=True), shadow=0.5, reach=head.unit * 0.1),
        Part(
            ((crown,),),
            _crown_surface(held, color, False, pinched=False, top=top),
            shadow=0.4,
            reach=head.unit * 0.05,
        ),
    ]


def _cloth_surface(held: Held, color: Color, radius: float, *, seams: bool = False) -> Surface:
    pixel = held.head.unit / noise.PIXEL

    def surface(spot: Spot) -> Paint:
        heights = smoothed(puffed(spot.mask, radius * pixel), radius * pixel * 0.12)
        soft = grain(held.seed, spot.mask, 0.3 * pixel, max(1.0, 0.05 * pixel), 0.5)
        weave = grain(held.seed + 1, spot.mask, 2, 1, 0.8)
        colour = np.array(color, np.float32) * (1 + 0.05 * weave[..., None])
        if seams:
            rows = np.remainder(heights * np.float32(5.0 / max(radius * pixel, 1e-3)), 1)
            visible = np.float32(min(1.0, max(0.0, radius * pixel / 25)))
            colour = colour * (1 - 0.22 * visible * smooth(np.abs(rows - 0.5), 0.12, 0.04)[..., None])
        return lit(heights * np.float32(0.7) + np.float32(0.02 * pixel) * soft, colour, spot.light, dark=0.42)

    return surface


def _frame(head: Head) -> tuple[Outline, float]:
    """Three points of a frame around the axis of a head, and half the width of the head in it, as it is turned."""
    points = head.at(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]), AXIS)
    right = np.array(head.right, np.float64)
    depth = float(right @ np.array(head.out, np.float64) / (right @ right))
    return points, float(np.hypot(HALF_X, HALF_Z * depth))


def _ball(u: Heights, v: Heights, top: float, base: float) -> Heights:
    """Heights of something round that stands on a head."""
    height = np.float32(base - top)
    return np.sqrt(np.maximum(1.5 - u * u - 0.5 * ((v - np.float32(base)) / height) ** 2, 0.03))


def _crown_surface(held: Held, color: Color, straw: bool, *, pinched: bool, top: float) -> Surface:
    head, pixel = held.head, held.head.unit / noise.PIXEL
    frame, half = _frame(head)
    side = float(held.fresh("pinch").uniform(0.3, 0.45))

    def surface(spot: Spot) -> Paint:
        u, v = along(spot, frame[0], frame[1], frame[2])
        u *= np.float32(HALF_X / half)
        heights = _ball(u, v, top, top + 1.2) * np.float32(0.8)
        if pinched:
            # Two dents in front, as fingers leave them, and one along the top.
            for sign in (-1, 1):
                heights -= np.float32(0.16) * np.exp(
                    -(((u - np.float32(sign * side)) / 0.2) ** 2) - ((v - np.float32(top + 0.22)) / 0.3) ** 2
                )
        rough = grain(held.seed, spot.mask, 2, 1, 0.8)
        colour = np.array(color, np.float32) * (1 + (0.05 if not straw else 0.08) * rough[..., None])
        relief: Heights = np.zeros_like(v)
        if straw:
            colour, relief = _plaited(colour, v + 0.12 * u * u, u, pixel)
        return lit((heights + relief) * np.float32(pixel), colour, spot.light, dark=0.4)

    return surface


def _plaited(colour: Paint, rows: Heights, around: Heights, pixel: float) -> tuple[Paint, Heights]:
    """Straw in plaited rows, each overlapping the one below."""
    count = 10.0
    seen = np.float32(min(1.0, max(0.0, (pixel / count - 1.5) / 2.5)))
    row = rows * np.float32(count)
    within = np.remainder(row, 1)
    slant = np.cos(
        (
            around * np.float32(count * 1.6)
            + within * np.float32(0.8) * np.where(np.remainder(np.floor(row), 2) > 0, 1, -1)
        )
        * np.float32(2 * np.pi)
    )
    colour = colour * (1 + seen * (0.1 * slant - 0.22 * smooth(within, 0.75, 1.0))[..., None])
    return colour, seen * np.float32(0.006) * slant


def _brim_surface(held: Held, color: Color, straw: bool, base: float, front: float, wide: float) -> Surface:
    head, pixel = held.head, held.head.unit / noise.PIXEL
    frame, half = _frame(head)
    across = wide / HALF_X * half

    def surface(spot: Spot) -> Paint:
        u, v = along(spot, frame[0], frame[1], frame[2])
        u *= np.float32(wide / across)
        rough = grain(held.seed + 2, spot.mask, 2, 1, 0.8)
        wave = grain(held.seed + 3, spot.mask, 0.7 * pixel, max(1.0, 0.15 * pixel), 0.45)
        colour = np.array(color, np.float32) * (1 + (0.05 if not straw else 0.08) * rough[..., None])
        # The brim's own ellipse: 1 at its edge.
        deep = max(front * wide, 0.08)
        radius = np.sqrt((u / np.float32(wide)) ** 2 + ((v - np.float32(base)) / np.float32(deep)) ** 2)
        if straw:
            colour, _ = _plaited(
                colour, radius * np.float32(wide * 0.6), np.arctan2(u / wide, (v - base) / deep) * 1.2, pixel
            )
        edge = smooth(radius, 0.9, 0.97)[..., None]
        colour = colour * (0.8 + 0.2 * smooth(radius, 0.5, 0.9)[..., None]) * (1 + 0.12 * edge)
        heights = puffed(spot.mask, 0.07 * pixel) * np.float32(0.6) + np.float32(0.05 * pixel) * wave
        return lit(smoothed(heights, 0.02 * pixel), colour, spot.light, dark=0.42)

    return surface


def _panels(held: Held, color: Color, base: float) -> Surface:
    """A cap of panels with seams, a button, and perhaps a badge in front."""
    head, pixel = held.head, held.head.unit / noise.PIXEL
    frame, half = _frame(head)
    right = np.array(head.right, np.float64)
    # Where the middle of the front is seen on a head that is turned.
    front = float(right @ np.array(head.out, np.float64) / (right @ right)) * HALF_Z / half * HALF_X
    rng = held.fresh("badge")
    badge = varied(rng, chosen(rng, COTTONS), 10)
    kind = int(rng.integers(4))

    def surface(spot: Spot) -> Paint:
        u, v = along(spot, frame[0], frame[1], frame[2])
        u *= np.float32(HALF_X / half)
        heights = _ball(u, v, base - 1.2, base) * np.float32(0.9)
        u -= np.float32(front) * np.sqrt(np.maximum(1 - (u / np.float32(HALF_X)) ** 2, 0))
        up = np.clip((np.float32(base) - v) * np.float32(1 / 1.2), 0, 1)
        weave = grain(held.seed + 1, spot.mask, 2, 1, 0.8)
        soft = grain(held.seed, spot.mask, 0.4 * pixel, max(1.0, 0.08 * pixel), 0.5)
        colour = np.array(color, np.float32) * (1 + 0.05 * weave[..., None])
        seam = np.minimum(np.abs(u), np.abs(np.abs(u) - np.float32(0.72) * np.sqrt(np.maximum(1 - up * up, 0))))
        line = smooth(seam, 0.03, 0.012)
        colour *= 1 - 0.3 * line[..., None]
        middle = np.float32(base - 0.52)
        if kind == 0:
            share = smooth(np.maximum(np.abs(u) - 0.08, 0) ** 2 + (v - middle) ** 2, 0.05, 0.04)
        elif kind == 1:
            ring = np.sqrt(u * u + (v - middle) ** 2)
            share = smooth(np.abs(ring - 0.19), 0.06, 0.045)
        elif kind == 2:
            share = np.maximum(
                smooth(np.abs(u) + 0.3 * np.abs(v - middle), 0.09, 0.075) * smooth(np.abs(v - middle), 0.24, 0.22),
                smooth(np.abs(v - middle + 0.15), 0.065, 0.05) * smooth(np.abs(u), 0.22, 0.2),
            )
        else:
            share = np.zeros_like(u)
        colour = colour * (1 - share[..., None]) + share[..., None] * np.array(badge, np.float32) * (
            0.9 + 0.2 * weave[..., None]
        )
        relief = np.float32(0.012) * share - np.float32(0.02) * line + np.float32(0.02) * soft
        return lit((heights + relief) * np.float32(pixel), colour, spot.light, dark=0.4)

    return surface
