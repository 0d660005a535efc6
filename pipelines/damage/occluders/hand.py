"""A hand before the face, with its arm."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.damage import noise
from pipelines.damage.holes import Color
from pipelines.damage.occluders.arm import LENGTH, Frame, sleeves, wrist
from pipelines.damage.occluders.capsules import Capsule, hull, outlines, raised
from pipelines.damage.occluders.head import Outline
from pipelines.damage.occluders.parts import Paint, Part, Spot, Surface, blurred, lit, smoothed
from pipelines.damage.occluders.skin import creases, fleshy, ground_of, warmer
from pipelines.damage.occluders.sort import Held, varied

FINGERS = (
    # Root x, y; length; radius at the root and at the tip; how far it is spread; in lengths of a hand.
    (-0.165, 0.535, 0.385, 0.050, 0.037, -0.11),
    (-0.055, 0.560, 0.430, 0.051, 0.038, -0.02),
    (0.055, 0.545, 0.400, 0.049, 0.036, 0.07),
    (0.155, 0.500, 0.310, 0.044, 0.033, 0.17),
)


THUMB = ((-0.13, 0.15, 0.075), (-0.255, 0.33, 0.058), (-0.325, 0.455, 0.050), (-0.365, 0.56, 0.038))


PALM = ((-0.165, 0.525, 0.058), (-0.05, 0.55, 0.055), (0.06, 0.53, 0.055), (0.155, 0.49, 0.05))


HEEL = ((0.125, 0.12, 0.065), (0.08, 0.0, 0.06), (-0.08, 0.0, 0.06), (-0.13, 0.15, 0.075))


PHALANGES = (0.45, 0.29, 0.26)


def hand(held: Held) -> list[Part]:
    """A hand laid on the mouth, a cheek or the eyes, coming from one side."""
    rng = held.rng
    frame = _laid(held)
    spread, curl = float(rng.uniform(0.1, 1.5)), rng.uniform(0.84, 1.0, 4)
    fingers = [_finger(frame, number, spread, float(curl[number]), float(rng.normal(0, 0.03))) for number in range(4)]
    thumb_turn = float(rng.uniform(-0.25, 0.15))
    thumb = _thumb(frame, thumb_turn)
    color = varied(rng, warmer(held.skin), 8)
    bend = float(rng.uniform(-0.25, 0.25))
    # The little finger lies deepest, the index finger over it.
    arm = [hull(pair) for pair in wrist(frame, bend)]
    skin = _skin(frame, [*fingers, thumb], [_palm(frame), *arm], color, held.seed)
    shapes = tuple((outline,) for outline in (*outlines([*fingers, thumb]), _palm(frame), *arm))
    upper, fore = sleeves(held, frame, bend)
    return [upper, Part(shapes, skin, shadow=0.5, reach=held.head.unit * 0.1, own=True), fore]


def _laid(held: Held) -> Frame:
    """Where the hand lies, from its place; the wrist hangs outwards and down."""
    rng, head, side = held.rng, held.head, held.side
    if held.place == "eyes":
        target, angle, reach = head.at(side * 0.05, 0.05, 0.2)[0], rng.uniform(-0.05, 0.35), 0.6
    elif held.place == "cheek":
        target, angle, reach = head.at(side * 0.78, 0.95, 0.0)[0], rng.uniform(1.15, 1.45), 0.52
    else:
        target, angle, reach = head.at(side * 0.1, 1.12, 0.2)[0], rng.uniform(0.15, 0.6), 0.58
    size = head.unit * LENGTH * float(rng.uniform(0.92, 1.06))
    # In the head's own axes, made square again: right, down.
    down = np.array(head.down, np.float64) / math.hypot(*head.down)
    right = np.array([down[1], -down[0]])
    angle = float(angle)
    along = (-side * right * math.cos(angle) - down * math.sin(angle)) * size
    wrist = target - along * reach
    return Frame((float(wrist[0]), float(wrist[1])), (float(along[0]), float(along[1])), -side)


def _finger(frame: Frame, number: int, spread: float, curl: float, lean: float) -> list[Capsule]:
    """Three phalanges; a curled finger is seen shorter."""
    x, y, length, root, tip, fan = FINGERS[number]
    angle = fan * spread + lean
    balls = [frame.ball(x, y, root, 0.02)]
    done = 0.0
    for share in PHALANGES:
        x += math.sin(angle) * length * share * curl
        y += math.cos(angle) * length * share * curl
        done += share
        angle -= 0.25 * fan * spread
        balls.append(frame.ball(x, y, root + (tip - root) * done, 0.02 - 0.03 * done))
    return list(itertools.pairwise(balls))


def _thumb(frame: Frame, turn: float) -> list[Capsule]:
    (x, y, _), cos, sin = THUMB[0], math.cos(turn), math.sin(turn)
    balls = [
        frame.ball(x + (px - x) * cos + (py - y) * sin, y - (px - x) * sin + (py - y) * cos, radius, 0.0)
        for px, py, radius in THUMB
    ]
    return list(itertools.pairwise(balls))


def _palm(frame: Frame) -> Outline:
    return hull([frame.ball(*ball) for ball in (*PALM, *HEEL)])


def _skin(frame: Frame, fingers: Sequence[list[Capsule]], backs: Sequence[Outline], color: Color, seed: int) -> Surface:
    """Skin of a hand: knuckles and sinews stand out, gaps are dark, joints are wrinkled, nails shine."""
    pixel = frame.length / noise.PIXEL
    sinews = [_sinew(frame, number) for number in range(4)]

    def surface(spot: Spot) -> Paint:
        ground = ground_of(spot, backs, pixel)
        ground = smoothed(raised(spot, sinews, ground), 0.03 * pixel)
        heights = raised(spot, [capsule for finger in fingers for capsule in finger], ground) * np.float32(0.8)
        colour, rounded = fleshy(spot, heights, color, seed, pixel)
        colour *= creases(spot, fingers, pixel)
        painted = lit(rounded, colour, spot.light, dark=0.5, gloss=0.07, sharp=9)
        return _nailed(spot, painted, fingers, pixel)

    return surface


def _sinew(frame: Frame, number: int) -> Capsule:
    """From a knuckle to the wrist."""
    x, y = FINGERS[number][:2]
    return frame.ball(x, y - 0.01, 0.045, 0.062), frame.ball(0.3 * x, 0.1, 0.02, 0.05)


def _nailed(spot: Spot, painted: Paint, fingers: Sequence[list[Capsule]], pixel: float) -> Paint:
    """Nails near the tips, paler and glossy."""
    corner = np.array([float(spot.x[0, 0]), float(spot.y[0, 0])])
    plate = np.zeros_like(spot.mask)
    shine = np.zeros_like(spot.mask)
    for finger in fingers:
        before, tip = finger[-1]
        way = np.array([tip.x - before.x, tip.y - before.y])
        way /= max(float(np.hypot(*way)), 1e-6)
        middle = np.array([tip.x, tip.y]) + way * tip.radius * 0.15 - corner
        angle = math.degrees(math.atan2(way[1], way[0]))
        _ellipse(plate, middle, (tip.radius * 0.78, tip.radius * 0.58), angle)
        _ellipse(shine, middle - np.array([0.15, 0.2]) * tip.radius, (tip.radius * 0.4, tip.radius * 0.14), angle)
    x, y, width, height = cv2.boundingRect(plate)
    place = slice(y, y + height), slice(x, x + width)
    if width:
        share = blurred(plate[place], pixel * 0.12).astype(np.float32)[..., None] * np.float32(0.5 / 255)
        glow = blurred(shine[place], pixel * 0.16).astype(np.float32)[..., None] * np.float32(50 / 255)
        under = painted[place]
        grey = under @ np.array((0.33, 0.34, 0.33), np.float32)
        painted[place] += share * (grey[..., None] * np.array((1.16, 0.94, 0.95), np.float32) + 14 - under) + glow
    return painted


def _ellipse(mask: NDArray[np.uint8], middle: NDArray[np.float64], axes: tuple[float, float], angle: float) -> None:
    centre = int(middle[0] * 16), int(middle[1] * 16)
    if max(abs(centre[0]), abs(centre[1])) < 2**20:
        cv2.ellipse(mask, centre, (int(axes[0] * 16), int(axes[1] * 16)), angle, 0, 360, 255, -1, cv2.LINE_AA, 4)
