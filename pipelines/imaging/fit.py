"""Pixels of any size to the square that a dataset holds.

How a picture was fitted is kept as one affine matrix, so that boxes and landmarks found on the original stay usable.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Literal, Self, cast

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.imaging.colour import Picture

Matrix = tuple[float, float, float, float, float, float]
"""(a, b, c, d, e, f): x' = a x + b y + c and y' = d x + e y + f, where a picture reaches from 0 to its width."""

Box = tuple[int, int, int, int]
"""(left, top, width, height) in pixels."""

MILD_SHRINK = 4 / 3
"""Up to here INTER_CUBIC comes 1 to 4 dB closer to Lanczos than INTER_AREA and takes a quarter of its time; beyond, it
aliases (`benchmarks/codecs.py`). Scaled decoding leaves less than this from 4/8 upwards."""

Level = Annotated[int, Field(ge=0, le=255)]


class Fit(BaseModel):
    """The recipe's `image` block: how pictures are fitted and stored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int = Field(256, ge=64, le=2048, description="Width and height of every picture, in pixels.")
    fit: Literal["crop", "letterbox", "exact", "face"] = Field(
        "crop",
        description="crop cuts a square, letterbox keeps the whole picture and fills the rest with the background, "
        "exact squeezes the picture to a square, face cuts an upright crop around each face, the largest first.",
    )
    template: Literal["arcface", "ffhq"] = Field(
        "ffhq", description="How faces lie in their crops: ffhq with hair and chin, arcface as recognition wants them."
    )
    max_enlarge: float = Field(
        1.0, gt=0, description="Leave out faces whose crop would need more than so many pixels for one of the picture."
    )
    max_outside: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="Leave out faces of whose crop more than this share lies beyond the picture; what does is filled "
        "with the picture's mirror image.",
    )
    position: Literal["centre", "random"] = Field("centre", description="Where the square is cut.")
    crop_range: tuple[float, float] = Field(
        (1.0, 1.0),
        description="Side of the square as a share of the picture's shorter side, drawn between the two numbers; never "
        "so small that pixels would have to be enlarged.",
    )
    crops_per_image: int = Field(
        1, ge=1, le=99, description="How many squares are cut from a picture; of its faces at most so many."
    )
    format: Literal["jpg", "png", "webp"] = Field("jpg", description="How the clean picture is stored.")
    quality: int = Field(95, ge=1, le=100, description="Quality of jpg and webp.")
    subsampling: Literal["444", "422", "420"] = Field("444", description="Resolution of colour in jpg: 444 is full.")
    background: tuple[Level, Level, Level] = Field((0, 0, 0), description="RGB colour around letterboxed pictures.")
    damaged_format: Literal["png", "webp"] = Field(
        "png", description="How the damaged picture is stored, without loss: png is fast, webp a quarter smaller."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        low, high = self.crop_range
        if not 0 < low <= high <= 1:
            raise ValueError(f"crop_range must be two numbers with 0 < low <= high <= 1, found [{low}, {high}]")
        for name, reason in self._without_effect():
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"{name} has no effect with {reason}: remove one of the two")
        if self.crops_per_image > 1 and self.position == "centre" and self.fit == "crop":
            raise ValueError(
                f"crops_per_image: {self.crops_per_image} would cut the same centre each time: add position: random"
            )
        return self

    @property
    def draws(self) -> bool:
        """Whether anything is left to chance."""
        low, high = self.crop_range
        return self.fit == "crop" and (self.position == "random" or low < high)

    def _without_effect(self) -> Iterator[tuple[str, str]]:
        """Settings, by name, that nothing reads beside the others, and why."""
        if self.fit != "crop":
            yield from ((name, f"fit: {self.fit}") for name in ("crop_range", "position"))
        if self.fit not in ("crop", "face"):
            yield "crops_per_image", f"fit: {self.fit}"
        if self.fit != "face":
            yield from ((name, f"fit: {self.fit}") for name in ("template", "max_enlarge", "max_outside"))
        if self.fit != "letterbox":
            yield "background", f"fit: {self.fit}"
        if self.format != "jpg":
            yield "subsampling", f"format: {self.format}"
        if self.format == "png":
            yield "quality", "format: png"


def decode_side(options: Fit) -> int:
    """Pixels that the decoded picture's shorter side needs so that `fit` enlarges nothing needlessly."""
    return math.ceil(options.size / options.crop_range[0])


def fit(picture: Picture, scale: float, options: Fit, rng: np.random.Generator | None) -> tuple[Picture, Matrix]:
    """Fits a decoded picture into the square; faces are fitted by `align.warp`.

    Args:
        picture: (H, W, 3) uint8, not changed.
        scale: decoded pixels per original pixel, from `decode`.
        options: whose size, fit, position, crop_range and background count here.
        rng: needed only where the options leave something to chance.

    Returns:
        (size, size, 3) uint8, C-contiguous, and the matrix from the upright original to it.
    """
    height, width = picture.shape[:2]
    source: Box = (0, 0, width, height)
    target: Box = (0, 0, options.size, options.size)
    if options.fit == "crop":
        source = _crop(width, height, options, rng)
    elif options.fit == "letterbox":
        target = _letterbox(width, height, options.size)
    return _place(picture, source, target, options), _matrix(source, target, scale)


def _crop(width: int, height: int, options: Fit, rng: np.random.Generator | None) -> Box:
    shorter = min(width, height)
    low, high = options.crop_range
    assert rng is not None or not options.draws
    share = rng.uniform(low, high) if rng and low < high else low
    side = max(round(share * shorter), min(options.size, shorter))
    if rng and options.position == "random":
        return int(rng.integers(width - side + 1)), int(rng.integers(height - side + 1)), side, side
    return (width - side) // 2, (height - side) // 2, side, side


def _letterbox(width: int, height: int, size: int) -> Box:
    ratio = size / max(width, height)
    width, height = max(1, round(width * ratio)), max(1, round(height * ratio))
    return (size - width) // 2, (size - height) // 2, width, height


def _place(picture: Picture, source: Box, target: Box, options: Fit) -> Picture:
    left, top, width, height = source
    pixels = _resize(picture[top : top + height, left : left + width], target[2], target[3])
    if pixels.shape[:2] == (options.size, options.size):
        return np.ascontiguousarray(pixels)
    left, top, width, height = target
    square = np.empty((options.size, options.size, 3), np.uint8)
    square[:] = options.background
    square[top : top + height, left : left + width] = pixels
    return square


def _resize(pixels: Picture, width: int, height: int) -> Picture:
    if pixels.shape[:2] == (height, width):
        return pixels
    shrink = max(pixels.shape[0] / height, pixels.shape[1] / width)
    interpolation = cv2.INTER_AREA if shrink > MILD_SHRINK else cv2.INTER_CUBIC
    return cast(Picture, cv2.resize(pixels, (width, height), interpolation=interpolation))


def _matrix(source: Box, target: Box, scale: float) -> Matrix:
    across, down = target[2] / source[2], target[3] / source[3]
    return (scale * across, 0.0, target[0] - source[0] * across, 0.0, scale * down, target[1] - source[1] * down)
