"""Rules: a picture's measurements in, keep or a reason out.

Measuring reads and decodes the picture, which is dear, and happens once. Rules look at the numbers only, of one
picture or of millions at once, so a changed threshold costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from pipelines.curate import quality
from pipelines.curate.near import Duplicates
from pipelines.curate.quality import Quality
from pipelines.engines import rules as face_rules
from pipelines.engines.rules import Faces
from pipelines.engines.stored import from_json

KEEP = ""


class Curate(BaseModel):
    """The `curate:` block of a recipe: thresholds, one per rule."""

    model_config = ConfigDict(extra="forbid")

    min_side: int | None = Field(
        None,
        ge=1,
        description="Drop pictures whose shorter side is below this; when empty, `image.size`: nothing is enlarged. "
        "With `fit: face` there is no limit when empty, since `image.max_enlarge` is one for each face.",
    )
    max_pixels: int = Field(
        64_000_000, ge=1, description="Drop pictures with more pixels, judged before any is decoded."
    )
    max_bytes: int = Field(64 * 2**20, ge=1, description="Drop pictures with more bytes, judged before they are read.")
    max_aspect: float | None = Field(
        None, ge=1, description="Drop pictures whose longer side is more than so many times the shorter."
    )
    quality: Quality | None = Field(
        None, description="Measure sharpness, detail, light, compression and more; its thresholds drop pictures."
    )
    duplicates: Duplicates | None = Field(
        None, description="Look for near-duplicates. Equal bytes are kept once in any case."
    )
    faces: Faces | None = Field(None, description="Look for faces, and which ones a picture must show.")


Numbers = Mapping[str, Any]
"""Columns of the measured table by name: numbers of one picture, or arrays (N,) of many."""

Rule = Callable[[Numbers, Curate], Any]
"""Says which pictures are to be dropped: a bool, or (N,) of them."""


def too_many_bytes(numbers: Numbers, curate: Curate) -> Any:
    return numbers["num_bytes"] > curate.max_bytes


def too_many_pixels(numbers: Numbers, curate: Curate) -> Any:
    return np.multiply(numbers["width"], numbers["height"], dtype=np.int64) > curate.max_pixels


def too_small(numbers: Numbers, curate: Curate) -> Any:
    return np.minimum(numbers["width"], numbers["height"]) < (curate.min_side or 1)


def aspect_ratio(numbers: Numbers, curate: Curate) -> Any:
    if curate.max_aspect is None:
        return np.False_
    shorter, longer = (choose(numbers["width"], numbers["height"]) for choose in (np.minimum, np.maximum))
    return longer > curate.max_aspect * shorter


def beyond(limit: str, numbers: Numbers, curate: Curate) -> Any:
    return quality.exceeds(numbers, curate.quality, limit)


RULES: dict[str, Rule] = {
    "too_many_bytes": too_many_bytes,
    "too_many_pixels": too_many_pixels,
    "too_small": too_small,
    "aspect_ratio": aspect_ratio,
    **{reason: partial(beyond, limit) for reason, limit in quality.LIMITS.items()},
}
"""By the reason they drop for, in the order in which they are asked; the first that drops is the one that counts."""


def needed(curate: Curate) -> list[str]:
    """Columns that the rules of a recipe look at."""
    return ["width", "height", "num_bytes", *quality.needed(curate.quality)]


def judge(picture: Numbers, curate: Curate) -> str:
    """Keep ("") or why a picture is dropped: its fault, else the first rule that says so.

    Args:
        picture: one row of the measured table.
    """
    fault = str(picture["fault"])
    reason = fault or next((reason for reason, drops in RULES.items() if drops(picture, curate)), KEEP)
    return reason or judge_faces(str(picture["found"]), curate)


def judge_faces(found: str, curate: Curate) -> str:
    """Keep ("") or why a picture's faces drop it.

    Args:
        found: JSON of the faces that an engine found.
    """
    return KEEP if curate.faces is None else face_rules.judge(from_json(found), curate.faces)


def judge_all(faults: NDArray[np.object_], numbers: Numbers, curate: Curate) -> NDArray[np.object_]:
    """As `judge`, for many pictures at once; faces are judged by themselves.

    Args:
        faults: (N,) what listing, reading or decoding found wrong, "" for nothing.
        numbers: arrays (N,) by column.

    Returns:
        (N,) reasons, "" for those kept.
    """
    reasons = faults.copy()
    for reason, drops in RULES.items():
        reasons[(reasons == KEEP) & drops(numbers, curate)] = reason
    return reasons
