"""Rules: a picture's measurements in, keep or a reason out.

Measuring reads and decodes the picture, which is dear, and happens once. Judging looks at the
numbers only, so a changed threshold costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

KEEP = ""


class Curate(BaseModel):
    """The `curate:` block of a recipe: thresholds, one per rule."""

    model_config = ConfigDict(extra="forbid")

    min_side: int | None = Field(
        None,
        ge=1,
        description="Drop pictures whose shorter side is below this; when empty, `image.size`: nothing is enlarged.",
    )
    max_pixels: int = Field(
        64_000_000, ge=1, description="Drop pictures with more pixels, judged before any is decoded."
    )
    max_bytes: int = Field(64 * 2**20, ge=1, description="Drop pictures with more bytes, judged before they are read.")
    max_aspect: float | None = Field(
        None, ge=1, description="Drop pictures whose longer side is more than so many times the shorter."
    )


Measurements = Mapping[str, Any]


def decodes(picture: Measurements, _: Curate) -> str:
    """Whatever listing, reading or decoding found wrong."""
    return str(picture["fault"])


def big_enough(picture: Measurements, curate: Curate) -> str:
    shorter = min(picture["width"], picture["height"])
    return "too_small" if shorter < (curate.min_side or 1) else KEEP


def well_proportioned(picture: Measurements, curate: Curate) -> str:
    if curate.max_aspect is None:
        return KEEP
    shorter, longer = sorted((picture["width"], picture["height"]))
    return "aspect_ratio" if longer > curate.max_aspect * shorter else KEEP


RULES: dict[str, Callable[[Measurements, Curate], str]] = {
    "decodes": decodes,
    "big_enough": big_enough,
    "well_proportioned": well_proportioned,
}
"""In the order in which they are asked; the first reason found is the one that counts."""


def judge(picture: Measurements, curate: Curate) -> str:
    """Keep ("") or the reason of the first rule that drops the picture."""
    return next((reason for rule in RULES.values() if (reason := rule(picture, curate))), KEEP)
