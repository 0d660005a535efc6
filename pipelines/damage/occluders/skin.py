"""Skin of hands: how it is lit, and the creases over joints."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.damage import noise
from pipelines.damage.holes import Color
from pipelines.damage.occluders.capsules import Capsule
from pipelines.damage.occluders.head import Outline
from pipelines.damage.occluders.parts import Heights, Paint, Spot, grain, puffed, smoothed


def warmer(skin: Color) -> Color:
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


def ground_of(spot: Spot, outlines: Sequence[Outline], pixel: float) -> Heights:
    """The back of the hand and the wrist, below the fingers."""
    mask = np.zeros_like(spot.mask)
    corner = np.array([float(spot.x[0, 0]) - 0.5, float(spot.y[0, 0]) - 0.5]) * noise.PIXEL
    for outline in outlines:
        cv2.fillPoly(mask, [np.rint(outline - corner).astype(np.int32)], 255, cv2.LINE_8, noise.SHIFT)
    ground = puffed(mask, max(2.0, 0.13 * pixel)) * np.float32(0.72) - np.float32(0.015 * pixel)
    return smoothed(ground, 0.02 * pixel)


def creases(spot: Spot, fingers: Sequence[list[Capsule]], pixel: float) -> Paint:
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
