"""What every sort of occluder is given to be drawn from, and what it answers."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from pipelines.damage import noise
from pipelines.damage.holes import Color
from pipelines.damage.occluders.head import Head

Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Held:
    """One occluder before one head.

    Attributes:
        head: where it is.
        item: which of the sort's shapes.
        seed: of all that varies.
        place: where it is held, one of the sort's places, "" where there is only one.
        side: -1 for the picture's left, 1 for its right.
        skin, hair, cloth: of the person and what it wears.
        seen: how much of what leads to the left and the right ear is not hidden by hair, 0 to 1.
        rng: from the seed; a sort draws from it in a fixed order.
    """

    head: Head
    item: str
    seed: int
    place: str = ""
    side: int = 1
    skin: Color = (200, 160, 140)
    hair: Color = (50, 40, 36)
    cloth: Color = (38, 44, 62)
    seen: tuple[float, float] = (1.0, 1.0)
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rng", noise.from_seed(self.seed))

    def fresh(self, name: str) -> np.random.Generator:
        """Another source of randomness, always the same for a name."""
        return noise.from_seed(self.seed ^ zlib.crc32(name.encode()))


def chosen(rng: np.random.Generator, choices: tuple[Choice, ...]) -> Choice:
    return choices[int(rng.integers(len(choices)))]


def varied(rng: np.random.Generator, color: Color, reach: int) -> Color:
    """A colour a little lighter or darker, warmer or colder."""
    moves = rng.integers(-reach, reach + 1) + rng.integers(-reach // 2, reach // 2 + 1, 3)
    red, green, blue = (int(min(max(level + move, 4), 250)) for level, move in zip(color, moves, strict=True))
    return red, green, blue
