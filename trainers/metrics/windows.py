"""Windows over two pictures: the moments that SSIM and UQI are made of.

Both need of every window only mx my, mx^2 + my^2, cov and vx + vy. Those follow from the sum and the difference of the
pictures, so four filters do where five are usual, over all channels at once. Pixels are shifted by 128 before squaring,
which changes no variance and keeps float32 exact to about 1e-6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""(H, W, 3) RGB."""

Floats = NDArray[Any]

SHIFT = 128


@dataclass(frozen=True)
class Moments:
    """Of every window, each (h, w, 3).

    Attributes:
        product: of the two means.
        squares: sum of the squares of the two means.
        covariance: population covariance.
        variances: sum of the two population variances, not below 0.
    """

    product: Floats
    squares: Floats
    covariance: Floats
    variances: Floats


def gaussian(image: Picture, other: Picture, size: int = 11, sigma: float = 1.5, padded: bool = False) -> Moments:
    """Windows weighted by a Gaussian of `size` pixels.

    Args:
        padded: pictures are reflected at their edges and there is a window for every pixel, as torchmetrics has it;
            else only windows wholly inside count.
    """
    kernel = cv2.getGaussianKernel(size, sigma, cv2.CV_32F)

    def mean(values: Floats) -> Floats:
        found = cv2.sepFilter2D(values, -1, kernel, kernel, borderType=cv2.BORDER_REFLECT_101)
        return found if padded else valid(found, size // 2, size - 1 - size // 2)

    return _moments(image, other, mean)


def uniform(image: Picture, other: Picture, size: int) -> Moments:
    """Windows of size x size pixels that lie wholly inside, all pixels alike."""

    def mean(values: Floats) -> Floats:
        # The anchor is a window's first pixel.
        found = cv2.boxFilter(values, cv2.CV_64F, (size, size), anchor=(0, 0), borderType=cv2.BORDER_REFLECT_101)
        return valid(found, 0, size - 1)

    return _moments(image, other, mean)


def valid(values: Floats, before: int, after: int) -> Floats:
    """(h, w, ...) without so many rows and columns at each side.

    Raises:
        ValueError: nothing is left.
    """
    height, width = values.shape[:2]
    if min(height, width) <= before + after:
        raise ValueError(f"a picture of {width} x {height} pixels holds no window of {before + after + 1}")
    return values[before : height - after, before : width - after]


def _moments(image: Picture, other: Picture, mean: Callable[[Floats], Floats]) -> Moments:
    if image.shape != other.shape:
        raise ValueError(f"pictures must be of one size, found {image.shape} and {other.shape}")
    one, two = (picture.astype(np.float32) - SHIFT for picture in (image, other))
    total, difference = one + two, one - two
    mean_total, mean_difference = mean(total), mean(difference)
    square_total, square_difference = mean(total * total), mean(difference * difference)
    # Sums of the variances of total and difference, each of which is not below 0 but for rounding.
    variance_total = np.maximum(square_total - mean_total**2, 0)
    variance_difference = np.maximum(square_difference - mean_difference**2, 0)
    unshifted = mean_total + 2 * SHIFT
    return Moments(
        product=(unshifted**2 - mean_difference**2) / 4,
        squares=(unshifted**2 + mean_difference**2) / 2,
        covariance=(variance_total - variance_difference) / 4,
        variances=(variance_total + variance_difference) / 2,
    )


class Windows(NamedTuple):
    """Scores of windows.

    Attributes:
        scores: (h, w, 3).
        before: pixels from the picture's edge to the middle of the first window.
    """

    scores: Floats
    before: int


def averaged(windows: Windows, mask: NDArray[np.uint8] | None) -> float:
    """Mean of the windows' scores; with a mask of those whose middle pixel is missing.

    Args:
        mask: (H, W), 0 where known.

    Returns:
        NaN where no window's middle is missing.
    """
    scores, before = windows
    if mask is None:
        return float(scores.mean())
    height, width = scores.shape[:2]
    inside = mask[before : before + height, before : before + width] > 0
    return float(scores[inside].mean()) if inside.any() else float("nan")
