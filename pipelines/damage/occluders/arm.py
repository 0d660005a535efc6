"""Where a hand is, and the arm that it belongs to: wrist, sleeve, and what leads to the shoulder."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from pipelines.damage import noise
from pipelines.damage.holes import Color
from pipelines.damage.occluders.capsules import Ball, Capsule, hull
from pipelines.damage.occluders.head import Outline
from pipelines.damage.occluders.parts import Paint, Part, Spot, Surface, grain, lit, puffed, smoothed
from pipelines.damage.occluders.sort import Held, varied

LENGTH = 2.75
"""Of a hand, wrist to tip, in units of a head."""


FOREARM = 1.15
"""From where the sleeve begins to the elbow, in lengths of a hand."""


SHOULDER = 1.65, 3.3, -0.7
"""Of the arm that a hand comes from, in units of a head."""


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


def wrist(frame: Frame, bend: float) -> list[Capsule]:
    """From the heel of the hand to where the sleeve begins and a little further."""
    balls = [frame.ball(0, 0.08, 0.125), frame.ball(0, -0.06, 0.115), frame.ball(*_beyond(bend, 0.5), 0.145)]
    return list(itertools.pairwise(balls))


def _beyond(bend: float, far: float) -> tuple[float, float]:
    """A place behind the wrist, in a forearm that is bent there."""
    return math.sin(bend) * far, -math.cos(bend) * far


def sleeves(held: Held, frame: Frame, bend: float) -> tuple[Part, Part]:
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
    arm = hull([frame.ball(x1, y1, wider * 0.98), Ball(float(shoulder[0]), float(shoulder[1]), 0, 0.3 * pixel)])
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
