"""What a damage is: parameters drawn once, and a pure function that draws them.

A family is one file. It holds a `Damage` (its entry in a recipe, validated), whose `sample` draws
parameters, and shares or brings a `Parameters` class, whose `draw` lays them over a picture.
Parameters go into the sample's `json`, so whatever was drawn can be drawn again.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

Picture = NDArray[np.uint8]
"""(H, W, 3) RGB."""

Mask = NDArray[np.uint8]
"""(H, W), 255 = missing, 0 = known."""


class DamageFailed(Exception):
    """No parameters within the asked ratio were found in a bounded number of tries, or the picture allows none."""


class Drawn(NamedTuple):
    """A picture with its damage.

    Attributes:
        damaged: (H, W, 3) uint8, equal to the picture wherever the mask is 0.
        mask: (H, W) uint8, 255 = missing.
        alpha: (H, W) uint8, how much of the picture the damage hides: 0 nothing, 255 all; 0 wherever the mask is. The
            mask may be wider, by a margin and by what is shaded or shifted and not covered.
    """

    damaged: Picture
    mask: Mask
    alpha: Mask


@dataclass(frozen=True, eq=False)
class Face:
    """A face as a damage may know it, in pixels of the picture that is damaged; points may lie beyond it.

    Attributes:
        five: (5, 2) the eye on the picture's left, the one on its right, tip of the nose, left and right corner of the
            mouth.
        scheme: numbering of `points` in `landmarks.SCHEMES`, "" where there are none.
        points: (N, 2) dense landmarks, or None.
        yaw, pitch: degrees; yaw > 0 turns the nose to the picture's right, pitch > 0 looks up. None where unknown.
        score: how well the dense points fit, 0 to 1; None where unknown.
    """

    five: NDArray[np.float64]
    scheme: str = ""
    points: NDArray[np.float64] | None = None
    yaw: float | None = None
    pitch: float | None = None
    score: float | None = None


@dataclass(frozen=True, eq=False)
class ClassMap:
    """Classes of pixels: (H, W) uint8 numbers of a scheme of `classes.SCHEMES`."""

    labels: NDArray[np.uint8]
    scheme: str


@dataclass(frozen=True)
class Context:
    """What a damage may know of the picture it is drawn for.

    Attributes:
        height, width: pixels.
        ratio_range: the share of missing pixels must lie in (low, high]; None leaves the family
            to its own distribution.
        image: (H, W, 3) the picture itself, for damages that look at what they cover.
        faces: the nearest to the middle first.
        maps: label maps by guide, `parsing` of a face or `segments` of a scene.
        covered: (H, W, 3) the picture as its corpus shows it besides, covered by something; `image` is its original.
    """

    height: int
    width: int
    ratio_range: tuple[float, float] | None = None
    image: Picture | None = None
    faces: tuple[Face, ...] = ()
    maps: Mapping[str, ClassMap] = field(default_factory=dict)
    covered: Picture | None = None


@dataclass(frozen=True)
class Parameters:
    """Everything needed to draw one damage: plain numbers, strings and tuples of them."""

    def draw(self, image: Picture) -> Drawn:
        """Lays this damage over a picture.

        Args:
            image: (H, W, 3) uint8 RGB, not changed.
        """
        raise NotImplementedError

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**{name: _tuples(value) for name, value in json.loads(text).items()})


class Damage(BaseModel):
    """A damage as a recipe asks for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parameters_type: ClassVar[type[Parameters]]

    meets_ratios: ClassVar[bool] = True
    """Whether any asked ratio can be met; a face mask, say, is as large as its face."""

    looks_at: ClassVar[frozenset[str]] = frozenset()
    """What of the context besides the size is looked at: `image`, `faces`, `covered`, or a guide of `maps`."""

    kind: str
    weight: float = Field(1.0, gt=0, description="How often this damage is drawn, relative to the others.")
    ratio_range: tuple[float, float] | None = Field(
        None,
        description="Share of missing pixels, above the first number and up to the second. Without it the family keeps "
        "the distribution of its source.",
    )

    @model_validator(mode="after")
    def _check_ratio_range(self) -> Self:
        if self.ratio_range is not None:
            low, high = self.ratio_range
            if not 0 <= low < high <= 1:
                raise ValueError(f"ratio_range must be two numbers with 0 <= low < high <= 1, found [{low}, {high}]")
            if not self.meets_ratios and not self.can_be_asked():
                raise ValueError(f"{self.kind} has the size of what it covers, and takes no ratio_range: remove it")
        return self

    def wants(self) -> frozenset[str]:
        """What this entry looks at: `looks_at`, unless that depends on how it is set."""
        return self.looks_at

    def can_be_asked(self) -> bool:
        """Whether a ratio can be asked of this entry: `meets_ratios`, unless that depends on how it is set."""
        return self.meets_ratios

    def lacks(self, context: Context) -> str:  # noqa: ARG002  # families look at it
        """What this damage needs of a picture and does not find, "" if nothing: one word such as `face`."""
        return ""

    def notes(self) -> list[str]:
        """What a person should know before a build begins: sentences."""
        return []

    def sample(self, rng: np.random.Generator, context: Context) -> Parameters:
        """Draws parameters.

        Args:
            rng: the only source of randomness.
            context: the picture's size and the asked ratio.

        Raises:
            DamageFailed: the asked ratio was not met in a bounded number of tries.
        """
        raise NotImplementedError


def mask_ratio(mask: Mask) -> float:
    """Share of missing pixels, in [0, 1]."""
    # OpenCV counts four times as fast as numpy.
    return cv2.countNonZero(mask) / mask.size


DIFFICULTY_SIDE = 256
"""Larger masks are shrunk to it before distances are measured: the numbers hardly change, and the time is bounded."""


def difficulty(mask: Mask) -> float:
    """How hard a hole is to fill, 0 to 1, for training from easy to hard.

    The longest way from a missing pixel to a known one, as a share of half the shorter side, at most 1. Thin
    strokes are easy however much they cover, since what they hide is seen beside them; a box of the same ratio is
    not. Beyond the picture's edge nothing is known.

    Args:
        mask: (H, W) uint8.
    """
    side = max(mask.shape)
    if side > DIFFICULTY_SIDE:
        height, width = (max(1, round(length * DIFFICULTY_SIDE / side)) for length in mask.shape)
        mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)  # type: ignore[assignment]
    reach = float(cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_5).max())
    return float(min(1.0, round(2 * reach / min(mask.shape), 4)))


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
