"""Dust: specks, fibres and hairs that lay on the print or the glass when it was copied."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipelines.damage import noise
from pipelines.damage.base import Context, Mask, Parameters, Picture
from pipelines.damage.holes import Count, CountRange, FractionRange, integer
from pipelines.damage.noise import Stroke
from pipelines.damage.overlay import Layer, Overlay
from pipelines.damage.prints import LineDamage, Probability

Speck = tuple[int, int, int, int]
"""x, y and radius in sixteenths of a pixel, and opacity (0 to 255)."""

LIGHT, DARK = (246, 243, 236), (30, 26, 22)

CORNERS = 9


@dataclass(frozen=True, kw_only=True)
class DustFlecks(Overlay):
    """Specks and hairs: light ones over dark ones.

    Attributes:
        light_specks, dark_specks: uneven in shape.
        light_hairs, dark_hairs: lines.
        seed: of the shapes of the specks.
    """

    light_specks: tuple[Speck, ...] = ()
    dark_specks: tuple[Speck, ...] = ()
    light_hairs: tuple[Stroke, ...] = ()
    dark_hairs: tuple[Stroke, ...] = ()
    seed: int

    def layer(self, image: Picture) -> Layer:
        rng, size = noise.from_seed(self.seed), image.shape[:2]
        light = _drawn(rng, self.light_specks, self.light_hairs, *size)
        dark = _drawn(rng, self.dark_specks, self.dark_hairs, *size)
        alpha = noise.screened(light, dark)
        share = cv2.divide(light, alpha, scale=255)
        channels = [cv2.LUT(share, noise.table((0, low), (255, high))) for low, high in zip(DARK, LIGHT, strict=True)]
        return Layer(0, 0, cv2.merge(channels), noise.faint_removed(alpha))  # type: ignore[arg-type]


def _drawn(
    rng: np.random.Generator, specks: tuple[Speck, ...], hairs: tuple[Stroke, ...], height: int, width: int
) -> Mask:
    mask = np.zeros((height, width), np.uint8)
    for outline, (_, _, _, opacity) in zip(_outlines(rng, specks), specks, strict=True):
        cv2.fillPoly(mask, [outline], opacity, cv2.LINE_AA, noise.SHIFT)
    for hair in hairs:
        noise.stroke(mask, hair)
    return mask


def _outlines(rng: np.random.Generator, specks: tuple[Speck, ...]) -> NDArray[np.int32]:
    """(specks, CORNERS, 2) corners in sixteenths of a pixel: lumps, some of them long."""
    if not specks:
        return np.zeros((0, CORNERS, 2), np.int32)
    x, y, radius, _ = np.array(specks, np.float64).T
    angles = 2 * math.pi * (np.arange(CORNERS) + rng.random((len(specks), CORNERS)) * 0.8) / CORNERS
    reach = radius[:, None] * (0.55 + 0.6 * rng.random((len(specks), CORNERS)))
    longer, turn = 1 + 1.6 * rng.random((2, len(specks), 1)) ** 3
    along, across = reach * np.cos(angles) * longer, reach * np.sin(angles)
    turn = turn * 2 * math.pi
    points = np.stack(
        [
            x[:, None] + along * np.cos(turn) - across * np.sin(turn),
            y[:, None] + along * np.sin(turn) + across * np.cos(turn),
        ],
        axis=2,
    )
    outlines: NDArray[np.int32] = np.rint(points).astype(np.int32)
    return outlines


class Dust(LineDamage):
    """Dust and hairs; most are light, since dust on a negative or under an enlarger keeps light from the paper.

    Source: none. Most specks are hardly seen, a few are large.
    """

    parameters_type: ClassVar[type[Parameters]] = DustFlecks

    kind: Literal["dust"] = Field("dust", description="Specks of dust, fibres and hairs.")
    num_specks_range: CountRange = Field((20, 120), description="Specks.")
    speck_range: FractionRange = Field((0.0008, 0.006), description="Radius of a speck, of the shorter side.")
    num_hairs_range: tuple[Count | Literal[0], Count] = Field((0, 4), description="Hairs and fibres.")
    hair_range: FractionRange = Field((0.001, 0.0028), description="Width of a hair, of the shorter side.")
    length_range: FractionRange = Field((0.03, 0.3), description="Length of a hair, of the shorter side.")
    dark_probability: Probability = Field(0.2, description="How often a speck or a hair is dark.")

    def sample(self, rng: np.random.Generator, context: Context) -> DustFlecks:
        # One of the largest, so that something is seen on the smallest picture.
        sizes = np.concatenate([[1.0], rng.random(integer(rng, *self.num_specks_range) - 1) ** 3]).tolist()
        specks = [self._speck(rng, context, size) for size in sizes]
        hairs = [self._hair(rng, context) for _ in range(integer(rng, *self.num_hairs_range))]
        is_dark = [rng.random() < self.dark_probability for _ in (*specks, *hairs)]
        of_specks, of_hairs = is_dark[: len(specks)], is_dark[len(specks) :]
        return DustFlecks(
            margin=self.margin_in(context),
            light_specks=tuple(speck for speck, dark in zip(specks, of_specks, strict=True) if not dark),
            dark_specks=tuple(speck for speck, dark in zip(specks, of_specks, strict=True) if dark),
            light_hairs=tuple(hair for hair, dark in zip(hairs, of_hairs, strict=True) if not dark),
            dark_hairs=tuple(hair for hair, dark in zip(hairs, of_hairs, strict=True) if dark),
            seed=noise.seed_of(rng),
        )

    def _speck(self, rng: np.random.Generator, context: Context, size: float) -> Speck:
        low, high = self.speck_range
        x, y, opacity = rng.random(3).tolist()
        radius = low * (high / low) ** size * min(context.height, context.width) * noise.PIXEL
        place = int(x * context.width * noise.PIXEL), int(y * context.height * noise.PIXEL)
        # What is smaller than a pixel is as large, and fainter.
        least = noise.PIXEL // 2
        return *place, max(least, round(radius)), int((130 + opacity * 125) * min(1.0, radius / least))

    def _hair(self, rng: np.random.Generator, context: Context) -> Stroke:
        """A line whose curvature drifts: hairs swing, fibres curl."""
        shorter, steps = min(context.height, context.width), 20
        curl = rng.normal(0, 0.05) + np.cumsum(rng.normal(0, 0.025, steps))
        low, high = self.length_range
        length = low * (high / low) ** rng.random() * shorter
        start = rng.random(2) * (context.width, context.height)
        line = noise.wander(start, rng.uniform(0, 2 * math.pi), length, curl)
        width = round(rng.uniform(*self.hair_range) * shorter * noise.PIXEL)
        return noise.fixed(line), (width,) * steps, integer(rng, 150, 245)
