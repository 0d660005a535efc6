"""Errors of pixels: mean absolute, mean squared, and PSNR."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trainers.metrics.windows import Picture

CEILING = 100.0
"""Decibels of equal pictures, which are infinitely alike; evaluation counts how many reach it."""


def mae(image: Picture, inpainted: Picture, mask: NDArray[np.uint8] | None = None) -> float:
    """Mean absolute error of 8-bit pictures, on a scale where white is 1; 100 times it is what papers call L1 in
    percent.

    Args:
        image, inpainted: (H, W, 3) uint8 RGB.
        mask: (H, W), 0 where known; with it only missing pixels count, and the error is NaN where none is.
    """
    return _mean(np.abs(_difference(image, inpainted, mask))) / 255


def mse(image: Picture, inpainted: Picture, mask: NDArray[np.uint8] | None = None) -> float:
    """Mean squared error, on a scale where white is 1; 65025 times it is that of 8-bit levels. Arguments as `mae`."""
    return _mean(_difference(image, inpainted, mask) ** 2) / 255**2


def psnr(image: Picture, inpainted: Picture, mask: NDArray[np.uint8] | None = None) -> float:
    """Peak signal-to-noise ratio in dB of one picture, at most `CEILING`. Arguments as `mae`.

    The figure of a set is the mean over its pictures, as papers have it, and not that of their mean error.
    """
    error = mse(image, inpainted, mask)
    return CEILING if error == 0 else min(CEILING, -10 * math.log10(error)) if error > 0 else error


def _difference(image: Picture, inpainted: Picture, mask: NDArray[np.uint8] | None) -> NDArray[np.int32]:
    if image.shape != inpainted.shape:
        raise ValueError(f"pictures must be of one size, found {image.shape} and {inpainted.shape}")
    difference = image.astype(np.int32) - inpainted
    return difference if mask is None else difference[mask > 0]


def _mean(values: NDArray[np.int32]) -> float:
    return float(values.mean()) if values.size else math.nan
