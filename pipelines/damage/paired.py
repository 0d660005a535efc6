"""Pairs: pictures that a corpus shows twice, as they are and covered, such as MaskedFace-Net's over FFHQ's.

The damage is not drawn but found: where the two differ, something lies over the original.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import ClassVar, Literal, cast

import cv2
import numpy as np
from pydantic import Field

from pipelines.damage.base import Context, Damage, DamageFailed, Drawn, Mask, Parameters, Picture, mask_ratio
from pipelines.damage.holes import Fraction
from pipelines.imaging.encode import decode_png, png


@dataclass(frozen=True, kw_only=True)
class Cover(Parameters):
    """What lies over the original, pixel by pixel: nothing but the pair itself could draw it again.

    Attributes:
        x, y: upper left corner of the rectangle that it fills.
        over, mask: PNGs of that rectangle in base64, RGB and 0 or 255.
    """

    x: int
    y: int
    over: str
    mask: str

    def draw(self, image: Picture) -> Drawn:
        over, inside = (decode_png(base64.b64decode(text)) for text in (self.over, self.mask))
        damaged, mask = image.copy(), np.zeros(image.shape[:2], np.uint8)
        place = slice(self.y, self.y + len(inside)), slice(self.x, self.x + inside.shape[1])
        mask[place] = inside
        cv2.copyTo(over, inside, damaged[place])
        return Drawn(damaged, mask, mask)


class Paired(Damage):
    """The picture that the corpus pairs with its original: the original is the image, the picture the damage.

    Both are stored lossily, so they differ a little everywhere. What differs by more than `threshold` after a slight
    blur is covered; specks are dropped, gaps closed, and `margin` added, so that the shadow at its rim is inside.

    Source: ours; MaskedFace-Net (Cabani et al. 2021) says which pictures are pairs, not which pixels are covered.
    """

    parameters_type: ClassVar[type[Parameters]] = Cover
    meets_ratios: ClassVar[bool] = False
    looks_at: ClassVar[frozenset[str]] = frozenset({"image", "covered"})

    kind: Literal["paired"] = Field("paired", description="What the corpus shows over its original, such as a mask.")
    threshold: int = Field(24, ge=1, le=254, description="Levels of 255 by which covered pixels differ at least.")
    margin: Fraction = Field(0.008, description="By how much the hole is wider, as a fraction of the shorter side.")
    max_ratio: Fraction = Field(
        0.75, description="Where more of the picture differs, the two are not of one picture, or lie otherwise."
    )

    def lacks(self, context: Context) -> str:
        return "pair" if context.covered is None else ""

    def sample(self, rng: np.random.Generator, context: Context) -> Cover:  # noqa: ARG002  # nothing is left to chance
        image, covered = context.image, context.covered
        assert image is not None
        if covered is None:
            raise DamageFailed("the corpus pairs this picture with no other")
        mask = self._differing(image, covered)
        if not 0 < mask_ratio(mask) <= self.max_ratio:
            raise DamageFailed(
                f"the picture and its pair differ in {mask_ratio(mask):.1%} of their pixels, expected some and at most "
                f"{self.max_ratio:.0%}: are they of the same picture?"
            )
        x, y, width, height = cv2.boundingRect(mask)
        place = slice(y, y + height), slice(x, x + width)
        over = cv2.copyTo(covered[place], mask[place])
        return Cover(x=x, y=y, over=_text(cast(Picture, over)), mask=_text(mask[place]))

    def _differing(self, image: Picture, covered: Picture) -> Mask:
        shorter = min(image.shape[:2])
        most = cv2.GaussianBlur(cv2.absdiff(image, covered), (0, 0), max(0.8, shorter / 256)).max(axis=2)
        mask = cv2.threshold(most, self.threshold, 255, cv2.THRESH_BINARY)[1]
        mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, _disc(shorter / 200))
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, _disc(shorter / 40))
        outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        whole = np.zeros_like(mask)
        large = [outline for outline in outlines if cv2.contourArea(outline) > (shorter / 40) ** 2]
        cv2.drawContours(whole, large, -1, 255, cv2.FILLED)
        return cast(Mask, cv2.dilate(whole, _disc(self.margin * shorter)))


def _disc(radius: float) -> Mask:
    side = 2 * max(1, round(radius)) + 1
    return cast(Mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))


def _text(pixels: Picture | Mask) -> str:
    return base64.b64encode(png(np.ascontiguousarray(pixels))).decode()
