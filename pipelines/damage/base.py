"""What a damage is: parameters drawn once, and a pure function that draws them.

A family is one file. It holds a `Damage` (its entry in a recipe, validated), whose `sample` draws
parameters, and shares or brings a `Parameters` class, whose `draw` lays them over a picture.
Parameters go into the sample's `json`, so whatever was drawn can be drawn again.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

Picture = NDArray[np.uint8]
"""(H, W, 3) RGB."""

Mask = NDArray[np.uint8]
"""(H, W), 255 = missing, 0 = known."""


class DamageFailed(Exception):
    """No parameters within the asked ratio were found in a bounded number of tries."""


@dataclass(frozen=True)
class Context:
    """What a damage may know of the picture it is drawn for.

    Attributes:
        height, width: pixels.
        ratio_range: the share of missing pixels must lie in (low, high]; None leaves the family
            to its own distribution.
    """

    height: int
    width: int
    ratio_range: tuple[float, float] | None = None


@dataclass(frozen=True)
class Parameters:
    """Everything needed to draw one damage: plain numbers, strings and tuples of them."""

    def draw(self, image: Picture) -> tuple[Picture, Mask]:
        """Lays this damage over a picture.

        Args:
            image: (H, W, 3) uint8 RGB, not changed.

        Returns:
            The damaged picture, equal to `image` wherever the mask is 0, and the mask.
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
        return self

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
    return float(np.count_nonzero(mask)) / mask.size


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
