"""Metrics of pictures: what each is called, what it means, and which way is better.

Pictures are 8-bit RGB, as files hold them: what is compared is what somebody would see. A metric of pixels is told
twice, of the whole picture and of the hole alone; in a picture of which a tenth is missing the whole is nine tenths
equal by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from trainers.metrics.pixels import mae, mse, psnr
from trainers.metrics.ssim import ssim
from trainers.metrics.uqi import uqi
from trainers.metrics.windows import Picture

Measure = Callable[[Picture, Picture, NDArray[np.uint8] | None], float]
"""Image, inpainted picture, and a mask where only the hole counts."""


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        measure: None where it is not computed of two pictures' pixels alone.
        higher_is_better: which way.
        digits: after the point, in tables.
    """

    meaning: str
    measure: Measure | None
    higher_is_better: bool
    digits: int = 4


METRICS: dict[str, Metric] = {
    "mae": Metric("mean absolute error, white is 1", mae, False),
    "mse": Metric("mean squared error, white is 1", mse, False, 5),
    "uqi": Metric("universal quality index by its definition, windows of 8", uqi, True),
    "uqi_torchmetrics": Metric("UQI as torchmetrics computes it", partial(uqi, kind="gaussian"), True),
    "uqi_sewar": Metric(
        "UQI as sewar computes it, near 1 for anything: for older tables", partial(uqi, kind="legacy_sewar"), True
    ),
    "psnr": Metric("peak signal-to-noise ratio in dB, the mean over pictures", psnr, True, 2),
    "ssim": Metric("structural similarity, Gaussian windows of 11 wholly inside", ssim, True),
    "ssim_skimage": Metric("SSIM as scikit-image computes it by default", partial(ssim, form="skimage"), True),
}
"""Of the survey's Table 2 and what papers call by the same names; each is defined where it is computed."""
