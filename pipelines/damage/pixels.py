"""Single pixels that are missing, each by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from pipelines.damage.base import DamageFailed, Mask, Parameters, mask_ratio
from pipelines.damage.holes import COLORS, Color, HoleDamage, filled

TRIES = 20


@dataclass(frozen=True)
class Dropped(Parameters):
    """Pixels that a seed says are missing: a list of them would be larger than the picture.

    Attributes:
        seed: of the generator whose bytes, two for each pixel, are compared with `level`.
        level: 0 to 65536; so many of 65536 are missing.
        fill: the colour of the hole.
    """

    seed: int
    level: int
    fill: Color = COLORS["grey"]

    def rasterise(self, height: int, width: int) -> Mask:
        drawn = np.frombuffer(np.random.PCG64(self.seed).random_raw(-(-height * width // 4)).astype("<u8"), "<u2")
        found: Mask = ((drawn[: height * width] < self.level).view(np.uint8) * np.uint8(255)).reshape(height, width)
        return found

    draw = filled


class Pixels(HoleDamage):
    """Random pixels are missing.

    Source: Yeh et al., Semantic Image Inpainting with Deep Generative Models (CVPR 2017), who drop 80 %.
    """

    parameters_type: ClassVar[type[Parameters]] = Dropped

    kind: Literal["pixels"] = Field("pixels", description="Random pixels, 80 % of them unless said otherwise.")
    share: float = Field(0.8, gt=0, lt=1, description="Share of the pixels that is missing.")

    def published(self, rng: np.random.Generator, height: int, width: int) -> Dropped:  # noqa: ARG002
        return _dropped(rng, self.share)

    def aimed(self, rng: np.random.Generator, height: int, width: int, ratio_range: tuple[float, float]) -> Dropped:
        low, high = ratio_range
        for _ in range(TRIES):
            dropped = _dropped(rng, low + rng.random() * (high - low))
            if low < mask_ratio(dropped.rasterise(height, width)) <= high:
                return dropped
        raise DamageFailed(f"no random pixels of {width} x {height} had a ratio in ({low}, {high}] in {TRIES} tries")


def _dropped(rng: np.random.Generator, share: float) -> Dropped:
    return Dropped(int(rng.integers(1 << 62)), round(share * 65536))
