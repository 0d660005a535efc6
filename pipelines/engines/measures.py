"""Numbers about a face that need no model: sharpness, how much of it is in the picture, whether its eyes are."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.engines.base import Points
from pipelines.imaging.colour import Picture

SHARPNESS_SIDE = 112
"""Pixels across a face when its sharpness is measured: what recognition networks take."""

CLOSED = 0.125
"""Opening of an eye by its width below which it counts as closed (`benchmarks/faces.py --draw` shows them all)."""

HIDDEN_YAW = 60.0
"""Degrees beyond which the farther eye lies behind the nose."""

Box = tuple[float, float, float, float]
Pose = tuple[float, float, float]


def sharpness(picture: Picture, box: Box) -> float:
    """Strength of fine detail inside a face, as a share of its contrast.

    Standard deviation of the Laplacian by that of the grey values, after the face is brought to 112 pixels across: so
    neither size, brightness nor contrast count. About 0.2 to 0.5 for photographs in focus, below 0.1 when blurred by
    a fortieth of the face's width. A face of fewer than 112 pixels is enlarged and counts as blurred, which at that
    size it is. Noise counts as detail.

    Source: Pech-Pacheco et al., ICPR 2000 (variance of the Laplacian); bringing to one size and dividing by the
    contrast are ours.
    """
    grey = _grey(_cut(picture, box))
    if min(grey.shape) < 2:
        return 0.0
    ratio = SHARPNESS_SIDE / min(grey.shape)
    interpolation = cv2.INTER_AREA if ratio < 1 else cv2.INTER_CUBIC
    size = (max(1, round(grey.shape[1] * ratio)), max(1, round(grey.shape[0] * ratio)))
    face = cv2.resize(grey, size, interpolation=interpolation).astype(np.float32)
    contrast = float(face.std())
    return float(cv2.Laplacian(face, cv2.CV_32F).std()) / contrast if contrast >= 1 else 0.0


def brightness(picture: Picture, box: Box) -> float:
    """Mean grey value inside a face's box, as far as it is in the picture, 0 to 1."""
    grey = _grey(_cut(picture, box))
    return float(grey.mean()) / 255 if grey.size else 0.0


def _cut(picture: Picture, box: Box) -> Picture:
    """The part of a box that is in the picture; narrow boxes (a face cut to a strip) stay narrow."""
    height, width = picture.shape[:2]
    left, top = max(0, round(box[0])), max(0, round(box[1]))
    right, bottom = min(width, round(box[0] + box[2])), min(height, round(box[1] + box[3]))
    return picture[top : max(top, bottom), left : max(left, right)]


def _grey(pixels: Picture) -> Picture:
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) if pixels.size else pixels[..., 0]  # type: ignore[return-value]


def inside(box: Box, points: Points | None, width: int, height: int) -> float:
    """Share of the points, or of the box where there are none, that lies within the picture."""
    if points is not None:
        return float(np.mean(within(points, width, height)))
    across = max(0.0, min(box[0] + box[2], width) - max(box[0], 0))
    down = max(0.0, min(box[1] + box[3], height) - max(box[1], 0))
    return across * down / (box[2] * box[3])


def within(points: Points, width: int, height: int) -> NDArray[np.bool_]:
    """Of each point whether it lies in the picture."""
    found: NDArray[np.bool_] = np.all((points >= 0) & (points <= (width, height)), axis=1)
    return found


def eyes_visible(five: Points, pose: Pose, opened: tuple[float, float] | None, width: int, height: int) -> bool:
    """Whether both eyes are in the picture, not turned away, and not known to be closed."""
    in_picture = bool(within(five[:2], width, height).all())
    return in_picture and abs(pose[0]) <= HIDDEN_YAW and (opened is None or min(opened) >= CLOSED)
