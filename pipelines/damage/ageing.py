"""Ageing: what time and copying do to a whole picture. It is no hole, and it is recorded beside the damage.

A sample's `image` is the aged picture, so that its holes lie in what a network sees; `original` is the picture before.
The order of the steps is that of a photograph's life: the lens, the film, the years, the scanner, the file. Everything
but the JPEG is done in whole numbers, so that stored parameters age a picture alike on every machine.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import Annotated, Any, Self

import cv2
import numpy as np
import simplejpeg
from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.damage import noise
from pipelines.damage.base import Mask, Parameters, Picture
from pipelines.damage.holes import FractionRange, integer
from pipelines.damage.overlay import blend
from pipelines.damage.prints import Probability

SEPIA = (
    noise.table((0, 22), (80, 112), (170, 204), (255, 252)),
    noise.table((0, 14), (80, 82), (170, 176), (255, 240)),
    noise.table((0, 10), (80, 52), (170, 132), (255, 208)),
)
"""Red, green and blue of a brown print by its lightness."""

MIDDLE_TONES = noise.table(*((level, 4 * level * (255 - level) / 255) for level in range(256)))
"""0 at black and white, 255 between them: where grain and casts are seen most."""


@dataclass(frozen=True)
class Aged(Parameters):
    """How one picture was aged; 0 leaves a step out.

    Attributes:
        blur: standard deviation in hundredths of a pixel.
        grain: standard deviation in tenths of a level, in the middle tones.
        grain_size: pixels.
        grain_seed: of the grain.
        fading: 0 to 255.
        toning: 0 to 255; 255 leaves nothing of the colours.
        warmth: of the toning, from grey at 0 to sepia at 255.
        cast: levels added to the middle tones of red, green and blue.
        side: pixels of the shorter side to which resolution fell.
        quality: of the JPEG.
    """

    blur: int = 0
    grain: int = 0
    grain_size: int = 1
    grain_seed: int = 0
    fading: int = 0
    toning: int = 0
    warmth: int = 0
    cast: tuple[int, int, int] = (0, 0, 0)
    side: int = 0
    quality: int = 0

    def age(self, image: Picture) -> Picture:
        """The picture, (H, W, 3) uint8, after all steps; not changed itself."""
        aged = blurred(image, self.blur / 100) if self.blur else image
        if self.grain:
            aged = grained(aged, self.grain, self.grain_size, self.grain_seed)
        if self.fading:
            aged = faded(aged, self.fading)
        if self.toning:
            aged = toned(aged, self.toning, self.warmth)
        if any(self.cast):
            aged = with_cast(aged, self.cast)
        if self.side:
            aged = coarsened(aged, self.side)
        return compressed(aged, self.quality) if self.quality else aged

    def to_json(self) -> str:
        """What was done, `{}` if nothing."""
        fields = dataclasses.fields(self)
        told = {field.name: getattr(self, field.name) for field in fields if getattr(self, field.name) != field.default}
        return json.dumps(told, separators=(",", ":"))


def blurred(image: Picture, sigma: float) -> Picture:
    return cv2.GaussianBlur(image, (0, 0), sigma)  # type: ignore[return-value]


def grained(image: Picture, strength: int, size: int, seed: int) -> Picture:
    """Film grain: the same in all colours, strongest between black and white.

    Args:
        image: (H, W, 3) uint8.
        strength: standard deviation in tenths of a level.
        size: pixels.
        seed: of the grain.
    """
    height, width = image.shape[:2]
    field = noise.fractal(noise.from_seed(seed), height, width, size, 1, 0.7)
    deviation = math.isqrt(int(np.square(field, dtype=np.int64).sum()) // field.size)
    weight = MIDDLE_TONES.astype(np.int32) * strength // 255
    moved = field * weight[cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)] // (10 * max(1, deviation))
    grain = np.clip(moved, -255, 255).astype(np.int16)
    return cv2.add(image, cv2.merge([grain, grain, grain]), dtype=cv2.CV_8U)  # type: ignore[return-value]


def faded(image: Picture, strength: int) -> Picture:
    """Blacks turn grey, whites dull, colours pale."""
    pale = _mixed(image, _grey(image), strength // 2)
    curve = noise.table((0, 90 * strength / 255), (255, 255 - 30 * strength / 255))
    return cv2.LUT(pale, curve)  # type: ignore[return-value]


def toned(image: Picture, strength: int, warmth: int) -> Picture:
    """Colours give way to one tone, from grey to the brown of sepia."""
    grey = _grey(image)
    brown = cv2.merge([curve[grey[..., 0]] for curve in SEPIA])
    return _mixed(image, _mixed(grey, brown, warmth), strength)  # type: ignore[arg-type]


def with_cast(image: Picture, cast: tuple[int, int, int]) -> Picture:
    """A colour over the middle tones, as when one dye fades before the others."""
    levels = np.arange(256)
    curves = [np.clip(levels + shift * MIDDLE_TONES.astype(np.int32) // 255, 0, 255) for shift in cast]
    return cv2.LUT(image, np.stack(curves, axis=1).astype(np.uint8)[None])  # type: ignore[return-value]


def coarsened(image: Picture, side: int) -> Picture:
    """Down to `side` pixels of the shorter side, and up again."""
    height, width = image.shape[:2]
    factor = side / min(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = cv2.resize(blurred(image, max(0.3, 0.45 / factor)), size, interpolation=cv2.INTER_LINEAR_EXACT)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)  # type: ignore[return-value]


def compressed(image: Picture, quality: int) -> Picture:
    data = simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality, colorsubsampling="420")
    decoded: Picture = simplejpeg.decode_jpeg(data)
    return decoded


def _grey(image: Picture) -> Picture:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cv2.merge([grey, grey, grey])  # type: ignore[return-value]


def _mixed(image: Picture, other: Picture, share: int) -> Picture:
    alpha: Mask = np.full(image.shape[:2], share, np.uint8)
    return blend(image, other, alpha)


class Step(BaseModel):
    """One thing that may happen to a picture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    probability: Probability = Field(0.4, description="How often.")

    @model_validator(mode="after")
    def _check_ranges(self) -> Self:
        for name, value in self:
            if name.endswith("_range") and value[0] > value[1]:
                raise ValueError(f"{name}: expected two numbers, the smaller first, found {list(value)}")
        return self

    def drawn(self, rng: np.random.Generator, shorter: int) -> dict[str, Any]:
        """Fields of `Aged` for a picture with a shorter side of so many pixels."""
        raise NotImplementedError


Quality = Annotated[int, Field(ge=1, le=100)]
Levels = Annotated[float, Field(gt=0, le=64)]
Share = Annotated[float, Field(ge=0, le=1)]


class Blur(Step):
    """A lens out of focus."""

    sigma_range: FractionRange = Field(
        (0.001, 0.005), description="Standard deviation of the blur, as a fraction of the shorter side."
    )

    def drawn(self, rng: np.random.Generator, shorter: int) -> dict[str, Any]:
        return {"blur": max(30, round(100 * rng.uniform(*self.sigma_range) * shorter))}


class Grain(Step):
    """Grain of the film."""

    strength_range: tuple[Levels, Levels] = Field(
        (3.0, 14.0), description="Standard deviation in the middle tones, in levels of 255."
    )
    size_range: FractionRange = Field((0.002, 0.008), description="Size of the grains, of the shorter side.")

    def drawn(self, rng: np.random.Generator, shorter: int) -> dict[str, Any]:
        size = max(1, round(rng.uniform(*self.size_range) * shorter))
        strength = max(1, round(10 * rng.uniform(*self.strength_range)))
        return {"grain": strength, "grain_size": size, "grain_seed": noise.seed_of(rng)}


class Fading(Step):
    """Lost contrast and colour."""

    strength_range: FractionRange = Field((0.1, 0.7), description="How much, 1 for the most.")

    def drawn(self, rng: np.random.Generator, shorter: int) -> dict[str, Any]:  # noqa: ARG002
        return {"fading": max(1, round(255 * rng.uniform(*self.strength_range)))}


class Toning(Step):
    """Grey or sepia instead of colours."""

    strength_range: FractionRange = Field((0.6, 1.0), description="How much, 1 for nothing left of the colours.")
    warmth_range: tuple[Share, Share] = Field((0.0, 1.0), description="Colour of the tone, from 0, grey, to 1, sepia.")

    def drawn(self, rng: np.random.Generator, shorter: int) -> dict[str, Any]:  # noqa: ARG002
        toning, warmth = rng.uniform(*self.strength_range), rng.uniform(*self.warmth_range)
        return {"toning": max(1, round(255 * toning)), "warmth": round(255 * warmth)}


class Cast(Step):
    """A colour over the picture, where dyes faded unlike."""

    strength_range: tuple[Levels, Levels] = Field(
        (6.0, 36.0), description="The most by which a colour is moved, in levels of 255."
    )

    def drawn(self, rng: np.random.Generator, shorter: int) -> dict[str, Any]:  # noqa: ARG002
        towards = rng.normal(0, 1, 3)
        cast = towards / np.abs(towards).max() * rng.uniform(*self.strength_range)
        return {"cast": tuple(np.rint(cast).astype(int).tolist())}


class LowResolution(Step):
    """A coarse scan."""

    scale_range: FractionRange = Field((0.3, 0.8), description="Resolution that is left, 1 for all of it.")

    def drawn(self, rng: np.random.Generator, shorter: int) -> dict[str, Any]:
        return {"side": max(1, round(rng.uniform(*self.scale_range) * shorter))}


class Jpeg(Step):
    """A file saved small."""

    quality_range: tuple[Quality, Quality] = Field((25, 80), description="Quality of the JPEG.")

    def drawn(self, rng: np.random.Generator, shorter: int) -> dict[str, Any]:  # noqa: ARG002
        return {"quality": integer(rng, *self.quality_range)}


class Ageing(BaseModel):
    """The recipe's `ageing:` block: how whole pictures are aged before they are damaged; null leaves a step out.

    Source: the unstructured defects of Wan et al., Bringing Old Photos Back to Life (CVPR 2020): grain, blur, faded
    colours, low resolution and JPEG. Toning, casts and all ranges are ours.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    probability: Probability = Field(1.0, description="How often a picture is aged at all.")
    blur: Blur | None = Field(Blur(probability=0.3), description="A lens out of focus.")
    grain: Grain | None = Field(Grain(probability=0.6), description="Grain of the film.")
    fading: Fading | None = Field(Fading(probability=0.6), description="Lost contrast and colour.")
    toning: Toning | None = Field(Toning(), description="Grey or sepia instead of colours.")
    cast: Cast | None = Field(Cast(), description="A colour over the picture.")
    low_resolution: LowResolution | None = Field(LowResolution(probability=0.2), description="A coarse scan.")
    jpeg: Jpeg | None = Field(Jpeg(), description="A file saved small.")

    def sample(self, rng: np.random.Generator, height: int, width: int) -> Aged:
        """Draws how a picture of this size is aged."""
        if rng.random() >= self.probability:
            return Aged()
        fields: dict[str, Any] = {}
        for step in (self.blur, self.grain, self.fading, self.toning, self.cast, self.low_resolution, self.jpeg):
            if step is not None and rng.random() < step.probability:
                fields |= step.drawn(rng, min(height, width))
        return Aged(**fields)
