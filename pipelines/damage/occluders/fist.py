"""A fist that holds a cup or a microphone: fingers before it, the hand and its arm behind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipelines.damage import noise
from pipelines.damage.occluders.arm import LENGTH, Frame, sleeves, wrist
from pipelines.damage.occluders.capsules import Ball, hull, outlines, raised
from pipelines.damage.occluders.head import Outline
from pipelines.damage.occluders.parts import Paint, Part, Spot, lit
from pipelines.damage.occluders.skin import creases, fleshy, ground_of, warmer
from pipelines.damage.occluders.sort import Held, varied


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
    color = varied(rng, warmer(held.skin), 8)
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
    heel = middle + across * (half + 3.4 * thick) - axis * 4.6 * thick
    frame = Frame((float(heel[0]), float(heel[1])), (float(frame_along[0] * size), float(frame_along[1] * size)), -side)
    back = [
        _flat_ball(middle + across * (half + 1.1 * thick) + axis * 2.0 * thick, 1.3 * thick, 0),
        _flat_ball(middle + across * (half + 1.1 * thick) - axis * 2.4 * thick, 1.3 * thick, 0),
        _flat_ball(heel, 1.9 * thick, 0),
    ]
    bend = float(rng.uniform(-0.2, 0.2))
    backs = [hull(back), *(hull(pair) for pair in wrist(frame, bend))]
    pixel = size / noise.PIXEL

    def behind(spot: Spot) -> Paint:
        colour, rounded = fleshy(spot, ground_of(spot, backs, pixel), color, held.seed + 3, pixel)
        return lit(rounded, colour, spot.light, dark=0.48, gloss=0.06, sharp=9)

    def front(spot: Spot) -> Paint:
        heights = raised(spot, capsules, np.full(spot.mask.shape, -0.02 * pixel, np.float32)) * np.float32(0.75)
        colour, rounded = fleshy(spot, heights, color, held.seed + 4, pixel)
        colour *= creases(spot, [capsules[number * 2 : number * 2 + 2] for number in range(4)], pixel)
        return lit(rounded, colour, spot.light, dark=0.48, gloss=0.07, sharp=9)

    rear = Part(tuple((outline,) for outline in backs), behind, shadow=0.4, reach=unit * 0.08, own=True)
    fingers = Part(
        tuple((outline,) for outline in outlines([capsules])), front, shadow=0.45, reach=unit * 0.04, own=True
    )
    upper, fore = sleeves(held, frame, bend)
    return [upper, rear, fore], [fingers]


def _flat_ball(point: NDArray[np.float64], radius: float, z: float) -> Ball:
    return Ball(float(point[0]) / noise.PIXEL, float(point[1]) / noise.PIXEL, z / noise.PIXEL, radius / noise.PIXEL)
