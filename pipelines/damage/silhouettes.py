"""Silhouettes that ship, so that object shapes work without a user's pool: drawn by code, from a few curves each."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 256


def _ellipse() -> NDArray[np.uint8]:
    shape = np.zeros((SIDE, SIDE), np.uint8)
    cv2.ellipse(shape, (128, 128), (100, 70), 0, 0, 360, 255, cv2.FILLED)
    return shape


SILHOUETTES = {"ellipse": _ellipse}
