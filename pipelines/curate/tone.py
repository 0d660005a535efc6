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

_SIDE = 64


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
    shares = _level_shares(luma)
    summed = np.cumsum(shares)
    low, high = np.searchsorted(summed, (0.05, 0.95))
    around = np.convolve(shares, np.ones(_ALIKE), mode="same")
    return {
        "brightness": float(shares @ np.arange(256)) / 255,
        "crushed": float(summed[_BLACK]),
        "blown": float(shares[_WHITE:].sum()),
        "contrast": float(high - low) / 255,
        "one_tone": float(around.max()),
    }


def chroma(picture: Picture) -> float:
    """What 95 % of the pixels do not exceed between their strongest and weakest channel; 0, grey, to 1."""
    scale = min(1.0, _SIDE / min(picture.shape[:2]))
    red, green, blue = cv2.split(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST))
    spread = cv2.subtract(cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue))
    return float(np.searchsorted(np.cumsum(_level_shares(spread)), 0.95)) / 255


def _level_shares(levels: MatLike) -> NDArray[np.float64]:
    """Share of each of the 256 levels."""
    counts = cv2.calcHist([levels], [0], None, [256], [0, 256]).ravel().astype(np.float64)
    return cast(NDArray[np.float64], counts / counts.sum())
