"""Light and colour: how bright a picture is, how much of it is lost in black or white, whether it has any colour.

All from counts of levels on a small copy, since nobody sees a single pixel's. The trade-off: a picture toned in one
colour, such as sepia, has colour here.
"""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from pipelines.curate.detail import Luma
from pipelines.imaging.colour import Picture

_BLACK, _WHITE = 4, 251
"""Up to, and from, this level nothing can be told any more: JPEG's noise, and video's head room of nearly nothing."""

_ALIKE = 9
"""Levels that pass for one brightness."""

_LEVELS = np.arange(256, dtype=np.float32)
_AROUND = np.ones(_ALIKE, np.float32)

_SIDE = 64
_CHANNEL, _BINS, _RANGE = [0], [256], [0, 256]


def tones(luma: Luma) -> dict[str, float]:
    """Numbers about the brightness of a picture, all from 0 to 1.

    Args:
        luma: of a small copy.

    Returns:
        brightness: the mean.
        crushed, blown: share of pixels that are black, and white.
        contrast: from the level under which 5 % of the pixels are to the one over which 5 % are.
        one_tone: share of the pixels that have the same brightness, give or take 4 levels of 256.
    """
    counts = _level_counts(luma[::3] if len(luma) > _SIDE else luma)
    summed = counts.cumsum()
    total = float(summed[-1])
    low, high = summed.searchsorted((0.05 * total, 0.95 * total)).tolist()
    return {
        "brightness": float(counts @ _LEVELS) / (255 * total),
        "crushed": float(summed[_BLACK]) / total,
        "blown": (total - float(summed[_WHITE - 1])) / total,
        "contrast": (high - low) / 255,
        "one_tone": float(np.convolve(counts, _AROUND, mode="same").max()) / total,
    }


def chroma(picture: Picture) -> float:
    """What 95 % of the pixels do not exceed between their strongest and weakest channel; 0, grey, to 1."""
    height, width = picture.shape[:2]
    scale = min(1.0, _SIDE / min(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    red, green, blue = cv2.split(cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST))
    spread = cv2.subtract(cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue))
    summed = _level_counts(spread).cumsum()
    return int(summed.searchsorted(0.95 * float(summed[-1]))) / 255


def _level_counts(levels: MatLike) -> NDArray[np.float32]:
    """How many there are of each of the 256 levels; up to 16 million, float32 counts exactly."""
    return cast(NDArray[np.float32], cv2.calcHist([levels], _CHANNEL, None, _BINS, _RANGE).ravel())
