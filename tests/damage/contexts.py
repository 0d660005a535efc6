"""A picture that every damage can be drawn on: a real photograph with one face and its mesh."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from pipelines.damage import Context, Face
from pipelines.damage.base import Picture
from tests.photographs import ASTRONAUT, photograph

MIDDLE, SHORTER = (226.0, 150.0), 230.0
"""What is cut out of the astronaut, in its pixels: the head fills half of it."""


def context(height: int, width: int, ratio_range: tuple[float, float] | None = None) -> Context:
    """The astronaut's head in a picture of any size, as a damage sees it."""
    matrix = _matrix(height, width)
    image = _image(height, width)
    return Context(height, width, ratio_range, image, (_face(matrix),), covered=_covered(image))


def _matrix(height: int, width: int) -> np.ndarray:
    scale = min(height, width) / SHORTER
    (x, y) = MIDDLE
    return np.array([[scale, 0, width / 2 - scale * x], [0, scale, height / 2 - scale * y]])


@cache
def _image(height: int, width: int) -> Picture:
    size, flags = (width, height), cv2.INTER_AREA | cv2.WARP_FILL_OUTLIERS
    image = cv2.warpAffine(
        photograph(ASTRONAUT), _matrix(height, width), size, flags=flags, borderMode=cv2.BORDER_REFLECT
    )
    image.flags.writeable = False
    return image  # type: ignore[return-value]


def _covered(image: Picture) -> Picture:
    """The same picture with a disc over it, and a little noise everywhere as lossy files have it."""
    noise = np.random.default_rng(1).integers(0, 3, image.shape, np.uint8)
    covered = cv2.add(image, noise)
    height, width = image.shape[:2]
    return cv2.circle(covered, (width // 2, height * 2 // 3), min(height, width) // 5, (40, 120, 220), cv2.FILLED)  # type: ignore[return-value]


def _face(matrix: np.ndarray) -> Face:
    """The face that the offline engine found there, so that drawing needs no engine."""
    stored = json.loads((Path(__file__).parent / "astronaut_face.json").read_text())
    five, points = (np.array(stored[name]) @ matrix[:, :2].T + matrix[:, 2] for name in ("five", "points"))
    return Face(five, stored["scheme"], points, stored["yaw"], stored["pitch"], stored["score"])
