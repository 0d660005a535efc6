"""The recipe's `quality` block: what is measured of every picture's quality, and which thresholds drop it.

Every threshold is `min_` or `max_` before the name of its number, so that rules, table and report follow from this one
list. What could not be told is NaN, and NaN never drops. No threshold is set unless a person sets it: how much a
picture may lack depends on what the network is to learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, cast

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.curate.borders import content_box
from pipelines.curate.compression import blockiness, jpeg_quality
from pipelines.curate.detail import Luma, detail_share, sharpness, tiles
from pipelines.curate.tone import chroma, tones
from pipelines.imaging.colour import Picture

NUMBERS: dict[str, str] = {
    "border_share": "Share of the picture that is a frame, letterbox or pillarbox of one colour.",
    "one_tone": "Share of the pixels that have the same brightness, give or take 4 levels of 256; 1 is constant.",
    "brightness": "Mean brightness, 0 black to 1 white.",
    "crushed": "Share of the pixels that are black.",
    "blown": "Share of the pixels that are white.",
    "contrast": "Between the darkest and the brightest 5 % of the pixels, 0 to 1.",
    "chroma": "What 95 % of the pixels do not exceed between strongest and weakest channel; 0 is grey.",
    "detail_share": "Resolution that the picture really has, as a share of its nominal one; about 1/2 when blown up "
    "twice.",
    "sharpness": "How sharp it looks at one size of the screen, 0 to 1, whatever its resolution.",
    "blockiness": "How much higher steps are on the edges of a JPEG's blocks than inside them, saved as PNG too.",
    "jpeg_quality": "Quality setting of the JPEG file, by its table; of no other format.",
}
"""Columns of the measured table, and what each says."""

_DECIMALS = 4
_SIDE = 256


class Quality(BaseModel):
    """The `quality:` block of a recipe. An empty threshold drops nothing; its number is measured all the same."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_border_share: float | None = Field(
        None, ge=0, le=1, description="Share of the picture that is bars or a frame; 0.02 lets thin lines pass."
    )
    max_one_tone: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Share of pixels of one brightness; photographs seldom reach 0.6, pages 0.9.",
    )
    min_brightness: float | None = Field(None, ge=0, le=1, description="Mean brightness; dark photographs have 0.1.")
    max_brightness: float | None = Field(None, ge=0, le=1, description="Mean brightness; bright photographs have 0.8.")
    max_crushed: float | None = Field(None, ge=0, le=1, description="Share of black pixels.")
    max_blown: float | None = Field(None, ge=0, le=1, description="Share of white pixels.")
    min_contrast: float | None = Field(
        None, ge=0, le=1, description="Range of brightness of the middle 90 % of pixels; photographs have 0.3 to 0.9."
    )
    min_chroma: float | None = Field(
        None, ge=0, le=1, description="Colour of the most colourful pixels; 0.03 drops grey pictures."
    )
    min_detail_share: float | None = Field(
        None, ge=0, le=1, description="Real share of the resolution; 0.7 drops pictures that were blown up twice."
    )
    min_sharpness: float | None = Field(
        None, ge=0, le=1, description="Sharpness at screen size; photographs in focus have 0.6 to 0.9, 0.5 is blurred."
    )
    max_blockiness: float | None = Field(
        None, ge=0, description="Traces of JPEG's blocks; 0.35 is seldom exceeded at a quality of 80 or more."
    )
    min_jpeg_quality: float | None = Field(
        None, ge=1, le=100, description="Quality setting of JPEG files; other formats pass."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        least, most = self.min_brightness, self.max_brightness
        if least is not None and most is not None and least >= most:
            raise ValueError(f"min_brightness must be less than max_brightness, found {least} and {most}")
        return self


LIMITS: dict[str, str] = {
    "borders": "max_border_share",
    "near_constant": "max_one_tone",
    "too_dark": "min_brightness",
    "too_bright": "max_brightness",
    "underexposed": "max_crushed",
    "overexposed": "max_blown",
    "low_contrast": "min_contrast",
    "greyscale": "min_chroma",
    # What is out of focus holds little detail, too; it is not called blown up.
    "blurred": "min_sharpness",
    "blown_up": "min_detail_share",
    "blocky": "max_blockiness",
    "compressed": "min_jpeg_quality",
}
"""The threshold behind each reason, in the order in which they are asked."""


def number_of(limit: str) -> str:
    """The number that a threshold judges."""
    return limit[len("min_") :]


def needed(quality: Quality | None) -> tuple[str, ...]:
    """Numbers that are judged."""
    set_ = [limit for limit in LIMITS.values() if getattr(quality, limit, None) is not None]
    return tuple(dict.fromkeys(number_of(limit) for limit in set_))


def exceeds(numbers: Mapping[str, Any], quality: Quality | None, limit: str) -> Any:
    """Whether a picture, or which of many, is beyond a threshold; not where there is none, or no number."""
    threshold = getattr(quality, limit, None)
    if threshold is None:
        return np.False_
    value = numbers[number_of(limit)]
    return value < threshold if limit.startswith("min_") else value > threshold


def measure(picture: Picture, table_sum: int) -> dict[str, float]:
    """All `NUMBERS` of one picture.

    Args:
        picture: (H, W, 3) uint8 RGB, in full size and upright.
        table_sum: of its header.
    """
    height, width = picture.shape[:2]
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
    small, looked_at, content = small_luma(luma), tiles(luma), content_box(picture)
    found = tones(small) | {
        "border_share": 1 - content[2] * content[3] / (height * width),
        "chroma": chroma(picture),
        "detail_share": detail_share(looked_at),
        "sharpness": sharpness(small),
        "blockiness": blockiness(looked_at),
        "jpeg_quality": jpeg_quality(table_sum),
    }
    return {name: round(found[name], _DECIMALS) for name in NUMBERS}


def small_luma(luma: Luma) -> Luma:
    """Shrunk to a shorter side of 256, by halves as long as that goes: OpenCV is quickest at these."""
    while min(luma.shape) >= 2 * _SIDE:
        height, width = (side // 2 for side in luma.shape)
        luma = _resized(luma[: 2 * height, : 2 * width], width, height)
    scale = _SIDE / min(luma.shape)
    if scale >= 1:
        return luma
    width, height = (max(_SIDE, round(side * scale)) for side in luma.shape[::-1])
    return _resized(luma, width, height)


def _resized(luma: Luma, width: int, height: int) -> Luma:
    return cast(Luma, cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA))
