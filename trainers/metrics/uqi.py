"""UQI, the universal quality index; packages that offer it compute three different things."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from trainers.metrics.windows import Floats, Picture, Windows, averaged, gaussian, uniform, valid

WINDOW = 8

EPSILON = float(np.finfo(np.float32).eps)

Kind = Literal["uniform", "gaussian", "legacy_sewar"]


def uqi(
    image: Picture,
    inpainted: Picture,
    mask: NDArray[np.uint8] | None = None,
    *,
    kind: Kind = "uniform",
    window: int = WINDOW,
) -> float:
    """Universal quality index, -1 to 1, 1 for equal pictures; the mean over windows and channels.

    Args:
        image, inpainted: (H, W, 3) uint8 RGB, at least as large as a window.
        mask: (H, W), 0 where known; with it only windows whose middle is missing count.
        kind: `uniform` is the definition; `gaussian` is what torchmetrics 1.9 computes (windows of 11 weighted by a
            Gaussian, and an epsilon that gives flat equal regions less than 1); `legacy_sewar` is what sewar 0.4
            computes, which takes means where the formula has sums and so comes out near 1: for comparing with published
            tables alone.
        window: side of uniform windows in pixels.

    Source: Wang and Bovik, A universal image quality index, 2002: windows of 8, step 1.
    """
    return averaged(windows(image, inpainted, kind, window), mask)


def windows(image: Picture, inpainted: Picture, kind: Kind, window: int = WINDOW) -> Windows:
    """UQI of every window; arguments as `uqi`."""
    if kind == "gaussian":
        return Windows(_torchmetrics(image, inpainted), 5)
    if kind == "legacy_sewar":
        return Windows(_sewar(image, inpainted, window), window // 2)
    moments = uniform(image, inpainted, window)
    # Pixels are whole numbers, so variances are 0 or at least about 1 / window^2: what is less is rounding.
    flat = moments.variances < 1 / (4 * window**2)
    contrast = np.divide(2 * moments.covariance, moments.variances, where=~flat, out=np.ones_like(moments.variances))
    dark = moments.squares == 0
    light = np.divide(2 * moments.product, moments.squares, where=~dark, out=np.ones_like(moments.squares))
    return Windows(contrast * light, window // 2)


def _torchmetrics(image: Picture, inpainted: Picture) -> NDArray[np.floating]:
    moments = gaussian(image, inpainted, 11)
    scale = 1 / 255**2
    lower = moments.squares * scale * moments.variances * scale + EPSILON
    found: NDArray[np.floating] = 4 * moments.product * scale * moments.covariance * scale / lower
    return found


def _sewar(image: Picture, inpainted: Picture, window: int) -> NDArray[np.floating]:
    """As sewar: N times the means of products, less the products of means."""
    number = window**2
    one, two = image.astype(np.float64), inpainted.astype(np.float64)

    def mean(values: Floats) -> Floats:
        found = cv2.boxFilter(values, cv2.CV_64F, (window, window), borderType=cv2.BORDER_REFLECT)
        return valid(found, window // 2, window // 2)

    product, squares = mean(one) * mean(two), mean(one) ** 2 + mean(two) ** 2
    upper = 4 * (number * mean(one * two) - product) * product
    spread = number * mean(one**2 + two**2) - squares
    found = np.ones_like(product)
    flat = (spread == 0) & (squares != 0)
    found[flat] = 2 * product[flat] / squares[flat]
    np.divide(upper, spread * squares, where=spread * squares != 0, out=found)
    return found
