"""SSIM, in the forms that papers mean by it; they differ by some hundredths, so each has its name."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trainers.metrics.windows import Moments, Picture, Windows, averaged, gaussian, uniform

C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

SIZE = 11
UNIFORM_SIZE = 7

Form = Literal["reference", "skimage", "torchmetrics"]


def ssim(
    image: Picture, inpainted: Picture, mask: NDArray[np.uint8] | None = None, *, form: Form = "reference"
) -> float:
    """Structural similarity, at most 1; the mean over channels and windows.

    Args:
        image, inpainted: (H, W, 3) uint8 RGB, at least as large as a window.
        mask: (H, W), 0 where known; with it only windows whose middle is missing count.
        form: `reference` has Gaussian windows of 11 pixels (sigma 1.5) that lie wholly inside; `skimage` has uniform
            windows of 7 with sample covariance, scikit-image's default and what AOT-GAN's figures are made with;
            `torchmetrics` reflects the picture at its edges, so that there is a Gaussian window for every pixel.

    Source: Wang, Bovik, Sheikh and Simoncelli, Image quality assessment, 2004, with K1 0.01 and K2 0.03; on RGB, as
    MAT's evaluation has it, where the paper has luminance.
    """
    return averaged(windows(image, inpainted, form), mask)


def windows(image: Picture, inpainted: Picture, form: Form) -> Windows:
    """SSIM of every window; arguments as `ssim`."""
    if form == "skimage":
        moments, normal = uniform(image, inpainted, UNIFORM_SIZE), UNIFORM_SIZE**2 / (UNIFORM_SIZE**2 - 1)
        return Windows(_scores(moments, normal), UNIFORM_SIZE // 2)
    padded = form == "torchmetrics"
    return Windows(_scores(gaussian(image, inpainted, SIZE, padded=padded), 1.0), 0 if padded else SIZE // 2)


def _scores(moments: Moments, normal: float) -> NDArray[np.floating]:
    """Of every window; `normal` makes sample moments of population moments."""
    upper = (2 * moments.product + C1) * (2 * normal * moments.covariance + C2)
    lower = (moments.squares + C1) * (normal * moments.variances + C2)
    found: NDArray[np.floating] = upper / lower
    return found
