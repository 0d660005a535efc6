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

from trainers.metrics import ssim, uqi
from trainers.metrics.pixels import mae, mse, psnr
from trainers.metrics.windows import Picture, Windows, averaged

Measure = Callable[[Picture, Picture, NDArray[np.uint8]], tuple[float, float]]
"""Of the image and the inpainted picture, the figure of the whole and that of the hole."""


def _pixels(measure: Callable[[Picture, Picture, NDArray[np.uint8] | None], float]) -> Measure:
    return lambda image, inpainted, mask: (measure(image, inpainted, None), measure(image, inpainted, mask))


def _windows(scored: Callable[[Picture, Picture], Windows]) -> Measure:
    """Windows are scored once, and averaged twice."""

    def both(image: Picture, inpainted: Picture, mask: NDArray[np.uint8]) -> tuple[float, float]:
        found = scored(image, inpainted)
        return averaged(found, None), averaged(found, mask)

    return both


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        higher_is_better: which way.
        digits: after the point, in tables.
    """

    meaning: str
    measure: Measure
    higher_is_better: bool
    digits: int = 4


METRICS: dict[str, Metric] = {
    "mae": Metric("mean absolute error, white is 1", _pixels(mae), False),
    "mse": Metric("mean squared error, white is 1", _pixels(mse), False, 5),
    "uqi": Metric(
        "universal quality index by its definition, windows of 8", _windows(partial(uqi.windows, kind="uniform")), True
    ),
    "uqi_torchmetrics": Metric(
        "UQI as torchmetrics computes it", _windows(partial(uqi.windows, kind="gaussian")), True
    ),
    "uqi_sewar": Metric(
        "UQI as sewar computes it, near 1 for anything: for older tables",
        _windows(partial(uqi.windows, kind="legacy_sewar")),
        True,
    ),
    "psnr": Metric("peak signal-to-noise ratio in dB, the mean over pictures", _pixels(psnr), True, 2),
    "ssim": Metric(
        "structural similarity, Gaussian windows of 11 wholly inside",
        _windows(partial(ssim.windows, form="reference")),
        True,
    ),
    "ssim_skimage": Metric(
        "SSIM as scikit-image computes it by default", _windows(partial(ssim.windows, form="skimage")), True
    ),
}
"""Of the survey's Table 2 and what papers call by the same names; each is defined where it is computed."""

HOLE = "hole_"
"""What the name of a metric begins with where it is of the hole alone."""

ERRORS = frozenset({"lpips", "fid", "kid", "landmark_error", "identity_drop", "tone_change", "hue_change", "lost"})
"""Figures besides `METRICS` of which less is better."""


def higher_is_better(name: str) -> bool:
    """Which way a figure is better, of the hole or the whole."""
    base = name.removeprefix(HOLE)
    return METRICS[base].higher_is_better if base in METRICS else base not in ERRORS


def measure(image: Picture, inpainted: Picture, mask: NDArray[np.uint8]) -> dict[str, float]:
    """Every metric of one picture, of the whole and, under `HOLE`, of the hole alone.

    Args:
        image, inpainted: (H, W, 3) uint8 RGB.
        mask: (H, W), 0 where known.
    """
    found = {name: metric.measure(image, inpainted, mask) for name, metric in METRICS.items()}
    whole = {name: of_whole for name, (of_whole, _) in found.items()}
    return whole | {f"{HOLE}{name}": of_hole for name, (_, of_hole) in found.items()}
