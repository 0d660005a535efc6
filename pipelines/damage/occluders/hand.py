"""A hand before the face, with its wrist and a sleeve; and the fist that holds a cup or a microphone.

Fingers are capsules: two balls of unequal size and what lies between. The outline is theirs; the light falls on the
highest of them at each pixel.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.damage import noise
from pipelines.damage.holes import Color
from pipelines.damage.occluders.head import Outline
from pipelines.damage.occluders.parts import Heights, Paint, Part, Spot, Surface, blurred, grain, lit, puffed, smoothed
from pipelines.damage.occluders.sort import Held, varied

LENGTH = 2.75
"""Of a hand, wrist to tip, in units of a head."""

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
FOREARM = 1.15
"""From where the sleeve begins to the elbow, in lengths of a hand."""

SHOULDER = 1.65, 3.3, -0.7
"""Of the arm that a hand comes from, in units of a head."""

PHALANGES = (0.45, 0.29, 0.26)


class Ball(NamedTuple):
    """A place in pixels and a radius."""

    x: float
    y: float
    z: float
    radius: float


Capsule = tuple[Ball, Ball]


@dataclass(frozen=True)
class Frame:
    """Where a hand is: its wrist, and one length of a hand along the fingers; all in sixteenths of a pixel.

    Attributes:
        wrist: x, y.
        along: towards the tips.
        mirrored: 1 with the thumb to the left of the fingers' direction as seen, -1 to the right of it.
    """

    wrist: tuple[float, float]
    along: tuple[float, float]
    mirrored: int

    @property
    def length(self) -> float:
        return math.hypot(*self.along)

    def at(self, x: object, y: object) -> Outline:
        """Points of the hand: x across, away from the thumb, y along."""
        across = np.asarray(x, np.float64) * self.mirrored
        up = np.asarray(y, np.float64)
        (ax, ay), (wx, wy) = self.along, self.wrist
        return np.stack([wx - across * ay + up * ax, wy + across * ax + up * ay], axis=-1).reshape(-1, 2)

    def ball(self, x: float, y: float, radius: float, z: float = 0.0) -> Ball:
        (ax, ay), (wx, wy), across = self.along, self.wrist, x * self.mirrored
        pixel = self.length / noise.PIXEL
        place = (wx - across * ay + y * ax) / noise.PIXEL, (wy + across * ax + y * ay) / noise.PIXEL
        return Ball(*place, z * pixel, radius * pixel)


def hand(held: Held) -> list[Part]:
    """A hand laid on the mouth, a cheek or the eyes, coming from one side."""
    rng = held.rng
    frame = _laid(held)
    spread, curl = float(rng.uniform(0.1, 1.5)), rng.uniform(0.84, 1.0, 4)
    fingers = [_finger(frame, number, spread, float(curl[number]), float(rng.normal(0, 0.03))) for number in range(4)]
    thumb_turn = float(rng.uniform(-0.25, 0.15))
    thumb = _thumb(frame, thumb_turn)
    color = varied(rng, _warmer(held.skin), 8)
    bend = float(rng.uniform(-0.25, 0.25))
    # The little finger lies deepest, the index finger over it.
    arm = [_hull(pair) for pair in _wrist(frame, bend)]
    skin = _skin(frame, [*fingers, thumb], [_palm(frame), *arm], color, held.seed)
    shapes = tuple((outline,) for outline in (*_outlines([*fingers, thumb]), _palm(frame), *arm))
    upper, fore = _sleeves(held, frame, bend)
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
    return _hull([frame.ball(*ball) for ball in (*PALM, *HEEL)])


def _outlines(fingers: Sequence[Sequence[Capsule]]) -> list[Outline]:
    return [_hull(capsule) for finger in fingers for capsule in finger]


_ANGLES = np.arange(20) * (2 * np.pi / 20)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)


def _hull(balls: Sequence[Ball]) -> Outline:
    """The outline around balls, in sixteenths."""
    points = np.concatenate([np.array([ball.x, ball.y]) + _CIRCLE * ball.radius for ball in balls]) * noise.PIXEL
    hull: Outline = cv2.convexHull(np.rint(points).astype(np.int32))[:, 0].astype(np.float64)
    return hull


def raised(spot: Spot, capsules: Sequence[Capsule], ground: Heights) -> Heights:
    """The highest of balls and what lies between them, over some ground; pixels."""
    heights = ground
    left, top = float(spot.x[0, 0]), float(spot.y[0, 0])
    for one, other in capsules:
        reach = max(one.radius, other.radius)
        x0, x1 = sorted((one.x, other.x))
        y0, y1 = sorted((one.y, other.y))
        rows = slice(max(0, int(y0 - reach - top)), max(0, int(y1 + reach - top) + 2))
        columns = slice(max(0, int(x0 - reach - left)), max(0, int(x1 + reach - left) + 2))
        part = heights[rows, columns]
        if part.size:
            np.maximum(part, _capsule(spot.x[:, columns], spot.y[rows], one, other), out=part)
    return heights


def _capsule(x: Heights, y: Heights, one: Ball, other: Ball) -> Heights:
    along_x, along_y = other.x - one.x, other.y - one.y
    length = max(along_x * along_x + along_y * along_y, 1e-6)
    from_x, from_y = x - np.float32(one.x), y - np.float32(one.y)
    share = np.clip(from_x * np.float32(along_x / length) + from_y * np.float32(along_y / length), 0, 1)
    off_x, off_y = from_x - share * np.float32(along_x), from_y - share * np.float32(along_y)
    radius = np.float32(one.radius) + share * np.float32(other.radius - one.radius)
    inner = radius * radius - off_x * off_x - off_y * off_y
    height = np.sqrt(np.maximum(inner, 0)) + np.float32(one.z) + share * np.float32(other.z - one.z)
    return np.where(inner > 0, height, np.float32(-1e4))


def _skin(frame: Frame, fingers: Sequence[list[Capsule]], backs: Sequence[Outline], color: Color, seed: int) -> Surface:
    """Skin of a hand: knuckles and sinews stand out, gaps are dark, joints are wrinkled, nails shine."""
    pixel = frame.length / noise.PIXEL
    sinews = [_sinew(frame, number) for number in range(4)]

    def surface(spot: Spot) -> Paint:
        ground = _ground(spot, backs, pixel)
        ground = smoothed(raised(spot, sinews, ground), 0.03 * pixel)
        heights = raised(spot, [capsule for finger in fingers for capsule in finger], ground) * np.float32(0.8)
        colour, rounded = fleshy(spot, heights, color, seed, pixel)
        colour *= _marks(spot, fingers, pixel)
        painted = lit(rounded, colour, spot.light, dark=0.5, gloss=0.07, sharp=9)
        return _nailed(spot, painted, fingers, pixel)

    return surface


def _sinew(frame: Frame, number: int) -> Capsule:
    """From a knuckle to the wrist."""
    x, y = FINGERS[number][:2]
    return frame.ball(x, y - 0.01, 0.045, 0.062), frame.ball(0.3 * x, 0.1, 0.02, 0.05)


def _ground(spot: Spot, outlines: Sequence[Outline], pixel: float) -> Heights:
    """The back of the hand and the wrist, below the fingers."""
    mask = np.zeros_like(spot.mask)
    corner = np.array([float(spot.x[0, 0]) - 0.5, float(spot.y[0, 0]) - 0.5]) * noise.PIXEL
    for outline in outlines:
        cv2.fillPoly(mask, [np.rint(outline - corner).astype(np.int32)], 255, cv2.LINE_8, noise.SHIFT)
    ground = puffed(mask, max(2.0, 0.13 * pixel)) * np.float32(0.72) - np.float32(0.015 * pixel)
    return smoothed(ground, 0.02 * pixel)


def _warmer(skin: Color) -> Color:
    """A hand is a little darker and redder than a face."""
    red, green, blue = skin
    return round(red * 0.97), round(green * 0.91), round(blue * 0.87)


def fleshy(spot: Spot, heights: Heights, color: Color, seed: int, pixel: float) -> tuple[Paint, Heights]:
    """Colour of skin over heights, and the heights rounded: ambient light does not reach into gaps, where it is redder.

    Args:
        pixel: a hand's length in pixels.
    """
    rounded = smoothed(heights, 0.009 * pixel)
    wide = smoothed(heights, 0.026 * pixel)
    hidden = np.clip((wide - rounded) * np.float32(11 / pixel), 0, 0.45)[..., None]
    fine = grain(seed, spot.mask, 0.2 * pixel, 1, 0.55)
    colour = np.array(color, np.float32) * (1 - hidden * np.array((0.75, 0.98, 1.02), np.float32))
    colour *= 1 + np.array((0.025, 0.05, 0.05), np.float32) * fine[..., None]
    return colour, rounded + np.float32(0.0016 * pixel) * fine


def _marks(spot: Spot, fingers: Sequence[list[Capsule]], pixel: float) -> Paint:
    """Creases over the joints, each a few short lines across the finger."""
    marks: NDArray[np.uint8] = np.zeros_like(spot.mask)
    corner = np.array([float(spot.x[0, 0]), float(spot.y[0, 0])])
    for finger in fingers:
        for _, joint in finger[:-1]:
            one = np.array([finger[0][0].x, finger[0][0].y])
            way = np.array([joint.x, joint.y]) - one
            way /= max(float(np.hypot(*way)), 1e-6)
            across = np.array([-way[1], way[0]]) * joint.radius * 0.62
            for step in (-0.34, 0.0, 0.34):
                middle = np.array([joint.x, joint.y]) + way * step * joint.radius - corner
                short = 1 - abs(step)
                ends = [
                    middle + across * share * short + way * abs(share) * joint.radius * 0.12 for share in (-1, 0, 1)
                ]
                line = np.rint(np.array(ends) * 16).astype(np.int32)
                level = min(255, int(60 + 2 * pixel))
                cv2.polylines(marks, [line], False, level, max(1, round(0.006 * pixel)), cv2.LINE_AA, 4)
    soft = smoothed(marks.astype(np.float32), 0.005 * pixel)
    marked: Paint = 1 - soft[..., None] * np.array((0.0007, 0.0011, 0.0011), np.float32)
    return marked


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


def _wrist(frame: Frame, bend: float) -> list[Capsule]:
    """From the heel of the hand to where the sleeve begins and a little further."""
    balls = [frame.ball(0, 0.08, 0.125), frame.ball(0, -0.06, 0.115), frame.ball(*_beyond(bend, 0.5), 0.145)]
    return list(itertools.pairwise(balls))


def _beyond(bend: float, far: float) -> tuple[float, float]:
    """A place behind the wrist, in a forearm that is bent there."""
    return math.sin(bend) * far, -math.cos(bend) * far


def _sleeves(held: Held, frame: Frame, bend: float) -> tuple[Part, Part]:
    """The upper arm, from the shoulder to the elbow, and the forearm, which lies over it."""
    rng = held.fresh("sleeve")
    color = varied(rng, held.cloth, 6)
    start = float(rng.uniform(0.16, 0.34))
    far = start + FOREARM
    (x0, y0), (x1, y1) = _beyond(bend, start), _beyond(bend, far)
    side_x, side_y = math.cos(bend), math.sin(bend)
    wide, wider = float(rng.uniform(0.165, 0.19)), float(rng.uniform(0.22, 0.27))
    t = np.linspace(0, 1, 12)
    ragged = rng.normal(0, 0.006, (2, 12))
    half = wide + (wider - wide) * t
    x, y = x0 + (x1 - x0) * t, y0 + (y1 - y0) * t
    left = x - side_x * (half + ragged[0]), y - side_y * (half + ragged[0])
    right = x + side_x * (half + ragged[1]), y + side_y * (half + ragged[1])
    # The cuff is bent around the wrist, the elbow is round.
    cuff = np.linspace(1, -1, 9)
    cuff_x = x0 + side_x * wide * cuff - (x1 - x0) / FOREARM * 0.045 * (1 - cuff**2)
    cuff_y = y0 + side_y * wide * cuff - (y1 - y0) / FOREARM * 0.045 * (1 - cuff**2)
    turn = np.linspace(-1, 1, 9)
    elbow_x = x1 + side_x * wider * turn + (x1 - x0) / FOREARM * 0.2 * np.sqrt(1 - turn**2)
    elbow_y = y1 + side_y * wider * turn + (y1 - y0) / FOREARM * 0.2 * np.sqrt(1 - turn**2)
    outline = np.concatenate(
        [
            frame.at(left[0], left[1]),
            frame.at(elbow_x, elbow_y),
            frame.at(right[0][::-1], right[1][::-1]),
            frame.at(cuff_x, cuff_y),
        ]
    )
    surface = cloth(color, held.seed + 9, frame.length / noise.PIXEL * 0.24)
    reach = frame.length * 0.035
    (shoulder,) = held.head.at(held.side * SHOULDER[0], *SHOULDER[1:]) / noise.PIXEL
    pixel = frame.length / noise.PIXEL
    arm = _hull([frame.ball(x1, y1, wider * 0.98), Ball(float(shoulder[0]), float(shoulder[1]), 0, 0.3 * pixel)])
    upper = Part(((arm,),), surface, shadow=0.3, reach=reach, own=True)
    return upper, Part(((outline,),), surface, shadow=0.5, reach=reach, own=True)


def cloth(color: Color, seed: int, radius: float) -> Surface:
    """Cloth around something round, in folds."""

    def surface(spot: Spot) -> Paint:
        heights = smoothed(puffed(spot.mask, radius), radius * 0.1)
        folds = grain(seed, spot.mask, radius * 0.9, max(1, radius * 0.1), 0.45)
        weave = grain(seed + 1, spot.mask, 2, 1, 0.8)
        colour = np.array(color, np.float32) * (1 + 0.05 * weave[..., None])
        return lit(heights * np.float32(0.8) + np.float32(radius * 0.3) * folds, colour, spot.light, dark=0.38)

    return surface


def fist(
    held: Held, middle: Outline, axis: Outline, half: float, *, around: float = 1.0
) -> tuple[list[Part], list[Part]]:
    """Fingers around an upright thing, in front of it, and the hand and arm behind it.

    Args:
        held: whose skin it has, and from which side it comes.
        middle: (2,) of the grip, in sixteenths.
        axis: (2,) of length one, up along what is held.
        half: half the width of what is held, in sixteenths.
        around: how far the fingers reach, of the width.
    """
    rng, side, unit = held.fresh("fist"), held.side, held.head.unit
    color = varied(rng, _warmer(held.skin), 8)
    size = unit * LENGTH
    across = np.array([-axis[1], axis[0]]) * side
    # The hand comes from this side; its fingers end a little beyond the middle on the other one.
    thick = 0.05 * size
    capsules = []
    for number in range(4):
        place = middle + axis * (1.5 - number) * 1.8 * thick
        reach = half * (2 * around - 1) - 0.12 * thick * abs(number - 1)
        root = place + across * (half + 0.35 * thick)
        tip = place - across * reach * (1 if around == 1 else float(rng.uniform(0.94, 1.06))) + axis * thick * 0.1
        bent = (root + tip) / 2 + axis * thick * float(rng.normal(0.06, 0.06))
        z = 0.6 * half
        balls = [
            _flat_ball(point, thick * share, depth)
            for point, share, depth in ((root, 1.02, z), (bent, 0.96, z + 0.3 * thick), (tip, 0.86, z * 0.5))
        ]
        capsules += [(balls[0], balls[1]), (balls[1], balls[2])]
    frame_along = -across * 0.55 + axis * 0.84
    wrist = middle + across * (half + 3.4 * thick) - axis * 4.6 * thick
    frame = Frame(
        (float(wrist[0]), float(wrist[1])), (float(frame_along[0] * size), float(frame_along[1] * size)), -side
    )
    back = [
        _flat_ball(middle + across * (half + 1.1 * thick) + axis * 2.0 * thick, 1.3 * thick, 0),
        _flat_ball(middle + across * (half + 1.1 * thick) - axis * 2.4 * thick, 1.3 * thick, 0),
        _flat_ball(wrist, 1.9 * thick, 0),
    ]
    bend = float(rng.uniform(-0.2, 0.2))
    backs = [_hull(back), *(_hull(pair) for pair in _wrist(frame, bend))]
    pixel = size / noise.PIXEL

    def behind(spot: Spot) -> Paint:
        colour, rounded = fleshy(spot, _ground(spot, backs, pixel), color, held.seed + 3, pixel)
        return lit(rounded, colour, spot.light, dark=0.48, gloss=0.06, sharp=9)

    def front(spot: Spot) -> Paint:
        heights = raised(spot, capsules, np.full(spot.mask.shape, -0.02 * pixel, np.float32)) * np.float32(0.75)
        colour, rounded = fleshy(spot, heights, color, held.seed + 4, pixel)
        colour *= _marks(spot, [capsules[number * 2 : number * 2 + 2] for number in range(4)], pixel)
        return lit(rounded, colour, spot.light, dark=0.48, gloss=0.07, sharp=9)

    rear = Part(tuple((outline,) for outline in backs), behind, shadow=0.4, reach=unit * 0.08, own=True)
    fingers = Part(
        tuple((outline,) for outline in _outlines([capsules])), front, shadow=0.45, reach=unit * 0.04, own=True
    )
    upper, fore = _sleeves(held, frame, bend)
    return [upper, rear, fore], [fingers]


def _flat_ball(point: NDArray[np.float64], radius: float, z: float) -> Ball:
    return Ball(float(point[0]) / noise.PIXEL, float(point[1]) / noise.PIXEL, z / noise.PIXEL, radius / noise.PIXEL)
